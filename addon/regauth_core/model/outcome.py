"""What came of everything together, and what to do next: one value, which every report shows in its way."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from regauth_core.model.finding import Confidence, Fault, Operation


class Verdict(StrEnum):
    """What came of everything together."""

    OK = "ok"
    NOT_LOGGED_IN = "not-logged-in"
    """A credential was needed, and none was sent."""
    NOT_AUTHENTICATION = "not-authentication"
    """Something failed, and authentication was not the reason, or nothing that was seen is."""
    REFUSED = "refused"
    REGAUTH_IN_THE_WAY = "regauth-in-the-way"
    """The client did not trust regauth's authority, or regauth changed what failed."""
    INCONCLUSIVE = "inconclusive"
    """The capture does not show it."""


class Open(StrEnum):
    """Why a verdict is inconclusive."""

    NOTHING_SEEN = "nothing-seen"
    """No request came by."""
    CAPTURE_CUT = "capture-cut"
    """The capture ends before the end was reached."""
    UNDECIDED = "undecided"
    """What was recorded fits several causes."""
    NOT_RECORDED = "not-recorded"
    """An answer is missing."""


class Step(StrEnum):
    """What a command to run next is for."""

    SHIM = "shim"
    """The same command; regauth rewrites the ping, and the client logs in by itself."""
    VERIFY = "verify"
    """The same command; regauth tries the credentials beside it."""
    LOGIN = "login"
    WHOAMI = "whoami"
    """Show which login the client finds."""
    OTHER_CLIENT = "other-client"
    ASK = "ask"
    """Ask the registry without the client."""
    AGAIN = "again"
    """The same command behind regauth once more."""
    WITHOUT_REGAUTH = "without-regauth"
    SET_UP = "set-up"
    """What lets the command, or the daemon behind it, be seen or reach its registry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NextCommand:
    """A command that a user can paste."""

    step: Step
    command: str
    """A shell line, made of the user's own words; what had to be redacted in them is an ellipsis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """The end of a report: what came of it, who has to act, and what to do now."""

    verdict: Verdict
    reason: Open | None
    """Why it is inconclusive; `None` where it is not."""
    fault: Fault | None
    """`None` where nobody has to act."""
    confidence: Confidence | None
    """How sure `fault` is; `None` where there is nothing to be sure of."""
    title: str
    """In one line."""
    advice: str
    """The one sentence that a user needs most; may be empty."""
    rule: str | None
    """The rule that says more."""
    exchanges: tuple[int, ...]
    """The few that carry it, at most three."""
    marked: int | None
    """The one of them that matters most."""
    mark: str
    """What is to be seen there, in a word or two."""
    next_commands: tuple[NextCommand, ...]
    """The most useful first."""
    operations: tuple[Operation, ...]
    left_out: int
    """Operations that are not listed."""
    status: int | None
    """The command's exit status, where there was a command."""
