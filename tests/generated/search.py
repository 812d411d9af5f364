"""Looks for pieces of secrets in text, in whatever spelling, by letters and digits alone.

Text and secrets are reduced to their letters and digits in one case, so that line breaks, quotes, punctuation and case
hide nothing. The text is read as it is and with its escapes undone; a secret is looked for as it is, in base64 at each
of the three alignments, in hexadecimal, misread in another character set, and as it was planted.
"""

from __future__ import annotations

import base64
import contextlib
import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

LONGEST_WINDOW: Final = 10
SHORTEST: Final = 6
"""Letters and digits; of a shorter secret only its pair with the user in base64 is looked for."""
_MOST: Final = 200_000
"""Characters of a spelling that is indexed."""

_CODED: Final = ("base64", "hexadecimal")
"""Spellings that are looked for in any case, without what is encoded beside the secret."""

_SQUEEZED = re.compile(r"[\W_]+")
_JSON = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|U([0-9A-Fa-f]{8})|([nrtbf]))")
_SURROGATES = re.compile(r"[\ud800-\udbff][\udc00-\udfff]")
_SOFT_BREAK = re.compile(r"=\r?\n")
_QUOTED_PAIR = re.compile(r"=([0-9A-F]{2})")
_ARMOUR = re.compile(r"-----[A-Z ]+-----|private_key")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m|\x1b\]8;[^\x1b]*\x1b\\")


@dataclass(frozen=True)
class Needle:
    """A spelling of a secret, squeezed."""

    owner: int
    """Whose secret it is."""
    text: str
    window: int
    """Neighbouring signs that are too many to be shown."""
    form: str
    """What it was looked for as."""


@dataclass(frozen=True)
class Hit:
    """A piece of a secret that was found."""

    owner: int
    form: str
    piece: str
    """Squeezed; for comparing, never for showing."""
    window: int
    """Neighbouring signs of the piece that are too many."""
    excerpt: str
    """What stands around it, without it."""


def squeezed(text: str) -> str:
    """Letters and digits of `text`, in one case."""
    return _SQUEEZED.sub("", text.casefold())


