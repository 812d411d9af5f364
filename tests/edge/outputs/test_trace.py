"""The trace: written as things happen, readable whatever happens, and as good as having been there."""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
import tracemalloc
from base64 import b64encode
from dataclasses import replace
from functools import cache
from importlib import resources
from io import StringIO
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from kit.canaries import CORPUS, leaks
from kit.messages import MANIFEST, opaque, wire
from kit.notation import Talk, conversations, read
from kit.program import ROOT, Program
from regauth_core.edge.commands.diagnose import diagnose, journal_of
from regauth_core.edge.errors import UserError
from regauth_core.edge.mitm.recorder import Recorder
from regauth_core.edge.outputs.reports import report_text, write_reports
from regauth_core.edge.outputs.trace import TraceWriter
from regauth_core.model import ChangeKind, Sender
from regauth_core.model.finding import Diagnosis
from regauth_core.model.journal import Ending, Environment, Journal
from regauth_core.model.trace import SCHEMA, TraceExchange, schema
from regauth_core.recording.observe import Wire
from regauth_core.redaction.redactor import Redactor
from regauth_core.report import jsontext

SHIPPED = Path(str(resources.files("regauth_core"))) / "schema" / "trace.schema.json"
TALKS = conversations()
IGNORED = read(
    """
client: has credentials
GET /v2/                     - -> 200
GET /v2/foo/manifests/1      - -> 401 challenge Basic realm="app"
""",
    "ignored",
)


def recorded(path: Path, wires: list[Wire], talk: Talk, ending: Ending | None = None) -> Journal:
    """What a live recording of `wires` shows; its trace is at `path`."""
    redactor = Redactor(os.urandom(32))
    recorder = Recorder(
        redactor,
        started=wires[0].started if wires else 0.0,
        quiet_time=talk.quiet,
        credentials_known=talk.known,
        trace=TraceWriter(path, redactor),
    )
    for one in wires:
        recorder.end(one)
    return recorder.finish(ending or talk.ending, wires[-1].started + 1 if wires else 1.0)


def lines(path: Path) -> list[dict[str, Any]]:
    """The lines of a trace."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def shown(diagnosis: Diagnosis) -> tuple[object, ...]:
    """All that a diagnosis says of the exchanges."""
    return diagnosis.clients, diagnosis.exchanges, diagnosis.findings, diagnosis.undecided


# As good as having been there.


@pytest.mark.parametrize("talk", TALKS, ids=lambda talk: talk.name)
def test_trace_and_har_give_what_the_recording_gave(talk: Talk, tmp_path: Path) -> None:
    """The same clients, findings and undecided cases, word for word, from the trace, and from a HAR file made of it."""
    live = recorded(tmp_path / "trace", talk.wires, talk)
    saved, redactor = journal_of([tmp_path / "trace"])
    assert shown(saved.diagnosis) == shown(live.diagnosis)
    assert saved.exchanges == live.exchanges
    assert (saved.redaction, saved.environment) == (live.redaction, live.environment)
    (tmp_path / "x.har.json").write_text(report_text(saved, "x.har.json", redactor))
    again, _ = journal_of([tmp_path / "x.har.json"])
    assert shown(again.diagnosis) == shown(live.diagnosis)
    assert (again.exchanges, again.clients_of) == (live.exchanges, live.clients_of)
    assert (again.redaction, again.environment) == (live.redaction, live.environment)


def test_har_of_a_live_recording_is_as_good_as_its_trace(tmp_path: Path) -> None:
    """Quiet time, what was known of the clients, their end and the notes are in the file too."""
    redactor = Redactor(os.urandom(32))
    recorder = Recorder(redactor, started=1.0, quiet_time=7.0, credentials_known=True)
    recorder.note("the client that nobody saw does not trust the proxy")
    for one in IGNORED.wires:
        recorder.end(one)
    recorder.gone(Sender(address=recorder.journal().exchanges[0].sender.address), IGNORED.wires[-1].started + 2)
    recorder.gone(recorder.journal().exchanges[0].sender, IGNORED.wires[-1].started + 3)
    live = recorder.finish(Ending.STOPPED, 5.0)
    assert [finding.rule for finding in live.diagnosis.findings] == ["challenge-ignored"]
    assert write_reports(live, [tmp_path / "x.har.json"], redactor) == ()
    again, _ = journal_of([tmp_path / "x.har.json"])
    assert shown(again.diagnosis) == shown(live.diagnosis)
    assert again.diagnosis.notes == live.diagnosis.notes
    assert again.capture == live.capture


# Its format.


def test_the_shipped_schema_comes_from_the_types() -> None:
    """The file in the package is what the types give; `REGAUTH_RENEW_GOLDEN=1` writes it."""
    if os.environ.get("REGAUTH_RENEW_GOLDEN") == "1":
        SHIPPED.write_text(jsontext.encode(schema()), encoding="utf-8")
    assert SHIPPED.read_text(encoding="utf-8") == jsontext.encode(schema())


@cache
def validator() -> jsonschema.Draft202012Validator:
    """Of the shipped schema."""
    return jsonschema.Draft202012Validator(json.loads(SHIPPED.read_text(encoding="utf-8")))


def test_every_line_of_every_trace_fits_the_schema(tmp_path: Path) -> None:
    """Lines of all conversations and of all planted secrets, and of a client's end, are valid."""
    kinds = set()
    for number, wires in enumerate([*(talk.wires for talk in TALKS), [planted.wire for planted in CORPUS]]):
        recorded(tmp_path / str(number), wires, IGNORED)
        for line in lines(tmp_path / str(number)):
            validator().validate(line)
            kinds.add(next(iter(line)))
    redactor = Redactor(os.urandom(32))
    recorder = Recorder(redactor, started=1, quiet_time=1, trace=TraceWriter(tmp_path / "gone", redactor))
    recorder.gone(Sender(), 2.0)
    for line in lines(tmp_path / "gone"):
        validator().validate(line)
        kinds.add(next(iter(line)))
    assert kinds == {"schema", "exchange", "gone", "taken_back", "end"}


