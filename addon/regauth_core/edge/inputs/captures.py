"""Saved traffic as exchanges: the addon's own trace, mitmproxy flow files, HAR files; one or several, in one pass."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Final

from regauth_core.edge.errors import UserError, where_it_failed
from regauth_core.edge.files import reason
from regauth_core.edge.inputs.har import SavedHar
from regauth_core.edge.inputs.saved_file import Item, SavedFile
from regauth_core.edge.inputs.saved_flows import SavedFlows
from regauth_core.edge.inputs.trace import SavedTrace
from regauth_core.edge.inputs.traffic_filter import TrafficFilter
from regauth_core.model import Exchange
from regauth_core.model.finding import Proof
from regauth_core.model.journal import Break, Ending, Environment, Event, Gone, Redaction
from regauth_core.recording.environment import understood
from regauth_core.recording.observe import Wire
from regauth_core.recording.traffic import Watch
from regauth_core.redaction.counts import together
from regauth_core.redaction.redactor import Redactor, RenamingRedactor
from regauth_core.redaction.renaming import Renaming

WINDOW = 4096
"""How many exchanges are held back to bring them into the order in which their requests began: most tools write them
in the order in which they ended."""
_SNIFFED = 4096


class Kind(StrEnum):
    """What a file is."""

    TRACE = "regauth trace"
    FLOWS = "mitmproxy flow file"
    HAR = "HAR file"


_READERS: Final[Mapping[Kind, type[SavedFile]]] = MappingProxyType(
    {Kind.TRACE: SavedTrace, Kind.FLOWS: SavedFlows, Kind.HAR: SavedHar}
)
EXPECTED: Final = f"a {', a '.join(list(Kind)[:-1])} or a {list(Kind)[-1]}"
"""All kinds, for errors and help."""


def kind_of(start: bytes) -> Kind | None:
    """What a file is by its first bytes."""
    head = start.lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"{"):
        return Kind.TRACE if b'"regauth.trace/' in head.partition(b"\n")[0] else Kind.HAR
    digits, colon, _ = start[:12].partition(b":")
    return Kind.FLOWS if colon and digits.isdigit() else None


class Captures:
    """Files to be read together. Iterate once; then the attributes say how they were made and ended."""

    def __init__(self, paths: Sequence[Path], redactor: Redactor, watch: Watch | None = None) -> None:
        """`watch` decides what is registry traffic. Raises `UserError` where a file is missing or none of the kinds."""
        self.ending = Ending.GONE
        self.notes: list[str] = []
        self.passed_over = 0
        """Exchanges that are no registry's."""
        self._filter = TrafficFilter(redactor, watch or Watch())
        self._renaming = Renaming(RenamingRedactor(redactor)) if redactor.hides_names else None
        kinds = [_checked_kind(path) for path in paths]
        self._files = [_READERS[kind](path) for path, kind in zip(paths, kinds, strict=True)]
        self._is_numbered = len(self._files) == 1 and self._files[0].is_numbered
        """Whether the numbers of the exchanges are already right."""
        self.environment: Environment | None = None
        """Where a file of ours was recorded."""
        self.redaction: Redaction | None = None
        """What was kept and replaced when it was recorded."""
        self.is_counted = True
        """Whether every file of ours says that."""

    @property
    def quiet_time(self) -> float | None:
        """With how many seconds of silence the files of ours were recorded; `None` where there is none."""
        return max((file.quiet_time for file in self._files if file.quiet_time is not None), default=None)

    @property
    def credentials_known(self) -> bool:
        """Whether it was said of one of them that the clients hold credentials."""
        return any(file.credentials_known for file in self._files)

    def __iter__(self) -> Iterator[Event]:
        """The exchanges of all files in the order in which their requests began, and what a trace says of clients."""
        own_notes: dict[str, None] = {}
        number = 0
        for _, item in _merged([file.items() for file in self._files]):
            try:
                event = self._filter.exchange(item) if isinstance(item, Wire) else self._renamed(item)
            except Exception as error:
                # It loses one exchange.
                self.ending = Ending.worst(self.ending, Ending.CUT)
                where = where_it_failed(error)
                own_notes[f"exchanges could not be examined because of an error in regauth ({where})"] = None
                continue
            if isinstance(event, Exchange):
                number += 1
                yield event if self._is_numbered else replace(event, number=number)
            elif isinstance(event, Proof) and not self._is_numbered:
                # It names an exchange by the number that it had in its own file.
                own_notes[f"skipped a proof about exchange {event.exchange} of one of the files"] = None
            elif event is not None:
                yield event
            else:
                self.passed_over += 1
        self._finish(own_notes)

    def _renamed(self, event: Event) -> Event:
        """What was redacted before, with the names that are asked for now."""
        if self._renaming is None or isinstance(event, Break | Proof):
            return event
        return self._renaming.gone(event) if isinstance(event, Gone) else self._renaming.exchange(event)

    def _finish(self, own_notes: Iterable[str]) -> None:
        """Take what the files say of themselves, once all names are known that may stand in their sentences."""
        for file in self._files:
            self.ending = Ending.worst(self.ending, file.ending)
            self.notes.extend(file.notes)
            if file.environment is not None:
                self.environment = understood(file.environment)
                self.redaction = together(self.redaction, file.redaction)
                self.is_counted = self.is_counted and file.redaction is not None
        self.notes.extend(own_notes)
        if self._renaming is not None:
            self.notes = list(map(self._renaming.text, self.notes))
            if self.environment is not None:
                self.environment = self._renaming.environment(self.environment)


def _checked_kind(path: Path) -> Kind:
    try:
        with path.open("rb") as file:
            kind = kind_of(file.read(_SNIFFED))
    except OSError as error:
        raise UserError(f"{path}: {reason(error)}") from None
    if kind is None:
        raise UserError(f"{path}: expected {EXPECTED}")
    return kind


def _merged(streams: Sequence[Iterator[Item]]) -> Iterator[Item]:
    """The items of all files by their time, as far as `WINDOW` reaches in each."""
    in_order = list(map(_in_order, streams))
    return in_order[0] if len(in_order) == 1 else heapq.merge(*in_order, key=lambda item: item[0])


def _in_order(items: Iterable[Item]) -> Iterator[Item]:
    """The items of one file by their time, as far as `WINDOW` reaches."""
    held: list[tuple[float, int, Item]] = []
    for place, item in enumerate(items):
        entry = (item[0], place, item)
        if len(held) < WINDOW:
            heapq.heappush(held, entry)
        else:
            yield heapq.heappushpop(held, entry)[2]
    while held:
        yield heapq.heappop(held)[2]
