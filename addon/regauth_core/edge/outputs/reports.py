"""What is written at the end: report files and the summary in the terminal, both searched for secrets once more."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Final, TextIO

from rich.console import Console, RenderableType

from regauth_core import report
from regauth_core.edge.errors import where_it_failed
from regauth_core.edge.files import reason, write_private
from regauth_core.edge.outputs.final_sweep import swept_journal, swept_report, swept_text
from regauth_core.model import Safe
from regauth_core.model.journal import Journal
from regauth_core.redaction.redactor import Redactor
from regauth_core.report.terminal import summary
from regauth_core.report.terminal.summary import Detail
from regauth_core.simulate.reproduction.description import scenario_text

_PLAYED: Final = 500
"""Exchanges of which the scenario is made: nobody waits long for a report."""
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
    made = scenario_text(journal.exchanges[:_PLAYED], "captured")
    lines = made[0].splitlines() if made is not None else []
    return replace(journal, scenario=tuple(map(Safe, lines)))


def report_text(journal: Journal, name: str, redactor: Redactor, template: str | None = None) -> str:
    """The report whose format the ending of `name` says, swept.

    Raises `ValueError` for an ending or a template that is none.
    """
    clean = cleaned(journal, redactor)
    return swept_report(lambda told: report.render(told, name, template=template), clean, name.lower(), redactor)


def write_reports(
    journal: Journal, paths: Sequence[Path], redactor: Redactor, template: str | None = None
) -> tuple[str, ...]:
    """Write each report to its file; one complaint for each that could not be written or made."""
    complaints = []
    clean = with_scenario(cleaned(journal, redactor)) if paths else journal
    for path in paths:
        try:
            write_private(path, report_text(clean, path.name, redactor, template))
        except OSError as error:
            complaints.append(f"{path}: the report could not be written: {reason(error)}")
        except Exception as error:
            complaints.append(f"{path}: not written because of an error in regauth ({where_it_failed(error)})")
    return tuple(complaints)


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
        told = summary.summary(clean, more, detail=detail, report=report)
        file.write(_rendered(told, Console(file=file)))
    file.flush()


def _rendered(told: RenderableType, console: Console) -> str:
    with console.capture() as capture:
        console.print(told)
    return capture.get().rstrip("\n") + "\n"
