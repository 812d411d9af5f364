"""Where credentials of regauth's own go, with a registry and a token server that would like to have them elsewhere."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from h2.connection import H2Connection
from h2.events import StreamEnded
from mitmproxy import ctx

from kit.apart import ELSEWHERE, HERE
from kit.canaries import leaks, opaque
from kit.injecting_proxy import BASIC, DIGEST, PASSWORD, SOURCE, TAGS, Ground, carried, host, withheld
from kit.proxy import Got, Proxy, Reply, Upstream, running
from regauth_core.edge.commands.authority import authority
from regauth_core.model import ChangeKind

ROOT: Final = Path(__file__).parents[3]
BLOB: Final = f"/v2/foo/blobs/{DIGEST}"
REALM: Final = "https://auth.registry.test/token"


@contextmanager
def proxied(ground: Ground, directory: Path, **options: Any) -> Iterator[tuple[Proxy, Upstream]]:
    """A proxy that fills in alice's password, in front of `ground`."""
    upstream = Upstream(ground, directory)
    given = {"regauth_inject": "fill", "regauth_credentials": [SOURCE], **options}
    try:
        with running(directory, upstream=upstream, **given) as proxy:
            yield proxy, upstream
    finally:
        upstream.stop()


@pytest.fixture(autouse=True)
def login(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the source says."""
    monkeypatch.setenv("REGAUTH_TEST_LOGIN", f"alice:{PASSWORD}")


def test_basic_is_answered_for_a_client_without_credentials(authority_dir: Path) -> None:
    """The client gets the answer; the record has its own request, and what was changed, without the secret."""
    with proxied(Ground(), authority_dir) as (proxy, upstream):
        status, body = proxy.ask(TAGS)
        journal = proxy.stop()
    assert (status, body) == (200, b'{"tags":["1"]}')
    assert [got.headers.get("authorization") for got in upstream.got] == [None, BASIC]
    (exchange,) = journal.exchanges
    assert exchange.request.credentials == ()
    added = r"regauth added a Basic credential \(pw:[0-9a-f]{8}\)"
    assert any(re.fullmatch(added, one.text) for one in exchange.changes)
    assert any("regauth_inject=fill changed some exchanges" in note for note in journal.diagnosis.notes)
    where = "regauth's credentials for registry.test are those of REGAUTH_TEST_LOGIN for registry.test"
    assert journal.diagnosis.notes.count(where) == 1
    assert leaks(repr(journal), (PASSWORD,)) == []
    (flow,) = proxy.kept.flows[-1:]
    assert (flow.marked, "authorization" in flow.request.headers) == (":key:", False)


@pytest.mark.parametrize("realm", [None, REALM])
def test_blob_that_nothing_is_known_about_is_streamed_all_the_same(authority_dir: Path, realm: str | None) -> None:
    """Its answer may be large, so the client is told to come again, once, and then gets it with the credentials."""
    with proxied(Ground(realm), authority_dir) as (proxy, upstream):
        connection = proxy.connect()
        statuses = []
        for _ in range(2):
            connection.request("GET", BLOB, headers={"User-Agent": "client/1"})
            answer = connection.getresponse()
            answer.read()
            statuses.append((answer.status, answer.getheader("Location")))
        connection.close()
        journal = proxy.stop()
    assert statuses == [(307, BLOB), (200, None)]
    # A password that was never accepted is tried with a HEAD first.
    asked = [(got.method, carried(got)) for got in upstream.got if got.path == BLOB]
    assert asked == [("GET", False), *([("HEAD", True)] if realm is None else []), ("GET", True)]
    assert any(change.kind is ChangeKind.SENT_BACK for change in journal.exchanges[0].changes)


@pytest.mark.parametrize(("given", "status"), [([], 401), (["refusal-403"], 403)])
def test_refusal_that_stays_one_may_be_final(authority_dir: Path, given: list[str], status: int) -> None:
    """Some clients try a 401 again and again."""
    ground = Ground(REALM)
    ground.token = Reply(body=json.dumps({"token": opaque("useless"), "expires_in": 300}).encode())
    with proxied(ground, authority_dir, regauth_manner=given) as (proxy, _):
        found = proxy.ask(TAGS)[0]
        proxy.stop()
    assert found == status


@pytest.mark.parametrize(("given", "methods"), [([], ["GET"]), (["oauth-first:registry.test"], ["POST", "GET"])])
def test_token_server_is_asked_in_the_manner_that_is_told(
    authority_dir: Path, given: list[str], methods: list[str]
) -> None:
    """By POST first, and by GET where it does not take forms."""
    ground = Ground(REALM)

    def answer(got: Got) -> Reply:
        is_form = host(got) == "auth.registry.test" and got.method == "POST"
        return Reply(status=405) if is_form else ground(got)

    upstream = Upstream(answer, authority_dir)
    options: dict[str, Any] = {"regauth_inject": "fill", "regauth_credentials": [SOURCE], "regauth_manner": given}
    with running(authority_dir, upstream=upstream, **options) as proxy:
        assert proxy.ask(TAGS)[0] == 200
        proxy.stop()
    upstream.stop()
    assert [got.method for got in upstream.got if host(got) == "auth.registry.test"] == methods


def test_client_is_not_sent_in_a_circle(authority_dir: Path) -> None:
    """A registry that refuses what its own token server has just issued refuses the client, too."""
    ground = Ground(REALM)
    ground.token = Reply(body=json.dumps({"token": opaque("useless"), "expires_in": 300}).encode())
    with proxied(ground, authority_dir) as (proxy, upstream):
        statuses = [proxy.ask(BLOB)[0] for _ in range(3)]
        proxy.stop()
    assert statuses == [307, 401, 401]


@pytest.mark.parametrize("count", [8])
def test_one_token_serves_many_requests(authority_dir: Path, count: int) -> None:
    """They come at once and all get their answer; the token server is asked once."""
    ground = Ground(REALM)
    found: list[int] = []
    with proxied(ground, authority_dir) as (proxy, upstream):
        each = [threading.Thread(target=lambda: found.append(proxy.ask(TAGS)[0])) for _ in range(count)]
        for thread in each:
            thread.start()
        for thread in each:
            thread.join()
        proxy.stop()
    assert found == [200] * count
    assert sum(1 for got in upstream.got if host(got) == "auth.registry.test") == 1


@pytest.mark.parametrize("realm", [None, REALM])
def test_a_wrong_password_is_tried_once(authority_dir: Path, realm: str | None) -> None:
    """However often the client asks."""
    ground = Ground(realm)
    ground.valid = "Basic nobody"
    with proxied(ground, authority_dir) as (proxy, upstream):
        statuses = [proxy.ask(TAGS)[0] for _ in range(5)]
        proxy.stop()
    assert statuses == [401] * 5
    assert sum(1 for got in upstream.got if got.headers.get("authorization") == BASIC) == 1


REALMS: Final = [
    ("https://evil.example/token", "unknown-host"),
    ("https://93.184.216.34/token", "address-literal"),
    ("https://10.0.0.1/token", "internal-address"),
    ("https://127.0.0.1:8443/token", "internal-address"),
    ("https://169.254.169.254/token", "metadata-address"),
    ("http://auth.registry.test/token", "plain-http"),
    ("https://a:b@auth.registry.test/token", "userinfo"),
    ("", "not-a-url"),
]


@pytest.mark.parametrize(("realm", "reason"), REALMS)
def test_strange_realm_gets_nothing(authority_dir: Path, realm: str, reason: str) -> None:
    """The client gets its 401, and a finding says why nothing was sent."""
    with proxied(Ground(realm), authority_dir) as (proxy, upstream):
        status, _ = proxy.ask(TAGS)
        journal = proxy.stop()
    assert status == 401
    assert [got for got in upstream.got if carried(got)] == []
    assert {host(got) for got in upstream.got} == {"registry.test"}
    assert withheld(journal) == [reason]


def test_redirecting_token_server_keeps_the_password_to_itself(authority_dir: Path) -> None:
    """Another origin is not asked at all, or gets no credentials."""
    ground = Ground(REALM)
    ground.token = Reply(status=307, headers=[("Location", "https://evil.example/token")])
    with proxied(ground, authority_dir) as (proxy, upstream):
        status, _ = proxy.ask(TAGS)
        journal = proxy.stop()
    assert status == 401
    assert [got for got in upstream.got if host(got) == "evil.example"] == []
    assert withheld(journal) == ["unknown-host"]


def follow(proxy: Proxy, place: str) -> None:
    """What a client does that was sent to another host."""
    proxy.ask("/v2/foo/blobs/x", host=place)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_other_hosts_that_a_registry_names_get_nothing(authority_dir: Path, method: str) -> None:
    """A blob host after a redirect, and the place where an upload goes on, even with a registry's path."""
    ground = Ground()
    ground.location = "https://blobs.example/v2/foo/blobs/x"
    with proxied(ground, authority_dir, regauth_allow=["push"]) as (proxy, upstream):
        proxy.ask(TAGS)
        proxy.ask(BLOB if method == "GET" else "/v2/foo/blobs/uploads/", method=method)
        follow(proxy, "blobs.example")
        proxy.stop()
    assert [host(got) for got in upstream.got if carried(got)] == ["registry.test"] * 2
    assert "blobs.example" in {host(got) for got in upstream.got}


def test_another_registry_cannot_lead_the_client_to_ours(authority_dir: Path) -> None:
    """A foreign layer's URL on our registry, named by somebody else's manifest, is fetched without credentials."""
    layers = {"layers": [{"urls": [f"https://registry.test{BLOB}"]}]}

    def answer(got: Got) -> Reply:
        if host(got) == "evil.example":
            return Reply(body=json.dumps(layers).encode())
        return Ground()(got)

    upstream = Upstream(answer, authority_dir)
    with running(authority_dir, upstream=upstream, regauth_inject="fill", regauth_credentials=[SOURCE]) as proxy:
        assert proxy.ask("/v2/foo/manifests/1", host="evil.example")[0] == 200
        assert proxy.ask(BLOB)[0] == 401
        journal = proxy.stop()
    upstream.stop()
    assert [got for got in upstream.got if carried(got)] == []
    assert withheld(journal) == ["led-elsewhere"]


@pytest.mark.parametrize(
    ("place", "said", "found"),
    [
        ("evil.example", "registry.test", ["other-host-named"]),
        ("registry.test", "evil.example", ["other-host-named"]),
        ("evil.example", "evil.example", []),
    ],
)
def test_spoofed_host_header_gets_nothing(authority_dir: Path, place: str, said: str, found: list[str]) -> None:
    """Credentials are for whom is connected to; a `Host` that says otherwise is trusted in neither direction."""
    upstream = Upstream(lambda got: Reply(status=401, headers=[("WWW-Authenticate", 'Basic realm="r"')]), authority_dir)
    with running(authority_dir, upstream=upstream, regauth_inject="fill", regauth_credentials=[SOURCE]) as proxy:
        connection = proxy.connect(place)
        connection.request("GET", TAGS, headers={"Host": said, "User-Agent": "client/1"})
        connection.getresponse().read()
        connection.close()
        journal = proxy.stop()
    upstream.stop()
    assert [got for got in upstream.got if carried(got)] == []
    assert withheld(journal) == found


@pytest.mark.parametrize(
    ("keep", "said", "expected"),
    [
        (False, "127.0.0.1:8080", 200),
        (False, "registry.test", 200),
        (False, "mirror.corp:5000", 200),
        (False, "evil.example", 401),
        (True, "127.0.0.1:8080", 200),
        (True, "localhost", 200),
        (True, "mirror.corp:5000", 200),
        (True, "evil.example", 401),
    ],
)
def test_reverse_proxy_helps_whoever_addresses_it(authority_dir: Path, keep: bool, said: str, expected: int) -> None:
    """The registry is told its own name, or the proxy's if it is to build its URLs from that; no other."""
    upstream = Upstream(answer_to_anybody, authority_dir)
    given: dict[str, Any] = {"regauth_inject": "fill", "regauth_credentials": [SOURCE], "keep_host_header": keep}
    given |= {"regauth_clients": ["name:mirror.corp"]}
    with running(authority_dir, upstream=upstream, mode=["reverse:https://registry.test"], **given) as proxy:
        connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=20)
        connection.request("GET", TAGS, headers={"Host": said, "User-Agent": "client/1"})
        status = connection.getresponse().status
        connection.close()
        journal = proxy.stop()
    upstream.stop()
    assert status == expected
    assert any(map(carried, upstream.got)) == (expected == 200)
    assert withheld(journal) == ([] if expected == 200 else ["other-name"])


