"""The last look at what is about to be written: no secret that was ever seen may be in it.

First at the values, before a report cuts, folds or marks them up and so breaks a secret into pieces that nobody would
recognise; then at the finished text, in which the marks of its format and the report's own words stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any, Final, TypeVar

from regauth_core.model import Change
from regauth_core.model.finding import Advice, Finding, Reference, Undecided, Verification
from regauth_core.model.journal import Journal
from regauth_core.redaction.redactor import Redactor
from regauth_core.report import jsontext
from regauth_core.report.formats import format_of
from regauth_core.report.own_words import is_wording

_OWN: Final = (Change, Finding, Undecided, Advice, Verification)
"""What stands in sentences of regauth."""
_OWN_FIELDS: Final = frozenset({"notes"})
_NAMES: Final = frozenset({"client", "registry", "repository"})
"""Fields of theirs that are names from the wire."""
_FIXED_FIELDS: Final = frozenset({"schema"})
_BETWEEN: Final = "\0"
_BACKSLASH, _QUOTE, _KEY = "\1", "\2", "\3"
_MARKS = re.compile("[\0-\3]")
"""Signs that JSON does not hold as they are, put for what it escapes and where a key ends."""
_ESCAPES = re.compile(r"[\1\2\\&%=]|--")
_ENDS: Final = ("}", "}\n")
_SHORTEST_QUOTED: Final = 6
_TOGETHER: Final = 64
"""Exchanges that are searched together."""
_MOST_CLEAN: Final = 8_192
_MOST_SWEPT: Final = 100_000
_T = TypeVar("_T")


class Search:
    """Looks through JSON texts for the secrets that are known at the time; what was clean is looked at once."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._known = redactor.secrets_met
        self._clean: set[str] = set()

    def finds(self, text: str) -> bool:
        """Whether a string of `text`, which is compact JSON or lines of it, holds a secret; its keys do not count.

        Of anything else all is looked at.
        """
        if (met := self._redactor.secrets_met) != self._known or len(self._clean) > _MOST_CLEAN:
            self._known, self._clean = met, set()
        if not text.startswith('{"') or not text.endswith(_ENDS) or _MARKS.search(text):
            return self._redactor.holds_secret(text)
        fresh = _strings(text) - self._clean
        values = [value for value in fresh if not value.endswith(_KEY)]
        if any("\n" in value for value in values):
            return self._redactor.holds_secret(text)  # a line that breaks off in a string
        # Together, because short texts take longer; apart, because what has no escapes is looked at in fewer ways.
        plain = _BETWEEN.join([value for value in values if _ESCAPES.search(value) is None])
        other = _BETWEEN.join([_unmarked(value) for value in values if _ESCAPES.search(value) is not None])
        if (plain and self._redactor.holds_secret(plain)) or (other and self._redactor.holds_secret(other)):
            return True
        self._clean |= fresh
        return False


def _strings(text: str) -> set[str]:
    """The strings in JSON text as they stand there; backslashes and quotes are marks, and keys end with one."""
    marked = text
    if "\\" in text:
        marked = text.replace("\\\\", _BACKSLASH).replace('\\"', _QUOTE)
    return set(marked.replace('":', f'{_KEY}"').split('"')[1::2])


def _unmarked(text: str) -> str:
    return text.replace(_QUOTE, '\\"').replace(_BACKSLASH, "\\\\")


def swept_value(value: _T, redactor: Redactor, *, fits: bool = False) -> _T:
    """`value`, mostly an object of `model`, without any secret in its texts; `fits` is as for `Redactor.sweep`."""
    return _swept(value, _Sweeper(redactor, fits=fits))


def swept_text(text: str, redactor: Redactor) -> tuple[str, int]:
    """A sentence of regauth without any secret in what it quotes, and how many places were replaced."""
    return redactor.sweep(text, is_own=is_wording)


