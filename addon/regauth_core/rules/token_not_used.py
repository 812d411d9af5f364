"""The client fetched a token and never sent it.

Fires when: a token exchange for this conversation gives a token, and later the client sends the request without
Authorization, with an empty Bearer or with another scheme and is refused, and it never uses any Bearer token
afterwards.

Causes: response-field-ignored (the answer had only one of `token` and `access_token`, and nothing was sent),
other-scheme-preferred (Basic was sent).

What to do: let the token server return the token under both names; a client should use the token it received and not
overwrite that header.

Silent when: what was sent instead is accepted; the request was never sent again; the token is used later.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.answers import asks_for_login, is_turned_away
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.exchanges import asked, basic, bearer, succeeded
from regauth_core.conversation.recovery import is_final, is_foreign
from regauth_core.conversation.undecided import why_undecided
from regauth_core.model import Endpoint, Exchange
from regauth_core.model.finding import Fault, Severity
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page
from regauth_core.rules.wording import asked_text, numbers, reference_of, where

RULE = Header(
    name="token-not-used",
    family=Family.UNANSWERED,
    severity=Severity.ERROR,
    fault=Fault.CLIENT,
    level=Level.MUST,
    references=(page("token", "Using the Bearer token"), page("token", "Token Response Fields")),
    seen=("containerd/overlaybd#35", "ivanilves/lstags#229", "cesanta/docker_auth#272"),
    signs=signs.TOKEN,
    yields=True,
    is_provable=True,
)


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match for the first unused token, with the refusals that followed."""
    for exchange in conversation.token_exchanges:
        if not _is_issue(exchange) or not _has_reason(conversation, exchange):
            continue
        later = [e for e in conversation.requests if e.started >= exchange.finished]
        if any(map(_carries_token, later)) or any(map(_carries_token, conversation.auth_steps_since(exchange))):
            continue
        wrong = [e for e in later if is_turned_away(e) and _was_wanted(conversation, exchange, e)]
        wrong = [e for e in wrong if is_final(conversation, e) and not is_foreign(conversation, e)]
        if wrong and not conversation.was_served_after(wrong[0]):
            yield _match(conversation, exchange, wrong)
            return


def _is_issue(exchange: Exchange) -> bool:
    answer = exchange.response.token if exchange.response else None
    return succeeded(exchange) and answer is not None and bool(answer.fingerprints)


def _has_reason(conversation: Conversation, exchange: Exchange) -> bool:
    """Whether it asks for something, or answers a refusal in this conversation: a login does neither."""
    return bool(asked(exchange)) or any(
        asks_for_login(e) and e.started < exchange.started for e in conversation.requests
    )


def _carries_token(exchange: Exchange) -> bool:
    token = bearer(exchange)
    return token is not None and not token.empty


def _was_wanted(conversation: Conversation, exchange: Exchange, request: Exchange) -> bool:
    """Whether the request is the one that the token was asked for: refused before, or preceded by a refused ping."""
    if request.target.endpoint is Endpoint.PING and (asked(exchange) or conversation.responded_to(request)):
        return False
    before = [e for e in conversation.context if asks_for_login(e) and e.started < exchange.started]
    return any(e.target.endpoint is Endpoint.PING or request in conversation.repeats_of(e) for e in before)


def _match(conversation: Conversation, exchange: Exchange, wrong: list[Exchange]) -> Match:
    first = wrong[0]
    answer = exchange.response.token if exchange.response else None
    fields = [n for n, v in (("token", answer and answer.token), ("access_token", answer and answer.access_token)) if v]
    other = basic(first) is not None
    cause = "other-scheme-preferred" if other else "response-field-ignored" if len(fields) == 1 else None
    sent = "Basic" if other else "an empty Bearer" if bearer(first) is not None else "no Authorization"
    return Match(
        exchanges=(exchange, *wrong),
        cause=cause,
        title=f"the client got a token for {reference_of(conversation)} and did not send it",
        explanation=(
            f"{exchange.origin.authority} issued a token for {asked_text(exchange)} in the field {' and '.join(fields)}"
            f" ({exchange.number}). {where(first)} then carried {sent} and was answered {first.status}"
            f" ({numbers(wrong)}); the token was never used."
        ),
        client_author=(
            f"Send the token with {where(first)}: take access_token, else token, from the answer, and set the"
            " header in one place only."
        ),
        user=(
            f"Let {exchange.origin.authority} return token and access_token with one value, or use another client."
            if cause == "response-field-ignored"
            else "Use another client, or another version of this one: the token was had, and is not at fault."
        ),
        because="the token, the attempt without it and its refusal are in the capture",
        undecided=why_undecided(conversation, first),
    )
