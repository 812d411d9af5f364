"""The words that may be shown of text that somebody else wrote: English, the field's own, numbers, versions and dates.

A closed vocabulary: whatever it does not know is not shown, in whatever spelling. A pass phrase made of dictionary
words cannot be told from a message; only who has seen it where it belongs can know it (`sweep`).

English: SCOWL, sizes 10 to 35, American and British (`words/LICENSE.english`). The field: `words/field.txt`.
"""

from __future__ import annotations

import re
from enum import IntEnum
from functools import cache, lru_cache
from importlib import resources
from typing import Final

LONGEST: Final = 100
"""Characters of a word, with all that is joined to it."""
_MOST_PARTS: Final = 16
_MOST_NUMBERS: Final = 6
_MOST_DIGITS: Final = 16


class Standing(IntEnum):
    """How well a word is known."""

    UNKNOWN = 0
    """Not to be shown."""
    ENGLISH = 1
    """A word of the language: by itself it says nothing, joined to others it may be a pass phrase."""
    FIELD = 2
    """A word of registries, of HTTP or of a product, a version, or a date."""
    NUMBER = 3
    """Or a letter, or a byte: by itself it says nothing, but many in a row may spell something."""


SMALL: Final = frozenset(
    {
        "a", "am", "an", "and", "as", "at", "be", "but", "by", "do", "ex", "for", "he", "i", "if", "in", "is", "it",
        "me", "mr", "my", "no", "nor", "not", "of", "off", "oh", "on", "or", "out", "per", "so", "than", "the", "to",
        "un", "up", "us", "vs", "we", "with", "ye",
    }
)  # fmt: skip
"""English words that stand between others, as in ``out-of-date``."""
_LETTERS: Final = frozenset("deginoqstvwxz")
"""Letters that stand for something where they are joined to a sign or a word: ``i/o``, ``q=0.8``, ``x-request-id``."""

# A byte in hexadecimal is as little.
_NUMBER = re.compile(r"[+\-]?[0-9]{1,10}|[0-9A-Fa-f]{2}|[a-zA-Z]")
_QUANTITY = re.compile(
    r"[+\-~]?[0-9]{1,10}(?:\.[0-9]{1,6})?(?:%|[nuµm]?s|ms|m|h|st|nd|rd|th|[kKMGTP]i?[Bb]?|[Bb])"
    # Codes of Microsoft's token server.
    r"|AADSTS[0-9]{4,7}"
    r"|(?:[0-9]{1,4}h)?(?:[0-9]{1,4}m)?[0-9]{1,4}(?:\.[0-9]{1,9})?s"
)
_DATE = re.compile(
    r"[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}(?:[T_][0-9]{2}[-:.]?[0-9]{2}(?:[-:.]?[0-9]{2}(?:[.,][0-9]{1,9})?)?"
    r"(?:Z|[+\-][0-9]{2}:?[0-9]{2})?)?"
    r"|[0-9]{8}T[0-9]{6}Z|RELEASE\.[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}-[0-9]{2}-[0-9]{2}Z"
    r"|[0-9]{1,2}/(?:[A-Z][a-z]{2}|[0-9]{1,2})/[0-9]{4}|[0-9]{1,2}-[A-Z][a-z]{2}-[0-9]{2,4}"
    # A version that Go makes of a commit.
    r"|v[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}-(?:0\.)?[0-9]{14}-[0-9a-f]{12}"
)
_GLUE = re.compile(r"[-_.+~]")
_PART = re.compile(r"[A-Za-z0-9]++")
# Names that are written with capitals inside stand first.
_PIECES = re.compile(
    r"OAuth2?|OpenID|IPv[46]|GitHub|GitLab|DockerHub|JFrog|MinIO|[Bb]ase64|UTF8|SHA(?:1|256|512)|MD5|S3|X509"
    r"|[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+"
)
_CASES = re.compile(r"[A-Z]?[a-z]++|[A-Z]++")
# What numbers are glued to: versions, regions, parts of something counted.
_COUNTED = re.compile(
    r"(?:v|go|r|rc|b|beta|a|alpha|p|pre|post|dev|build|ds|dfsg|deb|ubuntu|el|fc|jre|jdk|java|node|php|py|python"
    r"|wsl|nt|rv|east|west|north|south|central|northeast|northwest|southeast|southwest|us|eu|east-us|registry|az|dc)[0-9]{1,4}|v20[0-9]{6}"
    # Not what JSON makes of a sign.
    r"|u[1-9][0-9]{0,3}",
    re.IGNORECASE,
)
_POSSESSIVE = re.compile(r"([A-Za-z]{2,30})['’]s")
_CONTRACTION = re.compile(r"[A-Za-z]{1,12}['’](?:t|re|ll|ve|d|m)")


