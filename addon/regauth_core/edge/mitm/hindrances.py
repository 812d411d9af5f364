"""`regauth run`: connections and handshakes of the command that failed, as facts."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mitmproxy import tls
from mitmproxy.connection import Client
from mitmproxy.proxy import server_hooks

from regauth_core.model.obstacle import ObstacleKind

_MOST: Final = 100
_SAID: Final = "does not trust the proxy's certificate for"
"""In mitmproxy's words for a client that says so by an alert (RFC 8446 section 6.2)."""
_ERRNO: Final = re.compile(r"\[Errno (-?\d+)\]")
_KINDS: Final = {
    **dict.fromkeys(("-2", "-3", "-5", "8", "11001"), ObstacleKind.NO_SUCH_NAME),
    **dict.fromkeys(("111", "61"), ObstacleKind.REFUSED),
    **dict.fromkeys(("110", "60"), ObstacleKind.TIMED_OUT),
}
"""By the number of the system's error: of `getaddrinfo`, and of `connect` on Linux and macOS."""


@dataclass(frozen=True, slots=True)
class BadHandshake:
    """A client ended the handshake with the proxy."""

    host: str
    port: int
    registry: str | None
    """Why the registry's own certificate is not trusted; `None` where it is."""


@dataclass(frozen=True, slots=True)
class NoConnection:
    """The proxy could not connect."""

    host: str
    port: int
    kind: ObstacleKind


class Hindrances:
    """An addon that remembers, in order and each once."""

    name = "regauth-hindrances"

    def __init__(self, admits: Callable[[Client], bool], registry_reason: Callable[[Client], str | None]) -> None:
        """`admits`: whether a client is the command's; `registry_reason`: as `UpstreamVerifier.reason`."""
        self._admits = admits
        self._registry_reason = registry_reason
        self.handshakes: list[BadHandshake] = []
        self.connections: list[NoConnection] = []
        self._awaited: dict[str, tuple[str, int]] = {}
        """Servers that have not shown who they are, by the number of the connection."""

    @property
    def unanswered(self) -> tuple[NoConnection, ...]:
        """Servers that took a connection and then said nothing."""
        return tuple(
            NoConnection(host, port, ObstacleKind.TIMED_OUT) for host, port in dict.fromkeys(self._awaited.values())
        )

    def server_connected(self, data: server_hooks.ServerConnectionHookData) -> None:
        """A server has to begin with its handshake now."""
        address = data.server.address
        if address is not None and self._admits(data.client) and len(self._awaited) < _MOST:
            self._awaited[data.server.id] = (address[0].lower(), address[1])

    def tls_established_server(self, data: tls.TlsData) -> None:
        """It has."""
        self._awaited.pop(data.conn.id, None)

    def tls_failed_server(self, data: tls.TlsData) -> None:
        """It has, in a way."""
        if data.conn.error and "closed" not in data.conn.error:
            self._awaited.pop(data.conn.id, None)

    def tls_failed_client(self, data: tls.TlsData) -> None:
        """A client broke the handshake off."""
        client, address = data.conn, data.context.server.address
        if not isinstance(client, Client) or address is None or not self._admits(client):
            return
        reason = self._registry_reason(client)
        # Without an alert it may have been a connection that the client opened in advance and did not need.
        if reason is not None or _SAID in (client.error or ""):
            _remember(self.handshakes, BadHandshake(address[0].lower(), address[1], reason))

    def server_connect_error(self, data: server_hooks.ServerConnectionHookData) -> None:
        """No connection to a server, or to the proxy on the way there."""
        if data.server.address is not None and self._admits(data.client):
            host, port = data.server.address[0].lower(), data.server.address[1]
            _remember(self.connections, NoConnection(host, port, _kind(data.server.error or "")))


def _remember(known: list[BadHandshake] | list[NoConnection], fact: BadHandshake | NoConnection) -> None:
    if fact not in known and len(known) < _MOST:
        known.append(fact)  # type: ignore[arg-type]


def _kind(error: str) -> ObstacleKind:
    numbers = _ERRNO.findall(error)
    if not numbers and "timed out" in error.lower():
        return ObstacleKind.TIMED_OUT
    # Of a name with several addresses the last error is the one that decided.
    return _KINDS.get(numbers[-1], ObstacleKind.UNREACHABLE) if numbers else ObstacleKind.UNREACHABLE
