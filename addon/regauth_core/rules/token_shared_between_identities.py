"""A client uses a token that was issued to another identity.

Fires when: a token that was requested with one credential is accepted from another client, which has other credentials
for this registry and never got that token from a token server itself.

What to do: find the cache between the clients and disable it; its author should make the credential part of the cache's
key.

Silent when: the other client has the same credential, like parallel workers of one login; nothing shows that it is
another identity; the token is anonymous.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.exchanges import IssuedToken, bearer, succeeded
from regauth_core.model import Exchange
from regauth_core.model.finding import Confidence, Fault, Severity
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page, rfc
from regauth_core.rules.wording import numbers, reference_of

RULE = Header(
    name="token-shared-between-identities",
    family=Family.TOKEN_LIFE,
    severity=Severity.WARNING,
    fault=Fault.PROXY,
    level=Level.MUST,
    references=(page("scope", "Audience"), rfc(9110, "11.5")),
    seen=("artifact-keeper/artifact-keeper#3606",),
    signs=signs.CREDENTIAL,
    accounts=False,
    stands_alone=True,
)


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match for each issued token that another identity used."""
    strangers: dict[int, tuple[IssuedToken, list[Exchange]]] = {}
    for exchange in conversation.requests:
        issue = conversation.issue_of(bearer(exchange)) if succeeded(exchange) else None
        if issue is not None and _is_foreign(conversation, issue):
            strangers.setdefault(issue.exchange.number, (issue, []))[1].append(exchange)
    for issue, served in strangers.values():
        yield _match(conversation, issue, served)


def _is_foreign(conversation: Conversation, issue: IssuedToken) -> bool:
    if issue.secret is None or issue.client == conversation.client_state.identifier:
        return False
    own = conversation.at_registry.secrets
    if not own or issue.secret in own:
        return False
    answer = issue.exchange.response.token if issue.exchange.response else None
    tokens = set(answer.fingerprints if answer is not None else ())
    return not any(
        tokens.intersection(step.response.token.fingerprints)
        for step in conversation.at_registry.auth_steps
        if step.response is not None and step.response.token is not None
    )


def _match(conversation: Conversation, issue: IssuedToken, served: list[Exchange]) -> Match:
    return Match(
        exchanges=(issue.exchange, *served),
        title=f"one user's token was used by another for {reference_of(conversation)}",
        explanation=(
            f"Client {issue.client} got the token with its own credential ({issue.exchange.number}). Client"
            f" {conversation.client_state.identifier} has other credentials for this registry and did not request this"
            f" token, but was served with it ({numbers(served)})."
        ),
        client_author="Make the fingerprint of the credential part of the key under which tokens are cached.",
        user=(
            f"Look for a cache between the clients and {conversation.origin.authority}: it gives the"
            " rights of one user to another."
        ),
        confidence=Confidence.MEDIUM,
        because="the clients differ by process or address, and both are known to have different credentials",
        rests_on_absence=False,
    )
