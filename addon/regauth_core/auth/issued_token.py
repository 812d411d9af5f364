"""A token that was fetched: what of a token server's good answer can be sent, and how long it is kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from regauth_core.credentials.login import is_sendable
from regauth_core.protocol import jwt, token_answer
from regauth_core.protocol.scope import Scope, covered

MAX_REFRESH: Final = 16 * 1024
"""Characters of a refresh token that is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedToken:
    """A token and how long it lives."""

    token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    starts: float
    """Seconds since the epoch."""
    life: float
    """Seconds, more than 0."""
    differ: bool = False
    """`token` and `access_token` are both there and are not the same."""

    @property
    def ends(self) -> float:
        """When it expires."""
        return self.starts + self.life

    @property
    def renew(self) -> float:
        """From when on it is better not to be used: a tenth of its life early, at most ten seconds."""
        return self.ends - min(10.0, self.life / 10)


def read(body: bytes, at: float) -> FetchedToken | None:
    """The token in the answer `body`, which was there at the time `at`; `None` where there is none that can be sent."""
    answer = token_answer.read(body)
    if answer is None or not answer.tokens or not is_sendable(answer.tokens[0]):
        return None
    claims = jwt.decode(answer.tokens[0])
    life = token_answer.lifetime(
        at,
        expires_in=answer.expires_in,
        issued_at=answer.issued_at,
        expires=claims.expires if claims is not None else None,
    )
    refresh = answer.refresh_token
    return FetchedToken(
        token=answer.tokens[0],
        refresh_token=refresh if refresh and len(refresh) <= MAX_REFRESH else None,
        starts=life.starts,
        life=life.seconds,
        differ=len(answer.tokens) > 1,
    )


def grants_less(token: str, required: Iterable[Scope]) -> bool:
    """Whether `token` itself says that it allows less than `required`. It is not verified: for explanations only."""
    read_claims = jwt.decode(token)
    if read_claims is None or read_claims.access is None:
        return False
    granted = [Scope("", entry.kind, entry.name, frozenset(entry.actions)) for entry in read_claims.access]
    return not covered(required, granted)
