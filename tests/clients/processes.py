"""Programs that the tests start, each in a process group of its own, none of which outlives its test."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from subprocess import DEVNULL, Popen
from typing import IO, Final

LIMIT: Final = 60.0
"""Seconds that anything may take before it is ended."""


def start(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    directory: Path | None = None,
    stdout: int | IO[bytes] = DEVNULL,
    stderr: int | IO[bytes] = DEVNULL,
) -> Popen[bytes]:
    """Start a program that reads nothing; whoever calls sees to its end."""
    return subprocess.Popen(  # noqa: S603  (to run programs is what these tests are for)
        command,
        env=environment,
        cwd=directory,
        stdin=DEVNULL,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
    )


def ended(process: Popen[bytes]) -> int:
    """Wait for a program; its exit status. Fails if it takes too long."""
    with killed_if_left(process):
        return process.wait(LIMIT)


def status_of(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a program; its exit status."""
    return ended(start(command, environment))


@contextlib.contextmanager
def killed_if_left(process: Popen[bytes]) -> Iterator[None]:
    """At the end, end what is left of the process and of its group."""
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until(condition: Callable[[], bool], log: Path) -> None:
    """Wait until `condition` holds; where it never does, fail with the end of `log`."""
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline, log.read_text("utf-8", "replace")[-2000:]
        time.sleep(0.05)
