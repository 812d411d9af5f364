"""The exchanges of a journal as rows, with repetitions and long stretches folded and counted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from regauth_core.model import Exchange
from regauth_core.model.finding import Finding, Undecided
from regauth_core.model.journal import Journal
from regauth_core.report import wording
from regauth_core.report.derived import once
from regauth_core.report.text import visible

LONGEST: Final = 40
"""Rows of a timeline that is not folded further."""
_RUN: Final = 4
"""So many exchanges that are alike become one row."""


@dataclass(frozen=True, slots=True)
class Row:
    """One exchange, several that are alike, or a stretch that is only counted."""

    exchanges: tuple[Exchange, ...]
    is_alike: bool = True

    @property
    def first(self) -> Exchange:
        """The exchange that stands for the row."""
        return self.exchanges[0]

    @property
    def count(self) -> int:
        """How many exchanges the row stands for."""
        return len(self.exchanges)

    @property
    def numbers(self) -> str:
        """The number of its exchange, or the first and the last."""
        if self.count == 1:
            return str(self.first.number)
        return f"{self.first.number}–{self.exchanges[-1].number}"

    @property
    def repetition(self) -> str:
        """What is folded, such as ``×12 GET blob``; empty for a single exchange."""
        if self.count == 1:
            return ""
        if not self.is_alike:
            return f"… {self.count} exchanges folded …"
        return visible(f"×{self.count} {self.first.request.method} {self.first.target.endpoint}", 60)


@once
def evidence(journal: Journal) -> dict[int, tuple[int, ...]]:
    """For each exchange that something points to: which findings do (places from 0, undecided ones behind)."""
    diagnosis = journal.diagnosis
    pointed: dict[int, list[int]] = {}
    told: tuple[Finding | Undecided, ...] = (*diagnosis.findings, *diagnosis.undecided)
    for place, one in enumerate(told):
        for number in one.exchanges:
            pointed.setdefault(number, []).append(place)
    return {number: tuple(places) for number, places in pointed.items()}


def rows(journal: Journal, *, most: int = LONGEST, is_strict: bool = False) -> tuple[Row, ...]:
    """The rows of `journal`, in order.

    Four or more exchanges in a row that are alike become one. If more than `most` rows are left, stretches that
    nothing points to are counted instead; with `is_strict` there are never more than `most` (at least 3), else every
    exchange that a finding points to keeps a row or is counted among its like.
    """
    pointed = evidence(journal)
    folded = _runs(journal)
    if len(folded) <= most:
        return folded
    order = [*_pointed_first(folded, pointed), *_context(folded, pointed, most)]
    room = (most - 1) // 2
    if not is_strict:
        room = max(room, sum(1 for row in folded if row.first.number in pointed))
    kept = set(list(dict.fromkeys(order))[:room])
    return tuple(_with_gaps(folded, kept))


@once
def _runs(journal: Journal) -> tuple[Row, ...]:
    pointed = evidence(journal)

    def kind(exchange: Exchange) -> tuple[object, ...]:
        return (
            journal.clients_of.get(exchange.number),
            exchange.origin,
            exchange.request.method,
            exchange.target.endpoint,
            exchange.target.repository,
            wording.sent(exchange),
            exchange.status,
            wording.remarks(exchange),
            pointed.get(exchange.number),
        )

    folded: list[Row] = []
    for _, alike in groupby(journal.exchanges, key=kind):
        run = tuple(alike)
        folded += [Row(run)] if len(run) >= _RUN else [Row((one,)) for one in run]
    return tuple(folded)


def _pointed_first(folded: Sequence[Row], pointed: dict[int, tuple[int, ...]]) -> Iterable[int]:
    """The places of rows that are evidence: the first and the last of each finding, and then the rest."""
    ends: dict[int, tuple[int, int]] = {}
    for place, row in enumerate(folded):
        for finding in pointed.get(row.first.number, ()):
            ends[finding] = (ends.get(finding, (place, place))[0], place)
    for finding in sorted(ends):
        yield from ends[finding]
    yield from (place for place, row in enumerate(folded) if row.first.number in pointed)


def _context(folded: Sequence[Row], pointed: dict[int, tuple[int, ...]], most: int) -> Iterable[int]:
    """The places of rows that help to understand: how it began, how it ended, what stands around the evidence."""
    yield from range(min(most // 4, len(folded)))
    yield from range(max(0, len(folded) - most // 8), len(folded))
    for place, row in enumerate(folded):
        if row.first.number in pointed:
            yield from (near for near in (place - 1, place + 1) if 0 <= near < len(folded))


def _with_gaps(folded: Sequence[Row], kept: set[int]) -> Iterable[Row]:
    for is_kept, stretch in groupby(range(len(folded)), key=kept.__contains__):
        places = list(stretch)
        if is_kept or len(places) == 1:
            yield from (folded[place] for place in places)
        else:
            told = tuple(exchange for place in places for exchange in folded[place].exchanges)
            yield Row(told, is_alike=False)
