"""Saved traffic as exchanges: the addon's own trace, mitmproxy flow files, HAR files; one or several, in one pass."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, TextIO

from regauth_core.edge.errors import UserError, where_it_failed
from regauth_core.edge.files import reason
from regauth_core.edge.inputs import har, saved_flows
from regauth_core.edge.inputs.times import is_possible
from regauth_core.edge.inputs.trace import SavedTrace
from regauth_core.model import Exchange, Origin
from regauth_core.model.finding import Proof
from regauth_core.model.journal import Break, Capture, Ending, Environment, Event, Gone, Redaction
from regauth_core.recording.bodies import remember_sent
from regauth_core.recording.environment import understood
from regauth_core.recording.observe import Wire, observe
from regauth_core.recording.traffic import Watch, is_token_form, place_of
from regauth_core.redaction.counts import together
from regauth_core.redaction.redactor import Redactor, RenamingRedactor
from regauth_core.redaction.renaming import Renaming
from regauth_core.report.har import OwnLog
from regauth_core.report.text import counted

WINDOW = 4096
"""How many exchanges are held back to bring them into the order in which their requests began: most tools write them
in the order in which they ended."""
_SNIFFED = 4096
_CHROME = "WebInspector"
_STRANGE = "entries that are not HTTP exchanges"
"""The creator of HAR files by Chrome's developer tools, which leave `Authorization` out unless told otherwise."""

_Item = tuple[float, Wire | Event]


