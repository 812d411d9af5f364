"""`--fail-on`: whether what was seen is good enough for a script, as an exit status."""

from __future__ import annotations

from typing import Final

from regauth_core.model.finding import Severity
from regauth_core.model.journal import Journal
from regauth_core.model.outcome import Verdict
from regauth_core.report.outcome import conclusion

FOUND: Final = 1
"""There is a finding of the level that was named, or above."""
NOT_SEEN: Final = 3
"""There is none, but what happened could not be seen or decided: that is not a pass."""
_OPEN: Final = frozenset({Verdict.INCONCLUSIVE, Verdict.REGAUTH_IN_THE_WAY})


def status(journal: Journal, level: Severity | None) -> int:
    """0 where `journal` passes, or no level was named; else `FOUND` or `NOT_SEEN`."""
    if level is None:
        return 0
    if any(finding.severity.rank >= level.rank for finding in journal.diagnosis.findings):
        return FOUND
    return NOT_SEEN if conclusion(journal).verdict in _OPEN else 0
