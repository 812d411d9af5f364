"""The sequence as an SVG drawing: a lane for each client, the registry, the token server and the blob store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from regauth_core.model.journal import Journal
from regauth_core.report import timeline, wording
from regauth_core.report.html.markup import Markup, element, joined
from regauth_core.report.outcome import conclusion
from regauth_core.report.roles import Role, Roles, roles
from regauth_core.report.text import counted, shortened
from regauth_core.report.timeline import Row

ROWS: Final = 120
"""Rows that are drawn; longer stories are folded."""
_CLIENTS: Final = 4
"""Clients with a lane of their own."""
_PAGE: Final = 1060
"""Pixels that the lanes share if there are few of them."""
_NARROWEST: Final = 214
_WIDEST: Final = 400
_MARGIN: Final = 160
"""Pixels right of the last lane, for labels that are longer than their arrow."""
_CHARACTER: Final = 7.4
_ROW: Final = 54
_DUE: Final = 30
"""Pixels that the finding takes below the exchange that it points to."""
_TOP: Final = 64


@dataclass(frozen=True, slots=True)
class _Lanes:
    """Who has which lane, from the left, counted from 0."""

    clients: tuple[str, ...]
    has_other_clients: bool
    hosts: tuple[Role, ...]

    @property
    def count(self) -> int:
        return len(self.clients) + self.has_other_clients + len(self.hosts)

    @property
    def width(self) -> int:
        """Pixels of each lane."""
        return min(_WIDEST, max(_NARROWEST, (_PAGE - _MARGIN) // max(self.count, 1)))

    def middle(self, lane: int) -> int:
        """Where a lane's line is drawn, in pixels from the left."""
        return lane * self.width + self.width // 2

    def client(self, identifier: str) -> int:
        return self.clients.index(identifier) if identifier in self.clients else len(self.clients)

    def host(self, role: Role) -> int:
        return len(self.clients) + self.has_other_clients + self.hosts.index(role)


def drawing(journal: Journal, anchors: dict[int, str]) -> Markup:
    """The drawing; every arrow leads to the element whose identifier `anchors` has for the exchange's number."""
    shown = timeline.rows(journal, most=ROWS, is_strict=True)
    parts = roles(journal)
    lanes = _lanes(journal, shown, parts)
    pointed = timeline.evidence(journal)
    end = conclusion(journal)
    width, height = lanes.count * lanes.width + _MARGIN, _TOP + len(shown) * _ROW + _DUE + 16
    body = [_head(journal, lanes, parts, height)]
    y = _TOP - _ROW
    for row in shown:
        y += _ROW
        body.append(_row(row, journal, lanes, parts, anchors, y, is_evidence=row.first.number in pointed))
        if end.rule is not None and row.is_alike and any(e.number == end.marked for e in row.exchanges):
            body.append(_due(row, journal, lanes, parts, y + _ROW, f"{end.rule}: {end.mark}"))
            y += _DUE
    return element(
        "svg",
        *body,
        width=str(width),
        height=str(height),
        viewBox=f"0 0 {width} {height}",
        role="group",
        aria_label="Sequence of requests and answers; every arrow leads to its exchange",
    )


def _lanes(journal: Journal, shown: Sequence[Row], parts: Roles) -> _Lanes:
    owners = [journal.clients_of.get(row.first.number, "") for row in shown]
    known = list(dict.fromkeys(owners))
    present = {parts.of(row.first) for row in shown}
    return _Lanes(
        clients=tuple(known[:_CLIENTS]),
        has_other_clients=len(known) > _CLIENTS,
        hosts=tuple(role for role in Role if role in present),
    )


