"""Which requests are a registry's: ``/v2/`` paths, and the token servers and blob stores that its answers name.

Of the hosts that an answer names only the named path is watched: a token server may be one page of a large site, and a
blob host may be shared with the rest of the world.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import islice
from typing import Final, TypeVar
from urllib.parse import unquote

from regauth_core.model import Endpoint, Origin, Safe
from regauth_core.protocol import challenge, links, references, target
from regauth_core.redaction.redactor import Redactor

MAX_NAMED: Final = 4096
"""URLs that answers have named; the oldest are forgotten."""
MAX_REGISTRIES: Final = 1024

_MOST_LINES: Final = 16
"""`Location` and `Link` lines of one answer that are read."""
_MOST_LINKS: Final = 64
_MAX_QUERY: Final = 4096
# Somebody may ask for a token before any challenge was recorded; nothing but the token protocol has these parameters.
_TOKEN_QUERY = re.compile(
    r"[?&](?:scope=(?:repository|registry)(?::|%3a)|service=[^&]*+&(?:scope|account|client_id)=|account=[^&]*+&(?:scope|service)=)",
    re.IGNORECASE,
)
_FORM_SCOPE = re.compile(rb"(?:^|&)scope=(?:repository|registry)(?::|%3a)", re.IGNORECASE)
_K = TypeVar("_K")
_V = TypeVar("_V")


class TrafficKind(Enum):
    """What a watched request is for, as far as the handling of its body goes."""

    REGISTRY = auto()
    TOKEN = auto()
    """The realm of a challenge."""
    STORAGE = auto()
    """Where an answer redirected to, or where an upload goes on."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a request goes: its origin, the path with the query, and the endpoint that the path names."""

    origin: Origin
    path: str
    endpoint: Endpoint


class Watch:
    """Remembers what registries have named. Bounded."""

    def __init__(self, hosts: Sequence[str] = ()) -> None:
        """`hosts`: the only ones that may be registries, as ``host``, ``host:port`` or ``*.domain``; empty for all."""
        self.hosts = tuple(hosts)
        self._registries: OrderedDict[tuple[str, int], None] = OrderedDict()
        self._named: OrderedDict[tuple[str, int, str], TrafficKind] = OrderedDict()
        self._realms: OrderedDict[tuple[str, int], str] = OrderedDict()

    def role_of(self, place: Destination) -> TrafficKind | None:
        """What the request is for; `None` if it is not a registry's."""
        host = (place.origin.host, place.origin.port)
        if place.endpoint is Endpoint.ELSEWHERE or not self.may_be_registry(place.origin):
            return self._named.get((*host, _bare(place.path))) or self._token_role(place)
        if place.endpoint in (Endpoint.V2_OTHER, Endpoint.V1):
            # Others have a /v1/ and a /v2/ too.
            named = bool(self.hosts) or host in self._registries
            return (
                TrafficKind.REGISTRY
                if named
                else self._named.get((*host, _bare(place.path))) or self._token_role(place)
            )
        _put(self._registries, host, None, MAX_REGISTRIES)
        return TrafficKind.REGISTRY

    def _token_role(self, place: Destination) -> TrafficKind | None:
        asks = not self.hosts and _TOKEN_QUERY.search(place.path, 0, _MAX_QUERY) is not None
        return TrafficKind.TOKEN if asks else None

    def token_path(self, host: str, port: int) -> str | None:
        """The path of the token server that a registry has named there last; `None` where none was named."""
        return self._realms.get((host, port))

    def is_known(self, origin: Origin) -> bool:
        """Whether the host was met as a registry, or named by one as its token server."""
        host = (origin.host, origin.port)
        return host in self._registries or host in self._realms

    def may_be_registry(self, origin: Origin) -> bool:
        """Whether the operator wants this host watched."""
        return not self.hosts or any(_matches(pattern, origin) for pattern in self.hosts)

    def learn(
        self, place: Destination, challenges: Sequence[str], locations: Iterable[str], link_lines: Iterable[str]
    ) -> None:
        """Take note of whom a recorded answer names: its `WWW-Authenticate`, `Location` and `Link` lines."""
        if challenges:
            for each in challenge.read(challenges).challenges:
                if each.scheme.lower() == "bearer":
                    self._name(place, each.parameter("realm") or "", TrafficKind.TOKEN)
        for location in islice(locations, _MOST_LINES):
            self._name(place, location, TrafficKind.STORAGE)
        for link in islice(link_lines, _MOST_LINES):
            for named in islice(links.named(link), _MOST_LINKS):
                self._name(place, named.url, TrafficKind.STORAGE)

    def learn_layers(self, place: Destination, body: bytes | None) -> None:
        """Take note of the hosts from which a manifest wants its foreign layers fetched."""
        for url in layer_urls(place, body):
            self._name(place, url, TrafficKind.STORAGE)

    def _name(self, place: Destination, url: str, role: TrafficKind) -> None:
        base = place.origin
        whole = target.absolute(url, scheme=base.scheme, host=base.host, port=base.port, path=place.path)
        origin = target.origin_of(whole) if whole else None
        if whole is None or origin is None:
            return
        path = "/" + whole.partition("://")[2].partition("/")[2]
        _put(self._named, (origin.host, origin.port, _bare(path)), role, MAX_NAMED)
        if role is TrafficKind.TOKEN:
            _put(self._realms, (origin.host, origin.port), path.partition("?")[0], MAX_REGISTRIES)


def layer_urls(place: Destination, body: bytes | None) -> tuple[str, ...]:
    """From where a manifest, the answer to the request for `place`, wants its foreign layers fetched, if it is one."""
    return references.layers(body) or () if body is not None and place.endpoint is Endpoint.MANIFEST else ()


def is_token_form(body: bytes | None) -> bool:
    """Whether a form asks for a token for a repository. A live proxy decides before it has the form; a file has it."""
    if body is None or b"grant_type=" not in body[:_MAX_QUERY]:
        return False
    return _FORM_SCOPE.search(body, 0, _MAX_QUERY) is not None


def destination_of(method: str, origin: Origin, path: str) -> Destination:
    """Where a request with the percent-encoded `path` (and query) goes."""
    found = target.read(method, path, name=_hidden, text=_hidden)
    return Destination(origin, path, found.endpoint)


def _hidden(_: str) -> Safe:
    return Redactor.nothing


def _bare(path: str) -> str:
    """The path by which a URL is known again: clients spell it as they like, and drop or add a slash at the end."""
    return unquote(path.partition("?")[0].partition("#")[0]).rstrip("/")


def _matches(pattern: str, origin: Origin) -> bool:
    host, _, port = pattern.rpartition(":") if re.search(r":[0-9]+\Z", pattern) else (pattern, "", "")
    if port and int(port) != origin.port:
        return False
    host = host.strip("[]")
    return origin.host.endswith(host[1:]) if host.startswith("*.") else origin.host == host


def _put(into: OrderedDict[_K, _V], key: _K, value: _V, most: int) -> None:
    into[key] = value
    into.move_to_end(key)
    if len(into) > most:
        into.popitem(last=False)
