"""What a program decides hangs on values, never on sentences: not on the other side's, and not on regauth's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kit.notation import Talk, conversations
from regauth_core.diagnosis.diagnoser import Diagnoser
from regauth_core.model import Change, ChangeKind, Diagnosis, Exchange, Safe

NOTHING = Safe("")


def without_words(exchange: Exchange) -> Exchange:
    """The exchange with every sentence taken out: of error bodies, of pages, of failures, of what was changed."""
    response, failure = exchange.response, exchange.failure
    if response is not None:
        errors = tuple(replace(error, message=NOTHING) for error in response.errors)
        response = replace(response, errors=errors, text=None if response.text is None else NOTHING)
    if failure is not None:
        failure = replace(failure, text=NOTHING)
    changes = tuple(replace(change, text=NOTHING) for change in exchange.changes)
    return replace(exchange, response=response, failure=failure, changes=changes)


def decided(diagnosis: Diagnosis) -> tuple[object, ...]:
    """All of a diagnosis that is not a sentence."""
    found = [(f.rule, f.cause, f.severity, f.fault, f.confidence, f.exchanges) for f in diagnosis.findings]
    return found, [(u.rule, u.reason, u.exchanges) for u in diagnosis.undecided]


def diagnosed(talk: Talk, exchanges: list[Exchange]) -> Diagnosis:
    """As `Talk.diagnosis`, of other exchanges."""
    diagnoser = Diagnoser(quiet_time=talk.quiet, credentials_known=talk.known)
    for exchange in exchanges:
        diagnoser.add(exchange)
    return diagnoser.finish(talk.ending)


@pytest.mark.parametrize("talk", conversations(), ids=lambda talk: talk.name)
def test_no_verdict_hangs_on_a_sentence(talk: Talk) -> None:
    """With every text taken out of the exchanges, rule, cause, fault, severity and evidence are the same."""
    exchanges = list(talk.exchanges())
    assert decided(diagnosed(talk, list(map(without_words, exchanges)))) == decided(diagnosed(talk, exchanges))


@pytest.mark.parametrize("kind", ChangeKind)
def test_what_regauth_changed_is_known_by_its_kind(kind: ChangeKind) -> None:
    """Whether a client may be blamed for an exchange hangs on the kind of what was changed."""
    (exchange, *_) = conversations()[0].exchanges()
    changed = replace(exchange, changes=(Change(kind, Safe("regauth changed it")), Change(kind, NOTHING)))
    assert changed.is_altered is kind.is_ours
