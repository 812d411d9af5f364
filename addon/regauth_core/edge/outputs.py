"""What is told at the end: report files and the summary in the terminal, both looked through for secrets once more."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, TextIO

from rich.console import Console

from regauth_core import report
from regauth_core.edge.files import reason, write_private
from regauth_core.model import Journal
from regauth_core.redact import Redactor
from regauth_core.report import terminal

_UNBROKEN: Final = 2000
"""Columns of a page on which hardly a line has to be broken."""


def report_text(journal: Journal, name: str, redactor: Redactor) -> str:
    """The report whose format the ending of `name` says. Raises `ValueError` for an ending that is none."""
    text, late = redactor.sweep(report.render(journal, name))
    if late:
        # The report says how many secrets only the last look found.
        text, _ = redactor.sweep(report.render(replace(journal, redaction=redactor.summary()), name))
    return text


def write_reports(journal: Journal, paths: Sequence[Path], redactor: Redactor) -> tuple[str, ...]:
    """Write each report to its file; one complaint for each that could not be written."""
    complaints = []
    for path in paths:
        try:
            write_private(path, report_text(journal, path.name, redactor))
        except OSError as error:
            complaints.append(f"{path}: the report could not be written: {reason(error)}")
    return tuple(complaints)


def print_summary(journal: Journal, redactor: Redactor, file: TextIO) -> None:
    """Print timeline and findings for a person to `file`."""
    unbroken = _rendered(journal, Console(file=io.StringIO(), width=_UNBROKEN, color_system=None))
    swept, late = redactor.sweep(unbroken)
    if late:
        # Broken lines and colours could hide a secret from the sweep: where there is one, they are given up.
        file.write(swept)
    else:
        file.write(_rendered(journal, Console(file=file)))
    file.flush()


def _rendered(journal: Journal, console: Console) -> str:
    with console.capture() as capture:
        console.print(terminal.summary(journal))
    return capture.get().rstrip("\n") + "\n"