@pytest.mark.parametrize(
    "line",
    [
        {},
        {"schema": "regauth.trace/2", "started": 1, "quiet_time": 1, "credentials_known": False, "environment": {}},
        {"started": 1, "quiet_time": 1, "credentials_known": False, "environment": {"regauth": "1"}},
        {"exchange": {"number": 1}},
        {"gone": {"sender": {}}},
        {"end": {"ending": "never", "at": 1, "environment": {"regauth": "1"}}},
    ],
)
def test_the_schema_refuses_what_is_no_line(line: dict[str, object]) -> None:
    """The schema is not one that lets everything pass."""
    assert not validator().is_valid(line)


def test_one_line_for_each_event_in_order(tmp_path: Path) -> None:
    """Head, exchanges, end; sizes, timings, connection, TLS, protocol and the client's identity are in the exchange."""
    whole = replace(
        IGNORED.wires[0],
        connection="c-1",
        tls_version="TLSv1.3",
        alpn="h2",
        alpn_offers=("h2", "http/1.1"),
        http_version="HTTP/2.0",
        process=12,
        program="skopeo",
        request_size=3,
        response_size=5,
        changes=((ChangeKind.EXPECT_ANSWERED, "the proxy answered 'Expect: 100-continue' itself"),),
    )
    recorded(tmp_path / "trace", [whole, IGNORED.wires[1]], IGNORED)
    told = lines(tmp_path / "trace")
    assert [next(iter(line)) for line in told] == ["schema", "exchange", "exchange", "end"]
    assert told[0]["schema"] == SCHEMA
    one = told[1]["exchange"]
    assert (one["request"]["size"], one["response"]["size"]) == (3, 5)
    assert [one[name] for name in ("started", "first_byte", "ended")] == [whole.started, whole.first_byte, whole.ended]
    assert one["connection"] == {
        "id": "c-1",
        "http_version": "HTTP/2.0",
        "tls_version": "TLSv1.3",
        "alpn": "h2",
        "alpn_offers": ["h2", "http/1.1"],
    }
    assert (one["sender"]["process"], one["sender"]["program"]) == (12, "skopeo")
    assert one["changes"][0]["kind"] == "expect-answered"