def swept_journal(journal: Journal, redactor: Redactor) -> Journal:
    """`journal` without any secret that `redactor` remembers; it says how many places had to be replaced."""
    search = Search(redactor)
    # Some exchanges at a time: the text of all would be large, and what many of them show need be looked at once.
    every = journal.exchanges
    parts = (*(every[at : at + _TOGETHER] for at in range(0, len(every), _TOGETHER)), (replace(journal, exchanges=()),))
    if not any(search.finds("".join([jsontext.encode(one, indent=-1) for one in part])) for part in parts):
        return journal
    sweeper = _Sweeper(redactor)
    # Findings quote what exchanges show: it is known by then what of that had to go.
    exchanges = _swept(journal.exchanges, sweeper)
    return with_late(_swept(replace(journal, exchanges=exchanges), sweeper), sweeper.count)


def with_late(journal: Journal, count: int) -> Journal:
    """`journal` with `count` more replacements by the final sweep."""
    figures = journal.redaction
    return replace(journal, redaction=replace(figures, late=figures.late + count)) if figures and count else journal


def swept_report(render: Callable[[Journal], str], journal: Journal, name: str, redactor: Redactor) -> str:
    """What `render` makes of a journal, swept; `name` ends in its format."""
    before = render(journal)
    after, late = _swept_format(before, name, redactor)
    if late:
        # The report says how many secrets only the last look found.
        after, _ = _swept_format(render(with_late(journal, late)), name, redactor)
    return after


def _swept_format(text: str, name: str, redactor: Redactor) -> tuple[str, int]:
    return redactor.sweep(text, lambda: format_of(name).fixed(text), is_wording)


class _Sweeper:
    """Sweeps single texts, and remembers what became of those that were changed."""

    def __init__(self, redactor: Redactor, *, fits: bool = False) -> None:
        self._redactor = redactor
        self._fits = fits
        self._known: dict[str, str] = {}
        self._changed: dict[str, str] = {}
        self.count = 0

    def wire(self, text: str) -> str:
        """A text from the wire."""
        if (known := self._known.get(text)) is not None:
            return known
        swept, found = self._redactor.sweep(text, fits=self._fits)
        self.count += found
        if found:
            self._changed[text] = swept
        if len(self._known) > _MOST_SWEPT:
            self._known.clear()
        self._known[text] = swept
        return swept

    def own(self, text: str) -> str:
        """A sentence of regauth, which may quote texts from the wire."""
        for before, after in self._changed.items():
            if len(before) >= _SHORTEST_QUOTED and before in text and not is_wording(before, 0, len(before)):
                text = text.replace(before, after)
        swept, found = self._redactor.sweep(text, is_own=is_wording, fits=self._fits)
        self.count += found
        return swept


def _swept(value: _T, sweeper: _Sweeper, *, is_own: bool = False) -> _T:
    """`value` with every text in it swept; what does not change is the same object."""
    held: Any = value
    swept: Any = held
    if isinstance(held, Enum | Reference):
        pass  # of ours from beginning to end
    elif isinstance(held, str):
        found = sweeper.own(held) if is_own else sweeper.wire(held)
        swept = held if found == held else found
    elif isinstance(held, tuple):
        items = tuple([_swept(item, sweeper, is_own=is_own) for item in held])
        swept = held if _are_same(items, held) else items
    elif isinstance(held, dict):
        swept = {_swept(key, sweeper): _swept(one, sweeper) for key, one in held.items()}
    elif is_dataclass(held) and not isinstance(held, type):
        swept = _swept_fields(held, sweeper)
    return swept  # type: ignore[no-any-return]


def _swept_fields(held: Any, sweeper: _Sweeper) -> Any:
    ours = isinstance(held, _OWN)
    changed = {
        field.name: fresh
        for field in fields(held)
        if field.name not in _FIXED_FIELDS
        and (
            fresh := _swept(
                before := getattr(held, field.name),
                sweeper,
                is_own=(ours and field.name not in _NAMES) or field.name in _OWN_FIELDS,
            )
        )
        is not before
    }
    return replace(held, **changed) if changed else held


def _are_same(one: Iterable[object], other: Iterable[object]) -> bool:
    return all(first is second for first, second in zip(one, other, strict=True))
