"""A finding is shown while the command still runs, on a terminal only."""

from __future__ import annotations

import io
import logging
import threading

from regauth_core.edge.commands import early_notice


class Screen(io.StringIO):
    """A terminal, or not one, that can be waited for."""

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal
        self.written = threading.Event()

    def isatty(self) -> bool:
        """As it was made."""
        return self._is_terminal

    def flush(self) -> None:
        """All is there."""
        self.written.set()


def _find() -> None:
    logging.getLogger("regauth_core.edge.mitm.live").info("regauth: error challenge-ignored: nobody answered")


def test_a_long_command_has_its_finding_early() -> None:
    """It begins on a line of its own, whatever the command left open."""
    screen = Screen(is_terminal=True)
    with early_notice.shown(screen, after=0.01):
        _find()
        assert screen.written.wait(30)
    assert screen.getvalue() == "\nregauth: error challenge-ignored: nobody answered (more at the end)\n"


def test_a_short_command_has_nothing_twice() -> None:
    """What ends in time is shown once, at the end."""
    screen = Screen(is_terminal=True)
    with early_notice.shown(screen, after=3600):
        _find()
    assert screen.getvalue() == ""


def test_a_file_gets_no_notices() -> None:
    """Only who watches needs them."""
    screen = Screen(is_terminal=False)
    with early_notice.shown(screen, after=0):
        _find()
    assert screen.getvalue() == ""
