"""The token server's successful answer has no token, or none that clients can read.

Fires when: the realm answers 2xx with a page or anything else that is not a JSON object, with JSON that has neither
`token` nor `access_token`, or with an empty one, and no later exchange gives a token; or with fields of another type
than the specification gives them, and the client does not use the token.

Causes: not-json (mostly the realm is a login page, which is a mistake in the configuration), no-token, empty-token,
field-types (such as `expires_in` as a string, which strict readers refuse, or `expires_at` in its place).

What to do: report to the operator that the realm does not issue tokens; a client should reject such an answer at once,
and report its status and content type.

Silent when: a redirect ends in JSON; one of the two fields is there; the JSON comes under another content type.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import challenge_for, continued_after, is_about, present, uses
from regauth_core.conversation.exchanges import realm_key
from regauth_core.conversation.undecided import why_undecided
from regauth_core.model import Exchange
from regauth_core.model.finding import Fault, Severity
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page, rfc
from regauth_core.rules.wording import where

RULE = Header(
    name="unusable-token-response",
    family=Family.EXCHANGE,
    severity=Severity.ERROR,
    fault=Fault.TOKEN_SERVER,
    level=Level.MUST,
    references=(page("token", "Token Response Fields"), rfc(6749, "5.1")),
    seen=("cesanta/docker_auth#230", "distribution/distribution#1659", "indaco/malt PR#916"),
    signs=signs.TOKEN | signs.PAGE,
)

_SAID = {
    "not-json": "is not a JSON object",
    "no-token": "is JSON without token or access_token",
    "empty-token": "has an empty token",
    "field-types": "has fields that the specification does not have or gives another type",
}

_ADVICE = {
    "not-json": (
        "The realm that the registry names, {host}, does not work as a token endpoint: correct the realm in the"
        " registry's configuration, or the proxy in front of the token server.",
        "Reject such an answer of {host} at once, and print its content type and size.",
    ),
    "no-token": (
        "Report to who runs {host} that its answer has neither `token` nor `access_token`. If you run it: check that"
        " the realm's path is the one that issues tokens.",
        "Read both `token` and `access_token`, and report that the answer of {host} has neither.",
    ),
    "empty-token": (
        "Report to who runs {host} that it issues an empty token. If you run it: look in its log for why nothing was"
        " signed.",
        "Treat an empty token of {host} as none: do not send it to the registry, and report it.",
    ),
    "field-types": (
        "If you run {host}: send `expires_in` as a whole number, `issued_at` as a time of RFC 3339 and the token as a"
        " string. Until then only lenient clients succeed.",
        "Use the token of {host} where only other fields cannot be read, and name the field that cannot.",
    ),
}
"""What the user and the client's author can do, by cause."""


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match for each kind of unusable answer."""
    found: dict[str, list[Exchange]] = {}
    for exchange in conversation.token_exchanges:
        cause = _cause(conversation, exchange)
        if cause is not None and is_about(conversation, exchange) and not _later_token(conversation, exchange):
            found.setdefault(cause, []).append(exchange)
    for cause, exchanges in found.items():
        first = exchanges[0]
        user, author = (text.format(host=first.origin.authority) for text in _ADVICE[cause])
        kind = first.response.header("content-type") if first.response else None
        yield Match(
            exchanges=present(challenge_for(conversation, first), *exchanges),
            severity=Severity.INFO if continued_after(conversation, first) else None,
            fault=Fault.CONFIGURATION if cause == "not-json" else None,
            cause=cause,
            title=_title(first, cause),
            explanation=(
                f"{where(first)} ({first.number}) was answered {first.status}, but the body ({kind or 'no type'},"
                f" {first.response.size if first.response else 0} bytes) {_SAID[cause]}{_fields(first, cause)}."
            ),
            client_author=author,
            user=user,
            undecided=why_undecided(conversation, first),
        )


def _cause(conversation: Conversation, exchange: Exchange) -> str | None:
    response = exchange.response
    if response is None or not 200 <= response.status < 300 or exchange.request.method not in ("GET", "POST"):
        return None
    answer = response.token
    if answer is None:
        return "not-json" if response.is_html and _is_named(conversation, exchange) else None
    if answer.mistyped and not _is_used(conversation, exchange):
        return "field-types"
    if answer.fingerprints or answer.refresh_token:
        # Some clouds exchange their own token for a refresh token first.
        return None
    if not answer.is_json:
        return "not-json" if _is_named(conversation, exchange) or exchange.request.token is None else None
    return "empty-token" if answer.empty else "no-token"


def _title(exchange: Exchange, cause: str) -> str:
    lack = "is not readable for every client" if cause == "field-types" else "has no token"
    return f"the token answer of {exchange.origin.authority} {lack}"


def _fields(exchange: Exchange, cause: str) -> str:
    answer = exchange.response.token if exchange.response is not None else None
    return f" ({', '.join(answer.mistyped)})" if answer is not None and cause == "field-types" else ""


def _is_used(conversation: Conversation, exchange: Exchange) -> bool:
    """Whether the client could read the answer: it used the token."""
    answer = exchange.response.token if exchange.response is not None else None
    return bool(uses(conversation, answer.fingerprints if answer is not None else ()))


def _is_named(conversation: Conversation, exchange: Exchange) -> bool:
    """Whether the request went to a token server: a login page may have a query that looks like a token request's."""
    asked = exchange.request.token
    by_redirect = conversation.client_state.named.get(realm_key(exchange))
    if by_redirect is not None and not conversation.is_token_exchange(by_redirect.exchange):
        return False
    named = realm_key(exchange) in conversation.client_state.realms
    return named or bool(asked is not None and (asked.scopes or asked.account or exchange.request.credentials))


def _later_token(conversation: Conversation, exchange: Exchange) -> bool:
    return any(
        e.started > exchange.started
        and e.response is not None
        and e.response.token
        and e.response.token.fingerprints
        and not e.response.token.mistyped
        for e in (*conversation.steps, *conversation.at_registry.auth_steps)
    )
