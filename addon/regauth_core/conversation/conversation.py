"""Conversations: a challenge and everything its client did about it, with the questions that rules ask of them.

`TraceState` holds what is known about all clients, `ClientAtRegistry` what one client did with one registry, and
`Conversation` what it did about one repository there. All of it is bounded: old facts are forgotten, oldest first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from regauth_core.bounded import Bounded
from regauth_core.conversation.clients import Clients
from regauth_core.conversation.exchanges import (
    Address,
    IssuedToken,
    challenge_realm,
    is_same_request,
    realm_key,
    succeeded,
    usable_challenges,
)
from regauth_core.conversation.home_registries import HomeRegistries
from regauth_core.conversation.signs import signs_of
from regauth_core.model import Credential, Endpoint, Exchange, Fingerprint, Link, Origin

MOST_STEPS = 512
MOST_AUTH_STEPS = 128


class EndedBy(StrEnum):
    """Why a conversation is looked at."""

    GONE = "gone"
    QUIET = "quiet"
    CLEAN = "clean"
    CUT = "cut"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class NamedUrl:
    """An origin that an answer brought up."""

    exchange: Exchange
    link: Link
    how: str
    """``redirect``, ``upload-location``, ``pagination-link`` or ``foreign-layer-url``."""
    conversation: Conversation


@dataclass(frozen=True, slots=True)
class FirstContact:
    """A client's first request to an origin."""

    exchange: Exchange
    naming: NamedUrl | None
    """The answer that had brought the origin up; `None` where the client chose it by itself."""


class TraceState:
    """What is known about all clients together."""

    def __init__(self, *, credentials_known: bool = False) -> None:
        self.clients = Clients()
        self.credentials_known = credentials_known
        self.anonymous_reads: Bounded[tuple[str, str | None], Exchange] = Bounded(4096)
        """Registry and repository to an exchange that got something there without a credential of its own."""
        self.authorized_reads: Bounded[tuple[str, str | None], Exchange] = Bounded(4096)
        """Registry and repository to an exchange that got something there with a credential."""
        self.issues: Bounded[Fingerprint, IssuedToken] = Bounded(8192)
        self.refresh_tokens: Bounded[Fingerprint, Exchange] = Bounded(4096)
        """Refresh and identity tokens, by where they were issued or used as such."""
        self.registries: Bounded[str, Exchange] = Bounded(4096)
        """Every registry that was asked, with the first exchange."""


class ClientState:
    """One client, with what it did anywhere."""

    def __init__(self, identifier: str, trace_state: TraceState) -> None:
        self.identifier = identifier
        self.trace_state = trace_state
        self.first: Exchange | None = None
        self.at_registries: Bounded[str, ClientAtRegistry] = Bounded(256)
        self.realms: Bounded[Address, str] = Bounded(256)
        """Token endpoint (origin and path) to the registry whose challenge to this client named it last."""
        self.home_registries = HomeRegistries()
        """Which registry each of its credentials belongs to."""
        self.challengers: Bounded[Address, str] = Bounded(128)
        """Token endpoint to the registry whose own answer named it last, whichever host had led the client there."""
        self.asked: Bounded[tuple[str | None, str | None], tuple[Exchange, ...]] = Bounded(64)
        """Repository (without registry) and reference to the requests for it anywhere: a mirror, then the primary."""
        self.named: Bounded[Address, NamedUrl] = Bounded(512)
        """Exact URL (origin and path) that an answer to this client named."""
        self.named_origins: Bounded[Origin, NamedUrl] = Bounded(256)
        self.origins: Bounded[Origin, FirstContact] = Bounded(512)
        """Every origin that the client asked, with how it came to it."""
        self.latest: Conversation | None = None
        self.in_flight = 0
        self.open = 0
        """Conversations that are not over."""
        self.gone = False

    @property
    def engine(self) -> str | None:
        """The engine behind the client, where it is known."""
        return self.trace_state.clients.client(self.identifier).engine