def test_fingerprints_say_nothing_across_traces(tmp_path: Path) -> None:
    """The same token is recognised within a trace and looks like another one in the next."""
    token = ("Authorization", "Bearer " + opaque("two traces"))
    wires = [replace(wire("/v2/", token), number=number) for number in (1, 2)]
    prints = []
    for name in ("a", "b"):
        recorded(tmp_path / name, wires, IGNORED)
        sent = [line["exchange"]["request"]["credentials"][0]["fingerprint"] for line in lines(tmp_path / name)[1:3]]
        assert sent[0] == sent[1]
        prints.append(sent[0])
    assert prints[0] != prints[1]


# Other versions.


def test_newer_version_is_one_clear_error(tmp_path: Path) -> None:
    """A version that is not known is named, with what was expected; nothing is guessed."""
    path = tmp_path / "new"
    recorded(path, IGNORED.wires, IGNORED)
    path.write_text(path.read_text().replace(SCHEMA, "regauth.trace/2", 1))
    with pytest.raises(UserError) as caught:
        diagnose([path], as_json=True, quiet_time=None, credentials_known=False, out=StringIO())
    assert f"{path}: expected {SCHEMA}, found 'regauth.trace/2': written by a newer regauth?" == str(caught.value)


def with_more(value: object) -> object:
    """`value` with a field in every object that nobody knows."""
    if isinstance(value, dict):
        return {**{name: with_more(held) for name, held in value.items()}, "added_later": {"by": "somebody"}}
    return [with_more(one) for one in value] if isinstance(value, list) else value


def test_unknown_fields_and_lines_are_passed_over_and_told(tmp_path: Path) -> None:
    """All that is known is read from a trace of a newer version, what is not is named, and the file stays as it is."""
    live = recorded(tmp_path / "old", IGNORED.wires, IGNORED)
    told = [with_more(line) for line in lines(tmp_path / "old")]
    told.insert(1, {"probe": {"number": 1}})
    path = tmp_path / "new"
    path.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in told))
    before = path.read_bytes()
    saved, _ = journal_of([path])
    assert shown(saved.diagnosis) == shown(live.diagnosis)
    assert saved.exchanges == live.exchanges
    (note,) = saved.diagnosis.notes
    assert note.startswith("new: skipped fields written by a newer regauth: ")
    assert "environment.added_later, added_later, probe, exchange.sender.added_later, " in note
    redactor = Redactor(os.urandom(32))
    TraceWriter(path, redactor).write(TraceExchange(exchange=live.exchanges[0]))
    assert path.read_bytes().startswith(before)


def test_changes_of_a_former_trace_are_words_alone(tmp_path: Path) -> None:
    """An exchange whose changes have no kind is read, and means what it meant."""
    path = tmp_path / "trace"
    recorded(path, IGNORED.wires, IGNORED)
    told = lines(path)
    told[1]["exchange"]["changes"] = ["regauth added a Basic credential (pw:3f2a91c0)"]
    path.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in told))
    saved, _ = journal_of([path])
    first = saved.exchanges[0]
    assert [(one.kind, one.text) for one in first.changes] == [
        (ChangeKind.CREDENTIALS_ADDED, "regauth added a Basic credential (pw:3f2a91c0)")
    ]
    assert first.is_altered
    assert saved.diagnosis.notes == ()


def test_odd_names_of_unknown_fields_are_not_repeated(tmp_path: Path) -> None:
    """A field's name comes from the file and may be anything."""
    recorded(tmp_path / "trace", IGNORED.wires, IGNORED)
    text = (tmp_path / "trace").read_text().replace('"exchange":{', '"\\u001b[31mX":1,"exchange":{"<b>":2,', 1)
    (tmp_path / "trace").write_text(text)
    (note,) = journal_of([tmp_path / "trace"])[0].diagnosis.notes
    assert note.endswith("regauth: , …") or note.endswith("regauth: …")


def test_newer_recording_behind_an_older_one_is_left_with_a_word(tmp_path: Path) -> None:
    """What could be read is there, the rest is said to be newer, and nobody is accused of what is not in it."""
    recorded(tmp_path / "a", IGNORED.wires[:1], IGNORED)
    recorded(tmp_path / "b", IGNORED.wires, IGNORED)
    path = tmp_path / "both"
    path.write_text((tmp_path / "a").read_text() + (tmp_path / "b").read_text().replace(SCHEMA, "regauth.trace/9"))
    saved, _ = journal_of([path])
    assert (saved.diagnosis.exchanges, saved.diagnosis.findings) == (1, ())
    assert "line 4" in saved.diagnosis.notes[0]
    assert "regauth.trace/9" in saved.diagnosis.notes[0]


