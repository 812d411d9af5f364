"""The last look at a finished text: finds every remembered secret, however it is written.

As it is and in other cases, in other character sets, percent-encoded, escaped for JSON, HTML or a programming language,
inside base64 of either alphabet at any alignment, in hexadecimal, and broken over lines. The text is unescaped step
by step and looked at in each state (`unescaping`); what cannot be undone is looked for in its own spelling
(`spellings`). An index of short pieces of the secrets makes the time linear in the text and nearly independent of their
number: of each spelling as many neighbouring pieces are indexed as the scan takes characters in one stride.

How it works. The allow-list is the first net: what is not known to be harmless was replaced when it was recorded. The
sweep is the second, for what the first cannot know: the same secret in a place where such text is shown, perhaps
repeated by the other side in a spelling of its own. It knows the secrets (`Fingerprints`), not their places.

*The index.* A secret has up to a few dozen needles: its spellings that no unescaping gives back, such as base64 at each
of three alignments. Looking for thousands of needles in a report, one after the other, would take minutes. So the scan
looks at every fourth position of the text only, takes the eight characters there, and asks a dictionary. That finds
every needle if of each needle four neighbouring pieces of eight are in the dictionary: whatever the alignment, one of
the four falls on a position that is looked at. That needs eleven characters; shorter needles have a second index with
pieces of four and a stride of three, which needs six, and this is where "a bare secret under six characters is not
searched for" comes from. A hit in the dictionary is then compared in full.

Which four pieces, is free; the last ones are preferred, because tokens of one issuer begin alike. Where a piece is
already shared by many needles another place is taken. If there is none left, the piece alone counts as a secret
("crowded", `None`), and too much is hidden. That is for secrets that a client sent: those of answers are left out
where it is crowded, because an answer must not be able to hide the report by secrets made of ordinary words.

*Views.* A text may hold escapes of escapes. `views` gives the text with one kind undone, then another, and for each how
its places map to the one before, so that a hit in the innermost text is replaced in the outermost. A hit never cuts an
escape in two (`_whole`), because half an escape would be no valid JSON or HTML any more.

*Chunks.* Unescaping is done for 256 KiB at a time, each with 24 KiB of the one before, so that memory is bounded. A hit
that lies across two chunks is found in the second.

*What is spared.* The marks of the format itself (`fixed`), the report's own words (`is_own`), and names that the client
itself asked for and never sent as a secret (`is_spared`). So a user whose password is `error` still gets a report with
the word *error* in its own sentences.

Not certain, and decided as said here:

- A run of base64 is hidden as a whole, up to 24 KiB to each side: where in it the secret ends cannot be said.
- Case is ignored throughout, except in base64. A secret that differs from an ordinary word only in case hides the word.
- A spelling that is neither undone nor listed is not found: a cipher, a compression, every second letter. The first
  net is for that; `tests/generated/spellings.py` lists what is required and what is known to be beyond.
- Overlapping hits are one, named after the secret that begins first; the other's fingerprint is then not shown.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Final, Literal

from regauth_core.redaction.fingerprints import Fingerprints
from regauth_core.redaction.spellings import SHORTEST, Needle, folded, needles, one_alphabet
from regauth_core.redaction.unescaping import Views, views

_CROWDED: Final = 16
"""Secrets that share a piece; beyond, the piece alone is taken for a secret."""
_LONGEST_NAME: Final = 256
_REACH: Final = 24 * 1024
"""Characters of base64 around a piece of a secret that belong to it."""
_CHUNK: Final = 256 * 1024
"""Characters of a long text that are unescaped at once."""

_SHORT_HEX = re.compile(r"[0-9a-fA-F]{1,15}")
_RUN = re.compile(r"[A-Za-z0-9+/=]*+")

_ESCAPE = re.compile(r"\\(?:u[0-9A-Fa-f]{4}|[^u]|u)|&[#A-Za-z0-9]{1,10};")
_LONGEST_ESCAPE: Final = 12

Span = tuple[int, int]
Fixed = Callable[[], Sequence[Span]]
IsOwn = Callable[[str, int, int], bool]
Hit = tuple[int, int, str]
"""From, to and the secret; that is empty where it could be any of many."""


def _ends(needle: Needle, text: str, lower: str, begin: int) -> int | None:
    """Where `needle` ends in a text, if it stands there at `begin`."""
    if begin < 0 or not (text if needle.is_base64 else lower).startswith(needle.text, begin):
        return None
    end = begin + len(needle.text)
    if not needle.is_base64 and _SHORT_HEX.fullmatch(needle.text):
        before = begin > 0 and _SHORT_HEX.match(text, begin - 1)
        if before or _SHORT_HEX.match(text, end):
            return None
    return end


def _bytes(text: str) -> bytes:
    """`text` with one byte for each character."""
    return text.encode("latin-1", "replace")


def _run(text: str, begin: int, end: int) -> Span:
    """The whole run of base64 around a piece of it."""
    behind = _RUN.match(text, end, end + _REACH)
    before = _RUN.match(text[max(0, begin - _REACH) : begin][::-1])
    return begin - (before.end() if before else 0), behind.end() if behind else end


Placed = tuple[int, Needle]
"""A needle, and where in it the first of its pieces stands."""


class _Index:
    """Needles by `stride` neighbouring pieces of `size` characters each, in lower case.

    A piece is held as the number that its characters make, one byte each (what has no byte in Latin-1 is ``?``). So
    whole texts can be compared with the dictionary as arrays of numbers, which takes a tenth of the time of cutting
    them into strings.
    """

    def __init__(self, size: int, stride: int, steps: int) -> None:
        """`size` is 8 or 4; `steps` such that of every `steps` numbers beside each other one stands at each stride."""
        self.least = size + stride - 1
        self._size = size
        self._stride = stride
        self._steps = steps
        self._format: Literal["I", "Q"] = "I" if size == 4 else "Q"
        self._pieces: dict[int, tuple[Placed, ...] | None] = {}
        """`None` where there are too many."""

    def add(self, needle: Needle, *, must: bool) -> None:
        """Index a needle of at least `least` characters, even where there is hardly room for it if it `must`."""
        places = self._places(needle)
        first = next((place for place in places if self._has_room(needle, place)), places[0])
        placed = ((first, needle),)
        for piece in dict.fromkeys(self._pieces_at(needle, first)):
            held = self._pieces.get(piece, ())
            if held is not None and len(held) < _CROWDED:
                self._pieces[piece] = (*held, *placed) if held else placed
            elif must:
                self._pieces[piece] = None

    def remove(self, needle: Needle) -> None:
        """Take a needle out; what was crowded stays so."""
        for first in self._places(needle):
            for piece in self._pieces_at(needle, first):
                if held := self._pieces.get(piece):
                    left = tuple([one for one in held if one[1] != needle])
                    if left:
                        self._pieces[piece] = left
                    else:
                        del self._pieces[piece]

    def _places(self, needle: Needle) -> tuple[int, ...]:
        """Where in a needle the pieces may stand that are indexed, the best place first."""
        last = len(needle.text) - self.least
        places = (last, len(needle.text) // 3, 0, len(needle.text) // 2, len(needle.text) // 5)
        return tuple(dict.fromkeys(place for place in places if 0 <= place <= last))

    def _pieces_at(self, needle: Needle, first: int) -> Sequence[int]:
        taken = _bytes(folded(needle.text[first : first + self.least]))
        return [int.from_bytes(taken[at : at + self._size], sys.byteorder) for at in range(self._stride)]

    def _has_room(self, needle: Needle, first: int) -> bool:
        held = (self._pieces.get(piece, ()) for piece in self._pieces_at(needle, first))
        return all(one is not None and len(one) < 8 for one in held)

    def hits(self, text: str, lower: str) -> Iterator[Hit]:
        """All that is found in `text`, which `lower` is in lower case."""
        covered = 0
        for at, held in self._found(_bytes(lower)):
            if held is None:
                if at + self._size > covered:
                    begin, covered = _run(text, at, at + self._size)
                    yield begin, covered, ""
                continue
            for first, needle in held:
                for begin in range(at - first, at - first - self._stride, -1):
                    if (end := _ends(needle, text, lower, begin)) is None:
                        continue
                    if not needle.is_base64:
                        yield begin, end, needle.secret
                    elif end > covered:
                        begin, covered = _run(text, begin, end)
                        yield begin, covered, needle.secret

    def _found(self, text: bytes) -> list[tuple[int, tuple[Placed, ...] | None]]:
        """The pieces in a text at every stride, with their places, in order."""
        pieces, found = self._pieces, []
        if not pieces:
            return []
        view = memoryview(text)
        for first in range(0, self._size * self._steps, self._stride):
            whole = max(0, len(text) - first) // self._size * self._size
            numbers = view[first : first + whole].cast(self._format)[:: self._steps]
            if not pieces.keys().isdisjoint(numbers):
                width = self._size * self._steps
                found += [
                    (first + place * width, pieces[number]) for place, number in enumerate(numbers) if number in pieces
                ]
        return sorted(found, key=itemgetter(0))


class Sweep:
    """Looks for the secrets that `known` remembers."""

    def __init__(
        self, known: Fingerprints, is_spared: Callable[[str], bool], shown_before: Callable[[str], Iterable[str]]
    ) -> None:
        """`shown_before` gives the texts that stand for a secret in what was shown before it was known."""
        self._known = known
        self._is_spared = is_spared
        self._shown_before = shown_before
        self._long = _Index(8, 2, 1)
        self._short = _Index(4, 3, 3)
        self._indexed: set[str] = set()

    def swept(
        self, text: str, fixed: Fixed | None = None, is_own: IsOwn | None = None, *, fits: bool = False
    ) -> tuple[str, int]:
        """`text` with every secret replaced by its fingerprint in brackets, and how many places that were.

        Brackets, because the text is finished: they need no escaping in JSON, HTML, XML or a URL. `fixed` gives places,
        in their order, that stay as they are whatever stands there: the marks of the format. `is_own` says of a place
        in the text (from, to) whether the word around it is the report's own. With `fits` no replacement is longer than
        what it replaces.
        """
        if len(text) < SHORTEST:
            return text, 0  # nor is any of its views longer
        self._update()
        if not self._indexed:
            return text, 0
        hits = list(_merged(sorted(self._spans(text))))
        if not hits:
            return text, 0
        shown: list[str] = []
        at = count = 0
        for begin, end, secret in _free(hits, fixed() if fixed is not None else ()):
            if is_own is not None and is_own(text, begin, end):
                continue
            put = f"[{self._known.of(secret, 'tok') or 'tok:withheld'}]"
            if fits and len(put) > end - begin:
                put = "[tok]" if end - begin >= len("[tok]") else "*" * (end - begin)
            shown += (text[at:begin], put)
            count += 1
            at = end
        shown.append(text[at:])
        return "".join(shown), count

    def finds(self, text: str) -> bool:
        """Whether `swept` would replace anything in `text`."""
        self._update()
        return bool(self._indexed) and any(self._spans(text))

    def _spans(self, text: str) -> Iterator[Hit]:
        for start in range(0, max(1, len(text)), _CHUNK):
            # What lies across two chunks is found in the second one.
            first = max(0, start - _REACH)
            for taken in views(piece := text[first : start + _CHUNK]):
                for begin, end, secret in self._hits(taken[-1].text if taken else piece, taken):
                    yield *_whole(text, first + begin, first + end), secret

    def _hits(self, text: str, taken: Views) -> Iterator[Hit]:
        plain = one_alphabet(text)
        lower = folded(plain)
        for index in (self._long, self._short):
            for begin, end, secret in index.hits(plain, lower):
                first, last = begin, end
                for view in reversed(taken):
                    first, last = view.span(first, last)
                # In a spelling of its own even an ordinary word is an echo.
                is_plain = last - first == end - begin
                if not (is_plain and self._is_name(text, begin, end, secret)):
                    yield first, last, secret

    def _is_name(self, text: str, begin: int, end: int, secret: str) -> bool:
        is_short = end - begin == len(secret) <= _LONGEST_NAME
        return is_short and folded(text[begin:end]) == folded(secret) and self._is_spared(secret)

    def _update(self) -> None:
        if not self._known.fresh and not self._known.gone:
            return
        for secret in self._known.gone:
            if secret in self._indexed and secret not in self._known:
                self._indexed.remove(secret)
                for index, needle in self._needles(secret):
                    index.remove(needle)
        for secret in self._known.fresh:
            if secret not in self._indexed and secret in self._known:
                self._indexed.add(secret)
                # No answer can make its pieces of ordinary words so many that these are taken for secrets.
                must = self._known.was_sent(secret)
                for index, needle in self._needles(secret):
                    index.add(needle, must=must)
        self._known.fresh, self._known.gone = [], []

    def _needles(self, secret: str) -> Iterator[tuple[_Index, Needle]]:
        before = (Needle(folded(one_alphabet(text)), secret) for text in self._shown_before(secret))
        for needle in (*needles(secret), *before):
            if len(needle.text) >= self._long.least:
                yield self._long, needle
            elif len(needle.text) >= SHORTEST:
                yield self._short, needle


def _whole(text: str, begin: int, end: int) -> Span:
    """The place with the whole of the escapes that it begins or ends in, so that none is cut in two."""
    for escape in _ESCAPE.finditer(text, max(0, begin - _LONGEST_ESCAPE), min(len(text), begin + _LONGEST_ESCAPE)):
        if escape.start() < begin < escape.end():
            begin = escape.start()
    for escape in _ESCAPE.finditer(text, max(begin, end - _LONGEST_ESCAPE), min(len(text), end + _LONGEST_ESCAPE)):
        if escape.start() < end < escape.end():
            end = escape.end()
    return begin, end


def _merged(hits: Iterable[Hit]) -> Iterator[Hit]:
    """Places that overlap are one, called after the secret that begins first."""
    begin, end, secret = -1, -1, ""
    for one in hits:
        if one[0] >= end:
            if end > begin:
                yield begin, end, secret
            begin, end, secret = one
        end = max(end, one[1])
    if end > begin:
        yield begin, end, secret


def _free(hits: Iterable[Hit], fixed: Sequence[Span]) -> Iterator[Hit]:
    """What of the places is in none of the fixed ones."""
    which = 0
    for begin, end, secret in hits:
        while which < len(fixed) and fixed[which][1] <= begin:
            which += 1
        at = begin
        for mark in range(which, len(fixed)):
            if fixed[mark][0] >= end:
                break
            if fixed[mark][0] > at:
                yield at, fixed[mark][0], secret
            at = max(at, fixed[mark][1])
        if at < end:
            yield at, end, secret
