"""Answers in the place of a registry, inside the proxy: real TLS with the proxy's own authority, nothing contacted."""

from __future__ import annotations

import time
from typing import Final

from mitmproxy import http, tls
from mitmproxy.net.http import status_codes
from mitmproxy.proxy.server_hooks import ServerConnectionHookData

from regauth_core.edge.inputs.flows import plain_body
from regauth_core.simulate.registry import Answer, Asked, Registry

MAX_UPLOAD: Final = 256 * 1024 * 1024
"""Bytes of a request's body that are taken, as it says itself."""


class ScenarioPlayer:
    """The hooks that keep mitmproxy from contacting the hosts that a scenario's registry serves, and the answers."""

    name = "regauth-scenario"

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def serves(self, host: str, port: int) -> bool:
        """Whether requests to `host` at `port` are answered here."""
        return self._registry.serves(host) and not self._registry.refuses(host, port)

    def http_connect(self, flow: http.HTTPFlow) -> None:
        """Accept the tunnel, which keeps mitmproxy from opening a connection first, unless it was refused."""
        if flow.response is None and self.serves(flow.request.host, flow.request.port):
            # Not Response.make: it adds a length, which an answer to CONNECT must not have (RFC 9110 section 9.3.6).
            flow.response = _response(Answer(status=200), time.time())

    def tls_clienthello(self, data: tls.ClientHelloData) -> None:
        """Make the handshake without the server's. Only an addon behind mitmproxy's own `TlsConfig` can say so."""
        address = data.context.server.address
        if address is not None and self.serves(address[0], address[1]):
            data.establish_server_tls_first = False

    def server_connect(self, data: ServerConnectionHookData) -> None:
        """The last bar: whatever else wants to connect there does not."""
        address = data.server.address
        if address is None:
            return
        if self.serves(address[0], address[1]):
            data.server.error = "this host is played by the scenario"
        elif not self._registry.reaches(address[0], address[1]):
            data.server.error = "connection refused by the scenario"

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Refuse what is too large to hold before it is sent."""
        length = flow.request.headers.get("content-length", "")
        if self.serves(flow.request.host, flow.request.port) and length.isdecimal() and int(length[:20]) > MAX_UPLOAD:
            flow.kill()

    def answer(self, flow: http.HTTPFlow, now: float) -> None:
        """Answer the request if it is for one of the scenario's hosts."""
        request = flow.request
        if not self.serves(request.host, request.port):
            return
        asked = Asked(
            method=request.method.upper(),
            scheme=request.scheme,
            host=request.host.lower(),
            port=request.port,
            path=request.path,
            headers=tuple(
                (name.decode("utf-8", "surrogateescape"), value.decode("utf-8", "surrogateescape"))
                for name, value in request.headers.fields
            ),
            body=(plain_body(request) if request.headers.get("content-encoding") else request.raw_content) or b"",
        )
        flow.response = _response(self._registry.answer(asked, now), now)


def _response(answer: Answer, now: float) -> http.Response:
    return http.Response(
        http_version=b"HTTP/1.1",
        status_code=answer.status,
        reason=status_codes.RESPONSES.get(answer.status, "").encode(),
        headers=http.Headers(
            (name.encode("utf-8", "surrogateescape"), value.encode("utf-8", "surrogateescape"))
            for name, value in answer.headers
        ),
        content=answer.body,
        trailers=None,
        timestamp_start=now,
        timestamp_end=None,
    )
