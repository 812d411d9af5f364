"""The addon in a real proxy: what it records, what it leaves alone, and what it never does."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import logging
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from mitmproxy.log import ALERT

from kit.canaries import leaks, opaque
from kit.proxy import Got, Proxy, Reply, Upstream, running
from regauth_core.edge.inputs.flows import METADATA
from regauth_core.edge.mitm import live as live_module
from regauth_core.edge.mitm import recorder as recorder_module
from regauth_core.model import ChangeKind, Endpoint, FailureKind
from regauth_core.model.finding import Severity
from regauth_core.model.outcome import Verdict
from regauth_core.report import ENDINGS
from regauth_core.report.outcome import conclusion

SYSTEM = "/etc/ssl/certs/ca-certificates.crt"

BASIC = "Basic YWxpY2U6d29uZGVyLWxhbmQ="
BEARER = 'Bearer realm="https://auth.test/site/token",service="registry.test",scope="repository:foo:pull"'
LAYER = b"\x1f\x8b" + bytes(3 * 1024 * 1024)
DIGEST = "sha256:" + "ab" * 32
TAGS = "/v2/foo/tags/list"
BLOB = f"/v2/foo/blobs/{DIGEST}"
STORED = f"/data/{DIGEST}?signature=" + opaque("stored")


def answer(got: Got) -> Reply:
    """A registry that wants Basic for foo and Bearer for baz, its token server, its blob host, and a web site."""
    if got.path == "/v2/":
        return Reply(body=b"{}")
    if got.headers.get("host") == "auth.test":
        if got.path.startswith("/site/token"):
            token = json.dumps({"token": opaque("token"), "expires_in": 300}).encode()
            return Reply(headers=[("Content-Encoding", "gzip")], body=gzip.compress(token))
        return Reply(body=b"a page of the same site")
    if got.headers.get("host") == "blobs.test":
        return Reply(body=LAYER)
    if got.path.startswith("/v2/baz") and "authorization" not in got.headers:
        return Reply(status=401, headers=[("WWW-Authenticate", BEARER)])
    if got.path.startswith("/v2/foo") and got.headers.get("authorization") != BASIC:
        early = got.method in ("PATCH", "PUT", "POST")
        return Reply(status=401, headers=[("WWW-Authenticate", 'Basic realm="registry"')], before_body=early)
    if got.path == BLOB:
        return Reply(status=307, headers=[("Location", f"https://blobs.test{STORED}")])
    return Reply(headers=[("Content-Type", "application/json")], body=b'{"name":"foo","tags":["1.0"]}')


@pytest.fixture
def proxy(authority_dir: Path, upstream: Upstream) -> Iterator[Proxy]:
    """A proxy in front of `answer`."""
    with running(authority_dir, upstream=upstream) as started:
        yield started


def client_program(proxy: Proxy, *paths: str, agent: str = "program/1") -> subprocess.Popen[bytes]:
    """A client in a process of its own: asks for `paths`, a connection for each, and lives until its stdin ends."""
    script = """if True:
        import http.client, ssl, sys
        port, ca, agent, *paths = sys.argv[1:]
        for path in paths:
            context = ssl.create_default_context(cafile=ca)
            connection = http.client.HTTPSConnection("127.0.0.1", int(port), timeout=20, context=context)
            connection.set_tunnel("registry.test", 443)
            connection.request("GET", path, headers={"User-Agent": agent})
            connection.getresponse().read()
            connection.close()
        print("asked", flush=True)
        sys.stdin.read()
    """
    arguments = [sys.executable, "-c", script, str(proxy.port), str(proxy.authority), agent, *paths]
    return subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603


def asked(program: subprocess.Popen[bytes]) -> None:
    """Wait until the program has its answers."""
    assert program.stdout is not None
    assert b"asked" in program.stdout.readline()


def ended(program: subprocess.Popen[bytes]) -> None:
    """Let the program end."""
    assert program.stdin is not None and program.stdout is not None
    program.stdin.close()
    program.stdout.close()
    assert program.wait(10) == 0


def test_retry_on_another_connection_answers_the_challenge(proxy: Proxy) -> None:
    """A client is not a connection: 401 and retry over two of them are one client's, and nothing is wrong."""
    assert proxy.ask("/v2/")[0] == 200
    assert proxy.ask(TAGS)[0] == 401
    assert proxy.ask(TAGS, Authorization=BASIC)[0] == 200
    journal = proxy.stop()
    assert [exchange.status for exchange in journal.exchanges] == [200, 401, 200]
    assert len({exchange.connection.id for exchange in journal.exchanges}) == 3
    assert {"c1"} == set(journal.clients_of.values())
    assert journal.diagnosis.findings == ()