# Whatever happens.


def test_half_a_line_costs_that_line(tmp_path: Path) -> None:
    """A trace that breaks off in the middle of a line gives all lines before it, and undecided for what may follow."""
    recorded(tmp_path / "trace", IGNORED.wires, IGNORED)
    text = (tmp_path / "trace").read_text()
    cut = text[: text.index('{"end"')]
    for end in (cut, cut + '{"exchange":{"number":3,"sen', cut + '{"exchange":{}}\n', cut + "\x00\x00\x00"):
        (tmp_path / "cut").write_text(end)
        saved, _ = journal_of([tmp_path / "cut"])
        assert (saved.diagnosis.exchanges, saved.diagnosis.findings) == (2, ())
        assert [case.reason for case in saved.diagnosis.undecided] == ["capture-cut"]
        assert "incomplete" in saved.diagnosis.notes[0]


def test_damage_in_the_middle_leaves_what_is_behind_it(tmp_path: Path) -> None:
    """A damaged line is told by its number; no conversation is taken to go on across the hole."""
    wires = [replace(one, number=place) for place, one in enumerate([*IGNORED.wires, *IGNORED.wires], 1)]
    wires = [replace(one, started=one.started + 100 * place) for place, one in enumerate(wires)]
    recorded(tmp_path / "trace", wires, IGNORED)
    told = (tmp_path / "trace").read_text().splitlines()
    told[3] = told[3][:200]
    (tmp_path / "trace").write_text("\n".join(told) + "\n")
    saved, _ = journal_of([tmp_path / "trace"])
    assert [exchange.number for exchange in saved.exchanges] == [1, 2, 4]
    assert "trace: line 4 is damaged or incomplete; 5 of 6 lines were read" in saved.diagnosis.notes
    assert saved.diagnosis.findings == ()


def test_recording_behind_one_that_was_killed_is_read(tmp_path: Path) -> None:
    """The head of the next recording does not become a part of the half line; the first one accuses nobody."""
    path = tmp_path / "trace"
    recorded(path, IGNORED.wires, IGNORED)
    path.write_text(path.read_text().partition('{"end"')[0] + '{"exchange":{"number":3,"sen')
    later = [replace(one, started=one.started + 1000, ended=one.started + 1001) for one in IGNORED.wires]
    recorded(path, later, IGNORED)
    saved, _ = journal_of([path])
    assert [exchange.number for exchange in saved.exchanges] == [1, 2, 3, 4]
    assert not [finding for finding in saved.diagnosis.findings if 2 in finding.exchanges]
    assert (1, 2) in [case.exchanges for case in saved.diagnosis.undecided]


def test_recordings_of_one_file_do_not_answer_each_other(tmp_path: Path) -> None:
    """A challenge that was open when the first recording was stopped is not held against the client of the second."""
    path = tmp_path / "trace"
    recorded(path, IGNORED.wires, IGNORED, Ending.STOPPED)
    later = [replace(one, started=one.started + 1000, ended=one.started + 1001) for one in IGNORED.wires[:1]]
    recorded(path, later, IGNORED)
    saved, redactor = journal_of([path])
    assert [exchange.number for exchange in saved.exchanges] == [1, 2, 3]
    assert saved.diagnosis.findings == ()
    (tmp_path / "x.har.json").write_text(report_text(saved, "x.har.json", redactor))
    again, _ = journal_of([tmp_path / "x.har.json"])
    assert shown(again.diagnosis) == shown(saved.diagnosis)


def test_trace_without_an_end_still_tells_what_was_replaced(tmp_path: Path) -> None:
    """The figures are counted anew, and the environment is the one of the recording."""
    path = tmp_path / "trace"
    live = recorded(path, [wire("/v2/a/tags/list", ("Authorization", "Bearer " + opaque("x")))], IGNORED)
    head, *rest = path.read_text().splitlines()
    other = json.loads(head)
    other["environment"] = msgspec.to_builtins(Environment(regauth="9.9", platform="Plan 9"))
    path.write_text("\n".join([json.dumps(other), *rest[:-1]]) + "\n")
    saved, _ = journal_of([path])
    assert saved.environment == Environment(regauth="9.9", platform="Plan 9")
    assert saved.redaction is not None
    assert live.redaction is not None
    assert (saved.redaction.secrets, saved.redaction.values, saved.redaction.hosts) == (1, 1, 1)
    assert (live.redaction.secrets, live.redaction.repositories) == (1, saved.redaction.repositories)


