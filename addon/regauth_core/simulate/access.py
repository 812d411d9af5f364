"""Who asks a simulated registry, and what they may do there."""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass
from enum import StrEnum

from regauth_core.simulate.challenges import offers_basic
from regauth_core.simulate.message import Asked, WantedAccess
from regauth_core.simulate.policy import Scenario, User
from regauth_core.simulate.tokens import Grant, IssuedTokens


class CredentialState(StrEnum):
    """What became of a request's credential. The values are the names of the fields of `policy.Ping`."""

    ANONYMOUS = "anonymous"
    INVALID = "invalid"
    VALID = "valid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who sent a request."""

    standing: CredentialState
    user: str | None = None
    """Of a Basic credential."""
    grant: Grant | None = None
    """Of a token."""
    error: str | None = None
    """What a Bearer challenge says of a refused token (RFC 6750 section 3.1)."""


class AccessControl:
    """The access control of one scenario's registry."""

    def __init__(self, scenario: Scenario, tokens: IssuedTokens, service: str) -> None:
        """`service` is the audience that a token must have."""
        self._scenario = scenario
        self._tokens = tokens
        self._service = service
        policy, has_token = scenario.registry, scenario.token is not None
        challenges = [policy.challenge, policy.ping.challenge, *(item.challenge for item in policy.repositories)]
        is_offered = any(offers_basic(item, bearer=has_token) for item in challenges if item)
        self._takes_basic = "basic" in policy.accepts if policy.accepts is not None else is_offered or not has_token
        self._takes_bearer = has_token and (policy.accepts is None or "bearer" in policy.accepts)
        self._needs_token = scenario.token is not None and scenario.token.required

    def asker(self, asked: Asked, now: float) -> Asker:
        """Whom the request's first `Authorization` identifies; counts the use of a token."""
        values = asked.all("authorization")
        if not values:
            return Asker(standing=CredentialState.ANONYMOUS)
        scheme, rest = split(values[0])
        user = basic_user(self._scenario, rest) if scheme == "basic" and self._takes_basic else None
        if user:
            return Asker(standing=CredentialState.VALID, user=user.name)
        owner = token_owner(self._scenario, rest) if scheme == "bearer" else None
        if owner:
            return Asker(standing=CredentialState.VALID, user=owner.name)
        if scheme != "bearer" or not self._takes_bearer:
            return Asker(standing=CredentialState.INVALID)
        grant = self._tokens.grant(rest, now, self._service)
        if grant is None:
            return Asker(standing=CredentialState.INVALID, error="invalid_token")
        return Asker(standing=CredentialState.VALID, grant=grant)

    def may(self, asker: Asker, need: WantedAccess) -> bool:
        """Whether `asker` has the right to all of `need` in a repository."""
        if asker.grant and asker.grant.covers(need):
            return True
        repository = self._scenario.repository(need.name)
        if repository is None or (self._needs_token and asker.user is None):
            return False
        return all(repository.allows(asker.user, action) for action in need.actions)

    def listed(self, asker: Asker, need: WantedAccess) -> tuple[str, ...] | None:
        """The repositories that `asker` may see in the catalogue; `None`: none, without the right that is `need`."""
        policy = self._scenario.registry.catalog
        is_known = asker.user is not None or (asker.grant is not None and asker.grant.covers(need))
        if policy == "nobody" or (not is_known and (policy == "users" or self._needs_token)):
            return None
        user = asker.user or (asker.grant.subject if asker.grant else None)
        return tuple(item.name for item in self._scenario.registry.repositories if item.allows(user, "pull"))

    def demanded(self, asker: Asker, wanted: tuple[WantedAccess, ...]) -> tuple[WantedAccess, ...]:
        """Those of the rights `wanted` without which a request is refused.

        A token has to cover the source of a mount as well, as in distribution; a user without that right just uploads.
        """
        return wanted if self._takes_bearer and asker.user is None else wanted[:1]


_LIMIT = 64 * 1024
"""Characters of a credential that are looked at."""


def split(value: str) -> tuple[str, str]:
    """The scheme of an `Authorization` value, in lower case, and what follows it."""
    scheme, _, rest = value.partition(" ")
    return scheme.lower(), rest.strip()[:_LIMIT]


def basic_user(scenario: Scenario, encoded: str) -> User | None:
    """The user whom a Basic credential, without the scheme, identifies."""
    try:
        name, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return None
    return known_user(scenario, name, password) if colon else None


def known_user(scenario: Scenario, name: str, password: str) -> User | None:
    """The user called `name`, if `password` is the right one."""
    user = scenario.user(name)
    return user if user and _same(password, user.password) else None


def identified_user(scenario: Scenario, token: str) -> User | None:
    """The user whose identity token `token` is."""
    return next((user for user in scenario.users if user.identity_token and _same(token, user.identity_token)), None)


def token_owner(scenario: Scenario, token: str) -> User | None:
    """The user who has `token` from the start."""
    return next((user for user in scenario.users if user.token and _same(token, user.token)), None)


def _same(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), right.encode())
