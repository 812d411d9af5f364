"""On the wire: nothing is added to what servers may read otherwise, nor for whoever was led where nobody can read."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import ssl
import subprocess
import sys
import time
from base64 import b64encode
from pathlib import Path
from typing import Any, Final

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import StreamEnded, StreamReset
from h2.exceptions import ProtocolError

from fuzz.injection import MODES, RawServer, requests, run
from kit.canaries import password
from kit.proxy import Got, Proxy, Reply, Upstream, running
from regauth_core.model.journal import Journal
from regauth_core.model.withheld import Withheld

PASSWORD: Final = password("understood")
BASIC: Final = "Basic " + b64encode(f"alice:{PASSWORD}".encode()).decode()
TAGS: Final = "/v2/foo/tags/list"
SECRET: Final = "/v2/secret/manifests/1"  # noqa: S105  (a path)
SOURCE: Final = "env:registry.test=REGAUTH_TEST_LOGIN"
DIGEST: Final = "sha256:" + "ab" * 32
NEXT: Final = "DELETE /v2/victim/manifests/sha256:aa HTTP/1.1\r\nHost: registry.test\r\nX-Z: 1"
ADDING: Final = ("fill", "override")


@pytest.fixture(autouse=True)
def login(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the source says."""
    monkeypatch.setenv("REGAUTH_TEST_LOGIN", f"alice:{PASSWORD}")


def basic(got: Got) -> Reply:
    """A registry that asks for Basic."""
    if got.headers.get("authorization") == BASIC:
        return Reply(body=b"{}")
    return Reply(status=401, headers=[("WWW-Authenticate", 'Basic realm="r"')])


def options(mode: str = "fill", **more: Any) -> dict[str, Any]:
    """Those of a proxy that has alice's password."""
    return {"regauth_inject": mode, "regauth_credentials": [SOURCE], "regauth_quiet_time": "0.1", **more}


def tunnel(proxy: Proxy, protocol: str) -> ssl.SSLSocket:
    """To the registry."""
    plain = socket.create_connection(("127.0.0.1", proxy.port), timeout=20)
    plain.sendall(b"CONNECT registry.test:443 HTTP/1.1\r\n\r\n")
    assert plain.recv(4096).startswith(b"HTTP/1.1 200")
    context = ssl.create_default_context(cafile=str(proxy.authority))
    context.set_alpn_protocols([protocol])
    return context.wrap_socket(plain, server_hostname="registry.test")


Fields = list[tuple[str, str]]


def by_http2(proxy: Proxy, *requests: tuple[Fields, bytes]) -> None:
    """Requests over HTTP/2, one after the other, whatever is in them; a connection that is closed is enough."""
    config = H2Configuration(validate_outbound_headers=False, normalize_outbound_headers=False)
    connection = H2Connection(config)
    with tunnel(proxy, "h2") as secured, contextlib.suppress(OSError, ProtocolError):
        connection.initiate_connection()
        for number, (fields, body) in enumerate(requests):
            stream = 2 * number + 1
            connection.send_headers(stream, fields, end_stream=not body)
            if body:
                connection.send_data(stream, body, end_stream=True)
            secured.sendall(connection.data_to_send())
            ended = False
            while not ended and (data := secured.recv(65536)):
                ended = any(isinstance(each, StreamEnded | StreamReset) for each in connection.receive_data(data))
                secured.sendall(connection.data_to_send())


def by_http1(proxy: Proxy, *texts: str) -> list[bytes]:
    """The first lines of the answers to requests on one connection."""
    found: list[bytes] = []
    with tunnel(proxy, "http/1.1") as secured, contextlib.suppress(OSError):
        for text in texts:
            secured.sendall(text.encode())
            found.append(secured.recv(65536).partition(b"\r\n")[0])
    return found


def head(path: str = TAGS, method: str = "GET", *fields: tuple[str, str]) -> Fields:
    """Of a request over HTTP/2."""
    return [(":method", method), (":scheme", "https"), (":authority", "registry.test"), (":path", path), *fields]


