"""Helpers may hang, fail, be missing or print rubbish: that costs their time limit and a line, and nothing else."""

from __future__ import annotations

import asyncio
import gc
import os
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from kit.credential_helpers import GOOD, SECRET, Clock, installed
from regauth_core.credentials.authfile import Pair
from regauth_core.credentials.lookup import HelperAnswer
from regauth_core.edge.credentials.credential_files import read_file
from regauth_core.edge.credentials.helpers import FRESH, Helpers


def are_gone(numbers: Sequence[str]) -> bool:
    """Whether the processes have ended, or do so within some seconds."""
    deadline = time.monotonic() + 5
    while any(is_running(Path("/proc") / number / "stat") for number in numbers):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def is_running(stat: Path) -> bool:
    """Whether there is a process, and not only what its parent has to take notice of."""
    try:
        return stat.read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def helpers(directory: Path, clock: Clock | None = None, seconds: float = 20.0) -> Helpers:
    """Helpers of a directory, and the system's programs for their scripts."""
    return Helpers({"PATH": f"{directory}:/usr/bin:/bin"}, clock=clock or Clock(), seconds=seconds)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (GOOD, ("alice", SECRET)),
        (f'echo \'{{"Username":"<token>","Secret":"{SECRET}"}}\'', ("<token>", SECRET)),
        ("echo credentials not found in native keychain; exit 1", None),
        (f"echo {SECRET}; exit 1", "ended with exit status 1"),
        (f"echo {SECRET} >&2; exit 3", "ended with exit status 3"),
        ("kill -9 $$", "was ended by signal 9"),
        (f"echo {SECRET}", "did not print a JSON object"),
        ("exec true", "did not print a JSON object"),
        ("head -c 1000000 /dev/zero; sleep 600", "printed more than 64 KiB"),
        ("yes", "printed more than 64 KiB"),
    ],
)
def test_helper_is_understood(tmp_path: Path, script: str, expected: Pair | str | None) -> None:
    """What it prints is a pair, nothing, or failure in our own words."""
    installed(tmp_path, "h", script)
    answer = asyncio.run(helpers(tmp_path).ask("h", "r.test"))
    assert (answer.failure or answer.pair) == expected
    assert SECRET not in repr(answer)


def test_helper_is_asked_by_its_protocol(tmp_path: Path) -> None:
    """One argument, ``get``, and the server on standard input, without a line end."""
    installed(tmp_path, "h", f'echo "$#:$1:$(od -An -c | tr -d " \\n")" > {tmp_path}/asked; exit 1')
    asyncio.run(helpers(tmp_path).ask("h", "r.test"))
    assert (tmp_path / "asked").read_text() == "1:get:r.test\n"


CHILD = "sleep 600 & echo $! >> {pids}; "


@pytest.mark.parametrize(
    "script",
    [
        CHILD + "wait",
        CHILD + "exec >&-; wait",
        CHILD + "cat; wait",
        "trap '' TERM; " + CHILD + "wait",
        CHILD + "yes >&2",
    ],
    ids=["hangs", "closes its output", "reads all", "ignores signals", "writes errors"],
)
def test_helper_that_hangs_costs_its_time_limit(tmp_path: Path, script: str) -> None:
    """After that nothing of it is left, its children neither."""
    pids = tmp_path / "pids"
    installed(tmp_path, "h", f"echo $$ > {pids}\n" + script.format(pids=pids))
    began = time.monotonic()
    answer = asyncio.run(helpers(tmp_path, seconds=0.3).ask("h", "r.test"))
    assert time.monotonic() - began < 5
    assert answer.failure == "did not answer within 0.3 seconds"
    assert len(pids.read_text().split()) == 2
    assert are_gone(pids.read_text().split())


def test_helper_that_leaves_a_service_behind_is_not_waited_for(tmp_path: Path) -> None:
    """What has a session of its own may live on with the helper's output open; nothing of ours stays open with it."""
    installed(tmp_path, "h", "setsid sleep 3 & exit 1")
    gc.collect()
    before = set(Path("/proc/self/fd").iterdir())
    answer = asyncio.run(helpers(tmp_path, seconds=0.3).ask("h", "r.test"))
    gc.collect()
    assert answer.failure == "did not answer within 0.3 seconds"
    # Others' files may be closed meanwhile; the listing itself has one open each time, of the same number.
    assert len(set(Path("/proc/self/fd").iterdir()) - before) <= 1


def test_helper_that_hung_is_left_alone_for_a_while(tmp_path: Path) -> None:
    """Other servers do not cost the time limit again, until a minute has gone by."""
    installed(tmp_path, "h", f"echo x >> {tmp_path}/runs; sleep 600")
    clock = Clock()

    async def asked() -> list[str]:
        known = helpers(tmp_path, clock, seconds=0.3)
        first = await known.ask("h", "r.test")
        second = await known.ask("h", "x.test")
        clock.now += FRESH + 1
        third = await known.ask("h", "x.test")
        return [first.failure[:14], second.failure[:14], third.failure[:23]]

    assert asyncio.run(asked()) == ["did not answer", "did not answer", "did not answer within 0"]
    assert (tmp_path / "runs").read_text() == "x\nx\n"


