"""Saved files with values that nobody would write: what can be read is read, and a failure is a word."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mitmproxy.io import tnetstring
from mitmproxy.test import tflow

from fuzz.files import complaints
from regauth_core.edge.commands.diagnose import journal_of
from regauth_core.model.trace import SCHEMA


@pytest.mark.parametrize("seed", range(2))
def test_odd_values_cost_what_they_stand_in(seed: int, tmp_path: Path) -> None:
    """Flow files, traces and HAR files: hundreds in all, each told in every format."""
    assert list(complaints(tmp_path, seed, 40)) == []


@pytest.mark.parametrize("odd", [b"4:true!", b"0:~", b"3:abc,", b"0:}", b"0:]"])
def test_what_is_no_flow_is_passed_over_and_told(odd: bytes, tmp_path: Path) -> None:
    """The flows in front of it and behind it are read."""
    flow = tflow.tflow(resp=True)
    flow.request.path = "/v2/"
    whole = tnetstring.dumps(flow.get_state())
    (path := tmp_path / "f").write_bytes(whole + odd + whole)
    journal, _ = journal_of([path])
    assert len(journal.exchanges) == 2
    assert journal.diagnosis.notes == ("f: skipped 1 of 3 flows that cannot be read",)


@pytest.mark.parametrize("at", ["1e308", "-1", "253402300800.0", "1e18"])
def test_a_line_of_no_possible_time_is_damage(at: str, tmp_path: Path) -> None:
    """As for any other damage, its number is told."""
    environment = json.dumps({"regauth": "0"})
    head = f'{{"schema":"{SCHEMA}","started":1.0,"quiet_time":30.0,"credentials_known":false,'
    head += f'"environment":{environment}}}'
    (path := tmp_path / "t.jsonl").write_text(f'{head}\n{{"gone":{{"sender":{{}},"at":{at}}}}}\n')
    journal, _ = journal_of([path])
    assert journal.diagnosis.notes == ("t.jsonl: line 2 is damaged or incomplete; 1 of 2 lines were read",)
