"""JSON text: whatever stands in a value is shown, and nothing of it acts."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit import journals
from regauth_core.model import Change, ChangeKind, Safe
from regauth_core.report import jsontext, render

ACTING = "\x7f\x80\x9b\x9f\u061c\u200b\u200e\u202a\u202e\u2028\u2029\u2066\u2069\ufeff\U000e0041\U0001bca0"


@given(st.text(st.characters(codec="utf-8"), max_size=40))
def test_nothing_acts_and_the_value_stays(text: str) -> None:
    """Every text comes back the same, and what does not print is not in between."""
    told = jsontext.encode({text: [text]})
    assert json.loads(told) == {text: [text]}
    assert told.replace("\n", "").isprintable()


@pytest.mark.parametrize("ending", [".json", ".har.json"])
def test_no_report_in_json_has_characters_that_act(ending: str) -> None:
    """A tampered trace may hold any; a terminal that is shown the report obeys none."""
    journal = journals.per_repository()
    finding = replace(journal.diagnosis.findings[0], title=f"a{ACTING}b", explanation=ACTING)
    exchange = replace(journal.exchanges[0], changes=(Change(ChangeKind.OTHER, Safe(ACTING)),))
    hostile = replace(
        journal,
        exchanges=(exchange, *journal.exchanges[1:]),
        diagnosis=replace(journal.diagnosis, findings=(finding,), notes=(ACTING,)),
    )
    told = render(hostile, f"x{ending}")
    assert told.replace("\n", "").isprintable()
    assert r"a\u007f\u0080\u009b" in told


def test_letters_of_every_script_stay() -> None:
    """What prints is not escaped."""
    assert "größe 日本 🙂" in jsontext.encode("größe 日本 🙂")
