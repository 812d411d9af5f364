"""Notes what an exchange shows about its client and the registry, in the conversation it was placed in and above it.

`tracking` decides where an exchange belongs; nothing here does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from regauth_core.conversation.conversation import ClientAtRegistry, ClientState, Conversation, NamedUrl, TraceState
from regauth_core.conversation.exchanges import (
    Address,
    IssuedToken,
    bearer,
    challenge_realm,
    credential_sent,
    is_anonymous,
    leads_to_registry,
    link_address,
    realm_key,
    request_key,
    secret_of,
    succeeded,
)
from regauth_core.conversation.home_registries import Basis
from regauth_core.model import Endpoint, Exchange, Fingerprint, Link
from regauth_core.protocol.registries import registry_of, repository_of
from regauth_core.protocol.scope import Scope, entries

MOST_SCOPES = 16
"""Scopes that are read of one challenge or of one token request."""
_MOST_ATTEMPTS = 16
_MOST_ASKED = 8
_FAILURES = (401, 403, 429)
_LISTED = frozenset({Endpoint.MANIFEST, Endpoint.BLOB, Endpoint.TAGS})

Asked = tuple[Address, frozenset[tuple[str, str]]]
"""The realm that a challenge names, and the kinds and names that its scopes ask for."""


def scopes_of(texts: Iterable[str]) -> tuple[Scope, ...]:
    """The scopes in the parameters of one message, at most `MOST_SCOPES`."""
    return entries(texts)[:MOST_SCOPES]


def note_request(conversation: Conversation, exchange: Exchange) -> None:
    """Note what a request to a registry's endpoints shows, and whether it went well."""
    at_registry, target, trace_state = conversation.at_registry, exchange.target, conversation.trace_state
    at_registry.last_request = exchange
    at_registry.is_altered |= exchange.is_altered
    if target.repository is not None:
        at_registry.last_repository_request = exchange
        _note_names(at_registry, exchange)
    if conversation.registry not in trace_state.registries:
        trace_state.registries[conversation.registry] = exchange
    if target.endpoint is Endpoint.PING:
        at_registry.pings.append(exchange)
    elif target.endpoint in _LISTED:
        key = (_short(target.repository), target.reference)
        asked = conversation.client_state.asked
        # A tuple, because most are asked for once or twice, and there are very many.
        asked[key] = (*asked.get(key, ())[1 - _MOST_ASKED :], exchange)
    if succeeded(exchange) and not leads_to_registry(exchange):
        at_registry.last_success = exchange
        if exchange.status >= 300:
            # Where it leads to may be closed.
            return
        is_anonymous = _is_anonymous(trace_state, exchange)
        if is_anonymous or exchange.request.credentials:
            reads = trace_state.anonymous_reads if is_anonymous else trace_state.authorized_reads
            # A redirect may have led to another registry, which is asked for it as well.
            own = registry_of(exchange.origin)
            reads[own, repository_of(own, target.repository)] = exchange
            reads[conversation.registry, conversation.repository] = exchange


def _note_names(at_registry: ClientAtRegistry, exchange: Exchange) -> None:
    target = exchange.target
    asked = repository_of(at_registry.registry, target.repository)
    if asked is not None and asked not in at_registry.asked:
        at_registry.asked[asked] = exchange
    source = repository_of(at_registry.registry, target.mount_from)
    if source is not None:
        at_registry.note_name(source, target.endpoint)


def _is_anonymous(trace_state: TraceState, exchange: Exchange) -> bool:
    if is_anonymous(exchange):
        return True
    if secret_of(exchange) is not None:
        return False
    token = bearer(exchange)
    issue = trace_state.issues.get(token.fingerprint) if token is not None else None
    return issue is not None and issue.secret is None


def note_auth_step(at_registry: ClientAtRegistry, exchange: Exchange) -> None:
    """A client sent a credential, or asked a token server, for a registry."""
    at_registry.auth_steps.append(exchange)


def note_use(client_state: ClientState, secret: Fingerprint, exchange: Exchange) -> None:
    """A credential was sent to a registry, which may have accepted it."""
    ground = Basis.ACCEPTED if 200 <= exchange.status < 300 else Basis.USED
    client_state.home_registries.note(secret, registry_of(exchange.origin), exchange, ground)


def note_acceptance(at_registry: ClientAtRegistry, credential: Fingerprint, exchange: Exchange) -> None:
    """If the exchange went well, its credential was good enough."""
    if succeeded(exchange):
        at_registry.accepted[credential] = exchange


def note_secret(conversation: Conversation, exchange: Exchange) -> None:
    """Note the password or refresh token that a request to a registry carries, if any."""
    secret = secret_of(exchange)
    if secret is not None:
        conversation.at_registry.secrets[secret] = exchange
        note_use(conversation.client_state, secret, exchange)
        note_acceptance(conversation.at_registry, secret, exchange)


