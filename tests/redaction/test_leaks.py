"""No planted secret is in anything that is ever shown, and both layers that see to it are needed."""

from __future__ import annotations

import contextlib
import gzip
import html
import json
import logging
import re
import socket
import zlib
from collections.abc import Callable
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from xml.etree import ElementTree

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
from regauth_core.edge.commands.diagnose import journal_of
from regauth_core.edge.outputs.reports import report_text, with_scenario, write_reports
from regauth_core.model import Failure, FailureKind, Safe
from regauth_core.redaction.allow_list import PLAIN_WORDS
from regauth_core.redaction.redactor import Redactor
from regauth_core.redaction.replacements import Replacements
from regauth_core.redaction.sweep import Sweep
from regauth_core.report import ENDINGS
from regauth_core.report.formats import FORMATS, format_of


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
    # Who was refused with a credential just before is not said to ignore the next challenge.
    expected = "refused-unexplained" if story.id == "D30" else "challenge-ignored"
    for name in (".json of live", "diagnose flows, json", "diagnose har, json"):
        assert expected in [one["rule"] for one in json.loads(shown[name])["findings"]], name


OPAQUE = [story for story in STORIES if any(secret.startswith("9kY") for secret in story.secrets)]


@pytest.mark.parametrize("story", OPAQUE, ids=attrgetter("id"))
def test_no_piece_of_a_token_is_shown_either(story: Story, tmp_path: Path) -> None:
    """Cutting, folding and wrapping leave nothing of a token: not twelve characters in a row."""
    long = [secret for secret in story.secrets if secret.startswith("9kY")]
    pieces = {secret[at : at + 12] for secret in long for at in range(len(secret) - 11)}
    for name, text in outputs(story, tmp_path):
        assert [piece for piece in pieces if piece in text] == [], name


# Each layer alone.

NEEDS_SWEEP = {"N16a"}
"""The secret is words among words, or a command's own: only who has seen it where it belongs can know it."""
NEEDS_ALLOW_LIST = {"N16", "N20", "N26", "N27", "N29", "D04", "D06", "D07", "D09", "D10", "D11", "D15", "D16"}
"""Nothing but the words around it, or that its place is not on the list, says that it is a secret: nobody remembers."""


@pytest.fixture
def without_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    """The final look finds nothing."""
    monkeypatch.setattr(Sweep, "swept", lambda _, text, *_args, **_kwargs: (text, 0))


