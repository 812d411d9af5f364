"""In which files each tool looks for credentials, by its environment.

docker: docker/cli ``cli/config/config.go``. containers: ``getAuthFilePaths`` of ``image/pkg/docker/config/config.go``
and ``GetDefaultAuthFile`` of ``common/pkg/auth/auth.go``. crane: go-containerregistry ``pkg/authn/keychain.go``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Final

AUTH_CONFIG: Final = "DOCKER_AUTH_CONFIG"


@dataclass(frozen=True, slots=True)
class Location:
    """One file."""

    path: str
    legacy: bool = False
    """It is a ``.dockercfg``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Locations:
    """What an environment says of where to look."""

    docker: str
    """docker's one file."""
    variable: str = field(default="", repr=False)
    """The content of DOCKER_AUTH_CONFIG."""
    containers: tuple[Location, ...]
    """In order."""
    chosen_by: str = ""
    """The variable that makes containers look at one file only."""
    crane: tuple[str, ...]
    """crane's files where there is none of docker's, in order."""
    docker_home: str
    """docker's file where DOCKER_CONFIG is not set: crane looks whether it exists, even if it then reads the other."""


def places(environment: Mapping[str, str], *, home: str, user: int, is_linux: bool = True) -> Locations:
    """Where to look in this `environment`; `home` is the user's home directory and `user` their number."""
    docker_home = _joined(home, ".docker", "config.json")
    docker = _joined(environment["DOCKER_CONFIG"], "config.json") if environment.get("DOCKER_CONFIG") else docker_home
    configured = _joined(environment.get("XDG_CONFIG_HOME") or _joined(home, ".config"), "containers", "auth.json")
    runtime_dir = environment.get("XDG_RUNTIME_DIR")
    if not is_linux:
        first = _joined(home, ".config", "containers", "auth.json")
    elif runtime_dir:
        first = _joined(runtime_dir, "containers", "auth.json")
    else:
        first = f"/run/containers/{user}/auth.json"
    chosen_by = next((name for name in ("REGISTRY_AUTH_FILE", "DOCKER_CONFIG") if environment.get(name)), "")
    if chosen_by:
        chosen = environment["REGISTRY_AUTH_FILE"] if chosen_by == "REGISTRY_AUTH_FILE" else docker
        containers: tuple[Location, ...] = (Location(chosen),)
    else:
        usual = dict.fromkeys((first, configured, docker_home))
        containers = (*map(Location, usual), Location(_joined(home, ".dockercfg"), legacy=True))
    registry_auth_file = environment.get("REGISTRY_AUTH_FILE")
    return Locations(
        docker=docker,
        variable=environment.get(AUTH_CONFIG, ""),
        containers=containers,
        chosen_by=chosen_by,
        crane=(
            *([registry_auth_file] if registry_auth_file else []),
            *([_joined(runtime_dir, "containers", "auth.json")] if runtime_dir else []),
            configured,
        ),
        docker_home=docker_home,
    )


def _joined(*parts: str) -> str:
    return str(PurePath(*parts))
