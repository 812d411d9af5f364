"""Sends odd requests through a proxy that adds credentials, and reads with other eyes what came out behind it.

    python tests/fuzz/injection.py                          # 2,000 connections in each mode
    python tests/fuzz/injection.py --count 200 --seed 7 --mode fill

The server behind the proxy keeps every byte that it gets. Afterwards those bytes are parsed here, by nothing of the
addon's, as careless servers do it: lines end with any of CR and LF, names are folded, methods and paths are overridden
by fields, parameters are decoded once and twice, separated by semicolons too, taken first and last, from forms as well.
Whatever any of these readings makes of a request with a credential has to be at the right registry, and permitted.
The seed and the figures are printed; a violation ends the run with status 1 and prints what was sent and what came out.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count, product
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote_to_bytes

ROOT: Final = Path(__file__).parent.parent.parent
sys.path[:0] = [str(ROOT / "addon"), str(ROOT / "tests")]

from h2.config import H2Configuration  # noqa: E402
from h2.connection import H2Connection  # noqa: E402
from h2.events import ConnectionTerminated, StreamEnded, StreamReset  # noqa: E402
from h2.exceptions import ProtocolError  # noqa: E402

from kit.proxy import running  # noqa: E402
from regauth_core.edge.commands.certificates import Certificates  # noqa: E402

MODES: Final = ("off", "verify", "fill", "override")
PASSWORD: Final = "tannenbaum-leiter-kw"
BASIC: Final = b64encode(f"alice:{PASSWORD}".encode())
TOKEN: Final = b"Zm9yLXRoZS1mdXp6LW9mLWluamVjdGlvbg.x.y"
OWNED: Final = ("registry.test", "bearer.test")
"""Registries whose credentials are held: one asks for Basic, the other for Bearer."""
ALLOWED: Final = (
    "pull:registry.test/team",
    "push:registry.test/team",
    "pull:bearer.test/team",
    "push:bearer.test/team",
)
STEP: Final = 0.4
"""Seconds that a client waits for an answer to what may be no request at all."""

# The server


class RawServer:
    """Keeps the bytes of every connection, and answers every request that it finds in them in its careless way."""

    def __init__(self, confdir: Path) -> None:
        self.streams: list[tuple[str | None, bytearray]] = []
        self._tls = Certificates(confdir, ["registry.test"]).context
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = int(self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close the port."""
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                plain, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(plain,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), contextlib.closing(plain):
            plain.settimeout(10)
            secured, name = plain, None
            if plain.recv(1, socket.MSG_PEEK) == b"\x16":
                secured = self._tls.wrap_socket(plain, server_side=True)
            seen = bytearray()
            self.streams.append((name, seen))
            answered = 0
            while data := secured.recv(65536):
                seen += data
                found = list(requests(bytes(seen), careless=False))
                for one in found[answered:]:
                    secured.sendall(_answer(one))
                answered = len(found)


def _answer(one: Request) -> bytes:
    host = one.value(b"host").decode("latin-1").partition(":")[0].lower()
    if host == "auth.bearer.test":
        body = b'{"token":"' + TOKEN + b'","expires_in":3000}' if BASIC in one.head else b"{}"
        status = b"200 OK" if BASIC in one.head else b"401 Unauthorized"
        return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)
    wanted, asked = (
        (TOKEN, b'Bearer realm="https://auth.bearer.test/token",service="s"')
        if host == "bearer.test"
        else (
            BASIC,
            b'Basic realm="r"',
        )
    )
    if wanted in one.head:
        return b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + (b"" if one.method == b"HEAD" else b"{}")
    return b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: %s\r\nContent-Length: 0\r\n\r\n" % asked


