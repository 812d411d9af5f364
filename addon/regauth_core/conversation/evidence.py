"""What several rules ask of exchanges and conversations: what an answer says, what a token was for, who was asked.

Everything here is a pure question; nothing changes what it is asked about.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.exchanges import (
    asked,
    bearer,
    challenge_realm,
    credential_sent,
    is_anonymous,
    leads_to_registry,
    realm_key,
    succeeded,
    usable_challenges,
)
from regauth_core.model import Credential, Exchange, Fingerprint
from regauth_core.protocol.registries import registry_of, repository_of
from regauth_core.protocol.scope import Scope


def repositories(scopes: Iterable[Scope], registry: str) -> frozenset[str]:
    """The repositories that scopes name, by their one name at this registry."""
    names = (s.path for s in scopes if s.resource[0] == "repository")
    return frozenset(found for name in names if (found := repository_of(registry, name)))


def challenge_for(conversation: Conversation, exchange: Exchange) -> Exchange | None:
    """The last 401 of the conversation (or of a ping) that sent the client to the realm which it asks here.

    Where a token server had sent it on, that is the 401 which had sent it to that server.
    """
    key = realm_key(exchange)
    naming = conversation.client_state.named.get(key)
    if naming is not None and naming.exchange is not exchange and conversation.is_token_exchange(naming.exchange):
        # One step back is enough: a longer chain of redirects is nobody's evidence.
        key = realm_key(naming.exchange)
    for earlier in reversed(conversation.context):
        if earlier.started > exchange.started or earlier is exchange or earlier.response is None:
            continue
        if any(challenge_realm(c) == key for c in earlier.response.challenges):
            return earlier
    return None


def asked_before(conversation: Conversation, exchange: Exchange) -> Exchange | None:
    """The client's last 401 here with a usable challenge before the exchange, of the ping or of this conversation."""
    earlier = [
        e for e in conversation.context if e.status == 401 and e.started < exchange.started and usable_challenges(e)
    ]
    return earlier[-1] if earlier else None


def ignored_before(conversation: Conversation, denied: Exchange) -> Exchange | None:
    """The 401 that the client had left unanswered before it asked this without a credential, and got 403."""
    asking = asked_before(conversation, denied)
    if asking is None or not is_anonymous(denied) or usable_challenges(denied) or conversation.auth_steps_since(asking):
        return None
    return asking


def is_about(conversation: Conversation, exchange: Exchange) -> bool:
    """Whether a token exchange that serves several conversations is best told in this one.

    It is, where its latest challenge stands; without challenges, where something was asked; else in the first. What
    is over already does not count.
    """
    at_registry = conversation.at_registry
    siblings = [
        c for c in at_registry.shared.get(exchange.number, ()) if at_registry.conversations.get(c.repository) is c
    ]
    if len(siblings) < 2:
        return True

    def weight(one: Conversation) -> tuple[float, bool]:
        own = [e.started for e in one.requests if e.status == 401 and e.started <= exchange.started]
        return max(own, default=0.0), bool(one.requests)

    return max(siblings, key=weight) is conversation


def renewals(conversation: Conversation, refused: Exchange) -> list[Exchange]:
    """The token requests after a refusal that may have been made for its sake."""
    own = {e.number for e in conversation.steps}
    return [
        a
        for a in conversation.auth_steps_since(refused)
        if conversation.is_token_exchange(a) and (a.number in own or not asked(a))
    ]


def changed_credential(conversation: Conversation, refused: Exchange) -> bool:
    """Whether the client later sent the same request with another credential."""
    return any(
        (now := credential_sent(e)) is not None and now != credential_sent(refused)
        for e in conversation.repeats_of(refused)
    )


def uses(conversation: Conversation, tokens: Iterable[Fingerprint]) -> list[Exchange]:
    """The requests of this registry, in any conversation, that carried one of the tokens."""
    wanted = set(tokens)
    return [
        a
        for a in conversation.at_registry.auth_steps
        if (token := bearer(a)) is not None and token.fingerprint in wanted and not conversation.is_token_exchange(a)
    ]


def life_ends(conversation: Conversation, token: Credential) -> float | None:
    """When a token's life is over: by its issue, else by its own `exp`; `None` where neither is known."""
    issue = conversation.issue_of(token)
    if issue is not None:
        return issue.ended
    return token.claims.expires if token.claims is not None else None


def continued_after(conversation: Conversation, exchange: Exchange) -> bool:
    """Whether the client later got anything of this repository; of the registry, where no repository is concerned.

    What it got of the same name elsewhere counts: this registry was a mirror, or one of several that were tried.
    """
    if conversation.was_served_after(exchange) or is_served_elsewhere(conversation, exchange):
        return True
    last = conversation.at_registry.last_success
    return conversation.repository is None and last is not None and last.started > exchange.started


def asked_other_registry(conversation: Conversation, refused: Exchange) -> list[Exchange]:
    """The same path asked of another registry afterwards: the refusing one was a mirror."""
    name = refused.target.repository
    key = (name.removeprefix("library/") if name else None, refused.target.reference)
    return [
        e
        for e in conversation.client_state.asked.get(key, ())
        if name
        and e.started >= refused.started
        and registry_of(e.origin) != registry_of(refused.origin)
        # What only leads on to the registry that refused is no other place.
        and not leads_to_registry(e)
    ]


def is_served_elsewhere(conversation: Conversation, exchange: Exchange) -> bool:
    """Whether another registry afterwards gave what was asked of this one."""
    return any(
        succeeded(other) and other.started >= exchange.started
        for request in conversation.requests
        if request.target.repository
        for other in asked_other_registry(conversation, request)
    )


def present(*exchanges: Exchange | None) -> tuple[Exchange, ...]:
    """Those that are there, each once."""
    found = {e.number: e for e in exchanges if e is not None}
    return tuple(found.values())