def note_joined(conversation: Conversation, exchange: Exchange) -> None:
    """Note a token exchange that is known to serve this conversation's registry only since its token was used there."""
    at_registry = conversation.at_registry
    note_auth_step(at_registry, exchange)
    secret = secret_of(exchange)
    if secret is not None:
        at_registry.secrets[secret] = exchange
        at_registry.accepted[secret] = exchange
        conversation.client_state.home_registries.note(
            secret, registry_of(conversation.origin), exchange, Basis.FETCHED
        )


def note_attempt(at_registry: ClientAtRegistry, exchange: Exchange) -> None:
    """Remember what did not go well with a credential, over all conversations."""
    credential = credential_sent(exchange)
    if credential is None:
        return
    key = (credential, request_key(exchange))
    if succeeded(exchange):
        at_registry.failed_attempts.pop(key, None)
    elif exchange.status in _FAILURES or exchange.status >= 500:
        attempts = at_registry.failed_attempts.get(key)
        if attempts is None:
            attempts = at_registry.failed_attempts[key] = deque(maxlen=_MOST_ATTEMPTS)
        attempts.append(exchange)


def note_answer(conversation: Conversation, exchange: Exchange) -> list[Asked]:
    """Note what a registry's answer names; gives what each of its challenges asks for, if it names a realm."""
    response, asked_for = exchange.response, []
    if response is None:
        return []
    for challenge in response.challenges:
        if challenge.kind == "basic" and response.status == 401:
            asked, text = conversation.at_registry.basic_realms, challenge.parameter("realm") or ""
            if text not in asked:
                asked[text] = exchange
        realm = challenge_realm(challenge)
        if realm is not None:
            scopes = scopes_of(challenge.scopes)
            if conversation.client_state.realms.get(realm) != conversation.registry:
                conversation.client_state.realms[realm] = conversation.registry
            asked_for.append((realm, frozenset((s.kind, s.name) for s in scopes)))
            conversation.client_state.challengers[realm] = registry_of(exchange.origin)
            for scope in scopes:
                name = repository_of(conversation.registry, scope.path)
                if name:
                    conversation.at_registry.note_name(name, exchange.target.endpoint)
    if response.location is not None:
        how = "redirect" if 300 <= response.status < 400 else "upload-location"
        note_named_url(conversation, exchange, response.location, how)
    if response.next_page is not None:
        note_named_url(conversation, exchange, response.next_page, "pagination-link")
    for link in response.layer_links:
        note_named_url(conversation, exchange, link, "foreign-layer-url")
    return asked_for


def note_named_url(conversation: Conversation, exchange: Exchange, link: Link, how: str) -> None:
    """An answer named a URL; `how` as in `NamedUrl`."""
    address = link_address(link)
    if address is None or link.origin is None:
        return
    client_state = conversation.client_state
    naming = NamedUrl(exchange, link, how, conversation)
    client_state.named[address] = naming
    client_state.named_origins[link.origin] = naming


def note_token_exchange(at_registry: ClientAtRegistry, exchange: Exchange, asked: tuple[Scope, ...]) -> None:
    """Note what a request to a token server shows, which asked for the scopes `asked`, and what it was given."""
    trace_state = at_registry.client_state.trace_state
    secret = secret_of(exchange)
    home = at_registry.client_state.challengers.get(realm_key(exchange)) or at_registry.registry
    note_attempt(at_registry, exchange)
    if secret is not None:
        at_registry.secrets[secret] = exchange
        ground = Basis.ACCEPTED if succeeded(exchange) else Basis.USED
        at_registry.client_state.home_registries.note(secret, home, exchange, ground)
        if succeeded(exchange):
            at_registry.accepted[secret] = exchange
        if exchange.request.token is not None and exchange.request.token.grant == "refresh_token":
            trace_state.refresh_tokens[secret] = exchange
    answer = exchange.response.token if exchange.response is not None else None
    if answer is None:
        return
    if answer.refresh_token:
        trace_state.refresh_tokens[answer.refresh_token] = exchange
    issue = IssuedToken(
        exchange=exchange,
        client=at_registry.client_state.identifier,
        asked=asked,
        secret=secret,
    )
    for fingerprint in answer.fingerprints:
        trace_state.issues[fingerprint] = issue
        # A realm that nobody had named yet is known by where its token is used.
        if realm_key(exchange) in at_registry.client_state.realms:
            at_registry.client_state.home_registries.note(fingerprint, home, exchange, Basis.FETCHED)


def _short(repository: str | None) -> str | None:
    return repository.removeprefix("library/") if repository else None
