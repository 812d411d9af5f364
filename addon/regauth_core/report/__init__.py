"""Reports: a journal in, text out. No files, no clock, no terminal; everything from the data is shown, never obeyed."""

from __future__ import annotations

from regauth_core.model.journal import Journal
from regauth_core.report.formats import ENDINGS as ENDINGS
from regauth_core.report.formats import format_of


def render(journal: Journal, name: str, *, template: str | None = None) -> str:
    """`journal` in the format that the file name `name` ends in.

    `template` (see `templates.TEMPLATES`) orders a Markdown report and does nothing to the others. `ValueError` for an
    unknown ending or template; it names the known ones.
    """
    return format_of(name).render(journal, template)
