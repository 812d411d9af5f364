"""Finds what must not be shown in free text: error messages, header values, a program's own words.

There is no grammar to rely on here, so text is judged by its looks: machine-made strings change between letters, digits
and cases far more often than words do. Whatever looks like that goes, and so does what stands behind a telling name
(``token=``, ``Bearer``). Digests, media types, versions, dates and host names stay.

Every expression is possessive or bounded, and each piece is looked at once: time is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

_SHORT_NAMES = r"(?<![a-z])(?:pw|pin|otp|jwt|sig)(?![a-z])"
SECRET_NAME: Final = re.compile(
    rf"token|secret|passw|pwd|credential|assertion|verifier|key|auth|cookie|session|signature|{_SHORT_NAMES}", re.I
)
"""A parameter, header or field whose name says that its value is a secret."""

# Behind one of these every value is a secret; behind the others a word may follow, as in "authorization: denied".
_CERTAIN = re.compile(r"secret|passw|pwd|credential|api.?key|private|(?<![a-z])(?:pw|otp)(?![a-z])", re.I)

_WORD = re.compile(r"[A-Z]?[a-z]{1,20}|[A-Z]{1,16}|[0-9]{1,6}|[a-z]{1,12}[0-9]{1,4}|[0-9]{1,3}[a-z]{1,12}")
_PARTS = re.compile(r"[A-Za-z0-9]++")
_RUNS = re.compile(r"[A-Z]?[a-z]++|[A-Z]++|[0-9]++")
_SEPARATORS = re.compile(r"[-_.~+]")
_VOWEL = re.compile(r"[aeiouyAEIOUY]")
_LETTER = re.compile(r"[A-Za-z]")
_UPPER = re.compile(r"[A-Z]")
_LOWER = re.compile(r"[a-z]")
_DIGIT = re.compile(r"[0-9]")
_HEX = re.compile(r"[0-9a-fA-F]++")
_DATE = re.compile(r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}T[0-9:.]{4,20}(?:Z|[+-][0-9:]{4,5})?")
_DIGEST = r"(?:sha256:[0-9a-f]{6,64}|sha384:[0-9a-f]{6,96}|sha512:[0-9a-f]{6,128})(?![0-9A-Za-z])"
_PINNED = re.compile(rf"[A-Za-z0-9._/:\-]{{0,300}}+@{_DIGEST}|{_DIGEST}")

# An `=` at the end of a word is padding of base64.
_MARK = r"(?:\s{0,4}+:\s{0,4}+|\s{1,4}+=\s{0,4}+|=(?![=\s,;&]|\Z))"

_PIECE = re.compile(
    rf"""(?P<url>\b[A-Za-z][A-Za-z0-9+.\-]{{1,15}}+://[^\s"'<>\\]++)
      | (?P<digest>\b{_DIGEST})
      | (?P<mail>(?<![A-Za-z0-9.+_-])[A-Za-z0-9.+_-]{{1,64}}+@[A-Za-z0-9-]{{1,63}}+(?:\.[A-Za-z0-9-]{{1,63}}+){{1,8}}+)
      | (?P<scheme>\b(?:[Bb]asic|BASIC|[Bb]earer|BEARER|[Nn]egotiate|NTLM|[Dd]igest|[Tt]oken)\b)(?P<blank>[ \t]{{1,4}}+)
      | (?P<key>(?<![A-Za-z0-9_.\-])[A-Za-z0-9_.\-]{{1,64}}+)(?P<mark>\\{{0,16}}+["']?+{_MARK})
      | (?P<run>[A-Za-z0-9+/=_.~%:@\-]++)
    """,
    re.X,
)
_SHORT_DIGEST = re.compile(_DIGEST)
# JSON in JSON has a backslash before each quote, and more the deeper it lies.
_QUOTED = re.compile(
    r"""(?P<escape>\\{1,16}+)"((?:(?!(?<!\\)(?P=escape)").){1,4096}+)
      | "((?:[^"\\]|\\.){1,4096}+)
      | '((?:[^'\\]|\\.){1,4096}+)
    """,
    re.X | re.DOTALL,
)
_BARE = re.compile(r"""()([^\s"'<>,;&]++)""")
# Without one of these there is nothing to find.
_SUSPECT = re.compile(
    r"[A-Za-z0-9+/=_.~%\-]{10}|[=:@]|[Bb]asic|BASIC|[Bb]earer|BEARER|[Nn]egotiate|NTLM|[Dd]igest|[Tt]oken"
)
_PLAIN_AFTER_SCHEME = frozenset(
    {
        "access", "and", "auth", "authentication", "authorization", "challenge", "challenges", "credential",
        "credentials", "error", "expired", "failed", "for", "from", "has", "header", "invalid", "is", "missing",
        "not", "of", "or", "realm", "required", "scheme", "service", "token", "tokens", "type", "was", "with",
    }
)

Conceal = Callable[[str, str], str]
"""Gets a piece and its kind (``val``, ``mail``), gives what to show in its place."""


@lru_cache(8192)
def is_opaque(text: str) -> bool:
    """Whether `text`, a run without blanks, looks machine-made: a key, a token, a hash, a UUID."""
    if len(text) < 10 or _PINNED.fullmatch(text) or _DATE.fullmatch(text):
        return False
    parts = _PARTS.findall(text)
    changes = len(_RUNS.findall(text)) - len(parts)
    size = sum(map(len, parts))
    mixed = bool(_UPPER.search(text) and _LOWER.search(text) and _DIGIT.search(text))
    # Hyphens and underscores of base64url cut a token into parts that change less.
    restless = changes * (5 if mixed and size >= 24 else 4) >= size and size >= (12 if mixed else 20)
    return restless or any(map(_is_opaque_part, parts))


def _is_opaque_part(part: str) -> bool:
    """Whether a run of letters and digits is no word, number, version or short commit."""
    size = len(part)
    if size < 10:
        return False
    if part.isdigit():
        return size >= 20
    changes = len(_RUNS.findall(part)) - 1
    if _HEX.fullmatch(part) and changes:
        return size >= 16
    # In words of most languages at least every third letter is a vowel.
    unspeakable = size >= 14 and len(_VOWEL.findall(part)) * 4 < len(_LETTER.findall(part))
    if part.isalpha():
        return unspeakable or size >= 32 or (changes >= 3 and changes * 6 >= size)
    return unspeakable or size >= 20 or changes >= 3


@lru_cache(8192)
def is_wordlike(text: str) -> bool:
    """Whether `text` is short and made of words and small numbers, such as ``openid-connect`` or ``v2``."""
    if not 0 < len(text) <= 48 or is_opaque(text):
        return False
    return all(_WORD.fullmatch(part) for part in _SEPARATORS.split(text) if part)


def concealed(text: str, conceal: Conceal, link: Callable[[str], str]) -> str:
    """`text` with every suspicious piece replaced; `link` gets the URLs in it, gives what to show."""
    if _SUSPECT.search(text) is None:
        return text
    shown: list[str] = []
    at = 0
    while piece := _PIECE.search(text, at):
        shown.append(text[at : piece.start()])
        at = piece.end()
        match piece.lastgroup:
            case "url":
                url = piece.group().rstrip(".,;:!?)]}")
                at = piece.start() + len(url)
                shown.append(link(url))
            case "mail":
                shown.append(conceal(piece.group(), "mail"))
            case "blank":
                shown.append(piece.group())
                at = _behind(text, at, _after_scheme(piece["scheme"]), shown, conceal)
            case "mark":
                key = piece["key"]
                shown.append((conceal(key, "val") if is_opaque(key) else key) + piece["mark"])
                if SECRET_NAME.search(key):
                    at = _behind(text, at, _after_key(key, piece["mark"]), shown, conceal)
            case "run" if is_opaque(piece.group()):
                shown.append(conceal(piece.group(), "val"))
            case _:
                shown.append(piece.group())
    shown.append(text[at:])
    return "".join(shown)


def _after_scheme(scheme: str) -> Callable[[str], bool]:
    # "Token" and "Digest" begin many an ordinary phrase.
    if scheme.lower() in ("token", "digest"):
        return lambda value: is_wordlike(value.rstrip(".:)")) or "=" in value
    return lambda value: value.rstrip(".:)").lower() in _PLAIN_AFTER_SCHEME or "=" in value.rstrip("=")


def _after_key(key: str, mark: str) -> Callable[[str], bool]:
    if _CERTAIN.search(key) or "=" in mark or mark[0] in "\"'":
        return lambda value: value in ("null", "true", "false")
    return lambda value: is_wordlike(value) or value in _SCHEMES


_SCHEMES = frozenset({"Basic", "Bearer", "Negotiate", "Digest", "Token"})


def _behind(text: str, at: int, is_plain: Callable[[str], bool], shown: list[str], conceal: Conceal) -> int:
    """Deal with the value at `at`; gives the position from which to go on."""
    value = _QUOTED.match(text, at) or _BARE.match(text, at)
    if value is None:
        return at
    held = value[value.lastindex or 0]
    if is_plain(held) or _SHORT_DIGEST.match(held):
        return at
    shown.append(text[at : value.start(value.lastindex or 0)] + conceal(held, "val"))
    return value.end()
