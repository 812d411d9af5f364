"""What goes wrong at the edge: an error for the user to act on, and the place of one in regauth itself."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path


def where_it_failed(error: BaseException) -> str:
    """The kind of `error` and where it happened; never its text, which may quote the wire."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    return f"{type(error).__name__} in {Path(trace.tb_frame.f_code.co_filename).stem}:{trace.tb_lineno}"


class UserError(Exception):
    """One line: what is wrong, where, and what was expected. The command line prints it and exits with `status`."""

    def __init__(self, text: str, *, status: int = 2) -> None:
        """`status`: 2 for bad usage and unreadable input; 126 and 127 as shells have them for programs."""
        super().__init__(text)
        self.status = status


def unknown_word(name: str, found: str, expected: Iterable[str]) -> UserError:
    """That `found` is none of the words that `name` takes, with the one that was probably meant."""
    words = tuple(expected)
    return UserError(f"{name}: expected one of {', '.join(words)}, found {found[:80]!r}{did_you_mean(found, words)}")


def did_you_mean(found: str, words: Iterable[str]) -> str:
    """``; did you mean …?``, or nothing where none of the words is like `found`."""
    near = difflib.get_close_matches(found[:80].lower().replace("_", "-"), list(words), n=1)
    return f"; did you mean {near[0]}?" if near else ""
