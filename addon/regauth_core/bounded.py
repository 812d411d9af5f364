"""A dictionary that forgets its oldest entry when it is full."""

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
