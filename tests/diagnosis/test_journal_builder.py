"""The journal of what happened, whoever reports the events."""

from __future__ import annotations

import pytest

from kit.values import BEGIN, exchange
from regauth_core.diagnosis.diagnoser import Diagnoser
from regauth_core.diagnosis.journal_builder import JournalBuilder
from regauth_core.model import Endpoint, Exchange, Sender, Target
from regauth_core.model.journal import Break, Ending, Environment, Gone, Journal

HERE = Environment(regauth="1")


def ping(number: int) -> Exchange:
    """The ping of a client that got in."""
    return exchange(number, "GET", "/v2/", 200, target=Target(endpoint=Endpoint.PING))


def builder(most: int = 10) -> JournalBuilder:
    """One that holds at most `most` of everything."""
    return JournalBuilder(
        quiet_time=1.0, most_exchanges=most, most_others=most, describe_error=lambda error: type(error).__name__
    )


def finished(made: JournalBuilder, *notes: str) -> Journal:
    """All that it was given."""
    return made.journal(Ending.CLEAN, HERE, None, notes=notes)


def test_the_newest_are_held_and_the_rest_is_counted() -> None:
    """In the order of their numbers, whatever the order of their ends."""
    made = builder(2)
    for number in (1, 3, 2):
        made.add(ping(number))
    journal = finished(made)
    assert [one.number for one in journal.exchanges] == [2, 3]
    assert (journal.left_out, journal.diagnosis.exchanges, set(journal.clients_of)) == (1, 3, {2, 3})


def test_every_event_is_in_the_capture() -> None:
    """With them the same exchanges give the same findings again."""
    made = builder()
    events = Gone(Sender(), BEGIN), Break(BEGIN, Ending.CUT)
    for event in events:
        made.add(event)
    capture = finished(made).capture
    assert capture is not None
    assert (*capture.gone, *capture.breaks) == events
    assert (capture.ending, capture.quiet_time) == (Ending.CLEAN, 1.0)


def test_a_journal_of_what_goes_on_changes_nothing() -> None:
    """A look in between, and then more."""
    made = builder()
    made.add(ping(1))
    before = made.journal(Ending.STOPPED, HERE, None, goes_on=True)
    made.add(ping(2))
    assert (len(before.exchanges), len(finished(made).exchanges)) == (1, 2)


def test_an_error_of_ours_costs_a_part_of_the_diagnosis(monkeypatch: pytest.MonkeyPatch) -> None:
    """It becomes a note, counted, behind what the input says; the exchanges are there."""

    def fails(*_: object) -> None:
        raise KeyError("swordfish")

    made = builder()
    monkeypatch.setattr(Diagnoser, "add", fails)
    made.add(ping(1))
    monkeypatch.setattr(Diagnoser, "finish", fails)
    journal = finished(made, "the file breaks off")
    part = "a part of the diagnosis is missing because of an error in regauth (KeyError) (2 times)"
    assert journal.diagnosis.notes == ("the file breaks off", part)
    assert len(journal.exchanges) == 1