def answer_to_anybody(got: Got) -> Reply:
    """That of a registry with whatever name."""
    if got.headers.get("authorization") == BASIC:
        return Reply(body=b"{}")
    return Reply(status=401, headers=[("WWW-Authenticate", 'Basic realm="r"')])


def said_in_tunnel(proxy: Proxy, text: str, *, name: str = "registry.test") -> bytes:
    """What comes back for `text`, sent in a tunnel to the registry whose TLS handshake names `name`."""
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=20) as plain:
        plain.sendall(b"CONNECT registry.test:443 HTTP/1.1\r\n\r\n")
        while not plain.recv(4096).endswith(b"\r\n\r\n"):
            pass
        context = ssl.create_default_context(cafile=str(proxy.authority))
        with context.wrap_socket(plain, server_hostname=name) as secured:
            secured.sendall(text.encode())
            return b"".join(iter(lambda: secured.recv(65536), b""))


END: Final = "User-Agent: client/1\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    ("text", "name", "helped"),
    [
        (f"GET {TAGS} HTTP/1.1\r\nHost: registry.test\r\n{END}", "registry.test", True),
        (f"GET {TAGS} HTTP/1.1\r\nHost: registry.test\r\n{END}", "evil.example", False),
        (f"GET https://evil.example{TAGS} HTTP/1.1\r\nHost: registry.test\r\n{END}", "registry.test", False),
        (f"GET {TAGS} HTTP/1.1\r\nHost: evil@registry.test\r\n{END}", "registry.test", False),
        (f"GET {TAGS} HTTP/1.1\r\nHost: registry.test\r\nHost: evil.example\r\n{END}", "registry.test", False),
        (f"GET {TAGS} HTTP/1.1\r\nHost: registry.test\r\nForwarded: host=evil\r\n{END}", "registry.test", False),
    ],
)
def test_whoever_is_named_anywhere_has_to_be_the_registry(
    authority_dir: Path, text: str, name: str, helped: bool
) -> None:
    """The server behind the address may be several, and go by any of the names."""
    upstream = Upstream(answer_to_anybody, authority_dir)
    with running(authority_dir, upstream=upstream, regauth_inject="fill", regauth_credentials=[SOURCE]) as proxy:
        proxy.ask(TAGS)
        before = len(upstream.got)
        received = said_in_tunnel(proxy, text, name=name)
        proxy.stop()
    upstream.stop()
    assert any(map(carried, upstream.got[before:])) == helped
    assert received.startswith(b"HTTP/1.1 200") == helped


