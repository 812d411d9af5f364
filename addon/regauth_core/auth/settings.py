"""What a user decides about how tokens are asked for and whose credentials count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from regauth_core.model import Origin

MOST_SENDS: Final = 4
"""How often one request goes to the registry, the client's own sending included."""
MOST_FETCHES: Final = 2
"""Token fetches for one request."""
MOST_PROBES: Final = 1
MOST_HOPS: Final = 3
"""Redirects of one token request."""
MOST_TOKEN_REQUESTS: Final = 10
"""Requests of one token fetch, with its fall-backs and redirects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthSettings:
    """Choices that concern no question of trust (`trust.Trust` has those)."""

    is_overriding: bool = False
    """Credentials that the client brings are replaced."""
    anonymous: bool = False
    """Tokens are also asked for without credentials."""
    oauth_first: frozenset[Origin] = frozenset()
    """Registries whose token servers are asked for a password grant by form before they are asked by GET."""
    offline: bool = False
    """Refresh tokens are asked for."""
    client_id: str = "regauth"
    shared: bool = True
    """Tokens of one client serve the others as well."""
    is_refusal_final: bool = False
    """A last 401 becomes a 403, for clients that answer every 401 by trying again (RFC 9110 section 15.5.4)."""
