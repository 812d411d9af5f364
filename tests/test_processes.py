"""The process behind a connection, without a look at its command line."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from regauth_core.edge import processes
from regauth_core.edge.processes import Process, ProcessFinder

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="there is no /proc")

CONNECT = """if True:
    import socket, sys
    connection = socket.create_connection((sys.argv[1], int(sys.argv[2])))
    print("connected", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(params=["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def listener(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    """A socket that listens on each kind of loopback address."""
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    try:
        made = socket.create_server(("::" if "ffff" in request.param else request.param, 0), family=family)
    except OSError:
        pytest.skip(f"no {request.param} here")
    if "ffff" in request.param:
        made.close()
        made = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    yield made
    made.close()


def program(listener: socket.socket, executable: str = sys.executable) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """A process that has connected to `listener`, and our end of the connection."""
    host = listener.getsockname()[0]
    target = "127.0.0.1" if host == "::" else host
    command = [executable, "-c", CONNECT, target, str(listener.getsockname()[1]), "--creds", "alice:swordfish"]
    started = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603
    accepted, _ = listener.accept()
    assert started.stdout is not None
    started.stdout.readline()
    return started, accepted


def ended(started: subprocess.Popen[bytes]) -> None:
    """Let the process end and be forgotten."""
    started.communicate(timeout=10)


def test_process_of_a_connection_is_found(listener: socket.socket) -> None:
    """Number and program of the other end, over IPv4, IPv6 and one in the other; nothing of its arguments."""
    started, accepted = program(listener)
    found = ProcessFinder().find(accepted.getpeername()[:2], accepted.getsockname()[:2])
    accepted.close()
    ended(started)
    assert found is not None
    assert started.pid == found.number
    assert found.program.startswith("python")
    assert "swordfish" not in repr(found)


def test_process_is_alive_until_it_ends() -> None:
    """One that waits for its parent to take note has ended, and so has one whose number is somebody else's now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        started, accepted = program(listener)
        found = ProcessFinder().find(accepted.getpeername()[:2], accepted.getsockname()[:2])
        assert found is not None
        assert found.is_alive()
        assert not Process(found.number, found.program, found.began + 1).is_alive()
        assert started.stdin is not None and started.stdout is not None
        started.stdin.close()
        accepted.close()
        os.waitid(os.P_PID, started.pid, os.WEXITED | os.WNOWAIT)
        assert not found.is_alive()
        started.stdout.close()
        started.wait(10)
        assert not found.is_alive()


def test_long_name_of_a_program_is_whole(tmp_path: Path) -> None:
    """The kernel cuts names at 15 characters; the file's name has the rest."""
    shell = shutil.which("sleep") or "/bin/sleep"
    copy = tmp_path / "sleeps-for-a-very-long-time"
    shutil.copy(shell, copy)
    copy.chmod(0o755)
    started = subprocess.Popen([str(copy), "60"])  # noqa: S603
    try:
        # Until the new program has taken the place of the one that started it.
        while Path(f"/proc/{started.pid}/exe").readlink() != copy:
            pass
        assert processes._program(started.pid) == "sleeps-for-a-very-long-time"
    finally:
        started.kill()
        started.wait()


@pytest.mark.parametrize(
    ("peer", "here"),
    [
        (("192.0.2.1", 5000), ("192.0.2.2", 8080)),
        (("127.0.0.1", 1), ("127.0.0.1", 2)),
        (("not an address", 1), ("127.0.0.1", 2)),
    ],
)
def test_what_cannot_be_told_is_none(peer: tuple[str, int], here: tuple[str, int]) -> None:
    """Other machines, connections that are not there, and nonsense have no process."""
    assert ProcessFinder().find(peer, here) is None


@pytest.mark.parametrize("number", [0, 2**30])
def test_no_process_is_not_alive(number: int) -> None:
    """A number that nobody has is nobody."""
    assert not Process(number, "none", 0).is_alive()
