"""No planted secret is in anything that is ever shown, and both layers that see to it are needed."""

from __future__ import annotations

import contextlib
import gzip
import json
import logging
import socket
import zlib
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path

import brotli
import pytest
import zstandard
from mitmproxy import flow as mitmflow
from mitmproxy import io as mitmio
from mitmproxy.test import tflow

from kit import journals
from kit.canaries import leaks, password
from kit.messages import CHALLENGE, MANIFEST, basic, jwt, opaque, wire
from kit.outputs import STORIES, Story, outputs, recorded, told
from kit.proxy import Got, Reply, Upstream, running
from regauth_core.edge import last_look
from regauth_core.edge.offline import journal_of
from regauth_core.edge.outputs import report_text, write_reports
from regauth_core.model import Safe
from regauth_core.redact import Redactor
from regauth_core.report import ENDINGS, structure
from regauth_core.sweep import Sweep


def leaked(story: Story, folder: Path) -> list[str]:
    """Every secret of the story that is in any output."""
    return [f"{leak}: {name}" for name, text in outputs(story, folder) for leak in leaks(text, story.secrets)]


# Both layers together.


@pytest.mark.parametrize("story", STORIES, ids=attrgetter("id"))
def test_no_planted_secret_is_in_any_output(story: Story, tmp_path: Path) -> None:
    """Reports of every format, terminals of every width, live lines, traces, and diagnoses of files are clean."""
    assert leaked(story, tmp_path) == []


@pytest.mark.parametrize("story", [story for story in STORIES if story.kept], ids=attrgetter("id"))
def test_what_a_diagnosis_needs_is_still_there(story: Story, tmp_path: Path) -> None:
    """Digests, scopes, services, error codes, life times and claims are in the trace, and in the HAR file."""
    shown = dict(outputs(story, tmp_path))
    for name in ("trace", ".har.json of live", ".har.json of trace"):
        assert [word for word in story.kept if word not in shown[name]] == []


@pytest.mark.parametrize("story", STORIES, ids=attrgetter("id"))
def test_redaction_hides_no_finding(story: Story, tmp_path: Path) -> None:
    """The challenge that nobody answers is found, whatever else had to be taken out."""
    shown = dict(outputs(story, tmp_path))
    assert shown[".json of live"] == shown[".json of trace"]
    for name in (".json of live", "diagnose flows, json", "diagnose har, json"):
        assert "challenge-ignored" in [one["rule"] for one in json.loads(shown[name])["findings"]], name


OPAQUE = [story for story in STORIES if any(secret.startswith("9kY") for secret in story.secrets)]


@pytest.mark.parametrize("story", OPAQUE, ids=attrgetter("id"))
def test_no_piece_of_a_token_is_shown_either(story: Story, tmp_path: Path) -> None:
    """Cutting, folding and wrapping leave nothing of a token: not twelve characters in a row."""
    long = [secret for secret in story.secrets if secret.startswith("9kY")]
    pieces = {secret[at : at + 12] for secret in long for at in range(len(secret) - 11)}
    for name, text in outputs(story, tmp_path):
        assert [piece for piece in pieces if piece in text] == [], name


# Each layer alone.

NEEDS_SWEEP = {"N16a", "N17b"}
"""The secret is words among words, or a command's own: only who has seen it where it belongs can know it."""
NEEDS_ALLOW_LIST = {"N16", "N20", "N26", "N27", "N29", "D03", "D04", "D06", "D07", "D09", "D10", "D11", "D15", "D16"}
"""Nothing but the words around it, or that its place is not on the list, says that it is a secret: nobody remembers."""


@pytest.fixture
def without_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    """The final look finds nothing."""
    monkeypatch.setattr(Sweep, "swept", lambda _, text: (text, 0))


