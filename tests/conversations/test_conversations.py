"""Every recorded conversation gives the findings that its file expects, and nothing else."""

import pytest

from kit.notation import Talk, complaints, conversations, in_words, read
from regauth_core.model import Exchange
from regauth_core.rules import all_rules
from regauth_core.rules.base import Rule

TALKS = conversations()


@pytest.mark.parametrize("talk", TALKS, ids=lambda talk: talk.name)
def test_conversation_gives_what_it_expects(talk: Talk) -> None:
    """Rule, severity, fault, repository and evidence are as noted, and no other finding of weight appears."""
    diagnosis = talk.diagnosis()
    wrong = complaints(talk, diagnosis)
    if wrong:
        pytest.fail("\n".join([*wrong, "", "What is said:", *in_words(diagnosis)]), pytrace=False)


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.name)
def test_rule_is_proven_both_ways(rule: Rule) -> None:
    """Each rule has a conversation that fires it, and a similar one on which it is silent."""
    folder = f"tests/conversations/{rule.name}"
    fires = any(e.rule == rule.name for talk in TALKS for e in talk.expected)
    assert fires, f"{folder}: no conversation with `expect: {rule.name} …`"
    assert any(rule.name in talk.near for talk in TALKS), f"{folder}: no conversation with `near: {rule.name}`"


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("expect: challenge-ignored", "rule, severity, fault"),
        ("expect: challenge-ignored error client reposytory=foo", "repository="),
        ("undecided: challenge-ignored somehow", "somehow"),
        ("ending: bad", "bad"),
        ("hopes: nothing", "unknown header"),
        ("GET /v2/ - 401", "neither a header nor an exchange"),
        ("GET /v2/ - -> 401 chalenge Basic", "unknown answer chalenge"),
        ("GET /v2/ - -> gone", "gone"),
        ("  tok 5s", "unknown detail"),
        ("+soon", "soon"),
    ],
)
def test_a_line_that_is_not_in_the_notation_is_an_error(line: str, complaint: str) -> None:
    """It names file, line and text, and says what was expected."""
    with pytest.raises(ValueError, match=f"(?s)^mine:3: .*{complaint}.*") as error:
        read(f"expect: nothing\nGET /v2/ - -> 200\n{line}\n", "mine")
    assert str(error.value).endswith(f": {line}")


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
