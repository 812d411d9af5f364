"""The last look at what is about to be told: no secret that was ever seen may be in it.

First at the values, before a report cuts, folds or marks them up and so breaks a secret into pieces that nobody would
recognise; then at the finished text. What cannot be put right is not told at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any, Final, TypeVar

from regauth_core.edge.trouble import Trouble
from regauth_core.model import Journal
from regauth_core.redact import Redactor
from regauth_core.report import jsontext, structure

REFUSAL: Final = "not written: a secret that was seen is also a part of the format itself and cannot be taken out"
_T = TypeVar("_T")


def swept_journal(journal: Journal, redactor: Redactor) -> Journal:
    """`journal` without any secret that `redactor` remembers; it tells how many places had to be replaced."""
    if not redactor.sweep(jsontext.encode(journal, indent=-1))[1]:
        return journal
    count = 0

    def sweep(value: str) -> str:
        nonlocal count
        swept, found = redactor.sweep(value)
        count += found
        return swept

    return with_late(_swept(journal, sweep), count)


def with_late(journal: Journal, count: int) -> Journal:
    """`journal` with `count` more replacements by the final sweep."""
    figures = journal.redaction
    return replace(journal, redaction=replace(figures, late=figures.late + count)) if figures and count else journal


def swept_report(render: Callable[[Journal], str], journal: Journal, name: str, redactor: Redactor) -> str:
    """What `render` makes of a journal, swept. Raises `Trouble` where that breaks the format that `name` ends in."""
    before = render(journal)
    after, late = redactor.sweep(before)
    if late:
        # The report says how many secrets only the last look found.
        before = render(with_late(journal, late))
        after, _ = redactor.sweep(before)
        if not structure.is_kept(name, before, after):
            raise Trouble(REFUSAL)
    return after


def _swept(value: _T, sweep: Callable[[str], str]) -> _T:
    """`value` with `sweep` applied to every text in it; what does not change is the same object."""
    held: Any = value
    swept: Any = held
    if isinstance(held, Enum):
        pass
    elif isinstance(held, str):
        swept = sweep(held)
    elif isinstance(held, tuple):
        items = tuple([_swept(item, sweep) for item in held])
        swept = held if all(one is other for one, other in zip(items, held, strict=True)) else items
    elif isinstance(held, dict):
        swept = {_swept(key, sweep): _swept(one, sweep) for key, one in held.items()}
    elif is_dataclass(held) and not isinstance(held, type):
        changed = {
            field.name: fresh
            for field in fields(held)
            if (fresh := _swept(before := getattr(held, field.name), sweep)) is not before
        }
        swept = replace(held, **changed) if changed else held
    return swept  # type: ignore[no-any-return]
