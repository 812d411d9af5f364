"""What a person reads in the terminal: the verdict in a few lines, and before it as much as is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.text import Text

from regauth_core.model.finding import Fault, Finding, Reference, Severity, Undecided
from regauth_core.model.journal import Journal
from regauth_core.model.obstacle import Obstacle
from regauth_core.report import wording
from regauth_core.report.outcome import conclusion, decisive_obstacle
from regauth_core.report.terminal import columns, verdict
from regauth_core.report.text import counted, visible

_COLOURS = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.INFO: "bold blue"}
_KINDS: Final = 30
"""Kinds of findings, and of undecided cases, that are told."""
_FEW: Final = 4
"""So many findings of one kind are told once."""
_NAMED: Final = 5
"""Of how many others of a kind it is said what they are about."""
_CLIENTS: Final = 20
_NOTES: Final = 20
WIDEST: Final = 100
"""Cells of a line, however wide the terminal is."""
_BESIDES: Final = 5
"""Lines about other findings and notes."""
_NOTE: Final = 400
_LONGEST: Final = 40_000
"""Characters of all findings, and of all undecided cases, behind which no further kind is begun."""
_T = TypeVar("_T", Finding, Undecided)
_ASCII = {"…": "~", "—": "-", "–": "-", "×": "x", "·": "|"}


class Detail(StrEnum):
    """How much is said before the verdict."""

    VERDICT = "verdict"
    """Other findings and notes, in a line each."""
    FINDINGS = "findings"
    """The exchanges and every finding."""
    ALL = "all"
    """The same, and what was redacted."""


def summary(
    journal: Journal, more: str = "", *, detail: Detail = Detail.FINDINGS, report: str = "", widest: int = WIDEST
) -> RenderableType:
    """`journal` for a Rich console of any width, with or without colours, Unicode or a terminal behind it.

    The last lines are the verdict (`terminal.verdict`), which names `report`, a file that was written. However much
    was found, what comes before stays some pages long: findings of one kind are shown once and then named, those
    beyond `_KINDS` kinds and `_LONGEST` characters are counted. `more` is where all of them are. No line has more than
    `widest` cells.
    """
    return _Summary(journal, more or report, detail, report, widest)


def live_line(finding: Finding) -> str:
    """A finding in one line of plain text, for the moment in which it becomes certain."""
    return visible(f"{finding.severity} {finding.rule}: {finding.title} ({wording.subject(finding)})")


@dataclass(frozen=True, slots=True)
class _Summary:
    journal: Journal
    more: str
    detail: Detail
    report: str
    widest: int

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = max(1, min(options.max_width, self.widest))
        for text, indent in self._parts(width):
            if options.ascii_only:
                text.plain = "".join(c if c.isascii() else _ASCII.get(c, "?") for c in text.plain)
            for line in text.wrap(console, max(width - indent, 1)):
                line.rstrip()
                yield Text.assemble(" " * indent, line) if line else line

    def _parts(self, width: int) -> Iterator[tuple[Text, int]]:
        if self.detail is Detail.VERDICT:
            yield from _besides(self.journal, width)
        else:
            yield from _parts(self.journal, self.more, width)
            if self.detail is Detail.ALL:
                yield Text(wording.redaction(self.journal.redaction), "dim"), 0
            yield Text(""), 0
        for line in verdict.lines(self.journal, width, self.report):
            yield line, 0


def _besides(journal: Journal, width: int) -> Iterator[tuple[Text, int]]:
    """Findings and notes that the verdict does not speak of, in a line each."""
    diagnosis = journal.diagnosis
    told = conclusion(journal)
    # What came of an obstacle is no news beside it.
    others = [f for f in diagnosis.findings if f.rule != told.rule and decisive_obstacle(journal) is None]
    lines = [(f"{kind[0].severity}: ", _times(kind[0].title, len(kind))) for kind in _kinds(others)]
    lines += [("note: ", f"{one.title}. {one.advice}".rstrip(" :.")) for one in _other_obstacles(journal)]
    lines += [("note: ", note) for note in diagnosis.notes]
    for label, text in lines[:_BESIDES]:
        shown = visible(text, _NOTE if label == "note: " else max(20, width - len(label)))
        yield Text.assemble((label, "bold"), shown), 0
    if len(lines) > _BESIDES:
        yield _rest(len(lines) - _BESIDES, "line", "; -v shows all"), 0


def _other_obstacles(journal: Journal) -> list[Obstacle]:
    """What was in the way, but for what the verdict is about."""
    decisive = decisive_obstacle(journal)
    return [one for one in journal.environment.obstacles if one is not decisive]


def _times(text: str, times: int) -> str:
    return f"{text} ×{times}" if times > 1 else text


def _parts(journal: Journal, more: str, width: int) -> Iterator[tuple[Text, int]]:
    """The lines and paragraphs, each with its indentation in cells."""
    for line in columns.lines(journal, width):
        yield line, 0
    if journal.left_out:
        yield Text(wording.left_out(journal), "dim"), 0
    yield Text(""), 0
    diagnosis = journal.diagnosis
    where = f"; for all of them see {visible(more, 200)}" if more else ""
    yield from _bounded([_alike(kind, where) for kind in _kinds(diagnosis.findings)], where)
    yield Text(wording.seen(journal), "dim"), 0
    for client in diagnosis.clients[:_CLIENTS]:
        yield Text(wording.client(client), "dim"), 2
    if len(diagnosis.clients) > _CLIENTS:
        yield _rest(len(diagnosis.clients) - _CLIENTS, "client", ""), 2
    if diagnosis.undecided:
        yield Text(""), 0
        yield Text(f"Undecided ({counted(len(diagnosis.undecided), 'case')}):", "bold"), 0
    yield from _bounded([_alike_undecided(kind, where) for kind in _kinds(diagnosis.undecided)], where)
    for one in _other_obstacles(journal)[:_NOTES]:
        yield Text(visible(f"note: {one.title}. {one.advice}".rstrip(" :.")), "yellow"), 0
    for note in diagnosis.notes[:_NOTES]:
        yield Text(visible(f"note: {note}"), "yellow"), 0
    if len(diagnosis.notes) > _NOTES:
        yield _rest(len(diagnosis.notes) - _NOTES, "note", where), 0


def _kinds(told: Sequence[_T]) -> list[list[_T]]:
    """The findings (or undecided cases) by kind, in the order in which each kind is first met, the worst first."""
    kinds: dict[tuple[object, ...], list[_T]] = {}
    for one in told:
        key: tuple[object, ...] = (one.rule,)
        if isinstance(one, Finding):
            key += (one.fault, one.severity, one.confidence, one.cause)
        elif isinstance(one, Undecided):
            key += (one.reason,)
        kinds.setdefault(key, []).append(one)
    found = list(kinds.values())
    if len(found) > _KINDS:
        found.sort(key=lambda kind: -kind[0].severity.rank if isinstance(kind[0], Finding) else 0)
    return found


def _bounded(kinds: Sequence[Iterable[tuple[Text, int]]], where: str) -> Iterator[tuple[Text, int]]:
    """The parts of each kind, as far as there is room."""
    room = _LONGEST
    for number, kind in enumerate(kinds):
        if number == _KINDS or room < 0:
            yield Text(f"… and {counted(len(kinds) - number, 'kind')} more{where}", "bold"), 0
            return
        for text, indent in kind:
            room -= len(text.plain)
            yield text, indent


def _alike(findings: Sequence[Finding], where: str) -> Iterator[tuple[Text, int]]:
    """Findings of one kind: each, if they are few; else the first, and what the others are about."""
    if len(findings) < _FEW:
        for finding in findings:
            yield from _finding(finding)
        return
    yield from _finding(findings[0], len(findings))
    yield from _others(findings, where, 2)
    yield Text(""), 0


def _alike_undecided(cases: Sequence[Undecided], where: str) -> Iterator[tuple[Text, int]]:
    for case in cases if len(cases) < _FEW else cases[:1]:
        yield from _undecided(case)
    if len(cases) >= _FEW:
        yield from _others(cases, where, 4)


def _others(told: Sequence[Finding | Undecided], where: str, indent: int) -> Iterator[tuple[Text, int]]:
    yield Text("The same:", "bold"), indent
    for one in told[1 : _NAMED + 1]:
        yield Text(wording.subject(one), "dim"), indent
    if len(told) > _NAMED + 1:
        yield _rest(len(told) - _NAMED - 1, "case", where), indent


def _rest(number: int, noun: str, where: str) -> Text:
    return Text(f"… and {number} more {noun if number == 1 else noun + 's'}{where}", "bold")


def _finding(finding: Finding, times: int = 1) -> Iterator[tuple[Text, int]]:
    colour = _COLOURS[finding.severity]
    often = f" ×{times}" if times > 1 else ""
    yield Text.assemble((str(finding.severity), colour), " ", (visible(finding.rule) + often, "bold")), 0
    yield Text(visible(finding.title), "bold"), 2
    yield Text(wording.subject(finding), "dim"), 2
    yield _labelled("Fault", wording.culprit(finding)), 2
    yield Text(visible(finding.explanation)), 2
    if finding.verification is not None:
        yield _labelled("Verified", wording.verification(finding.verification)), 2
    yield _labelled("What you can do now", visible(finding.advice.user)), 2
    if finding.fault is Fault.CLIENT:
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
    yield Text(wording.subject(case), "dim"), 4
    yield Text(visible(case.explanation)), 4


def _labelled(label: str, text: str) -> Text:
    return Text.assemble((f"{label}: ", "bold"), text)
