"""The formats of reports, in one table: by which ending they are asked for, what makes them, and what holds them up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from regauth_core.model.journal import Journal
from regauth_core.report import findings, har, junit, structure
from regauth_core.report.html import page
from regauth_core.report.markdown import document


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A format of reports."""

    ending: str
    """Of the file names that ask for it, in lower case."""
    names: tuple[str, ...]
    """By which it is asked for where the file's name does not, in lower case; the first one is shown."""
    render: Callable[[Journal, str | None], str]
    """Makes the report of a journal. The other argument is the name of a template; only Markdown has any."""
    fixed: Callable[[str], tuple[structure.Span, ...]]
    """The places in a finished report that belong to the format: no sweep for secrets changes them."""


FORMATS: Final = (
    Format(
        ending=".md",
        names=("md", "markdown"),
        render=document.render,
        fixed=structure.of_markdown,
    ),
    Format(
        ending=".html",
        names=("html",),
        render=lambda journal, _: page.render(journal),
        fixed=structure.of_html,
    ),
    Format(
        ending=".har.json",
        names=("har", "har.json"),
        render=lambda journal, _: har.render(journal),
        fixed=structure.of_json,
    ),
    Format(
        ending=".json", names=("json",), render=lambda journal, _: findings.render(journal), fixed=structure.of_json
    ),
    Format(
        ending=".xml", names=("junit", "xml"), render=lambda journal, _: junit.render(journal), fixed=structure.of_xml
    ),
)
"""All formats; of several endings that fit a name the first one counts."""
ENDINGS: Final[tuple[str, ...]] = tuple(one.ending for one in FORMATS)


def format_of(name: str) -> Format:
    """The format that a file called `name`, in any case, has; `ValueError` names the known endings."""
    found = next((one for one in FORMATS if name.lower().endswith(one.ending)), None)
    if found is None:
        raise ValueError(f"unknown report format {name!r}: the name must end in one of {', '.join(ENDINGS)}")
    return found
