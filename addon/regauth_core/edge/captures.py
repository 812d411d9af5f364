"""Saved traffic as exchanges: the addon's own trace, mitmproxy flow files, HAR files; one or several, in one pass."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, TextIO

import msgspec
from mitmproxy import exceptions, http, io

from regauth_core.diagnosis import Ending
from regauth_core.edge import har
from regauth_core.edge.files import reason
from regauth_core.edge.flows import wire_of as wire_of_flow
from regauth_core.edge.trace import SCHEMA, End, Gone, TraceHead
from regauth_core.edge.traffic import Watch, is_token_form, place_of
from regauth_core.edge.trouble import Trouble
from regauth_core.model import Exchange, Origin
from regauth_core.observe import Wire, observe
from regauth_core.redact import Redactor

WINDOW = 4096
"""How many exchanges are held back to bring them into the order in which their requests began: most tools write them
in the order in which they ended."""
MAX_LINE = 8 * 1024 * 1024
"""Bytes of a trace's line; a longer one counts as damage."""
_SNIFFED = 4096
_CHROME = "WebInspector"
"""The creator of HAR files by Chrome's developer tools, which leave `Authorization` out unless told otherwise."""

Event = Exchange | Gone
_Item = tuple[float, Wire | Event]


class Kind(StrEnum):
    """What a file is."""

    TRACE = "regauth trace"
    HAR = "HAR file"
    FLOWS = "mitmproxy flow file"


class _Line(msgspec.Struct):
    """Any line of a trace but its head; what a newer version adds is passed over."""

    exchange: Exchange | None = None
    gone: Gone | None = None
    end: End | None = None
    schema: str | None = None


_LINE = msgspec.json.Decoder(_Line)


def kind_of(start: bytes) -> Kind | None:
    """What a file is by its first bytes."""
    head = start.lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"{"):
        return Kind.TRACE if b'"regauth.trace/' in head.partition(b"\n")[0] else Kind.HAR
    digits, colon, _ = start[:12].partition(b":")
    return Kind.FLOWS if colon and digits.isdigit() else None


class Captures:
    """Files to be read together. Iterate once; then `ending` and `notes` tell how they came to their end."""

    def __init__(self, paths: Sequence[Path], redactor: Redactor, watch: Watch | None = None) -> None:
        """`watch` decides what is registry traffic. Raises `Trouble` where a file is missing or none of the kinds."""
        self.ending = Ending.GONE
        self.notes: list[str] = []
        self.passed_over = 0
        """Exchanges that are no registry's."""
        self._redactor = redactor
        self._watch = watch or Watch()
        self._files = [(path, _checked_kind(path)) for path in paths]
        self.heads = tuple(_head(path) for path, kind in self._files if kind is Kind.TRACE)
        """What the traces among the files say of how they were recorded."""
        self.end: End | None = None
        """What the last of them says of its end."""

    def __iter__(self) -> Iterator[Event]:
        """The exchanges of all files in the order in which their requests began, and what a trace says of clients."""
        renumber = len(self._files) > 1 or self._files[0][1] is Kind.FLOWS
        streams = [_in_order(self._items(path, kind)) for path, kind in self._files]
        number = 0
        for _, item in streams[0] if len(streams) == 1 else heapq.merge(*streams, key=lambda item: item[0]):
            event = self._exchange(item) if isinstance(item, Wire) else item
            if isinstance(event, Exchange):
                number += 1
                yield replace(event, number=number) if renumber else event
            elif event is not None:
                yield event
            else:
                self.passed_over += 1

    def _exchange(self, wire: Wire) -> Exchange | None:
        place = place_of(wire.method, Origin(wire.scheme, wire.host.lower(), wire.port), wire.path)
        if self._watch.role_of(place) is None and not is_token_form(wire.request_body):
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
            yield from self._flows(path, file) if kind is Kind.FLOWS else self._lines(path, file)

    def _flows(self, path: Path, file: BinaryIO) -> Iterator[_Item]:
        self._ends(Ending.CLEAN)
        read = 0
        try:
            for flow in io.FlowReader(file).stream():
                read += 1
                if isinstance(flow, http.HTTPFlow):
                    wire = wire_of_flow(flow, number=read)
                    yield wire.started, wire
        except exceptions.FlowReadException:
            self._cut(path, f"flow {read + 1} is damaged or breaks off; {read} were read")

    def _entries(self, path: Path, file: TextIO) -> Iterator[_Item]:
        self._ends(Ending.CLEAN)
        entries = har.Entries(file)
        strange, authorized, number = 0, False, 0
        try:
            for number, entry in enumerate(entries, 1):
                item = har.own_exchange(entry, number) or har.wire_of(entry, number)
                if item is None:
                    strange += 1
                    continue
                authorized = authorized or isinstance(item, Exchange) or har.is_authorized(item)
                yield item.started, item
        except har.Damaged as damage:
            self._cut(path, f"{damage}; {number} entries were read")
        if strange:
            self.notes.append(f"{path.name}: {strange} entries are no http exchanges and were passed over")
        if entries.creator == _CHROME and not authorized:
            self._cut(path, "no entry has an Authorization header: it may have been exported without credentials")

    def _lines(self, path: Path, file: BinaryIO) -> Iterator[_Item]:
        """A trace. One that was appended to holds several recordings, whose numbers are counted on."""
        before, highest, number, end = 0, 0, 0, None
        while line := file.readline(MAX_LINE):
            number += 1
            try:
                read = _LINE.decode(line)
            except (msgspec.MsgspecError, ValueError, RecursionError):
                # After kill -9 the last line may be half written; anything else is damage as well.
                self._cut(path, f"line {number} is damaged or breaks off; {number - 1} were read")
                return
            if read.exchange is not None:
                exchange = read.exchange
                highest = max(highest, before + exchange.number)
                yield exchange.started, replace(exchange, number=before + exchange.number) if before else exchange
            elif read.gone is not None:
                yield read.gone.at, read.gone
            elif read.end is not None:
                end = self.end = read.end
            elif read.schema is not None and number > 1:
                before, end = highest, None
        if end is None:
            self._cut(path, "the trace breaks off without saying that the recording had ended")
        else:
            self._ends(end.ending)
            self.notes.extend(end.notes)

    def _ends(self, ending: Ending) -> None:
        """Of several endings, the one that tells least about what may be missing."""
        order = (Ending.GONE, Ending.CLEAN, Ending.STOPPED, Ending.CUT)
        self.ending = max(self.ending, ending, key=order.index)

    def _cut(self, path: Path, how: str) -> None:
        self._ends(Ending.CUT)
        self.notes.append(f"{path.name}: {how}")


def _checked_kind(path: Path) -> Kind:
    try:
        with path.open("rb") as file:
            kind = kind_of(file.read(_SNIFFED))
    except OSError as error:
        raise Trouble(f"{path}: {reason(error)}") from None
    if kind is None:
        raise Trouble(f"{path}: expected a regauth trace, a mitmproxy flow file or a HAR file")
    return kind


def _head(path: Path) -> TraceHead:
    with path.open("rb") as file:
        line = file.readline(MAX_LINE)
    try:
        schema = msgspec.json.decode(line, type=dict[str, object]).get("schema")
        if schema != SCHEMA:
            raise Trouble(f"{path}: expected {SCHEMA}, found {str(schema)[:40]!r}: written by a newer regauth?")
        return msgspec.json.decode(line, type=TraceHead)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise Trouble(f"{path}: line 1: expected the head of a {SCHEMA} trace") from None


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
