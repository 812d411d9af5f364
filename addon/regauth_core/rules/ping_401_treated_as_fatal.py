"""The client gave up at the ping's 401 although the repository is public.

Fires when: the ping got 401 with a usable challenge; the client then requested no repository of this registry, at most
a token, which was refused; and a client in the trace reads, without any credential, a repository that this client
wanted. What it wanted is known from its token requests, or because it requests that repository elsewhere.

What to do: remove stale credentials for this registry, or log in again; a client should try the real request before it
fails.

Silent when: no client reads anonymously; anonymous readers need a token first, so the exchange was right; nothing shows
what the client wanted (then only the ignored challenge of the ping can be reported).
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.answers import asks_for_login, is_not_taken
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import repositories
from regauth_core.conversation.exchanges import asked, is_anonymous, usable_challenges
from regauth_core.conversation.undecided import why_undecided
from regauth_core.model import Endpoint, Exchange
from regauth_core.model.finding import Confidence, Fault, Severity
from regauth_core.protocol.registries import repository_of
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page
from regauth_core.rules.wording import numbers, where

RULE = Header(
    name="ping-401-treated-as-fatal",
    family=Family.UNANSWERED,
    severity=Severity.WARNING,
    fault=Fault.CLIENT,
    level=Level.INTEROP,
    references=(page("api", "API Version Check"), page("oci", "Determining Support")),
    seen=("containers/image PR#195", "aquasecurity/fanal PR#48"),
    signs=signs.REFUSED,
    yields=True,
    is_provable=True,
)


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match where the client stopped at the refused ping."""
    ping = next(
        (p for p in reversed(conversation.pings) if asks_for_login(p) and usable_challenges(p) and is_anonymous(p)),
        None,
    )
    if ping is None or any(e.target.endpoint is not Endpoint.PING for e in conversation.requests):
        return
    at_registry = conversation.at_registry
    last, later = at_registry.last_repository_request, at_registry.last_request
    if (last is not None and last.started >= ping.started) or (later is not None and later.number != ping.number):
        return
    attempts = [a for a in at_registry.auth_steps if a.started >= ping.started]
    if any(not conversation.is_token_exchange(a) or not is_not_taken(a) for a in attempts):
        return
    if conversation.repository is None and any(asked(a) for a in attempts):
        return
    read = _open_read(conversation, attempts)
    if read is not None:
        yield _match(conversation, ping, attempts, read)


def _open_read(conversation: Conversation, attempts: list[Exchange]) -> Exchange | None:
    """A client's request without any credential that got a repository which this client wanted."""
    registry = conversation.registry
    wanted = set(repositories((s for a in attempts for s in asked(a)), registry))
    if not wanted:
        wanted = {name for short, _ in conversation.client_state.asked if (name := repository_of(registry, short))}
    reads = (conversation.trace_state.anonymous_reads.get((registry, name)) for name in sorted(wanted))
    return next((read for read in reads if read is not None and is_anonymous(read)), None)


def _match(conversation: Conversation, ping: Exchange, attempts: list[Exchange], read: Exchange) -> Match:
    host = ping.origin.authority
    asked_in_vain = f" Its token request was refused ({numbers(attempts)})." if attempts else ""
    return Match(
        exchanges=(ping, *attempts, read),
        title=f"the client gave up at the ping; {host}/{read.target.repository} is public",
        explanation=(
            f"GET /v2/ ({ping.number}) was answered 401.{asked_in_vain} The client never requested the repository"
            f" itself, which is public: {where(read)} was answered {read.status} without a credential"
            f" ({read.number})."
        ),
        client_author=(
            f"Treat the ping as a hint: try {where(read)} itself, or an anonymous token, before reporting a failure."
        ),
        user=f"Remove stale credentials for {host} or log in again; {read.target.repository} needs none.",
        confidence=Confidence.HIGH if attempts else Confidence.MEDIUM,
        because=(
            "the token request names the public repository"
            if attempts
            else "that the client wanted this repository is known only from its requests elsewhere"
        ),
        undecided=why_undecided(conversation, ping),
    )
