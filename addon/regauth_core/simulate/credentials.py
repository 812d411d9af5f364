"""Who asks: `Authorization` held against a scenario's users (RFC 7617, RFC 6750 section 2.1)."""

from __future__ import annotations

import base64
import hmac

from regauth_core.simulate.policy import Scenario, User

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


def _same(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), right.encode())
