"""The challenge is malformed: a part that its scheme requires is missing or cannot be read.

Fires when: a 401 carries Basic without a realm, Bearer without a realm or with one that is relative or not a URL, a
quoted string that never ends, or a line from which no challenge can be read; and the answer has no valid challenge.

Severity: error where a client that could have answered stopped there, warning where the client may have had no
credentials, info where it succeeded.

What to do: let the registry send what the scheme requires, for Bearer an absolute URL as realm; a client should accept
a Basic challenge without realm.

Silent when: values are unquoted, a scope is empty, service is missing, the scheme's case is odd, list elements are
empty or parameters unknown: all of this is legal, or every client accepts it.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.exchanges import is_anonymous
from regauth_core.conversation.recovery import is_final, is_foreign, refused_alike
from regauth_core.conversation.undecided import why_undecided_afterwards
from regauth_core.model import Challenge, Exchange, FlawKind
from regauth_core.model.finding import Fault, Severity
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page, rfc
from regauth_core.rules.wording import numbers, reference_of, where

RULE = Header(
    name="malformed-challenge",
    family=Family.REGISTRY,
    severity=Severity.WARNING,
    fault=Fault.REGISTRY,
    level=Level.MUST,
    references=(rfc(7617, "2"), rfc(6750, "3"), page("token", "How to authenticate")),
    seen=("GoogleContainerTools/jib#4032", "keygen-sh/keygen-api PR#926"),
    signs=signs.REFUSED,
)


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match with every answer whose challenge is malformed."""
    broken = [e for e in refused_alike(conversation, _is_broken) if not is_foreign(conversation, e)]
    if not broken:
        # Where repositories show the rest, the ping counts only if its challenge was understood.
        broken = [e for e in conversation.refused() if _is_broken(e) and conversation.responded_to(e)]
    if broken:
        first = next((e for e in broken if _stopped(conversation, e)), broken[0])
        yield _match(conversation, first, broken)


def _is_broken(exchange: Exchange) -> bool:
    return bool(_defects(exchange)) and not any(
        c.usable and not _defect(c) for c in (exchange.response.challenges if exchange.response else ())
    )


def _defects(exchange: Exchange) -> list[str]:
    response = exchange.response
    if response is None:
        return []
    found = [defect for c in response.challenges if (defect := _defect(c)) is not None]
    return [*found, "a line from which no challenge can be read"] if response.unreadable_challenge else found


def _defect(challenge: Challenge) -> str | None:
    realm = challenge.parameter("realm")
    if any(f.kind is FlawKind.UNTERMINATED_QUOTE for f in challenge.flaws):
        return f"{challenge.scheme} with a quoted string that never ends"
    if challenge.kind == "basic" and realm is None:
        return "Basic without a realm"
    if challenge.kind == "bearer":
        link = challenge.realm_link
        if not realm:
            return "Bearer without a realm"
        if link is None or link.origin is None:
            return "Bearer with a realm that is not an http(s) URL"
        if link.relative:
            return "Bearer with a realm that is a relative URL"
    return None


def _stopped(conversation: Conversation, refused: Exchange) -> bool:
    return is_anonymous(refused) and is_final(conversation, refused) and not conversation.responded_to(refused)


def _severity(conversation: Conversation, first: Exchange) -> Severity:
    if not _stopped(conversation, first) or conversation.was_served_after(first):
        return Severity.INFO
    challenges = first.response.challenges if first.response else ()
    lone = all(c.kind == "basic" for c in challenges) and challenges and not conversation.holds_credentials
    return Severity.WARNING if lone else Severity.ERROR


def _what_came(conversation: Conversation, first: Exchange) -> str:
    if _stopped(conversation, first):
        return " The client stopped there."
    return (
        " The client went on anyway."
        if conversation.responded_to(first) or conversation.was_served_after(first)
        else ""
    )


def _match(conversation: Conversation, first: Exchange, broken: list[Exchange]) -> Match:
    severity = _severity(conversation, first)
    what = " and ".join(dict.fromkeys(_defects(first)))
    return Match(
        exchanges=tuple(broken),
        severity=severity,
        title=f"the challenge of {reference_of(conversation)} is malformed",
        explanation=(
            f"{where(first)} was answered 401 ({numbers(broken)}) with {what}.{_what_came(conversation, first)}"
        ),
        client_author=(
            f"Accept a Basic challenge without a realm, and resolve a relative realm only against {first.origin}."
        ),
        user=(
            f'Report to the operator of {first.origin.authority} that it must send Basic realm="…", or for Bearer an'
            " absolute URL as realm."
        ),
        because="the header is in the capture as it was sent",
        undecided=None if severity is Severity.INFO else why_undecided_afterwards(conversation, first),
    )
