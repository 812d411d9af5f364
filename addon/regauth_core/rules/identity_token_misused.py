"""An identity token is sent as if it were a password or an access token.

Fires when: a host gets Basic credentials whose user name is ``<token>``; or the registry itself gets a refresh token
that was seen elsewhere in the trace, or a login under the all-zero GUID.

Severity: error where it is refused, warning where it is accepted: it is the key to every later token.

Causes: sent-as-password, sent-to-registry.

What to do: update the client, or log in with a password; a client should send an identity token only to the realm, as a
refresh grant.

Silent when: the all-zero GUID goes to the realm, as Azure documents it.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import is_about
from regauth_core.conversation.exchanges import refuses
from regauth_core.model import Exchange, Fingerprint, Holder
from regauth_core.model.finding import Fault, Severity
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page, rfc
from regauth_core.rules.wording import numbers, where

RULE = Header(
    name="identity-token-misused",
    family=Family.EXCHANGE,
    severity=Severity.ERROR,
    fault=Fault.CLIENT,
    level=Level.MUST,
    references=(page("scope", "Refresh Tokens"), rfc(6749, "10.4")),
    seen=(
        "containers/image#748",
        "containers/skopeo#533",
        "google/go-containerregistry#421",
        "containerd/containerd#3333",
        "Azure/acr#98",
    ),
    signs=signs.CREDENTIAL,
    yields=True,
)


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match for each way in which an identity token was misused."""
    found: dict[str, list[Exchange]] = {}
    for exchange in conversation.steps:
        cause = _cause(conversation, exchange)
        if cause is not None and is_about(conversation, exchange):
            found.setdefault(cause, []).append(exchange)
    for cause, exchanges in found.items():
        yield _match(conversation, cause, exchanges)


def _cause(conversation: Conversation, exchange: Exchange) -> str | None:
    at_realm = conversation.is_token_exchange(exchange)
    for credential in exchange.request.credentials:
        if credential.holder is Holder.IDENTITY_TOKEN:
            return "sent-as-password"
        if at_realm:
            continue
        values = (credential.fingerprint, credential.password)
        if credential.holder is Holder.AZURE or any(v and _is_refresh_token(conversation, v) for v in values):
            return "sent-to-registry"
    return None


def _is_refresh_token(conversation: Conversation, value: Fingerprint) -> bool:
    # A server may hand out one value as both; then it belongs at the registry as well.
    return value in conversation.trace_state.refresh_tokens and value not in conversation.trace_state.issues


def _match(conversation: Conversation, cause: str, exchanges: list[Exchange]) -> Match:
    refused = [e for e in exchanges if refuses(e)]
    first = (refused or exchanges)[0]
    host = first.origin.authority
    is_password = cause == "sent-as-password"
    how = "as a password, with the user name <token>," if is_password else "to the registry itself"
    return Match(
        exchanges=tuple(exchanges),
        severity=None if refused else Severity.WARNING,
        cause=cause,
        title=f"an identity token was sent to {host}{' as a password' if is_password else ''}",
        explanation=(
            f"{where(first)} carried an identity token {how} and was answered {first.status} ({numbers(exchanges)})."
            " Such a token is only valid in a POST with grant_type=refresh_token at the realm."
        ),
        client_author=(
            "A login under <token> is a refresh token: exchange it at the realm with grant_type=refresh_token, and"
            f" never send it to {host} as Basic."
            if is_password
            else "Send an identity token to the realm alone, with grant_type=refresh_token, and send"
            f" {host} the access token that comes of it."
        ),
        user=(
            f"Update the client, or log in to {conversation.registry} with a password or the user name that the"
            " registry documents."
            if is_password
            else f"Update the client, or use one that exchanges its login for a token before it asks {host}: the"
            " login itself may be right."
        ),
    )
