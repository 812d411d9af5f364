"""A limit ended the operation.

Fires when: the registry or the token server answers 429 and the operation ends there.

Causes: anonymous (the token, or the request, came without credentials), failed-logins (the answer says so).

What to do: log in, since anonymous requests share a small allowance, or wait as long as the answer says; a client
should honour Retry-After.

Silent when: the client waits and succeeds; the limit is the answer to a refused credential that was sent over and over
(refused-credential-repeated).
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.answers import is_limited, is_turned_away
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import continued_after, is_about, present
from regauth_core.conversation.exchanges import bearer, credential_sent, request_key
from regauth_core.conversation.operations import is_token_overcome
from regauth_core.conversation.refusal import states
from regauth_core.conversation.undecided import why_undecided
from regauth_core.model import Endpoint, Exchange
from regauth_core.model.finding import Fault, Severity
from regauth_core.model.stated_reasons import StatedReason
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page, rfc
from regauth_core.rules.logins import log_in
from regauth_core.rules.wording import login_key, numbers, reference_of, where

RULE = Header(
    name="rate-limited",
    family=Family.PROXY,
    severity=Severity.WARNING,
    fault=Fault.REGISTRY,
    level=Level.SHOULD,
    references=(rfc(6585, "4"), rfc(9110, "10.2.3"), page("oci", "Error Codes")),
    seen=("docker/hub-feedback#2040", "docker/hub-feedback#2464"),
    signs=signs.LIMITED,
)

_TOO_OFTEN = 3


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match with every 429 that nothing good followed."""
    limited = [e for e in conversation.steps if is_limited(e) and _counts(conversation, e)]
    if not limited or conversation.succeeded_later(limited[-1]) or continued_after(conversation, limited[-1]):
        return
    if _is_overcome(conversation, limited[-1]) or _is_locked_out(conversation, limited[0]):
        return
    first = limited[0]
    host = first.origin.authority
    issue = conversation.issue_of(bearer(first))
    nobody = credential_sent(first) is None or (issue is not None and issue.secret is None)
    logins = any(states(e, StatedReason.FAILED_LOGINS) for e in limited)
    cause = "failed-logins" if logins else "anonymous" if nobody else None
    wait = first.response.header("retry-after") if first.response else None
    if logins:
        user = f"Correct the password before trying {host} again: failed logins are what is counted."
    elif nobody:
        user = _login(conversation, first)
    else:
        user = f"Wait until {host} serves this account again, or ask for a higher limit."
    again = "" if conversation.is_token_exchange(first) else " No repetition succeeded."
    yield Match(
        exchanges=present(issue.exchange if issue else None, *limited),
        cause=cause,
        title=f"{host} limits requests: {reference_of(conversation)} was not served",
        explanation=(
            f"{where(first)} was answered 429 ({numbers(limited)})"
            f"{f', to be tried again after {wait}' if wait else ''}.{again}"
        ),
        client_author=f"Honour the Retry-After of {host}, and name the limit in the error.",
        user=user,
        undecided=why_undecided(conversation, first),
    )


def _login(conversation: Conversation, limited: Exchange) -> str:
    """What to do about a limit for the anonymous; there may be a login already, of another program."""
    read = conversation.trace_state.authorized_reads
    used = next((e for key in read if key[0] == conversation.registry and (e := read[key]) is not None), None)
    if used is None:
        return f"{log_in(conversation, limited)}: requests without a login share a small limit."
    return (
        f"Another request of this capture was logged in ({used.number}), and this client sent nothing: give the login"
        f" to the program that pulls, under the name that it looks up ({login_key(conversation)})."
    )


def _counts(conversation: Conversation, exchange: Exchange) -> bool:
    if conversation.is_token_exchange(exchange):
        return is_about(conversation, exchange)
    return exchange.target.endpoint is not Endpoint.ELSEWHERE


def _is_overcome(conversation: Conversation, limited: Exchange) -> bool:
    """For a token request: a token was had after it."""
    return conversation.is_token_exchange(limited) and is_token_overcome(conversation, limited)


def _is_locked_out(conversation: Conversation, limited: Exchange) -> bool:
    """Whether the limit is what came of repeating a refused credential (refused-credential-repeated)."""
    credential = credential_sent(limited)
    attempts = (
        conversation.at_registry.failed_attempts.get((credential, request_key(limited)), ()) if credential else ()
    )
    return sum(is_turned_away(e) and e.started < limited.started for e in attempts) >= _TOO_OFTEN
