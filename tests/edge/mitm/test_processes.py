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

from regauth_core.edge.mitm import processes
from regauth_core.edge.mitm.processes import Process, ProcessFinder, Socket, descends, socket_of

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
    made.settimeout(20)
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
    there = socket_of(accepted.getpeername()[:2], accepted.getsockname()[:2])
    assert there is not None
    assert there.user == os.geteuid()
    found = ProcessFinder().find(there)
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
        there = socket_of(accepted.getpeername()[:2], accepted.getsockname()[:2])
        assert there is not None
        found = ProcessFinder().find(there)
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
    """Other machines, connections that are not there, and nonsense have no socket."""
    assert socket_of(peer, here) is None


def test_socket_that_nobody_has_open_is_of_no_process() -> None:
    """It was closed in the meantime, or is another user's."""
    assert ProcessFinder().find(Socket("0", 0)) is None


@pytest.mark.parametrize("user", [0, 12, 65534])
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can open sockets for others")
def test_user_of_a_connection_is_found(listener: socket.socket, user: int) -> None:
    """Whoever opened the socket, though the process may have become somebody else."""
    host = listener.getsockname()[0]
    target = "127.0.0.1" if host == "::" else host
    before = os.geteuid()
    # Nothing but the socket is made as somebody else, who may not read what Python still has to load.
    os.seteuid(user)
    try:
        client = socket.socket(socket.AF_INET6 if ":" in target else socket.AF_INET)
    finally:
        os.seteuid(before)
    client.settimeout(20)
    client.connect((target, listener.getsockname()[1]))
    accepted, _ = listener.accept()
    there = socket_of(accepted.getpeername()[:2], accepted.getsockname()[:2])
    client.close()
    accepted.close()
    assert there is not None
    assert there.user == user


@pytest.mark.parametrize("half", [False, True])
def test_closed_connection_is_nobodys(listener: socket.socket, half: bool) -> None:
    """The kernel may show it as root's. One that is closed for sending only has its owner still."""
    host = listener.getsockname()[0]
    client = socket.create_connection(("127.0.0.1" if host == "::" else host, listener.getsockname()[1]))
    accepted, _ = listener.accept()
    if half:
        client.shutdown(socket.SHUT_WR)
    else:
        client.close()
    there = socket_of(accepted.getpeername()[:2], accepted.getsockname()[:2])
    client.close()
    accepted.close()
    assert (there is not None) == half


LINE = "   1: 0100007F:9C40 0100007F:1F90 {state} 00000000:00000000 00:00000000 00000000 {user} 0 {inode} 1 0 20 4 0"
CLOSED = LINE.format(state="06", user=0, inode=0)
PEER, HERE = ("127.0.0.1", 40000), ("127.0.0.1", 8080)
OTHER_WAY = "   0: 0100007F:1F90 0100007F:9C40 01 00000000:00000000 00:00000000 00000000  1000 0 77 1 0 20 4 0"
EVERYBODY, CONTAINER = "0 0 4294967295", "0 100000 65536"


@pytest.mark.parametrize(
    ("lines", "mapped", "found"),
    [
        ([LINE.format(state="01", user=1000, inode=99)], EVERYBODY, Socket("99", 1000)),
        ([LINE.format(state="01", user=1000, inode=99)], CONTAINER, Socket("99", 1000)),
        ([LINE.format(state="01", user=65534, inode=99)], EVERYBODY, Socket("99", 65534)),
        ([LINE.format(state="01", user=65534, inode=99)], CONTAINER, Socket("99", None)),
        ([CLOSED], EVERYBODY, None),
        ([CLOSED, LINE.format(state="01", user=7, inode=9)], EVERYBODY, Socket("9", 7)),
        ([OTHER_WAY], EVERYBODY, None),
        (["nonsense", LINE.format(state="01", user="x", inode=9)], EVERYBODY, Socket("9", None)),
        ([], EVERYBODY, None),
    ],
)
def test_tables_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: list[str], mapped: str, found: Socket | None
) -> None:
    """proc_net_tcp: the client's end alone, with an owner; a substitute for users without number is no user."""
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "tcp").write_text("\n".join(["  sl  local_address ...", *lines, ""]))
    (tmp_path / "sys" / "kernel").mkdir(parents=True)
    (tmp_path / "sys" / "kernel" / "overflowuid").write_text("65534\n")
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "uid_map").write_text(f"         {mapped}\n")
    monkeypatch.setattr(processes, "_PROC", tmp_path)
    assert socket_of(PEER, HERE) == found


def test_machine_without_tables_tells_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither whose a socket is nor that nobody's."""
    assert processes.tells_users()
    monkeypatch.setattr(processes, "_PROC", tmp_path)
    assert not processes.tells_users()
    assert socket_of(PEER, HERE) is None


def test_what_a_process_started_descends_from_it() -> None:
    """Whatever is in between; nobody descends from what has ended, and everything else is a stranger."""
    script = "sh -c 'sh -c \"echo \\$\\$; read x\"; :'; :"
    started = subprocess.Popen(["/bin/sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert started.stdout is not None
    number = int(started.stdout.readline())
    assert number != started.pid
    assert descends(number, started.pid)
    assert descends(number, os.getpid())
    assert descends(number, number)
    assert not descends(started.pid, number)
    assert not descends(1, os.getpid())
    assert not descends(2**30, os.getpid())
    started.communicate(b"\n", timeout=10)
    assert not descends(number, os.getpid())


@pytest.mark.parametrize("number", [0, 2**30])
def test_no_process_is_not_alive(number: int) -> None:
    """A number that nobody has is nobody."""
    assert not Process(number, "none", 0).is_alive()
