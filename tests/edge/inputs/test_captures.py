"""Saved traffic gives the findings that live traffic gives, whoever saved it, and damage costs only what it hit."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from kit.messages import CHALLENGE, wire
from kit.notation import Talk, conversations, read
from kit.saved import flow_file, har_file
from regauth_core.edge.commands.diagnose import journal_of
from regauth_core.edge.errors import UserError
from regauth_core.edge.inputs.captures import Captures, Kind, kind_of
from regauth_core.model.finding import Diagnosis
from regauth_core.model.journal import Ending
from regauth_core.redaction.redactor import Redactor

TALKS = conversations()
WHOLE = [talk for talk in TALKS if talk.ending in (Ending.GONE, Ending.CLEAN)]
PERSONAL = [talk for talk in WHOLE if not any(w.process or w.withheld for w in talk.wires)]

SEEN = """
client: has credentials
GET /v2/                     - -> 200
GET /v2/foo/manifests/1      - -> 401 challenge Basic realm="app"
"""


def told(diagnosis: Diagnosis) -> list[tuple[object, ...]]:
    """The findings without what a file cannot know: how sure one may be that the client had gone."""
    return [
        (f.rule, f.severity, f.fault, f.cause, f.client, f.registry, f.repository, f.exchanges)
        for f in diagnosis.findings
    ]


def diagnosed(talk: Talk, *paths: Path) -> Diagnosis:
    """What `regauth diagnose` finds in files."""
    return journal_of(paths, quiet_time=talk.quiet, credentials_known=talk.known)[0].diagnosis


@pytest.mark.parametrize("talk", WHOLE, ids=lambda talk: talk.name)
def test_flow_file_gives_the_same_findings(talk: Talk, tmp_path: Path) -> None:
    """A file that `mitmdump -w` wrote is diagnosed as the traffic itself."""
    path = tmp_path / "saved.flows"
    path.write_bytes(flow_file(talk.wires))
    saved, seen = diagnosed(talk, path), talk.diagnosis()
    # In a flow file what is recorded is counted, so the numbers move where something was passed over.
    compared = slice(None) if saved.exchanges == seen.exchanges else slice(-1)
    assert [t[compared] for t in told(saved)] == [t[compared] for t in told(seen)]


@pytest.mark.parametrize("talk", PERSONAL, ids=lambda talk: talk.name)
def test_har_file_gives_the_same_findings(talk: Talk, tmp_path: Path) -> None:
    """A HAR file of any tool is diagnosed as the traffic itself."""
    path = tmp_path / "saved.har"
    path.write_text(har_file(talk.wires))
    assert told(diagnosed(talk, path)) == told(talk.diagnosis())


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b'{"schema":"regauth.trace/1","started":1}\n', Kind.TRACE),
        (b'{"log": {"version": "1.2"}}', Kind.HAR),
        (b'\xef\xbb\xbf {"log"', Kind.HAR),
        (b"1234:5:hello", Kind.FLOWS),
        (b"", None),
        (b"GET / HTTP/1.1", None),
        (b"\x89PNG\r\n", None),
    ],
)
def test_kind_is_known_by_the_first_bytes(start: bytes, kind: Kind | None) -> None:
    """The ending of a file's name says nothing."""
    assert kind_of(start) == kind


def test_har_that_breaks_off_gives_what_could_be_read(tmp_path: Path) -> None:
    """Entries before the damage count, the damage is told, and nothing rests on what may be missing."""
    talk, path = read(SEEN, "seen"), tmp_path / "cut.har"
    whole = har_file(talk.wires)
    path.write_text(whole[: whole.rindex("headers") - 60])
    diagnosis = diagnosed(talk, path)
    assert diagnosis.exchanges == 1
    assert diagnosis.findings == ()
    assert "entry 2 is damaged or incomplete" in diagnosis.notes[0]


def test_flow_file_that_breaks_off_gives_what_could_be_read(tmp_path: Path) -> None:
    """The same for mitmproxy's own format."""
    talk, path = read(SEEN, "seen"), tmp_path / "cut.flows"
    path.write_bytes(flow_file(talk.wires)[:-20])
    diagnosis = diagnosed(talk, path)
    assert diagnosis.exchanges == 1
    assert "flow 2 is damaged or incomplete" in diagnosis.notes[0]


def test_cut_capture_leaves_the_unanswered_challenge_undecided(tmp_path: Path) -> None:
    """Both exchanges are there and the third is not: whether the client answered cannot be known."""
    talk, path = read(SEEN, "seen"), tmp_path / "cut.har"
    path.write_text(har_file([*talk.wires, talk.wires[1]])[:-400])
    diagnosis = diagnosed(talk, path)
    assert (diagnosis.findings, [u.reason for u in diagnosis.undecided]) == ((), ["capture-cut"])


