"""Real clients that ignore a repository's challenge, helped by regauth in front of the scenarios."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from clients import sessions
from clients.processes import status_of
from clients.programs import REGISTRY, Place, require, require_root
from clients.sessions import Mitmdump

pytestmark = pytest.mark.clients

COMMANDS: Final = {
    "skopeo copy": "skopeo",
    "containers-image-current inspect": "containers-image-current",
    "podman pull": "podman",
    "buildah pull": "buildah",
    "docker manifest inspect": "docker",
}
"""Each fails by itself with the right password (`test_clients.py`)."""
SCENARIOS: Final = ("per-repository-basic", "per-repository-bearer")


def options(mode: str, place: Place) -> dict[str, str]:
    """What regauth is told, by the name of the option."""
    if mode == "shim":
        return {"inject": mode, "shim": f"{REGISTRY}/foo"}
    # The token server's name tells nobody whose it is.
    return {"inject": mode, "credentials": str(place.authfile), "trust": "https://auth.test"}


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("mode", ["fill", "shim"])
@pytest.mark.parametrize("command", COMMANDS)
def test_ping_first_clients_read_with_help(
    command: str, mode: str, scenario: str, place: Place, state_home: Path
) -> None:
    """Nothing is found, the note says that there was a hand in it, and nothing leaks."""
    require(COMMANDS[command])
    given = [word for name, value in options(mode, place).items() for word in (f"--{name}", value)]
    told = sessions.run(place.command(command, "foo"), scenario, place, state_home, *given)
    assert (told.status, told.findings) == (0, []), told.output
    assert sum("regauth_inject=off" in note for note in told.document["notes"]) == 1
    assert told.leaks() == []


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("mode", ["fill", "shim"])
def test_docker_daemon_reads_with_help(mode: str, scenario: str, place: Place, authority_dir: Path) -> None:
    """Its graph-driver store, too."""
    require("dockerd", "docker")
    require_root()
    given = [f"regauth_{name}={value}" for name, value in options(mode, place).items()]
    with Mitmdump(scenario, place.directory / "regauth", authority_dir, *given) as mitmdump:
        with sessions.dockerd(place, mitmdump.variables) as docker:
            assert status_of([*docker, "pull", f"{REGISTRY}/foo:latest"], place.environment) == 0
        told = mitmdump.stop()
    assert told.findings == [], told.output
    assert told.leaks() == []
