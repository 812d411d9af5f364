"""The manual of the rules as text for a terminal, made from the rules themselves."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from typing import Final

from regauth_core.rules.base import Family, Rule

_CAUSE: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_ASIDE: Final = re.compile(r"\([^()]*\)")


def listing(rules: Sequence[Rule], width: int = 80) -> str:
    """Every rule with what it means, by chapter, in lines of at most `width` columns."""
    lines: list[str] = []
    for family in Family:
        chapter = [r for r in rules if r.family is family]
        if not chapter:
            continue
        lines += [*([""] if lines else []), family.capitalize(), ""]
        for rule in chapter:
            lines.append(f"  {rule.name}  ({rule.severity}, {rule.fault})")
            lines += _wrapped(rule.means, width, "      ")
    return "\n".join(lines) + "\n"


def page(rule: Rule, width: int = 80) -> str:
    """The manual page of one rule in lines of at most `width` columns."""
    paragraphs = rule.manual.strip().split("\n\n")
    lines = [rule.name, "=" * len(rule.name), ""]
    for paragraph in paragraphs:
        lines += [*_wrapped(paragraph, width), ""]
    lines += [f"Default: {rule.severity}, fault {rule.fault}. Requirement level: {rule.level}.", ""]
    lines.append("Rests on:")
    for reference in rule.references:
        section = f"section {reference.section}" if reference.document.startswith("RFC") else f'"{reference.section}"'
        lines += [f"  {reference.document}, {section}", f"    {reference.url}"]
    if rule.seen:
        lines += ["", "Seen in:", *(f"  {_link(report)}" for report in rule.seen)]
    return "\n".join(lines) + "\n"


def causes(rule: Rule) -> tuple[str, ...]:
    """The causes that the manual of `rule` lists, in its order."""
    for paragraph in rule.manual.split("\n\n"):
        head, colon, rest = " ".join(paragraph.split()).partition(":")
        if colon and head == "Causes":
            plain = _ASIDE.sub("", rest)
            return tuple(
                word for part in re.split(r"[,;.]", plain) if (word := part.strip()) and _CAUSE.fullmatch(word)
            )
    return ()


def rules_with_cause(rules: Sequence[Rule], cause: str) -> list[Rule]:
    """The rules that have this cause."""
    return [rule for rule in rules if cause in causes(rule)]


def _wrapped(text: str, width: int, indent: str = "") -> list[str]:
    """A paragraph of a docstring in lines. A cause or a header's name is not broken: it is searched for and copied."""
    words = " ".join(text.split()).replace("``", "`")
    return textwrap.wrap(words, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)


def _link(report: str) -> str:
    """``owner/repository#1`` and ``owner/repository PR#1`` as the address of the thread; anything else as it is."""
    name, mark, number = report.replace(" PR#", "|").partition("|")
    if mark and number.isdigit():
        return f"https://github.com/{name}/pull/{number}"
    name, mark, number = report.partition("#")
    return f"https://github.com/{name}/issues/{number}" if mark and number.isdigit() and "/" in name else report
