"""What a rule finds does not depend on how much of an answer's words may be shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from kit.notation import Talk, conversations
from regauth_core.diagnosis.diagnoser import Diagnoser
from regauth_core.model import Exchange
from regauth_core.redaction.redactor import Redactor

TALKS = conversations()


def without_words(exchange: Exchange) -> Exchange:
    """The exchange with the words of its answer hidden."""
    response = exchange.response
    if response is None or not (response.errors or response.text):
        return exchange
    hidden = Redactor(b"k" * 32).text("-")
    errors = tuple(replace(error, message=hidden) for error in response.errors)
    return replace(exchange, response=replace(response, errors=errors, text=hidden if response.text else None))


def found(talk: Talk, exchanges: Iterable[Exchange]) -> list[tuple[object, ...]]:
    """What is said of the exchanges, without its sentences."""
    diagnoser = Diagnoser(quiet_time=talk.quiet, credentials_known=talk.known)
    for exchange in exchanges:
        diagnoser.add(exchange)
    findings = diagnoser.finish(talk.ending).findings
    return [(f.rule, f.cause, f.severity, f.fault, f.confidence, f.exchanges) for f in findings]


@pytest.mark.parametrize(
    "talk",
    [t for t in TALKS if any(w.status and w.status >= 400 and w.response_body for w in t.wires)],
    ids=lambda t: t.name,
)
def test_hidden_words_change_nothing(talk: Talk) -> None:
    """The reasons that an answer states are read before its words are hidden."""
    exchanges = list(talk.exchanges())
    assert found(talk, map(without_words, exchanges)) == found(talk, exchanges)