def withheld(journal: Journal) -> list[str]:
    """Why credentials were kept back, as the findings say it, and what would be findings if the client had ended."""
    diagnosis = journal.diagnosis
    told = [found.title for found in diagnosis.findings if found.rule == "credentials-withheld"]
    told += [open.explanation for open in diagnosis.undecided if open.rule == "credentials-withheld"]
    return [reason for reason in Withheld for text in told if f": {reason.value.replace('-', ' ')}" in text]


SMUGGLED: Final = (
    head(TAGS, "GET", ("x-a", f"b\r\n\r\n{NEXT}")),
    head(TAGS, "GET", ("x-a", f"b\n\n{NEXT}")),
    head(TAGS, "GET", ("x-a", "b\r\nX-HTTP-Method-Override: DELETE")),
    head(TAGS, "GET", (f"x-a: b\r\n\r\n{NEXT}\r\nx-b", "c")),
    head(f"{TAGS} HTTP/1.1\r\nHost: registry.test\r\n\r\n{NEXT}\r\nX-Q:"),
    head(TAGS, f"GET {TAGS} HTTP/1.1\r\nHost: registry.test\r\n\r\n{NEXT}\r\n\r\nGET"),
    [(":method", "GET"), (":scheme", "https"), (":authority", f"registry.test\r\n\r\n{NEXT}"), (":path", TAGS)],
)


@pytest.mark.parametrize("mode", MODES)
def test_request_that_is_smuggled_behind_another_gets_nothing(authority_dir: Path, mode: str) -> None:
    """Over HTTP/2 a field may hold whole requests; a server reads them as its own."""
    server = RawServer(authority_dir)
    with running(authority_dir, upstream=server, **options(mode)) as proxy:  # type: ignore[arg-type]
        proxy.ask(TAGS)
        before = len(server.streams)
        for fields in SMUGGLED:
            by_http2(proxy, (fields, b""))
        proxy.background.perform(proxy.addon.prove(), 20)
        proxy.stop()
    server.stop()
    for _, data in server.streams[before:]:
        for one in requests(bytes(data), careless=True):
            # What the first request would have got may be proved beside it.
            is_proof = mode == "verify" and one.target == TAGS.encode() and not one.value(b"x-a")
            assert is_proof or b"uthorization" not in one.head, one.head


HEAD: Final = f"GET {TAGS} HTTP/1.1\r\nHost: registry.test\r\n"
BLURRED: Final = {
    "carriage return": f"{HEAD}X-A: b\rc\r\n\r\n",
    "folded line": f"{HEAD}X-A: b\r\n {NEXT}\r\n\r\n",
    "null": f"{HEAD}X-A: b\x00\r\n\r\n",
    "body of a GET": f"{HEAD}Content-Length: {len(NEXT)}\r\n\r\n{NEXT}",
    "change of protocol": f"{HEAD}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
}


@pytest.mark.parametrize("text", BLURRED.values(), ids=BLURRED)
@pytest.mark.parametrize("mode", ADDING)
def test_request_behind_one_without_a_certain_end_gets_nothing(authority_dir: Path, text: str, mode: str) -> None:
    """It could be swallowed by what the other left behind; on a connection of its own it is helped."""
    upstream = Upstream(basic, authority_dir)
    with running(authority_dir, upstream=upstream, **options(mode)) as proxy:
        assert proxy.ask(TAGS)[0] == 200
        before = len(upstream.got)
        by_http1(proxy, text, f"{HEAD}\r\n", f"{HEAD}\r\n")
        assert [got for got in upstream.got[before:] if "authorization" in got.headers] == []
        assert by_http1(proxy, f"{HEAD}\r\n")[0].startswith(b"HTTP/1.1 200")
        proxy.stop()
    upstream.stop()


