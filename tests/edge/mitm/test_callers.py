"""Other users and web pages in front of a real proxy that holds credentials: what they get, and what is said of it."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, cast

import pytest
from h2.connection import H2Connection
from h2.events import StreamEnded

from kit.canaries import leaks
from kit.injecting_proxy import BASIC, PASSWORD, SOURCE, TAGS, Ground, carried, withheld
from kit.proxy import Got, Proxy, Reply, Upstream, running
from kit.somebody import NOBODY, asked_as
from regauth_core.auth.callers import Caller, Callers
from regauth_core.auth.messages import ClientRequest, Received
from regauth_core.edge.mitm.verifier import Refused, Verifier
from regauth_core.model import Origin

URL: Final = f"https://registry.test{TAGS}"
PRIVATE: Final = '{"tags":["1"]}'
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
PAGE: Final = {"Origin": "http://evil.example", "User-Agent": "Mozilla/5.0"}


@pytest.fixture(autouse=True)
def login(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the source says."""
    monkeypatch.setenv("REGAUTH_TEST_LOGIN", f"alice:{PASSWORD}")


@contextlib.contextmanager
def proxied(directory: Path, **options: Any) -> Iterator[tuple[Proxy, Upstream]]:
    """A proxy with credentials for a registry behind it."""
    upstream = Upstream(Ground(), directory)
    given = {"regauth_inject": "fill", "regauth_credentials": [SOURCE], **options}
    try:
        with running(directory, upstream=upstream, **given) as proxy:
            yield proxy, upstream
    finally:
        upstream.stop()


@needs_root
@pytest.mark.parametrize("mode", ["fill", "override"])
def test_other_user_reads_nothing_with_the_credentials(authority_dir: Path, mode: str) -> None:
    """Neither at first nor when their owner has used them; it is recorded, and a note has the setting."""
    with proxied(authority_dir, regauth_inject=mode) as (proxy, upstream):
        first = asked_as(NOBODY, proxy.port, proxy.authority, URL)
        seen = len(upstream.got)
        own = asked_as(os.geteuid(), proxy.port, proxy.authority, URL)
        between = len(upstream.got)
        again = asked_as(NOBODY, proxy.port, proxy.authority, URL)
        journal = proxy.stop()
    assert (first[0], own, again[0]) == (401, (200, PRIVATE), 401)
    assert [got for got in (*upstream.got[:seen], *upstream.got[between:]) if carried(got)] == []
    assert len(journal.exchanges) == 3
    assert set(withheld(journal)) == {"other-user"}
    assert any(f"regauth_clients=uid:{NOBODY} allows that" in note for note in journal.diagnosis.notes)


@needs_root
def test_nothing_is_proved_for_another_user(authority_dir: Path) -> None:
    """The proof says why."""
    with proxied(authority_dir, regauth_inject="verify") as (proxy, upstream):
        assert asked_as(NOBODY, proxy.port, proxy.authority, URL)[0] == 401
        proxy.background.perform(proxy.addon.prove(), 20)
        journal = proxy.stop()
    assert [got for got in upstream.got if carried(got)] == []
    (proof,) = {finding.verification for finding in journal.diagnosis.findings if finding.verification is not None}
    assert (proof.outcome, proof.note) == ("undecided", "the client is a process of another user")
    assert any(f"regauth_clients=uid:{NOBODY} allows that" in note for note in journal.diagnosis.notes)


@needs_root
@pytest.mark.parametrize("allowed", ["any-user", "user:nobody", f"uid:{NOBODY}"])
def test_other_user_may_be_allowed(authority_dir: Path, allowed: str) -> None:
    """By name, by number, or all of them; with no word about it."""
    with proxied(authority_dir, regauth_clients=[allowed]) as (proxy, _):
        assert asked_as(NOBODY, proxy.port, proxy.authority, URL) == (200, PRIVATE)
        journal = proxy.stop()
    assert withheld(journal) == []


@pytest.mark.parametrize(("proxyauth", "expected"), [("build:let-me-in-97", 200), ("any", 401)])
def test_password_of_the_proxy_stands_in_for_the_user(
    authority_dir: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, proxyauth: str, expected: int
) -> None:
    """Where the machine does not say whose a process is, and the password is checked; and it goes nowhere."""
    monkeypatch.setattr("regauth_core.edge.mitm.processes._PROC", tmp_path)
    with proxied(authority_dir, proxyauth=proxyauth) as (proxy, upstream):
        found = asked_as(os.geteuid(), proxy.port, proxy.authority, URL, "build:let-me-in-97")
        proxy.stop()
    assert found[0] == expected
    assert not any("proxy-authorization" in got.headers for got in upstream.got)


