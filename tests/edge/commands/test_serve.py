"""A simulated registry on a real port."""

from __future__ import annotations

import base64
import io
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from pathlib import Path

import pytest

from regauth_core.edge.commands import listener
from regauth_core.edge.commands.serve import Server
from regauth_core.edge.errors import UserError
from regauth_core.edge.scenarios import scenario_at
from regauth_core.simulate.image import digest, image
from regauth_core.simulate.registry import Registry
from regauth_core.simulate.scenario import read

ROOT = Path(__file__).parents[3]
ALICE = "Basic " + base64.b64encode(b"alice:wonder-land").decode()
SCENARIO = """
schema: regauth.scenario/1
id: x
title: t
users: {alice: {password: wonder-land}}
registry:
  ping: {challenge: {raw: ['Basic realm="one', 'bearer realm=two,,', 'Basic realm="Prüfung"']}}
  repositories:
  - {name: foo, users: {alice: [pull, push]}, images: [latest]}
  - {name: bar, anonymous: [pull], images: [latest]}
"""


@pytest.fixture(scope="module")
def confdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a certificate authority, which takes a moment to make."""
    return tmp_path_factory.mktemp("authority")


@pytest.fixture
def server(confdir: Path) -> Iterator[Server]:
    """A server on a free port."""
    made = Server(Registry(read(SCENARIO, "<test>"), secret=b"s"), host="127.0.0.1", port=0, confdir=confdir)
    made.start()
    yield made
    made.stop()


def trusting(server: Server) -> ssl.SSLContext:
    """What a client needs to believe the server."""
    return ssl.create_default_context(cafile=str(server.certificates.authority))


def talk(server: Server, request: bytes) -> bytes:
    """All that the server says to some bytes, until it closes the connection."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(request)
        said = b""
        while part := connection.recv(65536):
            said += part
        return said


def response(said: bytes, method: str = "GET") -> HTTPResponse:
    """The bytes as an answer."""

    class Source:
        def makefile(self, mode: str) -> io.BytesIO:
            """As a socket does it."""
            return io.BytesIO(said)

    answer = HTTPResponse(Source(), method=method)  # type: ignore[arg-type]
    answer.begin()
    return answer


def statuses(said: bytes) -> list[int]:
    """The statuses of several answers in a row whose bodies do not begin like one."""
    return [int(part[:3]) for part in said.split(b"HTTP/1.1 ")[1:]]


def test_both_protocols_are_on_one_port(server: Server) -> None:
    """The first byte tells http from https."""
    plain = HTTPConnection("127.0.0.1", server.port, timeout=10)
    secure = HTTPSConnection("localhost", server.port, timeout=10, context=trusting(server))
    for connection in (plain, secure):
        connection.request("GET", "/v2/bar/tags/list")
        assert connection.getresponse().status == 200
        connection.close()


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "registry.test", "other.example"])
def test_the_certificate_fits_whatever_name_was_asked(server: Server, name: str) -> None:
    """A client that trusts the authority accepts the server under any name."""
    with (
        socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection,
        trusting(server).wrap_socket(connection, server_hostname=name) as secure,
    ):
        secure.sendall(b"GET /v2/ HTTP/1.1\r\nHost: registry.test\r\nConnection: close\r\n\r\n")
        assert secure.recv(15) == b"HTTP/1.1 401 Un"


def test_the_realm_is_where_the_client_asked(confdir: Path) -> None:
    """Host and port of the request come back in the challenge, so that no name server is needed."""
    scenario = read(SCENARIO.partition("registry:")[0] + "registry: {}\ntoken: {}\n", "<test>")
    server = Server(Registry(scenario, secret=b"s"), host="127.0.0.1", port=0, confdir=confdir)
    server.start()
    connection = HTTPConnection("localhost", server.port, timeout=10)
    connection.request("GET", "/v2/")
    assert f'realm="http://localhost:{server.port}/token"' in str(
        connection.getresponse().getheader("www-authenticate")
    )
    server.stop()


def test_headers_are_sent_as_the_scenario_writes_them(server: Server) -> None:
    """Several lines, unterminated quotes, and letters beyond ASCII in UTF-8."""
    said = talk(server, b"GET /v2/ HTTP/1.1\r\nHost: registry.test\r\nConnection: close\r\n\r\n")
    lines = [line for line in said.split(b"\r\n") if line.startswith(b"WWW-Authenticate")]
    assert lines == [
        b'WWW-Authenticate: Basic realm="one',
        b"WWW-Authenticate: bearer realm=two,,",
        'WWW-Authenticate: Basic realm="Prüfung"'.encode(),
    ]


def test_a_connection_is_kept(server: Server) -> None:
    """Two requests in one packet get two answers; the second ends the connection, because it says so."""
    one = b"GET /v2/bar/tags/list HTTP/1.1\r\nHost: registry.test\r\n"
    assert statuses(talk(server, one + b"\r\n" + one + b"Connection: close\r\n\r\n")) == [200, 200]