def test_request_to_anybody_may_blur_a_connection(authority_dir: Path) -> None:
    """Also one that is no registry's business."""
    upstream = Upstream(basic, authority_dir)
    with running(authority_dir, upstream=upstream, **options()) as proxy:
        odd = "GET /elsewhere HTTP/1.1\r\nHost: registry.test\r\nX-A: b\rc\r\n\r\n"
        found = by_http1(proxy, odd, f"{HEAD}User-Agent: client/1\r\n\r\n")
        journal = proxy.stop()
    upstream.stop()
    assert [got for got in upstream.got if "authorization" in got.headers] == []
    assert not found[1:] or withheld(journal) == ["unclear-connection"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "POST"])
@pytest.mark.parametrize("mode", ADDING)
def test_body_that_nothing_announced_is_seen(authority_dir: Path, method: str, mode: str) -> None:
    """Over HTTP/2 a request may have one without a word about it in its head."""
    upstream = Upstream(basic, authority_dir)
    allowed = options(mode, regauth_allow=["push,delete"])
    path = "/v2/foo/blobs/uploads/" if method == "POST" else "/v2/foo/manifests/1"
    with running(authority_dir, upstream=upstream, **allowed) as proxy:
        assert proxy.ask(TAGS)[0] == 200
        before = len(upstream.got)
        by_http2(proxy, (head(path, method), b"from=other/secret"), (head(path, method), b"from=other/secret"))
        proxy.stop()
    upstream.stop()
    assert [got for got in upstream.got[before:] if "authorization" in got.headers] == []


def test_upload_over_http2_begins_without_a_body(authority_dir: Path) -> None:
    """As curl sends it: it is helped."""
    upstream = Upstream(basic, authority_dir)
    with running(authority_dir, upstream=upstream, **options(regauth_allow=["push"])) as proxy:
        proxy.ask(TAGS)
        by_http2(proxy, (head("/v2/foo/blobs/uploads/", "POST"), b""))
        proxy.stop()
    upstream.stop()
    assert upstream.got[-1].headers.get("authorization") == BASIC


ODD: Final = {
    "encoded": ("GET /v2/f%6fo/tags/list", "", "unclear-target"),
    "climbing": ("GET /v2/bar/%2e%2e/foo/tags/list", "", "unclear-target"),
    "parameter": ("GET /v2/foo/tags/list?_method=DELETE", "", "unclear-query"),
    "encoded source": (f"POST /v2/foo/blobs/uploads/?mount={DIGEST}&%66rom=x", "", "unclear-query"),
    "second source": (f"POST /v2/foo/blobs/uploads/?mount={DIGEST}&from=foo&from=x", "", "unclear-query"),
    "underscores": ("GET /v2/foo/tags/list", "X_HTTP_Method_Override: DELETE", "other-request-named"),
    "form": ("POST /v2/foo/blobs/uploads/", "Content-Type: application/x-www-form-urlencoded", "unclear-body"),
    "control": ("GET /v2/foo/tags/list", "X-A: b\x0bc", "unclear-field"),
    "other letters": ("GET /v2/foo/tags/list", "X-A: \u560d", "unclear-field"),
}


@pytest.mark.parametrize(("line", "extra", "reason"), ODD.values(), ids=ODD)
@pytest.mark.parametrize("mode", ADDING)
def test_odd_request_gets_nothing_and_a_finding(
    authority_dir: Path, line: str, extra: str, reason: str, mode: str
) -> None:
    """The client gets the refusal as it is."""
    upstream = Upstream(basic, authority_dir)
    allowed = options(mode, regauth_allow=["push,delete"])
    with running(authority_dir, upstream=upstream, **allowed) as proxy:
        assert proxy.ask(TAGS, agent="other/1")[0] == 200
        before = len(upstream.got)
        fields = (
            f"Host: registry.test\r\nUser-Agent: client/1\r\n{extra}\r\n"
            if extra
            else ("Host: registry.test\r\nUser-Agent: client/1\r\n")
        )
        by_http1(proxy, f"{line} HTTP/1.1\r\n{fields}Content-Length: 0\r\n\r\n")
        journal = proxy.stop()
    upstream.stop()
    assert [got for got in upstream.got[before:] if "authorization" in got.headers] == []
    assert withheld(journal) == [reason]


