"""Reads `WWW-Authenticate` as it really arrives: a tolerant value plus every defect and where it begins.

RFC 9110 section 11.6.1 (the header), 11.2 and 11.3 (parameters, schemes, token68), 5.6.1.2 (empty list elements),
5.6.4 (quoted-string). One field line may hold several challenges, so a comma ends either a parameter or a challenge;
which of the two is known only from what follows the next word.

Nothing here raises on wire input. Time is linear in the text: every expression below is possessive, the position only
moves forward, and what is read is bounded by the limits below.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from regauth_core.model import Flaw, FlawKind
from regauth_core.protocol.authorization import SCHEMES

MAX_LINE: Final = 16 * 1024
"""Characters of one line that are read."""
MAX_LINES: Final = 64
MAX_TEXT: Final = 64 * 1024
"""Characters of all lines together: of a line with which it is more, and of those behind it, nothing is read."""
MAX_CHALLENGES: Final = 64
"""Over all lines together."""
MAX_PARAMETERS: Final = 64
"""Of one challenge."""
MAX_FLAWS: Final = 64
"""Of one challenge, and of all text that belongs to none."""

_TCHAR = r"!#$%&'*+\-.^_`|~0-9A-Za-z"
_BLANKS = re.compile(r"[ \t\r\n]*+")
_TOKEN = re.compile(rf"[{_TCHAR}]++")
_TOKEN68 = re.compile(r"([0-9A-Za-z\-._~+/]++=*+)[ \t\r\n]*+(?=,|\Z)")
_QUOTED = re.compile(r'"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_UNQUOTED = re.compile(r'[^ \t\r\n,"]++')
_URL = re.compile(r"(?:[A-Za-z][0-9A-Za-z+.\-]*+:)?+/")
_PARAMETER_AHEAD = re.compile(rf"\"?+[ \t\r\n]++[{_TCHAR}]++[ \t\r\n]*+=")
_JUNK = re.compile(rf"[^ \t\r\n,{_TCHAR}]++")

# By the grammar a lone word is a scheme or a token68; nobody means these so.
_NAMES = frozenset({"realm", "service", "scope", "error", "error_description", "error_uri", "charset"})
# RFC 7617 and RFC 6750 define parameters only, so `Basic realm=` is an empty realm and no padded token68.
_WITHOUT_TOKEN68 = frozenset({"basic", "bearer"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RawChallenge:
    """One challenge as it stood on the wire. It may hold secrets: it is never recorded, shown or logged."""

    scheme: str = field(repr=False)
    """As it was spelled."""
    parameters: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Names in lower case, values unquoted, order and duplicates kept."""
    token68: str | None = field(default=None, repr=False)
    line: int = 0
    """Which of the lines it stands in, counted from 0."""
    flaws: tuple[Flaw, ...] = ()

    def parameter(self, name: str) -> str | None:
        """The first value of the parameter called `name` (lower case)."""
        return next((value for key, value in self.parameters if key == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLines:
    """All that a message's `WWW-Authenticate` lines say."""

    challenges: tuple[RawChallenge, ...] = ()
    flaws: tuple[Flaw, ...] = ()
    """Of lines that hold no challenge, and of lines beyond the limits."""
    unreadable: tuple[int, ...] = ()
    """Lines (from 0) that are not blank and hold no challenge."""


def read(lines: Sequence[str]) -> ReadLines:
    """Every challenge of the `WWW-Authenticate` field lines `lines`, in order, with its flaws.

    Values may hold any character; offsets of flaws count characters from the start of their line. Never raises.
    """
    challenges: list[RawChallenge] = []
    flaws: list[Flaw] = []
    unreadable: list[int] = []
    size = 0
    for number, text in enumerate(lines):
        size += min(len(text), MAX_LINE)
        if number == MAX_LINES or len(challenges) == MAX_CHALLENGES or size > MAX_TEXT:
            flaws.append(Flaw(FlawKind.TOO_LONG, 0))
            break
        line = _Line(text, room=MAX_CHALLENGES - len(challenges))
        line.read()
        challenges += [draft.finished(number) for draft in line.drafts]
        if not line.drafts:
            flaws += line.flaws
            unreadable += [number] if text.strip() else []
    return ReadLines(challenges=tuple(challenges), flaws=tuple(flaws[:MAX_FLAWS]), unreadable=tuple(unreadable))


@dataclass(slots=True)
class _Draft:
    """A challenge that is being read."""

    scheme: str
    flaws: list[Flaw]
    parameters: list[tuple[str, str]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    token68: str | None = None
    full: bool = False

    def finished(self, line: int) -> RawChallenge:
        flaws = tuple(sorted(self.flaws[:MAX_FLAWS], key=lambda flaw: flaw.offset))
        return RawChallenge(
            scheme=self.scheme, parameters=tuple(self.parameters), token68=self.token68, line=line, flaws=flaws
        )


class _After(Enum):
    """What was read last, which decides what the next word may be."""

    COMMA = auto()
    """Or nothing yet."""
    SCHEME = auto()
    VALUE = auto()
    STRAY = auto()


class _Line:
    """One field line, read from left to right."""

    def __init__(self, text: str, room: int) -> None:
        self.drafts: list[_Draft] = []
        self.flaws: list[Flaw] = []
        self._cut = len(text) > MAX_LINE
        self._text = text[:MAX_LINE]
        self._room = room
        self._at = 0
        self._after = _After.COMMA
        self._comma: int | None = None
        self._bare_comma: int | None = None

    def read(self) -> None:
        """Fill `drafts`, and `flaws` with what stands before the first challenge."""
        self._skip_blanks()
        while self._at < len(self._text):
            if self._text[self._at] == ",":
                self._separator()
            elif word := _TOKEN.match(self._text, self._at):
                self._word(word.group(), word.end())
            else:
                self._stray(_JUNK.match(self._text, self._at))
            self._skip_blanks()
        if self._after is _After.COMMA and self._comma is not None:
            self._flaw(FlawKind.EMPTY_ELEMENT, self._comma)
        if self._cut:
            self._flaw(FlawKind.TOO_LONG, MAX_LINE)

    def _skip_blanks(self) -> None:
        self._at = self._past_blanks(self._at)

    def _past_blanks(self, at: int) -> int:
        blanks = _BLANKS.match(self._text, at)
        return blanks.end() if blanks else at

    def _flaw(self, kind: FlawKind, offset: int) -> None:
        flaws = self.drafts[-1].flaws if self.drafts else self.flaws
        # The last place is kept for the flaw that says that reading stopped.
        if len(flaws) < (MAX_FLAWS if kind is FlawKind.TOO_LONG else MAX_FLAWS - 1):
            flaws.append(Flaw(kind, offset))

    def _separator(self) -> None:
        """A comma: between two elements, or in front of an empty one."""
        if self._after is _After.COMMA:
            self._flaw(FlawKind.EMPTY_ELEMENT, self._at)
        else:
            self._comma = self._at
        if self._after is _After.SCHEME:
            # `Basic, realm="x"`: whether this comma is one too many shows only when a parameter follows.
            self._bare_comma = self._at
        self._after = _After.COMMA
        self._at += 1

    def _stray(self, junk: re.Match[str] | None) -> None:
        """Text that is no element; a run of it is one flaw."""
        if self._after is not _After.STRAY:
            self._flaw(FlawKind.STRAY_TEXT, self._at)
        self._after = _After.STRAY
        self._at = junk.end() if junk else self._at + 1

    def _word(self, word: str, end: int) -> None:
        """A token: a parameter's name if `=` follows, else a scheme, else stray text."""
        start = self._at
        after = self._past_blanks(end)
        if self._text.startswith("=", after):
            self._parameter(word.lower(), start, after + 1)
        elif word.lower() in _NAMES and self._after in (_After.COMMA, _After.SCHEME):
            self._at = end
            self._add(word.lower(), "", start)
            self._flaw(FlawKind.PARAMETER_WITHOUT_VALUE, start)
        elif self._after is _After.COMMA or self._is_scheme(word.lower(), end):
            self._scheme(word, start, end)
        else:
            if self._after is not _After.STRAY:
                self._flaw(FlawKind.STRAY_TEXT, start)
            self._after = _After.STRAY
            self._at = end

    def _is_scheme(self, word: str, end: int) -> bool:
        """Whether `word`, which no comma announces, opens a challenge all the same."""
        # Otherwise `realm=My Registry` would offer a scheme called "Registry".
        if word not in SCHEMES:
            return False
        # Rubbish may hold such words too (`realm=""https://auth.test/token""`).
        return self._after is not _After.STRAY or _PARAMETER_AHEAD.match(self._text, end) is not None

    def _scheme(self, word: str, start: int, end: int) -> None:
        """A new challenge, with its token68 if it has one."""
        if len(self.drafts) == self._room:
            self._flaw(FlawKind.TOO_LONG, start)
            self._at = len(self._text)
            self._after, self._cut = _After.VALUE, False
            return
        announced = self._after in (_After.COMMA, _After.STRAY)
        self.drafts.append(_Draft(word, self.flaws if not self.drafts else []))
        if not announced:
            self._flaw(FlawKind.MISSING_COMMA, start)
        self._after = _After.SCHEME
        self._bare_comma = None
        self._at = end
        behind = self._past_blanks(end)
        blob = _TOKEN68.match(self._text, behind) if behind > end else None
        if blob and self._is_token68(word.lower(), blob.group(1)):
            self.drafts[-1].token68 = blob.group(1)
            self._after = _After.VALUE
            self._at = blob.end()

    @staticmethod
    def _is_token68(scheme: str, blob: str) -> bool:
        if blob.lower() in _NAMES:
            return False
        empty_value = blob.endswith("=") and not blob.endswith("==")
        return not (empty_value and scheme in _WITHOUT_TOKEN68)

    def _parameter(self, name: str, start: int, behind: int) -> None:
        """`name` at `start`, its `=` just before `behind`."""
        if self._after is _After.VALUE:
            self._flaw(FlawKind.MISSING_COMMA, start)
        self._at = behind
        self._skip_blanks()
        self._add(name, self._value(start), start)

    def _value(self, start: int) -> str:
        """The value at the position, unquoted; empty with a flaw at `start` where there is none."""
        at = self._at
        if quoted := _QUOTED.match(self._text, at):
            self._at = quoted.end()
            return _ESCAPE.sub(r"\1", quoted.group(1))
        if self._text.startswith('"', at):
            self._at = len(self._text)
            # Where the limit cut the line, the closing quote may well be behind it.
            if not self._cut:
                self._flaw(FlawKind.UNTERMINATED_QUOTE, at)
            return _ESCAPE.sub(r"\1", self._text[at + 1 :])
        bare = _UNQUOTED.match(self._text, at)
        if bare is None:
            self._flaw(FlawKind.PARAMETER_WITHOUT_VALUE, start)
            return ""
        self._at = bare.end()
        token = _TOKEN.match(self._text, at)
        clean = token.end() if token else at
        if clean < bare.end():
            is_url = _URL.match(bare.group()) is not None
            self._flaw(FlawKind.UNQUOTED_URL if is_url else FlawKind.STRAY_TEXT, at if is_url else clean)
        return bare.group()

    def _add(self, name: str, value: str, start: int) -> None:
        """The parameter goes to the challenge that is open, if there is one."""
        self._after = _After.VALUE
        if self._bare_comma is not None:
            self._flaw(FlawKind.EMPTY_ELEMENT, self._bare_comma)
            self._bare_comma = None
        if not self.drafts:
            self._flaw(FlawKind.PARAMETER_WITHOUT_SCHEME, start)
            return
        draft = self.drafts[-1]
        if draft.token68 is not None:
            self._flaw(FlawKind.PARAMETER_WITHOUT_SCHEME, start)
        if len(draft.parameters) == MAX_PARAMETERS:
            if not draft.full:
                self._flaw(FlawKind.TOO_LONG, start)
            draft.full = True
            return
        if name in draft.names:
            self._flaw(FlawKind.DUPLICATE_PARAMETER, start)
        draft.names.add(name)
        draft.parameters.append((name, value))
