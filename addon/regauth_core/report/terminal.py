"""What a person reads in the terminal: the timeline, the findings, and what was redacted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.text import Text

from regauth_core.model import Finding, Journal, Reference, Severity, Undecided
from regauth_core.report import columns, telling
from regauth_core.report.plain import counted, visible

_COLOURS = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.INFO: "bold blue"}
_ASCII = {"…": "~", "—": "-", "–": "-", "×": "x", "·": "|"}


def summary(journal: Journal) -> RenderableType:
    """All of `journal` for a Rich console of any width, with or without colours, Unicode or a terminal behind it."""
    return _Summary(journal)


def live_line(finding: Finding) -> str:
    """A finding in one line of plain text, for the moment in which it becomes certain."""
    return visible(f"{finding.severity} {finding.rule}: {finding.title} ({telling.subject(finding)})")


@dataclass(frozen=True, slots=True)
class _Summary:
    journal: Journal

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for text, indent in _parts(self.journal, options.max_width):
            if options.ascii_only:
                text.plain = "".join(c if c.isascii() else _ASCII.get(c, "?") for c in text.plain)
            for line in text.wrap(console, max(options.max_width - indent, 1)):
                line.rstrip()
                yield Text.assemble(" " * indent, line) if line else line


def _parts(journal: Journal, width: int) -> Iterator[tuple[Text, int]]:
    """The lines and paragraphs, each with its indentation in cells."""
    for line in columns.lines(journal, width):
        yield line, 0
    if journal.left_out:
        yield Text(telling.left_out(journal), "dim"), 0
    yield Text(""), 0
    diagnosis = journal.diagnosis
    for finding in diagnosis.findings:
        yield from _finding(finding)
    if not diagnosis.findings:
        yield Text(f"{telling.silence(journal).capitalize()}.", "bold"), 0
    yield Text(telling.seen(journal), "dim"), 0
    for client in diagnosis.clients:
        yield Text(telling.client(client), "dim"), 2
    if diagnosis.undecided:
        yield Text(""), 0
        yield Text(f"Undecided ({counted(len(diagnosis.undecided), 'case')}):", "bold"), 0
    for case in diagnosis.undecided:
        yield from _undecided(case)
    for note in diagnosis.notes:
        yield Text(visible(f"note: {note}"), "yellow"), 0
    if ending := telling.ending(journal):
        yield Text(f"{ending[:1].upper()}{ending[1:]}.", "bold"), 0
    yield Text(telling.redaction(journal.redaction), "dim"), 0


def _finding(finding: Finding) -> Iterator[tuple[Text, int]]:
    colour = _COLOURS[finding.severity]
    yield Text.assemble((str(finding.severity), colour), " ", (visible(finding.rule), "bold")), 0
    yield Text(visible(finding.title), "bold"), 2
    yield Text(telling.subject(finding), "dim"), 2
    yield _labelled("Fault", telling.culprit(finding)), 2
    yield Text(visible(finding.explanation)), 2
    if finding.verification is not None:
        yield _labelled("Verified", telling.verification(finding.verification)), 2
    yield _labelled("What you can do now", visible(finding.advice.user)), 2
    yield _labelled("What the client's author should change", visible(finding.advice.client_author)), 2
    yield from _clauses(finding.references)
    yield Text(""), 0


def _clauses(references: tuple[Reference, ...]) -> Iterator[tuple[Text, int]]:
    """The first clause with its address, the others by name."""
    for one in references[:1]:
        yield _labelled("Clause", visible(f"{one.document} {one.section} {one.url}")), 2
    if len(references) > 1:
        yield _labelled("See also", visible("; ".join(f"{one.document} {one.section}" for one in references[1:]))), 2


def _undecided(case: Undecided) -> Iterator[tuple[Text, int]]:
    yield Text(visible(f"{case.rule}, because {case.reason.replace('-', ' ')}")), 2
    yield Text(telling.subject(case), "dim"), 4
    yield Text(visible(case.explanation)), 4


def _labelled(label: str, text: str) -> Text:
    return Text.assemble((f"{label}: ", "bold"), text)
