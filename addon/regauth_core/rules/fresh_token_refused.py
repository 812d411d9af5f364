"""The registry refuses a token that its own token server has just issued for it.

Fires when: a request that carries a Bearer token is answered 401 although the token has not expired, was fetched for
this registry's challenge, and was asked for (or grants) what the request needs; and the answer says ``invalid_token``,
or the request is the ping, or the token's own claims cover the request, or several such tokens in a row are refused, or
the challenge is the one that the token was fetched for. A 403 or 400 counts where its words say that the token is not
valid.

Warning of low confidence where one token that cannot be read is refused without a word: a right may be missing as well.

Causes: invalid-token (the answer says so), several-tokens, otherwise none.

What to do: make the registry trust its token server: check the key or certificate with which the registry verifies
tokens, the issuer and the audience (`iss` and `aud` against what the registry expects and its `service`), and the
clocks. The password is right.

Silent when: the token has expired, is for another registry, or was asked for too little; the answer asks for more
(``insufficient_scope``) or states another reason; the token is anonymous; the client succeeds.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import challenge_for, present
from regauth_core.conversation.exchanges import bearer, bearer_challenges, has_refusing_code
from regauth_core.conversation.recovery import is_final, is_foreign
from regauth_core.conversation.refusal import Fit, Refusal, Sent, own_words, refusal, refuses_token
from regauth_core.conversation.undecided import why_undecided
from regauth_core.model import Claims, Endpoint, Exchange
from regauth_core.model.finding import Confidence, Fault, Severity
from regauth_core.model.stated_reasons import OF_RIGHTS, StatedReason
from regauth_core.protocol.scope import covered, entries
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page, rfc
from regauth_core.rules.wording import numbers, subject, where

RULE = Header(
    name="fresh-token-refused",
    family=Family.TOKEN_LIFE,
    severity=Severity.ERROR,
    fault=Fault.CONFIGURATION,
    level=Level.MUST,
    references=(page("jwt", "Verifying the token"), rfc(6750, "3.1")),
    seen=(
        "distribution/distribution#4299",
        "distribution/distribution#3941",
        "distribution/distribution#2875",
        "cesanta/docker_auth#249",
        "cesanta/docker_auth#386",
    ),
    signs=signs.REFUSED | signs.DENIED,
)

_OF_OTHERS = frozenset({StatedReason.EXPIRED, StatedReason.UNKNOWN_NAME})
"""Reasons beside which the token itself is not in question."""
_REPEATED = 3
"""Refusals of one token from which on it is told by its repetition (refused-credential-repeated)."""


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match with every refusal of a fresh and fitting token."""
    refused = [e for e in conversation.requests if refuses_token(e)]
    fitting = [one for e in refused if (one := _fitting(conversation, e)) is not None]
    if not fitting:
        return
    tokens = {t.fingerprint for one in fitting if (t := bearer(one.exchange)) is not None}
    said = [one for one in fitting if StatedReason.INVALID_TOKEN in one.reasons]
    if said or len(tokens) > 1:
        yield _match(conversation, fitting, "invalid-token" if said else "several-tokens")
    elif any(_is_plain(one) for one in fitting) or _is_sent_back(conversation, fitting):
        yield _match(conversation, fitting, None)


def _is_sent_back(conversation: Conversation, fitting: list[Refusal]) -> bool:
    """Whether one token was refused once or twice, with the challenge for which it was fetched."""
    return len(fitting) < _REPEATED and all(_is_same_challenge(conversation, one) for one in fitting)


def _fitting(conversation: Conversation, refused: Exchange) -> Refusal | None:
    if bearer(refused) is None or is_foreign(conversation, refused) or not is_final(conversation, refused):
        return None
    one = refusal(conversation, refused)
    if one.sent is not Sent.TOKEN or one.fit is not Fit.FITS or one.issue is None or one.explains is not None:
        return None
    if one.error == "insufficient_scope" or _OF_OTHERS.intersection(one.reasons) or refused.target.mount is not None:
        return None
    if one.issue.secret is None and StatedReason.INVALID_TOKEN not in one.reasons:
        return None
    return one if _asks_for_no_more(one) and not _was_accepted(conversation, one) else None


def _asks_for_no_more(one: Refusal) -> bool:
    """Whether the refusal's challenge wants what the token was asked for, or says nothing about it."""
    if one.exchange.target.endpoint is Endpoint.PING and _names_repository(one):
        return False
    wanted = entries(text for c in bearer_challenges(one.exchange) for text in c.scopes)
    return not wanted or one.issue is None or covered(wanted, one.issue.asked)


