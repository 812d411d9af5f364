"""What follows from a journal is found out once, and forgotten with it."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace

from kit import values
from regauth_core.model.journal import Journal
from regauth_core.report.derived import once


def test_a_journal_is_looked_at_once() -> None:
    """A changed copy is another journal, even where it is equal."""
    asked: list[int] = []

    @once
    def length(journal: Journal) -> int:
        asked.append(id(journal))
        return len(journal.exchanges)

    journal = values.journal([values.exchange(1, "GET", "/v2/", 200, target=values.PING)])
    copy = replace(journal)
    assert [length(journal), length(journal), length(copy), length(replace(journal, exchanges=()))] == [1, 1, 1, 0]
    assert asked[:2] == [id(journal), id(copy)] and len(asked) == 3


def test_a_journal_is_not_held() -> None:
    """What was found out about a journal goes with it."""

    class Found:
        pass

    @once
    def found(journal: Journal) -> Found:
        return Found()

    journal = values.journal([])
    gone = weakref.ref(journal), weakref.ref(found(journal))
    del journal
    gc.collect()
    assert [one() for one in gone] == [None, None]
