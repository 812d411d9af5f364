"""What follows from a journal, found out once for as long as the journal lives."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from regauth_core.model.journal import Journal

_T = TypeVar("_T")


def once(derive: Callable[[Journal], _T]) -> Callable[[Journal], _T]:
    """`derive`, asked once for each journal: a journal never changes, and reports ask for the same again and again.

    What `derive` gives must not change either, and must not hold the journal.
    """
    # By identity: to compare or hash a journal would take as long as to derive anew.
    known: dict[int, tuple[weakref.ref[Journal], _T]] = {}

    @wraps(derive)
    def derived(journal: Journal) -> _T:
        number = id(journal)
        found = known.get(number)
        if found is not None and found[0]() is journal:
            return found[1]
        value = derive(journal)
        known[number] = weakref.ref(journal, lambda _: known.pop(number, None)), value
        return value

    return derived
