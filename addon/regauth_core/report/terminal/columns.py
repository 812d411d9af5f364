"""The timeline as lines of text for a terminal of any width."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len, chop_cells, set_cell_size
from rich.text import Text

from regauth_core.model import Origin
from regauth_core.model.journal import Journal
from regauth_core.report import roles, timeline, wording
from regauth_core.report.text import visible
from regauth_core.report.timeline import Row

_METHOD: Final = 7
_CLIENT: Final = 6
_SENT: Final = 24
_PLACE: Final = 14
"""Cells that the path gets at least, before the credential moves to a line of its own."""
_INDENT: Final = 6
_MOST_ROWS: Final = 100
"""Rows, however many exchanges findings point to."""


@dataclass(frozen=True, slots=True)
class _Widths:
    """Cells of each column; 0 for one that is not shown in the first line."""

    number: int
    client: int
    method: int
    place: int
    sent: int

    @property
    def all(self) -> int:
        """Cells up to and with the status."""
        shown = [self.number, self.client, self.method, self.place, self.sent, 3]
        return sum(shown) + 2 * sum(1 for width in shown if width) - 2


@dataclass(frozen=True, slots=True)
class _Line:
    """The cells of one row."""

    row: Row
    number: str
    client: str
    place: str
    sent: str
    remarks: tuple[str, ...]
    is_evidence: bool


def lines(journal: Journal, width: int) -> Iterator[Text]:
    """The timeline in lines of at most `width` cells (at least 20): the path gives way first, the status never."""
    home = roles.roles(journal).home
    pointed = timeline.evidence(journal)
    rows = timeline.rows(journal)
    if len(rows) > _MOST_ROWS:
        rows = timeline.rows(journal, most=_MOST_ROWS, is_strict=True)
    told = [_line(row, journal, home, pointed) for row in rows]
    if not told:
        return
    widths = _widths(told, max(width, 20), has_clients=len(journal.diagnosis.clients) > 1)
    for line in told:
        yield from _lines(line, widths, max(width, 20))


def _line(row: Row, journal: Journal, home: Origin | None, pointed: dict[int, tuple[int, ...]]) -> _Line:
    return _Line(
        row=row,
        number=row.numbers,
        client=visible(journal.clients_of.get(row.first.number, ""), 40),
        place=wording.place(row.first, home),
        sent=wording.sent(row.first),
        remarks=wording.remarks(row.first) if row.is_alike else (),
        is_evidence=row.first.number in pointed and row.is_alike,
    )


def _widths(told: list[_Line], width: int, *, has_clients: bool) -> _Widths:
    whole = [line for line in told if line.row.is_alike]
    number = max(cell_len(line.number) for line in told)
    client = min(_CLIENT, max(cell_len(line.client) for line in told)) if has_clients else 0
    method = min(_METHOD, max((cell_len(visible(line.row.first.request.method)) for line in whole), default=3))
    longest = max((cell_len(line.place) for line in whole), default=3)
    sent = min(_SENT, max((cell_len(line.sent) for line in whole), default=4))
    for widths in (
        _Widths(number, client, method, 0, sent),
        _Widths(number, client, method, 0, 0),
        _Widths(number, 0, min(method, 4), 0, 0),
    ):
        room = width - widths.all - 2
        if room >= min(longest, _PLACE):
            break
    return _Widths(widths.number, widths.client, widths.method, max(1, min(longest, room)), widths.sent)


def _lines(line: _Line, widths: _Widths, width: int) -> Iterator[Text]:
    if not line.row.is_alike:
        yield Text(set_cell_size(f"{' ' * widths.number}  {line.row.repetition}", width).rstrip(), "dim")
        return
    text = Text(no_wrap=True)
    text.append(line.number.rjust(widths.number), "bold" if line.is_evidence else "")
    for cell, size in ((line.client, widths.client), (str(line.row.first.request.method), widths.method)):
        if size:
            text.append("  " + _fitted(visible(cell), size))
    text.append("  " + _fitted(line.place, widths.place))
    if widths.sent:
        text.append("  " + _fitted(line.sent, widths.sent), "" if line.sent == "none" else "cyan")
    status = wording.status(line.row.first)
    text.append("  " + status.rjust(3), _colour(status))
    rest = [line.row.repetition] if line.row.count > 1 else []
    if not widths.sent and line.sent != "none":
        rest.append(f"sent {line.sent}")
    rest += line.remarks
    if rest and cell_len(rest[0]) <= width - widths.all - 2:
        text.append("  " + rest.pop(0), "dim")
    yield text
    for remark in rest:
        yield from _folded(remark, width)


def _folded(remark: str, width: int) -> Iterator[Text]:
    """A remark below its row, folded at blanks where there are any."""
    room = width - _INDENT
    piece = ""
    for word in (part for blank in remark.split(" ") for part in chop_cells(blank, room) or [""]):
        if piece and cell_len(piece) + 1 + cell_len(word) > room:
            yield Text(" " * _INDENT + piece, "dim", no_wrap=True)
            piece = word
        else:
            piece = f"{piece} {word}" if piece else word
    yield Text(" " * _INDENT + piece, "dim", no_wrap=True)


def _fitted(text: str, size: int) -> str:
    """`text` in exactly `size` cells: its middle gives way to an ellipsis."""
    if cell_len(text) <= size:
        return set_cell_size(text, size)
    head = size // 2
    start = set_cell_size(text, head)
    end = text[len(text) - (size - head - 1) :] if size > head + 1 else ""
    while cell_len(end) > size - head - 1:
        end = end[1:]
    return set_cell_size(f"{start}…{end}", size)


def _colour(status: str) -> str:
    return {"2": "green", "3": "green", "4": "yellow", "5": "red"}.get(status[:1], "red")
