"""A real proxy with the addon, a server behind it that says what a test wants, and a client in front of it."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest import mock

from mitmproxy import http as mitmhttp

from regauth_core.edge.commands.certificates import Certificates
from regauth_core.edge.mitm.addon import RegAuth
from regauth_core.edge.mitm.background import BackgroundProxy
from regauth_core.model.journal import Journal


@dataclass(frozen=True, slots=True, kw_only=True)
class Got:
    """A request as the server got it."""

    method: str
    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the server answers."""

    status: int = 200
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""
    before_body: bool = False
    """Answer without reading the request's body, and close."""


Answerer = Callable[[Got], Reply]


class _Handler(BaseHTTPRequestHandler):
    """One connection to an `Upstream`."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        self.request.settimeout(20)
        if self.request.recv(1, socket.MSG_PEEK) == b"\x16":
            self.request = self.server.upstream.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def answer(self) -> None:
        """Any method."""
        upstream = self.server.upstream
        headers = {name.lower(): value for name, value in self.headers.items()}
        got = Got(method=self.command, path=self.path, headers=headers, body=b"")
        reply = upstream.answer(got)
        upstream.got.append(got if reply.before_body else replace(got, body=self._body()))
        self.send_response(reply.status)
        for name, value in reply.headers:
            self.send_header(name, value)
        if not any(name.lower() == "transfer-encoding" for name, _ in reply.headers):
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)
        if reply.before_body:
            self._linger()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_TRACE = do_OPTIONS = answer

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", "0")))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _linger(self) -> None:
        """Closing with unread data would reset the connection, and the answer could get lost."""
        self.close_connection = True
        self.wfile.flush()
        self.request.settimeout(0.5)
        with contextlib.suppress(OSError):
            while self.rfile.read1(65536):
                pass

    def log_message(self, *_: object) -> None:
        """Not to the terminal."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, *_: object) -> None:
        """Clients of these tests leave when they like."""


class Upstream:
    """A server on a loopback port, http and https by what the client begins with, that answers by a function."""

    def __init__(self, answer: Answerer, confdir: Path) -> None:
        self.answer = answer
        self.got: list[Got] = []
        self.tls = Certificates(confdir, ["registry.test"]).context
        self._server = _Server(self)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Names:
    """Resolves every made-up name to one local port, and notes which were asked for."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.wanted: list[str] = []
        self._resolve = socket.getaddrinfo

    def __call__(self, host: Any, port: Any, *arguments: Any, **named: Any) -> list[Any]:
        """In the place of `socket.getaddrinfo`."""
        if not isinstance(host, str) or not host.endswith((".test", ".example")):
            return list(self._resolve(host, port, *arguments, **named))
        self.wanted.append(host)
        return list(self._resolve("127.0.0.1", self.port, *arguments, **named))


class Kept:
    """Keeps the flows, as the user interfaces do."""

    name = "test-kept"

    def __init__(self) -> None:
        self.flows: list[mitmhttp.HTTPFlow] = []

    def response(self, flow: mitmhttp.HTTPFlow) -> None:
        """A flow is complete."""
        self.flows.append(flow)


class Both:
    """Two addons as one."""

    name = "test-both"

    def __init__(self, *addons: object) -> None:
        self.addons = list(addons)


@dataclass(slots=True)
class Proxy:
    """A running proxy with the addon. Leave it to `running`."""

    addon: RegAuth
    names: Names
    kept: Kept
    background: BackgroundProxy
    confdir: Path
    port: int = 0
    _journal: Journal | None = field(default=None)

    def stop(self) -> Journal:
        """Stop it; what was recorded."""
        if self._journal is None:
            deadline = time.monotonic() + 2
            while not self.addon.live().is_idle() and time.monotonic() < deadline:
                time.sleep(0.01)
            self.background.stop()
            self._journal = self.addon.finish()
        return self._journal

    @property
    def authority(self) -> Path:
        """What a client has to trust."""
        return self.confdir / "mitmproxy-ca-cert.pem"

    def connect(
        self, host: str = "registry.test", *, tls: bool = True, label: str | None = None, trusted: Path | None = None
    ) -> http.client.HTTPConnection:
        """A connection through the proxy; the caller closes it."""
        headers = {"Proxy-Authorization": "Basic " + b64encode(f"{label}:x".encode()).decode()} if label else {}
        if not tls:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        context = ssl.create_default_context(cafile=str(trusted or self.authority))
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=20, context=context)
        connection.set_tunnel(host, 443, {"User-Agent": "tunnel/1", **headers})
        return connection

    def ask(
        self,
        path: str,
        *,
        host: str = "registry.test",
        method: str = "GET",
        agent: str = "client/1",
        tls: bool = True,
        label: str | None = None,
        body: Any = None,
        **headers: str,
    ) -> tuple[int, bytes]:
        """One request on a connection of its own: status and body of the answer."""
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        if label and not tls:
            fields["Proxy-Authorization"] = "Basic " + b64encode(f"{label}:x".encode()).decode()
        with contextlib.closing(self.connect(host, tls=tls, label=label)) as connection:
            target = path if tls else f"http://{host}{path}"
            connection.request(method, target, body=body, headers={"Host": host, "User-Agent": agent, **fields})
            answer = connection.getresponse()
            return answer.status, answer.read()


@contextlib.contextmanager
def running(
    confdir: Path, *, upstream: Upstream | None = None, addon: RegAuth | None = None, **options: Any
) -> Iterator[Proxy]:
    """A proxy with the addon while inside. Options without the prefix ``regauth_`` are mitmproxy's own, as given."""
    regauth = addon or RegAuth(embedded=True)
    names, kept = Names(upstream.port if upstream else 1), Kept()
    trust = {"ssl_verify_upstream_trusted_ca": str(confdir / "mitmproxy-ca-cert.pem")}
    background = BackgroundProxy(Both(regauth, kept), confdir, {**trust, **options})
    proxy = Proxy(regauth, names, kept, background, confdir)
    with mock.patch("socket.getaddrinfo", names):
        proxy.port = background.start()
        try:
            yield proxy
        finally:
            proxy.stop()
