"""The client had what the registry asks for and did not send the refused request with it.

Fires when: a request got 401 with a usable challenge; then a token exchange for that challenge gave a usable token, or
the client had already been accepted with a credential that fits (the same Basic realm's, or a live token that covers
the request); and the request was never sent again with a credential. A 403, or a 400 whose code is UNAUTHORIZED or
DENIED, counts where the client had been accepted with such a credential (a password at the ping or for the same
repository) and sent nothing this time.

Severity: error where the operation stopped there, info where it continued in another way.

Causes: both-schemes-offered (the token was fetched, and the other scheme of the same answer is what the client wanted),
ping-derived-auth (between the two the ping was answered 200), body-not-rewindable (it carried a body),
credential-left-out (it was answered 403 or 400), token-unused-after-exchange (anything else).

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
from regauth_core.conversation.answers import asks_for_login
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import present, uses
from regauth_core.conversation.exchanges import bearer, is_anonymous, refuses, succeeded, usable_challenges
from regauth_core.conversation.recovery import is_final, is_foreign, is_needless, is_probe, tried_in_vain
from regauth_core.conversation.refusal import left_out, reasons_of
from regauth_core.conversation.undecided import why_undecided
from regauth_core.model import Endpoint, Exchange
from regauth_core.model.finding import Confidence, Fault, Severity
from regauth_core.model.stated_reasons import EXPLAINING
from regauth_core.protocol.scope import covered, needed
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page, rfc
from regauth_core.rules.wording import numbers, where

RULE = Header(
    name="challenge-not-retried",
    family=Family.UNANSWERED,
    severity=Severity.ERROR,
    fault=Fault.CLIENT,
    level=Level.SHOULD,
    references=(page("token", "Requesting a Token"), rfc(9110, "15.5.2")),
    seen=("containers/image PR#210", "heroku/docker-registry-client PR#60"),
    signs=signs.REFUSED | signs.DENIED | signs.TOKEN,
    is_provable=True,
)


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match for each refused request that was given up although its answer was at hand."""
    for refused in (e for e in conversation.context if asks_for_login(e)):
        if not usable_challenges(refused) or not is_anonymous(refused) or conversation.is_token_exchange(refused):
            continue
        if refused.target.endpoint is Endpoint.ELSEWHERE or is_foreign(conversation, refused):
            continue
        if conversation.repeats_of(refused) or _was_answered(conversation, refused):
            continue
        if tried_in_vain(conversation, refused) is not None:
            continue
        answer = _exchange_for(conversation, refused) or _held(conversation, refused)
        if answer is not None:
            yield _match(conversation, refused, answer)
    yield from _left_out(conversation)


def _left_out(conversation: Conversation) -> Iterable[Match]:
    """One match with every request that was denied without a challenge, and without the credential that was at hand."""
    found = [(e, held) for e in conversation.requests if (held := _denied_without(conversation, e)) is not None]
    if not found or conversation.was_served_after(found[0][0]):
        return
    (first, held), denied = found[0], [e for e, _ in found]
    what = "token" if conversation.is_token_exchange(held) else "password"
    host = first.origin.authority
    yield Match(
        exchanges=present(held, *denied),
        cause="credential-left-out",
        title=f"the client had a {what} for {host} and did not send it",
        explanation=(
            f"{where(first)} was sent without a credential and answered {first.status} ({numbers(denied)}). The client"
            f" held a {what} that {host} accepts ({held.number}) and did not send it."
        ),
        client_author=(
            f"Send the {what} with every request that it is for, and take a {first.status} to a request without a"
            " credential for what a 401 is."
        ),
        user="Use another version of the client, or another client. It is not about the login: do not change it.",
        confidence=Confidence.MEDIUM,
        because=(f"that the client held the {what} is in the capture; a {first.status} may also have another reason"),
        undecided=why_undecided(conversation, first),
    )


def _denied_without(conversation: Conversation, denied: Exchange) -> Exchange | None:
    """Where the client had got what it left out of a request that was denied without a challenge."""
    if asks_for_login(denied) or not refuses(denied) or usable_challenges(denied) or is_probe(denied):
        return None
    if EXPLAINING.intersection(reasons_of(denied)) or not is_final(conversation, denied):
        return None
    return left_out(conversation, denied) if not _was_answered(conversation, denied) else None


def _was_answered(conversation: Conversation, refused: Exchange) -> bool:
    """Whether the refused request was sent again with a credential; a ping, any request of the registry."""
    if refused.target.endpoint is Endpoint.PING:
        return any(not conversation.is_token_exchange(e) for e in conversation.auth_steps_since(refused))
    return any(e.request.credentials for e in conversation.repeats_of(refused))


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
    what = f"{refused.request.method} {refused.request.url}"
    by_token = conversation.is_token_exchange(answer)
    got, held = ("got a token",) * 2 if by_token else ("had been accepted with a credential", "had a credential")
    return Match(
        exchanges=(refused, answer),
        severity=Severity.INFO if continued else None,
        cause=_cause(conversation, refused, answer),
        title=f"the client {held} and never repeated the refused request",
        explanation=(
            f"{what} ({refused.number}) was answered 401. The client {got} ({answer.number}), which is what the"
            " challenge asks for, but did not send the refused request again."
        ),
        client_author=f"Repeat the refused request ({what}) with its body once the client can answer the challenge.",
        user=_user(conversation, refused, answer),
        because="the challenge, the answer to it and the end of the conversation are in the capture",
        rests_on_absence=True,
        undecided=why_undecided(conversation, refused),
    )


def _user(conversation: Conversation, refused: Exchange, answer: Exchange) -> str:
    host = refused.origin.authority
    cause = _cause(conversation, refused, answer)
    if cause == "ping-derived-auth":
        return (
            f"The login is good. The client takes the open /v2/ of {host} to mean that nothing needs one: use another"
            " client, or let /v2/ answer 401 with the challenge."
        )
    if cause != "both-schemes-offered":
        return f"Try again, or use another client. {host} answered correctly."
    if conversation.is_token_exchange(answer) and is_anonymous(answer):
        return (
            f"{host} offers Basic beside Bearer, and the client stops where it has no password: log in to"
            f" {conversation.registry}, or let the registry offer Bearer alone."
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


def _cause(conversation: Conversation, refused: Exchange, answer: Exchange) -> str:
    if len({c.kind for c in usable_challenges(refused)}) > 1:
        return "both-schemes-offered"
    ping = conversation.ping_before(refused)
    if ping is not None and is_anonymous(ping) and succeeded(ping) and ping.started >= answer.finished:
        return "ping-derived-auth"
    return "body-not-rewindable" if refused.request.size else "token-unused-after-exchange"
