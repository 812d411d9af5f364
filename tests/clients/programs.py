"""The registry clients: where they are, and how each is told to read one repository with its credentials."""

from __future__ import annotations

import json
import os
import shlex
import shutil
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
REGISTRY: Final = "registry.test"
USER: Final = "alice"
PASSWORD: Final = "wonder-land"  # noqa: S105  (the scenarios' own)
BASIC: Final = b64encode(f"{USER}:{PASSWORD}".encode()).decode()

SYSTEM_PATH: Final = "/usr/sbin:/usr/bin:/sbin:/bin"
_INSTALLED: Final = Path(os.environ.get("REGAUTH_CLIENTS") or ROOT / ".clients").absolute()
# What the install script put there comes first, then the system's: another docker may be earlier in PATH.
_SEARCHED: Final = os.pathsep.join([str(_INSTALLED / "bin"), SYSTEM_PATH, os.environ.get("PATH", "")])
_PYTHON: Final = _INSTALLED / "python" / "bin" / "python"
_MODULES: Final = {"oras-py": "oras", "dxf": "dxf"}

_PODMAN: Final = "podman --root {home}/root --runroot {home}/run --tmpdir {home}/libpod --storage-driver vfs"
_PYTHON_CLIENT: Final = f"{_PYTHON} {Path(__file__).with_name('python_client.py')} --username {USER}"

COMMANDS: Final = {
    "skopeo list-tags": "skopeo list-tags --authfile {authfile} docker://{repository}",
    "skopeo copy": "skopeo copy --src-authfile {authfile} docker://{repository}:latest dir:{home}/image",
    "containers-image-current list-tags": "containers-image-current --authfile {authfile} list-tags {repository}",
    "containers-image-current inspect": "containers-image-current --authfile {authfile} inspect {repository}:latest",
    "podman pull": _PODMAN + " pull --authfile {authfile} {repository}:latest",
    "buildah pull": "buildah --root {home}/root --runroot {home}/run --storage-driver vfs"
    " pull --authfile {authfile} {repository}:latest",
    "docker manifest inspect": "docker manifest inspect {repository}:latest",
    "ctr content fetch": f"ctr --address {{containerd}} content fetch --user {USER}:{PASSWORD} {{repository}}:latest",
    "oras repo tags": "oras repo tags --registry-config {authfile} {repository}",
    "oras manifest fetch": "oras manifest fetch --registry-config {authfile} {repository}:latest",
    "crane ls": "crane ls {repository}",
    "crane pull": "crane pull {repository}:latest {home}/image.tar",
    "regctl tag ls": "regctl tag ls {repository}",
    "regctl manifest get": "regctl manifest get {repository}:latest",
    "oras-py (token) tags": f"{_PYTHON_CLIENT} oras-py-token tags {{repository}}",
    "oras-py (basic) tags": f"{_PYTHON_CLIENT} oras-py-basic tags {{repository}}",
    "oras-py (token) image": f"{_PYTHON_CLIENT} oras-py-token image {{repository}}",
    "dxf tags": f"{_PYTHON_CLIENT} dxf tags {{repository}}",
    "dxf image": f"{_PYTHON_CLIENT} dxf image {{repository}}",
}
"""How each client is called to read a repository; the names are the tests'. A client that is given no file of
credentials on its command line finds the same file by DOCKER_CONFIG, the Python programs the password by theirs."""


@dataclass(frozen=True, slots=True)
class Place:
    """A directory that one client has for itself, with the credentials that are given to it."""

    directory: Path

    @classmethod
    def made(cls, directory: Path) -> Place:
        """A place in `directory`."""
        place = cls(directory)
        place.home.mkdir(parents=True)
        place.authfile.parent.mkdir()
        place.authfile.write_text(json.dumps({"auths": {REGISTRY: {"auth": BASIC}}}), "utf-8")
        place.authfile.chmod(0o600)
        return place

    @property
    def home(self) -> Path:
        """What the client takes for its user's home."""
        return self.directory / "home"

    @property
    def authfile(self) -> Path:
        """The file of credentials, in the form that all clients share."""
        return self.directory / "docker" / "config.json"

    @property
    def environment(self) -> dict[str, str]:
        """All the variables that the client has, without those for the proxy."""
        return {
            "PATH": SYSTEM_PATH,
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "DOCKER_CONFIG": str(self.authfile.parent),
            "REGISTRY_PASSWORD": PASSWORD,
        }

    def command(self, name: str, repository: str, containerd: str = "") -> list[str]:
        """The command line called `name` for `repository`; `containerd` is that daemon's socket."""
        line = COMMANDS[name].format(
            home=self.home, authfile=self.authfile, repository=f"{REGISTRY}/{repository}", containerd=containerd
        )
        program, *arguments = shlex.split(line)
        return [path_of(program) or program, *arguments]


def require(*clients: str) -> None:
    """Skip the test if one of `clients` is not installed, naming it."""
    for client in clients:
        if not _is_installed(client):
            unavailable(f"{client} is not installed (tests/clients/install)")


def require_root() -> None:
    """Skip the test unless it may start a daemon of containers."""
    if os.geteuid() != 0:
        unavailable("the docker daemon is started only by root")


def unavailable(reason: str) -> None:
    """Skip the test, or fail it where every client has to be there (REGAUTH_REQUIRE_CLIENTS=1)."""
    if os.environ.get("REGAUTH_REQUIRE_CLIENTS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def path_of(program: str) -> str | None:
    """The file of `program`."""
    return shutil.which(program, path=_SEARCHED)


def _is_installed(client: str) -> bool:
    if client in _MODULES:
        return any(_PYTHON.parents[1].glob(f"lib/python*/site-packages/{_MODULES[client]}"))
    return path_of(client) is not None
