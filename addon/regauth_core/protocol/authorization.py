"""Reads `Authorization` as it really arrives: several credentials, damaged base64, no scheme at all.

RFC 9110 sections 11.4 and 11.6.2 (credentials), RFC 7617 section 2 (Basic). Nothing here raises on wire input; what
comes out holds secrets and lives as briefly as the message.
"""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import dataclass, field
from typing import Final

from regauth_core.model import CredentialFlaw, Holder

MAX_CREDENTIALS: Final = 8
"""Of one field line."""
MAX_BASIC: Final = 64 * 1024
"""Characters of a Basic value that is decoded."""

# A comma is also a part of what Digest and AWS send; only a word, blanks and no `=` behind it start a new credential.
_NEXT = re.compile(r"(?<![ \t\r\n])[ \t\r\n]*+,[ \t\r\n]*+(?=[A-Za-z][A-Za-z0-9\-]{2,31}+[ \t\r\n]++[^\s=,])")
_BLANK = re.compile(r"[ \t\r\n]+")
BASE64: Final = re.compile(r"(?:[A-Za-z0-9+/]{4})*+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
"""Base64 with its padding (RFC 4648 section 4), nothing around it."""
_FOREIGN = re.compile(r"[^A-Za-z0-9+/]++")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

_HOLDERS = {
    "<token>": Holder.IDENTITY_TOKEN,
    "AWS": Holder.AWS,
    "oauth2accesstoken": Holder.GOOGLE,
    "_token": Holder.GOOGLE,
    "_json_key": Holder.GOOGLE,
    "_json_key_base64": Holder.GOOGLE,
    "_dcgcloud_token": Holder.GOOGLE,
    "00000000-0000-0000-0000-000000000000": Holder.AZURE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RawCredential:
    """One credential as it stood on the wire."""

    scheme: str
    """As spelled; empty where the value stands alone."""
    value: str = field(repr=False)
    """All that follows the scheme."""
    pair: tuple[str, str] | None = field(default=None, repr=False)
    """User and password of Basic; bytes that are no UTF-8 are kept as surrogates."""
    flaws: tuple[CredentialFlaw, ...] = ()
    holder: Holder = Holder.ORDINARY


def credentials(value: str) -> tuple[RawCredential, ...]:
    """The credentials of one field line: one, or several joined by commas."""
    pieces = _NEXT.split(value.strip(" \t\r\n"), MAX_CREDENTIALS)
    return tuple(_credential(piece) for piece in pieces)


def _credential(text: str) -> RawCredential:
    scheme, *rest = _BLANK.split(text, 1)
    if not rest:
        # A scheme alone, or a secret whose sender forgot the scheme.
        alone = scheme.lower() in SCHEMES
        return RawCredential(scheme=scheme if alone else "", value="" if alone else scheme)
    if scheme.lower() != "basic":
        return RawCredential(scheme=scheme, value=rest[0])
    return _basic(scheme, rest[0])


def _basic(scheme: str, value: str) -> RawCredential:
    if len(value) > MAX_BASIC:
        return RawCredential(scheme=scheme, value=value)
    flaws = [] if value and BASE64.fullmatch(value) else [CredentialFlaw.NOT_BASE64]
    plain = _FOREIGN.sub("", value.replace("-", "+").replace("_", "/"))
    # One character over a multiple of four encodes nothing.
    plain = plain[:-1] if len(plain) % 4 == 1 else plain
    raw = b64decode(plain + "=" * (-len(plain) % 4))
    text = raw.decode("utf-8", "surrogateescape")
    user, colon, password = text.partition(":")
    if not text.isascii() and any("\udc80" <= sign <= "\udcff" for sign in text):
        flaws.append(CredentialFlaw.NOT_UTF8)
    if not colon:
        # More likely somebody's token than somebody's name.
        user, password = "", text
        flaws.append(CredentialFlaw.NO_COLON)
    if _CONTROL.search(text):
        flaws.append(CredentialFlaw.CONTROL_CHARACTER)
    if CredentialFlaw.NOT_BASE64 in flaws and not colon:
        # Sent as it is, or nothing that was meant to be a pair.
        user, colon, password = value.partition(":")
        pair = (user, password) if colon else None
        return RawCredential(scheme=scheme, value=value, pair=pair, flaws=(CredentialFlaw.NOT_BASE64,))
    holder = Holder.EMPTY if not user and not password else _HOLDERS.get(user, Holder.ORDINARY)
    return RawCredential(scheme=scheme, value=value, pair=(user, password), flaws=tuple(flaws), holder=holder)


SCHEMES: Final = frozenset(
    {
        "basic",
        "bearer",
        "digest",
        "dpop",
        "gnap",
        "hoba",
        "kerberos",
        "mutual",
        "negotiate",
        "ntlm",
        "oauth",
        "privatetoken",
        "token",
        "vapid",
        "aws4-hmac-sha256",
        "scram-sha-1",
        "scram-sha-256",
    }
)
"""Authentication schemes, as https://www.iana.org/assignments/http-authschemes and as registries spell them.

They are shown; another word in front of a credential may be a part of it.
"""
