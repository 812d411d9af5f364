"""A request carries ``Authorization: Basic`` with an empty user name and an empty password.

Fires when: such a header (``Og==``) is refused. Info where it is accepted, or where the operation continues.

What to do: log in, or find out why the credential helper returned nothing; a client without credentials should not send
the header.

Silent when: only the password is empty and there is a user name.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import continued_after, is_about
from regauth_core.conversation.exchanges import refuses
from regauth_core.model import Exchange, Holder
from regauth_core.model.finding import Fault, Severity
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import rfc
from regauth_core.rules.logins import log_in
from regauth_core.rules.wording import numbers, where

RULE = Header(
    name="empty-basic-credentials",
    family=Family.CREDENTIALS,
    severity=Severity.WARNING,
    fault=Fault.CLIENT,
    level=Level.SHOULD,
    references=(rfc(7617, "2"), rfc(9110, "11.6.2")),
    seen=("distribution/distribution#479", "bloodorangeio/reggie PR#34"),
    signs=signs.ODD_CREDENTIAL,
    is_provable=True,
)


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match with every request that carried empty credentials."""
    empty = [e for e in conversation.steps if _is_empty(e) and is_about(conversation, e)]
    if not empty:
        return
    refused = [e for e in empty if refuses(e)]
    shown = refused or empty
    first = shown[0]
    host = first.origin.authority
    fails = bool(refused) and not continued_after(conversation, refused[-1])
    yield Match(
        exchanges=tuple(shown),
        severity=None if fails else Severity.INFO,
        title=f"the client sent empty Basic credentials to {host}",
        explanation=(
            f"{where(first)} ({numbers(shown)}) carried Authorization: Basic Og==, which is an empty user name and an"
            f" empty password, and was answered {first.status}."
        ),
        client_author=f"Without credentials, do not send {host} an Authorization header.",
        user=f"{log_in(conversation, first)}: the client found none here, or its credential helper returned nothing.",
    )


def _is_empty(exchange: Exchange) -> bool:
    return any(c.scheme == "basic" and c.holder is Holder.EMPTY for c in exchange.request.credentials)
