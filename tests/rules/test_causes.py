"""The causes of a rule: its manual page lists them, a conversation shows each, and each has its own advice."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cache
from itertools import combinations
from typing import Final

import pytest

from kit.notation import conversations
from regauth_core.model.finding import Advice
from regauth_core.model.withheld import Withheld
from regauth_core.rules import all_rules, manual
from regauth_core.rules.base import Rule
from regauth_core.rules.unexplained import Cause

_OF_OTHERS: Final = "other rules explain every such failure that is known; this is for one that they miss"
NOT_SHOWN_YET: Final = {
    ("credentials-withheld", "userinfo"): "a trace replaces the user in a realm, which then is not read as a URL again",
    ("refused-unexplained", "connection-lost"): "the notation has no connection that the server breaks, nor has HAR",
    ("refused-unexplained", "token-missing"): "what alone leads there is not recorded as a registry's traffic",
    ("refused-unexplained", "page"): _OF_OTHERS,
    ("refused-unexplained", "proxy-asks"): _OF_OTHERS,
    ("refused-unexplained", "token-refused-anonymously"): _OF_OTHERS,
}
"""Causes that no conversation shows, and why."""

_NAMES: Final = re.compile(r"https?://[^\s,;]+|[\w-]+(?:\.[\w-]+)+(?::\d+)?|\d+")
"""Addresses, hosts and numbers."""


def _words(advice: Advice) -> tuple[str, str]:
    """What is said to the user and to the client's author, whichever host it is about."""
    return _NAMES.sub("…", advice.user), _NAMES.sub("…", advice.client_author)


@cache
def _shown() -> dict[str, dict[str | None, dict[tuple[str, str], str]]]:
    """By rule and cause, each advice that a conversation leads to, with the name of one that does."""
    shown: dict[str, dict[str | None, dict[tuple[str, str], str]]] = defaultdict(lambda: defaultdict(dict))
    for talk in conversations():
        for finding in talk.diagnosis().findings:
            shown[finding.rule][finding.cause].setdefault(_words(finding.advice), talk.name)
    return shown


def _rules() -> pytest.MarkDecorator:
    return pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.name)


@_rules()
def test_the_causes_of_the_manual_page_are_those_that_are_found(rule: Rule) -> None:
    """Each has a conversation, or a reason why it has none yet; one that is not listed cannot be looked up."""
    listed = manual.causes(rule)
    shown = {str(cause) for cause in _shown()[rule.name] if cause is not None}
    missing = {cause for name, cause in NOT_SHOWN_YET if name == rule.name}
    assert len(set(listed)) == len(listed)
    assert sorted(shown - set(listed)) == [], f"causes that `Causes:` does not list in the docstring of {rule.name}"
    assert sorted(set(listed) - shown) == sorted(missing), f"causes without a conversation in {rule.name}/"


@_rules()
def test_each_cause_has_its_own_advice(rule: Rule) -> None:
    """Two causes do not say the same to the user and the same to the client's author."""
    shared = [
        f"{first} ({one[advice]}) and {second} ({other[advice]}): {advice}"
        for (first, one), (second, other) in combinations(_shown()[rule.name].items(), 2)
        for advice in one.keys() & other.keys()
    ]
    assert shared == []


@pytest.mark.parametrize(("name", "causes"), [("credentials-withheld", Withheld), ("refused-unexplained", Cause)])
def test_the_causes_of_a_closed_set_are_all_listed(name: str, causes: type[Withheld | Cause]) -> None:
    """A new member needs its line on the page, and so a conversation and its advice."""
    (rule,) = (rule for rule in all_rules() if rule.name == name)
    assert sorted({str(cause) for cause in causes} - set(manual.causes(rule))) == []
