"""What must hold for every conversation, whatever is in it."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from kit.notation import read
from kit.random_conversations import lines
from regauth_core.diagnosis.diagnoser import Diagnoser
from regauth_core.model import Exchange
from regauth_core.model.finding import Diagnosis, Finding
from regauth_core.model.journal import Ending


def exchanges(text: Iterable[str]) -> list[Exchange]:
    """What the core sees of such lines."""
    return list(read("\n".join(text), "generated").exchanges())


def diagnosis(seen: Iterable[Exchange], ending: Ending = Ending.GONE) -> Diagnosis:
    """What is said of exchanges that came one by one."""
    diagnoser = Diagnoser()
    for exchange in seen:
        diagnoser.add(exchange)
    return diagnoser.finish(ending)


def told(findings: Iterable[Finding]) -> set[tuple[object, ...]]:
    """Findings without the client's number."""
    return {(f.rule, f.severity, f.fault, f.cause, f.registry, f.repository, f.exchanges) for f in findings}


@settings(max_examples=300, deadline=None)
@given(lines("one", ["alpha", "beta"]), lines("two", ["gamma", "delta"]), st.randoms(use_true_random=False))
def test_interleaving_changes_nothing(first: list[str], second: list[str], random: object) -> None:
    """Each of two clients gets the findings that it gets alone, however their conversations interleave."""
    one, two, both = [x for x in first if x[0] != "+"], [x for x in second if x[0] != "+"], []
    while one or two:
        both.append((one if one and (not two or random.random() < 0.5) else two).pop(0))  # type: ignore[attr-defined]
    seen = exchanges(both)
    together = diagnosis(seen)
    for client in together.clients:
        alone = diagnosis(e for e in seen if e.sender.user_agent == client.user_agent)
        assert told(alone.findings) == told(f for f in together.findings if f.client == client.id)


@settings(max_examples=300, deadline=None)
@given(lines("one", ["alpha", "beta"]), st.data())
def test_cut_accuses_nobody(text: list[str], data: st.DataObject) -> None:
    """A capture that breaks off gives no warning or error that the whole capture would not give."""
    seen = exchanges(text)
    cut = diagnosis(seen[: data.draw(st.integers(0, len(seen)))], Ending.CUT)
    whole = {(f.rule, f.repository) for f in diagnosis(seen).findings}
    assert {(f.rule, f.repository) for f in cut.findings if f.severity != "info"} <= whole


@settings(max_examples=300, deadline=None)
@given(lines("one", ["alpha", "beta"]), st.randoms(use_true_random=False), st.sampled_from(Ending))
def test_any_order_is_taken(text: list[str], random: object, ending: Ending) -> None:
    """Exchanges that come out of order, or twice, raise nothing, and every finding points to exchanges that came."""
    seen = exchanges(text)
    random.shuffle(seen)  # type: ignore[attr-defined]
    found = diagnosis([*seen, *seen[:1]], ending)
    numbers = {e.number for e in seen}
    shown = [f.exchanges for f in found.findings] + [u.exchanges for u in found.undecided]
    assert all(evidence and set(evidence) <= numbers for evidence in shown)
