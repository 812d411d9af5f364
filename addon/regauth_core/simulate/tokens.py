"""Tokens: real JSON Web Tokens (RFC 7519) signed with HMAC-SHA256, or opaque ones that are remembered.

A token of the simulation opens nothing but the simulation.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from regauth_core.simulate.message import WantedAccess

_REMEMBERED = 10_000
"""Tokens whose content or use is kept; the oldest go first, and then are refused."""
_HEADER = {"alg": "HS256", "typ": "JWT"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a token says."""

    issuer: str
    subject: str
    """The user; empty for nobody."""
    audience: str
    access: tuple[WantedAccess, ...]
    not_before: float
    expires: float

    def covers(self, need: WantedAccess) -> bool:
        """Whether the token allows all of `need`."""
        entries = (entry for entry in self.access if (entry.kind, entry.name) == (need.kind, need.name))
        allowed = {action for entry in entries for action in entry.actions}
        return "*" in allowed or allowed.issuperset(need.actions)


class IssuedTokens:
    """Issues and checks tokens."""

    def __init__(self, secret: bytes, *, opaque: bool, uses: int | None) -> None:
        """`uses`: how often each token is taken, `None` for any number."""
        self._secret = secret
        self._is_opaque = opaque
        self._uses = uses
        self._issued = 0
        self._remembered: OrderedDict[str, Grant] = OrderedDict()
        self._used: OrderedDict[str, int] = OrderedDict()

    def issue(self, grant: Grant) -> str:
        """A new token, unlike all before it."""
        self._issued += 1
        if not self._is_opaque:
            return self._jwt(grant)
        token = self._sign(f"opaque {self._issued}")
        self._remembered[token] = grant
        if len(self._remembered) > _REMEMBERED:
            self._remembered.popitem(last=False)
        return token

    def grant(self, token: str, now: float, audience: str) -> Grant | None:
        """What `token` allows at `now`, in seconds since the epoch, and counts the use; `None`: it is not accepted."""
        grant = self._remembered.get(token) if self._is_opaque else self._opened(token)
        if grant is None or grant.audience != audience or not grant.not_before <= now < grant.expires:
            return None
        if self._uses is not None:
            used = self._used[token] = self._used.get(token, 0) + 1
            if len(self._used) > _REMEMBERED:
                self._used.popitem(last=False)
            if used > self._uses:
                return None
        return grant

    def refresh_token(self, user: str) -> str:
        """The refresh token of `user`: the same each time, with no end."""
        return f"{_encoded(user.encode())}.{self._sign(f'refresh {user}')}"

    def refreshed(self, token: str) -> str | None:
        """The user whose refresh token `token` is."""
        name, _, _ = token.partition(".")
        user = _decoded(name)
        if user is None or not _same(token, self.refresh_token(user)):
            return None
        return user

    def _jwt(self, grant: Grant) -> str:
        claims = {
            "iss": grant.issuer,
            "sub": grant.subject,
            "aud": grant.audience,
            "exp": int(grant.expires),
            "nbf": int(grant.not_before),
            "iat": int(grant.not_before),
            "jti": f"{self._issued:08d}",
            "access": [{"type": need.kind, "name": need.name, "actions": list(need.actions)} for need in grant.access],
        }
        text = f"{_encoded(json.dumps(_HEADER).encode())}.{_encoded(json.dumps(claims).encode())}"
        return f"{text}.{self._sign(text)}"

    def _opened(self, token: str) -> Grant | None:
        text, _, signature = token.rpartition(".")
        if not _same(signature, self._sign(text)):
            return None
        # Signed here: it is what `_jwt` wrote.
        claims: dict[str, Any] = json.loads(_decoded(text.rpartition(".")[2]) or "{}")
        access = claims["access"]
        return Grant(
            issuer=claims["iss"],
            subject=claims["sub"],
            audience=claims["aud"],
            access=tuple(WantedAccess(kind=of["type"], name=of["name"], actions=tuple(of["actions"])) for of in access),
            not_before=claims["nbf"],
            expires=claims["exp"],
        )

    def _sign(self, text: str) -> str:
        return _encoded(hmac.new(self._secret, text.encode("utf-8", "replace"), hashlib.sha256).digest())


def _same(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), right.encode())


def _encoded(data: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(text: str) -> str | None:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except ValueError:
        return None
