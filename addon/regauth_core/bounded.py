"""What has a bound: a dictionary that forgets its oldest entry when it is full, text that is cut between words."""

from __future__ import annotations

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Bounded(dict[K, V], Generic[K, V]):
    """At most `most` entries; setting a key makes it the newest."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def __setitem__(self, key: K, value: V) -> None:
        if key in self:
            super().pop(key)
        elif len(self) >= self._most:
            super().pop(next(iter(self)))
        super().__setitem__(key, value)


def shortened(text: str, most: int) -> str:
    """At most `most` characters; where something is cut off, the last word goes too, and an ellipsis says so."""
    if len(text) <= most:
        return text
    head, blank, _ = text[: most - 2].rpartition(" ")
    return head + " …" if blank else "…"


def whole_words(text: str, most: int, ends: str = " \t\r\n") -> str:
    """At most `most` characters of `text`; where something is cut off, so is the word that the cut would halve.

    Half a secret is in no list of secrets. `ends` are the signs that may stand between two words.
    """
    if len(text) <= most:
        return text
    return text[: max(text.rfind(end, 0, most) for end in ends) + 1] if most > 0 else ""
