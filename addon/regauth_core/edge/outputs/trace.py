"""The trace: a file of JSON lines (UTF-8) to which every exchange is appended, redacted, as it ends.

=========  ==================  =======================================================================================
line       type                when
=========  ==================  =======================================================================================
head       `TraceHead`         first, before the first exchange; again where a recording was appended to a file
exchange   `TraceExchange`     an exchange has ended; its numbers count from 1 behind each head
gone       `TraceGone`         the process of a client has ended: nothing more can come from it
proof      `TraceProof`        a refused exchange was sent beside the client as a correct one would have sent it
taken_back `TraceTakenBack`    a finding was refuted: its client went on after a longer silence
end        `TraceEnd`          the recording has ended; without it the file breaks off, and nothing may be concluded
                               from what is not there
=========  ==================  =======================================================================================

``schema/trace.schema.json`` is the JSON Schema of one line; it comes from the types here and in `model`. Times are
seconds since the epoch, sizes are bytes. Text has passed redaction: secrets are fingerprints such as ``tok:3f2a91c0``,
equal for equal secrets within one recording and random from one recording to the next.

The file
is appended to, mode 0600. What was written before a secret was known as one may show it; so, when the recording ends,
the file is searched as every report is, and what is found is overwritten in its place. No line moves or gets longer:
who follows the file, or appends to it, is not disturbed. A recording that was killed was not searched.

A line is in the file before the next event is looked at, so ``kill -9`` costs at most the exchange in flight. The
version is the number behind the slash of ``schema``. It changes when a reader of today would be misled; a reader
refuses a version it does not know. New fields and new kinds of lines do not change it: a reader passes over what it
does not know, says so, and loses nothing that it knows. Reports made from a trace hold what the reader knew.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final, get_args

import msgspec

from regauth_core.edge.errors import UserError
from regauth_core.edge.files import reason
from regauth_core.edge.outputs.final_sweep import Search, swept_value
from regauth_core.model.trace import MAX_LINE, SCHEMA, TraceLine
from regauth_core.redaction.redactor import Redactor
from regauth_core.report.jsontext import escaped

_MOST_TOGETHER: Final = 64 * 1024
"""Bytes of lines that are searched together."""
_BEGINNING: Final = f'{{"schema":"{SCHEMA}"'.encode()


class TraceWriter:
    """Appends to a trace, line by line; each line is in the file when `write` returns.

    Once a line cannot be written nothing more is, because a trace with a hole would lie about absence.
    """

    def __init__(self, path: Path, redactor: Redactor) -> None:
        """Open `path` for appending, and make it private; it is this writer's until `close`. Raises `UserError`.

        A file that is not a trace, and one to which another writer appends, stays as it is.
        """
        self.path = path
        self.failure: str | None = None
        """Why nothing is written any more."""
        self._redactor = redactor
        self._search = Search(redactor)
        self._encoder = msgspec.json.Encoder()
        self._file = _opened(path)
        self._is_file = stat.S_ISREG(os.fstat(self._file).st_mode)

    def write(self, line: TraceLine) -> str | None:
        """Append one line; on the first failure the reason, in words for the operator."""
        if self.failure is not None:
            return None
        text = self._encoder.encode(line).decode("utf-8", "surrogatepass")
        if self._search.finds(text):
            # Value by value: what the line itself is made of cannot be a secret of anybody.
            text = self._encoder.encode(swept_value(line, self._redactor)).decode("utf-8", "surrogatepass")
        text = self._redactor.renamed(text)
        data = escaped(text).encode("utf-8", "backslashreplace") + b"\n"
        try:
            while data:
                data = data[os.write(self._file, data) :]
        except OSError as error:
            self.failure = f"{self.path}: {reason(error)}; the trace ends here"
            return self.failure
        return None

    def search(self) -> str | None:
        """Look through the whole file for the secrets that are known now, and overwrite them.

        In words for the operator why that could not be done, or nothing. A pipe is not searched.
        """
        if not self._is_file:
            return None
        try:
            with self.path.open("r+b") as file:
                if not os.path.samestat(os.fstat(file.fileno()), os.fstat(self._file)):
                    return f"{self.path}: the file was replaced; the trace was not searched for late secrets"
                self._search_lines(file)
        except OSError as error:
            return f"{self.path}: {reason(error)}; the trace was not searched for late secrets"
        return None

    def _search_lines(self, file: BinaryIO) -> None:
        at = 0
        while lines := _lines(file):
            # Together, because what stands in many lines need be looked at once.
            if self._search.finds(_text(b"".join(lines))):
                self._overwrite(file, at, lines)
            at += sum(map(len, lines))
            file.seek(at)

    def _overwrite(self, file: BinaryIO, at: int, lines: Sequence[bytes]) -> None:
        """Overwrite the secrets in those of the lines at the place `at` of the file that hold any."""
        for line in lines:
            text = _text(line)
            if self._search.finds(text) and (put := _overwritten(line, text, self._redactor)) != line:
                file.seek(at)
                file.write(put)
            at += len(line)

    def close(self) -> None:
        """Close the file; `write` must not be called any more."""
        os.close(self._file)


def _lines(file: BinaryIO) -> list[bytes]:
    """The next lines of a file, few enough to be searched together; one that breaks off, or another text, stands alone.

    Empty at the end of the file.
    """
    lines: list[bytes] = []
    size = 0
    while size < _MOST_TOGETHER and (line := file.readline(MAX_LINE)):
        if not line.startswith(b'{"') or not line.endswith(b"}\n"):
            if not lines:
                return [line]
            file.seek(-len(line), os.SEEK_CUR)
            break
        lines.append(line)
        size += len(line)
    return lines


def _text(line: bytes) -> str:
    return line.decode("utf-8", "surrogateescape")


def _overwritten(line: bytes, text: str, redactor: Redactor) -> bytes:
    """The line without its secrets, and as long as before."""
    bare = line.rstrip(b"\r\n")
    put = _as_known(bare, redactor)
    if put is None or len(put) > len(bare):
        # A line that breaks off, or of another version.
        swept, _ = redactor.sweep(text, fits=True)
        put = swept.encode("utf-8", "surrogateescape").rstrip(b"\r\n")
    return put.ljust(len(bare)) + line[len(bare) :]


def _as_known(line: bytes, redactor: Redactor) -> bytes | None:
    for kind in get_args(TraceLine):
        try:
            held = swept_value(msgspec.json.decode(line, type=kind), redactor, fits=True)
            return escaped(msgspec.json.encode(held).decode("utf-8", "surrogatepass")).encode("utf-8", "surrogatepass")
        except (msgspec.MsgspecError, ValueError, RecursionError):
            continue
    return None


def _opened(path: Path) -> int:
    """The file descriptor of a trace that was made, or checked to be one and to end with a whole line."""
    try:
        # O_NONBLOCK: opening a pipe that nobody reads must fail, not wait; for reading as well, it would not.
        access = os.O_RDWR if path.is_file() or not path.exists() else os.O_WRONLY
        file = os.open(path, access | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise UserError(f"{path}: {reason(error)}") from None
    try:
        if stat.S_ISREG(os.fstat(file).st_mode):
            _take(file, path)
    except OSError as error:
        os.close(file)
        raise UserError(f"{path}: {reason(error)}") from None
    except UserError:
        os.close(file)
        raise
    return file


def _take(file: int, path: Path) -> None:
    """Lock the regular file, make sure that it is a trace, and only then change it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UserError(f"{path}: another regauth is writing this trace; use a different file") from None
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.EINVAL):  # a file system without locks
            raise
    size = os.fstat(file).st_size
    if size and not os.pread(file, len(_BEGINNING), 0).startswith(_BEGINNING):
        raise UserError(f"{path}: expected a new file, or a {SCHEMA} trace to append to")
    os.fchmod(file, 0o600)
    if size and os.pread(file, 1, size - 1) != b"\n":
        # Whoever wrote it was killed in the middle of a line.
        os.write(file, b"\n")
