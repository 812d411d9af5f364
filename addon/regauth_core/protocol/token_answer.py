"""Reads a token server's answer, and computes how long its token lives.

Distribution token specification, "Token Response Fields"; RFC 6749 section 5.1. The one reader, for what is recorded
and for the tokens that regauth fetches. Where clients differ, what is decided here says whom it follows. Clients in
Go decode into one struct: docker and distribution (`registry/client/auth/session.go`), skopeo and podman
(`docker/docker_client.go`), crane (`transport/bearer.go`), regclient. Nothing here raises on wire input.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from regauth_core.model import TokenField
from regauth_core.protocol import jwt
from regauth_core.protocol.json_value import json_of

MAX_ANSWER: Final = 256 * 1024
"""Bytes of an answer; a larger one is none. Clients differ: oras reads 128 KiB, skopeo 1 MiB, docker all."""
DEFAULT_LIFE: Final = 60.0
"""Seconds a token lives whose answer does not say (distribution token specification, "Token Response Fields")."""

_NAMES: Final = ("token", "access_token", "refresh_token", "expires_in", "expires_at", "issued_at", "scope")
_TOKEN_NAMES: Final = frozenset({"token", "access_token", "accesstoken"})
_LONGEST_TIME: Final = 48
_DECIMAL = re.compile(r"-?+[0-9]{1,12}+(?:\.[0-9]{1,9}+)?+", re.ASCII)
_MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}:[0-9]{2})"
    r"(?:(\.[0-9]{1,6})[0-9]{0,12}+)?+([Zz]|[+\-][0-9]{2}:[0-9]{2})"
)
_STRICT_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,12})?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_NEVER_SET: Final = "0001-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class RawTokenAnswer:
    """The fields of a token answer as they stood on the wire. It holds secrets: it is never recorded, shown or logged.

    `None`: the field is not there, or is not what it has to be.
    """

    token: str | None = field(default=None, repr=False)
    access_token: str | None = field(default=None, repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    scope: str | None = field(default=None, repr=False)
    expires_in: float | None = None
    """Seconds; may be 0 or less."""
    issued_at: float | None = None
    """Seconds since the epoch."""
    mistyped: tuple[TokenField, ...] = ()
    """Fields of another type than the specification gives them: strict readers stop there."""

    @property
    def tokens(self) -> tuple[str, ...]:
        """What may be sent as a Bearer token, without empty ones; the first is the one that clients send.

        The specification leaves open which of two that differ counts. docker, distribution, crane, oras and regclient
        let `access_token` win, after a GET as after a POST; skopeo and podman take `token`.
        """
        return tuple(dict.fromkeys(each for each in (self.access_token, self.token) if each))


@dataclass(frozen=True, slots=True)
class Lifetime:
    """From when on and how long a token is good."""

    starts: float
    """Seconds since the epoch."""
    seconds: float
    """More than 0."""

    @property
    def ends(self) -> float:
        """When it expires, in seconds since the epoch."""
        return self.starts + self.seconds


def read(answer: object) -> RawTokenAnswer | None:
    """What a 2xx answer, its bytes or their JSON value, says about a token; `None` where it is no JSON object."""
    value = json_of(answer, MAX_ANSWER) if isinstance(answer, bytes) else answer
    if not isinstance(value, dict):
        return None
    fields = _fields(value)
    return RawTokenAnswer(
        token=_text(fields.get("token")),
        access_token=_text(fields.get("access_token")),
        refresh_token=_text(fields.get("refresh_token")),
        scope=_text(fields.get("scope")),
        expires_in=_seconds(fields.get("expires_in")),
        issued_at=_moment(fields.get("issued_at")),
        mistyped=tuple(field for field in TokenField if not _is_typed(field, fields)),
    )


def speaks_of_token(value: object) -> bool:
    """Whether a JSON value has a token field at its top, in any case, or spelled `AccessToken`."""
    return isinstance(value, dict) and any(_folded(name) in _TOKEN_NAMES for name in value)


def lifetime(
    at: float, *, expires_in: float | None = None, issued_at: float | None = None, expires: float | None = None
) -> Lifetime:
    """How long a token is good that arrived at the time `at`; `expires` is the `exp` of its claims, if it is a JWT.

    `expires_in` counts if it is more than 0: taken literally, zero would make every token dead on arrival. docker,
    skopeo and regclient raise it to 60; here small values are meant, as by who sent them. Without it the
    specification says a minute, and clients keep to that; but a token that says itself until when it is good is
    neither asked for again before nor said to be over. An `exp` that has passed on arrival shows a clock that is
    wrong, and says nothing of the life.

    It counts from `issued_at`, as for docker and skopeo, if that can be true of a token that is still good: it is not
    in the future, and the token is not over on arrival (regclient checks the same); else from `at`.
    """
    if expires_in is not None and expires_in > 0:
        seconds = expires_in
    elif expires is not None and expires > at:
        return Lifetime(at, expires - at)
    else:
        seconds = DEFAULT_LIFE
    is_possible = issued_at is not None and issued_at <= at < issued_at + seconds
    return Lifetime(issued_at if issued_at is not None and is_possible else at, seconds)


def _fields(value: Mapping[str, object]) -> dict[str, object]:
    """The fields that are known, by name. The exact name counts, else the last one that is alike.

    Go's `encoding/json` takes names in any case and lets the last one win; all other readers know the exact one only.
    """
    fields: dict[str, object] = {}
    for name, held in value.items():
        if (folded := _folded(name)) in _NAMES:
            fields[folded] = held
    return fields | {name: value[name] for name in _NAMES if name in value}


def _folded(name: str) -> str:
    """A name as Go compares it: U+017F, the long s, is an s (and U+212A, the Kelvin sign, a k)."""
    return name[:16].lower().replace("\u017f", "s")


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _seconds(value: object) -> float | None:
    """A number, or decimal digits as a string: clients in Go stop there, those in Python and JavaScript convert.

    What only one language takes for a number (`1e3`, `1_0`, a blank in front) is none. Fractions are kept.
    """
    if isinstance(value, str):
        value = float(value) if _DECIMAL.fullmatch(value) else None
    return jwt.seconds(value)


def _moment(value: object) -> float | None:
    """RFC 3339 section 5.6, with as many digits of a second as Go prints.

    Other forms of ISO 8601 are none: Go refuses them, and a time without its zone may be off by hours, so it accuses
    nobody. Go's zero time is what a server sends that never set the field: for Go's clients, too, it is not there.
    """
    if not isinstance(value, str) or len(value) > _LONGEST_TIME or value == _NEVER_SET:
        return None
    found = _MOMENT.fullmatch(value)
    if found is None:
        return None
    day, time, fraction, zone = found.groups()
    try:
        return datetime.fromisoformat(f"{day}T{time}{fraction or ''}{zone.upper()}").timestamp()
    except (ValueError, OverflowError):
        return None


def _is_typed(field: TokenField, fields: Mapping[str, object]) -> bool:
    """Whether a field is absent or of the type that strict readers decode it as: strings, an integer, a time as in Go.

    Go reads RFC 3339 with capital letters only. A life that is told as `expires_at` alone is read by nobody.
    """
    value = fields.get(field)
    if value is None or field is TokenField.EXPIRES_AT:
        return value is None or fields.get(TokenField.EXPIRES_IN) is not None
    if field is TokenField.EXPIRES_IN:
        return isinstance(value, int) and not isinstance(value, bool)
    if field is TokenField.ISSUED_AT:
        return isinstance(value, str) and _STRICT_MOMENT.fullmatch(value[:64]) is not None
    return isinstance(value, str)