def needles(owner: int, secret: str, planted: str, planted_form: str) -> Iterator[Needle]:
    """What to look for; `planted` is the spelling that was used, which is called `planted_form`."""
    # What stands around a key is known to everybody, and its words are names of fields too.
    secret, planted = _ARMOUR.sub("", secret), _ARMOUR.sub("", planted)
    bare = squeezed(secret)
    plain = [secret]
    if not secret.isascii():
        raw = secret.encode()
        plain += [raw.decode("latin-1"), raw.decode("cp1252", "replace")]
    if len(bare) >= SHORTEST:
        for text in plain:
            yield from _needle(owner, squeezed(text), _window(bare), "text")
        written = squeezed(planted)
        if bare not in written and not planted_form.startswith(_CODED):
            # As many signs of the secret, each of which takes up more room.
            window = max(_window(bare), _window(bare) * len(written) // len(bare))
            yield from _needle(owner, written, window, f"as planted, {planted_form}")
        for raw in _bytes_of(secret):
            yield from _needle(owner, raw.hex(), max(LONGEST_WINDOW, _window(bare)), "hexadecimal")
            yield from _coded(owner, raw)
    # A short secret by itself is not looked for, but together with its user it is a credential.
    for raw in _bytes_of(secret):
        pair = base64.b64encode(b"alice:" + raw).decode().rstrip("=")
        tail = squeezed(pair if len(bare) < SHORTEST else pair[8:])
        yield from _needle(owner, tail, min(len(tail), 13), "base64 of the pair")


def _bytes_of(secret: str) -> list[bytes]:
    raws = [secret.encode("utf-8", "surrogatepass")]
    if not secret.isascii():
        with contextlib.suppress(UnicodeEncodeError):
            raws.append(secret.encode("latin-1"))
    return raws


def _window(bare: str) -> int:
    if bare.isdecimal():
        return min(len(bare), LONGEST_WINDOW)
    return min(LONGEST_WINDOW, max(SHORTEST, len(bare) - 2))


def _coded(owner: int, raw: bytes) -> Iterator[Needle]:
    for shift, first in ((0, 0), (1, 2), (2, 3)):
        coded = base64.b64encode(bytes(shift) + raw).decode()
        inner = squeezed(base64_inside := coded[first : (shift + len(raw)) * 8 // 6])
        if len(base64_inside) >= 8:
            yield from _needle(owner, inner, min(len(inner), LONGEST_WINDOW), f"base64, {shift}")


def _needle(owner: int, text: str, window: int, form: str) -> Iterator[Needle]:
    if len(text) >= max(window, SHORTEST):
        yield Needle(owner, text[:_MOST], max(window, SHORTEST), form)


class _Index:
    """Needles by every piece of `size` signs; texts are looked at in strides, so that no window falls between them."""

    def __init__(self, size: int, least: int) -> None:
        self._size = size
        self._stride = least - size + 1
        self._pieces: dict[str, list[tuple[Needle, int]]] = {}

    def add(self, needle: Needle) -> None:
        """Look for it from now on."""
        text, size = needle.text, self._size
        for at in range(len(text) - size + 1):
            held = self._pieces.setdefault(text[at : at + size], [])
            if len(held) < 60:
                held.append((needle, at))

    def hits(self, text: str) -> Iterator[tuple[Needle, int, int]]:
        """Needle, from and to of every piece that is as long as its window."""
        pieces, size = self._pieces, self._size
        if not pieces:
            return
        passed: dict[tuple[int, int], int] = {}
        for at in range(0, len(text) - size + 1, self._stride):
            held = pieces.get(text[at : at + size])
            if held is None:
                continue
            for needle, offset in held:
                # The same run again: a stride further on both sides.
                key = id(needle), at - offset
                if at < passed.get(key, 0):
                    continue
                begin, end = _extended(text, at, needle.text, offset, size)
                passed[key] = end
                if end - begin >= needle.window:
                    yield needle, begin, end


def _extended(text: str, at: int, needle: str, offset: int, size: int) -> tuple[int, int]:
    """How far around `at` the text goes on as the needle does."""
    before = 0
    while before < min(at, offset) and text[at - before - 1] == needle[offset - before - 1]:
        before += 1
    behind = size
    most = min(len(text) - at, len(needle) - offset)
    while behind < most and text[at + behind] == needle[offset + behind]:
        behind += 1
    return at - before, at + behind


class Search:
    """Looks for all of `needles` at once."""

    def __init__(self, needles: Sequence[Needle]) -> None:
        self._short = _Index(4, SHORTEST)
        self._long = _Index(6, LONGEST_WINDOW)
        for needle in needles:
            (self._long if needle.window >= LONGEST_WINDOW else self._short).add(needle)

    def hits(self, text: str) -> Iterator[Hit]:
        """What is found in `text`; of each owner and form the longest piece."""
        found: dict[tuple[int, str], tuple[str, str, int, int, int]] = {}
        for view in views(text):
            bare = squeezed(view)
            for index in (self._short, self._long):
                for needle, begin, end in index.hits(bare):
                    key = needle.owner, needle.form
                    if key not in found or len(found[key][1]) < end - begin:
                        found[key] = view, bare[begin:end], needle.window, begin, end
        for (owner, form), (view, piece, window, begin, end) in found.items():
            yield Hit(owner, form, piece, window, _excerpt(view, begin, end))


def views(text: str) -> Iterator[str]:
    """`text` as it is, and with its escapes undone in several orders."""
    seen: set[str] = set()
    text = _COLOUR.sub("", text)
    plain = _unescaped(_unescaped(text))
    marked = html.unescape(html.unescape(plain)) if "&" in plain else plain
    candidates = [text, plain, marked, _unquoted(marked), _unquoted(html.unescape(text) if "&" in text else text)]
    if _QUOTED_PAIR.search(text):
        candidates.append(_QUOTED_PAIR.sub(lambda found: chr(int(found[1], 16)), _SOFT_BREAK.sub("", text)))
    for view in candidates:
        if view not in seen:
            seen.add(view)
            yield view


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    controls = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}

    def plain(found: re.Match[str]) -> str:
        if found[4]:
            return controls[found[4]]
        code = int(found[1] or found[2] or found[3], 16)
        return chr(code) if code < 0x110000 else "\ufffd"

    text = _JSON.sub(plain, text)
    joined = _SURROGATES.sub(lambda found: found.group().encode("utf-16-le", "surrogatepass").decode("utf-16-le"), text)
    return joined.replace("\\\\", "\\")


def _unquoted(text: str) -> str:
    for _ in range(3):
        if "%" not in text:
            break
        text = unquote(text, errors="replace")
    return text


def _excerpt(view: str, begin: int, end: int) -> str:
    """Thirty signs before and behind the piece `begin` to `end` of the squeezed view."""
    first, last = _place(view, begin), _place(view, end - 1)
    around = f"{view[max(0, first - 30) : first]}[…]{view[last + 1 : last + 31]}"
    return "".join(sign if sign.isprintable() else "·" for sign in around)


def _place(view: str, wanted: int) -> int:
    """Where in `view` the sign `wanted` of the squeezed view stands."""
    size = at = 0
    for step in (4096, 128, 1):
        while at < len(view):
            here = len(squeezed(view[at : at + step]))
            if size + here > wanted:
                break
            size += here
            at += step
    return at
