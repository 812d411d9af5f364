"""A text as it reads once its escapes are undone, step by step, with the way back to the places it came from.

Every step is linear in the text, and there are at most as many as `ways` says.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final
from urllib.parse import unquote

_ROUNDS: Final = 4
"""How often all escapes are undone: a report escapes once more what the wire had escaped."""
_DEPTH: Final = 4
"""How many layers of backslashes are undone in a round: JSON in JSON in JSON."""

# Where nothing must stand in front, the look back comes behind the first sign: so only such signs are looked at.
_BREAK = re.compile(r"[ \t\r\n](?<![ \t].)(?:(?<=[\r\n])|[ \t]*+[\r\n])[ \t\r\n]*+", re.DOTALL)
_BACKSLASH = re.compile(
    r"\\(?:u[0-9A-Fa-f]{4}(?:\\u[dD][c-fC-F][0-9A-Fa-f]{2})?|u\{[0-9A-Fa-f]{1,6}\}|U[0-9A-Fa-f]{8}"
    r"|x[0-9A-Fa-f]{2}|x\{[0-9A-Fa-f]{1,6}\}|[0-3][0-7]{2}|[nrtbfav0\"'\\/`$])"
)
_ENTITY = re.compile(r"&(?:#[0-9]{1,7};?|#[xX][0-9A-Fa-f]{1,6};?|[A-Za-z][A-Za-z0-9]{1,31};?)")
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2})++|%u[0-9A-Fa-f]{4}")
_QUOTED_PRINTABLE = re.compile(r"(?:=[0-9A-Fa-f]{2})++")
_SOFT_BREAK = re.compile(r"=[ \t]{0,8}+(?:\r?\n|\\{1,16}+[rn])")
_HEX = re.compile(r"[0-9A-Fa-f](?<![0-9A-Fa-f]{2})[0-9A-Fa-f](?:[0-9A-Fa-f]{2}){5,}+")
_HEX_LIST = re.compile(
    r"[0-9A-Fa-f](?<![0-9A-Za-z].)(?:(?<=0)x[0-9A-Fa-f]{2}|[0-9A-Fa-f])"
    r"(?:(?:[:\- ]|, ?|,?\\x|,? ?0x)[0-9A-Fa-f]{2}){5,4096}+",
    re.DOTALL,
)
_NUMBERS = re.compile(r"[0-9](?<![0-9]{2})[0-9]{0,2}(?:(?:, ?| )[0-9]{1,3}){5,4096}+")
_PUNYCODE = re.compile(r"[xX][nN]--[A-Za-z0-9\-]{1,59}")
# The pieces of what was broken into lines, where something has made a blank of each break.
_PIECES = re.compile(r"[ \t\r\n](?<=[A-Za-z0-9+/_\-]{16}.)[ \t\r\n]*+(?=[A-Za-z0-9+/_\-=])", re.DOTALL)
_CONTROLS: Final = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "a": "\a", "v": "\v", "0": "\0"}
_DIGITS = re.compile(r"[0-9A-Fa-f]{2}")


def _character(code: int) -> str:
    return chr(code) if code < 0x110000 else "\ufffd"


def _plain(found: re.Match[str]) -> str:
    text = found.group()
    kind, digits = text[1], text[2:].strip("{}")
    if kind == "u" and "{" not in text:
        return bytes.fromhex(text.replace("\\u", "")).decode("utf-16-be", "surrogatepass")
    if kind in "uUx" and digits:
        return _character(int(digits, 16))
    if digits:
        return chr(int(text[1:], 8))
    return _CONTROLS.get(kind, kind)


def _decoded(found: re.Match[str]) -> str:
    text = found.group()
    return chr(int(text[2:], 16)) if text[1] in "uU" else unquote(text, errors="surrogateescape")


def _printed(found: re.Match[str]) -> str:
    return unquote(found.group().replace("=", "%"), errors="surrogateescape")


def _bytes(digits: str) -> str:
    return bytes.fromhex(digits).decode("utf-8", "surrogateescape")


def _numbers(found: re.Match[str]) -> str:
    numbers = [int(number) for number in re.findall("[0-9]+", found.group())]
    if max(numbers) < 256:
        return bytes(numbers).decode("utf-8", "surrogateescape")
    return "".join(map(chr, numbers))


def _label(found: re.Match[str]) -> str:
    try:
        return found.group()[4:].encode().decode("punycode")
    except (UnicodeError, ValueError, OverflowError):
        return found.group()


@dataclass(frozen=True, slots=True)
class Unescaping:
    """One way to unescape."""

    signs: tuple[str, ...]
    """Without any of them there is nothing to do."""
    pattern: re.Pattern[str]
    put: Callable[[re.Match[str]], str]

    def applies(self, text: str) -> bool:
        """Whether it changes anything in `text`."""
        # A loop, because this is asked for every text a dozen times.
        for sign in self.signs:  # noqa: SIM110
            if sign in text:
                return self.pattern.search(text) is not None
        return False


_JOIN: Final = Unescaping(("\n", "\r"), _BREAK, lambda _: "")
_JOIN_PRINTED: Final = Unescaping(("\n", "\r"), re.compile(r"=?+(?<![ \t])[ \t]*+[\r\n][ \t\r\n]*+"), lambda _: "")
"""In quoted-printable, where the break of a line that is too long has an equals sign in front of it."""
_UNQUOTE: Final = Unescaping(("\\",), _BACKSLASH, _plain)
_UNESCAPE: Final = Unescaping(("&",), _ENTITY, lambda found: html.unescape(found.group()))
_DECODE: Final = Unescaping(("%",), _PERCENT, _decoded)
_PRINTED: Final = Unescaping(("=",), _QUOTED_PRINTABLE, _printed)
_LAST: Final = (
    _PRINTED,
    Unescaping(("",), _HEX, lambda found: _bytes(found.group())),
    Unescaping(
        (":", "-", " ", ",", "\\x", "0x"),
        _HEX_LIST,
        lambda found: _bytes("".join(_DIGITS.findall(found.group().replace("0x", "")))),
    ),
    Unescaping((",", " "), _NUMBERS, _numbers),
    Unescaping(("--",), _PUNYCODE, _label),
    Unescaping((" ", "\n", "\t", "\r"), _PIECES, lambda _: ""),
)
"""Each tried by itself on what the other steps have left."""


class View:
    """A text after one step, with the way back to the text before it."""

    def __init__(self, text: str, step: Unescaping) -> None:
        self.text = step.pattern.sub(step.put, text)
        self._before = text
        self._step = step

    @cached_property
    def _pieces(self) -> tuple[list[int], list[tuple[int, int]]]:
        """Where each piece begins, and its place in the text before; only few texts hold anything to look that up."""
        starts: list[int] = []
        spans: list[tuple[int, int]] = []
        size = at = 0
        for found in self._step.pattern.finditer(self._before):
            for length, begin, end in (
                (found.start() - at, at, found.start()),
                (len(self._step.put(found)), found.start(), found.end()),
            ):
                if length:
                    starts.append(size)
                    spans.append((begin, end))
                    size += length
            at = found.end()
        if at < len(self._before):
            starts.append(size)
            spans.append((at, len(self._before)))
        return starts, spans

    def _place(self, at: int) -> tuple[int, int]:
        """Where the character at `at` stood: from, to."""
        starts, spans = self._pieces
        which = bisect_right(starts, at) - 1
        begin, end = spans[which]
        size = (starts[which + 1] if which + 1 < len(starts) else len(self.text)) - starts[which]
        if size == end - begin:
            begin += at - starts[which]
            end = begin + 1
        return begin, end

    def span(self, begin: int, end: int) -> tuple[int, int]:
        """The place of the non-empty piece `begin` to `end` in the text before the step."""
        return self._place(begin)[0], self._place(end - 1)[1]


Views = tuple[View, ...]
"""The steps taken, the first one first."""


def views(text: str) -> Iterator[Views]:
    """Every state of `text` as its escapes are undone; the first is no step at all."""
    yield ()
    yield from _way(text, keeps_backslashes=False)
    if "\\" in text:
        # A backslash may also be a part of the secret itself.
        yield from _way(text, keeps_backslashes=True)
    if _SOFT_BREAK.search(text):
        yield from _way(text, keeps_backslashes=False, join=_JOIN_PRINTED)


def _way(text: str, *, keeps_backslashes: bool, join: Unescaping = _JOIN) -> Iterator[Views]:
    taken: Views = ()
    steps = (_UNESCAPE, _DECODE) if keeps_backslashes else (*(_UNQUOTE,) * _DEPTH, _UNESCAPE, _DECODE)
    for _ in range(_ROUNDS):
        before = taken
        for step in steps:
            for one in (join, step):
                # What only looks like an escape, as a query's `&scope=` does, makes no other text to be searched.
                if one.applies(text) and (view := View(text, one)).text != text:
                    taken = (*taken, view)
                    text = view.text
                    yield taken
        if taken is before:
            break
    for step in _LAST:
        if step.applies(text) and (view := View(text, step)).text != text:
            yield (*taken, view)
