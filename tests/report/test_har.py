"""HAR: valid, without bodies, and read back without loss."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from mitmproxy.io.har import request_to_flow

from kit import journals, values
from regauth_core.model import Exchange
from regauth_core.model.journal import Journal
from regauth_core.report import har

SCHEMA = json.loads((Path(__file__).parents[1] / "golden" / "har-1.2.schema.json").read_text(encoding="utf-8"))
ORDINARY = [journals.per_repository, journals.correct, journals.token_exchange, journals.thousand]


def _log(journal: Journal) -> Any:
    return json.loads(har.render(journal))["log"]


@pytest.mark.parametrize("make", [*ORDINARY, journals.hostile, lambda: values.journal([])])
def test_it_is_har(make: Any) -> None:
    """Every journal gives a file that is valid HAR 1.2; what HAR does not know begins with an underscore."""
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(har.render(make())))


@pytest.mark.parametrize("make", ORDINARY)
def test_exchanges_come_back_as_they_were(make: Any) -> None:
    """`_regauth.exchange` is the whole exchange, and `_regauth.client` its client."""
    journal = make()
    entries = _log(journal)["entries"]
    told = tuple(msgspec.convert(entry["_regauth"]["exchange"], Exchange) for entry in entries)
    assert told == journal.exchanges
    assert [entry["_regauth"]["client"] for entry in entries] == [journal.clients_of[one.number] for one in told]


@pytest.mark.parametrize("make", ORDINARY)
def test_mitmproxy_opens_it(make: Any) -> None:
    """mitmproxy's own reader makes a flow of each entry."""
    journal = make()
    flows = [request_to_flow(entry) for entry in _log(journal)["entries"]]
    assert [flow.request.url for flow in flows] == [one.request.url for one in journal.exchanges]
    assert [flow.response.status_code for flow in flows if flow.response] == [one.status for one in journal.exchanges]


def test_an_entry_tells_what_developer_tools_show() -> None:
    """Times, status, sizes, redirect, connection, query; no body text."""
    moved = _log(journals.token_exchange())["entries"][3]
    assert (moved["response"]["status"], moved["response"]["statusText"]) == (307, "Temporary Redirect")
    assert moved["response"]["redirectURL"].startswith("https://blobs.test:8443/data/5f?")
    assert moved["timings"] == {"send": 0.0, "wait": 20.0, "receive": 10.0}
    assert (moved["time"], moved["connection"], moved["startedDateTime"]) == (30.0, "n4", "2025-06-15T15:06:40.200Z")
    query = _log(journals.token_exchange())["entries"][1]["request"]["queryString"]
    assert {"name": "scope", "value": "repository:library/alpine:pull"} in query
    assert "text" not in moved["response"]["content"]


def test_a_missing_answer_is_status_zero() -> None:
    """As browsers write it, with the reason beside it."""
    lost = _log(journals.token_exchange())["entries"][7]["response"]
    assert (lost["status"], lost["_error"]) == (0, "not-recorded: the capture ended")


def test_the_log_holds_the_findings() -> None:
    """Findings, clients, environment and redaction are in the file, so that a report can be made of it."""
    told = _log(journals.token_exchange())["_regauth"]
    assert told["schema"] == "regauth.har/1"
    assert [one["rule"] for one in told["findings"]] == ["authorization-sent-cross-origin", "credentials-rejected"]
    assert [one["id"] for one in told["clients"]] == ["c1", "c2"]
    assert (told["redaction"]["secrets"], told["environment"]["mitmproxy"]) == (1, "11.0.2")


@pytest.mark.parametrize("when", [float("nan"), float("inf"), 1e300, -1e300])
def test_impossible_times_do_not_stop_the_report(when: float) -> None:
    """A time that no calendar has becomes the beginning of the epoch."""
    journal = journals.per_repository()
    odd = replace(journal.exchanges[0], started=when)
    assert _log(replace(journal, exchanges=(odd,)))["entries"][0]["startedDateTime"] == "1970-01-01T00:00:00.000Z"