@pytest.mark.parametrize("path", [TAGS, BLOB])
def test_cookie_for_whoever_has_the_credentials_stays_here(authority_dir: Path, path: str) -> None:
    """With it the client could go on as somebody else; neither a new answer nor a streamed one brings it."""
    ground = Ground()

    def answer(got: Got) -> Reply:
        reply = ground(got)
        return replace(reply, headers=[*reply.headers, ("Set-Cookie", "session=1")])

    upstream = Upstream(answer, authority_dir)
    with running(authority_dir, upstream=upstream, regauth_inject="fill", regauth_credentials=[SOURCE]) as proxy:
        proxy.ask(TAGS)
        connection = proxy.connect()
        connection.request("GET", path)
        found = connection.getresponse()
        found.read()
        connection.close()
        proxy.stop()
    upstream.stop()
    assert (found.status, found.getheader("Set-Cookie")) == (200, None)


def test_refusals_are_kept_without_their_bodies(authority_dir: Path) -> None:
    """For a proof only the head is needed, however many there are."""
    upstream = Upstream(lambda got: Reply(status=401, body=b"x" * 100_000), authority_dir)
    with running(authority_dir, upstream=upstream, regauth_inject="verify", regauth_credentials=[SOURCE]) as proxy:
        proxy.ask(TAGS)
        injector = proxy.addon._helper.injector
        assert injector is not None
        (held,) = injector.verifier._refused.values()
        proxy.stop()
    upstream.stop()
    assert (held.answer.status, held.answer.body, held.flow.response) == (401, b"", None)


