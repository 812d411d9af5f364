"""Reads a token server's good answer.

Distribution token specification, "Token Response Fields"; RFC 6749 section 5.1. Nothing here raises on wire input.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import msgspec

from regauth_core.credentials.login import is_sendable
from regauth_core.protocol import jwt
from regauth_core.protocol.scope import Scope, covered

MAX_ANSWER: Final = 128 * 1024
"""Bytes of an answer; a larger one is none."""
DEFAULT_LIFE: Final = 60.0
"""Seconds a token lives whose answer does not say, or says nonsense."""
MAX_REFRESH: Final = 16 * 1024
"""Characters of a refresh token that is kept."""

_DIGITS = re.compile(r"[0-9]{1,12}+(?:\.[0-9]{1,9}+)?+")
_MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}:[0-9]{2})"
    r"(?:(\.[0-9]{1,6})[0-9]{0,12}+)?+([Zz]|[+\-][0-9]{2}:[0-9]{2})"
)


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


def read(body: bytes, at: float, *, posted: bool) -> FetchedToken | None:
    """The token in the answer `body`, which was there at the time `at`; `None` where there is none that can be sent.

    `posted`: a form was sent, so `access_token` is looked at first.
    """
    fields = _fields(body)
    names = ("access_token", "token") if posted else ("token", "access_token")
    tokens = [held for name in names if isinstance(held := fields.get(name), str) and held]
    if not tokens or not is_sendable(tokens[0]):
        return None
    life = _life(fields.get("expires_in"))
    refresh = fields.get("refresh_token")
    return FetchedToken(
        token=tokens[0],
        refresh_token=refresh if isinstance(refresh, str) and 0 < len(refresh) <= MAX_REFRESH else None,
        starts=_start(fields.get("issued_at"), life, at),
        life=life,
        differ=len(set(tokens)) > 1,
    )


def grants_less(token: str, need: Iterable[Scope]) -> bool:
    """Whether `token` itself says that it allows less than `need`. It is not verified: for explanations only."""
    read_claims = jwt.decode(token)
    if read_claims is None or read_claims.access is None:
        return False
    granted = [Scope("", entry.kind, entry.name, frozenset(entry.actions)) for entry in read_claims.access]
    return not covered(need, granted)


def _fields(body: bytes) -> Mapping[str, object]:
    if len(body) > MAX_ANSWER:
        return {}
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return {}
    if not isinstance(value, dict):
        return {}
    # The clients written in Go read names in any case.
    return {**{key.lower(): held for key, held in value.items()}, **value}


def _life(value: object) -> float:
    if isinstance(value, str):
        value = float(value) if _DIGITS.fullmatch(value) else None
    life = jwt.seconds(value)
    return life if life is not None and life > 0 else DEFAULT_LIFE


def _start(value: object, life: float, at: float) -> float:
    """The moment of issue as told, if it can be true of a token that is still good; else when the answer came."""
    told = _moment(value)
    return told if told is not None and told <= at < told + life else at


def _moment(value: object) -> float | None:
    """RFC 3339 section 5.6, with as many digits of a second as Go prints."""
    found = _MOMENT.fullmatch(value) if isinstance(value, str) and len(value) <= 48 else None
    if found is None:
        return None
    day, time, fraction, zone = found.groups()
    try:
        return datetime.fromisoformat(f"{day}T{time}{fraction or ''}{zone.upper()}").timestamp()
    except (ValueError, OverflowError):
        return None