class ClientAtRegistry:
    """What one client did with one registry."""

    def __init__(self, client_state: ClientState, registry: str, origin: Origin) -> None:
        self.client_state = client_state
        self.registry = registry
        self.origin = origin
        self.pings: deque[Exchange] = deque(maxlen=8)
        self.auth_steps: deque[Exchange] = deque(maxlen=MOST_AUTH_STEPS)
        """Token requests to this registry's realms and requests with a credential, as they came."""
        self.accepted: Bounded[Fingerprint, Exchange] = Bounded(64)
        """Credential to the last exchange in which it was good enough."""
        self.secrets: Bounded[Fingerprint, Exchange] = Bounded(16)
        """Passwords and refresh tokens that the client sent here or to a realm of this registry."""
        self.failed_attempts: Bounded[tuple[Fingerprint, Hashable], deque[Exchange]] = Bounded(128)
        """Credential and request to what came of it since it was last accepted there: refusals, limits, failures."""
        self.conversations: dict[str | None, Conversation] = {}
        self.shared: Bounded[int, tuple[Conversation, ...]] = Bounded(256)
        """The number of a token exchange that serves several conversations, to these."""
        self.asked: Bounded[str, Exchange] = Bounded(1024)
        """Every repository that the client asked for here, with the first request."""
        self.named: Bounded[str, Endpoint] = Bounded(1024)
        """Every repository that a challenge of this registry or a mount's source brought up, with what was asked.

        The ping only where nothing else brought it up: it is about no repository, and names one as an example.
        """
        self.basic_realms: Bounded[str, Exchange] = Bounded(64)
        """Every realm for which this registry asked for Basic, with the first 401 that did."""
        self.is_altered = False
        """regauth itself changed what passed between them."""
        self.last_request: Exchange | None = None
        self.last_repository_request: Exchange | None = None
        self.last_success: Exchange | None = None

    def note_name(self, name: str, endpoint: Endpoint) -> None:
        """A request to `endpoint` or its challenge brought up the repository `name`."""
        if self.named.get(name, Endpoint.PING) is Endpoint.PING:
            self.named[name] = endpoint

    @property
    def holds_credentials(self) -> bool:
        """The client is known to have credentials for this registry: it sent some, or the operator says so."""
        return bool(self.secrets) or self.client_state.trace_state.credentials_known


