"""A credential was sent without encryption, where anyone on the network path can read it.

Fires when: a password, refresh token or other credential goes over plain http to a host that is not this machine, after
https to that host was used or failed, or without any sign that the user chose plain http.

Severity: error; warning where https had only failed and the host is on an internal network; info where that host was
used over http alone and is internal or a test name, or where the token was anonymous.

What to do: change the password, and fix the redirect or the TLS setup; a client should require explicit permission for
each host, and never downgrade with credentials.

Silent when: the host is loopback; the Basic credentials are empty.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.conversation import Conversation, FirstContact
from regauth_core.conversation.evidence import is_about
from regauth_core.conversation.exchanges import bearer, credential_sent, secret_of
from regauth_core.model import Exchange
from regauth_core.model.finding import Confidence, Fault, Severity
from regauth_core.protocol.registries import is_internal, is_loopback, is_test_name
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import rfc
from regauth_core.rules.logins import given_away
from regauth_core.rules.wording import where

RULE = Header(
    name="credentials-over-http",
    family=Family.LEAK,
    severity=Severity.ERROR,
    fault=Fault.CLIENT,
    level=Level.MUST,
    references=(rfc(6750, "5.3"), rfc(7617, "4"), rfc(9110, "17.16.1")),
    seen=("moby/moby#34621", "fluxcd/flux PR#918", "containerd/nerdctl#887"),
    signs=signs.PLAIN_HTTP,
    at_once=True,
    stands_alone=True,
)


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match if the newest exchange carries a credential in clear."""
    exchange = conversation.latest
    if exchange is None or exchange.origin.scheme != "http" or not _is_secret(exchange):
        return
    host = exchange.origin.authority
    if is_loopback(exchange.origin.host) or not is_about(conversation, exchange):
        return
    secured = _https_of(conversation, exchange)
    severity = _severity(conversation, exchange, secured)
    if secured is None:
        before = "Nothing in the capture shows that https was tried."
    elif secured.exchange.response is not None:
        before = f"The client had used https with that host before ({secured.exchange.number})."
    else:
        before = f"The client had tried https with that host and got no answer ({secured.exchange.number})."
    yield Match(
        exchanges=(exchange,),
        severity=severity,
        title=f"a credential was sent to {host} without encryption",
        explanation=f"{where(exchange)} ({exchange.number}) carried a credential over plain http. {before}",
        client_author=f"Require an explicit choice per host before using plain http, and never go from https at {host}"
        " to http with a credential.",
        user=(
            f"Anyone on the network path could read it: fix the redirect or TLS of {host}."
            f" {given_away(conversation, exchange, host)}"
        ),
        confidence=Confidence.HIGH if secured is not None else Confidence.MEDIUM,
        because=(
            "both the use of https and the request in clear are in the capture"
            if secured is not None
            else "the operator may have chosen plain http; the capture does not show it"
        ),
        rests_on_absence=False,
    )


def _is_secret(exchange: Exchange) -> bool:
    return credential_sent(exchange) is not None or any(not c.empty for c in exchange.request.credentials)


def _https_of(conversation: Conversation, exchange: Exchange) -> FirstContact | None:
    """The client's contact with the same host over https, preferably one that was answered."""
    known = conversation.client_state.origins.items()
    found = [c for origin, c in known if origin.host == exchange.origin.host and origin.scheme == "https"]
    return next((c for c in found if c.exchange.response is not None), found[0] if found else None)


def _severity(conversation: Conversation, exchange: Exchange, secured: FirstContact | None) -> Severity:
    host = exchange.origin.host
    issue = conversation.issue_of(bearer(exchange))
    if secret_of(exchange) is None and issue is not None and issue.secret is None:
        return Severity.INFO
    if secured is None:
        return Severity.INFO if is_internal(host) or is_test_name(host) else Severity.ERROR
    if secured.exchange.response is None and is_internal(host):
        return Severity.WARNING
    return Severity.ERROR
