"""The manual of the rules comes from the rules, and says what a reader wants to know."""

from __future__ import annotations

import pytest

from regauth_core.rules import ROOT_CAUSES_FIRST, all_rules, manual
from regauth_core.rules.base import Rule


def test_every_rule_is_there() -> None:
    """Each module that is listed is a rule of that name, and each name is listed once."""
    assert [r.name.replace("-", "_") for r in all_rules()] == list(ROOT_CAUSES_FIRST)
    assert len(set(ROOT_CAUSES_FIRST)) == len(ROOT_CAUSES_FIRST)


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.name)
def test_page_says_what_is_to_be_known(rule: Rule) -> None:
    """What it means, what fires it, what does not, what to do, who is at fault, the clause, and real reports."""
    page = manual.page(rule)
    for part in ("Fires when:", "Silent when:", "What to do:", f"fault {rule.fault}.", "Rests on:", "Seen in:"):
        assert part in page, f"rules/{rule.name.replace('-', '_')}.py: expected {part!r} in the docstring or RULE"
    assert rule.references
    assert "owner/project#1" not in rule.seen, "`seen` is still that of the TEMPLATE"
    assert rule.means.endswith(".")


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.name)
def test_page_leaves_words_whole(rule: Rule) -> None:
    """A cause that is searched for stands in one line; code has the quotes of Markdown."""
    page = manual.page(rule)
    assert "``" not in page
    assert [line for line in page.splitlines() if line.endswith("-")] == []


@pytest.mark.parametrize("width", [60, 80])
def test_manual_fits_the_width(width: int) -> None:
    """Everything but addresses is broken into lines."""
    text = manual.listing(all_rules(), width) + "".join(manual.page(r, width) for r in all_rules())
    words = [line for line in text.splitlines() if "http" not in line and len(line) > width]
    assert [line for line in words if not line.startswith(("  ", "Default:"))] == []


def test_listing_names_every_rule() -> None:
    """With what it means, below its chapter."""
    listing = manual.listing(all_rules())
    assert all(f"  {rule.name}  (" in listing for rule in all_rules())