def test_several_clients_may_begin_with_the_same_blob(authority_dir: Path) -> None:
    """Each is sent back once, and has what it wants the second time."""
    with proxied(Ground(REALM), authority_dir) as (proxy, _):
        found: list[int] = []
        clients = [threading.Thread(target=lambda: found.append(proxy.ask(BLOB)[0])) for _ in range(3)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        again = proxy.ask(BLOB)[0]
        proxy.stop()
    assert set(found) <= {307, 200}
    assert (307 in found, again) == (True, 200)


def test_where_a_registry_leads_is_known_in_every_mode(authority_dir: Path) -> None:
    """`verify` tries no password at a place to which another host had led the client."""

    def answer(got: Got) -> Reply:
        if host(got) == "evil.example":
            return Reply(status=307, headers=[("Location", f"https://registry.test/x/..{TAGS}")])
        return answer_to_anybody(got)

    upstream = Upstream(answer, authority_dir)
    given: dict[str, Any] = {"regauth_inject": "verify", "regauth_credentials": [SOURCE], "regauth_quiet_time": "0.1"}
    with running(authority_dir, upstream=upstream, **given) as proxy:
        proxy.ask("/v2/foo/manifests/1", host="evil.example")
        assert proxy.ask(TAGS)[0] == 401
        proxy.background.perform(proxy.addon.prove(), 20)
        proxy.stop()
    upstream.stop()
    assert [got for got in upstream.got if carried(got)] == []


def asked_by_http2(proxy: Proxy, authority: str) -> None:
    """One request over HTTP/2 whose pseudo-header names `authority`, on a tunnel to the registry."""
    context = ssl.create_default_context(cafile=str(proxy.authority))
    context.set_alpn_protocols(["h2"])
    connection = H2Connection()
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=20) as plain:
        plain.sendall(b"CONNECT registry.test:443 HTTP/1.1\r\n\r\n")
        assert plain.recv(4096).startswith(b"HTTP/1.1 200")
        with context.wrap_socket(plain, server_hostname="registry.test") as secured:
            connection.initiate_connection()
            head = [(":method", "GET"), (":scheme", "https"), (":authority", authority), (":path", TAGS)]
            connection.send_headers(1, head, end_stream=True)
            secured.sendall(connection.data_to_send())
            ended = False
            while not ended:
                data = secured.recv(65536)
                assert data, "the proxy closed the connection"
                ended = any(isinstance(event, StreamEnded) for event in connection.receive_data(data))
                secured.sendall(connection.data_to_send())


