"""The exchanges of a journal as HTML: for each client its conversations, each exchange folded below its one line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from regauth_core.model import Exchange
from regauth_core.model.journal import Journal
from regauth_core.report import timeline, wording
from regauth_core.report.html.markup import Markup, element, joined
from regauth_core.report.roles import Roles, roles
from regauth_core.report.text import counted

_HEADERS = 60
"""Header lines that are shown of each half."""


def anchors(journal: Journal) -> dict[int, str]:
    """The identifier of each exchange's place in the page, by its number."""
    return {exchange.number: f"x{exchange.number}" for exchange in journal.exchanges}


def conversations(journal: Journal) -> Markup:
    """All exchanges, by client, and for each client by the repository that they are about."""
    parts = roles(journal)
    pointed = timeline.evidence(journal)
    known = {one.id: wording.client(one) for one in journal.diagnosis.clients}
    sections = []
    for place, (client, exchanges) in enumerate(_by_client(journal).items(), 1):
        groups = []
        for about, members in _by_repository(exchanges).items():
            groups.append(element("h4", about, " ", element("small", counted(len(members), "exchange"))))
            groups += [_exchange(one, parts, place, is_evidence=one.number in pointed) for one in members]
        heading = element("h3", known.get(client, client or "unknown client"))
        sections.append(element("section", heading, *groups, class_="client"))
    return joined(*sections)


def _by_client(journal: Journal) -> dict[str, list[Exchange]]:
    found: dict[str, list[Exchange]] = {}
    for exchange in journal.exchanges:
        found.setdefault(journal.clients_of.get(exchange.number, ""), []).append(exchange)
    return found


def _by_repository(exchanges: Iterable[Exchange]) -> dict[str, list[Exchange]]:
    """Pings, token requests and blob stores belong to the repository last asked for, or to the first one."""
    found: dict[str, list[Exchange]] = {}
    before: list[Exchange] = []
    current: list[Exchange] | None = None
    for exchange in exchanges:
        if exchange.target.repository is not None:
            current = found.setdefault(f"{exchange.target.repository} at {exchange.origin}", [])
        (before if current is None else current).append(exchange)
    if not before:
        return found
    first = next(iter(found), str(before[0].origin))
    return {first: before + found.pop(first, []), **found}


def _exchange(exchange: Exchange, parts: Roles, client: int, *, is_evidence: bool) -> Markup:
    status = wording.status(exchange)
    summary = element(
        "summary",
        element("span", str(exchange.number), class_="number"),
        " ",
        element("span", exchange.request.method, class_="method"),
        " ",
        element("code", wording.place(exchange, parts.home)),
        " ",
        element("span", wording.sent(exchange), class_="sent"),
        " ",
        element("span", status, class_=f"status s{exchange.status // 100}"),
    )
    remarks = [element("li", remark) for remark in wording.remarks(exchange)]
    body = element(
        "div",
        element("ul", *remarks) if remarks else "",
        element("pre", *_lines(_request(exchange))),
        element("pre", *_lines(_response(exchange))),
        element("p", _about(exchange), class_="about"),
        id=f"x{exchange.number}",
        tabindex="-1",
    )
    return element(
        "details",
        summary,
        body,
        class_="exchange evidence" if is_evidence else "exchange",
        data_number=str(exchange.number),
        data_client=str(client),
        data_status=str(exchange.status // 100),
    )


def _lines(lines: Iterable[str]) -> Iterator[Markup]:
    return (joined(line, Markup("\n")) for line in lines)


def _request(exchange: Exchange) -> Iterator[str]:
    yield f"{exchange.request.method} {exchange.request.url}"
    yield from (f"{name}: {value}" for name, value in exchange.request.headers[:_HEADERS])
    if exchange.request.size:
        yield f"({counted(exchange.request.size, 'byte')} of body, not stored)"


def _response(exchange: Exchange) -> Iterator[str]:
    if exchange.response is None:
        yield "no answer"
        return
    yield f"{exchange.status}"
    yield from (f"{name}: {value}" for name, value in exchange.response.headers[:_HEADERS])
    if exchange.response.text:
        yield exchange.response.text
    if exchange.response.size:
        yield f"({counted(exchange.response.size, 'byte')} of body)"


def _about(exchange: Exchange) -> str:
    connection = exchange.connection
    words = [
        f"{round((exchange.finished - exchange.started) * 1000)} ms" if exchange.finished > exchange.started else "",
        connection.http_version or "",
        connection.tls_version or "",
        f"connection {connection.id}" if connection.id else "",
    ]
    return " · ".join(word for word in words if word)