@needs_root
def test_password_of_the_proxy_makes_nobody_somebody_else(authority_dir: Path) -> None:
    """It lets others use the proxy, not the credentials."""
    with proxied(authority_dir, proxyauth="build:let-me-in-97") as (proxy, upstream):
        assert asked_as(NOBODY, proxy.port, proxy.authority, URL, "build:let-me-in-97")[0] == 401
        journal = proxy.stop()
    assert not any(map(carried, upstream.got))
    assert withheld(journal) == ["other-user"]


@needs_root
def test_registry_without_credentials_is_nothing_to_keep_back(authority_dir: Path) -> None:
    """Other users of a shared proxy get no finding about registries that nobody has credentials for."""
    upstream = Upstream(lambda _: Reply(status=401, headers=[("WWW-Authenticate", 'Basic realm="r"')]), authority_dir)
    given: dict[str, Any] = {"regauth_inject": "fill", "regauth_credentials": [SOURCE]}
    with running(authority_dir, upstream=upstream, **given) as proxy:
        assert asked_as(NOBODY, proxy.port, proxy.authority, "https://auth.registry.test/v2/foo/tags/list")[0] == 401
        journal = proxy.stop()
    upstream.stop()
    assert withheld(journal) == []


def test_machine_that_does_not_say_whose_it_is_gets_nothing(
    authority_dir: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """And is told to set a password."""
    monkeypatch.setattr("regauth_core.edge.mitm.processes._PROC", tmp_path)
    with proxied(authority_dir) as (proxy, upstream):
        assert proxy.ask(TAGS)[0] == 401
        journal = proxy.stop()
    assert [got for got in upstream.got if carried(got)] == []
    assert withheld(journal) == ["unknown-user"]


PAGES: Final = {
    "fetch": PAGE,
    "navigation": {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"},
    "image on plain http": {"User-Agent": "Mozilla/5.0", "Referer": "http://evil.example/"},
    "preflight": {"Access-Control-Request-Method": "GET", "User-Agent": "x"},
}


@pytest.mark.parametrize("mode", ["fill", "override", "verify"])
@pytest.mark.parametrize("headers", PAGES.values(), ids=PAGES)
@pytest.mark.parametrize("proxy_mode", ["regular", "reverse:https://registry.test"], ids=["forward", "reverse"])
def test_web_page_reads_nothing_with_the_credentials(
    authority_dir: Path, mode: str, headers: dict[str, str], proxy_mode: str
) -> None:
    """A browser is its user's own process and does what any page wants of it."""
    with proxied(authority_dir, regauth_inject=mode, mode=[proxy_mode]) as (proxy, upstream):
        with contextlib.closing(connected(proxy, proxy_mode)) as connection:
            connection.request("GET", TAGS, headers=headers)
            status = connection.getresponse().status
        proxy.background.perform(proxy.addon.prove(), 20)
        journal = proxy.stop()
    assert status == 401
    assert [got for got in upstream.got if carried(got)] == []
    assert withheld(journal) == ([] if mode == "verify" else ["web-page"])


def connected(proxy: Proxy, proxy_mode: str) -> http.client.HTTPConnection:
    """A client's connection to a registry, through a proxy of either kind."""
    if proxy_mode == "regular":
        return proxy.connect()
    return http.client.HTTPConnection("localhost", proxy.port, timeout=20)


def test_web_page_may_be_allowed(authority_dir: Path) -> None:
    """For those who have a registry's user interface in front of it."""
    with proxied(authority_dir, regauth_clients=["browser"]) as (proxy, _):
        assert proxy.ask(TAGS, agent="Mozilla/5.0", Origin="https://ui.test", Sec_Fetch_Site="cross-site")[0] == 200
        assert withheld(proxy.stop()) == []


def test_client_that_says_another_host_led_it_here_gets_nothing(authority_dir: Path) -> None:
    """Go's clients name the place that redirected them."""
    with proxied(authority_dir) as (proxy, upstream):
        assert proxy.ask(TAGS, Referer="https://evil.test/v2/x/manifests/1")[0] == 401
        assert proxy.ask(TAGS, Referer="https://registry.test/v2/foo/manifests/1")[0] == 200
        journal = proxy.stop()
    assert withheld(journal) == []  # the client got over it
    assert [carried(got) for got in upstream.got] == [False, False, True]


NAMES: Final = {
    "the usual": ("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n", True),
    "rebound": ("GET {path} HTTP/1.1\r\nHost: evil.example\r\n", False),
    "absolute form": ("GET http://evil.example{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n", False),
    "two": ("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n", False),
    "none": ("GET {path} HTTP/1.0\r\n", False),
    "empty": ("GET {path} HTTP/1.1\r\nHost:\r\n", False),
}


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize(("head", "is_helped"), NAMES.values(), ids=NAMES)
def test_reverse_proxy_looks_at_every_name(authority_dir: Path, keep: bool, head: str, is_helped: bool) -> None:
    """As the client sent it, on each request of a connection."""
    upstream = Upstream(answer_to_anybody, authority_dir)
    given: dict[str, Any] = {"regauth_inject": "fill", "regauth_credentials": [SOURCE], "keep_host_header": keep}
    usual = f"GET {TAGS} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with running(authority_dir, upstream=upstream, mode=["reverse:https://registry.test"], **given) as proxy:
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=20) as client:
            client.sendall(usual.encode())
            first = client.recv(65536)
            seen = len(upstream.got)
            client.sendall(f"{head.format(path=TAGS)}Connection: close\r\n\r\n".encode())
            second = b"".join(iter(lambda: client.recv(65536), b""))
        proxy.stop()
    upstream.stop()
    assert b" 200 " in first.partition(b"\r\n")[0]
    assert (b" 200 " in second.partition(b"\r\n")[0]) == is_helped
    assert any(map(carried, upstream.got[seen:])) == is_helped


@pytest.mark.parametrize(
    ("authority", "name", "is_helped"),
    [
        ("localhost", "localhost", True),
        ("evil.example", "localhost", False),
        ("localhost", "evil.example", False),
        ("registry.test", "registry.test", True),
    ],
)
def test_reverse_proxy_looks_at_http2_and_tls_names(
    authority_dir: Path, authority: str, name: str, is_helped: bool
) -> None:
    """The pseudo-header and the handshake name the proxy as `Host` does."""
    upstream = Upstream(answer_to_anybody, authority_dir)
    given: dict[str, Any] = {"regauth_inject": "fill", "regauth_credentials": [SOURCE], "regauth_trust": ["http"]}
    context = ssl.create_default_context(cafile=str(authority_dir / "mitmproxy-ca-cert.pem"))
    context.check_hostname = False
    context.set_alpn_protocols(["h2"])
    connection = H2Connection()
    with running(authority_dir, upstream=upstream, mode=["reverse:http://registry.test"], **given) as proxy:
        with (
            socket.create_connection(("127.0.0.1", proxy.port), timeout=20) as plain,
            context.wrap_socket(plain, server_hostname=name) as secured,
        ):
            assert secured.selected_alpn_protocol() == "h2"
            connection.initiate_connection()
            head = [(":method", "GET"), (":scheme", "https"), (":authority", authority), (":path", TAGS)]
            connection.send_headers(1, head, end_stream=True)
            secured.sendall(connection.data_to_send())
            ended = False
            while not ended and (data := secured.recv(65536)):
                ended = any(isinstance(event, StreamEnded) for event in connection.receive_data(data))
                secured.sendall(connection.data_to_send())
        journal = proxy.stop()
    upstream.stop()
    assert journal.exchanges[0].connection.http_version == "HTTP/2.0"
    assert any(map(carried, upstream.got)) == is_helped
    assert withheld(journal) == ([] if is_helped else ["other-name"])


def answer_to_anybody(got: Got) -> Reply:
    """A registry that wants a password, whatever it is called."""
    if got.headers.get("authorization") == BASIC:
        return Reply(body=PRIVATE.encode())
    return Reply(status=401, headers=[("WWW-Authenticate", 'Basic realm="r"')])


def test_what_is_kept_back_tells_no_secret(authority_dir: Path) -> None:
    """Findings and notes name settings, not passwords."""
    with proxied(authority_dir) as (proxy, _):
        proxy.ask(TAGS, agent="Mozilla/5.0")
        journal = proxy.stop()
    assert leaks(repr(journal), (PASSWORD,)) == []


def test_refusal_of_a_stranger_is_no_proof_for_others() -> None:
    """Where a finding rests on a token server's answer, the request to be tried is sought among all of the registry."""
    own = Caller(address="127.0.0.1", user=1000, host="registry.test")
    nobody = cast(Any, None)
    callers = Callers(own=1000)
    verifier = Verifier(nobody, nobody, nobody, callers)
    request = ClientRequest(method="GET", origin=Origin("https", "registry.test", 443), path=TAGS)
    for number, caller in ((1, own), (2, replace(own, user=1001))):
        verifier._refused[number] = Refused(nobody, request, Received(status=401, at=1.0), caller)
    finding = SimpleNamespace(exchanges=(9,), repository="foo", registry="https://registry.test")
    found = verifier.refusal_of(cast(Any, finding))
    assert found is not None
    assert found[1].caller is own
