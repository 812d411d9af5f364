"""Which hosts of a capture are what: the registry, its token server, its blob store, the place of its uploads."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from regauth_core.model import DEFAULT_PORTS, Endpoint, Exchange, FailureKind, Fingerprint, Link, Origin

MAX_UNREACHABLE = 50
_HOST = re.compile("[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?")
_PATH = re.compile(r"/[A-Za-z0-9._~/-]{0,200}")
_OF_REGISTRY = frozenset(Endpoint) - {Endpoint.ELSEWHERE, Endpoint.V2_OTHER, Endpoint.V1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The places of one capture."""

    registry: Origin
    token: tuple[Origin, str] | None
    """Origin and path of the token server."""
    service: str | None
    blobs: str | None
    """The host to which blobs are redirected."""
    uploads: str | None
    """The host of uploads where it is another than the registry's."""
    unreachable: tuple[str, ...]

    def is_registry(self, exchange: Exchange) -> bool:
        """Whether it is a request to the registry's API."""
        return exchange.origin.host == self.registry.host and not self.is_token(exchange)

    def is_token(self, exchange: Exchange) -> bool:
        """Whether it is a request to the token server."""
        return self.token is not None and (exchange.origin.host, path_of(exchange)) == (
            self.token[0].host,
            self.token[1],
        )


def path_of(exchange: Exchange) -> str:
    """The path of its URL without the query."""
    rest = exchange.request.url.partition("?")[0].partition("://")[2]
    return "/" + rest.partition("/")[2]


def surroundings_of(exchanges: Sequence[Exchange]) -> Surroundings | None:
    """The places in a capture; `None` where it holds no traffic of a registry with a name."""
    asked = Counter(exchange.origin.host for exchange in exchanges if exchange.target.endpoint in _OF_REGISTRY)
    hosts = asked or Counter(exchange.origin.host for exchange in exchanges)
    host = next((name for name, _ in hosts.most_common() if is_host(name)), None)
    if host is None:
        return None
    registry = next(exchange.origin for exchange in exchanges if exchange.origin.host == host)
    token = _token_server(exchanges, host)
    return Surroundings(
        registry=registry,
        token=token,
        service=_service(exchanges, host),
        blobs=_redirected(exchanges, host, Endpoint.BLOB),
        uploads=_redirected(exchanges, host, Endpoint.UPLOAD_START),
        unreachable=_unreachable(exchanges),
    )


def issued_in(exchanges: Sequence[Exchange]) -> frozenset[Fingerprint]:
    """Every token and refresh token whose issue is in the capture."""
    answers = [e.response.token for e in exchanges if e.response is not None and e.response.token is not None]
    found = {fingerprint for answer in answers for fingerprint in answer.fingerprints}
    return frozenset(found | {answer.refresh_token for answer in answers if answer.refresh_token})


def _token_server(exchanges: Sequence[Exchange], host: str) -> tuple[Origin, str] | None:
    realms: Counter[tuple[Origin, str]] = Counter()
    for exchange in exchanges:
        if exchange.origin.host != host or exchange.response is None:
            continue
        for challenge in exchange.response.challenges:
            link = challenge.realm_link
            if link is not None and link.origin is not None:
                realms[link.origin, str(link.path)] += 1
    if not realms:
        realms = Counter((e.origin, path_of(e)) for e in exchanges if e.request.token is not None)
    usable = (place for place, _ in realms.most_common() if _PATH.fullmatch(place[1]) and is_host(place[0].host))
    return next(usable, None)


def _service(exchanges: Sequence[Exchange], host: str) -> str | None:
    said = Counter(
        service
        for exchange in exchanges
        if exchange.origin.host == host and exchange.response is not None
        for challenge in exchange.response.challenges
        if challenge.kind == "bearer" and (service := challenge.parameter("service"))
    )
    if not said:
        said = Counter(e.request.token.service for e in exchanges if e.request.token and e.request.token.service)
    return said.most_common(1)[0][0] if said else None


def _redirected(exchanges: Sequence[Exchange], host: str, endpoint: Endpoint) -> str | None:
    found = Counter(
        exchange.response.location.origin.host
        for exchange in exchanges
        if exchange.origin.host == host
        and exchange.target.endpoint is endpoint
        and exchange.response is not None
        and exchange.response.location is not None
        and exchange.response.location.origin is not None
        and _is_elsewhere(exchange.response.location, host, endpoint)
    )
    return found.most_common(1)[0][0] if found else None


def _is_elsewhere(link: Link, host: str, endpoint: Endpoint) -> bool:
    """Whether what a registry's answer names is another place of that registry's."""
    if endpoint is Endpoint.BLOB:
        # Below /v2/ is another registry, where what matters is the path.
        return not link.path.startswith("/v2/")
    return link.origin is not None and link.origin.host != host


def _unreachable(exchanges: Sequence[Exchange]) -> tuple[str, ...]:
    """Hosts, with their ports, that never could be reached."""
    failed = {e.origin for e in exchanges if e.failure is not None and e.failure.kind is FailureKind.CONNECT}
    reached = {exchange.origin for exchange in exchanges if exchange.response is not None}
    places = sorted(f"{origin.host}:{origin.port}" for origin in failed - reached if is_host(origin.host))
    return tuple(places[:MAX_UNREACHABLE])


def named(origin: Origin, registry: Origin) -> str:
    """Host and port as a scenario names them, whose hosts are at the registry's port unless they say another."""
    if origin.port == DEFAULT_PORTS[origin.scheme] and registry.port == DEFAULT_PORTS[registry.scheme]:
        return origin.host
    return f"{origin.host}:{origin.port}"


def is_host(name: str) -> bool:
    """Whether a scenario can have a host called `name`."""
    return _HOST.fullmatch(name) is not None
