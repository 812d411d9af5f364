"""Where a report goes, as one names it: ``PATH``, ``FORMAT:PATH``, ``FORMAT:-`` or ``-`` for standard output."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from regauth_core.edge.errors import UserError
from regauth_core.edge.files import check_writable
from regauth_core.report.formats import ENDINGS, FORMATS


@dataclass(frozen=True, slots=True)
class ReportFile:
    """A report to be written."""

    path: Path | None
    """`None` is standard output."""
    ending: str
    """Of the format, as in `report.formats.Format`."""

    def __str__(self) -> str:
        return str(self.path) if self.path is not None else "standard output"


def report_file(name: str, text: str) -> ReportFile:
    """What `text` means; `name` is the option's, for errors.

    Raises `UserError` where no format is named, by a prefix or by the ending, or the file cannot be written.
    """
    prefix, colon, rest = text.partition(":")
    ending = next((one.ending for one in FORMATS if prefix.lower() in one.names), None) if colon else None
    if ending is None:
        rest = text
        ending = FORMATS[0].ending if text == "-" else next((e for e in ENDINGS if text.lower().endswith(e)), None)
    path = Path(rest).expanduser()
    if rest != "-":
        try:
            check_writable(path)
        except UserError as error:
            raise UserError(f"{name}: {error}") from None
    if ending is None:
        formats = ", ".join(one.names[0] for one in FORMATS)
        raise UserError(
            f"{name}: {text}: expected a file name that ends in {' or '.join(ENDINGS)}, or FORMAT:FILE with one of "
            f"{formats}"
        )
    return ReportFile(None if rest == "-" else path, ending)
