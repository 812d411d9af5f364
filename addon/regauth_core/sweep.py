"""The last look at a finished text: finds every remembered secret, however it is written.

As it is, percent-encoded, escaped for JSON or HTML, inside base64 of either alphabet at any alignment, and broken over
lines. The text is unescaped step by step and looked at in each state; `-` and `_` count as `+` and `/` throughout, so
that both alphabets of base64 are one. An index of short pieces of the secrets makes the time linear in the text and
nearly independent of their number: of each spelling as many neighbouring pieces are indexed as the scan takes
characters in one stride.
"""

from __future__ import annotations

import html
import re
from base64 import b64encode
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

from regauth_core.fingerprints import Fingerprints, wire_bytes

SHORTEST: Final = 6
"""Characters; a shorter secret is found only as a part of the credential pair that it belongs to."""
_TAIL: Final = 60
"""Bytes of a long secret whose base64 is looked for."""
_CROWDED: Final = 64
"""Secrets that share a piece; beyond, the piece alone is taken for a secret."""
_REACH: Final = 1024

_ALNUM = re.compile(r"[A-Za-z0-9\u0080-\U0010ffff]")
_SHORT_HEX = re.compile(r"[0-9a-fA-F]{1,15}")
_HEX_PAIR = re.compile(r"[0-9a-fA-F]{1,2}")
_RUN = re.compile(r"[A-Za-z0-9+/=]*+")

_BREAK = re.compile(r"(?<![ \t])[ \t]*+[\r\n][ \t\r\n]*+")
_JSON = re.compile(r'\\(?:u[0-9A-Fa-f]{4}(?:\\u[dD][c-fC-F][0-9A-Fa-f]{2})?|x[0-9A-Fa-f]{2}|[nrtbf"\\/])')
_HTML = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|amp|lt|gt|quot|apos|nbsp);")
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2})++")
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


def _json(found: re.Match[str]) -> str:
    text = found.group()
    if text[1] == "x":
        return chr(int(text[2:], 16))
    if text[1] != "u":
        return _CONTROLS.get(text[1], text[1])
    units = bytes.fromhex(text.replace("\\u", ""))
    return units.decode("utf-16-be", "replace")


Step = tuple[str, re.Pattern[str], Callable[[re.Match[str]], str]]
"""A sign without which there is nothing to do, what to replace, by what."""

_JOIN: Final[Step] = ("\n", _BREAK, lambda _: "")
_DECODE: Final[Step] = ("%", _PERCENT, lambda found: unquote(found.group(), errors="surrogateescape"))
_UNQUOTE: Final[Step] = ("\\", _JSON, _json)
_UNESCAPE: Final[Step] = ("&", _HTML, lambda found: html.unescape(found.group()))
# Each at least twice, as a report escapes once more what the wire had escaped; every step may bring line breaks to
# light. A backslash may also be a part of the secret itself, which the second way leaves alone.
_WAYS: Final[tuple[tuple[Step, ...], ...]] = (
    (_JOIN, *(_UNQUOTE, _JOIN) * 2, *(_UNESCAPE, _JOIN) * 2, *(_DECODE, _JOIN) * 3),
    (_JOIN, _UNESCAPE, _JOIN, _DECODE, _JOIN),
)


class _View:
    """A text after one step of unescaping, with the way back to the places it came from."""

    def __init__(self, text: str, pattern: re.Pattern[str], put: Callable[[re.Match[str]], str]) -> None:
        pieces: list[str] = []
        self._starts: list[int] = []
        self._spans: list[tuple[int, int]] = []
        self._size = 0
        at = 0
        for found in pattern.finditer(text):
            self._add(pieces, text[at : found.start()], at, found.start())
            self._add(pieces, put(found), found.start(), found.end())
            at = found.end()
        self._add(pieces, text[at:], at, len(text))
        self.text = "".join(pieces)

    def _add(self, pieces: list[str], piece: str, begin: int, end: int) -> None:
        if piece:
            self._starts.append(self._size)
            self._spans.append((begin, end))
            self._size += len(piece)
            pieces.append(piece)

    def _place(self, at: int) -> tuple[int, int]:
        """Where the character at `at` stood: from, to."""
        which = bisect_right(self._starts, at) - 1
        begin, end = self._spans[which]
        size = (self._starts[which + 1] if which + 1 < len(self._starts) else self._size) - self._starts[which]
        if size == end - begin:
            begin += at - self._starts[which]
            end = begin + 1
        return begin, end

    def span(self, begin: int, end: int) -> tuple[int, int]:
        """The place of the non-empty piece `begin` to `end` in the text before the step."""
        return self._place(begin)[0], self._place(end - 1)[1]


@dataclass(frozen=True, slots=True, repr=False)
class _Needle:
    """One spelling of a secret."""

    text: str
    secret: str
    is_base64: bool

    def at(self, text: str, begin: int) -> tuple[int, int] | None:
        """From and to in `text` of what has to go, if this stands there at `begin`."""
        if begin < 0 or not text.startswith(self.text, begin):
            return None
        end = begin + len(self.text)
        if self.is_base64:
            return _run(text, begin, end)
        if _SHORT_HEX.fullmatch(self.text):
            before = begin > 0 and _SHORT_HEX.match(text, begin - 1)
            if before or _SHORT_HEX.match(text, end):
                return None
        return begin, end


def _run(text: str, begin: int, end: int) -> tuple[int, int]:
    """The whole run of base64 around a piece of it."""
    behind = _RUN.match(text, end, end + _REACH)
    before = _RUN.match(text[max(0, begin - _REACH) : begin][::-1])
    return begin - (before.end() if before else 0), behind.end() if behind else end