@cache
def english() -> frozenset[str]:
    """About 40,000 words of three letters and more, in lower case."""
    return frozenset(_lines("english.txt"))


@cache
def field() -> frozenset[str]:
    """About 2,000 words of the field, in lower case, some with digits and signs."""
    words = (word for line in _lines("field.txt") if not line.startswith("#") for word in line.split())
    return frozenset([word for word in words if len(word) > 1]) - SMALL


def _lines(name: str) -> list[str]:
    return resources.files(__package__).joinpath("words", name).read_text("ascii").splitlines()


@lru_cache(16_384)
def standing(word: str) -> Standing:
    """How well a run without blanks is known; with signs other than hyphens, dots and their like it is not.

    A compound, such as ``BLOB_UNKNOWN``, ``fetchToken`` or ``docker-24.0``, is known if all its parts are, and if one
    of them is of the field. Without one it may be of two English words, or have a small word between others.
    """
    if not word or len(word) > LONGEST:
        return Standing.UNKNOWN
    if word.lower() in SMALL and len(word) > 1:
        return Standing.ENGLISH
    if _is_of_field(word):
        return Standing.FIELD
    if _NUMBER.fullmatch(word):
        return Standing.NUMBER
    if _QUANTITY.fullmatch(word) or _DATE.fullmatch(word):
        return Standing.FIELD
    if "'" in word or "’" in word:
        return _with_apostrophe(word)
    parts = [part for part in _GLUE.split(word) if part]
    # A word spelled letter by letter is none.
    single = sum([len(part) == 1 and part.isalpha() for part in parts])
    if len(parts) > _MOST_PARTS or single > 2 or not all(map(_PART.fullmatch, parts)):
        return Standing.UNKNOWN
    found = [piece for part in parts for piece in _of_part(part)]
    return _joined(found, any(part.lower() in SMALL for part in parts), sum(map(str.isdigit, word)))


def is_known(text: str) -> bool:
    """Whether a run without blanks may be shown as it is."""
    return standing(text) is not Standing.UNKNOWN


def _with_apostrophe(word: str) -> Standing:
    found = _POSSESSIVE.fullmatch(word)
    if found:
        return standing(found[1])
    plain = word.lower().replace("’", "'")
    return Standing.ENGLISH if _CONTRACTION.fullmatch(word) and plain in english() else Standing.UNKNOWN


def _is_of_field(word: str) -> bool:
    """In any case that somebody may write it in, such as ``GraphQL``."""
    return word.lower() in field() and (word.islower() or word.isupper() or len(_CASES.findall(word)) <= 3)


def _of_part(part: str) -> list[Standing]:
    """Of letters and digits without a sign between them."""
    lower = part.lower()
    if _is_of_field(part) or _COUNTED.fullmatch(part):
        return [Standing.FIELD]
    if part.isdigit():
        return [Standing.NUMBER if len(part) <= 10 else Standing.UNKNOWN]
    is_cased = part.islower() or part.isupper() or part.istitle()
    if is_cased and (lower in english() or lower in SMALL or lower in _LETTERS):
        return [Standing.ENGLISH]
    pieces = _PIECES.findall(part)
    # Digits are a part of a word only where somebody calls it so.
    return [Standing.UNKNOWN] if len(pieces) == 1 or len(pieces) > _MOST_PARTS else [_of_piece(p) for p in pieces]


def _of_piece(piece: str) -> Standing:
    lower = piece.lower()
    if lower in field():
        return Standing.FIELD
    known = not piece.isdigit() and (lower in SMALL or (len(lower) > 2 and lower in english()))
    return Standing.ENGLISH if known else Standing.UNKNOWN


def _joined(found: list[Standing], small: bool, digits: int) -> Standing:
    if not found or Standing.UNKNOWN in found or digits > _MOST_DIGITS:
        return Standing.UNKNOWN
    numbers = found.count(Standing.NUMBER)
    if numbers == len(found):
        return Standing.NUMBER if numbers <= 4 else Standing.UNKNOWN
    if Standing.FIELD in found:
        return Standing.FIELD if numbers <= _MOST_NUMBERS else Standing.UNKNOWN
    if numbers or (len(found) > 2 and not small):
        return Standing.UNKNOWN
    return Standing.ENGLISH
