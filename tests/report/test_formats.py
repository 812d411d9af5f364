"""The one door to the reports, and what all of them hold to."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from kit import journals, values
from regauth_core.model.journal import Journal
from regauth_core.report import ENDINGS, render
from regauth_core.report.formats import format_of

GOLDEN = Path(__file__).parents[1] / "golden"
ALL = [
    journals.per_repository,
    journals.correct,
    journals.token_exchange,
    journals.thousand,
    journals.hostile,
    lambda: values.journal([]),
]


@pytest.mark.parametrize(
    ("name", "beginning"),
    [
        ("report.md", "**skopeo ignored"),
        ("a/b.html", "<!doctype html>"),
        ("trace.har.json", '{\n "log"'),
        ("findings.json", '{\n  "schema": "regauth.findings/1"'),
        ("junit.xml", "<?xml version"),
        ("REPORT.MD", "**skopeo ignored"),
    ],
)
def test_the_ending_picks_the_format(name: str, beginning: str) -> None:
    """A file's name tells what goes into it."""
    assert render(journals.per_repository(), name).startswith(beginning)


@pytest.mark.parametrize("name", ["report.txt", "report", "trace.har", ""])
def test_an_unknown_ending_names_the_known_ones(name: str) -> None:
    """The error says what would have been right."""
    with pytest.raises(ValueError, match=r"\.md, \.html, \.har\.json, \.json, \.xml"):
        render(journals.per_repository(), name)


def test_what_holds_up_an_unknown_format_is_not_guessed() -> None:
    """No other format's marks are taken for its own."""
    with pytest.raises(ValueError, match=r"'report\.txt'.*\.md, \.html"):
        format_of("report.txt")


@pytest.mark.parametrize("make", ALL)
@pytest.mark.parametrize("ending", ENDINGS)
def test_the_marks_of_a_format_are_in_order(make: Callable[[], Journal], ending: str) -> None:
    """Every report has some, apart from each other and within the text."""
    text = render(make(), f"x{ending}")
    marks = format_of(f"x{ending}").fixed(text)
    assert marks
    edges = [0, *(edge for mark in marks for edge in mark), len(text)]
    assert edges == sorted(edges)


@pytest.mark.parametrize("make", ALL)
@pytest.mark.parametrize("ending", ENDINGS)
def test_no_report_stammers(make: Callable[[], Journal], ending: str) -> None:
    """No Python value shows through, every report can be written as UTF-8 and ends with a line."""
    text = render(make(), f"x{ending}")
    assert not re.search(r"object at 0x|\bNone\b|Safe\(|Origin\(|\bdataclass\b|Endpoint\.", text)
    assert text.encode("utf-8").endswith(b"\n")


@pytest.mark.parametrize("make", ALL)
@pytest.mark.parametrize("ending", ENDINGS)
def test_reports_are_the_same_every_time(make: Callable[[], Journal], ending: str) -> None:
    """No clock and no chance is in a report."""
    assert render(make(), f"x{ending}") == render(make(), f"x{ending}")


@pytest.mark.parametrize("ending", [".md", ".json"])
def test_the_bug_as_it_is_reported(ending: str) -> None:
    """The whole report, as a person reads it; `REGAUTH_RENEW_GOLDEN=1` writes the files anew."""
    file = GOLDEN / f"per-repository{ending}"
    text = render(journals.per_repository(), file.name)
    if os.environ.get("REGAUTH_RENEW_GOLDEN") == "1":
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")