def test_sender_is_the_process_behind_the_connection(proxy: Proxy) -> None:
    """A client on this machine is known by its process, number and program."""
    proxy.ask("/v2/")
    (exchange,) = proxy.stop().exchanges
    assert (os.getpid(), "127.0.0.1", "client/1") == (
        exchange.sender.process,
        exchange.sender.address,
        exchange.sender.user_agent,
    )
    assert exchange.sender.program
    assert "-c" not in exchange.sender.program


def test_equal_clients_are_told_apart_by_their_process(proxy: Proxy) -> None:
    """Two processes with the same address and user agent are two clients."""
    programs = [client_program(proxy, "/v2/") for _ in range(2)]
    for program in programs:
        asked(program)
        ended(program)
    assert {"c1", "c2"} == set(proxy.stop().clients_of.values())


@pytest.mark.parametrize("tls", [True, False])
def test_equal_clients_are_told_apart_by_their_label(proxy: Proxy, upstream: Upstream, tls: bool) -> None:
    """The user name of the proxy's URL names the client, in front of everything else, and is not sent on."""
    for label in ("left", "right", "left"):
        proxy.ask("/v2/", label=label, tls=tls)
    journal = proxy.stop()
    assert [exchange.sender.label for exchange in journal.exchanges] == ["left", "right", "left"]
    assert [journal.clients_of[exchange.number] for exchange in journal.exchanges] == ["c1", "c2", "c1"]
    assert not any("proxy-authorization" in got.headers for got in upstream.got)


def test_finding_is_told_the_moment_it_is_certain(proxy: Proxy, caplog: pytest.LogCaptureFixture) -> None:
    """When the process that ignored the challenge ends, one line says so, and its flows are marked."""
    caplog.set_level(ALERT)
    program = client_program(proxy, "/v2/", TAGS)
    asked(program)
    assert not [record for record in caplog.records if "challenge-ignored" in record.getMessage()]
    ended(program)
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and not any("challenge-ignored" in r.getMessage() for r in caplog.records):
        time.sleep(0.02)
    (line,) = [record.getMessage() for record in caplog.records if "challenge-ignored" in record.getMessage()]
    assert "\n" not in line
    flow = proxy.kept.flows[-1]
    assert flow.marked
    assert flow.comment.startswith("challenge-ignored: ")
    assert flow.metadata[METADATA]["findings"] == ["challenge-ignored"]
    (finding,) = proxy.stop().diagnosis.findings
    assert finding.exchanges == (1, 2)


def test_client_that_is_still_there_has_ignored_nothing_yet(proxy: Proxy) -> None:
    """While the process lives and the quiet time has not passed, it may still answer."""
    program = client_program(proxy, "/v2/", TAGS)
    asked(program)
    time.sleep(1.3)
    journal = proxy.stop()
    ended(program)
    assert journal.diagnosis.findings == ()
    assert [case.rule for case in journal.diagnosis.undecided] == ["challenge-ignored"]


def test_quiet_time_makes_a_finding_of_a_silent_client(authority_dir: Path, upstream: Upstream) -> None:
    """A client that stays but says nothing more is judged when the quiet time has passed."""
    with running(authority_dir, upstream=upstream, regauth_quiet_time="0.2") as proxy:
        program = client_program(proxy, "/v2/", TAGS)
        asked(program)
        time.sleep(1.6)
        journal = proxy.stop()
        ended(program)
    assert [finding.rule for finding in journal.diagnosis.findings] == ["challenge-ignored"]