def test_kill_costs_at_most_the_exchange_in_flight(
    authority_dir: Path, command_environment: dict[str, str], tmp_path: Path
) -> None:
    """`kill -9` in the middle: what had ended reads back, nobody is accused, and no secret is in the file."""
    path, secret = tmp_path / "trace", opaque("killed")
    options = ["--set", "regauth_scenario=per-repository-basic", "--set", f"regauth_trace={path}"]
    program = Program(ROOT / "addon" / "regauth.py", authority_dir, command_environment, "mitmdump", options)
    try:
        statuses = [program.ask(path_, Cookie=f"s={secret}") for path_ in ("/v2/", "/v2/foo/tags/list")]
        assert statuses == [200, 401]
    finally:
        program.process.send_signal(signal.SIGKILL)
        program.process.wait(20)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [next(iter(line)) for line in lines(path)] == ["schema", "exchange", "exchange"]
    assert leaks(path.read_text(), (secret,)) == []
    saved, _ = journal_of([path], credentials_known=True)
    assert [exchange.status for exchange in saved.exchanges] == [200, 401]
    assert saved.diagnosis.findings == ()
    assert [(case.rule, case.reason) for case in saved.diagnosis.undecided] == [("challenge-ignored", "capture-cut")]
    assert "incomplete" in saved.diagnosis.notes[0]


def test_full_disk_is_said_once_and_the_rest_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk is full in the middle of a line, one note says where the trace ends, and the diagnosis goes on."""
    room, write = [3000], os.write

    def full(file: int, data: bytes) -> int:
        if not room[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = write(file, data[: room[0]])
        room[0] -= written
        return written

    monkeypatch.setattr(os, "write", full)
    wires = [replace(one, number=place) for place, one in enumerate([*IGNORED.wires] * 5, 1)]
    live = recorded(tmp_path / "trace", wires, IGNORED)
    monkeypatch.undo()
    assert live.diagnosis.exchanges == 10
    (note,) = live.diagnosis.notes
    assert note == f"{tmp_path}/trace: no space left on device; the trace ends here"
    saved, _ = journal_of([tmp_path / "trace"])
    assert 0 < saved.diagnosis.exchanges < 10
    assert saved.diagnosis.findings == ()


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
def test_device_without_room_is_said_once() -> None:
    """The same where not even the head can be written."""
    live = recorded(Path("/dev/full"), IGNORED.wires, IGNORED)
    assert live.diagnosis.notes == ("/dev/full: no space left on device; the trace ends here",)
    assert [finding.rule for finding in live.diagnosis.findings] == ["challenge-ignored"]


def test_path_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    """The line names the file and why."""
    for path in (tmp_path / "no" / "where", tmp_path):
        with pytest.raises(UserError, match=str(path)):
            TraceWriter(path, Redactor(b"k" * 32))


@pytest.mark.parametrize("content", ["# notes\n", '{"log": {}}', '{"schema":"regauth.trace/2","started":1}\n', "x"])
def test_nothing_is_appended_to_what_is_no_trace(content: str, tmp_path: Path) -> None:
    """Somebody's file, or the trace of another version, stays as it is."""
    path = tmp_path / "file"
    path.write_text(content)
    with pytest.raises(UserError, match=f"{path}: expected a new file, or a {SCHEMA} trace"):
        TraceWriter(path, Redactor(b"k" * 32))
    assert path.read_text() == content


@pytest.mark.parametrize("mode", [0o644, 0o666])
def test_nobody_else_may_read_it(mode: int, tmp_path: Path) -> None:
    """A new file is private from its first moment, and an old one becomes so before anything is appended."""
    old = os.umask(0)
    try:
        recorded(tmp_path / "new", IGNORED.wires, IGNORED)
    finally:
        os.umask(old)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o600
    (tmp_path / "new").chmod(mode)
    recorded(tmp_path / "new", IGNORED.wires, IGNORED)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o600


