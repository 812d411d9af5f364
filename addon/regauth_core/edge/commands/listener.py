"""HTTP/1.1 in front of a simulated registry: requests are read with bounds, answers are sent exactly as they are.

`http.server` reads the request line and the headers; everything that is written is put together here, because duplicate
and malformed headers have to reach the client.
"""

from __future__ import annotations

import re
import socket
import ssl
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Protocol
from urllib.parse import urlsplit

from regauth_core.model import DEFAULT_PORTS
from regauth_core.simulate.message import Answer, Asked

BODY_LIMIT = 64 << 20
"""Bytes of one request's body."""
_CHUNK_LINE = 1024
_TRAILERS = 100
_PATIENCE = 30.0
"""Seconds without a byte after which a connection is closed."""
_LINGER = 1.0
_HOST = re.compile(r"[a-z0-9._:-]{1,253}")
_LENGTH = re.compile("[0-9]{1,12}")
_SIZE = re.compile(rb"[0-9A-Fa-f]{1,8}")


class Answering(Protocol):
    """What a `Handler` needs of its server."""

    def answer(self, asked: Asked) -> Answer:
        """The answer to a request."""

    def reserve(self, size: int) -> bool:
        """Makes room for `size` more bytes of bodies; `False` where all connections together hold too many."""

    def release(self, size: int) -> None:
        """Gives back what `reserve` gave."""


class _Refused(Exception):
    """A request that cannot be taken: the connection ends with this status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    timeout = _PATIENCE
    server: Answering  # type: ignore[assignment]
    _held = 0

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is printed: request lines may hold secrets."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """`http.server` could not read the request; its `message` may quote it, and is not passed on."""
        self._refuse(_Refused(code, "the request cannot be read"))

    def handle_request(self) -> None:
        """Answers one request."""
        try:
            self._send(self.server.answer(self._asked()), has_body=True)
        except _Refused as refused:
            self._refuse(refused)
        finally:
            held, self._held = self._held, 0
            self.server.release(held)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = handle_request

    def _asked(self) -> Asked:
        scheme = "https" if isinstance(self.connection, ssl.SSLSocket) else "http"
        target, named = _text(self.path), self.headers.get_all("host") or []
        if len(named) > 1:
            raise _Refused(400, "more than one Host header")
        authority = _text(named[0]) if named else "localhost"
        if not target.startswith("/"):
            # Absolute form, as a client sends it that takes this server for its proxy (RFC 9112 section 3.2.2).
            scheme, _, rest = target.partition("://")
            authority, slash, path = rest.partition("/")
            target = slash + path or "/"
            if scheme not in ("http", "https"):
                raise _Refused(400, "the target is neither a path nor a URL")
        host, port = _host_and_port(authority)
        return Asked(
            method=self.command,
            scheme=scheme,
            host=host,
            port=port or DEFAULT_PORTS[scheme],
            path=target,
            headers=tuple((_text(name), _text(value)) for name, value in self.headers.items()),
            body=self._body(),
        )

    def _body(self) -> bytes:
        """The body (RFC 9112 section 6.3). A request that could be read in two ways is refused."""
        coding = self.headers.get_all("transfer-encoding") or []
        lengths = set(self.headers.get_all("content-length") or [])
        if coding:
            if lengths:
                raise _Refused(400, "both Transfer-Encoding and Content-Length")
            if [value.strip().lower() for value in coding] != ["chunked"]:
                raise _Refused(501, "the only supported transfer coding is chunked")
            return self._chunks()
        if not lengths:
            return b""
        length = lengths.pop()
        if lengths or not _LENGTH.fullmatch(length):
            raise _Refused(400, "Content-Length is not one number")
        return self._exactly(int(length))

    def _chunks(self) -> bytes:
        body = bytearray()
        while size := self._chunk_size():
            body += self._exactly(size)
            if self.rfile.readline(_CHUNK_LINE).strip():
                raise _Refused(400, "a chunk is longer than its size")
        for _ in range(_TRAILERS):
            if not self.rfile.readline(_CHUNK_LINE).strip():
                return bytes(body)
        raise _Refused(400, "too many trailers")

    def _chunk_size(self) -> int:
        size = self.rfile.readline(_CHUNK_LINE).partition(b";")[0].strip()
        if not _SIZE.fullmatch(size):
            raise _Refused(400, "a chunk has no size")
        return int(size, 16)

    def _exactly(self, size: int) -> bytes:
        if self._held + size > BODY_LIMIT:
            raise _Refused(413, f"a body has at most {BODY_LIMIT} bytes")
        if not self.server.reserve(size):
            raise _Refused(503, "too many bodies at once")
        self._held += size
        data = self.rfile.read(size)
        if len(data) < size:
            raise ConnectionAbortedError
        return data

    def _refuse(self, refused: _Refused) -> None:
        self.close_connection = True
        self._send(Answer(status=refused.status, body=f"{refused}\n".encode()), has_body=self.command != "HEAD")
        self._linger()

    def _send(self, answer: Answer, *, has_body: bool) -> None:
        try:
            reason = HTTPStatus(answer.status).phrase
        except ValueError:
            reason = "Unknown"
        headers = list(answer.headers)
        if not any(name.lower() == "date" for name, _ in headers):
            headers.append(("Date", self.date_time_string()))
        if not any(name.lower() == "content-length" for name, _ in headers) and answer.status not in (204, 304):
            headers.append(("Content-Length", str(len(answer.body))))
        if self.close_connection:
            headers.append(("Connection", "close"))
        lines = [f"HTTP/1.1 {answer.status} {reason}", *(f"{name}: {value}" for name, value in headers), "", ""]
        self.wfile.write("\r\n".join(lines).encode("utf-8", "replace") + (answer.body if has_body else b""))
        self.wfile.flush()

    def _linger(self) -> None:
        """Reads on for a moment: a client that is still sending would get a reset instead of the answer."""
        self.connection.settimeout(_LINGER)
        try:
            self.connection.shutdown(socket.SHUT_WR)
            for _ in range(BODY_LIMIT >> 16):
                if not self.rfile.read1(1 << 16):
                    return
        except OSError:
            return


def _host_and_port(authority: str) -> tuple[str, int | None]:
    try:
        parts = urlsplit(f"//{authority.rpartition('@')[2]}")
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise _Refused(400, "invalid host") from None
    if not _HOST.fullmatch(host):
        raise _Refused(400, "invalid host")
    return host, port


def _text(raw: str) -> str:
    """What `http.server` read as Latin-1, as UTF-8; bytes that are none stay as surrogates."""
    return raw.encode("latin-1", "replace").decode("utf-8", "surrogateescape")