@pytest.mark.parametrize("path", [TAGS, f"/v2/foo/blobs/{DIGEST}"])
def test_credential_stands_first(authority_dir: Path, path: str) -> None:
    """In front of whatever a server could take for the end of the head: added, and sent once more."""
    server = RawServer(authority_dir)
    with running(authority_dir, upstream=server, **options()) as proxy:  # type: ignore[arg-type]
        for _ in range(3):
            proxy.ask(path)
        proxy.stop()
    server.stop()
    sent = [one for _, data in server.streams for one in requests(bytes(data), careless=False)]
    helped = [one for one in sent if one.value(b"authorization")]
    assert helped
    assert all(one.fields[0][0] == b"Authorization" for one in helped)


# Led elsewhere


def helped(proxy: Proxy, path: str = SECRET) -> bool:
    """Whether this process is helped at the registry."""
    return proxy.ask(path)[0] == 200


def helped_as_another_process(proxy: Proxy, path: str = SECRET) -> bool:
    """Whether another process is."""
    text = (
        "import http.client, ssl, sys; c = http.client.HTTPSConnection('127.0.0.1', int(sys.argv[1]), timeout=20,"
        " context=ssl.create_default_context(cafile=sys.argv[2])); c.set_tunnel('registry.test', 443);"
        " c.request('GET', sys.argv[3]); print(c.getresponse().status)"
    )
    command = [sys.executable, "-c", text, str(proxy.port), str(proxy.authority), path]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.strip() == "200"


def leading(reply: Reply, *, then: Reply | None = None) -> Any:
    """A registry that asks for Basic beside a host that leads whoever asks it."""

    def answer(got: Got) -> Reply:
        if not got.headers.get("host", "").startswith("evil"):
            return basic(got)
        return then if then is not None and got.path.startswith("/store") else reply

    return answer


@pytest.mark.parametrize(
    "headers",
    [
        [("Location", f"https:/registry.test{SECRET}")],
        [("Location", f"https://registry%2Etest{SECRET}")],
        [("Location", "https://regi\u017ftry.test/".encode().decode("latin-1"))],
        [("Link", "<" * 200)],
        [("WWW-Authenticate", f'Bearer realm="https:/registry.test{SECRET}"')],
    ],
)
@pytest.mark.parametrize("path", ["/v2/foo/manifests/1", "/any/page"])
def test_lead_that_cannot_be_read_holds_for_the_process(
    authority_dir: Path, headers: list[tuple[str, str]], path: str
) -> None:
    """Whatever was asked for; the next process asks for what its own user wants, and is helped."""
    upstream = Upstream(leading(Reply(status=300, headers=headers)), authority_dir)
    with running(authority_dir, upstream=upstream, **options()) as proxy:
        assert helped(proxy)
        proxy.ask(path, host="evil.example")
        assert not helped(proxy)
        assert helped_as_another_process(proxy)
        journal = proxy.stop()
    upstream.stop()
    assert withheld(journal) == ["led-elsewhere"]


MANIFESTS: Final = {
    "long s": f'{{"layers":[{{"url\u017f":["https://registry.test{SECRET}"]}}]}}',
    "two keys": f'{{"layers":[{{"urls":["https://registry.test{SECRET}"],"urls":[]}}]}}',
    "cut off": f'{{"layers":[{{"urls":["https://registry.test{SECRET}"',
    "large": f'{{"layers":[{{"urls":["https://registry.test{SECRET}"]}}],"x":"' + "x" * 400_000 + '"}',
    "larger": f'{{"layers":[{{"urls":["https://registry.test{SECRET}"]}}],"x":"' + "x" * 1_500_000 + '"}',
    "too large": '{"layers":[],"x":"' + "x" * 5_000_000 + '"}',
}


