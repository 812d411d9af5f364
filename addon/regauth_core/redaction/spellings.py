"""The spellings in which a secret may come back: other character sets, other cases, base64.

What can be undone in the text itself (escapes, entities, hexadecimal, broken lines) is undone there, by `unescaping`.
"""

from __future__ import annotations

import re
import unicodedata
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

from regauth_core.redaction.fingerprints import wire_bytes

SHORTEST: Final = 6
"""Characters; a shorter secret is found only as a part of the credential pair that it belongs to."""
_TAIL: Final = 60
"""Bytes of a long secret whose base64 is looked for."""
_MOST_READINGS: Final = 40

_BREAK = re.compile(r"(?<![ \t])[ \t]*+[\r\n][ \t\r\n]*+")
_ALNUM = re.compile(r"[A-Za-z0-9\u0080-\ufffc\U00010000-\U0010ffff]")
_HEX_PAIR = re.compile(r"[0-9a-fA-F]{1,2}")
_SURROGATE = re.compile("[\udc80-\udcff]")
_CHARSETS: Final = ("utf-8", "latin-1", "cp1252")
_UNASSIGNED: Final = b"\x81\x8d\x8f\x90\x9d"
"""Bytes that mean nothing in Windows' set, and mostly pass as they are."""
_WINDOWS: Final = {byte: bytes((byte,)).decode("cp1252") for byte in range(128, 256) if byte not in _UNASSIGNED}
_GAPS: Final = tuple(dict.fromkeys(range(128, 256), gap) for gap in ("?", "\ufffd", ""))


@dataclass(frozen=True, slots=True, repr=False)
class Needle:
    """One spelling of a secret."""

    text: str
    """In lower case, unless it is base64; `-` and `_` are `+` and `/`."""
    secret: str
    is_base64: bool = False
    """What stands around it in the same run of base64 belongs to it."""


def one_alphabet(text: str) -> str:
    """`text` with both alphabets of base64 made one; as long as before."""
    return text.replace("-", "+").replace("_", "/")


def folded(text: str) -> str:
    """`text` in lower case, each character by itself: as long as before."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(low if len(low := sign.lower()) == 1 else sign for sign in text)


def needles(secret: str) -> Iterator[Needle]:
    """Every spelling of `secret` that is looked for."""
    yield from _spelled(secret, secret)
    if "%" in secret and (plain := unquote(secret, errors="surrogateescape")) != secret:
        # A cookie comes encoded, and what it holds may be told as it is.
        yield from _spelled(plain, secret)


def _spelled(text: str, secret: str) -> Iterator[Needle]:
    bare = text.strip()
    if len(bare) < SHORTEST:
        return
    for reading in _readings(bare):
        yield from _plain(reading, secret)
    # A percent sign in front of an encoded secret takes its first digits for its own.
    eaten = _HEX_PAIR.match(bare) if quote(bare, safe="", errors="surrogatepass") != bare else None
    for start in range(1, len(eaten[0]) + 1 if eaten else 1):
        yield from _plain(bare[start:], secret)
    for raw in dict.fromkeys(raw for one in (text, bare) for raw in _bytes_of(one)):
        for shift, first in ((0, 0), (1, 2), (2, 3)):
            coded = b64encode(bytes(shift) + raw[-_TAIL:]).decode()
            whole = (shift + len(raw[-_TAIL:])) * 8 // 6
            yield Needle(coded[first:whole], secret, is_base64=True)


def _plain(bare: str, secret: str) -> Iterator[Needle]:
    # Punctuation alone is also what JSON and HTML are made of.
    if len(bare) < SHORTEST or len(_ALNUM.findall(bare)) < 4:
        return
    # The text is looked at without its line breaks too.
    yield Needle(folded(one_alphabet(_BREAK.sub("", bare))), secret)
    if " " in bare:
        yield Needle(folded(one_alphabet(bare)).replace(" ", "+"), secret)


def _meant(text: str) -> set[str]:
    """The texts that somebody may have typed: `text`, read as the character sets in which it may have been sent."""
    found = {text}
    if _SURROGATE.search(text):
        found.update(wire_bytes(text).decode(charset, "replace") for charset in ("latin-1", "cp1252"))
    for charset in _CHARSETS[1:]:
        try:
            found.add(text.encode(charset).decode("utf-8"))
        except UnicodeError:
            continue
    return found


def _bytes_of(text: str) -> list[bytes]:
    """The bytes as which `text` may be on the wire."""
    if text.isascii():
        return [text.encode()]
    found = {wire_bytes(text): None}
    for meant in sorted(_meant(text)):
        for charset in _CHARSETS:
            try:
                found[meant.encode(charset)] = None
            except UnicodeError:
                continue
    return list(found)


def _read(raw: bytes) -> Iterator[str]:
    """`raw` as those print it who know its character set, and as those do who do not."""
    yield raw.decode("utf-8", "surrogateescape")
    yield raw.decode("utf-8", "replace")
    plain = raw.decode("latin-1")
    yield plain
    yield raw.decode("cp1252", "replace")
    yield plain.translate(_WINDOWS)
    for gap in _GAPS:
        yield plain.translate(gap)


def _readings(text: str) -> list[str]:
    """`text` as it may be printed; itself first."""
    found: dict[str, None] = {text: None}
    upper = text.upper()
    if folded(upper) != folded(text):
        found[upper] = None  # as for letters whose capitals are two
    if text.isascii():
        return list(found)
    for meant in sorted(_meant(text)):
        found[meant] = None
        for form in ("NFC", "NFD", "NFKD"):
            found[unicodedata.normalize(form, meant)] = None
        marks = unicodedata.normalize("NFKD", meant)
        found["".join(sign for sign in marks if not unicodedata.combining(sign))] = None
        found["".join(sign if sign.isascii() else "?" for sign in meant)] = None
        found["".join(sign if sign.isascii() else "\ufffd" for sign in meant)] = None
    once = [reading for raw in _bytes_of(text) for reading in _read(raw)]
    found.update(dict.fromkeys(once))
    for reading in once[: _MOST_READINGS // 4]:
        if not reading.isascii():
            found.update(dict.fromkeys(_read(wire_bytes(reading))))
    return list(found)[:_MOST_READINGS]