@pytest.mark.parametrize(("authority", "helped"), [("registry.test", True), ("evil.example", False)])
def test_http2_cannot_name_somebody_else_either(
    authority_dir: Path, monkeypatch: pytest.MonkeyPatch, authority: str, helped: bool
) -> None:
    """What stands in the place of `Host` there counts like it."""
    monkeypatch.setenv("REGAUTH_TEST_LOGIN", "alice:wonder-land")
    given: dict[str, Any] = {"regauth_inject": "fill", "regauth_credentials": [SOURCE]}
    with running(authority_dir, regauth_scenario="per-repository-basic", **given) as proxy:
        asked_by_http2(proxy, authority)
        journal = proxy.stop()
    (exchange,) = journal.exchanges
    assert (exchange.connection.http_version, exchange.status) == ("HTTP/2.0", 200 if helped else 401)
    assert withheld(journal) == ([] if helped else ["other-host-named"])


def test_change_of_mode_leaves_no_credential_in_what_is_under_way(authority_dir: Path) -> None:
    """A request that was helped is recorded as the client's own, whatever the mode is when its answer comes."""
    ground, begun, go_on = Ground(), threading.Event(), threading.Event()

    def answer(got: Got) -> Reply:
        if got.path == BLOB and carried(got):
            begun.set()
            assert go_on.wait(20)
        return ground(got)

    upstream = Upstream(answer, authority_dir)
    with running(authority_dir, upstream=upstream, regauth_inject="fill", regauth_credentials=[SOURCE]) as proxy:
        proxy.ask(TAGS)
        client = threading.Thread(target=proxy.ask, args=(BLOB,))
        client.start()
        assert begun.wait(20)

        async def switched_off() -> None:
            ctx.options.update(regauth_inject="off")

        proxy.background.perform(switched_off(), 20)
        go_on.set()
        client.join()
        journal = proxy.stop()
    upstream.stop()
    assert [exchange.request.credentials for exchange in journal.exchanges] == [(), ()]
    assert all(ChangeKind.CREDENTIALS_ADDED in {one.kind for one in exchange.changes} for exchange in journal.exchanges)


