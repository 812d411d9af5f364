"""Something failed, and no other rule explains it.

Fires when: an operation of the client (to resolve a tag, to fetch or push something, to get a token, to log in) ends
in a refusal, an error or a lost connection, the client does not get over it later, and no other finding accounts for
it. It says what was asked, what was sent with it, what was answered, what that excludes, and what to look at next.

Causes: client-certificate, plain-http, address-rule, csrf, policy, suspended, billing, sso-required, second-factor,
read-only, quota, rate-limit, missing-scope, missing-write-right, missing-right, unknown-name, expired, content,
unavailable (the answer states this reason), no-connection, no-tls, connection-lost, server-error, token-server-error,
token-path, token-request, token-missing, token-refused-anonymously, password-refused, not-for-this-login,
token-refused, token-brought-along, challenge-not-answered, no-challenge, denied-without-credential, token-left-out,
not-served, request-refused, credential-not-asked-for, too-large, proxy-asks, network-asks, page, store-refused (what
kind of failure it is, where no reason is stated).

Info where the answer says that it is about the content (content), which no login changes.

What to do: the first thing to look at is named; it depends on the cause.

Silent when: the same request succeeds later, here or at another registry; what was asked for is not there, or the
registry does not offer it; the request was a probe that the client could do without; another rule accounts for it.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.refusal import Refusal, refusal
from regauth_core.model import Exchange
from regauth_core.model.finding import Confidence, Fault, Severity
from regauth_core.model.stated_reasons import StatedReason
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page, rfc
from regauth_core.rules.unexplained import cause_of, sentences

RULE = Header(
    name="refused-unexplained",
    family=Family.REGISTRY,
    severity=Severity.WARNING,
    fault=Fault.UNKNOWN,
    level=Level.INFO,
    references=(rfc(9110, "15.5"), page("oci", "Error Codes")),
    seen=("distribution/distribution#4299", "docker/login-action#705", "moby/moby#51662", "apple/container#847"),
    signs=signs.REFUSED | signs.DENIED | signs.NOT_FOUND | signs.SERVER_ERROR | signs.NO_ANSWER,
    is_last=True,
)

_STATED = "the answer gives the reason itself"
_MOST = 200
"""Exchanges that one finding lists."""


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match for each kind of failure that nothing accounts for."""
    groups: dict[object, list[Refusal]] = {}
    for exchange in conversation.unaccounted:
        one = refusal(conversation, exchange)
        groups.setdefault((cause_of(one), one.place, exchange.origin), []).append(one)
    for alike in groups.values():
        yield _match(conversation, alike)


def _match(conversation: Conversation, alike: list[Refusal]) -> Match:
    first = alike[0]
    failed = tuple(one.exchange for one in alike[:_MOST])
    said = sentences(conversation, first, failed)
    return Match(
        exchanges=(*_behind(first), *failed),
        severity=Severity.INFO if said.cause == StatedReason.CONTENT else None,
        fault=said.fault,
        cause=said.cause,
        title=said.title,
        explanation=said.explanation,
        client_author=said.client_author,
        user=said.user,
        confidence=Confidence.MEDIUM if first.explains is not None else Confidence.LOW,
        because=_STATED if first.explains is not None else "the capture shows that it failed, and not why",
    )


def _behind(one: Refusal) -> tuple[Exchange, ...]:
    """The exchange in which the token that was sent had been issued."""
    return (one.issue.exchange,) if one.issue is not None else ()
