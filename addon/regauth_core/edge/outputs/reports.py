"""What is written at the end: report files and the summary in the terminal, both searched for secrets once more."""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Final, TextIO

from rich.console import Console, RenderableType

from regauth_core import report
from regauth_core.edge.errors import where_it_failed
from regauth_core.edge.files import reason, write_private
from regauth_core.edge.outputs.final_sweep import swept_journal, swept_report, swept_text
from regauth_core.edge.outputs.report_file import ReportFile
from regauth_core.model import Exchange, Safe
from regauth_core.model.journal import Journal
from regauth_core.redaction.redactor import Redactor
from regauth_core.report import github_actions
from regauth_core.report.outcome import conclusion
from regauth_core.report.terminal import summary
from regauth_core.report.terminal.summary import Detail
from regauth_core.simulate.reproduction.description import scenario_text

_PLAYED: Final = 300
"""Exchanges of which the scenario is made: nobody waits long for a report."""
_STEP_SUMMARY: Final = 900_000
"""Characters that a summary of GitHub's steps, of 1 MiB, surely has room for."""
_UNBROKEN: Final = 2000
"""Columns of a page on which hardly a line has to be broken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Clean(Journal):
    """A journal that was looked through for secrets."""


def cleaned(journal: Journal, redactor: Redactor) -> Journal:
    """`journal` without any secret that is known by now.

    Every report needs it. A caller that writes several asks first, and has it done once.
    """
    if isinstance(journal, _Clean):
        return journal
    swept = swept_journal(journal, redactor)
    return _Clean(**{field.name: getattr(swept, field.name) for field in fields(swept)})


def with_scenario(journal: Journal) -> Journal:
    """`journal`, which is clean, with a scenario of its exchanges if there is a finding to be shown with it."""
    if not journal.diagnosis.findings or journal.scenario:
        return journal
    made = scenario_text(_played(journal), "captured")
    lines = made[0].splitlines() if made is not None else []
    return replace(journal, scenario=tuple(map(Safe, lines)))


def _played(journal: Journal) -> Sequence[Exchange]:
    """All exchanges; of many those of the client that the verdict is about, before and behind what shows it."""
    every, marked = journal.exchanges, conclusion(journal).marked
    if len(every) <= _PLAYED:
        return every
    client = journal.clients_of.get(marked or every[0].number)
    own = [exchange for exchange in every if journal.clients_of.get(exchange.number) == client]
    place = next((place for place, exchange in enumerate(own) if exchange.number == marked), 0)
    begin = max(0, min(place - _PLAYED // 2, len(own) - _PLAYED))
    return own[begin : begin + _PLAYED]


def report_text(journal: Journal, name: str, redactor: Redactor, template: str | None = None) -> str:
    """The report whose format the ending of `name` says, swept.

    Raises `ValueError` for an ending or a template that is none.
    """
    clean = cleaned(journal, redactor)
    return swept_report(lambda cleaned: report.render(cleaned, name, template=template), clean, name.lower(), redactor)


def write_reports(
    journal: Journal, files: Sequence[Path | ReportFile], redactor: Redactor, template: str | None = None
) -> tuple[str, ...]:
    """Write each report to its file; one complaint for each that could not be written or made.

    The format of a plain path is the one that its ending says.
    """
    complaints = []
    clean = with_scenario(cleaned(journal, redactor)) if files else journal
    for file in (one if isinstance(one, ReportFile) else ReportFile(one, one.name) for one in files):
        try:
            text = report_text(clean, file.ending, redactor, template)
            if file.path is None:
                _print(text)
            else:
                write_private(file.path, text)
        except OSError as error:
            complaints.append(f"{file}: the report could not be written: {reason(error)}")
        except Exception as error:
            complaints.append(f"{file}: not written because of an error in regauth ({where_it_failed(error)})")
    return tuple(complaints)


def _print(text: str) -> None:
    """Write to standard output, in the encoding of all reports."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
    sys.stdout.buffer.flush()


def tell_github(journal: Journal, redactor: Redactor, environment: Mapping[str, str], file: TextIO) -> str | None:
    """Where GitHub Actions runs this: the verdict as an annotation to `file`, the report as the step's summary.

    A complaint if that could not be written. Nothing happens elsewhere, or where nothing is wrong.
    """
    clean = cleaned(journal, redactor)
    line = github_actions.annotation(clean) if environment.get("GITHUB_ACTIONS") == "true" else None
    if line is None:
        return None
    print(swept_text(line, redactor)[0], file=file)
    summary_file = environment.get("GITHUB_STEP_SUMMARY")
    if not summary_file:
        return None
    try:
        text = report_text(clean, ".md", redactor)
        with Path(summary_file).open("a", encoding="utf-8", errors="backslashreplace") as target:
            target.write(text if len(text) < _STEP_SUMMARY else f"{line.rpartition('::')[2]}\n")
    except OSError as error:
        return f"{summary_file}: the summary of the step could not be written: {reason(error)}"
    return None


def print_summary(
    journal: Journal,
    redactor: Redactor,
    file: TextIO,
    *,
    more: str = "",
    detail: Detail = Detail.FINDINGS,
    report: str = "",
) -> None:
    """Print for a person to `file` what was seen, and the verdict at the end.

    `report` is a file that was written; it, or else `more`, has what is only counted here.
    """
    clean = cleaned(journal, redactor)
    wide = summary.summary(clean, more, detail=detail, report=report, widest=_UNBROKEN)
    unbroken = _rendered(wide, Console(file=io.StringIO(), width=_UNBROKEN, color_system=None))
    swept, late = swept_text(unbroken, redactor)
    if late:
        # Broken lines and colours could hide a secret from the sweep: where there is one, they are given up.
        file.write(swept)
    else:
        rendered = summary.summary(clean, more, detail=detail, report=report)
        file.write(_rendered(rendered, Console(file=file)))
    file.flush()


def _rendered(content: RenderableType, console: Console) -> str:
    with console.capture() as capture:
        console.print(content)
    return capture.get().rstrip("\n") + "\n"
