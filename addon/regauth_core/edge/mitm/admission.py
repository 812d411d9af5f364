"""Who may use the proxy of `regauth run`: only the command that it was started for.

The port of such a proxy is easy to find, and it may add credentials. So requests have to come with the password
that only the command gets, in its proxy's URL, or from a process that the command started. The one holds for daemons,
for other users' processes and on every system; the other for clients that ignore the password of a proxy's URL.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import Awaitable, Callable
from typing import Final

from mitmproxy import http
from mitmproxy.connection import Client

from regauth_core.edge.mitm.processes import Process, descends
from regauth_core.edge.mitm.subrequests import is_ours

_HEADER: Final = "proxy-authorization"
_USER: Final = "regauth"
_MOST_HELD: Final = 64 * 1024
"""Bytes of a body that is read before its request is refused."""
_REFUSAL: Final = b"This proxy is for the command that regauth run has started.\n"


class Admission:
    """An addon to be the first in the chain: others must neither see the password nor put another in its place."""

    name = "regauth-admission"

    def __init__(self, process_of: Callable[[Client], Awaitable[Process | None]]) -> None:
        """`process_of`: the process behind a connection, where it is known."""
        self.password = secrets.token_urlsafe(24)
        self.command: int | None = None
        """The number of the command's process, once it runs."""
        self.refused = 0
        """Requests that were refused."""
        self._process_of = process_of
        self._value = "Basic " + base64.b64encode(f"{_USER}:{self.password}".encode()).decode()
        self._admitted: set[str] = set()
        """Connections, by mitmproxy's number."""

    def url(self, port: int) -> str:
        """The proxy's URL, which is a secret."""
        return f"http://{_USER}:{self.password}@127.0.0.1:{port}"

    def admits(self, client: Client) -> bool:
        """Whether a connection is the command's."""
        return client.id in self._admitted

    def client_disconnected(self, client: Client) -> None:
        """Forget the connection."""
        self._admitted.discard(client.id)

    async def http_connect(self, flow: http.HTTPFlow) -> None:
        """Refuse other clients a tunnel."""
        await self._check(flow)

    async def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Refuse other clients an answer."""
        if flow.live and not is_ours(flow):
            await self._check(flow)

    async def _check(self, flow: http.HTTPFlow) -> None:
        if self._shows_password(flow.request):
            self._admitted.add(flow.client_conn.id)
        if not self.admits(flow.client_conn) and not await self._is_started(flow.client_conn):
            self.refused += 1
            self._refuse(flow)

    def _shows_password(self, request: http.Request) -> bool:
        """Whether the request has the password; it is taken away, wherever the request goes."""
        shown = False
        for value in request.headers.get_all(_HEADER):
            shown = shown or secrets.compare_digest(_canonical(value), self._value.encode())
        if shown:
            del request.headers[_HEADER]
        return shown

    async def _is_started(self, client: Client) -> bool:
        process = await self._process_of(client)
        if process is None or self.command is None:
            return False
        # Not of this process: where it is the first of a container, all whose parents have ended are its children.
        if not await asyncio.to_thread(descends, process.number, self.command):
            return False
        self._admitted.add(client.id)
        return True

    def _refuse(self, flow: http.HTTPFlow) -> None:
        """407, which makes clients send the password that send none unasked (RFC 9110 section 15.5.8)."""
        request = flow.request
        length = request.headers.get("content-length", "0")
        is_small = length.isdecimal() and len(length) < 10 and int(length) <= _MOST_HELD
        # HTTP/2 needs no length, and no client of this proxy speaks it but inside of a tunnel.
        if not is_small or "transfer-encoding" in request.headers or request.is_http2 or request.is_http3:
            flow.kill()
            return
        flow.response = http.Response.make(
            407, _REFUSAL, {"Content-Type": "text/plain", "Proxy-Authenticate": 'Basic realm="regauth run"'}
        )


def _canonical(value: str) -> bytes:
    """A `Proxy-Authorization`, the scheme as it is spelled here (RFC 9110 section 11.1)."""
    scheme, _, rest = value.strip().partition(" ")
    return f"{scheme.capitalize()} {rest.strip()}".encode("utf-8", "replace")
