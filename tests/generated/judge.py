"""Judges what regauth shows: every piece of a secret that it does not show of others in the same places is a leak."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from generated.exchanges import Exchange
from generated.outputs import Shown, outputs
from generated.search import Hit, Search, squeezed, views
from generated.story import Planted, told

Outputs = Callable[[Sequence[Exchange], Path], Iterator[Shown]]
"""Everything that is shown of some exchanges, for which a folder can be used."""
OTHER: Final = "other secrets"
"""A seed: what is shown with it as well is nobody's secret."""


@dataclass(frozen=True)
class Leak:
    """A piece of a secret in an output."""

    planted: Planted
    output: str
    form: str
    excerpt: str

    def __str__(self) -> str:
        return f"{self.planted}\n    in {self.output}, as {self.form}: {self.excerpt}"


@dataclass
class Figures:
    """What was done, what was found."""

    exchanges: int = 0
    planted: int = 0
    outputs: int = 0
    searches: int = 0
    """One for each secret and output."""
    characters: int = 0
    making: float = 0.0
    """Seconds in which outputs were made."""
    searching: float = 0.0
    by_output: dict[str, float] = field(default_factory=dict)
    """Seconds in which each was made."""
    leaks: list[Leak] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    """Outputs that there were none of, with why."""

    def add(self, other: Figures) -> None:
        """Count those of `other` too."""
        for name in ("exchanges", "planted", "outputs", "searches", "characters", "making", "searching"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for output, seconds in other.by_output.items():
            self.by_output[output] = self.by_output.get(output, 0.0) + seconds
        self.leaks += other.leaks
        self.missing += other.missing


def judged(many: Sequence[Planted], seed: str, show: Outputs = outputs) -> Figures:
    """Show the exchanges of `many` together and search everything."""
    exchanges = told(many, seed)
    figures = Figures(exchanges=len(exchanges), planted=len(many))
    search = Search([needle for one in many for needle in one.needles(seed)])
    found: list[tuple[str, Hit]] = []
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        for one in show(exchanges, Path(folder)):
            made = time.perf_counter()
            figures.making += made - began
            figures.by_output[one.name] = figures.by_output.get(one.name, 0.0) + made - began
            if one.text is None:
                figures.missing.append(f"#{many[0].number} to #{many[-1].number}: {one.name}: {one.complaint}")
            else:
                figures.outputs += 1
                figures.searches += len(many)
                figures.characters += len(one.text)
                found += [(one.name, hit) for hit in search.hits(one.text)]
            began = time.perf_counter()
            figures.searching += began - made
    figures.leaks = _leaks(found, many, show)
    return figures


def _leaks(found: Iterable[tuple[str, Hit]], many: Sequence[Planted], show: Outputs) -> list[Leak]:
    """Those of `found` that are not shown of the same exchanges with other secrets."""
    found = list(found)
    if not found:
        return []
    innocent: list[str] = []
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(UnicodeEncodeError):
        # A secret of another seed may not fit a spelling that this one was chosen for: then all are kept.
        for one in show(told(many, OTHER), Path(folder)):
            innocent += map(squeezed, views(one.text or ""))
    whole = "\0".join(innocent)
    by_number = {one.number: one for one in many}
    kept: dict[tuple[int, str], Leak] = {}
    for output, hit in found:
        if any(hit.piece[at : at + hit.window] not in whole for at in range(len(hit.piece) - hit.window + 1)):
            # One form of each is enough to tell where it is.
            kept.setdefault((hit.owner, output), Leak(by_number[hit.owner], output, hit.form, hit.excerpt))
    return list(kept.values())
