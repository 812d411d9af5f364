"""Files that regauth reads by name and writes for their owner alone."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import select
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from regauth_core.edge.errors import UserError

_SCRATCH: Final = "regauth-run-"
_ABANDONED: Final = 60.0
"""Seconds for which the lock of a new directory may not be held yet."""
_PATIENCE: Final = 10.0
"""Seconds that the reader of a pipe may take for the next piece."""


def check_writable(path: Path) -> None:
    """Raise `UserError` now if `path` could not be written later."""
    if path.is_dir():
        raise UserError(f"{path}: expected a file, found a directory")
    if not path.parent.is_dir():
        raise UserError(f"{path}: the directory {path.parent} does not exist")
    if not os.access(path.parent, os.W_OK | os.X_OK) and not os.access(path, os.W_OK):
        raise UserError(f"{path}: cannot be written")


def write_private(path: Path, text: str) -> None:
    """Replace the file at `path` by `text` in UTF-8, mode 0600; it is never seen half written. Raises `OSError`.

    What is not a regular file, such as a pipe, and what is this process's own output, is written to and stays what it
    is. A pipe without a reader fails, at once or after `_PATIENCE` seconds. Nothing is written to a disk or a socket.
    """
    if path.exists() and (not path.is_file() or _is_own_output(path)):
        _write_through(path, text.encode("utf-8"))
        return
    target = path.resolve()
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")  # made with mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        Path(name).replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def _is_own_output(path: Path) -> bool:
    """Whether it is where standard output or error go: replaced, what was written to it before would be lost."""
    own = []
    for number in (1, 2):
        with contextlib.suppress(OSError):
            own.append(os.fstat(number))
    return any(os.path.samestat(path.stat(), one) for one in own)


def _write_through(path: Path, data: bytes) -> None:
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        mode = os.fstat(file).st_mode
        if not (stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or stat.S_ISREG(mode)):
            raise OSError(errno.EINVAL, "expected a file or a pipe")
        ready = select.poll()
        ready.register(file, select.POLLOUT)
        while data:
            if not ready.poll(_PATIENCE * 1000):
                raise OSError(errno.ETIMEDOUT, "no process reads this pipe any more")
            with contextlib.suppress(BlockingIOError):
                data = data[os.write(file, data[: select.PIPE_BUF]) :]
    finally:
        os.close(file)


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A private directory for the time inside; also removes those that killed processes have left behind."""
    with contextlib.suppress(OSError):
        for left in Path(tempfile.gettempdir()).glob(f"{_SCRATCH}*"):
            _remove_abandoned(left)
    with tempfile.TemporaryDirectory(prefix=_SCRATCH) as name:
        directory = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with contextlib.suppress(OSError):
                fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)  # as long as we live
            yield Path(name)
        finally:
            os.close(directory)


def _remove_abandoned(path: Path) -> None:
    """Remove the directory if it is ours, private, not quite new, and nobody holds its lock any more."""
    with contextlib.suppress(OSError):
        directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            about = os.fstat(directory)
            is_ours = about.st_uid == os.geteuid() and stat.S_IMODE(about.st_mode) == 0o700
            if is_ours and time.time() - about.st_mtime > _ABANDONED:
                fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
                for name in os.listdir(directory):  # noqa: PTH208  (what the descriptor is for)
                    os.unlink(name, dir_fd=directory)
                path.rmdir()
        finally:
            os.close(directory)


def reason(error: OSError) -> str:
    """The system's words for `error`, without the file's name."""
    if error.errno == errno.ENXIO:
        return "no process reads this pipe"
    return (error.strerror or type(error).__name__).lower()


def shortened(path: str, environment: Mapping[str, str]) -> str:
    """`path` as a person would write it, with a tilde for the home in `environment`."""
    home = (environment.get("HOME") or str(Path.home())).rstrip("/")
    return f"~{path.removeprefix(home)}" if path.startswith(f"{home}/") else path