@pytest.fixture
def without_allow_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever would be replaced is kept as it was; that it was seen is remembered as always."""
    mark, veil, prose, user = Redactor.mark, Redactor.veil, Redactor.prose, Redactor.user

    def kept_mark(self: Redactor, secret: str, kind: str) -> str:
        mark(self, secret, kind)
        return secret

    def kept_veil(self: Redactor, text: str, kind: str = "val", *, sure: bool = False) -> str:
        veil(self, text, kind, sure=sure)
        return text

    def kept_prose(self: Redactor, text: str) -> str:
        prose(self, text)
        return text

    def kept_user(self: Redactor, name: str) -> Safe:
        user(self, name)
        return name  # type: ignore[return-value]

    monkeypatch.setattr(Redactor, "mark", kept_mark)
    monkeypatch.setattr(Redactor, "veil", kept_veil)
    monkeypatch.setattr(Redactor, "prose", kept_prose)
    monkeypatch.setattr(Redactor, "user", kept_user)


@pytest.mark.usefixtures("without_sweep")
@pytest.mark.parametrize("story", STORIES, ids=attrgetter("id"))
def test_the_allow_list_alone(story: Story, tmp_path: Path) -> None:
    """Without the sweep all is clean but what only the sweep can know."""
    assert bool(leaked(story, tmp_path)) == (story.id in NEEDS_SWEEP)


@pytest.mark.usefixtures("without_allow_list")
@pytest.mark.parametrize("story", STORIES, ids=attrgetter("id"))
def test_the_sweep_alone(story: Story, tmp_path: Path) -> None:
    """With everything kept the sweep takes out all that was known as a secret when it was seen."""
    assert bool(leaked(story, tmp_path)) == (story.id in NEEDS_ALLOW_LIST)


# Broken into pieces.

PHRASES = (
    "correct horse_battery `staple` 42",
    "zwölf <b>Boxkämpfer</b> & 'Viktor' | jagen",
    "a\\b c|d ``e`` *f* _g_ ~h~ $i$ @j #12",
    "over the lazy dog " * 12,
    opaque("phrase", 700),
)


def bare(text: str) -> str:
    """The letters and digits of a text: what is left of it however it was marked up, quoted, folded or wrapped."""
    return "".join(sign for sign in text if sign.isalnum())


@pytest.mark.usefixtures("without_allow_list")
@pytest.mark.parametrize("phrase", PHRASES)
def test_no_markup_hides_a_secret_from_the_sweep(phrase: str, tmp_path: Path) -> None:
    """Neither code spans nor narrow terminals and colours take a pass phrase apart so that it gets through."""
    story = Story(
        "phrase",
        told(
            wire(MANIFEST, ("Authorization", "Basic " + basic("alice", phrase))),
            wire(status=403, answer=json.dumps({"message": f"not with {phrase} again"})),
        ),
        (phrase,),
        notes=(f"the client said {phrase} and left",),
        version=f"client configured with {phrase}",
        command=("client", "login", phrase),
    )
    for name, text in outputs(story, tmp_path):
        assert leaks(text, story.secrets) == [], name
        assert bare(phrase) not in bare(text), name
    assert "left" in dict(outputs(story, tmp_path))[".md of live"]


# What cannot be taken out.

WORDS = [
    (".json", "explanation"),
    (".json", "client_author"),
    (".har.json", "startedDateTime"),
    (".html", "exchange"),
    (".html", "textContent"),
    (".xml", "testsuite"),
    (".xml", "failures"),
    (".md", "### Received"),
]


@pytest.mark.parametrize(("ending", "word"), WORDS)
def test_secret_that_is_a_part_of_the_format_stops_the_report(ending: str, word: str, tmp_path: Path) -> None:
    """Nothing is written, what was there stays, one line says why and does not say the word."""
    path = tmp_path / f"report{ending}"
    path.write_text("before")
    redactor = Redactor(b"k" * 32)
    redactor.remember(word)
    journal = journals.per_repository()
    assert word in report_text(journal, path.name, Redactor(b"k" * 32))
    assert write_reports(journal, [path], redactor) == (f"{path}: {last_look.REFUSAL}",)
    assert path.read_text() == "before"
    assert word not in last_look.REFUSAL


def test_one_refused_report_does_not_take_the_others_with_it(tmp_path: Path) -> None:
    """What does not need the word is written."""
    redactor = Redactor(b"k" * 32)
    redactor.remember("client_author")
    complaints = write_reports(journals.per_repository(), [tmp_path / "a.json", tmp_path / "a.xml"], redactor)
    assert [path.name for path in tmp_path.iterdir()] == ["a.xml"]
    assert len(complaints) == 1


@pytest.mark.parametrize("ending", ENDINGS)
def test_secret_among_words_for_a_reader_is_replaced(ending: str) -> None:
    """The report stays whole, and says that the last look had to replace something."""
    redactor = Redactor(b"k" * 32)
    redactor.remember("took that to mean")
    journal = journals.per_repository()
    before = report_text(journal, f"x{ending}", Redactor(b"k" * 32))
    after = report_text(journal, f"x{ending}", redactor)
    assert "took that to mean" in before
    assert "took that to mean" not in after
    assert redactor.fingerprint("took that to mean") in after
    assert structure.is_kept(f"x{ending}", after, after)
    assert ending == ".json" or "by the final sweep" in after


BROKEN = [
    ("x.json", '{"a": [1, "b"]}', '{"x": [1, "b"]}'),
    ("x.json", '{"a": [1, "b"]}', '{"a": [2, "b"]}'),
    ("x.json", '{"a": [1, "b"]}', '{"a": ["1", "b"]}'),
    ("x.json", '{"a": [1, "b"]}', '{"a": [1]}'),
    ("x.json", '{"a": [1, "b"]}', '{"a": [1, "b]}'),
    ("x.json", '{"a": true}', '{"a": 1}'),
    ("x.xml", "<a b='1'>c</a>", "<a x='1'>c</a>"),
    ("x.xml", "<a b='1'>c</a>", "<x b='1'>c</x>"),
    ("x.xml", "<a b='1'>c</a>", "<a b='1'>c</x>"),
    ("x.html", "<p class=a title=b>c</p>", "<p class=x title=b>c</p>"),
    ("x.html", "<p class=a title=b>c</p>", "<b class=a title=b>c</b>"),
    ("x.html", "<p class=a title=b>c</p>", "<p class=a title=b>c"),
    ("x.html", "<script>a()</script>", "<script>x()</script>"),
    ("x.html", "<style>a{}</style>", "<style>x{}</style>"),
    ("x.html", "<!DOCTYPE html><p>", "<!DOCTYPE x><p>"),
    ("x.html", "<p>a</p>", "<p><!-- a --></p>"),
    ("x.md", "a\n```text\nb\n```\n", "a\n[x] b\n```\n"),
    ("x.md", "| a | b |\n| --- | --- |\n", "| a [x] |\n| --- | --- |\n"),
    ("x.md", "### A\nb\n", "[x]\nb\n"),
    ("x.md", "<details>\n", "[x]\n"),
]


@pytest.mark.parametrize(("name", "before", "after"), BROKEN)
def test_broken_report_is_known(name: str, before: str, after: str) -> None:
    """Anything but another word for a reader is a broken report."""
    assert structure.is_kept(name, before, before)
    assert not structure.is_kept(name, before, after)


WHOLE = [
    ("x.json", '{"a": [1, "b"]}', '{"a": [1, "x"]}'),
    ("x.xml", "<a b='1'>c</a>", "<a b='2'>x</a>"),
    ("x.html", "<p class=a title=b>c</p>", "<p class=a title=x>x</p>"),
    ("x.md", "| a | b |\n- c `d`\n", "| [x] | b |\n- c [x]\n"),
]


@pytest.mark.parametrize(("name", "before", "after"), WHOLE)
def test_other_words_do_not_break_a_report(name: str, before: str, after: str) -> None:
    """A replaced word is no damage."""
    assert structure.is_kept(name, before, after)


# What must stay, and what must be told apart.


@pytest.mark.parametrize("word", ["latest", "team", "team/app", "registry.test", "repository"])
def test_password_that_is_a_name_of_the_story_shreds_nothing(word: str, tmp_path: Path) -> None:
    """Names that the traffic is about stay readable, though somebody uses one as a password; the pair does not."""
    pair = basic("alice", word)
    story = Story("N12", told(wire(MANIFEST, ("Authorization", f"Basic {pair}"))), (pair, f"alice:{word}"))
    for name, text in outputs(story, tmp_path):
        assert leaks(text, story.secrets) == [], name
        assert "[tok:" not in text and "[pw:" not in text, name
    shown = dict(outputs(story, tmp_path))
    assert "https://registry.test/v2/team/app/manifests/latest" in shown[".har.json of live"]


def test_tokens_are_told_apart_and_recognised(tmp_path: Path) -> None:
    """Tokens with a common beginning have different fingerprints; a token has the same one in header and body."""
    one, other = jwt("one"), jwt("other")
    asked = wire(
        "/token?service=s", host="auth.registry.test", answer=json.dumps({"token": one, "refresh_token": other})
    )
    sent = [wire(MANIFEST, ("Authorization", f"Bearer {token}")) for token in (one, other)]
    story = Story("N22", told(asked, *sent), (one, other))
    journal, _ = recorded(story, Redactor(b"k" * 32), tmp_path / "trace")
    answer = journal.exchanges[1].response
    assert answer is not None
    assert answer.token is not None
    first, second = (exchange.request.credentials[0].fingerprint for exchange in journal.exchanges[2:4])
    assert (answer.token.token, answer.token.refresh_token) == (first, second)
    assert first != second
    for name, text in outputs(story, tmp_path):
        assert leaks(text, story.secrets) == [], name


# What is no HTTP exchange.


def test_other_flows_are_not_dumped(tmp_path: Path) -> None:
    """Of TCP, UDP, DNS and WebSocket flows in a file nothing is shown but the request, if there was one."""
    secret = opaque("N19")
    path = tmp_path / "saved.flows"
    with path.open("wb") as file:
        writer = mitmio.FlowWriter(file)
        for make in (tflow.ttcpflow, tflow.tudpflow):
            flow = make()
            flow.messages[0].content = f"PASS {secret}".encode()
            writer.add(flow)
        writer.add(tflow.tdnsflow(resp=True))
        socket = tflow.twebsocketflow()
        socket.request.path = "/v2/"
        socket.request.host = "registry.test"
        assert socket.websocket is not None
        socket.websocket.messages[0].content = secret.encode()
        socket.websocket.close_reason = secret
        writer.add(socket)
        broken = tflow.tflow(err=mitmflow.Error(f"Client TLS handshake failed. SNI: alice@corp.test, key={secret}"))
        broken.request.path = "/v2/"
        writer.add(broken)
    journal, redactor = journal_of([path])
    assert len(journal.exchanges) == 2
    for ending in ENDINGS:
        text = report_text(journal, f"x{ending}", redactor)
        assert leaks(text, (secret, "alice@corp.test")) == []


# Through a real proxy.

CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "identity": bytes,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    "gzip, br": lambda body: brotli.compress(gzip.compress(body)),
}
LOGIN = "Basic " + basic("alice", password("live"))


def answer(got: Got) -> Reply:
    """A token server that encodes as it is asked to, and a registry that repeats what it is told."""
    if got.headers.get("host") == "auth.registry.test":
        coding = got.path.rpartition("coding=")[2].replace("%20", " ")
        body = CODINGS[coding](json.dumps({"token": opaque("N01" + coding), "expires_in": 300}).encode())
        headers = [("Content-Encoding", coding), ("Content-Type", "application/json")]
        if "chunked" in got.path:
            chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
            return Reply(headers=[*headers, ("Transfer-Encoding", "chunked")], body=chunks)
        return Reply(headers=headers, body=body)
    if got.path == "/v2/":
        return Reply(body=b"{}")
    sent = got.headers.get("authorization", "")
    wanted = f'{CHALLENGE},error_description="not with {sent}"'
    error = json.dumps({"errors": [{"code": "DENIED", "message": f"{sent} and {password('live')} are wrong"}]})
    headers = [("WWW-Authenticate", wanted), ("Set-Cookie", f"sid={opaque('N06')}"), ("Server", password("live"))]
    return Reply(status=401, headers=headers, body=error.encode())


@pytest.mark.parametrize("how", ["", "&chunked"])
@pytest.mark.parametrize("coding", CODINGS)
def test_encoded_token_is_read_and_not_shown(
    coding: str, how: str, authority_dir: Path, upstream: Upstream, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Compressed or in chunks: the token in the body is known when it is sent, and is in nothing that is written."""
    caplog.set_level(logging.DEBUG, "regauth_core")
    token = opaque("N01" + coding)
    trace = tmp_path / "trace"
    with running(authority_dir, upstream=upstream, regauth_trace=str(trace)) as proxy:
        proxy.ask("/v2/team/app/tags/list")
        proxy.ask(f"/token?service=registry.test{how}&coding={coding.replace(' ', '%20')}", host="auth.registry.test")
        proxy.ask("/v2/team/app/tags/list", Authorization=f"Bearer {token}")
        journal = proxy.stop()
    response = journal.exchanges[1].response
    assert response is not None
    assert response.token is not None
    assert response.token.token == journal.exchanges[2].request.credentials[0].fingerprint
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("regauth")]
    assert leaks("\n".join([trace.read_text(), *ours, repr(journal)]), (token,)) == []


