"""The client sent the token server an earlier Bearer token instead of credentials.

Fires when: a token request with ``Authorization: Bearer`` is refused, or makes the server fail. Info where a later
exchange succeeds.

What to do: update the client; its author should keep the original credentials for the token server and never send it a
token that was issued for a registry.

Silent when: the server accepts it, as some clouds' servers accept identity tokens.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.answers import is_not_taken, is_server_error
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import is_about
from regauth_core.conversation.exchanges import bearer, realm_key, succeeded
from regauth_core.model import Exchange
from regauth_core.model.finding import Fault, Severity
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page, rfc
from regauth_core.rules.wording import numbers, where

RULE = Header(
    name="bearer-at-token-endpoint",
    family=Family.EXCHANGE,
    severity=Severity.ERROR,
    fault=Fault.CLIENT,
    level=Level.MUST,
    references=(page("token", "Requesting a Token"), rfc(9110, "11.5")),
    seen=("oras-project/oras-java#17", "renovatebot/renovate PR#28228"),
    signs=signs.TOKEN,
    yields=True,
)


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match with every failed token request that carried a Bearer token."""
    wrong = [e for e in conversation.token_exchanges if _is_refused(e) and is_about(conversation, e)]
    if not wrong:
        return
    first = wrong[0]
    host = first.origin.authority
    yield Match(
        exchanges=tuple(wrong),
        severity=Severity.INFO if _succeeds_later(conversation, wrong[-1]) else None,
        title=f"the client sent a Bearer token to the token server {host}",
        explanation=(
            f"{where(first)} carried a Bearer token and was answered {first.status} ({numbers(wrong)}). A token server"
            " wants the credentials themselves, or nothing."
        ),
        client_author=f"Never reuse the registry's Authorization for {host}: keep the credentials and send those.",
        user="Update the client. It sent no password with that request, so the password is not at fault.",
    )


def _is_refused(exchange: Exchange) -> bool:
    token = bearer(exchange)
    return token is not None and not token.empty and (is_not_taken(exchange) or is_server_error(exchange))


def _succeeds_later(conversation: Conversation, refused: Exchange) -> bool:
    key = realm_key(refused)
    return any(succeeded(e) and realm_key(e) == key and e.started > refused.started for e in conversation.steps)
