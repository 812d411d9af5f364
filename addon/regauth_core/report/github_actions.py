"""The verdict as a workflow command of GitHub Actions, which shows it beside the run and at the pull request."""

from __future__ import annotations

from typing import Final

from regauth_core.model.journal import Journal
from regauth_core.model.outcome import Verdict
from regauth_core.report.outcome import conclusion
from regauth_core.report.text import visible

_LEVELS: Final = {Verdict.REFUSED: "error", Verdict.NOT_LOGGED_IN: "error"}


def annotation(journal: Journal) -> str | None:
    """One line, without its end; `None` where nothing is wrong."""
    told = conclusion(journal)
    if told.verdict is Verdict.OK and told.fault is None:
        return None
    text = visible(" ".join(part for part in (f"{told.title}.", told.advice) if part))
    level = _LEVELS.get(told.verdict, "warning")
    # A percent sign would begin an escape, and a line of another's text a command.
    return f"::{level} title=regauth::" + text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