class Kind(StrEnum):
    """What a file is."""

    TRACE = "regauth trace"
    HAR = "HAR file"
    FLOWS = "mitmproxy flow file"


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
        self._redactor = redactor
        self._watch = watch or Watch()
        self._renaming = Renaming(RenamingRedactor(redactor)) if redactor.hides_names else None
        self._files = [(path, _checked_kind(path)) for path in paths]
        self._traces = {path: SavedTrace(path) for path, kind in self._files if kind is Kind.TRACE}
        self._hars = {path: _own_log(path) for path, kind in self._files if kind is Kind.HAR}
        self.environment: Environment | None = None
        """Where a file of ours was recorded."""
        self.redaction: Redaction | None = None
        """What was kept and replaced when it was recorded."""
        self.is_counted = True
        """Whether every file of ours says that."""

    @property
    def quiet_time(self) -> float | None:
        """With how many seconds of silence the files of ours were recorded; `None` where there is none."""
        recorded = [trace.head.quiet_time for trace in self._traces.values()]
        return max([*recorded, *(capture.quiet_time for capture in self._captures())], default=None)

    @property
    def credentials_known(self) -> bool:
        """Whether it was said of one of them that the clients hold credentials."""
        recorded = [trace.head.credentials_known for trace in self._traces.values()]
        return any(recorded) or any(capture.credentials_known for capture in self._captures())

    def _captures(self) -> Iterator[Capture]:
        yield from (log.capture for log in self._hars.values() if log is not None and log.capture is not None)

    def __iter__(self) -> Iterator[Event]:
        """The exchanges of all files in the order in which their requests began, and what a trace says of clients."""
        renumber = len(self._files) > 1 or self._files[0][1] is Kind.FLOWS
        streams = [_in_order(self._items(path, kind)) for path, kind in self._files]
        number = 0
        for _, item in streams[0] if len(streams) == 1 else heapq.merge(*streams, key=lambda item: item[0]):
            try:
                event = self._exchange(item) if isinstance(item, Wire) else self._renamed(item)
            except Exception as error:
                self._failed(error)
                continue
            if isinstance(event, Exchange):
                number += 1
                yield replace(event, number=number) if renumber else event
            elif isinstance(event, Proof) and renumber:
                # It names an exchange by the number that it had in its own file.
                self.notes.append(f"skipped a proof about exchange {event.exchange} of one of the files")
            elif event is not None:
                yield event
            else:
                self.passed_over += 1
        self._rename_the_rest()

    def _failed(self, error: Exception) -> None:
        """An error in regauth loses one exchange, and is noted."""
        self._ends(Ending.CUT)
        note = f"exchanges could not be examined because of an error in regauth ({where_it_failed(error)})"
        if note not in self.notes:
            self.notes.append(note)

    def _renamed(self, event: Event) -> Event:
        """What was redacted before, with the names that are asked for now."""
        if self._renaming is None or isinstance(event, Break | Proof):
            return event
        return self._renaming.gone(event) if isinstance(event, Gone) else self._renaming.exchange(event)

    def _exchange(self, wire: Wire) -> Exchange | None:
        place = place_of(wire.method, Origin(wire.scheme, wire.host.lower(), wire.port), wire.path)
        if self._watch.role_of(place) is None and not is_token_form(wire.request_body):
            if wire.request_body and self._watch.is_known(place.origin):
                # A login there is not shown; but the registry may repeat the password.
                remember_sent(wire.request_body, self._redactor)
            return None
        named: dict[str, list[str]] = {"www-authenticate": [], "location": [], "link": []}
        for name, value in wire.response_headers:
            known = named.get(name.lower())
            if known is not None:
                known.append(value)
        if any(named.values()):
            self._watch.learn(place, named["www-authenticate"], named["location"], named["link"])
        self._watch.learn_layers(place, wire.response_body)
        return observe(wire, self._redactor)

    def _items(self, path: Path, kind: Kind) -> Iterator[_Item]:
        """What one file holds, in its own order; damage becomes a note."""
        if kind is Kind.HAR:
            with path.open(encoding="utf-8-sig", errors="replace") as text:
                yield from self._entries(path, text)
            return
        with path.open("rb") as file:
            yield from self._flows(path, file) if kind is Kind.FLOWS else self._lines(self._traces[path], file)

    def _flows(self, path: Path, file: BinaryIO) -> Iterator[_Item]:
        self._ends(Ending.CLEAN)
        read = odd = 0
        try:
            for wire in saved_flows.wires(file):
                read += 1
                if isinstance(wire, saved_flows.Odd) or (wire is not None and not is_possible(wire)):
                    odd += 1
                elif wire is not None:
                    yield wire.started, wire
        except saved_flows.Damaged:
            self._cut(path, f"flow {read + 1} is damaged or incomplete; {read} were read")
        if odd:
            self._cut(path, f"skipped {odd} of {read} flows that cannot be read")

    def _entries(self, path: Path, file: TextIO) -> Iterator[_Item]:
        log = self._hars[path]
        self._ends(log.capture.ending if log is not None and log.capture is not None else Ending.CLEAN)
        if log is not None:
            self._made(log.environment, log.redaction)
            self.notes.extend(log.notes)
            if log.capture is not None:
                yield from ((gone.at, gone) for gone in log.capture.gone)
                yield from ((pause.at, pause) for pause in log.capture.breaks)
                yield from ((proof.at, proof) for proof in log.capture.proofs)
        entries = har.Entries(file)
        strange, authorized, number = 0, False, 0
        try:
            for number, entry in enumerate(entries, 1):
                item = har.own_exchange(entry, number) or har.wire_of(entry, number)
                if item is None or not is_possible(item):
                    strange += 1
                    continue
                authorized = authorized or isinstance(item, Exchange) or har.is_authorized(item)
                yield item.started, item
        except har.Damaged as damage:
            self._cut(path, f"{damage}; {number} entries were read")
        if strange:
            self.notes.append(
                f"{path.name}: skipped {counted(strange, 'entry that is not an HTTP exchange', _STRANGE)}"
            )
        if entries.creator == _CHROME and not authorized:
            self._cut(path, "no entry has an Authorization header: it may have been exported without credentials")

    def _lines(self, trace: SavedTrace, file: BinaryIO) -> Iterator[_Item]:
        yield from trace.events(file)
        self._ends(trace.ending)
        self.notes.extend(trace.notes)
        self._made(trace.environment, trace.redaction)

    def _made(self, environment: Environment, redaction: Redaction | None) -> None:
        """What a file of ours says of its making; of several environments the last one counts."""
        self.environment = understood(environment)
        self.redaction = together(self.redaction, redaction)
        self.is_counted = self.is_counted and redaction is not None

    def _ends(self, ending: Ending) -> None:
        """Of several endings, the one that says least about what may be missing."""
        self.ending = Ending.worst(self.ending, ending)

    def _rename_the_rest(self) -> None:
        """Sentences, once all names are known that may stand in them."""
        if self._renaming is not None:
            self.notes = list(map(self._renaming.text, self.notes))
            if self.environment is not None:
                self.environment = self._renaming.environment(self.environment)

    def _cut(self, path: Path, how: str) -> None:
        self._ends(Ending.CUT)
        self.notes.append(f"{path.name}: {how}")


def _checked_kind(path: Path) -> Kind:
    try:
        with path.open("rb") as file:
            kind = kind_of(file.read(_SNIFFED))
    except OSError as error:
        raise UserError(f"{path}: {reason(error)}") from None
    if kind is None:
        raise UserError(f"{path}: expected a regauth trace, a mitmproxy flow file or a HAR file")
    return kind


def _own_log(path: Path) -> OwnLog | None:
    """What we wrote of the making of a HAR file; `None` where it is somebody else's."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        try:
            return har.own_log(har.Entries(file))
        except UserError as trouble:
            raise UserError(f"{path}: {trouble}") from None


def _in_order(items: Iterable[_Item]) -> Iterator[_Item]:
    """The items by their time, as far as `WINDOW` reaches."""
    held: list[tuple[float, int, _Item]] = []
    for place, item in enumerate(items):
        entry = (item[0], place, item)
        if len(held) < WINDOW:
            heapq.heappush(held, entry)
        else:
            yield heapq.heappushpop(held, entry)[2]
    while held:
        yield heapq.heappop(held)[2]