@pytest.fixture
def without_allow_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever would be replaced is kept as it was; that it was seen is remembered as always."""
    mark, veil, prose = Replacements.replace_secret, Replacements.replace_if_secret, Replacements.prose
    user = Redactor.user

    def kept_mark(self: Replacements, secret: str, kind: str) -> str:
        mark(self, secret, kind)
        return secret

    def kept_veil(self: Replacements, text: str, kind: str = "val", *, sure: bool = False) -> str:
        veil(self, text, kind, sure=sure)
        return text

    def kept_prose(self: Replacements, text: str) -> str:
        prose(self, text)
        return text

    def kept_user(self: Redactor, name: str) -> Safe:
        user(self, name)
        return name  # type: ignore[return-value]

    monkeypatch.setattr(Replacements, "replace_secret", kept_mark)
    monkeypatch.setattr(Replacements, "replace_if_secret", kept_veil)
    monkeypatch.setattr(Replacements, "prose", kept_prose)
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


# What a report itself is made of.

WORDS = (
    "explanation",
    "client_author",
    "startedDateTime",
    "exchange",
    "exchanges",
    "textContent",
    "testsuite",
    "failures",
    "### Received",
    "change",
    "header",
    "headers",
    "number",
    "error",
    "warning",
    "medium",
    "response",
    "</article>",
    "<td>text",
    "| --- | ---",
    "sequenceDiagram",
    "challenge-ignored",
    "regauth.trace/1",
    "regauth",
    '"response":{',
    '"severity": "error"',
    "https://",
    "manifest",
    "ordinary",
    "stopped",
    "nhunter",
    "ampere",
    "u0041bc",
)


def is_looked_for(word: str) -> bool:
    """Whether the sweep looks for a password like this where it stands alone."""
    return len(word) >= 6 and len(bare(word)) >= 4 and word.lower() not in PLAIN_WORDS


def checked(name: str, text: str) -> None:
    """The report is what its ending says."""
    if name.endswith(".json"):
        json.loads(text)
    elif name.endswith(".xml"):
        ElementTree.fromstring(text)  # noqa: S314
    elif name.endswith(".html"):
        assert text.startswith("<!doctype html>")
        assert text.rstrip().endswith("</html>")
    else:
        assert name.endswith(".md"), f"{name}: expected, here and in `shape`, what a whole report of this format is"


def bones(value: object) -> object:
    """A JSON value without its texts and numbers."""
    if isinstance(value, dict):
        return {key: bones(one) for key, one in value.items()}
    return [bones(one) for one in value] if isinstance(value, list) else type(value)


def shape(name: str, text: str) -> object:
    """All of a report that is not words for a reader."""
    if name.endswith(".json"):
        return bones(json.loads(text))
    if name.endswith(".md"):
        return [line[:2] for line in text.split("\n")]
    return re.findall(r"</?[a-zA-Z0-9]+", text)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("word", WORDS)
def test_password_that_is_a_part_of_the_format_stops_no_report(ending: str, word: str, tmp_path: Path) -> None:
    """The report is written and as it should be, and what the wire said of the password is not in it."""
    path = tmp_path / f"report{ending}"
    redactor = Redactor(b"k" * 32)
    journal = journals.per_repository()
    spoken = replace(
        journal.exchanges[0], failure=Failure(FailureKind.TLS, Safe(f"bad login alice/{word}; \n{word}\t&{word};"))
    )
    journal = replace(journal, exchanges=(spoken, *journal.exchanges[1:]))
    redactor.remember(word)
    assert write_reports(journal, [path], redactor) == ()
    text = path.read_text()
    checked(path.name, text)
    plain = report_text(with_scenario(journal), path.name, Redactor(b"k" * 32))
    assert word == "https://" or shape(path.name, text) == shape(path.name, plain)
    if is_looked_for(word):
        assert f"alice/{word}" not in text
        assert f"alice/{html.escape(word)}" not in text


@pytest.mark.parametrize("word", ["change", "header", "number", "error", "explanation", "warning"])
@pytest.mark.parametrize("ending", ENDINGS)
def test_no_sentence_of_ours_shows_a_password_by_its_gap(ending: str, word: str) -> None:
    """Who knows the sentence would know the word that is missing in it."""
    redactor = Redactor(b"k" * 32)
    redactor.remember(word)
    journal = journals.per_repository()
    assert report_text(journal, f"x{ending}", redactor) == report_text(journal, f"x{ending}", Redactor(b"k" * 32))


@pytest.mark.parametrize("word", WORDS)
def test_password_that_is_a_part_of_the_format_stops_no_trace(word: str, tmp_path: Path) -> None:
    """Every line is written and can be read, and what the wire said of the password is not in it."""
    redactor = Redactor(b"k" * 32)
    said = json.dumps({"errors": [{"code": "DENIED", "message": f"bad login alice/{word}"}]})
    told_again = wire(status=403, answer=said, headers=(("Set-Cookie", f"a={word}"), ("X-Odd", word)))
    sent = wire(MANIFEST, ("Authorization", f"Basic {basic('alice', word)}"))
    journal, _ = recorded(Story("format", told(told_again, sent, told_again), ()), redactor, tmp_path / "trace")
    read, _ = journal_of([tmp_path / "trace"])
    assert [one.status for one in read.exchanges] == [one.status for one in journal.exchanges]
    assert not [note for note in read.diagnosis.notes if "damaged" in note or "breaks off" in note]
    assert not is_looked_for(word) or f"alice/{word}" not in (tmp_path / "trace").read_text()


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
    checked(f"x{ending}", after)
    assert ending == ".json" or "by the final sweep" in after


MARKS = {
    "x.json": ('{"key": "free", "n": 12, "l": ["free", null, "fr\\"ee"]}', ["free", "free", 'fr\\"ee']),
    "x.xml": ("<a b='free'>free<c/>free</a>", ["free", "free", "free"]),
    "x.html": ('<p class=fix title="free">free</p><script>fix</script><b>free</b>', ["free", "free", "free"]),
    "x.md": ("| free | free \\| free |\n### free\n```text\nfree\n```\n", ["free", "free", "free", "free"]),
}


def test_every_format_is_in_the_table() -> None:
    """What is markup is tried for each."""
    assert {one.fixed for one in FORMATS} == {format_of(name).fixed for name in MARKS}, "formats without a row in MARKS"


@pytest.mark.parametrize("name", MARKS)
def test_what_belongs_to_a_format_is_known(name: str) -> None:
    """All but the words for a reader."""
    text, free = MARKS[name]
    marks = format_of(name).fixed(text)
    left, at = [], 0
    for begin, end in (*marks, (len(text), len(text))):
        assert at <= begin <= end
        left.append(text[at:begin])
        at = end
    assert [word for piece in left for word in re.findall(r'fr\\?"?ee', piece)][: len(free)] == free
    assert not any("fix" in piece or "key" in piece for piece in left)


# What must stay, and what must be told apart.


@pytest.mark.parametrize("word", ["latest", "team", "repository"])
def test_password_that_is_a_name_of_the_story_shreds_nothing(word: str, tmp_path: Path) -> None:
    """Words of the field and short ones stay readable, though somebody uses one as a password; the pair does not."""
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
