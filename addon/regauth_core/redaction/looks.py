"""How a machine-made string looks: it changes between letters, digits and cases far more often than words do."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

DIGEST: Final = r"(?:(?:sha256|blake3):[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})(?![0-9A-Za-z])"
"""A digest by a known algorithm, and as long as that makes it: an expression."""

_PARTS = re.compile(r"[A-Za-z0-9]++")
_RUNS = re.compile(r"[A-Z]?[a-z]++|[A-Z]++|[0-9]++")
_VOWEL = re.compile(r"[aeiouyAEIOUY]")
_LETTER = re.compile(r"[A-Za-z]")
_UPPER = re.compile(r"[A-Z]")
_LOWER = re.compile(r"[a-z]")
_DIGIT = re.compile(r"[0-9]")
_HEX = re.compile(r"[0-9a-fA-F]++")
_DATE = re.compile(r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}T[0-9:.]{4,20}(?:Z|[+-][0-9:]{4,5})?")
_PINNED = re.compile(rf"[A-Za-z0-9._/:\-]{{0,300}}+@{DIGEST}|{DIGEST}")


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