@pytest.mark.parametrize("body", MANIFESTS.values(), ids=MANIFESTS)
@pytest.mark.parametrize("is_moved", [False, True])
def test_layers_lead_elsewhere_however_the_manifest_comes(authority_dir: Path, body: str, is_moved: bool) -> None:
    """From the registry itself, or from a store to which it sent the client."""
    manifest = Reply(body=body.encode())
    store = Reply(status=307, headers=[("Location", "https://evil-store.example/store/1")])
    upstream = Upstream(leading(store if is_moved else manifest, then=manifest), authority_dir)
    accept = "application/vnd.oci.image.manifest.v1+json"
    with running(authority_dir, upstream=upstream, **options()) as proxy:
        assert helped(proxy)
        proxy.ask("/v2/foo/manifests/1", host="evil.example", Accept=accept)
        if is_moved:
            proxy.ask("/store/1", host="evil-store.example", Accept=accept)
        assert not helped(proxy)
        proxy.stop()
    upstream.stop()


@pytest.mark.parametrize("size", [10, 400_000, 3_000_000])
def test_large_manifest_without_layers_elsewhere_leads_nowhere(authority_dir: Path, size: int) -> None:
    """As large as registries have to take."""
    body = json.dumps({"layers": [{"digest": DIGEST}], "annotations": {"x": "x" * size}}).encode()
    upstream = Upstream(leading(Reply(body=body)), authority_dir)
    with running(authority_dir, upstream=upstream, **options()) as proxy:
        assert proxy.ask("/v2/foo/manifests/1", host="evil.example") == (200, body)
        assert helped(proxy)
        proxy.stop()
    upstream.stop()


def test_client_may_follow_before_the_answer_has_ended(authority_dir: Path) -> None:
    """The head is enough for it, and the rest may never come."""

    def answer(got: Got) -> Reply:
        if not got.headers.get("host", "").startswith("evil"):
            return basic(got)
        there = ("Location", f"https://registry.test{SECRET}")
        return Reply(status=307, headers=[there, ("Transfer-Encoding", "chunked")])

    upstream = Upstream(answer, authority_dir)
    with running(authority_dir, upstream=upstream, **options()) as proxy:
        assert helped(proxy, TAGS)
        connection = proxy.connect("evil.example")
        connection.request("GET", f"/v2/foo/blobs/{DIGEST}", headers={"Host": "evil.example"})
        assert connection.getresponse().status == 307
        assert not helped(proxy)
        connection.close()
        proxy.stop()
    upstream.stop()


def test_answer_that_was_got_with_credentials_leads_as_well(authority_dir: Path) -> None:
    """The registry that leads may be one for which credentials are held."""

    def answer(got: Got) -> Reply:
        reply = basic(got)
        if reply.status == 200 and got.headers.get("host", "").startswith("evil"):
            return Reply(status=307, headers=[("Location", f"https://registry.test{SECRET}")])
        return reply

    upstream = Upstream(answer, authority_dir)
    both = options(regauth_credentials=[SOURCE, "env:evil.example=REGAUTH_TEST_LOGIN"])
    with running(authority_dir, upstream=upstream, **both) as proxy:
        assert proxy.ask("/v2/foo/manifests/1", host="evil.example")[0] == 307
        assert not helped(proxy)
        assert helped(proxy, TAGS)
        proxy.stop()
    upstream.stop()


@pytest.mark.parametrize("mode", MODES)
def test_fuzz(authority_dir: Path, mode: str) -> None:
    """A short run of the fuzzer; see there."""
    begun = time.monotonic()
    figures = run(mode, 90, 20_260_000, authority_dir)
    assert figures.wrong == []
    assert (figures.with_credentials > 0) == (mode != "off"), figures
    assert figures.sent > 100
    assert re.search(r"[0-9]+ requests sent", str(figures))
    assert time.monotonic() - begun < 200