def test_plain_http_gets_nothing_unless_it_was_allowed(authority_dir: Path) -> None:
    """And then it does."""
    statuses = []
    for options in ({}, {"regauth_trust": ["http"]}):
        with proxied(Ground(), authority_dir, **options) as (proxy, upstream):
            statuses.append(proxy.ask(TAGS, tls=False)[0])
            journal = proxy.stop()
        assert any(map(carried, upstream.got)) == bool(options)
        assert withheld(journal) == ([] if options else ["plain-http"])
    assert statuses == [401, 200]


def test_unverified_connection_gets_nothing_unless_it_was_allowed(authority_dir: Path) -> None:
    """Whoever is at the other end may be somebody else."""
    statuses = []
    for options in ({}, {"regauth_trust": ["unverified"]}):
        with proxied(Ground(), authority_dir, ssl_insecure=True, **options) as (proxy, upstream):
            statuses.append(proxy.ask(TAGS)[0])
            journal = proxy.stop()
        assert any(map(carried, upstream.got)) == bool(options)
        assert withheld(journal) == ([] if options else ["unverified-connection"])
    assert statuses == [401, 200]


def test_registry_that_nobody_vouches_for_gets_nothing(authority_dir: Path, tmp_path: Path) -> None:
    """Its certificate is not one that mitmproxy trusts, so that no request reaches it at all."""
    with authority({"XDG_STATE_HOME": str(tmp_path / "other")}) as other:
        upstream = Upstream(Ground(), other)
        given: dict[str, Any] = {"regauth_inject": "override", "regauth_credentials": [SOURCE]}
        with running(authority_dir, upstream=upstream, **given) as proxy:
            status, _ = proxy.ask(TAGS)
            proxy.stop()
        upstream.stop()
    assert (status, upstream.got) == (502, [])


@pytest.mark.parametrize("method", ["TRACE", "OPTIONS"])
def test_methods_that_show_or_need_no_credential_get_none(authority_dir: Path, method: str) -> None:
    """TRACE would tell the client what was added for it."""
    with proxied(Ground(), authority_dir, regauth_allow=["push,delete"]) as (proxy, upstream):
        proxy.ask(TAGS)
        proxy.ask(TAGS, method=method)
        proxy.stop()
    assert [got.method for got in upstream.got if carried(got)] == ["GET"]


