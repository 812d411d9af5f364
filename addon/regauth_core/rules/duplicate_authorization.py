"""One request carries two credentials.

Fires when: there are two header lines, or two credentials joined by a comma, and the request is refused. Warning where
it is accepted. Where it is known that a proxy added one, the fault is the proxy's.

What to do: find the second source of the header, often a proxy or an option for extra headers, and remove it; a client
should set the header instead of adding to it.

Silent when: there is one value; the second header is `Proxy-Authorization`.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.answers import is_error, is_limited, is_missing
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import continued_after, is_about
from regauth_core.model import Exchange
from regauth_core.model.finding import Fault, Severity
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import rfc
from regauth_core.rules.wording import numbers, where

RULE = Header(
    name="duplicate-authorization",
    family=Family.CREDENTIALS,
    severity=Severity.ERROR,
    fault=Fault.CLIENT,
    level=Level.MUST,
    references=(rfc(9110, "5.3"), rfc(9110, "11.6.2")),
    seen=("heroku/docker-registry-client PR#4",),
    signs=signs.ODD_CREDENTIAL,
)


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match with every request that carried several credentials."""
    double = [e for e in conversation.steps if len(e.request.credentials) > 1 and is_about(conversation, e)]
    if not double:
        return
    refused = [e for e in double if _is_refused(e)]
    first = (refused or double)[0]
    host = first.origin.authority
    schemes = " and ".join(c.scheme.capitalize() or "one without a scheme" for c in first.request.credentials)
    added = any(change.kind.adds_credentials for e in double for change in e.changes)
    fails = bool(refused) and not continued_after(conversation, refused[-1])
    yield Match(
        exchanges=tuple(refused or double),
        severity=None if fails else Severity.WARNING,
        fault=Fault.PROXY if added else None,
        title=f"a request to {host} carries {len(first.request.credentials)} credentials",
        explanation=(
            f"{where(first)} ({numbers(refused or double)}) has several values of Authorization ({schemes}), where one"
            f" is allowed, and was answered {first.status}."
        ),
        client_author="Set the Authorization header instead of adding to it.",
        user=f"Remove the second source of credentials for {host}: a proxy, or an option with extra headers.",
    )


def _is_refused(exchange: Exchange) -> bool:
    return is_error(exchange) and not is_missing(exchange) and not is_limited(exchange)
