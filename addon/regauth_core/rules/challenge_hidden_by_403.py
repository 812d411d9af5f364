"""The registry says "forbidden" to somebody who has not even been asked to log in.

Fires when: a request without a credential got 403 with a registry's error or no body; the client stopped; and the trace
shows that credentials would help: the 403 itself has a challenge, the ping asks for them, or somebody is given the same
repository with some.

Causes: challenge-with-403 (clients look for challenges in a 401), otherwise none.

What to do: let the registry answer 401 and a challenge to a request without a credential; a client that holds
credentials could ask the ping for a challenge once.

Silent when: the request carried a credential; the answer is a page; it is a storage's; nothing shows that credentials
would help; the client authenticates after it; it left out a token that it held; it had left a challenge unanswered
(challenge-ignored).
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.answers import asks_for_login
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import ignored_before, present
from regauth_core.conversation.exchanges import is_anonymous, succeeded, usable_challenges
from regauth_core.conversation.recovery import is_final
from regauth_core.conversation.refusal import left_out
from regauth_core.conversation.undecided import why_undecided_afterwards
from regauth_core.model import Endpoint, Exchange
from regauth_core.model.finding import Confidence, Fault, Severity
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import rfc
from regauth_core.rules.wording import numbers, schemes, subject, where

RULE = Header(
    name="challenge-hidden-by-403",
    family=Family.REGISTRY,
    severity=Severity.WARNING,
    fault=Fault.REGISTRY,
    level=Level.SHOULD,
    references=(rfc(9110, "11.4"), rfc(9110, "15.5.4")),
    seen=("sapcc/keppel PR#522", "containerd/containerd#1318", "renovatebot/renovate#11446"),
    signs=signs.DENIED,
    yields=True,
)

_READS = ("GET", "HEAD")


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match with every 403 that should have been a 401."""
    denied = [e for e in conversation.refused(403) if _is_hiding(conversation, e)]
    if not denied or conversation.auth_steps_since(denied[0]) or conversation.was_served_after(denied[-1]):
        return
    own = denied[0] if usable_challenges(denied[0]) else None
    helps = own or _asking_ping(conversation) or _served(conversation, denied[0])
    if helps is not None:
        yield _match(conversation, denied, helps)


def _is_hiding(conversation: Conversation, exchange: Exchange) -> bool:
    response = exchange.response
    if response is None or response.is_html or not is_anonymous(exchange):
        return False
    if response.challenges and not usable_challenges(exchange):
        return False
    if exchange.target.endpoint in (Endpoint.PING, Endpoint.UPLOAD, Endpoint.V1):
        return False
    if left_out(conversation, exchange) is not None or _holds_token(conversation, exchange):
        # The client had been asked, had answered, and left its token out this time.
        return False
    if ignored_before(conversation, exchange) is not None:
        return False
    return (bool(response.errors) or not response.text) and is_final(conversation, exchange)


def _holds_token(conversation: Conversation, denied: Exchange) -> bool:
    return any(
        e.finished <= denied.started and succeeded(e) and e.response is not None and e.response.token is not None
        for e in conversation.token_exchanges
    )


def _asking_ping(conversation: Conversation) -> Exchange | None:
    return next((p for p in reversed(conversation.pings) if asks_for_login(p) and usable_challenges(p)), None)


def _served(conversation: Conversation, denied: Exchange) -> Exchange | None:
    """Somebody's request of the same kind for this repository that a credential opened."""
    found = conversation.trace_state.authorized_reads.get((conversation.registry, conversation.repository))
    if found is None or conversation.repository is None:
        return None
    return found if (found.request.method in _READS) == (denied.request.method in _READS) else None


def _match(conversation: Conversation, denied: list[Exchange], helps: Exchange) -> Match:
    first = denied[0]
    is_ping = helps.target.endpoint is Endpoint.PING
    is_own = helps is first
    host = first.origin.authority
    shows = (
        f"the answer has a challenge for {schemes(first)}, which clients look for in a 401"
        if is_own
        else f"GET /v2/ does ask for credentials ({helps.number})"
        if is_ping
        else f"with a credential the same repository is given ({helps.number}: {where(helps)})"
    )
    return Match(
        exchanges=present(*denied, helps),
        cause="challenge-with-403" if is_own else None,
        title=(
            f"403 beside a challenge for {subject(conversation)}"
            if is_own
            else f"403 instead of a challenge for {subject(conversation)}"
        ),
        explanation=(
            f"{where(first)} was sent without a credential and answered 403 ({numbers(denied)}), which says to a client"
            f" that credentials would not help; yet {shows}."
        ),
        client_author=(
            f"With credentials at hand, answer the challenge that came with this 403 of {host} as that of a 401."
            if is_own
            else f"With credentials at hand, ask /v2/ of {host} once for a challenge."
        ),
        user=(
            f"Ask the operator of {host} to send this challenge with 401 in the place of 403: the answer needs only"
            " another status."
            if is_own
            else f"Ask the operator of {host} to change this: a request without credentials should be answered 401 with"
            " a challenge."
        ),
        confidence=Confidence.MEDIUM if is_ping else Confidence.HIGH,
        because=(
            "that this repository opens to credentials is a conclusion from the ping"
            if is_ping
            else "the challenge and the status are in one answer"
            if is_own
            else "both answers are in the capture"
        ),
        undecided=why_undecided_afterwards(conversation, first),
    )
