"""The trace: a file of JSON lines (UTF-8) to which every exchange is appended, redacted, as it ends.

=========  ==================  =======================================================================================
line       type                when
=========  ==================  =======================================================================================
head       `TraceHead`         first, before the first exchange; again where a recording was appended to a file
exchange   `TraceExchange`     an exchange has ended; its numbers count from 1 behind each head
gone       `TraceGone`         the process of a client has ended: nothing more can come from it
proof      `TraceProof`        a refused exchange was sent beside the client as a correct one would have sent it
end        `TraceEnd`          the recording has ended; without it the file breaks off, and nothing may be concluded
                               from what is not there
=========  ==================  =======================================================================================

``schema/trace.schema.json`` is the JSON Schema of one line; it comes from the types here and in `model`. Times are
seconds since the epoch, sizes are bytes. Text has passed redaction: secrets are fingerprints such as ``tok:3f2a91c0``,
equal for equal secrets within one recording and random from one recording to the next.

A line is in the file before the next event is looked at, so ``kill -9`` costs at most the exchange in flight. The file
is only appended to, mode 0600, never rewritten: whatever stands in it stays. The version is the number behind the slash
of ``schema``. It changes when a reader of today would be misled; a reader refuses a version it does not know. New
fields and new kinds of lines do not change it: a reader passes over what it does not know, says so, and loses nothing
that it knows. Reports made from a trace hold what the reader knew.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args

import msgspec

from regauth_core.edge.files import reason
from regauth_core.edge.last_look import REFUSAL
from regauth_core.edge.trouble import Trouble
from regauth_core.model import Ending, Environment, Exchange, Gone, Proof, Redaction
from regauth_core.redact import Redactor
from regauth_core.report.jsontext import escaped
from regauth_core.report.structure import is_json_kept

SCHEMA: Final = "regauth.trace/1"
_BEGINNING: Final = f'{{"schema":"{SCHEMA}"'.encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceHead:
    """How a recording began. An appended recording begins with a head of its own, and its numbers start again."""

    schema: Literal["regauth.trace/1"] = SCHEMA
    started: float
    quiet_time: float
    credentials_known: bool
    environment: Environment


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceExchange:
    """An exchange that has ended."""

    exchange: Exchange


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
    redaction: Redaction | None = None
    """What was kept and what was replaced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceProof:
    """What came of answering a refusal beside the client."""

    proof: Proof


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceEnd:
    """The recording has ended; nothing of it is missing."""

    end: End


TraceLine = TraceHead | TraceExchange | TraceGone | TraceProof | TraceEnd


class TraceWriter:
    """Appends to a trace, line by line; each line is in the file when `write` returns.

    Once a line cannot be written nothing more is, because a trace with a hole would lie about absence.
    """

    def __init__(self, path: Path, redactor: Redactor) -> None:
        """Open `path` for appending, and make it private; it is this writer's until `close`. Raises `Trouble`.

        A file that is not a trace, and one to which another writer appends, stays as it is.
        """
        self.path = path
        self.late = 0
        """Secrets that only the sweep of the finished line found."""
        self.failure: str | None = None
        """Why nothing is written any more."""
        self._redactor = redactor
        self._encoder = msgspec.json.Encoder()
        self._file = _opened(path)

    def write(self, line: TraceLine) -> str | None:
        """Append one line; on the first failure the reason, in words for the operator."""
        if self.failure is not None:
            return None
        before = self._encoder.encode(line).decode("utf-8", "surrogatepass")
        text, late = self._redactor.sweep(before)
        self.late += late
        if late and not _is_still(line, before, text):
            self.failure = f"{self.path}: {REFUSAL}; the trace ends here"
            return self.failure
        data = escaped(text).encode("utf-8", "backslashreplace") + b"\n"
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


def _opened(path: Path) -> int:
    """The file descriptor of a trace that was made, or checked to be one and to end with a whole line."""
    try:
        # O_NONBLOCK: opening a pipe that nobody reads must fail, not wait; for reading as well, it would not.
        access = os.O_RDWR if path.is_file() or not path.exists() else os.O_WRONLY
        file = os.open(path, access | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Trouble(f"{path}: {reason(error)}") from None
    try:
        if stat.S_ISREG(os.fstat(file).st_mode):
            _take(file, path)
    except OSError as error:
        os.close(file)
        raise Trouble(f"{path}: {reason(error)}") from None
    except Trouble:
        os.close(file)
        raise
    return file


def _take(file: int, path: Path) -> None:
    """Lock the regular file, make sure that it is a trace, and only then change it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Trouble(f"{path}: another regauth is writing this trace; give each a file of its own") from None
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.EINVAL):  # a file system without locks
            raise
    size = os.fstat(file).st_size
    if size and not os.pread(file, len(_BEGINNING), 0).startswith(_BEGINNING):
        raise Trouble(f"{path}: expected a new file, or a {SCHEMA} trace to append to")
    os.fchmod(file, 0o600)
    if size and os.pread(file, 1, size - 1) != b"\n":
        # Whoever wrote it was killed in the middle of a line.
        os.write(file, b"\n")


def _is_still(line: TraceLine, before: str, after: str) -> bool:
    """Whether the swept text is still a line of its kind."""
    try:
        msgspec.json.decode(after, type=type(line))
    except (msgspec.MsgspecError, ValueError):
        return False
    return is_json_kept(before, after)


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of one line of a trace."""
    kinds = get_args(TraceLine)
    references, definitions = msgspec.json.schema_components(kinds, ref_template="#/$defs/{name}")
    # It has a default for those who make a head, but a head without it is none.
    definitions[TraceHead.__name__]["required"].insert(0, "schema")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"A line of a trace, {SCHEMA}",
        "anyOf": list(references),
        "$defs": definitions,
    }
