"""Reads what a JSON Web Token says about itself, without verifying anything.

RFC 7515 section 3.1 (compact serialization), RFC 7519 section 4.1 (claims); distribution token specification, "jwt".
A token with five parts is encrypted (RFC 7516) and says nothing. Nothing here raises on wire input.
"""

from __future__ import annotations

import math
from base64 import urlsafe_b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

MAX_TOKEN: Final = 64 * 1024
"""Characters of a token that is looked at; a longer one is taken for opaque."""
MAX_ENTRIES: Final = 100
"""Audiences, access entries, and actions of one entry."""


@dataclass(frozen=True, slots=True)
class RawAccess:
    """One entry of an `access` claim or of an error's detail, as it stood on the wire."""

    kind: str
    name: str
    actions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RawClaims:
    """The claims as they stood on the wire; they may name people, so they are never shown or logged."""

    issuer: str | None = field(default=None, repr=False)
    audience: tuple[str, ...] = field(default=(), repr=False)
    expires: float | None = None
    not_before: float | None = None
    issued: float | None = None
    subject: str | None = field(default=None, repr=False)
    nobody: bool = False
    """There is a subject, and it is empty."""
    access: tuple[RawAccess, ...] | None = field(default=None, repr=False)


def decode(token: str) -> RawClaims | None:
    """The claims of a signed or unsecured token; `None` for everything else, such as an opaque token."""
    if not token.startswith("ey") or len(token) > MAX_TOKEN or token.count(".") != 2:
        return None
    head, payload, _ = token.split(".")
    header, claims = _part(head), _part(payload)
    if "alg" not in header or not claims:
        return None
    audience = claims.get("aud")
    return RawClaims(
        issuer=_text(claims.get("iss")),
        audience=tuple(_texts(audience if isinstance(audience, list) else [audience])),
        expires=seconds(claims.get("exp")),
        not_before=seconds(claims.get("nbf")),
        issued=seconds(claims.get("iat")),
        subject=_text(claims.get("sub")),
        nobody=claims.get("sub") == "",
        access=access(claims["access"]) if "access" in claims else None,
    )


def seconds(value: object) -> float | None:
    """A JSON number of seconds, or its digits as a string, which some servers send; `None` for anything else."""
    if isinstance(value, str) and len(value) <= 20 and value.isascii():
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # Beyond this no calendar can show it, and an integer may have more digits than a float can take.
    return float(value) if -1e12 < value < 1e12 and math.isfinite(value) else None


def access(value: object) -> tuple[RawAccess, ...]:
    """The readable entries of a list of objects with `type`, `name` and `actions` or `action`, in any case."""
    entries = value[:MAX_ENTRIES] if isinstance(value, list) else []
    return tuple(_entry(entry) for entry in entries if isinstance(entry, dict))


def _entry(entry: Mapping[str, object]) -> RawAccess:
    fields = {str(key)[:16].lower(): held for key, held in entry.items()}
    actions = fields.get("actions", fields.get("action"))
    return RawAccess(
        _text(fields.get("type")) or "",
        _text(fields.get("name")) or "",
        tuple(_texts(actions if isinstance(actions, list) else [actions])),
    )


def _texts(values: list[object]) -> Iterator[str]:
    return (text for value in values[:MAX_ENTRIES] if (text := _text(value)))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _part(text: str) -> dict[str, object]:
    """The JSON object that one part encodes, empty where there is none."""
    try:
        value = msgspec.json.decode(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