def test_nothing_is_written_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No temporary file, and no write that holds a secret, not even for an instant."""
    written: list[bytes] = []
    write = os.write

    def noted(file: int, data: bytes) -> int:
        written.append(data)
        return write(file, data)

    monkeypatch.setattr(os, "write", noted)
    recorded(tmp_path / "trace", [planted.wire for planted in CORPUS], IGNORED)
    secrets = tuple(secret for planted in CORPUS for secret in planted.secrets)
    assert [path.name for path in tmp_path.iterdir()] == ["trace"]
    assert leaks(b"".join(written).decode(), secrets) == []


@pytest.mark.parametrize("word", ["exchange", "connection", "started"])
def test_secret_that_is_a_word_of_the_format_stops_no_trace(word: str, tmp_path: Path) -> None:
    """The keys of a line are nobody's password: all is written, and can be read."""
    redactor = Redactor(b"k" * 32)
    redactor.remember(word)
    recorder = Recorder(redactor, started=1, quiet_time=1, trace=TraceWriter(tmp_path / "trace", redactor))
    for one in IGNORED.wires:
        recorder.end(one)
    live = recorder.finish(Ending.GONE, 5.0)
    assert live.diagnosis.exchanges == 2
    assert live.diagnosis.notes == ()
    assert journal_of([tmp_path / "trace"])[0].diagnosis == live.diagnosis


# What is known as a secret only later.

LATE = "orange-ladder"
"""Of ordinary words: before it is known as a secret it is shown."""


def late_story(path: Path, redactor: Redactor, *, word: str = LATE) -> Recorder:
    """A recording in which a registry tells a password before the client sends it."""
    recorder = Recorder(redactor, started=0.0, quiet_time=1.0, trace=TraceWriter(path, redactor))
    said = json.dumps({"errors": [{"code": "DENIED", "message": f"your new pass is {word}, log in with it"}]})
    recorder.end(wire(status=401, answer=said))
    pair = b64encode(f"alice:{word}".encode()).decode()
    recorder.end(replace(wire(MANIFEST, ("Authorization", f"Basic {pair}")), number=2))
    return recorder


def test_a_trace_is_searched_when_the_recording_ends(tmp_path: Path) -> None:
    """What was shown before it was known as a secret is overwritten in its place: same file, same lines, private."""
    path = tmp_path / "trace"
    redactor = Redactor(b"k" * 32)
    recorder = late_story(path, redactor)
    before = path.read_bytes()
    state = path.stat()
    with path.open("rb") as follower:
        follower.seek(0, os.SEEK_END)
        recorder.finish(Ending.STOPPED, 9.0)
        followed = follower.read()
    after = path.read_bytes()
    assert LATE.encode() in before
    assert LATE.encode() not in after
    assert after[len(before) :] == followed
    assert [len(line) for line in after.splitlines()[:3]] == [len(line) for line in before.splitlines()]
    assert (path.stat().st_ino, path.stat().st_mode) == (state.st_ino, state.st_mode)
    assert json.loads(followed)["end"]["redaction"]["late"] == 1
    journal, _ = journal_of([path])
    assert [one.number for one in journal.exchanges] == [1, 2]
    assert journal.diagnosis.notes == ()


def test_a_trace_without_late_secrets_is_not_touched(tmp_path: Path) -> None:
    """Nothing is written but the end."""
    path = tmp_path / "trace"
    recorder = Recorder(redactor := Redactor(b"k" * 32), started=0.0, quiet_time=1.0, trace=TraceWriter(path, redactor))
    recorder.end(wire(MANIFEST, ("Authorization", f"Bearer {opaque('in use', 40)}")))
    before = path.read_bytes()
    recorder.finish(Ending.STOPPED, 9.0)
    assert path.read_bytes().startswith(before)