def test_upload_refused_early_is_recorded(proxy: Proxy) -> None:
    """A registry that refuses an upload before it has read it: the exchange is there, with its challenge."""

    def chunks() -> Iterator[bytes]:
        for _ in range(64):
            yield bytes(65536)
            time.sleep(0.005)

    with contextlib.suppress(OSError):
        proxy.ask("/v2/foo/blobs/uploads/1", method="PATCH", body=chunks())
    (exchange,) = proxy.stop().exchanges
    assert Endpoint.UPLOAD is exchange.target.endpoint
    assert exchange.status == 401
    assert exchange.response is not None and exchange.response.challenges
    assert 0 < exchange.request.size < 64 * 65536


def test_upload_streams(proxy: Proxy, upstream: Upstream) -> None:
    """An upload reaches the registry unchanged, is counted, and is not kept."""
    status, _ = proxy.ask("/v2/open/blobs/uploads/1", method="PATCH", body=LAYER)
    assert status == 200
    assert upstream.got[-1].body == LAYER
    (exchange,) = proxy.stop().exchanges
    assert len(LAYER) == exchange.request.size
    assert proxy.kept.flows[-1].request.raw_content is None


def test_blob_streams_from_the_host_that_the_registry_names(proxy: Proxy) -> None:
    """A blob behind a redirect is recorded, counted and not kept; other pages of that host are nobody's business."""
    assert proxy.ask(BLOB, Authorization=BASIC)[0] == 307
    assert proxy.ask(STORED, host="blobs.test")[1] == LAYER
    proxy.ask("/other", host="blobs.test")
    journal = proxy.stop()
    (stored,) = [flow.response for flow in proxy.kept.flows if flow.request.path == STORED]
    assert stored is not None and stored.raw_content is None
    assert [exchange.origin.host for exchange in journal.exchanges] == ["registry.test", "blobs.test"]
    response = journal.exchanges[1].response
    assert response is not None and len(LAYER) == response.size


def test_token_server_is_known_by_the_challenge(proxy: Proxy) -> None:
    """The realm's page is recorded once a challenge has named it, also with an encoded answer; no other page is."""
    proxy.ask("/site/token?service=registry.test", host="auth.test")
    proxy.ask("/v2/baz/tags/list")
    proxy.ask("/site/token?service=registry.test&scope=repository:baz:pull", host="auth.test")
    proxy.ask("/site/about", host="auth.test")
    journal = proxy.stop()
    assert [exchange.origin.host for exchange in journal.exchanges] == ["registry.test", "auth.test"]
    response = journal.exchanges[1].response
    assert response is not None and response.token is not None and response.token.expires_in == 300


@pytest.mark.parametrize("path", ["/", "/v3/foo", "/v2x/", "/api/v2/users", "/v2/users/1", "/v1/things"])
def test_other_traffic_is_neither_recorded_nor_changed(proxy: Proxy, upstream: Upstream, path: str) -> None:
    """What is not a registry's passes as if the addon were not there, also where its path begins with /v2/."""
    large = bytes(1000) * 5000
    for tls in (True, False):
        proxy.ask(path, host="www.test", method="POST", body=large, tls=tls, label="me", X_Custom="kept")
    assert [large, large] == [got.body for got in upstream.got]
    assert all(got.headers["x-custom"] == "kept" for got in upstream.got)
    # mitmproxy itself sends this header on, and the addon has no business with the request.
    assert "proxy-authorization" in upstream.got[1].headers
    flow = proxy.kept.flows[-1]
    assert METADATA not in flow.metadata
    assert large == flow.request.raw_content
    journal = proxy.stop()
    assert journal.exchanges == ()
    assert journal.diagnosis.notes == ()


def test_only_the_wanted_hosts_are_watched(authority_dir: Path, upstream: Upstream) -> None:
    """With `regauth_hosts` other registries are not recorded; the token server of a watched one is."""
    with running(authority_dir, upstream=upstream, regauth_hosts=["registry.test"]) as proxy:
        proxy.ask("/v2/", host="other.test")
        proxy.ask("/v2/baz/tags/list", host="registry.test")
        proxy.ask("/site/token", host="auth.test")
        journal = proxy.stop()
    assert [exchange.origin.host for exchange in journal.exchanges] == ["registry.test", "auth.test"]


