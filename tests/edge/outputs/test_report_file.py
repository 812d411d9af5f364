"""Where reports go: a file by its ending, a format by its name, standard output, and GitHub's summary."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from kit.hostile import hostile
from kit.journals import correct, per_repository
from regauth_core.edge.errors import UserError
from regauth_core.edge.outputs.report_file import ReportFile, report_file
from regauth_core.edge.outputs.reports import tell_github, write_reports
from regauth_core.redaction.redactor import Redactor

REDACTOR = Redactor(b"k" * 32)
READ = {
    "report.md": ReportFile(Path("report.md"), ".md"),
    "a.har.json": ReportFile(Path("a.har.json"), ".har.json"),
    "md:summary": ReportFile(Path("summary"), ".md"),
    "har:a.json": ReportFile(Path("a.json"), ".har.json"),
    "junit:results": ReportFile(Path("results"), ".xml"),
    "JSON:x": ReportFile(Path("x"), ".json"),
    "json:-": ReportFile(None, ".json"),
    "-": ReportFile(None, ".md"),
    "odd:name.md": ReportFile(Path("odd:name.md"), ".md"),
}


@pytest.mark.parametrize(("text", "meant"), READ.items(), ids=READ)
def test_name_says_where_and_in_which_format(
    text: str, meant: ReportFile, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A format in front of the name wins; a dash is standard output."""
    monkeypatch.chdir(tmp_path)
    assert report_file("run: -o", text) == meant


@pytest.mark.parametrize("text", ["report.pdf", "summary", "pdf:summary", "md:none/summary", "md:."])
def test_what_cannot_be_written_is_said_at_once(text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One line that names the option."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="^run: -o: [^\n]+$"):
        report_file("run: -o", text)


def test_standard_output_gets_the_report_and_nothing_else(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """As the next program in a pipeline wants it."""
    assert write_reports(per_repository(), [ReportFile(None, ".json")], REDACTOR) == ()
    assert json.loads(capfdbinary.readouterr().out)["schema"] == "regauth.findings/1"


def told(tmp_path: Path, journal: object, **variables: str) -> tuple[str, str]:
    """What GitHub gets: the log's lines, and the summary of the step."""
    summary, log = tmp_path / "summary", io.StringIO()
    summary.write_text("before\n")
    environment = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary), **variables}
    assert tell_github(journal, REDACTOR, environment, log) is None  # type: ignore[arg-type]
    return log.getvalue(), summary.read_text().removeprefix("before\n")


def test_github_gets_an_annotation_and_a_summary(tmp_path: Path) -> None:
    """Where its Actions run this; what other steps wrote stays."""
    log, summary = told(tmp_path, per_repository())
    assert log.startswith("::error title=regauth::skopeo ignored the Basic challenge for foo.")
    assert log.count("\n") == 1
    assert "challenge-ignored" in summary


def test_github_hears_nothing_where_nothing_is_wrong_or_it_is_not_there(tmp_path: Path) -> None:
    """Not a word."""
    right = replace(correct(), environment=replace(correct().environment, status=0))
    assert told(tmp_path, right) == ("", "")
    assert told(tmp_path, per_repository(), GITHUB_ACTIONS="false") == ("", "")


def test_text_of_others_gives_github_no_order(tmp_path: Path) -> None:
    """Whatever a registry calls itself: one line, one command."""
    log, _ = told(tmp_path, hostile())
    assert log.count("\n") == 1
    assert log.removeprefix("::").partition(" ")[0] in ("error", "warning")


def test_summary_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """And breaks nothing."""
    environment = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(tmp_path / "none" / "summary")}
    complaint = tell_github(per_repository(), REDACTOR, environment, io.StringIO())
    assert complaint is not None
    assert "no such file" in complaint