# The readings


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it stands in the bytes."""

    method: bytes
    target: bytes
    fields: tuple[tuple[bytes, bytes], ...]
    body: bytes
    head: bytes

    def values(self, name: bytes) -> list[bytes]:
        """The values of a field, its name being compared as CGI does."""
        return [value for key, value in self.fields if _folded(key) == name]

    def value(self, name: bytes) -> bytes:
        """The first of them."""
        return next(iter(self.values(name)), b"")


def _folded(name: bytes) -> bytes:
    return name.strip().lower().replace(b"_", b"-")


def requests(data: bytes, *, careless: bool) -> Iterator[Request]:
    """Every whole request in the bytes of a connection; `careless`: lines end with any CR or LF."""
    end = re.compile(rb"(?>\r\n|\r|\n)" if careless else rb"\r?\n")
    blank = re.compile(rb"(?>\r\n|\r|\n)(?>\r\n|\r|\n)" if careless else rb"\r?\n\r?\n")
    while data := data.lstrip(b"\r\n"):
        stop = blank.search(data)
        if stop is None:
            return
        head, rest = data[: stop.start()], data[stop.end() :]
        first, *lines = end.split(head)
        method, _, behind = first.partition(b" ")
        target = behind.rpartition(b" ")[0] or behind
        fields = tuple((name, value.strip()) for name, _, value in (line.partition(b":") for line in lines))
        body = _body(fields, rest)
        if body is None:
            return
        yield Request(method, target, fields, body[0], head)
        data = body[1]


def _body(fields: Sequence[tuple[bytes, bytes]], rest: bytes) -> tuple[bytes, bytes] | None:
    known = {name.lower().strip(): value for name, value in fields}
    if b"chunked" in known.get(b"transfer-encoding", b"").lower():
        body = b""
        while True:
            line, found, rest = rest.partition(b"\r\n")
            size = int(line.partition(b";")[0] or b"0", 16) if found else -1
            if size < 0 or len(rest) < size + 2:
                return None
            body, rest = body + rest[:size], rest[size + 2 :]
            if size == 0:
                return body, rest
    length = known.get(b"content-length", b"0")
    size = int(length) if length.isdigit() else 0
    return (rest[:size], rest[size:]) if len(rest) >= size else None


_METHOD_FIELDS: Final = (b"x-http-method-override", b"x-http-method", b"x-method-override", b"x-verb")
_PATH_FIELDS: Final = (b"x-original-url", b"x-rewrite-url", b"x-forwarded-uri", b"x-request-uri")
_HOST_FIELDS: Final = (b"host", b"x-forwarded-host", b"x-host", b"x-original-host")
_PLACE: Final = re.compile(rb"/v2/(.+?)/(manifests|blobs|tags|referrers)(?:/|$)")
_GREEDY: Final = re.compile(rb"/v2/(.+)/(manifests|blobs|tags|referrers)(?:/|$)")


@dataclass(frozen=True, slots=True)
class Reading:
    """What some server makes of a request."""

    host: str
    method: str
    path: str
    repository: str | None
    sources: tuple[str, ...]


def readings(one: Request) -> Iterator[Reading]:
    """All that servers may make of one request."""
    bare, _, query = one.target.partition(b"?")
    pairs = {(name, value) for text in (query, *_forms(one)) for name, value in _pairs(text)}
    methods = {one.method, *(value for name in _METHOD_FIELDS for value in one.values(name))}
    methods |= {value for name, value in pairs if name in (b"_method", b"method", b"x-http-method-override")}
    targets = {bare, *(value.partition(b"?")[0] for name in _PATH_FIELDS for value in one.values(name))}
    hosts = {value for name in _HOST_FIELDS for value in one.values(name)}
    hosts |= {found for value in one.values(b"forwarded") for found in re.findall(rb"host=\"?([^;,\"]*)", value, re.I)}
    absolute = re.match(rb"https?://([^/?#]*)(.*)", bare, re.I | re.S)
    if absolute is not None:
        hosts.add(absolute[1])
        targets.add(absolute[2])
    sources = tuple(sorted({value.decode("latin-1") for name, value in pairs if name == b"from" and value}))
    if not sources and any(name == b"mount" for name, _ in pairs):
        sources = ("whoever has it",)
    paths = {path for target in targets for path in _paths(target)}
    for host, method, path in product(hosts or {b""}, methods, paths):
        name = host.decode("latin-1").lower().removesuffix(":443")
        for pattern in (_PLACE, _GREEDY):
            found = pattern.match(path)
            repository = found[1].decode("latin-1") if found is not None else None
            yield Reading(name, method.decode("latin-1").upper(), path.decode("latin-1"), repository, sources)


def _forms(one: Request) -> Iterator[bytes]:
    kind = b",".join(one.values(b"content-type")).lower()
    if b"form-urlencoded" in kind or not kind:
        yield one.body
    if b"multipart" in kind:
        for name, value in re.findall(rb'name="?([^"\r\n;]*)"?[^\r\n]*\r?\n\r?\n([^\r\n]*)', one.body):
            yield name + b"=" + value


def _pairs(text: bytes) -> Iterator[tuple[bytes, bytes]]:
    for once in (text, unquote_to_bytes(text)):
        for piece in re.split(rb"[&;]", once):
            name, _, value = piece.partition(b"=")
            plain = unquote_to_bytes(name.replace(b"+", b" ")).strip().lower()
            for each in {unquote_to_bytes(value), unquote_to_bytes(unquote_to_bytes(value))}:
                yield plain.removesuffix(b"[]"), _resolved(b"/" + each.strip().partition(b"\0")[0])[1:]


def _paths(raw: bytes) -> Iterator[bytes]:
    once = unquote_to_bytes(raw)
    for path in {raw, once, unquote_to_bytes(once)}:
        for plain in {path, path.replace(b"\\", b"/")}:
            for cut in {plain, re.sub(rb";[^/]*", b"", plain), plain.partition(b"#")[0], plain.partition(b"\0")[0]}:
                yield cut
                yield _resolved(cut)


def _resolved(path: bytes) -> bytes:
    kept: list[bytes] = []
    for part in path.split(b"/"):
        if part == b"..":
            del kept[-1:]
        elif part not in (b"", b"."):
            kept.append(part)
    return b"/" + b"/".join(kept)


# The judgement


def violations(streams: Sequence[tuple[str | None, bytes]], mode: str) -> Iterator[str]:
    """What is wrong with the requests of all connections, by any reading."""
    for _, data in streams:
        for careless in (False, True):
            for one in requests(data, careless=careless):
                if BASIC in one.head + one.body or TOKEN in one.head + one.body:
                    wrong = next((text for each in readings(one) if (text := _wrong(one, each, mode))), None)
                    if wrong:
                        yield f"{wrong}: {one.head!r} {one.body[:200]!r}"


def _wrong(one: Request, read: Reading, mode: str) -> str | None:
    if mode == "off":
        return "a credential though nothing was to be added"
    if read.host == "auth.bearer.test":
        names = re.findall(r"repository:([^:&]*):", unquote_to_bytes(one.target).decode("latin-1"))
        strange = [name for name in names if not _is_team(name)]
        return f"a token for {strange}" if strange or read.path != "/token" or TOKEN in one.head else None
    if read.host not in OWNED:
        return f"a credential for {read.host!r}"
    if (BASIC in one.head) != (read.host == "registry.test"):
        return "another registry's credential"
    if mode == "verify" and read.method not in ("GET", "HEAD"):
        return f"{read.method} to prove something"
    if read.method not in ("GET", "HEAD", "POST", "PUT", "PATCH"):
        return f"{read.method}, which is not permitted"
    if read.path in ("/v2", "/v2/", "/v2/_catalog"):
        # Permits for a namespace do not speak of what concerns none, so that it is not permitted.
        return f"{read.path} is in no namespace"
    if read.repository is None or not _is_team(read.repository) or not all(map(_is_team, read.sources)):
        return f"{read.repository!r} from {read.sources!r} by {read.path!r}"
    return None


def _is_team(name: str) -> bool:
    return name == "team" or name.startswith("team/")


# The requests

DIGEST: Final = "sha256:" + "ab" * 32
_PATHS: Final = (
    *("/v2/team/app/tags/list", "/v2/team/app/manifests/latest", f"/v2/team/app/blobs/{DIGEST}", "/v2/team/tags/list"),
    *("/v2/team/app/blobs/uploads/", "/v2/team/app/blobs/uploads/1", f"/v2/team/app/manifests/{DIGEST}", "/v2/"),
    *("/v2/other/secret/tags/list", "/v2/other/secret/manifests/1", "/v2/_catalog", "/v2/team/app/referrers/" + DIGEST),
)
_ODD_PATHS: Final = (
    *(
        "/v2/team/../other/secret/manifests/1",
        "/v2/team/%2e%2e/other/secret/manifests/1",
        "/v2/team%2F..%2Fother/tags/list",
    ),
    *("/v2/team/app/manifests/..%2f..%2f..%2fother/manifests/1", "/v2/te%61m/tags/list", "/v2//other/secret/tags/list"),
    *("/v2/team\\..\\other/manifests/1", "/v2/team/..;x/other/manifests/1", "/v2/team/app/manifests/1#/../x", "/"),
    *("/v2/team/app/manifests/1%00/x", "/v2/team/app/manifests/1%0d%0aX:%20y", "/v2/team/%252e%252e/other/tags/list"),
    *(
        "/v2/other/manifests/team/manifests/1",
        "/v2/team/manifests/x/manifests/1",
        "/v2/Team/tags/list",
        "*",
        "//evil/v2/",
    ),
    *("https://evil.example/v2/team/app/tags/list", "/v2/team/app/tags/list/../../../other/tags/list", "/v3/team/x"),
    *(
        "/v2/token",
        "/token?service=s&scope=repository:other:pull",
        "/v2/team/app/tags/list HTTP/1.1",
        "/v2/team/\u00e9/tags/list",
    ),
)
_QUERIES: Final = (
    *(
        "n=5",
        "n=5&last=x",
        f"mount={DIGEST}&from=team/base",
        f"mount={DIGEST}",
        f"digest={DIGEST}",
        "ns=docker.io",
        "_state=x",
    ),
)
_ODD_QUERIES: Final = (
    *(
        f"mount={DIGEST}&from=other/secret",
        f"mount={DIGEST}&%66rom=other/secret",
        f"m%6funt={DIGEST}&fr%6fm=other/secret",
    ),
    *(
        f"mount={DIGEST}&from=team/x&from=other/secret",
        f"mount={DIGEST}&from=other/secret&from=team/x",
        "x",
        "&&",
        "?n=1",
    ),
    *(
        f"mount={DIGEST}&from=team/x;from=other/secret",
        f"mount={DIGEST}&from=team/../other",
        f"mount={DIGEST}&From=other",
    ),
    *(f"mount={DIGEST}&from[]=other", f"mount={DIGEST}&from=team%2fx%26from%3dother", f"mount={DIGEST}&+from=other"),
    *(
        "_method=DELETE",
        "%5fmethod=DELETE",
        "n=1&N=2",
        "X-HTTP-Method-Override=DELETE",
        "a=b",
        "n=%00",
        "from=other/secret",
    ),
    *("n=1#&from=other", "n=\u0661", f"mount={DIGEST}&from=team/%2e%2e/other", f"mount={DIGEST}&from=team/x%00other"),
)
_FIELDS: Final = (
    *(
        ("Accept", "*/*"),
        ("User-Agent", "client/1"),
        ("Range", "bytes=0-"),
        ("X-Meta-A", "b"),
        ("Content-Type", "application/json"),
    ),
    *(
        ("Authorization", "Basic Og=="),
        ("Accept-Encoding", "gzip"),
        ("Authorization", "Basic Ym9iOnB3"),
        ("Cookie", "a=b"),
    ),
)
_NEXT: Final = "DELETE /v2/other/secret/manifests/1 HTTP/1.1\r\nHost: registry.test\r\nX-Z: 1"
_ODD_FIELDS: Final = (
    *(
        ("X-A", f"b\r\n\r\n{_NEXT}"),
        ("X-A", f"b\n\n{_NEXT}"),
        ("X-A", f"b\r\r{_NEXT}"),
        (f"X-A: b\r\n\r\n{_NEXT}\r\nX", "c"),
    ),
    *(
        ("X-A", "b\r\nX-HTTP-Method-Override: DELETE"),
        ("X-A", "b\rX-HTTP-Method: DELETE"),
        ("X-A", "b\nHost: evil.example"),
    ),
    *(
        ("X-HTTP-Method-Override", "DELETE"),
        ("X_HTTP_Method_Override", "DELETE"),
        ("x-http_method", "DELETE"),
        ("X-Verb", "PUT"),
    ),
    *(
        ("X-Original-URL", "/v2/other/secret/manifests/1"),
        ("X_Rewrite_URL", "/v2/other/tags/list"),
        ("X-Host", "evil.example"),
    ),
    *(
        ("Host", "evil.example"),
        ("Host ", "evil.example"),
        ("X-Forwarded-Host", "evil.example"),
        ("Forwarded", "host=evil.example"),
    ),
    *(
        ("X-Method-Override ", "DELETE"),
        ("X-Method-Override\t", "DELETE"),
        (" X-Method-Override", "DELETE"),
        ("X-A", "\x00"),
    ),
    *(
        ("Content-Length", "5"),
        ("Content-Length", "0, 5"),
        ("Transfer-Encoding", "chunked"),
        ("Transfer-Encoding", "xchunked"),
    ),
    *(
        ("Transfer-Encoding", "chunked, identity"),
        ("Connection", "close, Authorization"),
        ("Upgrade", "h2c"),
        ("Expect", "x"),
    ),
    *(
        ("Trailer", "X-Method-Override"),
        ("X-A", "\u560d\u560a\u560d\u560aDELETE"),
        ("X-A", "b\x85c"),
        ("X-A", "a\r\n b"),
        ("", "x"),
    ),
)
_FORMS: Final = (
    *(
        "application/x-www-form-urlencoded",
        "Application/X-WWW-FORM-urlencoded ; charset=x",
        "application/octet-stream",
        "",
    ),
    *("multipart/form-data; boundary=x", "text/plain, application/x-www-form-urlencoded", "application/json"),
)
_BODIES: Final = (
    f"mount={DIGEST}&from=other/secret",
    "from=other/secret",
    "_method=DELETE",
    f"{_NEXT}\r\n\r\n",
    f"{_NEXT}\r\nX-Q: ",
    '--x\r\nContent-Disposition: form-data; name="from"\r\n\r\nother/secret\r\n--x--',
    "{}",
)
_METHODS: Final = ("GET", "GET", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_ODD_METHODS: Final = (
    "get",
    "OPTIONS",
    "TRACE",
    "PURGE",
    "DELETE ",
    "GET /v2/other/tags/list HTTP/1.1\r\nX:",
    "Post",
    "COPY",
)
_HOSTS: Final = (*("registry.test",) * 6, "bearer.test", "bearer.test", "evil.example")
_ODD_HOSTS: Final = (
    *("REGISTRY.test", "registry.test:443", "registry.test:00443", "evil.example", "registry.test.", "x@registry.test"),
    *("registry.test:5000", "registry.test\r\nX-Verb: DELETE", "registry.test, evil.example", "registry.test#", ""),
)


@dataclass(slots=True)
class Asked:
    """One request of a client."""

    method: str
    path: str
    host: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    body: str = ""

    def http1(self) -> bytes:
        """Its bytes, with whatever is in it."""
        fields = [("Host", self.host), *self.fields]
        if self.body and not any(name.lower() in ("content-length", "transfer-encoding") for name, _ in self.fields):
            fields.append(("Content-Length", str(len(self.body.encode()))))
        lines = [f"{self.method} {self.path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields)]
        return "\r\n".join([*lines, "", ""]).encode("utf-8") + self.body.encode()

    def http2(self) -> list[tuple[bytes, bytes]]:
        """Its fields."""
        head = [(":method", self.method), (":scheme", "https"), (":authority", self.host), (":path", self.path)]
        rest = [(name.lower(), value) for name, value in self.fields]
        return [(name.encode(), value.encode()) for name, value in (*head, *rest)]


def asked(chance: random.Random, host: str) -> Asked:
    """A request that has nothing odd, or one to three things."""
    odd = Counter(
        chance.choices(
            ("method", "path", "query", "field", "body", "host"), k=chance.choice((0, 0, 0, 0, 1, 1, 1, 2, 3))
        )
    )
    path = chance.choice(_ODD_PATHS if odd["path"] else _PATHS)
    if odd["query"] or chance.random() < 0.3:
        path += "?" + chance.choice(_ODD_QUERIES if odd["query"] else _QUERIES)
    fields = chance.sample(_FIELDS, chance.randrange(3))
    for _ in range(odd["field"]):
        fields.insert(chance.randrange(len(fields) + 1), chance.choice(_ODD_FIELDS))
    method = chance.choice(_ODD_METHODS if odd["method"] else _METHODS)
    if "uploads" in path and not odd["method"]:
        method = chance.choice(("POST", "POST", "PATCH", "PUT"))
    one = Asked(method, path, chance.choice(_ODD_HOSTS) if odd["host"] else host, fields)
    if odd["body"]:
        one.body = chance.choice(_BODIES)
        one.fields.append(("Content-Type", chance.choice(_FORMS)))
    return one


# The client

_CLIENTS = count(1)


def _tunnel(port: int, cafile: Path, host: str, *protocols: str) -> ssl.SSLSocket:
    plain = socket.create_connection(("127.0.0.1", port), timeout=5)
    label = b64encode(f"client{next(_CLIENTS)}:x".encode()).decode()
    head = f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\nProxy-Authorization: Basic {label}\r\n\r\n"
    plain.sendall(head.encode())
    while not plain.recv(4096).endswith(b"\r\n\r\n"):
        pass
    context = ssl.create_default_context(cafile=str(cafile))
    context.set_alpn_protocols(list(protocols))
    return context.wrap_socket(plain, server_hostname=host)


def by_http1(port: int, cafile: Path, host: str, these: Sequence[Asked]) -> None:
    """One request after the other on one connection."""
    with _tunnel(port, cafile, host, "http/1.1") as secured:
        secured.settimeout(STEP)
        for one in these:
            secured.sendall(one.http1())
            with contextlib.suppress(TimeoutError):
                if not secured.recv(65536):
                    return


def by_http2(port: int, cafile: Path, host: str, these: Sequence[Asked], chance: random.Random) -> None:
    """All on one connection, one after the other or at once."""
    config = H2Configuration(
        client_side=True, validate_outbound_headers=False, normalize_outbound_headers=False, header_encoding=None
    )
    connection = H2Connection(config)
    at_once = chance.random() < 0.3
    with _tunnel(port, cafile, host, "h2") as secured:
        secured.settimeout(STEP)
        connection.initiate_connection()
        for number, one in enumerate(these):
            stream = 2 * number + 1
            connection.send_headers(stream, one.http2(), end_stream=not one.body)
            if one.body:
                connection.send_data(stream, one.body.encode(), end_stream=True)
            secured.sendall(connection.data_to_send())
            if at_once and number < len(these) - 1:
                continue
            with contextlib.suppress(TimeoutError):
                ended = False
                while not ended:
                    data = secured.recv(65536)
                    if not data:
                        return
                    events = connection.receive_data(data)
                    secured.sendall(connection.data_to_send())
                    ended = any(isinstance(each, StreamEnded | StreamReset | ConnectionTerminated) for each in events)


@dataclass(frozen=True, slots=True)
class Connection:
    """What a client sends on one connection."""

    host: str
    requests: tuple[Asked, ...]
    is_http2: bool
    chance: random.Random


def plans(seed: str, mode: str, connections: str) -> list[Connection]:
    """The same for the same seed; the first two let the proxy learn what the registries ask for."""
    chance = random.Random(f"{seed} {mode}")  # noqa: S311
    first = [Asked("GET", "/v2/team/app/tags/list", host, [("User-Agent", "client/1")]) for host in OWNED]
    found = [Connection(one.host, (one,), False, chance) for one in first]
    for number in range(int(connections)):
        host = chance.choice(_HOSTS)
        these = tuple(asked(chance, host) for _ in range(chance.choice((1, 1, 1, 2, 3))))
        own = random.Random(f"{seed} {mode} {number}")  # noqa: S311
        found.append(Connection(host, these, chance.random() < 0.5, own))
    return found


def drive(port: str, cafile: str, *plan: str) -> None:
    """Be the clients."""

    def perform(one: Connection) -> None:
        with contextlib.suppress(OSError, ValueError, EOFError, ProtocolError):
            if one.is_http2:
                by_http2(int(port), Path(cafile), one.host, one.requests, one.chance)
            else:
                by_http1(int(port), Path(cafile), one.host, one.requests)

    all_of_them = plans(*plan)
    for one in all_of_them[: len(OWNED)]:
        perform(one)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(perform, all_of_them[len(OWNED) :]))


@dataclass(slots=True)
class Figures:
    """What came of one mode."""

    mode: str
    sent: int = 0
    arrived: int = 0
    with_credentials: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """One line."""
        seen = ", ".join(f"{name} {count}" for name, count in sorted(self.kinds.items()))
        return (
            f"{self.mode}: {self.sent} requests sent, {self.arrived} arrived, {self.with_credentials} with credentials "
            f"({seen or 'none'}), {len(self.wrong)} wrong"
        )


def run(mode: str, connections: int, seed: int, confdir: Path) -> Figures:
    """So many connections in `mode`, each with one to three requests."""
    figures = Figures(mode)
    server = RawServer(confdir)
    os.environ["REGAUTH_FUZZ_LOGIN"] = f"alice:{PASSWORD}"
    given: dict[str, Any] = {
        "regauth_credentials": [f"env:{name}=REGAUTH_FUZZ_LOGIN" for name in OWNED],
        "regauth_allow": list(ALLOWED),
        "regauth_inject": mode,
    }
    plan = (str(seed), mode, str(connections))
    with running(confdir, upstream=server, **given) as proxy:  # type: ignore[arg-type]
        # A process of its own, whose end is the end of its clients.
        command = [sys.executable, __file__, "--drive", str(proxy.port), str(proxy.authority), *plan]
        subprocess.run(command, check=True, timeout=60 + connections)
        proxy.background.perform(proxy.addon.prove(), 120)
        proxy.stop()
    server.stop()
    streams = [(name, bytes(data)) for name, data in server.streams]
    figures.sent = sum(len(each.requests) for each in plans(*plan))
    for _, data in streams:
        for one in requests(data, careless=True):
            figures.arrived += 1
            if BASIC in one.head or TOKEN in one.head:
                figures.with_credentials += 1
                figures.kinds[one.method.decode("latin-1")] += 1
    figures.wrong = list(violations(streams, mode))
    return figures


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; the status."""
    given = list(arguments if arguments is not None else sys.argv[1:])
    if given[:1] == ["--drive"]:
        drive(*given[1:])
        return 0
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=2000, help="connections in each mode")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--mode", choices=MODES, action="append")
    chosen = parser.parse_args(given)
    print(f"seed {chosen.seed}, {chosen.count} connections in each mode", flush=True)
    status = 0
    with tempfile.TemporaryDirectory() as directory:
        for mode in chosen.mode or MODES:
            figures = run(mode, chosen.count, chosen.seed, Path(directory))
            print(figures, flush=True)
            for text in figures.wrong[:20]:
                print("   ", text)
            status = status or int(bool(figures.wrong))
    return status


if __name__ == "__main__":
    sys.exit(main())