@pytest.mark.parametrize(
    ("method", "allowed", "expected"),
    [
        ("PUT", [], 401),
        ("PUT", ["push"], 200),
        ("PUT", ["push:registry.test/foo"], 200),
        ("PUT", ["push:registry.test/bar"], 401),
        ("DELETE", ["push"], 401),
        ("DELETE", ["delete"], 200),
        ("GET", ["push,delete"], 200),
        ("GET", ["pull:registry.test/bar"], 401),
        ("GET", ["pull:registry.test/bar,pull:registry.test/foo"], 200),
    ],
)
def test_credentials_are_for_reading_unless_more_was_allowed(
    authority_dir: Path, method: str, allowed: list[str], expected: int
) -> None:
    """Whoever can use the proxy can use them; the finding says what may be changed."""
    with proxied(Ground(), authority_dir, regauth_allow=allowed) as (proxy, upstream):
        status, _ = proxy.ask("/v2/foo/manifests/1", method=method)
        journal = proxy.stop()
    assert status == expected
    assert any(map(carried, upstream.got)) == (expected == 200)
    assert withheld(journal) == ([] if expected == 200 else ["not-permitted"])


@pytest.fixture(scope="session")
def apart() -> tuple[str, ...]:
    """How to run a program on a network of its own."""
    ways = (("unshare", "--net"), ("unshare", "--net", "--map-root-user")) if shutil.which("unshare") else ()
    for command in ways:
        if subprocess.run((*command, "true"), capture_output=True, check=False).returncode == 0:
            return command
    pytest.skip("this system gives no program a network of its own (unshare --net)")


