"""The tokens that are held, each for whom and what it was issued, in memory only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from regauth_core.auth.issued_token import FetchedToken
from regauth_core.auth.reasons import StopReason
from regauth_core.bounded import Bounded
from regauth_core.model import Origin
from regauth_core.model.withheld import Withheld
from regauth_core.protocol.scope import Scope, covered

FAILURE_LASTS: Final = 5.0
"""Seconds for which a fetch that failed is not repeated."""
MOST_AUDIENCES: Final = 256
MOST_TOKENS: Final = 128
"""Of one audience."""
MOST_FAILURES: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Whom a token is between: a token serves no other registry, realm, service, login or client."""

    registry: Origin
    realm: str = field(repr=False)
    """The absolute URL with its query."""
    service: str | None = field(repr=False)
    login: str
    """The login's id."""
    client: str = ""
    """Empty where clients share tokens."""


@dataclass(frozen=True, slots=True)
class TokenKey:
    """What a token is fetched for; fetches with equal keys take turns."""

    audience: Audience
    scopes: frozenset[Scope] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A token in the cache."""

    token: str = field(repr=False)
    scopes: tuple[Scope, ...] = field(repr=False)
    """What it was asked for."""
    renew: float
    """Seconds since the epoch, from when on it is not used."""


class TokenCache:
    """A bounded cache of tokens, of refresh tokens that token servers gave, and of failures."""

    def __init__(self) -> None:
        self._held: Bounded[Audience, Bounded[frozenset[Scope], Held]] = Bounded(MOST_AUDIENCES)
        self._refresh: Bounded[Audience, str] = Bounded(MOST_AUDIENCES)
        self._failures: Bounded[TokenKey, tuple[float, StopReason | Withheld]] = Bounded(MOST_FAILURES)

    def __repr__(self) -> str:
        return f"Tokens({sum(map(len, self._held.values()))} held)"

    def find(self, audience: Audience, required: Iterable[Scope], now: float) -> Held | None:
        """The token asked for the least that still covers `required`, if one has not yet to be renewed."""
        wanted = tuple(required)
        held = self._held.get(audience)
        if held is None:
            return None
        exact = held.get(frozenset(wanted))
        if exact is not None and now < exact.renew:
            return exact
        fitting = (each for each in held.values() if now < each.renew and covered(wanted, each.scopes))
        return min(fitting, key=_size, default=None)

    def keep(self, key: TokenKey, scopes: tuple[Scope, ...], issued: FetchedToken) -> None:
        """Hold a token that was fetched for `key`, which `scopes` spell."""
        held = self._held.get(key.audience)
        if held is None:
            held = self._held[key.audience] = Bounded(MOST_TOKENS)
        held[key.scopes] = Held(token=issued.token, scopes=scopes, renew=issued.renew)
        self._failures.pop(key, None)

    def evict(self, token: str) -> None:
        """Forget a token that a registry refused, whatever it was held for."""
        for held in self._held.values():
            for scopes in [scopes for scopes, each in held.items() if each.token == token]:
                del held[scopes]

    def fail(self, key: TokenKey, reason: StopReason | Withheld, now: float) -> None:
        """Note that a fetch for `key` failed."""
        self._failures[key] = now + FAILURE_LASTS, reason

    def failure(self, key: TokenKey, now: float) -> StopReason | Withheld | None:
        """Why a fetch for `key` failed a moment ago."""
        until, reason = self._failures.get(key, (0.0, None))
        return reason if now < until else None

    def keep_refresh_token(self, audience: Audience, token: str | None) -> None:
        """Hold the refresh token that a token server gave; `None`: forget it."""
        if token is None:
            self._refresh.pop(audience, None)
        else:
            self._refresh[audience] = token

    def refresh_token(self, audience: Audience) -> str | None:
        """The refresh token that the token server gave."""
        return self._refresh.get(audience)


def _size(held: Held) -> tuple[int, int]:
    """How much a token was asked for; ``*`` is more than any list of actions."""
    return len(held.scopes), sum(1000 if "*" in scope.actions else len(scope.actions) for scope in held.scopes)
