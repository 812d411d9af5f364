"""Which user and which process of this machine is behind a connection, and whether it is still there (Linux only).

Command lines are never read: they hold passwords.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import sys
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_TABLES: Final = ("net/tcp", "net/tcp6")
_REMEMBERED: Final = 64
_LOOKS: Final = 3
"""How often the tables are read for one socket: they change while they are read, and a line may be missed."""
_DEEPEST: Final = 256
"""Ancestors of a process that are looked at."""
_SOCKET = re.compile(r"socket:\[([0-9]+)\]")

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Socket:
    """The other end of a connection from this machine."""

    inode: str
    user: int | None
    """The number of the user who opened it; `None` where the kernel shows a substitute for it (user_namespaces(7))."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process, distinguished from a later one of the same number by when it began."""

    number: int
    program: str
    """Its program's name without path and arguments."""
    began: int
    """In clock ticks since the machine started."""

    def is_alive(self) -> bool:
        """Whether it still runs; one that has ended and waits for its parent does not."""
        stat = _stat(self.number)
        return stat is not None and stat == (True, self.began)


class ProcessFinder:
    """Finds the process at the other end of a connection from this machine.

    Programs open many connections: the one that was found last is looked at first, then the youngest processes.
    """

    def __init__(self) -> None:
        self._found: OrderedDict[int, None] = OrderedDict()

    def find(self, socket: Socket) -> Process | None:
        """The process that has `socket` open, or `None` if it is not known.

        Reads files below /proc, a few milliseconds; not for an event loop.
        """
        for number in self._candidates():
            if socket.inode in _sockets(number):
                self._found[number] = None
                self._found.move_to_end(number)
                if len(self._found) > _REMEMBERED:
                    self._found.popitem(last=False)
                return _process(number)
        return None

    def _candidates(self) -> Iterator[int]:
        known = list(reversed(self._found))
        yield from known
        others = (int(name) for name in os.listdir(_PROC) if name.isdecimal())  # noqa: PTH208  (a third of the time)
        yield from sorted(set(others).difference(known), reverse=True)


def tells_users() -> bool:
    """Whether this machine says whose socket is at the other end of a connection."""
    return sys.platform.startswith("linux") and (_PROC / _TABLES[0]).is_file()


def socket_of(peer: Address, here: Address) -> Socket | None:
    """The socket that is bound to `peer` and connected to `here`, or `None` if it is not there or not seen.

    Reads files below /proc, a few milliseconds; not for an event loop.
    """
    if not sys.platform.startswith("linux") or not _is_this_machine(peer[0], here[0]):
        return None
    wanted = (_spellings(peer), _spellings(here))
    looks = (_looked_up(*wanted) for _ in range(_LOOKS))
    return next((found for found in looks if found is not None), None)


def descends(number: int, ancestor: int) -> bool:
    """Whether process `number` is `ancestor`, or was started by it or by a process that was.

    A daemon whose parent has ended is no longer a descendant of it (proc_pid_stat(5), field 4).
    """
    for _ in range(_DEEPEST):
        if number == ancestor:
            return True
        stat = _fields(number)
        number = int(stat[1]) if stat else 0
        if number < 1:
            return False
    return False


def _is_this_machine(peer: str, here: str) -> bool:
    try:
        return peer == here or ipaddress.ip_address(peer.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _looked_up(peer: frozenset[str], here: frozenset[str]) -> Socket | None:
    for table in _TABLES:
        try:
            lines = (_PROC / table).read_text("ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            # A socket that its process has closed has no inode any more, and may be shown as root's.
            if len(fields) > 9 and fields[1] in peer and fields[2] in here and fields[9] != "0":
                return Socket(fields[9], _user(fields[7]))
    return None


def _user(shown: str) -> int | None:
    """The user that the kernel shows as `shown`. In a namespace where not all have numbers, one stands for the rest."""
    if not shown.isdecimal():
        return None
    try:
        substitute = (_PROC / "sys/kernel/overflowuid").read_text("ascii").strip()
        mapped = (_PROC / "self/uid_map").read_text("ascii").split()
    except OSError:
        return None
    return None if shown == substitute and mapped != ["0", "0", str(2**32 - 1)] else int(shown)


def _spellings(address: Address) -> frozenset[str]:
    """How the kernel's tables may write an address: 32-bit words in the machine's byte order, then the port."""
    ip = ipaddress.ip_address(address[0].partition("%")[0])
    mapped = ipaddress.ip_address(f"::ffff:{ip}") if ip.version == 4 else ip.ipv4_mapped
    return frozenset(f"{_words(each.packed)}:{address[1]:04X}" for each in (ip, mapped) if each is not None)


def _words(packed: bytes) -> str:
    words = (packed[at : at + 4] for at in range(0, len(packed), 4))
    return "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words)


def _sockets(number: int) -> Iterator[str]:
    """The sockets that process `number` has open; none where it is gone or somebody else's."""
    directory = f"{_PROC}/{number}/fd"
    try:
        names = os.listdir(directory)  # noqa: PTH208
    except OSError:
        return
    for name in names:
        with contextlib.suppress(OSError):  # closed in the meantime
            if match := _SOCKET.fullmatch(os.readlink(f"{directory}/{name}")):  # noqa: PTH115
                yield match[1]


def _process(number: int) -> Process | None:
    stat = _stat(number)
    return Process(number, _program(number), stat[1]) if stat is not None else None


def _program(number: int) -> str:
    """The short name of the program; the kernel cuts it at 15 characters, where the file's name may know more."""
    try:
        name = (_PROC / str(number) / "comm").read_text("utf-8", "replace").rstrip("\n")
    except OSError:
        return "?"
    if len(name.encode()) < 15:
        return name
    try:
        file = (_PROC / str(number) / "exe").readlink().name
    except OSError:
        return name
    return file if file.startswith(name) else name


def _stat(number: int) -> tuple[bool, int] | None:
    """Whether process `number` runs, and when it began; `None` if there is none."""
    fields = _fields(number)
    return (fields[0] not in ("Z", "X"), int(fields[19])) if fields else None


def _fields(number: int) -> list[str] | None:
    """What the kernel tells of process `number` behind its name (proc_pid_stat(5)): state, parent, ..."""
    try:
        text = (_PROC / str(number) / "stat").read_text("utf-8", "replace")
    except OSError:
        return None
    # The second field is the name in brackets and may hold anything, brackets too.
    fields = text.rpartition(")")[2].split()
    return fields if len(fields) > 19 else None
