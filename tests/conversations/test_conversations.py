"""Every recorded conversation gives the findings that its file expects, and nothing else."""

from pathlib import Path

import pytest

from kit.talk import Talk, complaints, read
from regauth_core.rules import all_rules

FOLDER = Path(__file__).parents[1] / "conversations"
TALKS = [read(p.read_text(), str(p.relative_to(FOLDER).with_suffix(""))) for p in sorted(FOLDER.rglob("*.talk"))]


@pytest.mark.parametrize("talk", TALKS, ids=lambda talk: talk.name)
def test_conversation_gives_what_it_expects(talk: Talk) -> None:
    """Rule, severity, fault, repository and evidence are as noted, and no other finding of weight appears."""
    assert complaints(talk, talk.diagnosis()) == []


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.name)
def test_rule_is_proven_both_ways(rule: object) -> None:
    """Each rule has a conversation that fires it, and a similar one on which it is silent."""
    name = getattr(rule, "name")  # noqa: B009
    assert any(e.rule == name for talk in TALKS for e in talk.expected)
    assert any(name in talk.near for talk in TALKS)
