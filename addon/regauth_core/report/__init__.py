"""Reports: a journal in, text out. No files, no clock, no terminal; everything from the data is shown, never obeyed."""

from __future__ import annotations

from typing import Final

from regauth_core.model.journal import Journal
from regauth_core.report import findings, har, junit
from regauth_core.report.html import page
from regauth_core.report.markdown import document

ENDINGS: Final[tuple[str, ...]] = (".md", ".html", ".har.json", ".json", ".xml")
"""The endings of file names that `render` knows; the first one that fits counts."""


def render(journal: Journal, name: str, *, template: str | None = None) -> str:
    """`journal` in the format that the file name `name` ends in.

    `template` (see `templates.TEMPLATES`) orders a Markdown report and does nothing to the others. `ValueError` for an
    unknown ending or template; it names the known ones.
    """
    match next((known for known in ENDINGS if name.lower().endswith(known)), None):
        case ".md":
            return document.render(journal, template)
        case ".html":
            return page.render(journal)
        case ".har.json":
            return har.render(journal)
        case ".json":
            return findings.render(journal)
        case ".xml":
            return junit.render(journal)
        case _:
            raise ValueError(f"unknown report format {name!r}: the name must end in one of {', '.join(ENDINGS)}")
