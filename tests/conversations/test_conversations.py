"""Every recorded conversation gives the findings that its file expects, and nothing else."""

import pytest

from kit.notation import Talk, complaints, conversations
from regauth_core.model import Exchange
from regauth_core.rules import all_rules

TALKS = conversations()


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


def _shortened(title: str, exchanges: tuple[Exchange, ...]) -> str:
    """The title as it reads for ``registry.test/foo``: long names of hosts and repositories are not its fault."""
    names = {e.origin.host: "registry.test" for e in exchanges}
    names |= {r: "foo" for e in exchanges for r in (e.target.repository, e.target.mount_from) if r}
    for name in sorted(names, key=len, reverse=True):
        if len(name) > len(names[name]):
            title = title.replace(name, names[name])
    return title


@pytest.mark.parametrize("talk", TALKS, ids=lambda talk: talk.name)
def test_titles_are_short(talk: Talk) -> None:
    """A title has less than 70 characters."""
    exchanges = tuple(talk.exchanges())
    titles = [f.title for f in talk.diagnosis().findings]
    assert [title for title in titles if len(_shortened(title, exchanges)) >= 70] == []
