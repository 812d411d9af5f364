"""The challenge names a scope entry that the client never requests from the token server.

Fires when: after a repository's challenge the client asks for a token without one or more of the entries named there,
and no other request of the client to that token server asks for them. Error where the request is then refused, warning
where the registry accepts the token anyway.

What to do: nothing for now where the registry accepts the token; a client should pass on unknown scope entries
unchanged.

Silent when: the challenge was the ping's, whose scope often means nothing; entries are added or their actions
reordered; the client asks for the rest later, or had asked before; the entry is a mount's source; the challenge itself
is for another repository than the requested one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from regauth_core.conversation import signs
from regauth_core.conversation.answers import is_turned_away
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import present
from regauth_core.conversation.exchanges import asked, bearer, bearer_challenges, challenge_realm, realm_key, succeeded
from regauth_core.conversation.recovery import is_foreign, is_needless, names_of
from regauth_core.conversation.undecided import why_undecided
from regauth_core.model import Endpoint, Exchange
from regauth_core.model.finding import Fault, Severity
from regauth_core.protocol.registries import repository_of
from regauth_core.protocol.scope import Scope, entries
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page
from regauth_core.rules.wording import asked_text, reference_of, where

RULE = Header(
    name="challenge-scope-not-requested",
    family=Family.SCOPE,
    severity=Severity.WARNING,
    fault=Fault.CLIENT,
    level=Level.MUST,
    references=(page("token", "How to authenticate"), page("token", "Query Parameters")),
    seen=("oras-project/oras-dotnet#395",),
    signs=signs.REFUSED,
    yields=True,
    counts_anyway=True,
)


@dataclass(frozen=True, slots=True)
class _Gap:
    refused: Exchange
    exchange: Exchange
    missing: tuple[Scope, ...]


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match for the first challenge of which an entry was dropped."""
    for refused in conversation.refused():
        if refused.target.endpoint is Endpoint.PING or refused.target.mount or is_foreign(conversation, refused):
            continue
        gap = _gap(conversation, refused)
        found = _judged(conversation, gap) if gap is not None else None
        if found is not None:
            yield found
            return


def _gap(conversation: Conversation, refused: Exchange) -> _Gap | None:
    challenges = bearer_challenges(refused)
    scopes = entries(text for c in challenges for text in c.scopes)
    realms = {challenge_realm(c) for c in challenges}
    answers = [x for x in conversation.token_exchanges if x.started >= refused.finished and realm_key(x) in realms]
    if not scopes or not answers or not succeeded(answers[0]) or _is_astray(conversation, scopes):
        return None
    missing = scopes
    # Mostly this conversation's own exchanges ask for everything; only else is all that the client asked looked at.
    for tried in (answers, conversation.at_registry.auth_steps):
        known = {names_of(conversation, s) for a in tried if realm_key(a) in realms for s in asked(a)}
        missing = tuple(s for s in missing if (s.actions or s.opaque) and names_of(conversation, s) not in known)
        if not missing:
            return None
    return _Gap(refused, answers[0], missing)


def _is_astray(conversation: Conversation, scopes: tuple[Scope, ...]) -> bool:
    """Whether the challenge names repositories, and not this one: then it is the challenge that is wrong."""
    named = {repository_of(conversation.registry, s.path) for s in scopes if s.resource[0] == "repository"}
    return bool(named) and conversation.repository not in named


def _judged(conversation: Conversation, gap: _Gap) -> Match | None:
    """The match by what came of the request; `None` where it was not repeated with the token."""
    answer = gap.exchange.response.token if gap.exchange.response else None
    tokens = answer.fingerprints if answer else ()
    again = [
        e
        for e in conversation.repeats_of(gap.refused)
        if (token := bearer(e)) is not None and token.fingerprint in tokens
    ]
    refused = [e for e in again if is_turned_away(e)]
    if not any(0 < e.status < 500 for e in again) or is_needless(conversation, gap.refused):
        return None
    failed = bool(refused) and not conversation.succeeded_later(gap.refused)
    return _match(conversation, gap, refused if failed else [], failed=failed)


def _match(conversation: Conversation, gap: _Gap, refused: list[Exchange], *, failed: bool) -> Match:
    registry = conversation.origin.authority
    missing = " ".join(map(str, gap.missing))
    came = "the token was then refused" if failed else f"{registry} accepted the token anyway"
    return Match(
        exchanges=present(gap.refused, gap.exchange, *refused),
        severity=Severity.ERROR if failed else Severity.WARNING,
        title=f"the client did not request the scope that {reference_of(conversation)} names",
        explanation=(
            f"The challenge for {where(gap.refused)} ({gap.refused.number}) asks for {missing}; the token request that"
            f" follows asks for {asked_text(gap.exchange)} ({gap.exchange.number}), and {came}."
        ),
        client_author=f"Send unknown scope entries unchanged: {missing} here.",
        user=(
            f"Use another version of the client. No setting helps while it does not request {missing}."
            if failed
            else f"Nothing for now. This works only as long as {registry} accepts such tokens."
        ),
        because="the challenge and every token request to that server are in the capture",
        undecided=why_undecided(conversation, gap.refused),
    )