@pytest.mark.parametrize("named", [False, True])
def test_client_from_elsewhere_gets_no_use_of_the_password(
    apart: tuple[str, ...], authority_dir: Path, named: bool
) -> None:
    """Neither at first nor when a client on loopback has had its answer; unless it was named."""
    program = (*apart, sys.executable, "-m", "kit.apart", str(authority_dir), *([ELSEWHERE] if named else []))
    paths = os.pathsep.join(str(ROOT / name) for name in ("addon", "tests"))
    done = subprocess.run(
        program, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    elsewhere = {"address": ELSEWHERE, "status": 200 if named else 401, "credentials": named}
    assert found["told"] == [elsewhere, {"address": HERE, "status": 200, "credentials": True}, elsewhere]
    assert any(f"regauth_clients={ELSEWHERE} allows that" in note for note in found["notes"]) != named
    assert leaks(done.stdout + done.stderr, (PASSWORD,)) == []


def bytes_of(proxy: Proxy, method: str, path: str) -> bytes:
    """All that a client reads from its connection until that is closed."""
    request = f"{method} {path} HTTP/1.1\r\nHost: registry.test\r\nUser-Agent: client/1\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=20) as plain:
        plain.sendall(b"CONNECT registry.test:443 HTTP/1.1\r\n\r\n")
        while not plain.recv(4096).endswith(b"\r\n\r\n"):
            pass
        context = ssl.create_default_context(cafile=str(proxy.authority))
        with context.wrap_socket(plain, server_hostname="registry.test") as secured:
            secured.sendall(request.encode())
            return b"".join(iter(lambda: secured.recv(65536), b""))


@pytest.mark.parametrize("realm", [None, REALM])
@pytest.mark.parametrize(("path", "method"), [("/v2/", "GET"), (TAGS, "GET"), (TAGS, "HEAD"), (BLOB, "GET")])
def test_verify_changes_nothing_for_the_client(authority_dir: Path, realm: str | None, path: str, method: str) -> None:
    """Byte by byte what it gets without, and byte by byte what the registry gets of it."""
    got, asked = [], []
    for mode in ("off", "verify"):
        with proxied(Ground(realm), authority_dir, regauth_inject=mode) as (proxy, upstream):
            received = bytes_of(proxy, method, path)
            got.append(re.sub(rb"\r\nDate: [^\r]*", b"", received))
            asked.append((upstream.got[0].method, upstream.got[0].path, upstream.got[0].headers, upstream.got[0].body))
    assert got[0] == got[1] != b""
    assert asked[0] == asked[1]


@pytest.mark.parametrize(
    ("realm", "right", "outcome", "fault"),
    [
        (REALM, True, "would-have-worked", "client"),
        # Whether this client has a login of its own is not known, and without one it did right.
        (None, True, "would-have-worked", "unknown"),
        (REALM, False, "credentials-rejected", "credentials"),
        (None, False, "credentials-rejected", "credentials"),
    ],
)
def test_verify_proves_whose_fault_it_is(
    authority_dir: Path, realm: str | None, right: bool, outcome: str, fault: str
) -> None:
    """With one attempt, however often the client was refused."""
    ground = Ground(realm)
    ground.valid = BASIC if right else "Basic nobody"
    with proxied(ground, authority_dir, regauth_inject="verify", regauth_quiet_time="0.2") as (proxy, upstream):
        for _ in range(3):
            assert proxy.ask(TAGS)[0] == 401
        deadline = time.monotonic() + 20
        while not any(map(carried, upstream.got)) and time.monotonic() < deadline:
            time.sleep(0.01)
        proxy.background.perform(proxy.addon.prove(), 20)
        journal = proxy.stop()
    (finding,) = journal.diagnosis.findings
    assert finding.verification is not None
    assert (finding.verification.outcome, finding.fault) == (outcome, fault)
    assert sum(1 for got in upstream.got if got.headers.get("authorization") == BASIC) == 1


@pytest.mark.parametrize(
    ("agent", "path", "name", "status"),
    [
        ("skopeo/1.9.3", "/v2/", "registry.test", 200),
        ("docker/20.10 UpstreamClient(Docker-Client/20.10)", "/v2/", "registry.test", 401),
        ("crane/1 go-containerregistry/1", "/v2/", "registry.test", 401),
    ],
)
def test_shim_lets_the_ping_say_what_a_repository_asks(
    authority_dir: Path, agent: str, path: str, name: str, status: int
) -> None:
    """For whom it helps, in the way it does; without a password, and without the scope of the one repository."""
    options: dict[str, Any] = {"regauth_inject": "shim", "regauth_credentials": [], "regauth_shim": [f"{name}/foo"]}
    with proxied(Ground(REALM), authority_dir, **options) as (proxy, upstream):
        connection = proxy.connect(name)
        connection.request("GET", path, headers={"User-Agent": agent})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        proxy.stop()
    assert answer.status == status
    assert answer.getheader("WWW-Authenticate") == f'Bearer realm="{REALM}",service="registry.test"'
    assert [got for got in upstream.got if carried(got)] == []


@pytest.mark.parametrize(
    ("agent", "name", "authorization"),
    [
        ("oras-go", "registry.test", ""),
        ("skopeo/1.9.3", "other.test", ""),
        ("skopeo/1.9.3", "registry.test", BASIC),
    ],
)
def test_shim_leaves_other_pings_alone(authority_dir: Path, agent: str, name: str, authorization: str) -> None:
    """Those of clients that need no help, of registries that were not named, and those with credentials."""
    options: dict[str, Any] = {"regauth_inject": "shim", "regauth_shim": ["registry.test/foo"]}
    headers = {"User-Agent": agent} | ({"Authorization": authorization} if authorization else {})
    with proxied(Ground(REALM), authority_dir, **options) as (proxy, _):
        connection = proxy.connect(name)
        connection.request("GET", "/v2/", headers=headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        proxy.stop()
    assert (answer.status, answer.getheader("WWW-Authenticate")) == (200, None)
