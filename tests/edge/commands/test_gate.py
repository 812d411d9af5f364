"""What `--fail-on` makes of a journal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from kit import journals, values
from regauth_core.edge.commands import gate
from regauth_core.model.finding import Severity
from regauth_core.model.journal import Journal


@pytest.mark.parametrize(
    ("make", "level", "status"),
    [
        (journals.correct, Severity.INFO, 0),
        (journals.per_repository, None, 0),
        (journals.per_repository, Severity.ERROR, gate.FOUND),
        (lambda: values.journal([]), None, 0),
        (lambda: values.journal([]), Severity.ERROR, gate.NOT_SEEN),
    ],
)
def test_what_saw_nothing_has_not_passed(make: Callable[[], Journal], level: Severity | None, status: int) -> None:
    """A finding has one status, and a capture that shows nothing another; without a level all is well."""
    journal = make()
    ended_well = replace(journal, environment=replace(journal.environment, status=0))
    assert gate.status(ended_well, level) == status
