"""`regauth report`: any report from what was saved."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from regauth_core.edge.commands.diagnose import journal_of
from regauth_core.edge.errors import UserError
from regauth_core.edge.outputs import reports as outputs
from regauth_core.edge.outputs.final_sweep import swept_text
from regauth_core.edge.outputs.report_file import ReportFile, report_file
from regauth_core.report import wording
from regauth_core.report.markdown import templates
from regauth_core.report.text import visible


def report(
    paths: Sequence[Path],
    reports: Sequence[Path | ReportFile],
    *,
    template: str | None = None,
    anonymize: frozenset[str] = frozenset(),
    quiet_time: float | None = None,
    credentials_known: bool = False,
    out: TextIO,
) -> int:
    """Write `reports` of what the files `paths` show together; the exit status, 2 if one could not be written.

    `template` orders the Markdown ones; `anonymize`, `quiet_time` and `credentials_known` are as for `journal_of`. What
    was kept and replaced, notes and complaints go to `out`, one line each. Raises `UserError` for a file that cannot be
    read, a report whose name ends in none of the known endings, and an unknown template.
    """
    checked_template("report: --template", template)
    files = [one if isinstance(one, ReportFile) else report_file("report: -o", str(one)) for one in reports]
    journal, redactor = journal_of(
        paths, quiet_time=quiet_time, credentials_known=credentials_known, anonymize=anonymize
    )
    complaints = outputs.write_reports(journal, files, redactor, template)
    for note in journal.diagnosis.notes:
        print(f"regauth: note: {swept_text(visible(note), redactor)[0]}", file=out)
    for complaint in complaints:
        print(f"regauth: {complaint}", file=out)
    if len(complaints) < len(files):
        print(f"regauth: {wording.redaction(journal.redaction)}", file=out)
    return 2 if complaints else 0


def checked_template(name: str, given: str | None) -> str | None:
    """`given`, if it is the name of a template; `name` is the option's, for errors. Raises `UserError`."""
    try:
        templates.template(given)
    except ValueError as error:
        raise UserError(f"{name}: {error}") from None
    return given
