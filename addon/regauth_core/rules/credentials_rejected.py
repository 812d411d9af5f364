"""The login was asked for, sent as it should be, and turned away.

Fires when: a user name and password (or a refresh token) is refused by the token server, or by the registry although
Basic is what it asks for, and no other credential and no anonymous try succeeds afterwards.

Causes: locked (the answer says that failed logins are counted), revoked (it says so), expired (the value had been good
until then, or the answer says so), public-repository (somebody reads the same repository without a credential),
otherwise none.

What to do: check or renew the password, and for a public image log out; a client should say that the registry refused
the credentials, and stop.

Silent when: one of several credentials works in the end; an anonymous fall-back succeeds; the same value is good for
other repositories and only this one is denied; a mirror refuses and the primary serves; the refusal explains itself
otherwise (empty, damaged, wrong scheme), or the answer states another reason (an address rule, a policy, single sign-on
and others).
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.answers import asks_for_login, is_bad_request, is_denied, is_turned_away
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import challenge_for, continued_after, is_about, present
from regauth_core.conversation.exchanges import basic, is_write, refuses, secret_of, succeeded, usable_challenges
from regauth_core.conversation.refusal import own_words, reasons_of, states
from regauth_core.conversation.undecided import why_undecided
from regauth_core.model import Endpoint, Exchange, Fingerprint, Holder
from regauth_core.model.finding import Confidence, Fault, Severity
from regauth_core.model.stated_reasons import EXPLAINING, LOCKING, StatedReason
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page, rfc
from regauth_core.rules.logins import home
from regauth_core.rules.wording import numbers, reference_of, where

RULE = Header(
    name="credentials-rejected",
    family=Family.CREDENTIALS,
    severity=Severity.ERROR,
    fault=Fault.CREDENTIALS,
    level=Level.INFO,
    references=(rfc(9110, "15.5.2"), page("token", "Requesting a Token")),
    seen=("oras-project/oras#1161", "devcontainers/cli PR#515", "sylabs/singularity#457", "containers/skopeo#325"),
    signs=signs.CREDENTIAL | signs.TOKEN,
    is_provable=True,
)

_USER = {
    "locked": "Do not try again yet: {home} counts failed logins. Wait, or have the lock lifted; then correct it.",
    "revoked": "The access token was revoked: make a new one at {home}, and log in with it.",
    "expired": "Renew the password (or access token) and log in to {home} again: the old one is no longer good.",
    "public-repository": "{repository} can be read without a login: log out of {home}, or renew the login.",
    "denied": "See whether this login has the right to this; else renew the password (or access token), and log in to"
    " {home} again.",
    "at-once": "It was good a moment before: try again. If it is refused again, renew the password (or access token)"
    " and log in to {home} again.",
    None: "Check or renew the password (or access token), and log in to {home} again.",
}
"""What the user can do, by cause."""
_WRONG = (StatedReason.INVALID_CREDENTIALS, StatedReason.OF_LOGINS, StatedReason.EXPIRED, StatedReason.REVOKED)
"""What a 400 says that is about the login."""
_AT_ONCE = 1.0
"""Seconds within which nobody changes a password."""
_LATER = 60.0
"""Seconds after which a refusal speaks of the credential rather than of the repository."""


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match with every refusal of the credential that was refused last."""
    refused = [e for e in conversation.steps if _is_refused(conversation, e)]
    if not refused or _is_overcome(conversation, refused):
        return
    last = secret_of(refused[-1])
    mine = [e for e in refused if secret_of(e) == last]
    yield _match(conversation, mine)


def _is_refused(conversation: Conversation, exchange: Exchange) -> bool:
    secret = secret_of(exchange)
    credential = basic(exchange)
    if secret is None or (credential is not None and (credential.flaws or credential.holder is Holder.IDENTITY_TOKEN)):
        return False
    if EXPLAINING.intersection(reasons_of(exchange)):
        return False
    if conversation.is_token_exchange(exchange):
        wrong = is_turned_away(exchange) or (is_bad_request(exchange) and states(exchange, *_WRONG))
        return wrong and is_about(conversation, exchange)
    if credential is None or exchange.target.endpoint is Endpoint.ELSEWHERE:
        return False
    if not asks_for_login(exchange) and not (refuses(exchange) and states(exchange, StatedReason.INVALID_CREDENTIALS)):
        return False
    return any(c.kind == "basic" for c in usable_challenges(_asking(conversation, exchange) or exchange))


def _asking(conversation: Conversation, exchange: Exchange) -> Exchange | None:
    """The answer whose challenge counts: the refusal's own, else the last one before it."""
    if usable_challenges(exchange):
        return exchange
    earlier = [
        e for e in conversation.context if asks_for_login(e) and e.started < exchange.started and usable_challenges(e)
    ]
    return earlier[-1] if earlier else None