class _Index:
    """Needles by `stride` neighbouring pieces of `size` characters each."""

    def __init__(self, size: int, stride: int) -> None:
        self.least = size + stride - 1
        self._size = size
        self._stride = stride
        self._pieces: dict[str, list[tuple[int, _Needle]] | None] = {}

    def add(self, needle: _Needle) -> None:
        """Index a needle of at least `least` characters."""
        places = (len(needle.text) - self.least, len(needle.text) // 3, 0)
        first = next((p for p in places if 0 <= p <= places[0] and self._has_room(needle.text, p)), places[0])
        for at in range(first, first + self._stride):
            piece = needle.text[at : at + self._size]
            held = self._pieces.setdefault(piece, [])
            if held is None or len(held) >= _CROWDED:
                self._pieces[piece] = None
            else:
                held.append((at, needle))

    def _has_room(self, text: str, first: int) -> bool:
        pieces = (self._pieces.get(text[at : at + self._size], ()) for at in range(first, first + self._stride))
        return all(held is not None and len(held) < 8 for held in pieces)

    def hits(self, text: str) -> Iterator[tuple[int, int, str]]:
        """From, to and the secret of everything that is found; the secret is empty where it could be any of many."""
        if not self._pieces:
            return
        pieces, size = self._pieces, self._size
        for at in range(0, len(text) - size + 1, self._stride):
            if (piece := text[at : at + size]) in pieces:
                held = pieces[piece]
                if held is None:
                    yield *_run(text, at, at + size), ""
                    continue
                for offset, needle in held:
                    if span := needle.at(text, at - offset):
                        yield *span, needle.secret


class Sweep:
    """Looks for the secrets that `known` remembers."""

    def __init__(self, known: Fingerprints, is_spared: Callable[[str], bool]) -> None:
        self._known = known
        self._is_spared = is_spared
        self._clear()

    def _clear(self) -> None:
        self._long = _Index(8, 4)
        self._short = _Index(4, 3)
        self._indexed: set[str] = set()

    def swept(self, text: str) -> tuple[str, int]:
        """`text` with every secret replaced by its fingerprint in brackets, and how many places that were.

        Brackets, because the text is finished: they need no escaping in JSON, HTML, XML or a URL.
        """
        self._update()
        if not self._indexed:
            return text, 0
        spans = sorted(self._spans(text))
        shown: list[str] = []
        at = count = 0
        for begin, end, secret in spans:
            if begin >= at:
                shown += (text[at:begin], f"[{self._known.of(secret, 'tok') or 'tok:withheld'}]")
                count += 1
            at = max(at, end)
        shown.append(text[at:])
        return "".join(shown), count

    def _spans(self, text: str) -> Iterator[tuple[int, int, str]]:
        yield from self._hits(text, [])
        for way in _WAYS if "\\" in text else _WAYS[:1]:
            views: list[_View] = []
            current = text
            for sign, pattern, put in way:
                if sign in current or (sign == "\n" and "\r" in current):
                    views.append(_View(current, pattern, put))
                    current = views[-1].text
                    yield from self._hits(current, views)

    def _hits(self, text: str, views: list[_View]) -> Iterator[tuple[int, int, str]]:
        plain = _one_alphabet(text)
        for index in (self._long, self._short):
            for begin, end, secret in index.hits(plain):
                if text[begin:end] == secret and self._is_spared(secret):
                    continue
                for view in reversed(views):
                    begin, end = view.span(begin, end)
                yield begin, end, secret

    def _update(self) -> None:
        fresh: Iterable[str] = self._known.fresh
        if len(self._indexed) > 2 * len(self._known) + 1000:
            self._clear()
            fresh = self._known.secrets()
        for secret in fresh:
            if secret not in self._indexed and secret in self._known:
                self._indexed.add(secret)
                self._add(secret)
        self._known.fresh = []

    def _add(self, secret: str) -> None:
        for needle in _needles(secret):
            if len(needle.text) >= self._long.least:
                self._long.add(needle)
            elif len(needle.text) >= SHORTEST:
                self._short.add(needle)


def _one_alphabet(text: str) -> str:
    return text.replace("-", "+").replace("_", "/")


def _needles(secret: str) -> Iterator[_Needle]:
    yield from _spelled(secret, secret)
    if "%" in secret and (plain := unquote(secret, errors="surrogateescape")) != secret:
        # A cookie comes encoded, and what it holds may be told as it is.
        yield from _spelled(plain, secret)


def _plain(bare: str, secret: str) -> Iterator[_Needle]:
    # Punctuation alone is also what JSON and HTML are made of.
    if len(bare) < SHORTEST or len(_ALNUM.findall(bare)) < 4:
        return
    # The text is looked at without its line breaks too.
    yield _Needle(_one_alphabet(_BREAK.sub("", bare)), secret, False)
    if " " in bare:
        yield _Needle(_one_alphabet(bare).replace(" ", "+"), secret, False)


def _spelled(text: str, secret: str) -> Iterator[_Needle]:
    bare = text.strip()
    if len(bare) < SHORTEST:
        return
    # A percent sign in front of an encoded secret takes its first digits for its own.
    eaten = _HEX_PAIR.match(bare) if quote(bare, safe="", errors="surrogatepass") != bare else None
    for start in range(len(eaten[0]) + 1 if eaten else 1):
        yield from _plain(bare[start:], secret)
    for raw in {wire_bytes(one)[-_TAIL:] for one in (text, bare)}:
        for shift, first in ((0, 0), (1, 2), (2, 3)):
            coded = b64encode(bytes(shift) + raw).decode()
            yield _Needle(coded[first : (shift + len(raw)) * 8 // 6], secret, True)
