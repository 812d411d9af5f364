"""While a command still runs: what has become certain about it already, in a line on the terminal."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator
from typing import Final, TextIO

_AFTER: Final = 2.0
"""Seconds that a command may take to end by itself, after which its user hears of a finding."""
_MOST: Final = 3
_SOURCE: Final = "regauth_core.edge.mitm.live"
"""Who logs a finding as soon as it is certain."""


@contextlib.contextmanager
def shown(out: TextIO, *, after: float = _AFTER) -> Iterator[None]:
    """While inside, show findings on `out`, if that is a terminal, `after` so many seconds; the first few only."""
    if not out.isatty():
        yield
        return
    logger, notices = logging.getLogger(_SOURCE), _Notices(out, after)
    before = logger.level
    logger.addHandler(notices)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(before)
        logger.removeHandler(notices)
        notices.close()


class _Notices(logging.Handler):
    def __init__(self, out: TextIO, after: float) -> None:
        super().__init__()
        self._out = out
        self._after = after
        self._timers: list[threading.Timer] = []

    def emit(self, record: logging.LogRecord) -> None:
        """A finding has been logged: show it soon, unless everything has ended by then."""
        if len(self._timers) < _MOST:
            timer = threading.Timer(self._after, self._show, (record.getMessage(),))
            timer.daemon = True
            self._timers.append(timer)
            timer.start()

    def _show(self, text: str) -> None:
        # A terminal that has gone is no reason to disturb the command.
        with contextlib.suppress(OSError, ValueError):
            self._out.write(f"\n{text} (more at the end)\n")
            self._out.flush()

    def close(self) -> None:
        """What was not shown by now is in the summary."""
        for timer in self._timers:
            timer.cancel()
        super().close()
