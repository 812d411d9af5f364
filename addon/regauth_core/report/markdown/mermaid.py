"""The exchanges as a sequence diagram in Mermaid's notation, which GitHub draws.

Everything from the data is cut down to an alphabet in which Mermaid has no syntax.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from regauth_core.model import Exchange
from regauth_core.model.journal import Journal
from regauth_core.report import timeline, wording
from regauth_core.report.outcome import conclusion
from regauth_core.report.roles import Roles, roles
from regauth_core.report.text import shortened
from regauth_core.report.timeline import Row

MESSAGES: Final = 40
"""Arrows and notes of one diagram, at most."""
_LANES: Final = 6
"""Clients, and hosts, that get a lane of their own."""
_OUTSIDE = re.compile(r"[^A-Za-z0-9 ./_=:,()×-]+")


@dataclass(slots=True)
class _Lanes:
    """Who stands in the diagram: the name of each lane by who it stands for."""

    prefix: str
    others: str
    names: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)

    def lane(self, who: str, label: str) -> str:
        if who not in self.names:
            is_full = len(self.labels) >= _LANES
            name = f"{self.prefix}x" if is_full else f"{self.prefix}{len(self.labels) + 1}"
            self.names[who] = name
            self.labels.setdefault(name, self.others if is_full else label)
        return self.names[who]


def lines(journal: Journal, most: int = MESSAGES) -> list[str]:
    """The diagram with at most `most` (at least 8) messages; no lines for a journal without exchanges."""
    if not journal.exchanges:
        return []
    parts = roles(journal)
    clients, hosts = _Lanes("c", "other clients"), _Lanes("h", "other hosts")
    names = {one.id: one.user_agent or one.id for one in journal.diagnosis.clients}
    body: list[str] = []
    end = conclusion(journal)
    for row in timeline.rows(journal, most=(most - 1) // 2, is_strict=True):
        client = journal.clients_of.get(row.first.number, "client")
        sender = clients.lane(client, _safe(f"{client} {names.get(client, '')}", 40))
        label = f"{parts.of(row.first)} {str(row.first.origin).partition('://')[2]}"
        receiver = hosts.lane(str(row.first.origin) + parts.of(row.first), _safe(label, 60))
        body += _messages(row, parts, sender, receiver)
        if end.rule is not None and any(e.number == end.marked for e in row.exchanges):
            words = f"{end.rule} ({end.mark})" if end.mark else end.rule
            body.append(f"  Note over {sender}: {_safe(words, 80)}")
    told = [f"  participant {name} as {label}" for lanes in (clients, hosts) for name, label in lanes.labels.items()]
    return ["sequenceDiagram", *told, *body]


def _messages(row: Row, parts: Roles, sender: str, receiver: str) -> Iterator[str]:
    exchange = row.first
    if not row.is_alike:
        yield f"  Note over {sender}: {_safe(f'{row.count} exchanges folded', 60)}"
        return
    times = f" (×{row.count})" if row.count > 1 else ""
    place = shortened(wording.place(exchange, exchange.origin).partition("?")[0], 60)
    credential = wording.sent(exchange)
    with_what = "without credential" if credential == "none" else f"with {credential}"
    asked = f"{row.numbers} {shortened(exchange.request.method, 12)} {place}{times}, {with_what}"
    yield f"  {sender}->>{receiver}: {_safe(asked, 140)}"
    if exchange.response is None:
        yield f"  {receiver}--x{sender}: {_safe('no answer', 60)}"
    else:
        yield f"  {receiver}-->>{sender}: {_safe(_answer(exchange), 80)}"


def _answer(exchange: Exchange) -> str:
    answer = exchange.response
    if answer is None:
        return ""
    told = [wording.status(exchange), *(one.scheme for one in answer.challenges)]
    if answer.token is not None and answer.token.fingerprints:
        told.append(f"issues {answer.token.fingerprints[0]}")
    return " ".join(told)


def _safe(text: str, most: int) -> str:
    shown = _OUTSIDE.sub("_", text.replace("–", "-").replace("…", "..")).strip(" :_")
    return shown[:most].strip() or "unnamed"