def test_exchanges_out_of_order_are_put_into_order(tmp_path: Path) -> None:
    """Tools write exchanges in the order of their end, or in any order."""
    talk, path = read(SEEN, "seen"), tmp_path / "odd.flows"
    path.write_bytes(flow_file(reversed(talk.wires)))
    assert told(diagnosed(talk, path)) == told(talk.diagnosis())


def test_several_files_are_one_capture(tmp_path: Path) -> None:
    """Two halves of a conversation in two files, given in any order, give the finding of the whole."""
    talk = read(SEEN, "seen")
    (tmp_path / "b.har").write_text(har_file(talk.wires[1:]))
    (tmp_path / "a.har").write_text(har_file(talk.wires[:1]))
    found = diagnosed(talk, tmp_path / "b.har", tmp_path / "a.har").findings
    assert [(f.rule, f.exchanges) for f in found] == [("challenge-ignored", (1, 2))]


def test_other_traffic_in_a_har_is_passed_over(tmp_path: Path) -> None:
    """Of a browser's afternoon only the registry's part counts, under its places in the file."""
    talk = read(
        "client: has credentials\nGET https://news.test/ - -> 401\nGET https://news.test/v1beta - -> 200" + SEEN,
        "mixed",
    )
    path = tmp_path / "mixed.har"
    path.write_text(har_file(talk.wires))
    diagnosis = diagnosed(talk, path)
    assert [f.exchanges for f in diagnosis.findings] == [(3, 4)]


def test_the_password_of_a_login_that_is_passed_over_is_known(tmp_path: Path) -> None:
    """The token server's page for a login is no part of the conversation; but its password may be repeated there."""
    login = wire("/login", method="POST", host="auth.registry.test", body=b"user=alice&pass=river%20of%20stones")
    challenged = wire("/v2/", status=401, headers=(("WWW-Authenticate", CHALLENGE),))
    echo = wire(status=403, answer="<Error><Message>password=river of stones</Message></Error>")
    path = tmp_path / "login.har"
    path.write_text(har_file([challenged, login, echo]))
    shown = list(Captures([path], Redactor(b"k" * 32)))
    assert len(shown) == 2
    assert "stones" not in repr(shown)


def test_sanitized_browser_har_accuses_nobody(tmp_path: Path) -> None:
    """Chrome leaves Authorization out of what it exports: a request may look anonymous and not have been."""
    talk, path = read(SEEN, "seen"), tmp_path / "chrome.har"
    path.write_text(har_file(talk.wires, creator="WebInspector"))
    diagnosis = diagnosed(talk, path)
    assert diagnosis.findings == ()
    assert "exported without credentials" in diagnosis.notes[0]


@pytest.mark.parametrize("content", [b"", b"GET / HTTP/1.1\r\n", b"\x00\x01\x02"])
def test_what_is_no_capture_is_said_in_one_line(content: bytes, tmp_path: Path) -> None:
    """The line names the file and what was expected."""
    path = tmp_path / "odd"
    path.write_bytes(content)
    with pytest.raises(UserError, match="odd: expected a regauth trace, a mitmproxy flow file or a HAR file"):
        Captures([path], Redactor(b"k" * 32))


def test_missing_file_is_said_in_one_line(tmp_path: Path) -> None:
    """The line names the file."""
    with pytest.raises(UserError, match="nowhere"):
        Captures([tmp_path / "nowhere"], Redactor(b"k" * 32))


def test_newer_trace_is_refused_with_its_version(tmp_path: Path) -> None:
    """A trace of a later version is not guessed at."""
    path = tmp_path / "new.jsonl"
    path.write_bytes(msgspec.json.encode({"schema": "regauth.trace/2", "started": 0}))
    with pytest.raises(UserError, match="regauth.trace/2"):
        Captures([path], Redactor(b"k" * 32))


@pytest.mark.parametrize(
    "text", ['{"log": {}}', '{"log": {"entries": [1, "a", null, {}]}}', '{"log": {"entries": [{"request": 5}]}}']
)
def test_odd_har_files_are_taken(text: str, tmp_path: Path) -> None:
    """Entries that are none are counted and passed over."""
    path = tmp_path / "odd.har"
    path.write_text(text)
    diagnosis = journal_of([path])[0].diagnosis
    assert (diagnosis.exchanges, diagnosis.findings) == (0, ())
    assert len(diagnosis.notes) == 1
