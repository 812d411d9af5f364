"""What passes between the authenticator and its sender: requests, answers, and what came of it all."""

from __future__ import annotations

import re
from collections.abc import Generator, Hashable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeAlias, TypeVar

from regauth_core.auth.reasons import Note, StopReason
from regauth_core.model import Origin
from regauth_core.model.finding import Verification
from regauth_core.model.withheld import Withheld
from regauth_core.protocol.scope import Scope
from regauth_core.protocol.target import origin_of

T = TypeVar("T")
_AUTHORITY: Final = re.compile(r"(?:\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9_.\-]{1,253})(?::[1-9][0-9]{0,4})?")
Headers: TypeAlias = tuple[tuple[str, str], ...]
"""Names in any case, in order, duplicates kept."""

SECONDS: Final = 15.0
"""How many seconds the sender should wait for the answer to a probe or a token request."""


def named_origin(scheme: str, name: str) -> Origin | None:
    """Whom a `Host` or the like names: `name` as ``HOST`` or ``HOST:PORT``; `None` for what names nobody.

    Nothing but a host and a port (RFC 9112 section 3.2): a URL's parser would see less, or something else.
    """
    bare = name.strip(" \t")
    return origin_of(f"{scheme}://{bare}") if _AUTHORITY.fullmatch(bare) else None


class Purpose(StrEnum):
    """What a request is sent for."""

    PROBE = "probe"
    REQUEST = "request"
    """The client's own request, once more."""
    TOKEN = "token"  # noqa: S105  (a word, no secret)


class Scheme(StrEnum):
    """The authentication schemes that are spoken."""

    BASIC = "basic"
    BEARER = "bearer"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientRequest:
    """A request as the client sent it."""

    method: str
    """As spelled."""
    origin: Origin
    """Whom the proxy connects to for it; never what the `Host` header says."""
    path: str = field(repr=False)
    """The target in origin form (RFC 9112 section 3.2.1), with the query, as spelled."""
    headers: Headers = field(default=(), repr=False)
    body: bytes | None = field(default=b"", repr=False)
    """`None` where it was streamed, or is too large to be kept, or where the answer is: it cannot be sent again."""
    is_repeatable: bool = False
    """The client itself may be told to send it again, where it cannot be sent in its place."""
    is_misled: bool = False
    """The client was told, in the registry's place, that its ping needs no credentials: a credential that it sends all
    the same may be of a scheme that it would not have chosen by itself."""
    has_body: bool = False
    """A body follows, as far as the head tells."""
    is_alone: bool = True
    """Nothing that was sent before it on its connection can reach into it."""
    client: str = ""
    """Tells clients apart; nothing is read out of it."""
    process: int | None = None
    """Tells the processes of one client apart; `None` where that is not known."""
    other_names: tuple[str, ...] = field(default=(), repr=False)
    """Whom the request names elsewhere, as ``HOST`` or ``HOST:PORT``: in its target, in the TLS handshake."""
    names_proxy: bool = False
    """Its `Host` is the name by which clients know the proxy itself, and the proxy was told to keep it."""
    is_verified: bool = True
    """The origin's certificate is verified. Means nothing for http."""

    def values(self, name: str) -> tuple[str, ...]:
        """Every value of the header `name` (lower case)."""
        return tuple(value for key, value in self.headers if key.lower() == name)

    @property
    def named(self) -> tuple[Origin | None, ...]:
        """Whom its `Host` fields and `other_names` name, if that is not the proxy; `None` for what names nobody."""
        if self.names_proxy:
            return ()
        return tuple(self._origin(name) for name in (*self.values("host"), *self.other_names))

    def _origin(self, name: str) -> Origin | None:
        return named_origin(self.origin.scheme, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """Send this once, follow no redirect, and give the answer back as `Received`."""

    purpose: Purpose
    method: str
    origin: Origin = field(repr=False)
    path: str = field(repr=False)
    """In origin form, with the query."""
    headers: Headers = field(default=(), repr=False)
    """Without `Host`, unless the client's own request had it, and without a length."""
    body: bytes = field(default=b"", repr=False)
    turn: Hashable | None = field(default=None, repr=False)
    """The turn that must still be held while this is sent."""
    is_body_wanted: bool = True
    """False: only the status and the headers of the answer are looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """Wait until no other flow holds `key`, take it, and give back a `Received` of status 0 with the time.

    The turn ends with the first step that is not a `Send` with this `turn`, and with the flow.
    """

    key: Hashable = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """The answer to a `Send`."""

    status: int
    """0 where no answer came, and for a `Lock`."""
    at: float
    """When it was there, in seconds since the epoch."""
    headers: Headers = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    """Decoded content; may be cut off beyond `issued.MAX_ANSWER` bytes + 1 where it answers a token request."""
    origin: Origin | None = None
    """Who answered, if it was not the host that was asked."""

    def values(self, name: str) -> tuple[str, ...]:
        """Every value of the header `name` (lower case)."""
        return tuple(value for key, value in self.headers if key.lower() == name)


Flow: TypeAlias = Generator[Send | Lock, Received, T]
"""Yields what to send next, is sent what was received, returns what came of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """One value for the `Authorization` header, and where it comes from."""

    scheme: Scheme
    value: str = field(repr=False)
    """Scheme and credential."""
    scopes: tuple[Scope, ...] = field(default=(), repr=False)
    """What the token was asked for; empty where the value is no token from a token server."""
    is_fresh: bool = False
    """The token was fetched for this very request."""
    is_direct: bool = False
    """The value is the login's own secret: password or registry token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One request that was sent."""

    purpose: Purpose
    origin: Origin = field(repr=False)
    scheme: Scheme | None
    """Of the credential that it carried in its header or, as Basic, in its form; `None` for none."""
    status: int


@dataclass(frozen=True, slots=True)
class Used:
    """How much of its limits one request has used up."""

    sends: int = 0
    fetches: int = 0
    probes: int = 0
    values: frozenset[str] = field(default=frozenset(), repr=False)
    """Every `Authorization` value that went to the registry."""
    keys: frozenset[Hashable] = field(default=frozenset(), repr=False)
    """What fresh tokens were fetched for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthResult:
    """What came of a flow."""

    answer: Received | None = None
    """What the client gets instead of the answer it would have got; `None`: that one."""
    authorization: Authorization | None = None
    """Before sending: what to set. After: what the last answer was given to, or what waits for the client."""
    is_waiting: bool = False
    """What the refused request needs is at hand: the client should send it again."""
    login: str | None = None
    """The id of the login that was looked at."""
    offered: tuple[Scheme, ...] = ()
    """The supported schemes that the registry was learnt to want, in its order."""
    tried: tuple[Tried, ...] = ()
    reasons: tuple[Withheld | StopReason, ...] = ()
    """Everything that kept a credential from going out or from working, in order; the last one ended the flow."""
    notes: tuple[Note, ...] = ()
    verification: Verification | None = None
    used: Used = Used()
