"""What a rule is. One rule is one file: the docstring is its manual page, `RULE` its header, `matches` its logic."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from regauth_core.conversation.conversation import Conversation
from regauth_core.model import Exchange
from regauth_core.model.finding import Confidence, Fault, Reason, Reference, Severity


class Family(StrEnum):
    """The chapters of the manual."""

    UNANSWERED = "challenges not answered"
    REGISTRY = "challenges and other answers of the registry"
    SCOPE = "scope"
    TOKEN_LIFE = "token life and reuse"
    EXCHANGE = "token exchange"
    CREDENTIALS = "credentials"
    LEAK = "leaked credentials"
    PROXY = "proxies, limits and the rest"


class Level(StrEnum):
    """How binding the requirement behind a rule is."""

    MUST = "must"
    SHOULD = "should"
    INTEROP = "interop"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """What a rule found in one conversation. A value of `None` is taken from the rule's header."""

    exchanges: tuple[Exchange, ...]
    """The evidence: the exchange that set the expectation, the refusals, the wrong or repeated requests."""
    title: str
    explanation: str
    client_author: str
    user: str
    severity: Severity | None = None
    fault: Fault | None = None
    cause: str | None = None
    confidence: Confidence = Confidence.HIGH
    because: str = "every exchange that it is based on is in the capture"
    """Why the confidence is what it is."""
    undecided: tuple[Reason, str] | None = None
    """Where there is one, the match is not a finding: it is undecided, for this reason."""
    rests_on_absence: bool = True
    """A later exchange could have refuted it: less certain where a file simply ends, undecided where the capture"
    " is cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The facts at the top of a rule's file, below its manual page."""

    name: str
    family: Family
    severity: Severity
    fault: Fault
    level: Level
    references: tuple[Reference, ...]
    seen: tuple[str, ...]
    """Public reports of it, such as ``containers/skopeo#2502``."""
    signs: int
    """It runs on a conversation that shows one of these signs (`signs`)."""
    at_once: bool = False
    """It is certain with the exchange that completes it, `Conversation.latest`, and does not run again at the end."""
    stands_alone: bool = False
    """It is reported beside the root cause, not instead of it."""
    is_provable: bool = False
    """Sending what a correct client would have sent shows whether its finding is right."""
    accounts: bool = True
    """Its finding explains the failures among its evidence."""
    counts_anyway: bool = False
    """It is as grave where the client got over the failures among its evidence."""
    yields: bool = False
    """It is silent where an answer among its evidence states a reason that does not concern authentication."""
    is_last: bool = False
    """It runs only on what no other rule accounts for (`Conversation.unaccounted`)."""
    beside: frozenset[str] = frozenset()
    """Root causes beside which it is reported as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(Header):
    """A rule: its header, its logic and its manual page."""

    matches: Callable[[Conversation], Iterable[Match]]
    """What it finds in a conversation, which it does not change."""
    manual: str
    """The docstring of its module: first line, then paragraphs."""

    @property
    def means(self) -> str:
        """What it means, in one sentence."""
        return self.manual.strip().partition("\n")[0]