def test_expectation_is_stated(proxy: Proxy, upstream: Upstream) -> None:
    """mitmproxy answers `Expect: 100-continue` itself; the exchange says so."""
    proxy.ask("/v2/open/blobs/uploads/1", method="PATCH", body=b"layer", Expect="100-continue")
    (exchange,) = proxy.stop().exchanges
    assert "expect" not in upstream.got[-1].headers
    assert [change.kind for change in exchange.changes] == [ChangeKind.EXPECT_ANSWERED]


def test_client_without_trust_is_named(proxy: Proxy, tmp_path: Path) -> None:
    """A client that does not trust the authority sends nothing; the summary says who it was and what host it wanted."""
    other = tmp_path / "other.pem"
    other.write_bytes(Path(SYSTEM).read_bytes())
    with contextlib.closing(proxy.connect(trusted=other)) as connection, pytest.raises(OSError, match="certificate"):
        connection.request("GET", "/v2/")
    time.sleep(0.2)
    journal = proxy.stop()
    (note,) = journal.diagnosis.notes
    assert "does not trust the proxy's certificate authority" in note
    assert "tunnel/1" in note
    assert "registry.test" in note


def test_registry_that_mitmproxy_does_not_trust_is_regauth_s_matter(upstream: Upstream, authority_dir: Path) -> None:
    """A private authority that the client may know: nobody is accused, and the option is named."""
    with running(authority_dir, upstream=upstream, ssl_verify_upstream_trusted_ca=SYSTEM) as proxy:
        assert proxy.ask("/v2/")[0] == 502
        journal = proxy.stop()
    told = conclusion(journal)
    assert told.verdict is Verdict.REGAUTH_IN_THE_WAY
    assert told.title == "mitmproxy does not trust the certificate of registry.test"
    assert "ssl_verify_upstream_trusted_ca" in told.next_commands[0].command


@pytest.mark.parametrize(
    ("before", "after", "notes"),
    [(False, False, 1), (True, False, 0), (False, True, 0)],
    ids=["alone", "late", "early"],
)
def test_connection_dropped_in_the_handshake(proxy: Proxy, before: bool, after: bool, notes: int) -> None:
    """Without an alert it may mean distrust, but not where the host is asked all the same: some open one too many."""
    if before:
        proxy.ask("/v2/")
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=20) as connection:
        connection.sendall(b"CONNECT registry.test:443 HTTP/1.1\r\nHost: registry.test:443\r\n\r\n")
        assert b" 200 " in connection.recv(1000)
        context, incoming, outgoing = ssl.create_default_context(), ssl.MemoryBIO(), ssl.MemoryBIO()
        with contextlib.suppress(ssl.SSLWantReadError):
            context.wrap_bio(incoming, outgoing, server_hostname="registry.test").do_handshake()
        connection.sendall(outgoing.read())
        connection.recv(1000)
    time.sleep(0.2)
    if after:
        proxy.ask("/v2/")
    found = proxy.stop().diagnosis.notes
    assert ["and may not trust" in note for note in found] == [True] * notes


def test_unreachable_registry_is_recorded(authority_dir: Path) -> None:
    """A request that finds no server has a failure instead of an answer."""
    with running(authority_dir) as proxy:
        assert proxy.ask("/v2/", tls=False)[0] == 502
        (exchange,) = proxy.stop().exchanges
    assert exchange.failure is not None
    assert FailureKind.CONNECT is exchange.failure.kind


def test_client_that_leaves_early_is_recorded(authority_dir: Path) -> None:
    """A client that closes its connection before the answer has an exchange that says so."""

    def slow(_: Got) -> Reply:
        time.sleep(1)
        return Reply()

    server = Upstream(slow, authority_dir)
    try:
        with running(authority_dir, upstream=server) as proxy:
            with socket.create_connection(("127.0.0.1", proxy.port)) as connection:
                connection.sendall(b"GET http://registry.test/v2/ HTTP/1.1\r\nHost: registry.test\r\n\r\n")
                time.sleep(0.3)
            (exchange,) = proxy.stop().exchanges
    finally:
        server.stop()
    assert exchange.failure is not None
    assert FailureKind.CLIENT_ABORTED is exchange.failure.kind


