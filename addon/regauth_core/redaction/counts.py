"""Counts what was kept and what was replaced in exchanges of which nobody counted it when they were recorded."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from regauth_core.model import Exchange
from regauth_core.model.journal import Redaction

_MARK = re.compile(r"<\w{1,8}:[0-9a-f]{8}>")
_PRINT = re.compile(r"(?:tok|pw|sig|cookie):[0-9a-f]{8}")


def counted(exchanges: Iterable[Exchange]) -> Redaction:
    """The figures that can still be told from redacted exchanges; what only a sweep replaced cannot."""
    hosts: set[str] = set()
    repositories: set[str] = set()
    prints: set[str] = set()
    values = bodies = 0
    for exchange in exchanges:
        hosts.add(exchange.origin.host)
        if exchange.target.repository is not None:
            repositories.add(exchange.target.repository)
        answer = exchange.response
        bodies += answer is not None and bool(answer.errors or answer.text or answer.token)
        text = msgspec.json.encode(exchange.request).decode() + msgspec.json.encode(answer).decode()
        prints.update(_PRINT.findall(text))
        headers = (*exchange.request.headers, *(answer.headers if answer is not None else ()))
        values += sum(len(_MARK.findall(value)) for value in (exchange.request.url, *(value for _, value in headers)))
    return Redaction(
        secrets=len(prints), values=values, hosts=len(hosts), repositories=len(repositories), bodies=bodies
    )


def together(one: Redaction | None, other: Redaction | None) -> Redaction | None:
    """The figures of two recordings; of names that both may have, only those of the one with more are counted."""
    if one is None or other is None:
        return one or other
    return Redaction(
        secrets=one.secrets + other.secrets,
        values=one.values + other.values,
        hosts=max(one.hosts, other.hosts),
        repositories=max(one.repositories, other.repositories),
        bodies=one.bodies + other.bodies,
        late=one.late + other.late,
        pseudonyms=max(one.pseudonyms, other.pseudonyms),
    )
