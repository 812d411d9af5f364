"""Which files are rules: those that are listed, whole, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import regauth_core.rules as package
from kit.notation import read
from regauth_core.conversation.tracking import Tracker
from regauth_core.rules.base import Rule

TEMPLATE = Path(package.__file__).with_name("TEMPLATE").read_text("utf-8")
MANIFEST = "GET https://registry.test:5443/v2/foo/manifests/1"
IGNORED = f"{MANIFEST}  -  -> 401 challenge Basic realm=r\n"
ANSWERED = f"{IGNORED}{MANIFEST}  basic(alice)  -> 200\n"


@pytest.fixture(autouse=True)
def loaded_anew() -> Iterator[None]:
    """Rules are loaded once; not so here."""
    package.all_rules.cache_clear()
    yield
    package.all_rules.cache_clear()


def rule_of(source: str) -> Rule:
    """The rule in a module with this source."""
    module = ModuleType("template")
    exec(compile(source, "TEMPLATE", "exec"), module.__dict__)  # noqa: S102  (a file of this package)
    return package.loaded(module)


@pytest.mark.parametrize(("text", "count"), [(IGNORED, 1), (ANSWERED, 0)])
def test_the_template_is_a_rule(text: str, count: int) -> None:
    """It loads as every other rule does, and finds what its page says."""
    rule = rule_of(TEMPLATE)
    tracker = Tracker()
    for exchange in read(text, "template").exchanges():
        tracker.add(exchange)
    (conversation,) = tracker.open()
    found = list(rule.matches(conversation))
    assert len(found) == count
    assert rule.means.endswith(".")
    # As other tests of all rules demand: who copies it has nothing to mend.
    assert all("registry.test:5443" in match.title and len(match.title) < 70 for match in found)


@pytest.mark.parametrize("part", ['"""What goes', "RULE = Header(", "def matches"])
def test_a_rule_that_lacks_a_part_is_an_error(part: str) -> None:
    """The error names the module and what was expected."""
    spoilt = {
        '"""What goes': TEMPLATE[TEMPLATE.index("from __future__") :],
        "RULE = Header(": TEMPLATE.replace("RULE =", "HEADER ="),
    }
    with pytest.raises(ValueError, match="template: expected a docstring, RULE"):
        rule_of(spoilt.get(part, TEMPLATE.replace("def matches", "def found")))


def test_a_rule_that_is_not_listed_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise nobody would ask it, and nothing would say so."""
    monkeypatch.setattr(package, "ROOT_CAUSES_FIRST", package.ROOT_CAUSES_FIRST[1:])
    with pytest.raises(ValueError, match=r"there and not listed: \[.proxy_auth_required.\]"):
        package.all_rules()


def test_a_rule_that_is_listed_and_missing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names it."""
    monkeypatch.setattr(package, "ROOT_CAUSES_FIRST", (*package.ROOT_CAUSES_FIRST, "no_such_rule"))
    with pytest.raises(ValueError, match=r"listed and missing: \['no_such_rule'\]"):
        package.all_rules()
