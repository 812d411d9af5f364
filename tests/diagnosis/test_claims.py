"""What a finding says is what the conversation shows, and stays so when something of it is taken away."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given, settings

from kit.claims import wrong
from kit.evidence import EVIDENCE
from kit.mutations import mutations
from kit.notation import Talk, conversations, read
from kit.random_conversations import lines
from regauth_core.rules import all_rules

TALKS = conversations()
SEED = 14
PARTS = 8
IN_EACH = 180


def test_each_rule_says_what_its_evidence_shows() -> None:
    """The table of claims has a row for each rule, and no other."""
    rules = {rule.name for rule in all_rules()}
    assert sorted(rules - set(EVIDENCE)) == [], "rules without a row in EVIDENCE of tests/kit/evidence.py"
    assert sorted(set(EVIDENCE) - rules) == [], "rows of EVIDENCE in tests/kit/evidence.py that are not a rule's"


@pytest.mark.parametrize("talk", TALKS, ids=lambda talk: talk.name)
def test_what_is_said_of_a_conversation_is_shown(talk: Talk) -> None:
    """Every sentence about an exchange, a login, a name or an account is in the bytes; no two contradict."""
    assert wrong(talk) == []


@pytest.mark.parametrize("part", range(PARTS))
def test_what_is_said_stays_true_when_something_is_taken_away(part: int) -> None:
    """One exchange, header, parameter, field or answer less: nothing is said that is no longer shown.

    A sample with a fixed seed; `tests/fuzz/mutations.py` takes as many as you let it.
    """
    chosen = random.Random(SEED + part)  # noqa: S311
    found: Counter[str] = Counter()
    for talk in chosen.choices(TALKS, [len(t.wires) for t in TALKS], k=IN_EACH):
        what, less = chosen.choice(list(mutations(talk)))
        found.update(f"{what}: {complaint}" for complaint in wrong(less))
    assert found == {}


@settings(max_examples=200, deadline=None, derandomize=True)
@given(lines("one", ("foo", "bar")), lines("two", ("foo",)))
def test_what_is_said_of_any_conversation_is_shown(first: list[str], second: list[str]) -> None:
    """Whatever two clients say and hear."""
    assert wrong(read("\n".join([*first, *second]), "generated")) == []