def _head(journal: Journal, lanes: _Lanes, parts: Roles, height: int) -> Markup:
    agents = {one.id: one.user_agent or "" for one in journal.diagnosis.clients}
    labels = [(f"client {one}", agents.get(one, "")) for one in lanes.clients]
    if lanes.has_other_clients:
        labels.append(("other clients", ""))
    labels += [(str(role), _hosts(journal, parts, role)) for role in lanes.hosts]
    drawn = []
    for lane, (name, more) in enumerate(labels):
        x = lanes.middle(lane)
        drawn.append(_line((x, 48), (x, height), "lane"))
        drawn.append(element("text", shortened(name, 30), x=str(x), y="18", class_="name"))
        drawn.append(element("text", shortened(more, 28), x=str(x), y="36", class_="host"))
    return joined(*drawn)


def _hosts(journal: Journal, parts: Roles, role: Role) -> str:
    origins = list(dict.fromkeys(str(e.origin) for e in journal.exchanges if parts.of(e) is role))
    home = str(parts.home) if role is Role.REGISTRY and parts.home else origins[0]
    shown = shortened(home.removeprefix("https://"), 24)
    return shown if len(origins) == 1 else f"{shown} + {len(origins) - 1} more"


def _row(
    row: Row, journal: Journal, lanes: _Lanes, parts: Roles, anchors: dict[int, str], y: int, *, is_evidence: bool
) -> Markup:
    exchange = row.first
    if not row.is_alike:
        label = f"… {counted(row.count, 'exchange')} folded …"
        return element("text", label, x=str(lanes.middle(0)), y=str(y + 28), class_="host")
    client = journal.clients_of.get(exchange.number, "")
    left, right = lanes.middle(lanes.client(client)), lanes.middle(lanes.host(parts.of(exchange)))
    room = int((right - left) / _CHARACTER)
    times = f" ×{row.count}" if row.count > 1 else ""
    credential = wording.sent(exchange)
    asked = f"{row.numbers} {shortened(exchange.request.method, 10)} {wording.place(exchange, exchange.origin)}{times}"
    sent = "" if credential == "none" else f" · {shortened(credential, 24)}"
    answer = " ".join([wording.status(exchange), *wording.remarks(exchange)[:1]])
    arrows = (
        _line((left, y + 20), (right - 6, y + 20), f"asked {'' if sent else 'anonymous'}".strip()),
        _head_of_arrow(right, y + 20, 1),
        element("text", shortened(asked, max(20, room - len(sent))) + sent, x=str(left + 8), y=str(y + 15)),
        _line((right, y + 42), (left + 6, y + 42), "answered"),
        _head_of_arrow(left, y + 42, -1),
        element("text", shortened(answer, room), x=str(left + 12), y=str(y + 37), class_=f"s{exchange.status // 100}"),
    )
    return element(
        "a",
        element("title", f"{asked}, sent: {credential}; answer: {answer}"),
        element("rect", x=str(left), y=str(y), width=str(right - left), height=str(_ROW - 4), class_="hit"),
        *arrows,
        href=f"#{anchors[exchange.number]}",
        class_="arrow evidence" if is_evidence else "arrow",
        data_number=str(exchange.number),
    )


def _due(row: Row, journal: Journal, lanes: _Lanes, parts: Roles, y: int, label: str) -> Markup:
    """The finding, as an arrow in the place of what was due and did not come, or did not help."""
    client = journal.clients_of.get(row.first.number, "")
    left, right = lanes.middle(lanes.client(client)), lanes.middle(lanes.host(parts.of(row.first)))
    return element(
        "g",
        _line((left, y + 18), (right - 6, y + 18), "due"),
        element("text", shortened(label, max(20, int((right - left) / _CHARACTER))), x=str(left + 8), y=str(y + 12)),
        class_="due",
    )


def _line(begin: tuple[int, int], end: tuple[int, int], kind: str) -> Markup:
    return element("line", x1=str(begin[0]), y1=str(begin[1]), x2=str(end[0]), y2=str(end[1]), class_=kind)


def _head_of_arrow(x: int, y: int, direction: int) -> Markup:
    back = x - 9 * direction
    return element("path", d=f"M{x} {y} L{back} {y - 4} L{back} {y + 4} Z", class_="tip")
