"""The report as Markdown, fit to be pasted into an issue."""

from __future__ import annotations

from typing import Final

from regauth_core.model.journal import Journal
from regauth_core.report import wording
from regauth_core.report.markdown import parts
from regauth_core.report.markdown.github import prose
from regauth_core.report.markdown.parts import Extent
from regauth_core.report.markdown.templates import Template, template

BUDGET: Final = 40_000
"""Bytes of UTF-8. GitHub takes 65,536 characters, and the human has something to say as well."""

_PLANS: Final = (
    Extent(),
    Extent(exchanges=12, cut="exchanges without a finding"),
    Extent(exchanges=4, cut="most exchanges"),
    Extent(exchanges=0, cut="the exchanges"),
    Extent(exchanges=0, messages=0, cut="the exchanges and the diagram"),
    Extent(
        exchanges=0, messages=0, rows=20, explained=12, words=600, cut="the exchanges, the diagram and explanations"
    ),
    Extent(
        exchanges=0,
        messages=0,
        rows=9,
        explained=5,
        named=80,
        printed=10,
        words=300,
        scenario=False,
        cut="the exchanges, the diagram, the scenario, and most explanations and rows",
    ),
    Extent(
        exchanges=0,
        messages=0,
        rows=5,
        explained=2,
        named=8,
        printed=4,
        words=200,
        scenario=False,
        cut="the exchanges, the diagram, the scenario, nearly all explanations and rows;"
        " further findings are counted by rule",
    ),
)
"""From all to least; each names what it leaves out."""


def render(journal: Journal, name: str | None = None) -> str:
    """`journal` as Markdown of at most `BUDGET` bytes, under the headings of the template `name`.

    Details give way first, then the diagram, then explanations; findings are named or counted, never dropped.
    `ValueError` for an unknown template.
    """
    headings = template(name)
    text = ""
    for extent in _PLANS:
        text = _text(journal, headings, extent)
        if len(text.encode()) <= BUDGET:
            return text
    return text


def _text(journal: Journal, headings: Template, extent: Extent) -> str:
    content = parts.report_input(journal, extent)
    lines = [*parts.headlines(content), ""]
    for section in headings:
        lines += [f"### {section.heading}", ""]
        if section.ask:
            lines += [f"_For you to fill in: {section.ask}._", ""]
        for part in section.parts:
            lines += [*parts.lines(part, content), ""]
    lines += ["---", ""]
    if extent.cut:
        lines.append(f"Left out to stay below {BUDGET // 1000} kB: {extent.cut}. The other formats have everything.\\")
    lines.append(f"Recorded by regauth {prose(journal.environment.regauth, 40)}. {_sentence(journal)}")
    return "\n".join(_without_doubled_blanks(lines)) + "\n"


def _sentence(journal: Journal) -> str:
    return f"Redaction: {wording.redaction(journal.redaction)}."


def _without_doubled_blanks(lines: list[str]) -> list[str]:
    return [line for place, line in enumerate(lines) if line or not place or lines[place - 1]]