def test_exchange_without_answer_at_the_end_is_recorded(authority_dir: Path) -> None:
    """What has no answer when the recording stops is there, as not recorded."""

    def slow(_: Got) -> Reply:
        time.sleep(4)
        return Reply()

    server = Upstream(slow, authority_dir)
    try:
        with (
            running(authority_dir, upstream=server) as proxy,
            socket.create_connection(("127.0.0.1", proxy.port)) as connection,
        ):
            connection.sendall(b"GET http://registry.test/v2/ HTTP/1.1\r\nHost: registry.test\r\n\r\n")
            time.sleep(0.3)
            (exchange,) = proxy.stop().exchanges
    finally:
        server.stop()
    assert exchange.failure is not None
    assert FailureKind.NOT_RECORDED is exchange.failure.kind


def test_error_of_ours_disturbs_nobody(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """When the examination fails, the client still gets its answer; log and summary say so, and quote nothing."""
    secret = opaque("ours")

    def broken(*_: object) -> None:
        raise ValueError(f"cannot read {secret}")

    monkeypatch.setattr(live_module, "wire_of", broken)
    assert proxy.ask("/v2/", Authorization=f"Bearer {secret}") == (200, b"{}")
    journal = proxy.stop()
    assert any("could not be examined" in note for note in journal.diagnosis.notes)
    assert "could not examine" in caplog.text
    assert leaks(caplog.text, (secret,)) == []


@pytest.mark.parametrize("tls", [True, False])
def test_scenario_answers_and_nothing_is_contacted(
    authority_dir: Path, tls: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """A scenario's hosts are answered inside the proxy, over TLS and without; nobody tries to connect anywhere."""
    caplog.set_level(logging.INFO)
    with running(authority_dir, regauth_scenario="per-repository-basic") as proxy:
        assert proxy.ask("/v2/", tls=tls)[0] == 200
        assert proxy.ask(TAGS, tls=tls)[0] == 401
        status, body = proxy.ask(TAGS, tls=tls, Authorization=BASIC)
        assert (status, json.loads(body)["name"]) == (200, "foo")
        assert proxy.ask("/v2/bar/manifests/latest", tls=tls, method="HEAD") == (200, b"")
        status, body = proxy.ask("/v2/foo/blobs/uploads/", tls=tls, method="POST", body=b"", Authorization=BASIC)
        assert status == 202
        assert proxy.names.wanted == []
        assert "Unable to establish" not in caplog.text
        journal = proxy.stop()
    assert [exchange.status for exchange in journal.exchanges] == [200, 401, 200, 200, 202]
    assert journal.environment.scenario == "per-repository-basic"


def test_scenario_leaves_other_hosts_alone(authority_dir: Path, upstream: Upstream) -> None:
    """Hosts that the scenario does not serve are contacted as always."""
    with running(authority_dir, upstream=upstream, regauth_scenario="per-repository-basic") as proxy:
        assert proxy.ask("/v2/", host="registry.example")[0] == 200
        assert proxy.names.wanted == ["registry.example"]


def test_many_exchanges_are_diagnosed_and_the_newest_shown(
    authority_dir: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory is bounded: of a long recording the newest exchanges are held, and the report says how many are not."""
    monkeypatch.setattr(recorder_module, "MAX_EXCHANGES", 3)
    with running(authority_dir, upstream=upstream) as proxy:
        for _ in range(5):
            proxy.ask("/v2/")
        journal = proxy.stop()
    assert [exchange.number for exchange in journal.exchanges] == [3, 4, 5]
    assert (journal.left_out, journal.diagnosis.exchanges) == (2, 5)


def test_report_can_be_written_at_any_time(proxy: Proxy, tmp_path: Path) -> None:
    """The command `regauth.report` writes what is known now, and the recording goes on."""
    proxy.ask(TAGS)
    report = tmp_path / "now.json"
    proxy.addon.report(str(report))
    assert json.loads(report.read_text())["exchanges"] == 1
    proxy.ask(TAGS, Authorization=BASIC)
    assert proxy.stop().diagnosis.exchanges == 2


def test_full_disk_is_told_once(authority_dir: Path, upstream: Upstream) -> None:
    """A trace that cannot be written any more does not stop anything; the summary says where it ends, once."""
    with running(authority_dir, upstream=upstream, regauth_trace="/dev/full") as proxy:
        proxy.ask("/v2/")
        proxy.ask("/v2/")
        journal = proxy.stop()
    assert len(journal.exchanges) == 2
    (note,) = journal.diagnosis.notes
    assert note.startswith("/dev/full: no space left on device")


def test_trace_is_private_complete_and_closed(authority_dir: Path, upstream: Upstream, tmp_path: Path) -> None:
    """The trace has a head, a line for each exchange as it ends, and an end; nobody else may read it."""
    trace = tmp_path / "trace.jsonl"
    with running(authority_dir, upstream=upstream, regauth_trace=str(trace)) as proxy:
        proxy.ask("/v2/")
        assert [next(iter(json.loads(line))) for line in trace.read_text().splitlines()] == ["schema", "exchange"]
        proxy.stop()
    assert [next(iter(json.loads(line))) for line in trace.read_text().splitlines()] == ["schema", "exchange", "end"]
    assert trace.stat().st_mode & 0o777 == 0o600


def test_severity_depends_on_what_is_known_of_the_client(authority_dir: Path, upstream: Upstream) -> None:
    """A client that is said to hold credentials and ignores the challenge makes an error."""
    from regauth_core.edge.mitm.addon import RegAuth

    known = RegAuth(embedded=True, credentials_known=True)
    with running(authority_dir, upstream=upstream, addon=known) as proxy:
        program = client_program(proxy, "/v2/", TAGS)
        asked(program)
        ended(program)
        journal = proxy.stop()
    assert [finding.severity for finding in journal.diagnosis.findings] == [Severity.ERROR]


def test_logs_hold_no_secret(proxy: Proxy, caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    """Secrets of requests and answers are in no report, no trace, no log and no annotation of a flow of ours."""
    caplog.set_level(logging.DEBUG, "regauth_core")
    secrets = (opaque("password"), opaque("bearer"), opaque("query"), opaque("cookie"), opaque("token"))
    proxy.ask(TAGS, Authorization="Bearer " + opaque("bearer"), Cookie="session=" + opaque("cookie"))
    proxy.ask(f"{TAGS}?access_token={opaque('query')}", label=opaque("password"))
    proxy.ask("/v2/baz/tags/list")
    proxy.ask("/site/token?service=registry.test", host="auth.test")
    written = [tmp_path / f"report{ending}" for ending in ENDINGS]
    for path in written:
        proxy.addon.report(str(path))
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("regauth")]
    journal = proxy.stop()
    assert len(journal.exchanges) == 4
    texts = [*(path.read_text() for path in written), repr(journal), *ours]
    assert [leak for text in texts for leak in leaks(text, secrets)] == []


def test_token_server_that_cannot_be_reached_is_recorded(authority_dir: Path) -> None:
    """There is no tunnel to it and so no request: that the client tried is seen all the same, and nobody blames it."""
    realm = 'Bearer realm="https://127.0.0.1:1/token/",service="s"'
    server = Upstream(lambda _: Reply(status=401, headers=[("WWW-Authenticate", realm)]), authority_dir)
    with running(authority_dir, upstream=server) as proxy:
        proxy.ask("/v2/foo/tags/list")
        connection = http.client.HTTPSConnection("127.0.0.1", proxy.port, timeout=20)
        connection.set_tunnel("127.0.0.1", 1, {"User-Agent": "client/1"})
        with pytest.raises(OSError, match="502"):
            connection.connect()
        journal = proxy.stop()
    server.stop()
    refused, unsent = journal.exchanges
    assert (unsent.status, unsent.request.url) == (0, "https://127.0.0.1:1/token/")
    assert unsent.failure is not None
    assert unsent.failure.kind is FailureKind.CONNECT
    assert unsent.sender.process == refused.sender.process
    told = [found.rule for found in journal.diagnosis.findings] + [open.rule for open in journal.diagnosis.undecided]
    assert told == ["realm-unreachable"]