@dataclass(slots=True, eq=False)
class Conversation:
    """What one client did about one repository of one registry (or, without a repository, about its root)."""

    at_registry: ClientAtRegistry
    repository: str | None
    began: float
    steps: list[Exchange] = field(default_factory=list)
    """Every exchange that belongs to it, in order of request time."""
    signs: int = 0
    last: float = 0.0
    """When its last exchange ended."""
    latest: Exchange | None = None
    """The exchange that came last, for rules that are asked at once."""
    over: EndedBy = EndedBy.QUIET
    dropped: int = 0
    """Exchanges that were forgotten because there were too many."""
    unaccounted: tuple[Exchange, ...] = ()
    """What decided those failures that no rule accounts for; filled when the client has nothing more to say."""
    _has_ended: bool = False
    _sorted: tuple[list[Exchange], list[Exchange], list[Exchange]] | None = None

    def add(self, exchange: Exchange) -> int:
        """Take an exchange in; give its signs."""
        steps = self.steps
        if steps and steps[-1].started > exchange.started:
            place = next(i for i in range(len(steps), -1, -1) if i == 0 or steps[i - 1].started <= exchange.started)
            steps.insert(place, exchange)
        else:
            steps.append(exchange)
        self.latest = exchange
        self.last = max(self.last, exchange.finished)
        signs = signs_of(exchange)
        self.signs |= signs
        if len(steps) > MOST_STEPS:
            self._forget()
        return signs

    def _forget(self) -> None:
        """Drop the older half of what went well; what was refused stays until that is too much as well."""
        half = MOST_STEPS // 2
        telling = [e for e in self.steps[:half] if not succeeded(e) or e.request.token is not None][-half // 2 :]
        self.dropped += half - len(telling)
        self.steps = telling + self.steps[half:]

    # Who and where

    @property
    def client_state(self) -> ClientState:
        """The client."""
        return self.at_registry.client_state

    @property
    def trace_state(self) -> TraceState:
        """What is known about everybody."""
        return self.at_registry.client_state.trace_state

    @property
    def registry(self) -> str:
        """The registry's one name (`registries.registry_of`)."""
        return self.at_registry.registry

    @property
    def origin(self) -> Origin:
        """The registry as the client first addressed it."""
        return self.at_registry.origin

    @property
    def holds_credentials(self) -> bool:
        """The client is known to have credentials for this registry."""
        return self.at_registry.holds_credentials

    # The steps by kind

    @property
    def requests(self) -> list[Exchange]:
        """The requests for the registry's own endpoints, of any origin."""
        return self._by_kind()[0]

    @property
    def token_exchanges(self) -> list[Exchange]:
        """The requests for a token."""
        return self._by_kind()[1]

    @property
    def elsewhere(self) -> list[Exchange]:
        """The requests for neither: storage that a redirect named, a login page, a foreign layer."""
        return self._by_kind()[2]

    def _by_kind(self) -> tuple[list[Exchange], list[Exchange], list[Exchange]]:
        if self._sorted is not None:
            return self._sorted
        requests: list[Exchange] = []
        token_exchanges: list[Exchange] = []
        elsewhere: list[Exchange] = []
        for exchange in self.steps:
            endpoint = exchange.target.endpoint
            if endpoint is not Endpoint.ELSEWHERE and endpoint is not Endpoint.V2_OTHER:
                requests.append(exchange)
            elif self.is_token_exchange(exchange):
                token_exchanges.append(exchange)
            else:
                (elsewhere if endpoint is Endpoint.ELSEWHERE else requests).append(exchange)
        found = (requests, token_exchanges, elsewhere)
        if self._has_ended:
            self._sorted = found
        return found

    def end(self, over: EndedBy) -> None:
        """The conversation is over, in this way, and about to be looked at; nothing more is added."""
        self.over = over
        self._has_ended = True

    def add_late(self, exchange: Exchange) -> None:
        """Take an exchange in that came when the conversation was taken to be over."""
        self._sorted = None
        self.add(exchange)

    def release(self) -> None:
        """It was looked at for the last time: let go of its exchanges, as others still know it by its name."""
        self.steps = []
        self.latest = self._sorted = None

    @property
    def pings(self) -> list[Exchange]:
        """The client's pings of this registry, of this and of other conversations."""
        return list(self.at_registry.pings)

    @property
    def context(self) -> list[Exchange]:
        """The pings and the steps, in order of request time, each once."""
        numbers = {e.number for e in self.steps}
        both = [*(p for p in self.at_registry.pings if p.number not in numbers), *self.steps]
        return sorted(both, key=lambda e: e.started)

    def is_token_exchange(self, exchange: Exchange) -> bool:
        """Whether the exchange asks a token server: by its parameters, or because a challenge named that address."""
        if exchange.target.endpoint not in (Endpoint.ELSEWHERE, Endpoint.V2_OTHER):
            return False
        return exchange.request.token is not None or realm_key(exchange) in self.client_state.realms

    def ping_before(self, exchange: Exchange) -> Exchange | None:
        """The client's last answered ping of this registry that began before the exchange."""
        earlier = [p for p in self.at_registry.pings if p.started <= exchange.started and p is not exchange]
        return next((p for p in reversed(earlier) if p.response is not None), None)

    # Challenges and answers

    def refused(self, *statuses: int) -> Iterator[Exchange]:
        """The registry requests that were refused with one of the statuses (401 unless named)."""
        wanted = statuses or (401,)
        return (e for e in self.requests if e.status in wanted)

    def responses_to(self, refused: Exchange) -> list[Exchange]:
        """What the client did about the challenges of a 401, on any path of the registry, after it was asked.

        Token requests to a realm that the answer named, and requests with a credential of a scheme that it offered.
        """
        answers = self._answer_to(refused)
        return [e for e in self.auth_steps_since(refused) if answers(e)]

    def responded_to(self, refused: Exchange) -> bool:
        """Whether the client did anything about the challenges of a 401."""
        answers = self._answer_to(refused)
        # Mostly the answer stands right here; only else is it worth looking through all that the client did.
        near = (e for e in self.steps if e.started >= refused.started and e is not refused)
        return any(answers(e) for e in near) or any(answers(e) for e in self.auth_steps_since(refused))

    def _answer_to(self, refused: Exchange) -> Callable[[Exchange], bool]:
        challenges = usable_challenges(refused)
        offered = {c.kind for c in challenges}
        realms = {key for c in challenges if (key := challenge_realm(c)) is not None}

        def answers(exchange: Exchange) -> bool:
            if self.is_token_exchange(exchange):
                return realm_key(exchange) in realms
            return any(c.scheme in offered for c in exchange.request.credentials)

        return answers

    def auth_steps_since(self, refused: Exchange) -> list[Exchange]:
        """What the client did with credentials or at token servers of this registry after an exchange began."""
        found: list[Exchange] = []
        for step in reversed(self.at_registry.auth_steps):
            # They come in order of their beginning or of their end; behind one that had ended, all began too early.
            if step.finished < refused.started:
                break
            if step.started >= refused.started and step is not refused:
                found.append(step)
        return found[::-1]

    def repeats_of(self, refused: Exchange) -> list[Exchange]:
        """The later exchanges that are the same request."""
        return [
            e for e in self.steps if e.started >= refused.started and e is not refused and is_same_request(e, refused)
        ]

    def succeeded_later(self, refused: Exchange) -> bool:
        """Whether the same request later got a good answer (a 404 counts: somebody looked)."""
        return any(succeeded(e) or e.status == 404 for e in self.repeats_of(refused))

    def was_served_after(self, exchange: Exchange) -> bool:
        """Whether the client later got anything it asked this repository for."""
        return any(succeeded(e) and e.started >= exchange.started and e is not exchange for e in self.requests)

    def issue_of(self, credential: Credential | None) -> IssuedToken | None:
        """Where a Bearer token comes from, if the trace shows it."""
        return self.trace_state.issues.get(credential.fingerprint) if credential is not None else None