def _names_repository(one: Refusal) -> bool:
    return any(c.scopes for c in bearer_challenges(one.exchange))


def _was_accepted(conversation: Conversation, one: Refusal) -> bool:
    """Whether this very token was accepted here, before or after: then its signature is trusted."""
    return one.accepted is not None and not conversation.is_token_exchange(one.accepted)


def _is_plain(one: Refusal) -> bool:
    """Whether no right can be missing: the request is the ping, or the token itself lists what is needed."""
    if one.exchange.target.endpoint is Endpoint.PING:
        return True
    return one.issue is not None and one.issue.granted is not None


def _is_same_challenge(conversation: Conversation, one: Refusal) -> bool:
    """Whether the answer only repeats the challenge for which the token was fetched, and speaks of no right."""
    if one.issue is None or one.issue.secret is None or OF_RIGHTS.intersection(one.reasons):
        return False
    if one.exchange.request.method not in ("GET", "HEAD") or has_refusing_code(one.exchange, "DENIED"):
        return False
    asking = challenge_for(conversation, one.issue.exchange)
    mine = [c.parameters for c in bearer_challenges(one.exchange)]
    return asking is not None and bool(mine) and mine == [c.parameters for c in bearer_challenges(asking)]


def _match(conversation: Conversation, fitting: list[Refusal], cause: str | None) -> Match:
    first = fitting[0]
    refused = [one.exchange for one in fitting]
    issued = [one.issue.exchange for one in fitting if one.issue is not None]
    server = issued[0].origin.authority
    host = first.exchange.origin.authority
    unsure = cause is None and not any(_is_plain(one) for one in fitting)
    age = f"{first.age:.0f} s" if first.age is not None and first.age >= 1 else "less than a second"
    words = own_words(first.exchange)
    said = f", {first.error}" if first.error else f" in these words: {words}" if words else ""
    anonymous = first.issue is not None and first.issue.secret is None
    accepted = "" if anonymous else "accepted the login and "
    why = "it is not about a login" if anonymous else "the password is not the reason"
    again = {None: "Try once more, since one token may be an exception. ", "several-tokens": "New tokens do not help. "}
    more = " If they fit, see whether the login may do this." if unsure else ""
    return Match(
        exchanges=present(*issued, *refused),
        severity=Severity.WARNING if unsure else None,
        cause=cause,
        title=f"{host} refuses fresh tokens of its token server {server}",
        explanation=(
            f"{server} {accepted}issued a token for {subject(conversation)} ({numbers(issued)}). Asked"
            f" {age} later, {host} refused it with {where(first.exchange)} ({numbers(refused)}, answered"
            f" {first.exchange.status}{said}). The token had not expired and was requested for this, so"
            f" {why}."
        ),
        client_author=f"Report that {host} refused a fresh token, not that the login is wrong.",
        user=(
            f"{again.get(cause, '')}If you run {host}: compare the key or certificate with which it checks tokens, the"
            " issuer and the audience"
            f" with those of {server}{_claims(first)}, then the clocks of both.{more}"
            f"{'' if anonymous else ' Changing the password does not help.'}"
        ),
        confidence=(Confidence.HIGH if cause is not None else Confidence.LOW if unsure else Confidence.MEDIUM),
        because=(
            "the answer says that the token is not valid"
            if cause == "invalid-token"
            else "several fresh tokens were refused"
            if cause is not None
            else "one token was refused and cannot be read; it may also lack a right"
            if unsure
            else "one token was refused, and the answer does not say why"
        ),
        undecided=why_undecided(conversation, first.exchange, first.issue),
    )


def _claims(one: Refusal) -> str:
    """What the token says of its issuer and audience, beside what the challenge calls the service."""
    token = bearer(one.exchange)
    claims: Claims | None = token.claims if token is not None else None
    if claims is None or not (claims.issuer or claims.audience):
        return ""
    service = next((s for c in bearer_challenges(one.exchange) if (s := c.parameter("service"))), None)
    told = [f"issuer {claims.issuer}" if claims.issuer else "", f"audience {', '.join(claims.audience)}"]
    own = " and ".join(text for text in told if not text.endswith(" ") and text)
    return f" (the token says {own}{f'; the challenge says service {service}' if service else ''})"