def test_an_old_client_is_not_kept(server: Server) -> None:
    """HTTP/1.0 ends after one answer."""
    assert statuses(talk(server, b"GET /v2/bar/tags/list HTTP/1.0\r\nHost: registry.test\r\n\r\n")) == [200]


def test_an_answer_to_head_has_no_body(server: Server) -> None:
    """The length is that of the body that is not sent, and the next answer follows at once."""
    path = b"/v2/bar/manifests/latest HTTP/1.1\r\nHost: registry.test\r\n"
    said = talk(server, b"HEAD " + path + b"\r\nGET " + path + b"Connection: close\r\n\r\n")
    head, _, rest = said.partition(b"\r\n\r\n")
    manifest = image("bar:latest").manifest
    assert f"Content-Length: {len(manifest)}".encode() in head
    assert rest.startswith(b"HTTP/1.1 200 OK\r\n")
    assert rest.endswith(manifest)


def test_a_body_in_chunks_is_one_body(server: Server) -> None:
    """Chunks with extensions and trailers are put together."""
    path = f"/v2/foo/blobs/uploads/?digest={digest(b'in pieces')}"
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {ALICE}\r\nConnection: close\r\n".encode()
    said = talk(
        server, head + b"Transfer-Encoding: chunked\r\n\r\n3;x=y\r\nin \r\n6\r\npieces\r\n0\r\nTrailer: x\r\n\r\n"
    )
    assert statuses(said) == [201]


def test_a_client_that_waits_is_told_to_go_on(server: Server) -> None:
    """`Expect: 100-continue` (RFC 9110 section 10.1.1)."""
    path = f"/v2/foo/blobs/uploads/?digest={digest(b'later')}"
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {ALICE}\r\nExpect: 100-continue\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(f"{head}Content-Length: 5\r\n\r\n".encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"later")
        assert connection.recv(65536).startswith(b"HTTP/1.1 201 ")


def test_a_request_to_a_proxy_is_understood(server: Server) -> None:
    """A URL for a target: the host that counts is the one in it."""
    said = talk(server, b"GET http://registry.test/v2/bar/tags/list HTTP/1.1\r\nHost: y\r\nConnection: close\r\n\r\n")
    assert response(said).status == 200