def _is_overcome(conversation: Conversation, refused: list[Exchange]) -> bool:
    first, last = refused[0], refused[-1]
    if continued_after(conversation, first):
        return True
    secret = secret_of(last)
    later = [a for a in conversation.at_registry.auth_steps if succeeded(a) and a.started > last.started]
    if any(secret_of(a) == secret for a in later):
        # The same value is good elsewhere, so it is this repository that is denied.
        return True
    if secret is not None and _is_taken_later(conversation, secret, last):
        return True
    if conversation.repository is None and any(secret_of(a) is not None for a in later):
        return True
    accepted = _accepted(conversation, last)
    if accepted is None:
        return False
    return is_denied(last) or _is_right_missing(accepted, last)


def _is_right_missing(accepted: Exchange, refused: Exchange) -> bool:
    """Whether a password that was just good enough to read something is refused for a write to the same: a right."""
    if accepted.target.repository != refused.target.repository or refused.target.repository is None:
        return False
    if refused.started - accepted.finished > _LATER:
        return False
    return is_write(refused) and (not is_write(accepted) or refused.started - accepted.finished < _AT_ONCE)


def _is_taken_later(conversation: Conversation, secret: Fingerprint, last: Exchange) -> bool:
    """Whether the very host that refused the value takes it later, for whichever registry that was."""
    taken = (at.accepted.get(secret) for at in conversation.client_state.at_registries.values())
    return any(e is not None and e.origin == last.origin and e.started > last.started for e in taken)


def _accepted(conversation: Conversation, refused: Exchange) -> Exchange | None:
    """An earlier exchange in which the same value was good enough."""
    credential = basic(refused)
    keys = (secret_of(refused), credential.fingerprint if credential is not None else None)
    known = (conversation.at_registry.accepted.get(key) for key in keys if key is not None)
    return next((e for e in known if e is not None and e.started < refused.started), None)


def _match(conversation: Conversation, refused: list[Exchange]) -> Match:
    first = refused[0]
    host = first.origin.authority
    accepted = _accepted(conversation, first)
    cause = _cause(conversation, refused, accepted)
    is_over = cause in ("expired", "revoked")
    more = f" The same value had been accepted before ({accepted.number})." if accepted is not None else ""
    words = own_words(first)
    at_once = cause == "expired" and accepted is not None and first.started - accepted.finished < _AT_ONCE
    is_said = states(first, StatedReason.INVALID_CREDENTIALS)
    said = f" in these words: {words}" if words else ""
    return Match(
        exchanges=present(_challenge(conversation, first), *refused),
        cause=cause,
        title=f"{host} refused the credentials for {reference_of(conversation)}",
        explanation=(
            f"The client sent credentials in the form that was asked for ({where(first)}), and {host} answered"
            f" {first.status} ({numbers(refused)}){said}.{more}"
        ),
        client_author=f'Say that "{host} refused these credentials", and stop.',
        user=_USER["at-once" if at_once else cause or (None if is_said or asks_for_login(first) else "denied")].format(
            home=home(conversation), repository=conversation.repository
        ),
        confidence=(
            Confidence.MEDIUM
            if is_denied(first) or at_once or (accepted is not None and not is_over)
            else Confidence.HIGH
        ),
        because=(
            "403 may also mean that the account is good and lacks the right"
            if is_denied(first)
            else "the same value is good for something else, so it may lack the right here"
            if accepted and not is_over
            else "the challenge, the credential and its refusal are in the capture"
        ),
        undecided=why_undecided(conversation, first),
    )


def _cause(conversation: Conversation, refused: list[Exchange], accepted: Exchange | None) -> str | None:
    if any(states(e, *LOCKING) for e in refused):
        return "locked"
    if any(states(e, StatedReason.REVOKED) for e in refused):
        return "revoked"
    if _is_expired(conversation, refused[0], accepted) or any(states(e, StatedReason.EXPIRED) for e in refused):
        return "expired"
    reads = conversation.trace_state.anonymous_reads
    is_public = conversation.repository is not None and (conversation.registry, conversation.repository) in reads
    return "public-repository" if is_public else None


def _is_expired(conversation: Conversation, refused: Exchange, accepted: Exchange | None) -> bool:
    """Whether what was good before is so no more. Another repository of the registry may just have other readers."""
    if accepted is None:
        return False
    if conversation.is_token_exchange(refused) or accepted.target.repository == refused.target.repository:
        return True
    return refused.started - accepted.finished > _LATER


def _challenge(conversation: Conversation, refused: Exchange) -> Exchange | None:
    if conversation.is_token_exchange(refused):
        return challenge_for(conversation, refused)
    earlier = [
        e
        for e in conversation.context
        if asks_for_login(e) and e.started < refused.started and not e.request.credentials and usable_challenges(e)
    ]
    return earlier[-1] if earlier else None
