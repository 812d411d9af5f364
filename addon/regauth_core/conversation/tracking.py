"""Puts each exchange where it belongs: to a client, a registry and a conversation.

How it works. A trace is a stream of exchanges of several clients with several hosts, mixed as they came. Rules want to
ask about one conversation: what one client did at one registry about one repository (or about none: pings, catalogs).
So every exchange gets three answers here, in this order.

1. Who? The sender's key: the process where the machine told it, else the label or name of the proxy's user, else the
   address with the user agent (`clients.key_of`). A token request may carry another user agent than the requests that
   it serves, because another library sends it; if there is no process to tell, and exactly one other client at that
   address was just sent to that realm, the request is that client's.
2. Which registry? A request below `/v2/` is for the registry that its host stands for, unless an answer has named just
   this URL (a `Location`, a next page): then it belongs to the registry that named it. A token request belongs to
   the registry whose challenge named its realm. Anything else (a blob at a storage host, a login page) belongs to
   the conversation in which its address was named, else to the client's latest one.
3. Which repository? The one in the path. A token request goes to the refused conversations whose challenge asked for
   one of its scopes, else by the names in its scopes, else to the refusal that came last. With scopes of two
   repositories it is in both conversations, and `shared` at the client's registry says so.

Then `facts` notes what the exchange shows where later exchanges need it: at the trace (issued tokens, anonymous reads),
at the client (realms, named URLs, the registry that a credential belongs to), at the client's registry (what was
accepted, tried, refused), and in the conversation (its exchanges, and which signs they show). A fact is noted with the
exchange that proves it, so that a finding can cite it.

A conversation is open until the diagnoser closes it: after a silence, when the client has gone, or at the end. What
comes later begins a new conversation, which knows the facts of trace, client and registry but not the old exchanges.

Not certain, and decided as said here:

- A token may be fetched before any registry was seen, from a realm that nobody named. The exchange is then put at a
  registry guessed from the realm's host, kept in `_waiting`, and moved when its token is first used. If it is
  never used, or the first conversation is over by then, it stays where it was put.
- A request at a known token server's origin, but at a path nobody named, is taken for a token request to the wrong
  address if that origin serves one registry alone. With two registries behind it this is not decided, and the
  request is placed by its host.
- Two clients behind one address with one user agent and no process are one client here. Their exchanges then explain
  each other, wrongly. `model.journal.Client` shows what a client was recognised by.
- Exchanges come in the order of their end when live and of their beginning when saved. A conversation keeps its
  exchanges by the time of the request, but the facts here are noted as the exchanges come: of two requests at the
  same time the one that ended first was first.
- Everything is bounded. A client that was forgotten is a new client; a finding that rests on what is no longer held
  has a low confidence (`Conversation.dropped`).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from regauth_core.bounded import Bounded
from regauth_core.conversation import facts
from regauth_core.conversation.client_states import MOST_REMEMBERED, ClientStates
from regauth_core.conversation.clients import key_of
from regauth_core.conversation.conversation import (
    ClientAtRegistry,
    ClientState,
    Conversation,
    FirstContact,
    TraceState,
)
from regauth_core.conversation.exchanges import (
    Address,
    link_address,
    realm_key,
)
from regauth_core.model import Endpoint, Exchange, Fingerprint, Origin, Sender
from regauth_core.protocol.registries import registry_behind, registry_of, repository_of
from regauth_core.protocol.scope import Scope

_MOST_TRIES = 16
_MOST_ASKED = 8
_TROUBLES = (401, 403, 429)
_LISTED = frozenset({Endpoint.MANIFEST, Endpoint.BLOB, Endpoint.TAGS})

Placed = tuple[Conversation, int, bool]
"""A conversation, the signs of the exchange, and whether the conversation is new."""


@dataclass(frozen=True, slots=True)
class _Challenged:
    """A refusal that a token request may be the answer to."""

    conversation: Conversation
    realm: Address
    names: frozenset[tuple[str, str]]


class Tracker:
    """The state behind a diagnosis. `trace_state` is what rules may read."""

    def __init__(self, *, credentials_known: bool = False) -> None:
        self.trace_state = TraceState(credentials_known=credentials_known)
        self._clients = ClientStates(self.trace_state)
        self._open: dict[Conversation, None] = {}
        self._challenged: Bounded[str, deque[_Challenged]] = Bounded(MOST_REMEMBERED)
        self._waiting: Bounded[Fingerprint, tuple[Exchange, tuple[Conversation, ...]]] = Bounded(1024)

    # Who

    def client_state(self, sender: Sender) -> ClientState:
        """The client behind a sender."""
        return self._clients.of(sender)

    def client_of(self, exchange: Exchange) -> str:
        """The client that an exchange was attributed to."""
        return self._clients.identifier_of(exchange)

    def _sender_of(self, exchange: Exchange) -> ClientState:
        """The exchange's client. A token request may come under another user agent than the requests it serves.

        Where no process tells, it belongs to the one other client at that address that was just sent to its realm.
        """
        own = self.client_state(exchange.sender)
        if exchange.request.token is None or key_of(exchange.sender)[0] != "address":
            return own
        realm = realm_key(exchange)
        asked = [
            key
            for key, refusals in self._challenged.items()
            if any(r.realm == realm and not self.is_closed(r.conversation) for r in refusals)
        ]
        if not asked or own.identifier in asked:
            return own
        near = [key for key in asked if self._clients.address_of(key) == exchange.sender.address]
        return self._clients.by_identifier(near[0]) if len(near) == 1 else own

    # Where

    def open(self) -> list[Conversation]:
        """Every conversation that is not over, oldest first."""
        return list(self._open)

    def open_of(self, client_state: ClientState) -> list[Conversation]:
        """The client's conversations that are not over."""
        return [c for c in self._open if c.client_state is client_state]

    def is_closed(self, conversation: Conversation) -> bool:
        """Whether `close` was called for it."""
        return conversation not in self._open

    def close(self, conversation: Conversation) -> None:
        """The conversation is over: what comes later begins a new one."""
        if self._open.pop(conversation, self) is None:
            conversation.client_state.open -= 1
        known = conversation.at_registry.conversations
        if known.get(conversation.repository) is conversation:
            del known[conversation.repository]

    def _at_registry(self, client_state: ClientState, registry: str, origin: Origin) -> ClientAtRegistry:
        found = client_state.at_registries.get(registry)
        if found is None:
            found = client_state.at_registries[registry] = ClientAtRegistry(client_state, registry, origin)
        return found

    def _conversation(
        self, at_registry: ClientAtRegistry, repository: str | None, at: float
    ) -> tuple[Conversation, bool]:
        found = at_registry.conversations.get(repository)
        if found is not None:
            return found, False
        found = Conversation(at_registry=at_registry, repository=repository, began=at, last=at)
        at_registry.conversations[repository] = found
        self._open[found] = None
        at_registry.client_state.open += 1
        return found, True

    # What

    def add(self, exchange: Exchange) -> list[Placed]:
        """Place one exchange: every conversation it belongs to. None, where it belongs to none."""
        client_state = self._sender_of(exchange)
        self._clients.attribute(exchange, client_state)
        if exchange.origin not in client_state.origins:
            naming = client_state.named_origins.get(exchange.origin)
            client_state.origins[exchange.origin] = FirstContact(exchange, naming)
        endpoint = exchange.target.endpoint
        if endpoint is Endpoint.ELSEWHERE or endpoint is Endpoint.V2_OTHER:
            key = realm_key(exchange)
            # A login page to which a registry redirects may be asked for a `service` as well.
            if key in client_state.realms or (exchange.request.token is not None and key not in client_state.named):
                return self._add_token_exchange(client_state, exchange)
            if endpoint is Endpoint.ELSEWHERE:
                return self._add_elsewhere(client_state, exchange)
        return [self._add_request(client_state, exchange)]

    def _add_request(self, client_state: ClientState, exchange: Exchange) -> Placed:
        registry = registry_of(exchange.origin)
        naming = client_state.named.get(realm_key(exchange)) if client_state.named else None
        if naming is not None and naming.conversation.registry != registry:
            at_registry, repository = naming.conversation.at_registry, naming.conversation.repository
        else:
            at_registry = self._at_registry(client_state, registry, exchange.origin)
            repository = repository_of(registry, exchange.target.repository)
        conversation, is_new = self._conversation(at_registry, repository, exchange.started)
        signs = conversation.add(exchange)
        client_state.latest = conversation
        facts.note_request(conversation, exchange)
        if exchange.request.credentials:
            self._add_credentials(conversation, exchange)
        if exchange.response is not None:
            for realm, names in facts.note_answer(conversation, exchange):
                self._add_challenge(conversation, realm, names)
        return conversation, signs, is_new

    def _add_credentials(self, conversation: Conversation, exchange: Exchange) -> None:
        facts.note_auth_step(conversation.at_registry, exchange)
        for credential in exchange.request.credentials:
            if credential.empty:
                continue
            facts.note_use(conversation.client_state, credential.fingerprint, exchange)
            if credential.scheme == "bearer":
                self._join_waiting(conversation, credential.fingerprint)
            facts.note_acceptance(conversation.at_registry, credential.fingerprint, exchange)
        facts.note_attempt(conversation.at_registry, exchange)
        facts.note_secret(conversation, exchange)

    def _add_challenge(self, conversation: Conversation, realm: Address, names: frozenset[tuple[str, str]]) -> None:
        """Remember a refusal whose challenge names `realm` and asks for what has these kinds and names."""
        identifier = conversation.client_state.identifier
        refusals = self._challenged.get(identifier)
        if refusals is None:
            refusals = self._challenged[identifier] = deque(maxlen=64)
        while refusals and self.is_closed(refusals[0].conversation):
            refusals.popleft()
        if not (refusals and refusals[-1].conversation is conversation and refusals[-1].names == names):
            refusals.append(_Challenged(conversation, realm, names))

    # Token exchanges

    def _add_token_exchange(self, client_state: ClientState, exchange: Exchange) -> list[Placed]:
        realm = realm_key(exchange)
        registry = client_state.realms.get(realm) or self._misaddressed(client_state, exchange)
        at_registry = self._at_registry(client_state, registry or registry_behind(exchange.origin), exchange.origin)
        asked = facts.scopes_of(exchange.request.token.scopes if exchange.request.token else ())
        placed = []
        for conversation, is_new in self._conversations_for(at_registry, realm, exchange, asked):
            placed.append((conversation, conversation.add(exchange), is_new))
        if len(placed) > 1:
            at_registry.shared[exchange.number] = tuple(c for c, _, _ in placed)
        facts.note_auth_step(at_registry, exchange)
        facts.note_token_exchange(at_registry, exchange, asked)
        location = exchange.response.location if exchange.response is not None else None
        address = link_address(location) if location is not None else None
        if location is not None and address is not None and placed:
            # Whoever is sent on by a token server is still asking for a token.
            facts.note_named_url(placed[0][0], exchange, location, "redirect")
            client_state.realms[address] = at_registry.registry
        if registry is None:
            self._wait(exchange, tuple(c for c, _, _ in placed))
        return placed

    def _misaddressed(self, client_state: ClientState, exchange: Exchange) -> str | None:
        """The registry whose token server is at this origin, where the client asks it at an address nobody named."""
        own = realm_key(exchange)[:3]
        found = {registry for realm, registry in client_state.realms.items() if realm[:3] == own}
        return found.pop() if len(found) == 1 else None

    def _conversations_for(
        self, at_registry: ClientAtRegistry, realm: Address, exchange: Exchange, asked: tuple[Scope, ...]
    ) -> list[tuple[Conversation, bool]]:
        """Where a token exchange belongs: to the refusals whose challenge asks for one of its scopes, else by name."""
        names = {(s.kind, s.name) for s in asked}
        refusals = [
            r
            for r in self._challenged.get(at_registry.client_state.identifier, ())
            if not self.is_closed(r.conversation)
            and (r.realm == realm or (r.realm[:3] == realm[:3] and realm not in at_registry.client_state.realms))
        ]
        fitting = {id(r.conversation): r.conversation for r in refusals if r.names & names}
        if fitting:
            return [(c, False) for c in fitting.values()]
        repositories = dict.fromkeys(name for kind, name in sorted(names) if kind == "repository")
        # A damaged name is nobody's repository: the request is the answer to what was refused last.
        damaged = any(s.kind == "repository" and not s.well_formed for s in asked)
        if damaged and refusals and refusals[-1].conversation.repository is not None:
            return [(refusals[-1].conversation, False)]
        if repositories:
            return [
                self._conversation(at_registry, repository_of(at_registry.registry, name), exchange.started)
                for name in list(repositories)[: facts.MOST_SCOPES]
            ]
        naming = at_registry.client_state.named.get(realm)
        if naming is not None and naming.conversation.registry == at_registry.registry:
            return [self._conversation(at_registry, naming.conversation.repository, exchange.started)]
        if refusals:
            return [(refusals[-1].conversation, False)]
        return [self._conversation(at_registry, None, exchange.started)]

    def _wait(self, exchange: Exchange, conversations: tuple[Conversation, ...]) -> None:
        """Nobody has named this realm yet: keep the exchange until its token is used somewhere."""
        answer = exchange.response.token if exchange.response is not None else None
        for fingerprint in answer.fingerprints if answer is not None else ():
            self._waiting[fingerprint] = (exchange, conversations)

    def _join_waiting(self, conversation: Conversation, token: Fingerprint) -> None:
        """A token is used whose realm nobody had named: now it is known which registry it serves."""
        waiting = self._waiting.pop(token, None)
        if waiting is None:
            return
        exchange, provisional = waiting
        realm = realm_key(exchange)
        if realm not in conversation.client_state.realms:
            conversation.client_state.realms[realm] = conversation.registry
        at_registry = conversation.at_registry
        if any(other.at_registry is at_registry for other in provisional):
            return
        moved = [found for other in provisional if (found := self._move(other, exchange, conversation)) is not None]
        if len(moved) > 1:
            at_registry.shared[exchange.number] = tuple(moved)
        if not moved and exchange not in conversation.steps:
            conversation.add(exchange)
        facts.note_joined(conversation, exchange)

    def _move(self, provisional: Conversation, exchange: Exchange, user: Conversation) -> Conversation | None:
        """Give a token exchange to the conversation about what it names, at the registry where its token is used.

        Gives the conversation that has it now; `None` where it is too late for that.
        """
        if self.is_closed(provisional) or exchange not in provisional.steps:
            return None
        at_registry = user.at_registry
        repository = repository_of(at_registry.registry, provisional.repository)
        known = at_registry.conversations.get(repository)
        if known is None:
            provisional.at_registry.conversations.pop(provisional.repository, None)
            provisional.client_state.open -= 1
            at_registry.client_state.open += 1
            provisional.at_registry, provisional.repository = at_registry, repository
            at_registry.conversations[repository] = provisional
            return provisional
        provisional.steps.remove(exchange)
        if not provisional.steps:
            self.close(provisional)
        if exchange not in known.steps:
            known.add(exchange)
        return known

    # Everything else

    def _add_elsewhere(self, client_state: ClientState, exchange: Exchange) -> list[Placed]:
        """A request for neither registry nor token: it belongs where its address was named, else to the last talk."""
        naming = client_state.named.get(realm_key(exchange)) or client_state.named_origins.get(exchange.origin)
        near = naming.conversation if naming is not None else client_state.latest
        if near is None:
            return []
        conversation, is_new = self._conversation(near.at_registry, near.repository, exchange.started)
        signs = conversation.add(exchange)
        if exchange.response is not None and exchange.response.location is not None:
            facts.note_named_url(conversation, exchange, exchange.response.location, "redirect")
        return [(conversation, signs, is_new)]