def test_nothing_of_a_live_recording_tells_a_secret(
    authority_dir: Path, upstream: Upstream, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Trace, log lines, annotations of flows, reports: credentials, their echoes, cookies and the proxy's password."""
    caplog.set_level(logging.DEBUG, "regauth_core")
    secrets = (password("live"), LOGIN[6:], opaque("N06"), opaque("query"), opaque("label"))
    trace, reports = tmp_path / "trace", [tmp_path / f"r{ending}" for ending in ENDINGS]
    with running(authority_dir, upstream=upstream, regauth_trace=str(trace), regauth_quiet_time="0.2") as proxy:
        proxy.ask("/v2/", label=opaque("label"))
        proxy.ask("/v2/team/app/tags/list", Authorization=LOGIN)
        proxy.ask(f"/v2/team/app/tags/list?access_token={opaque('query')}")
        for path in reports:
            proxy.addon.report(str(path))
        journal = proxy.stop()
    assert len(journal.exchanges) == 3
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("regauth")]
    notes = [f"{flow.comment} {flow.marked}" for flow in proxy.kept.flows]
    texts = [trace.read_text(), *ours, *(path.read_text() for path in reports), *notes]
    assert [leak for text in texts for leak in leaks(text, secrets)] == []


def test_what_is_no_http_in_a_tunnel_is_not_recorded(
    authority_dir: Path, upstream: Upstream, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Raw bytes behind CONNECT pass as they are; the tunnel's own credentials are told to nobody."""
    caplog.set_level(logging.DEBUG, "regauth_core")
    trace, secret = tmp_path / "trace", opaque("N19")
    head = f"CONNECT registry.test:443 HTTP/1.1\r\nProxy-Authorization: Basic {basic('me', secret)}\r\n\r\n"
    with running(authority_dir, upstream=upstream, regauth_trace=str(trace)) as proxy:
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as connection:
            connection.sendall(head.encode())
            assert b" 200 " in connection.recv(1000)
            connection.sendall(f"PASS {secret}\r\n".encode())
            with contextlib.suppress(TimeoutError):
                connection.settimeout(0.5)
                connection.recv(1000)
        journal = proxy.stop()
    assert journal.exchanges == ()
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("regauth")]
    assert leaks("\n".join([trace.read_text(), repr(journal), *ours]), (secret, basic("me", secret))) == []
