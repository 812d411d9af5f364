"""The client had what the challenge asks for and never repeated the refused request.

Fires when: a request got 401 with a usable challenge; then a token exchange for that challenge gave a usable token, or
the client had already been accepted with a credential that fits (the same Basic realm's, or a live token that covers
the request); and the request was never sent again with a credential.

Severity: error where the operation stopped there, info where it continued in another way.

Causes: both-schemes-offered (the token was fetched, and the other scheme of the same answer is what the client wanted),
body-not-rewindable (it carried a body), token-unused-after-exchange (anything else).

What to do: the client's author should repeat the refused request, with its body, once the client has the token. A user
need not change the login.

Silent when: the same resource is asked with another method, by digest instead of tag, or over a new connection; the
ping was challenged, and repositories are then served with the token; the operation is a login, whose token request
names no scope and which ends there; the request was repeated without the token; of several refused requests only those
still wanted are repeated.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import uses
from regauth_core.conversation.exchanges import bearer, is_anonymous, succeeded, usable_challenges
from regauth_core.conversation.recovery import is_foreign, is_needless
from regauth_core.model import Endpoint, Exchange
from regauth_core.model.finding import Fault, Severity
from regauth_core.protocol.scope import covered, needed
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page, rfc

RULE = Header(
    name="challenge-not-retried",
    family=Family.UNANSWERED,
    severity=Severity.ERROR,
    fault=Fault.CLIENT,
    level=Level.SHOULD,
    references=(page("token", "Requesting a Token"), rfc(9110, "15.5.2")),
    seen=("containers/image PR#210", "heroku/docker-registry-client PR#60"),
    signs=signs.REFUSED | signs.TOKEN,
    is_provable=True,
)


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match for each refused request that was given up although its answer was at hand."""
    for refused in (e for e in conversation.context if e.status == 401):
        if not usable_challenges(refused) or not is_anonymous(refused) or conversation.is_token_exchange(refused):
            continue
        if refused.target.endpoint is Endpoint.ELSEWHERE or is_foreign(conversation, refused):
            continue
        if conversation.answered(refused) or conversation.succeeded(refused) or conversation.repeats_of(refused):
            continue
        answer = _exchange_for(conversation, refused) or _held(conversation, refused)
        if answer is not None:
            yield _match(conversation, refused, answer)


def _exchange_for(conversation: Conversation, refused: Exchange) -> Exchange | None:
    """The token exchange that answered the challenge well; not a login's."""
    for step in conversation.responses_to(refused):
        answer = step.response.token if step.response else None
        if conversation.is_token_exchange(step) and answer is not None and answer.fingerprints and succeeded(step):
            asked = step.request.token.scopes if step.request.token else ()
            if refused.target.endpoint is not Endpoint.PING or (asked and step in conversation.steps):
                return step
    return None


def _held(conversation: Conversation, refused: Exchange) -> Exchange | None:
    """The exchange in which a credential was accepted that would have answered the challenge as well."""
    if refused.target.endpoint is Endpoint.PING:
        return None
    offered = {c.kind for c in usable_challenges(refused)}
    need = needed(refused.request.method, refused.target)
    for accepted in reversed(list(conversation.at_registry.accepted.values())):
        if accepted.finished > refused.started or conversation.is_token_exchange(accepted):
            continue
        token = bearer(accepted)
        if token is None:
            if "basic" in offered and _same_realm(accepted, refused, conversation):
                return accepted
            continue
        issue = conversation.issue_of(token)
        if issue is None or "bearer" not in offered or issue.ended <= refused.started:
            continue
        if covered(need, issue.granted if issue.granted is not None else issue.asked):
            return accepted
    return None


def _same_realm(accepted: Exchange, refused: Exchange, conversation: Conversation) -> bool:
    """Whether the accepted Basic credential was asked for with the refusing answer's own realm (RFC 9110 11.5)."""
    realms = {c.parameter("realm") or "" for c in usable_challenges(refused) if c.kind == "basic"}
    asked = (conversation.at_registry.basic_realms.get(realm) for realm in realms)
    return any(e is not None and e.origin == accepted.origin and e.started <= accepted.started for e in asked)


def _match(conversation: Conversation, refused: Exchange, answer: Exchange) -> Match:
    continued = _continued(conversation, refused, answer)
    where = f"{refused.request.method} {refused.request.url}"
    by_token = conversation.is_token_exchange(answer)
    got, held = ("got a token",) * 2 if by_token else ("had been accepted with a credential", "had a credential")
    return Match(
        exchanges=(refused, answer),
        severity=Severity.INFO if continued else None,
        cause=_cause(refused),
        title=f"the client {held} and never repeated the refused request",
        explanation=(
            f"{where} ({refused.number}) was answered 401. The client {got} ({answer.number}), which is what the"
            " challenge asks for, but did not send the refused request again."
        ),
        client_author=f"Repeat the refused request ({where}) with its body once the client can answer the challenge.",
        user=_user(conversation, refused, answer),
        because="the challenge, the answer to it and the end of the conversation are in the capture",
        rests_on_absence=True,
        undecided=conversation.why_undecided(refused),
    )


def _user(conversation: Conversation, refused: Exchange, answer: Exchange) -> str:
    host = refused.origin.host
    if _cause(refused) != "both-schemes-offered":
        return f"Try again, or use another client. {host} answered correctly."
    if conversation.is_token_exchange(answer) and is_anonymous(answer):
        return (
            f"{host} offers Basic beside Bearer, and the client stops where it has no password: log in to {host}, or"
            " let the registry offer Bearer alone."
        )
    return f"{host} offers Basic beside Bearer, and the client mixes them up: let the registry offer Bearer alone."


def _continued(conversation: Conversation, refused: Exchange, answer: Exchange) -> bool:
    """Whether the client did without the refused request, or used what it got for another one."""
    if conversation.was_served_after(refused) or is_needless(conversation, refused):
        return True
    issued = answer.response.token if answer.response else None
    return conversation.is_token_exchange(answer) and any(
        e in conversation.steps for e in uses(conversation, issued.fingerprints if issued else ())
    )


def _cause(refused: Exchange) -> str:
    if len({c.kind for c in usable_challenges(refused)}) > 1:
        return "both-schemes-offered"
    return "body-not-rewindable" if refused.request.size else "token-unused-after-exchange"
