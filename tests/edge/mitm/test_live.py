"""A recording while it goes on: saved flows among the live ones, and errors of our own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mitmproxy import http
from mitmproxy.log import ALERT
from mitmproxy.test import taddons, tflow

from kit.canaries import leaks, opaque
from regauth_core.diagnosis.diagnoser import Diagnoser
from regauth_core.edge.commands.diagnose import journal_of
from regauth_core.edge.inputs.flows import METADATA
from regauth_core.edge.mitm.live import Live
from regauth_core.edge.mitm.recorder import Recorder
from regauth_core.edge.outputs.trace import TraceWriter
from regauth_core.model.journal import Journal
from regauth_core.recording.traffic import Watch
from regauth_core.redaction.redactor import Redactor


@pytest.fixture(autouse=True)
def options() -> Iterator[None]:
    """The options of a proxy, which the recording may ask."""
    with taddons.context():
        yield


def recording(trace: TraceWriter | None = None) -> Live:
    """A recording that has just begun."""
    return Live(Recorder(Redactor(b"key"), started=0.0, quiet_time=1.0, credentials_known=True, trace=trace), Watch())


def take(
    live: Live, path: str, status: int, at: float, *, is_live: bool, authorization: str | None = None
) -> http.HTTPFlow:
    """One exchange at a time, from its beginning to its end."""
    flow: http.HTTPFlow = tflow.tflow(resp=True)
    flow.live = is_live
    flow.request = http.Request.make("GET", f"https://registry.test{path}", headers=http.Headers(user_agent="client/1"))
    flow.request.timestamp_start = at
    if authorization is not None:
        flow.request.headers["authorization"] = authorization
    challenge = http.Headers(www_authenticate='Basic realm="r"') if status == 401 else http.Headers()
    flow.response = http.Response.make(status, b"", challenge)
    flow.response.timestamp_start, flow.response.timestamp_end = at + 0.1, at + 0.2
    placed = live.place(flow)
    assert placed is not None
    live.begin(flow, *placed, stream=True)
    live.introduce(flow, None, None)
    live.answered(flow)
    live.end(flow)
    return flow


def test_clock_on_the_wall_says_nothing_of_saved_flows() -> None:
    """Flows from a file have a time of their own: years later their clients have not been silent for years."""
    live = recording()
    take(live, "/v2/", 200, 100.0, is_live=False)
    take(live, "/v2/foo/tags/list", 401, 100.5, is_live=False)
    asyncio.run(live.look_around(1_000_000.0))
    take(live, "/v2/foo/tags/list", 200, 101.0, is_live=False)
    assert live.finish(1_000_000.0).diagnosis.findings == ()


def test_clock_on_the_wall_counts_for_live_flows() -> None:
    """The same live, and the silence is the finding."""
    live = recording()
    take(live, "/v2/", 200, 100.0, is_live=True)
    take(live, "/v2/foo/tags/list", 401, 100.5, is_live=True)
    with taddons.context():
        asyncio.run(live.look_around(105.0))
    assert [finding.rule for finding in live.finish(105.0).diagnosis.findings] == ["challenge-ignored"]


@pytest.mark.parametrize("broken", ["add", "tick", "finish"])
def test_error_in_the_diagnosis_costs_no_exchange(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever fails in the diagnosis, the exchanges are still there, and a note says where it failed."""
    secret = opaque("diagnosis")

    def fail(*_: object, **__: object) -> Callable[[], None]:
        raise ValueError(f"unexpected {secret}")

    monkeypatch.setattr(Diagnoser, broken, fail)
    live = recording()
    take(live, "/v2/", 200, 100.0, is_live=True)
    asyncio.run(live.look_around(200.0))
    journal = live.finish(300.0)
    assert len(journal.exchanges) == 1
    notes = " ".join(journal.diagnosis.notes)
    assert "ValueError in test_live:" in notes
    assert leaks(notes, (secret,)) == []


BASIC = "Basic YWxpY2U6YWxpY2UtcGFzc3dvcmQtMQ=="


def prompted(live: Live) -> tuple[http.HTTPFlow, Journal]:
    """A client that waits for its user for a minute, and then sends the password."""

    async def going_on() -> None:
        await live.look_around(105.0)
        take(live, "/v2/", 200, 160.0, is_live=True, authorization=BASIC)
        await asyncio.sleep(0)

    refused = take(live, "/v2/", 401, 100.0, is_live=True)
    asyncio.run(going_on())
    return refused, live.finish(161.0)


def test_finding_is_taken_back_when_the_client_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    """What was told of the silence is told to be wrong, and neither the flow nor the summary shows it any more."""
    caplog.set_level(ALERT)
    refused, journal = prompted(recording())
    said = [record.getMessage() for record in caplog.records if "challenge-ignored" in record.getMessage()]
    assert len(said) == 2
    assert said[1] == "regauth: taken back, challenge-ignored: the client went on after all (2)"
    assert (refused.marked, refused.comment, refused.metadata[METADATA]["findings"]) == ("", "", [])
    assert journal.diagnosis.findings == ()
    assert [str(operation.end) for operation in journal.diagnosis.operations] == ["succeeded"]


def test_trace_marks_what_was_taken_back(tmp_path: Path) -> None:
    """A line of its own says so; the diagnosis of the file comes to the same, without a word about the line."""
    path = tmp_path / "trace.jsonl"
    prompted(recording(TraceWriter(path, Redactor(b"key"))))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [next(iter(line)) for line in lines] == ["schema", "exchange", "exchange", "taken_back", "end"]
    assert {name: lines[3]["taken_back"][name] for name in ("rule", "client", "exchanges", "by")} == {
        "rule": "challenge-ignored",
        "client": "c1",
        "exchanges": [1],
        "by": 2,
    }
    journal, _ = journal_of([path])
    assert journal.diagnosis.findings == ()
    assert journal.diagnosis.notes == ()
