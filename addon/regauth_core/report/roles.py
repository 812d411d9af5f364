"""Which part each host plays: the registry, its token server, or a store of blobs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from regauth_core.model import Endpoint, Exchange, Origin
from regauth_core.model.journal import Journal
from regauth_core.report.derived import once


class Role(StrEnum):
    """Who answers an exchange."""

    REGISTRY = "registry"
    TOKEN_SERVER = "token server"  # noqa: S105  no secret
    BLOB_STORE = "blob store"


@dataclass(frozen=True, slots=True)
class Roles:
    """The parts that the hosts of a journal play."""

    home: Origin | None
    """The registry that the journal is mostly about; its host is not repeated in every line."""
    registries: frozenset[Origin]
    realms: frozenset[tuple[Origin, str]]
    """Origin and path of every realm that a challenge named."""

    def of(self, exchange: Exchange) -> Role:
        """Who answers `exchange`."""
        if exchange.target.endpoint is not Endpoint.ELSEWHERE:
            return Role.REGISTRY
        answer = exchange.response
        if exchange.request.token is not None or (answer is not None and answer.token is not None):
            return Role.TOKEN_SERVER
        if (exchange.origin, path(exchange.request.url).partition("?")[0]) in self.realms:
            return Role.TOKEN_SERVER
        return Role.REGISTRY if exchange.origin in self.registries else Role.BLOB_STORE


@once
def roles(journal: Journal) -> Roles:
    """The parts that the hosts of `journal` play."""
    seen = Counter(e.origin for e in journal.exchanges if e.target.endpoint is not Endpoint.ELSEWHERE)
    named = {finding.registry for finding in journal.diagnosis.findings}
    accused = [origin for origin in seen if str(origin) in named]
    return Roles(
        home=max(accused or seen, key=lambda origin: seen[origin], default=None),
        registries=frozenset(seen),
        realms=frozenset(_realms(journal.exchanges)),
    )


def path(url: str) -> str:
    """Path and query of an absolute URL; the text itself where it is none."""
    scheme, mark, rest = url.partition("://")
    if not mark or "/" in scheme:
        return url
    authority, slash, tail = rest.partition("/")
    if slash:
        return slash + tail
    _, question, query = authority.partition("?")
    return "/" + question + query


def _realms(exchanges: Iterable[Exchange]) -> Iterable[tuple[Origin, str]]:
    for exchange in exchanges:
        for challenge in exchange.response.challenges if exchange.response else ():
            link = challenge.realm_link
            if link is not None and link.origin is not None:
                yield link.origin, str(link.path)
