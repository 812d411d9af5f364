"""Clients at work behind `regauth run`, in front of a real registry."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from clients.processes import ended, start, status_of
from clients.programs import path_of, require, require_root
from clients.sessions import Files, Told, containerd
from registries.calls import Call
from registries.servers import Registry

_RESOLVED: Final = Path(__file__).with_name("resolved.py")
_NOBODY: Final = "Og=="
_NEEDS: Final = {"dockerd": ("dockerd", "docker"), "ctr": ("ctr", "containerd")}


def read(client: str, repository: str, registry: Registry, call: Call, state_home: Path, *options: str) -> Told:
    """What regauth tells of a client that reads the image of a repository; `options` are those of `regauth run`."""
    with _daemon(client, call) as socket:
        return _run(call.reading(client, repository, socket), registry, call, state_home, *options)


def write(client: str, repository: str, registry: Registry, call: Call, state_home: Path, *options: str) -> Told:
    """What regauth tells of a client that writes an image, which no registry has, to a repository."""
    with _daemon(client, call) as socket:
        prepare, command = call.writing(client, repository, socket)
        if prepare is not None:
            assert status_of(prepare, call.environment) == 0, f"{client}: no image to write: {prepare}"
        return _run(command, registry, call, state_home, *options)


def run(command: list[str], registry: Registry, call: Call, state_home: Path, *options: str) -> Told:
    """What regauth tells of another command line, whose first word is a client."""
    require(command[0])
    return _run([path_of(command[0]) or command[0], *command[1:]], registry, call, state_home, *options)


@contextlib.contextmanager
def _daemon(client: str, call: Call) -> Iterator[str]:
    """The socket of the daemon that a client needs and that asks no registry itself."""
    require(*_NEEDS.get(client, (client,)))
    if client == "dockerd":
        require_root()
    with containerd(call.place) if client == "ctr" else contextlib.nullcontext("") as socket:
        yield socket


def _run(command: list[str], registry: Registry, call: Call, state_home: Path, *options: str) -> Told:
    """`regauth run` with the command; below `state_home` it keeps its authority."""
    files = Files(Path(tempfile.mkdtemp(prefix="regauth-", dir=call.place.directory)))
    regauth = [
        *(sys.executable, str(_RESOLVED), "run", *options, "--trace", files.report(".trace")),
        *("-o", files.report(".json"), "-o", files.report(".md"), "--", *command),
    ]
    environment = {
        **call.environment,
        "XDG_STATE_HOME": str(state_home),
        "SSL_CERT_FILE": str(registry.authority),
        "REGAUTH_TAP": str(files.tap),
        "REGAUTH_TEST_NAMES": registry.names,
    }
    with files.output.open("wb") as output:
        process = start(regauth, environment, stderr=output)
    told = files.told(ended(process))
    # The login of nobody is no secret: containers/image sends it where it has none.
    tapped = (secret for secret in told.secrets if secret != _NOBODY)
    return dataclasses.replace(told, secrets=(*tapped, *call.secrets))
