"""Prints how long each report of a journal of a thousand exchanges takes.

PYTHONPATH=addon:tests python tests/bench/reports.py
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable

from rich.console import Console

from kit import journals
from regauth_core.report import ENDINGS, render
from regauth_core.report.terminal import summary

EXCHANGES = 1000


def main() -> None:
    """Render every format once and print seconds and size."""
    journal = journals.thousand(EXCHANGES)

    def printed() -> str:
        file = io.StringIO()
        Console(file=file, width=80).print(summary.summary(journal))
        return file.getvalue()

    formats: list[tuple[str, Callable[[], str]]] = [("terminal", printed)]
    formats += [(ending, lambda name=f"x{ending}": render(journal, name)) for ending in ENDINGS]  # type: ignore[misc]
    print(f"{EXCHANGES} exchanges")
    for name, make in formats:
        begin = time.perf_counter()
        size = len(make().encode())
        print(f"{name:<10} {time.perf_counter() - begin:6.3f} s {size:>10} bytes")


if __name__ == "__main__":
    main()
