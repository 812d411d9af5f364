"""`regauth diagnose`: what saved traffic shows, by the same code as live traffic."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from regauth_core.diagnosis import Diagnoser
from regauth_core.edge.captures import Captures
from regauth_core.edge.recorder import MAX_EXCHANGES, environment
from regauth_core.model import Exchange, Journal
from regauth_core.redact import Redactor

QUIET_TIME = 30.0


def journal_of(
    paths: Sequence[Path],
    *,
    quiet_time: float | None = None,
    credentials_known: bool = False,
    most_exchanges: int = MAX_EXCHANGES,
) -> tuple[Journal, Redactor]:
    """What the files show together, and the redactor whose sweep the output has to pass.

    `quiet_time` in seconds, by default the trace's own; `most_exchanges` are held for showing, the newest. Raises
    `Trouble` where a file cannot be read or is none of the known kinds.
    """
    redactor = Redactor(secrets.token_bytes(32))
    captures = Captures(paths, redactor)
    quiet = max((head.quiet_time for head in captures.heads), default=QUIET_TIME) if quiet_time is None else quiet_time
    known = credentials_known or any(head.credentials_known for head in captures.heads)
    diagnoser = Diagnoser(quiet_time=quiet, credentials_known=known)
    held: deque[Exchange] = deque(maxlen=most_exchanges)
    count = 0
    for event in captures:
        if isinstance(event, Exchange):
            count += 1
            held.append(event)
            diagnoser.add(event)
        else:
            diagnoser.gone(event.sender)
    diagnosis = diagnoser.finish(captures.ending)
    journal = Journal(
        exchanges=tuple(sorted(held, key=lambda exchange: exchange.number)),
        clients_of={exchange.number: diagnoser.client_of_exchange(exchange) for exchange in held},
        diagnosis=replace(diagnosis, notes=(*diagnosis.notes, *captures.notes)),
        environment=captures.end.environment if captures.end is not None else environment(),
        redaction=redactor.summary(),
        left_out=count - len(held),
    )
    return journal, redactor
