"""Reads the files that hold credentials."""

from __future__ import annotations

import os
import stat
from typing import Final

from regauth_core.credentials.authfile_parser import MAX_FILE
from regauth_core.credentials.lookup import FileAnswer
from regauth_core.edge.files import reason

_MOST: Final = 4 * MAX_FILE
"""Bytes; a character takes at most four."""


def read_file(path: str) -> FileAnswer:
    """What is in the file at `path`. Never raises, and waits for nothing: a pipe is not a regular file."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return FileAnswer()
    except (OSError, ValueError) as error:
        return FileAnswer(failure=f"cannot be read: {_words(error)}")
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            return FileAnswer(failure="is not a regular file")
        with os.fdopen(handle, "rb") as file:
            return FileAnswer(text=file.read(_MOST + 1).decode("utf-8", "replace"))
    except OSError as error:
        return FileAnswer(failure=f"cannot be read: {_words(error)}")


def _words(error: OSError | ValueError) -> str:
    return reason(error) if isinstance(error, OSError) else "its name is not valid"
