"""The trace: a file of JSON lines to which every exchange is appended, redacted, as it ends.

A line is `TraceHead` (the first), `TraceExchange`, `TraceGone` or `TraceEnd`. A file without a `TraceEnd` breaks off.
"""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from regauth_core.diagnosis import Ending
from regauth_core.edge.files import reason
from regauth_core.edge.trouble import Trouble
from regauth_core.model import Environment, Exchange, Sender
from regauth_core.redact import Redactor

SCHEMA: Final = "regauth.trace/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceHead:
    """How a recording began. An appended recording begins with a head of its own, and its numbers start again."""

    schema: str = SCHEMA
    started: float
    quiet_time: float
    credentials_known: bool
    environment: Environment


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceExchange:
    """An exchange that has ended."""

    exchange: Exchange


@dataclass(frozen=True, slots=True)
class Gone:
    """A client that is known to have ended, and when."""

    sender: Sender
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceGone:
    """A client has ended: nothing more can come from it."""

    gone: Gone


@dataclass(frozen=True, slots=True)
class End:
    """How a recording ended, with all that was learnt of where it was taken."""

    ending: Ending
    at: float
    environment: Environment
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceEnd:
    """The recording has ended; nothing of it is missing."""

    end: End


TraceLine = TraceHead | TraceExchange | TraceGone | TraceEnd


class TraceWriter:
    """Appends to a trace, line by line; each line is in the file when `write` returns.

    Once a line cannot be written nothing more is, because a trace with a hole would lie about absence.
    """

    def __init__(self, path: Path, redactor: Redactor) -> None:
        """Open `path` for appending, and make it private. Raises `Trouble`."""
        self.path = path
        self.late = 0
        """Secrets that only the sweep of the finished line found."""
        self.failure: str | None = None
        """Why nothing is written any more."""
        self._redactor = redactor
        self._encoder = msgspec.json.Encoder()
        try:
            # O_NONBLOCK: opening a pipe that nobody reads must fail, not wait.
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC
            self._file = os.open(path, flags, 0o600)
            if stat.S_ISREG(os.fstat(self._file).st_mode):
                os.fchmod(self._file, 0o600)
        except OSError as error:
            said = "nobody reads this pipe" if error.errno == errno.ENXIO else reason(error)
            raise Trouble(f"{path}: {said}") from None

    def write(self, line: TraceLine) -> str | None:
        """Append one line; on the first failure the reason, in words for the operator."""
        if self.failure is not None:
            return None
        text, late = self._redactor.sweep(self._encoder.encode(line).decode("utf-8", "surrogatepass"))
        self.late += late
        data = text.encode("utf-8", "backslashreplace") + b"\n"
        try:
            while data:
                data = data[os.write(self._file, data) :]
        except OSError as error:
            self.failure = f"{self.path}: {reason(error)}; the trace ends here"
            return self.failure
        return None

    def close(self) -> None:
        """Close the file; `write` must not be called any more."""
        os.close(self._file)