HOST = b"Host: registry.test\r\n"
UNUSABLE = {
    "two lengths": (b"POST /v2/ HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
    "no number": (b"POST /v2/ HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n", 400),
    "length and chunks": (
        b"POST /v2/ HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        400,
    ),
    "another coding": (b"POST /v2/ HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: gzip, chunked\r\n\r\n", 501),
    "a chunk without size": (b"POST /v2/ HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nx\r\n", 400),
    "a chunk too long": (b"POST /v2/ HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nxx\r\n", 400),
    "a huge chunk": (b"POST /v2/ HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nffffffff\r\n", 413),
    "a huge body": (b"POST /v2/ HTTP/1.1\r\n" + HOST + b"Content-Length: 99999999999\r\n\r\n", 413),
    "trailers": (
        b"POST /v2/ HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"a: b\r\n" * 101 + b"\r\n",
        400,
    ),
    "two hosts": (b"GET /v2/ HTTP/1.1\r\n" + HOST + HOST + b"\r\n", 400),
    "no host name": (b"GET /v2/ HTTP/1.1\r\nHost: [::1\r\n\r\n", 400),
    "a host with a break": (b"GET /v2/ HTTP/1.1\r\nHost: a\x00b\r\n\r\n", 400),
    "a port out of range": (b"GET /v2/ HTTP/1.1\r\nHost: a:99999\r\n\r\n", 400),
    "no target": (b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "another scheme": (b"GET ftp://x/ HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "an unknown method": (b"BREW /v2/ HTTP/1.1\r\n" + HOST + b"\r\n", 501),
    "no request": (b"hello\r\n\r\n", 400),
    "a long target": (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
    "a long header": (b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000 + b"\r\n\r\n", 431),
    "many headers": (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n", 431),
}


@pytest.mark.parametrize(("request_", "status"), UNUSABLE.values(), ids=UNUSABLE)
def test_what_cannot_be_read_is_refused_and_the_connection_ends(server: Server, request_: bytes, status: int) -> None:
    """A request that is too large, or that could be read in two ways, gets an error; the server goes on."""
    said = talk(server, request_)
    assert statuses(said) == [status]
    assert statuses(talk(server, b"GET /v2/bar/tags/list HTTP/1.0\r\n\r\n")) == [200]


def test_a_client_that_sends_too_much_still_gets_the_answer(server: Server) -> None:
    """The refusal arrives although the client does not stop to listen."""
    said = talk(server, b"POST /v2/ HTTP/1.1\r\n" + HOST + b"Content-Length: 99999999999\r\n\r\n" + bytes(8 << 20))
    assert statuses(said) == [413]


def test_a_refused_head_has_no_body(server: Server) -> None:
    """Not even an error has one."""
    said = talk(server, b"HEAD /v2/ HTTP/1.1\r\n" + HOST + HOST + b"\r\n")
    assert (statuses(said), said.endswith(b"\r\n\r\n")) == ([400], True)


def test_noise_does_no_harm(server: Server, capfd: pytest.CaptureFixture[str]) -> None:
    """A broken handshake, a body that stops, a connection without a word: closed without a trace."""
    for noise in (b"\x16\x03\x01\x00\x05hello", b"POST /v2/ HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc", b""):
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
            connection.sendall(noise)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
    assert statuses(talk(server, b"GET /v2/bar/tags/list HTTP/1.0\r\n\r\n")) == [200]
    assert capfd.readouterr() == ("", "")


def test_a_silent_connection_is_closed(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can hold a connection by saying nothing."""
    monkeypatch.setattr(listener.Handler, "timeout", 0.05)
    assert talk(server, b"GET /v2/ HTTP/1.1\r\n") == b""


def test_many_clients_at_once(server: Server) -> None:
    """Pushes from several threads are all there afterwards."""

    def push(number: int) -> None:
        data = b"%d" % number
        connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
        connection.request("POST", f"/v2/foo/blobs/uploads/?digest={digest(data)}", data, {"Authorization": ALICE})
        assert connection.getresponse().status == 201
        connection.close()

    threads = [threading.Thread(target=push, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
    for number in range(20):
        connection.request("HEAD", f"/v2/foo/blobs/{digest(b'%d' % number)}", headers={"Authorization": ALICE})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200


def test_stopping_ends_open_connections(server: Server) -> None:
    """Nobody waits for a server that is gone."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(b"GET /v2/bar/tags/list HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(65536)
        server.stop()
        assert connection.recv(1) == b""


def test_a_port_in_use_is_told(server: Server, confdir: Path) -> None:
    """One line that says what to do."""
    with pytest.raises(UserError) as trouble:
        Server(Registry(read(SCENARIO, "<test>"), secret=b"s"), host="127.0.0.1", port=server.port, confdir=confdir)
    expected = f"127.0.0.1:{server.port}: the port is in use; choose another with --port, or 0 for a free one"
    assert str(trouble.value) == expected


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 70_000), ("192.0.2.1", 0), ("no.such.host.invalid", 0)])
def test_an_address_that_cannot_be_used_is_told(confdir: Path, host: str, port: int) -> None:
    """Out of range, not this machine's, unknown: one line."""
    with pytest.raises(UserError) as trouble:
        Server(Registry(read(SCENARIO, "<test>"), secret=b"s"), host=host, port=port, confdir=confdir)
    assert len(str(trouble.value).splitlines()) == 1


def test_an_authority_that_is_none_is_told(tmp_path: Path) -> None:
    """A file that is there and cannot be read as one."""
    (tmp_path / "mitmproxy-ca.pem").write_text("nothing")
    with pytest.raises(UserError, match="expected a certificate authority in PEM"):
        Server(Registry(read(SCENARIO, "<test>"), secret=b"s"), host="127.0.0.1", port=0, confdir=tmp_path)


FILES = {
    "missing": (None, "x.yaml: cannot be read: No such file or directory"),
    "no UTF-8": (b"a: b\nc: \xff\n", "x.yaml:2: expected UTF-8"),
    "no scenario": (b"a: b\n", "x.yaml:1: a: unknown key, expected one of "),
}


@pytest.mark.parametrize(("data", "message"), FILES.values(), ids=FILES)
def test_a_scenario_file_that_cannot_be_used_is_told(tmp_path: Path, data: bytes | None, message: str) -> None:
    """One line with the file and, where there is one, the line."""
    path = tmp_path / "x.yaml"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(UserError) as trouble:
        scenario_at(path)
    assert str(trouble.value).startswith(f"{tmp_path}/{message}")


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_serving_prints_how_to_reach_it_and_ends_at_a_signal(confdir: Path) -> None:
    """One screen, then it answers until SIGTERM, and ends with status 0."""
    program = (
        "import sys; from pathlib import Path; from regauth_core.edge.commands.serve import serve;"
        "sys.exit(serve(Path(sys.argv[1]), host='127.0.0.1', port=0, confdir=Path(sys.argv[2]), out=sys.stdout))"
    )
    path = ROOT / "scenarios/per-repository-bearer.yaml"
    arguments = [sys.executable, "-c", program, str(path), str(confdir)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "addon")}
    with subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout is not None
        screen = [process.stdout.readline() for _ in range(3)]
        assert screen[0] == "per-repository-bearer: The ping is open, foo wants a token, bar is public\n"
        place = screen[2].split()[1].removeprefix("https://")
        connection = HTTPConnection(place, timeout=10)
        connection.request("GET", "/v2/")
        assert connection.getresponse().status == 200
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
    assert process.returncode == 0
    assert f"--cacert {confdir}/mitmproxy-ca-cert.pem" in rest
    assert len(rest.splitlines()) < 22