def test_lines_of_others_are_searched_too(tmp_path: Path) -> None:
    """An earlier recording in the file, a newer version's field, a line that breaks off: all as long as before."""
    path = tmp_path / "trace"
    late_story(path, Redactor(b"e" * 32)).finish(Ending.STOPPED, 9.0)
    odd = [
        {"exchange": {"number": 9, "unheard": [LATE, {LATE: f"{LATE}\n"}]}},
        {"end": {"ending": "stopped", "at": 1.0, "notes": [f'said \\{LATE} "{LATE}"']}, "new": LATE.upper()},
    ]
    with path.open("a") as file:
        file.writelines(f"{json.dumps(one)}\n" for one in odd)
        file.write(f'{{"exchange": "{LATE} breaks off\n')
    before = path.read_bytes().splitlines()
    redactor = Redactor(b"k" * 32)
    late_story(path, redactor).finish(Ending.STOPPED, 9.0)
    after = path.read_bytes().splitlines()
    assert [len(line) for line in after[: len(before)]] == [len(line) for line in before]
    assert LATE not in path.read_text().lower()
    assert json.loads(after[len(before) - 3])["exchange"]["number"] == 9


@pytest.mark.parametrize("word", ["exchange", "https://a.test", "ordinary", "unauthorized", "challenges", "DENIED"])
def test_a_searched_trace_can_still_be_read(word: str, tmp_path: Path) -> None:
    """Whatever word of the format somebody has for a password."""
    path = tmp_path / "trace"
    late_story(path, Redactor(b"k" * 32), word=word).finish(Ending.STOPPED, 9.0)
    journal, _ = journal_of([path])
    assert [one.status for one in journal.exchanges] == [401, 200]
    assert f"pass is {word}" not in path.read_text()


def test_a_trace_that_was_moved_is_said_not_to_be_searched(tmp_path: Path) -> None:
    """The operator hears of it; nothing else is overwritten."""
    path = tmp_path / "trace"
    recorder = late_story(path, Redactor(b"k" * 32))
    path.rename(tmp_path / "moved")
    path.write_text(f"something else: {LATE}\n")
    notes = recorder.finish(Ending.STOPPED, 9.0).diagnosis.notes
    assert any("was not searched" in note for note in notes)
    assert path.read_text() == f"something else: {LATE}\n"


def test_searching_a_trace_takes_little_memory(tmp_path: Path) -> None:
    """It is read line by line."""
    path = tmp_path / "trace"
    recorder = late_story(path, Redactor(b"k" * 32))
    line = path.read_bytes().splitlines(keepends=True)[1]
    with path.open("ab") as file:
        for _ in range(2_000):
            file.write(line)
    tracemalloc.start()
    recorder.finish(Ending.STOPPED, 9.0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000
    assert LATE.encode() not in path.read_bytes()


# Whose file it is.


@pytest.mark.parametrize("content", ["precious\n", "{}\n", '{"schema":"other/1"}\n', "\n"])
@pytest.mark.parametrize("through", ["itself", "link"])
def test_what_is_no_trace_stays_as_it_is(content: str, through: str, tmp_path: Path) -> None:
    """Neither text nor mode change, whichever way it is named."""
    victim, link = tmp_path / "victim", tmp_path / "link"
    victim.write_text(content)
    victim.chmod(0o644)
    link.symlink_to(victim)
    with pytest.raises(UserError, match="expected a new file, or a regauth.trace/1 trace"):
        TraceWriter(victim if through == "itself" else link, Redactor(b"k"))
    assert victim.read_text() == content
    assert victim.stat().st_mode & 0o777 == 0o644


def test_a_trace_has_one_writer_at_a_time(tmp_path: Path) -> None:
    """A second one gets one clear line, and may write when the first has ended."""
    path = tmp_path / "t.jsonl"
    first = TraceWriter(path, Redactor(b"k"))
    with pytest.raises(UserError, match="another regauth is writing this trace"):
        TraceWriter(path, Redactor(b"k"))
    first.close()
    TraceWriter(path, Redactor(b"k")).close()


def test_mixed_recordings_number_every_exchange_once(tmp_path: Path) -> None:
    """Lines of three recordings in each other's middle: as many exchanges with as many numbers."""
    parts = []
    for number in range(3):
        two = [wire(), replace(wire("/v2/a/tags/list"), number=2)]
        recorded(path := tmp_path / f"{number}.jsonl", two, Talk("mixed"))
        parts.append(path.read_text().splitlines())
    mixed = tmp_path / "mixed.jsonl"
    mixed.write_text("\n".join(line for group in zip(*parts, strict=True) for line in group) + "\n")
    journal, _ = journal_of([mixed])
    numbers = [exchange.number for exchange in journal.exchanges]
    assert len(numbers) == len(set(numbers)) == 6
