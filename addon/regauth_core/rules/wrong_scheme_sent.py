"""The client keeps sending one scheme although the 401 names another.

Fires when: a request with a credential of one scheme got 401, that answer offers only other schemes which registry
clients understand (a 403 counts by the challenge before it), and afterwards the client neither contacted the realm it
names nor sent a credential of an offered scheme. Every further request refused in the same way is part of it. Info
where the client succeeded anyway.

Causes: ping-derived-auth (the ping before it was open, or asked for something else, and the client never read a
challenge again), preemptive (the credential was sent before any challenge).

What to do: do not change the password first: the scheme was refused; a registry can help by sending the repositories'
challenge with its ping; a client should choose the scheme again on every 401.

Silent when: a token exchange or the right scheme follows, which costs only a round trip; a credential that was sent
unasked is accepted; an earlier challenge for the same request named this very scheme, or the token was requested as a
challenge said (then the registry changed its challenge).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from regauth_core.conversation import signs
from regauth_core.conversation.answers import asks_for_login
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import asked_before, present
from regauth_core.conversation.exchanges import is_same_request, succeeded, usable_challenges
from regauth_core.conversation.recovery import is_final, is_foreign, is_told_by_repositories, issue_behind
from regauth_core.conversation.refusal import reasons_of
from regauth_core.conversation.undecided import why_undecided
from regauth_core.model import Exchange
from regauth_core.model.finding import Confidence, Fault, Severity
from regauth_core.model.stated_reasons import EXPLAINING
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page, rfc
from regauth_core.rules.wording import numbers, reference_of, schemes, where

RULE = Header(
    name="wrong-scheme-sent",
    family=Family.UNANSWERED,
    severity=Severity.ERROR,
    fault=Fault.CLIENT,
    level=Level.SHOULD,
    references=(rfc(9110, "11.4"), page("token", "How to authenticate")),
    seen=(
        "google/go-containerregistry PR#1207",
        "project-zot/zot#3869",
        "Azure/acr#466",
        "prowler-cloud/prowler PR#12691",
    ),
    signs=signs.REFUSED | signs.DENIED,
    yields=True,
    is_provable=True,
)

_OF_ITS_OWN = "token"
"""The scheme of the v1 protocol, which another rule reports."""


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match with every request that was refused for its scheme."""
    wrong = [e for e in conversation.refused(401, 403) if _is_wrong(conversation, e)]
    if wrong and not is_told_by_repositories(conversation, wrong):
        yield _match(conversation, wrong)


def _sent(exchange: Exchange) -> set[str]:
    return {str(c.scheme) for c in exchange.request.credentials if not c.empty}


def _asking(conversation: Conversation, refused: Exchange) -> Exchange:
    """The answer that says which scheme is wanted: the 401 itself; for a 403, the challenge before it."""
    if asks_for_login(refused) or usable_challenges(refused) or EXPLAINING.intersection(reasons_of(refused)):
        return refused
    return asked_before(conversation, refused) or refused


def _is_wrong(conversation: Conversation, refused: Exchange) -> bool:
    asking = _asking(conversation, refused)
    sent, offered = _sent(refused), {c.kind for c in usable_challenges(asking)}
    if not sent or not offered or sent & offered or _OF_ITS_OWN in sent:
        return False
    if is_foreign(conversation, refused) or not is_final(conversation, refused) or conversation.responded_to(asking):
        return False
    return not _was_told(conversation, refused, sent)


def _was_told(conversation: Conversation, refused: Exchange, sent: set[str]) -> bool:
    """Whether the client had reason to send this scheme: this request's own challenge, or the way to its token."""
    if "bearer" in sent and issue_behind(conversation, refused) is not None:
        return True
    earlier = [e for e in conversation.context if asks_for_login(e) and e.started < refused.started]
    return any(
        c.kind in sent and (c.kind == "bearer" or is_same_request(e, refused))
        for e in earlier
        for c in usable_challenges(e)
    )


def _cause(conversation: Conversation, refused: Exchange) -> str | None:
    ping = conversation.ping_before(refused)
    offered = {c.kind for c in usable_challenges(_asking(conversation, refused))}
    if ping is not None and (
        succeeded(ping) or (asks_for_login(ping) and not offered & {c.kind for c in usable_challenges(ping)})
    ):
        return "ping-derived-auth"
    asked = any(
        asks_for_login(e) and usable_challenges(e) and e.started < refused.started for e in conversation.context
    )
    return None if asked else "preemptive"


_BEFORE: Final = {
    "ping-derived-auth": "the ping said",
    "preemptive": "was sent before there was a challenge",
    None: "the last request used",
}
_WORKAROUND: Final = {
    "ping-derived-auth": "A registry whose /v2/ answers 401 with the {offered} challenge works around it.",
    "preemptive": "Look for a setting of the client that sends {sent} before it is asked for, and switch it off.",
    None: "Use another client, or a newer version of this one.",
}
"""What the user can do, by cause."""


def _match(conversation: Conversation, wrong: list[Exchange]) -> Match:
    first = wrong[0]
    cause = _cause(conversation, first)
    ping = conversation.ping_before(first) if cause == "ping-derived-auth" else None
    sent = " and ".join(sorted(s.capitalize() for s in _sent(first)))
    asking = _asking(conversation, first)
    offered = schemes(asking)
    answer = (
        f"answered 401 with a challenge for {offered} ({numbers(wrong)})"
        if asking is first
        else f"answered {first.status} ({numbers(wrong)}); the challenge before it ({asking.number}) asks for {offered}"
    )
    why = f" Its ping ({ping.number}, {ping.status}) did not ask for {offered}." if ping is not None else ""
    return Match(
        exchanges=present(ping, asking, *wrong),
        severity=Severity.INFO if conversation.was_served_after(first) else None,
        cause=cause,
        title=f"the client sent {sent} where {reference_of(conversation)} asks for {offered}",
        explanation=(
            f"{where(first)} carried {sent} and was {answer}."
            f" The client did not change the scheme and went to no token server that is named here.{why}"
        ),
        client_author=(
            f"Choose the scheme again on every 401: {where(asking)} asks for {offered}, whatever {_BEFORE[cause]}."
        ),
        user=(
            f"The password may be right: {sent} was sent, which {first.origin.authority} does not accept here."
            f" {_WORKAROUND[cause].format(sent=sent, offered=offered)}"
        ),
        confidence=Confidence.HIGH if asking is first else Confidence.MEDIUM,
        because="the scheme that was sent, the one that was asked for and what the client did next are in the capture",
        undecided=why_undecided(conversation, first),
    )