def test_cancelled_lookup_leaves_no_helper(tmp_path: Path) -> None:
    """A proxy that stops does not leave a dialogue open."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    installed(tmp_path, "h", f"sleep 600 & echo $$ $! > {pipe}; wait")

    async def cancelled() -> list[str]:
        task = asyncio.ensure_future(helpers(tmp_path).ask("h", "r.test"))
        numbers = await asyncio.to_thread(pipe.read_text)  # comes when the helper runs
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return numbers.split()

    numbers = asyncio.run(asyncio.wait_for(cancelled(), 20))
    assert len(numbers) == 2
    assert are_gone(numbers)


@pytest.mark.parametrize("turns", range(6))
def test_lookup_cancelled_while_the_helper_starts_leaves_none(tmp_path: Path, turns: int) -> None:
    """A helper that is half started is ended too."""
    installed(tmp_path, "h", f"tail -f {tmp_path}/docker-credential-h & wait")

    async def cancelled() -> None:
        task = asyncio.ensure_future(helpers(tmp_path).ask("h", "r.test"))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0.1)  # what was forgotten would run by now

    asyncio.run(cancelled())
    assert are_gone([path.parent.name for path in Path("/proc").glob("[0-9]*/cmdline") if mentions(path, tmp_path)])


def mentions(cmdline: Path, directory: Path) -> bool:
    """Whether a process was started with the directory's name in its arguments."""
    try:
        return f"{directory}/".encode() in cmdline.read_bytes()
    except OSError:
        return False


def test_one_at_a_time_and_once(tmp_path: Path) -> None:
    """Sixty-four layers at once ask one helper once, and two servers one after the other."""
    lock = tmp_path / "lock"
    installed(tmp_path, "h", f"mkdir {lock} || exit 9; echo x >> {tmp_path}/runs; sleep 0.1; rmdir {lock}; {GOOD}")

    async def asked() -> list[HelperAnswer]:
        known = helpers(tmp_path)
        servers = ["r.test", "x.test"] * 32
        return await asyncio.gather(*(known.ask("h", server) for server in servers))

    assert {answer.pair for answer in asyncio.run(asked())} == {("alice", SECRET)}
    assert (tmp_path / "runs").read_text() == "x\nx\n"


def test_answer_holds_for_a_minute(tmp_path: Path) -> None:
    """Then the helper is asked again: passwords of some are good for hours only."""
    installed(tmp_path, "h", f"echo x >> {tmp_path}/runs; {GOOD}")
    clock = Clock()

    async def asked() -> None:
        known = helpers(tmp_path, clock)
        for _ in range(3):
            await known.ask("h", "r.test")
            clock.now += FRESH * 0.6

    asyncio.run(asked())
    assert (tmp_path / "runs").read_text() == "x\nx\n"


def test_helper_that_is_missing_or_no_program(tmp_path: Path) -> None:
    """Both say what a person can put right."""
    broken = tmp_path / "docker-credential-broken"
    broken.write_bytes(b"\x7fELF, not")
    broken.chmod(0o755)

    async def asked() -> list[str]:
        known = helpers(tmp_path)
        return [(await known.ask(name, "r.test")).failure for name in ("missing", "broken")]

    assert asyncio.run(asked()) == [
        "is not installed: not found in PATH",
        "cannot be started: exec format error",
    ]


@pytest.mark.parametrize("name", ["../evil", "a/b", "", ".", "a b", "x" * 65, "-a", "a\n"])
def test_name_of_a_helper_leads_nowhere_else(tmp_path: Path, name: str) -> None:
    """Nothing but a program called docker-credential-NAME is run."""
    (tmp_path / "docker-credential-..").mkdir()
    installed(tmp_path, "evil", f"touch {tmp_path}/ran")
    evil = tmp_path / "evil"
    evil.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    evil.chmod(0o755)
    assert asyncio.run(helpers(tmp_path).ask(name, "r.test")).failure == "not run: invalid helper name"
    assert not (tmp_path / "ran").exists()


def test_helper_of_the_current_directory_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkout that brings a helper along is not trusted with a lookup."""
    installed(tmp_path, "h", f"touch {tmp_path}/ran")
    monkeypatch.chdir(tmp_path)
    for path in (".", ":/usr/bin"):
        answer = asyncio.run(Helpers({"PATH": path}, clock=Clock()).ask("h", "r.test"))
        assert answer.failure.startswith("not run: ")
    assert not (tmp_path / "ran").exists()


def test_files_are_read_without_waiting(tmp_path: Path) -> None:
    """A pipe, a directory and what may not be read say so; what is not there is not there."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "good").write_bytes(b"x\xff")
    (tmp_path / "loop").symlink_to("loop")
    assert read_file(str(tmp_path / "good")).text == "x\ufffd"
    assert read_file(str(tmp_path / "none")).text is None
    assert read_file(str(tmp_path / "good" / "below")).failure == ""
    troubles = [read_file(str(tmp_path / name)).failure for name in ("pipe", ".", "loop", "x\0y", "y" * 5000)]
    assert troubles[:2] == ["is not a regular file", "is not a regular file"]
    assert all(failure.startswith("cannot be read: ") for failure in troubles[2:])
