"""Reads a trace line by line: damage and fields of a newer version are noted and skipped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec

from regauth_core.edge.errors import UserError
from regauth_core.edge.inputs.saved_file import Item, SavedFile
from regauth_core.edge.inputs.times import is_possible, is_time
from regauth_core.model import Exchange
from regauth_core.model.change import with_kinds
from regauth_core.model.finding import Proof, TakenBack
from regauth_core.model.journal import Break, Ending, Gone
from regauth_core.model.trace import MAX_LINE, SCHEMA, End, TraceHead
from regauth_core.redaction.counts import together

_COMPARED: Final = 100
"""Lines in which unknown fields are searched: a version that adds one mostly writes it everywhere."""
_MOST_NAMED: Final = 5
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


class _Line(msgspec.Struct):
    """Any line of a trace; what a newer version adds is passed over."""

    exchange: Exchange | None = None
    gone: Gone | None = None
    proof: Proof | None = None
    taken_back: TakenBack | None = None
    """For people who read the lines: the diagnosis of the file comes to the same by itself."""
    end: End | None = None
    schema: str | None = None
    started: float = 0.0


_LINE = msgspec.json.Decoder(_Line)


def _decoded(line: bytes) -> _Line:
    try:
        return _LINE.decode(line)
    except msgspec.ValidationError:
        # Of a former version, perhaps, whose changes were words alone.
        value = msgspec.json.decode(line, type=dict[str, Any])
        return msgspec.convert({**value, "exchange": with_kinds(value.get("exchange"))}, _Line)


class SavedTrace(SavedFile):
    """A trace of regauth, of one recording or of several in a row."""

    is_numbered = True

    def __init__(self, path: Path) -> None:
        """Raises `UserError` where the file does not begin with the head of a trace of this version."""
        super().__init__(path)
        head = _head(path)
        self.ending = Ending.GONE
        self.environment = head.environment
        self.quiet_time = head.quiet_time
        self.credentials_known = head.credentials_known
        self._started = head.started
        self._damaged: list[int] = []
        self._unknown: dict[str, None] = {}

    def items(self) -> Iterator[Item]:
        """What happened. Behind a second head numbers are counted on."""
        with self.path.open("rb") as file:
            yield from self._of_lines(file)

    def _of_lines(self, file: BinaryIO) -> Iterator[Item]:
        numbers, last, number = _Numbers(), self._started, 0
        end: End | None = None
        while line := file.readline(MAX_LINE):
            number += 1
            read = self._read(line, number)
            if read is None:
                # After kill -9 the last line may be half written. Anything else is damage as well.
                yield last, Break(last, Ending.CUT)
            elif read.exchange is not None:
                one = read.exchange
                last, unique = one.started, numbers.of(one.number)
                yield last, replace(one, number=unique) if unique != one.number else one
            elif read.gone is not None:
                yield read.gone.at, read.gone
            elif read.proof is not None:
                yield read.proof.at, replace(read.proof, exchange=numbers.before + read.proof.exchange)
            elif read.end is not None:
                end = read.end
                self._ended(end)
            elif read.schema is not None and number > 1:
                yield read.started, Break(read.started, end.ending if end is not None else Ending.CUT)
                if not self._goes_on(read.schema, number, is_whole=end is not None):
                    return
                end = None
                numbers.begin()
        self._finish(number, end)

    def _read(self, line: bytes, number: int) -> _Line | None:
        try:
            read = _decoded(line)
            if number <= _COMPARED:
                self._compare(line, read)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            self._damaged.append(number)
            return None
        if not _is_possible(read):
            self._damaged.append(number)
            return None
        return read

    def _goes_on(self, schema: str, number: int, *, is_whole: bool) -> bool:
        """Whether the recording that begins in this line can be read."""
        if not is_whole:
            self._cut(f"the recording before line {number} is incomplete")
        if schema == SCHEMA:
            return True
        self._cut(f"line {number}: expected {SCHEMA}, found {schema[:40]!r}: the rest was written by a newer regauth")
        return False

    def _ended(self, end: End) -> None:
        self._ends(end.ending)
        self.environment = end.environment
        self.notes.extend(note for note in end.notes if note not in self.notes)
        self.redaction = together(self.redaction, end.redaction)

    def _finish(self, lines: int, end: End | None) -> None:
        if self._damaged:
            first, more = self._damaged[0], len(self._damaged) - 1
            others = f" and {more} more" if more else ""
            self._cut(f"line {first}{others} is damaged or incomplete; {lines - more - 1} of {lines} lines were read")
        elif end is None:
            self._cut("the trace is incomplete: it has no end line")
        if end is None:
            self.redaction = None
        if self._unknown:
            named = [name for name in self._unknown if all(map(_NAME.fullmatch, name.split(".")))][:_MOST_NAMED]
            shown = ", ".join(named) + (", …" if len(named) < len(self._unknown) else "")
            self.notes.append(f"{self.path.name}: skipped fields written by a newer regauth: {shown}")

    def _compare(self, line: bytes, read: _Line) -> None:
        known: object = {name: getattr(read, name) for name in read.__struct_fields__}
        if read.schema == SCHEMA:
            known = msgspec.json.decode(line, type=TraceHead)
        self._unknown.update(dict.fromkeys(_unknown(msgspec.json.decode(line), msgspec.to_builtins(known), "")))


def _is_possible(read: _Line) -> bool:
    """Whether the times that a line tells can be any."""
    if read.exchange is not None:
        return is_possible(read.exchange)
    others = (read.gone and read.gone.at, read.proof and read.proof.at, read.end and read.end.at, read.started)
    return all(time is None or is_time(time) for time in others)


class _Numbers:
    """Gives every exchange of a file a number: its own, counted on behind a second head, and never one twice."""

    def __init__(self) -> None:
        self.before = 0
        """What is added to the numbers of the present recording."""
        self._highest = 0
        self._all_up_to = 0
        self._beyond: set[int] = set()

    def begin(self) -> None:
        """Another recording begins."""
        self.before = self._all_up_to = self._highest
        self._beyond.clear()

    def of(self, own: int) -> int:
        """The number of the exchange that is called `own` in its recording.

        Where lines of several recordings stand mixed, a number comes twice: then it is the next that is free.
        """
        number = self.before + own
        if number <= self._all_up_to or number in self._beyond:
            number = self._highest + 1
        self._highest = max(self._highest, number)
        self._beyond.add(number)
        while self._all_up_to + 1 in self._beyond:
            self._all_up_to += 1
            self._beyond.remove(self._all_up_to)
        return number


def _unknown(value: Any, known: Any, place: str) -> Iterator[str]:
    """Where `value`, as it stands in a file, has fields that `known`, which was made of it, has not."""
    if isinstance(value, dict) and isinstance(known, dict):
        for name, held in value.items():
            here = f"{place}.{name}" if place else name
            if name in known:
                yield from _unknown(held, known[name], here)
            else:
                yield here
    elif isinstance(value, list) and isinstance(known, list):
        for one, other in zip(value, known, strict=False):
            yield from _unknown(one, other, place)


def _head(path: Path) -> TraceHead:
    with path.open("rb") as file:
        line = file.readline(MAX_LINE)
    try:
        schema = msgspec.json.decode(line, type=dict[str, object]).get("schema")
        if schema != SCHEMA:
            raise UserError(f"{path}: expected {SCHEMA}, found {str(schema)[:40]!r}: written by a newer regauth?")
        return msgspec.json.decode(line, type=TraceHead)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise UserError(f"{path}: line 1: expected the head of a {SCHEMA} trace") from None
