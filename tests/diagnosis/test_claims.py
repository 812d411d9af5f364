"""What a finding says is what the conversation shows, and stays so when something of it is taken away."""

from __future__ import annotations

import random
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings

from kit.claims import wrong
from kit.evidence import EVIDENCE
from kit.mutations import mutations
from kit.notation import Talk, conversations, read
from kit.played_client import FILES, PlayedClient, scenario_of
from kit.random_conversations import lines
from regauth_core.edge.inputs.har import SavedHar
from regauth_core.recording.observe import Wire
from regauth_core.rules import all_rules

TALKS = conversations()
SEED = 14
PARTS = 8
IN_EACH = 180
IN_EACH_ELSEWHERE = 15
REPORTS = sorted((Path(__file__).parents[1] / "reports").glob("*.har"))


@cache
def elsewhere() -> list[Talk]:
    """What no file of `tests/conversations` has: the conversations of public reports, and of the shipped scenarios."""
    reported = [Talk(f.stem, [w for _, w in SavedHar(f).items() if isinstance(w, Wire)]) for f in REPORTS]
    return [*reported, *(Talk(f.stem, PlayedClient(scenario_of(f)).wires) for f in FILES)]


def less(talks: list[Talk], part: int, count: int) -> Counter[str]:
    """What is untrue of a sample of conversations with one thing less."""
    chosen = random.Random(SEED + part)  # noqa: S311
    found: Counter[str] = Counter()
    for talk in chosen.choices(talks, [len(t.wires) for t in talks], k=count):
        what, changed = chosen.choice(list(mutations(talk)))
        found.update(f"{what}: {complaint}" for complaint in wrong(changed))
    return found


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
    assert less(TALKS, part, IN_EACH) == {}


@pytest.mark.parametrize("part", range(PARTS))
def test_what_is_said_of_reports_and_scenarios_stays_true(part: int) -> None:
    """The same of conversations whose clients and registries are not those of the notation."""
    assert less(elsewhere(), part, IN_EACH_ELSEWHERE) == {}


def test_what_is_said_of_reports_and_scenarios_is_shown() -> None:
    """With nothing less; and something is said of most reports, so the sample above is of findings."""
    talks = elsewhere()
    assert {talk.name: complaints for talk in talks if (complaints := wrong(talk))} == {}
    assert sum(bool(talk.diagnosis().findings) for talk in talks) > len(REPORTS) / 2


@settings(max_examples=200, deadline=None, derandomize=True)
@given(lines("one", ("foo", "bar")), lines("two", ("foo",)))
def test_what_is_said_of_any_conversation_is_shown(first: list[str], second: list[str]) -> None:
    """Whatever two clients say and hear."""
    assert wrong(read("\n".join([*first, *second]), "generated")) == []
