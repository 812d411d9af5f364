"""A forward proxy requires a login.

Fires when: a request is answered 407 and nothing on that host succeeds afterwards.

What to do: give the client the proxy's credentials, for the token server's host as well as for the registry's; a client
should name the proxy in its error.

Silent when: the client answers with `Proxy-Authorization` and succeeds.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.answers import asks_for_proxy_login
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import is_about
from regauth_core.model import Exchange
from regauth_core.model.finding import Confidence, Fault, Severity
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import rfc
from regauth_core.rules.wording import numbers, where

RULE = Header(
    name="proxy-auth-required",
    family=Family.PROXY,
    severity=Severity.ERROR,
    fault=Fault.CONFIGURATION,
    level=Level.MUST,
    references=(rfc(9110, "15.5.8"), rfc(9110, "11.7")),
    seen=("docker/hub-feedback#826",),
    signs=signs.PROXY_AUTHENTICATION,
)


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match for each host to which the proxy does not connect the client."""
    hosts: dict[str, list[Exchange]] = {}
    for exchange in conversation.steps:
        if asks_for_proxy_login(exchange) and is_about(conversation, exchange):
            hosts.setdefault(exchange.origin.authority, []).append(exchange)
    for host, refused in hosts.items():
        if _gets_through(conversation, refused[-1]):
            continue
        named = any(e.response is not None and e.response.header("proxy-authenticate") for e in refused)
        yield Match(
            exchanges=tuple(refused),
            title=f"a forward proxy requires a login to connect to {host}",
            explanation=(
                f"{where(refused[0])} was answered 407 ({numbers(refused)}). That answer is the proxy's, not"
                f" {host}'s, and it does not ask for the registry's password."
            ),
            client_author="Report which proxy refused, and do not blame the registry's credentials.",
            user=f"Set the proxy's user name and password in its URL, and let the proxy connect to {host} as well.",
            confidence=Confidence.HIGH if named else Confidence.MEDIUM,
            because=(
                "the answer carries Proxy-Authenticate" if named else "the answer is a 407 without Proxy-Authenticate"
            ),
        )


def _gets_through(conversation: Conversation, refused: Exchange) -> bool:
    later = (*conversation.steps, *conversation.at_registry.auth_steps)
    return any(
        e.origin.host == refused.origin.host and e.started > refused.started and e.status not in (0, 407) for e in later
    )
