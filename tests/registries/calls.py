"""The clients' command lines: how each reads an image from a registry, and how it writes one there."""

from __future__ import annotations

import json
import shlex
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from clients.programs import Place, path_of
from clients.sessions import docker_commands
from registries.ground import REGISTRY, Login, write_private
from registries.layout import Layout
from registries.seed import TAG

_LOCAL: Final = "localhost/made:latest"
_PODMAN: Final = "podman --root {home}/root --runroot {home}/run --tmpdir {home}/libpod --storage-driver vfs"
_BUILDAH: Final = "buildah --root {home}/root --runroot {home}/run --storage-driver vfs"
_DOCKER_SESSION: Final = """
    {dockerd} >{directory}/dockerd.log 2>&1 & daemon=$!
    trap 'kill $daemon; wait $daemon' EXIT
    tries=0
    until {docker} version >{directory}/ready 2>&1; do
        tries=$((tries + 1)); [ $tries -lt 300 ] || {{ tail {directory}/dockerd.log >&2; exit 99; }}
        sleep 0.1
    done
"""
"""A docker daemon behind the same proxy as the shell that starts it, for as long as that shell lives."""

READING: Final = {
    "skopeo": "skopeo copy --src-authfile {authfile} docker://{image} dir:{home}/image",
    "containers-image-current": "containers-image-current --authfile {authfile} inspect {image}",
    "podman": _PODMAN + " pull --authfile {authfile} {image}",
    "buildah": _BUILDAH + " pull --authfile {authfile} {image}",
    "dockerd": _DOCKER_SESSION + "{docker} pull {image}",
    "ctr": "ctr --address {containerd} content fetch {user} {image}",
    "oras": "oras copy --from-registry-config {authfile} {image} --to-oci-layout {home}/image:latest",
    "crane": "crane pull {image} {home}/image.tar",
    "regctl": "regctl image export {image} {home}/image.tar",
}
"""Each reads a whole image, but containers-image-current: that reads the manifest and the configuration. A client that
is given no file of credentials on its command line finds it by DOCKER_CONFIG; ctr takes a password nowhere else."""

WRITING: Final = {
    "skopeo": "skopeo copy --dest-authfile {authfile} oci:{layout}:latest docker://{image}",
    "podman": _PODMAN + " push --authfile {authfile} {local} docker://{image}",
    "buildah": _BUILDAH + " push --authfile {authfile} {local} docker://{image}",
    "dockerd": _DOCKER_SESSION + "{docker} import {layer} {image}\n{docker} push {image}",
    "ctr": "ctr --address {containerd} images push {user} {image}",
    "oras": "oras copy --to-registry-config {authfile} --from-oci-layout {layout}:latest {image}",
    "crane": "crane push {layout} {image}",
    "regctl": "regctl image copy ocidir://{layout}:latest {image}",
}
"""Each writes the image that is in a directory, from where `PREPARING` put it."""

_INTO_STORAGE: Final = (
    "skopeo --insecure-policy copy oci:{layout}:latest containers-storage:[vfs@{home}/root+{home}/run]{local}"
)
PREPARING: Final = {
    "podman": _INTO_STORAGE,
    "buildah": _INTO_STORAGE,
    "ctr": "ctr --address {containerd} images import --no-unpack {archive}",
}
"""What has to be done before some can write, without a registry."""


@dataclass(frozen=True, slots=True)
class Call:
    """A client's place, and whom it says it is."""

    place: Place
    login: Login | None

    @classmethod
    def made(cls, place: Place, login: Login | None) -> Call:
        """A call by a client that has this login in its files, or none."""
        _write_login(place.authfile, login)
        return cls(place, login)

    def given(self, login: Login) -> Path:
        """A file of credentials that the client does not know, for regauth alone."""
        return _write_login(self.place.directory / "given.json", login)

    @property
    def environment(self) -> dict[str, str]:
        """The client's variables."""
        return self.place.environment

    @property
    def secrets(self) -> tuple[str, ...]:
        """What nobody must be told."""
        return secrets_of(self.login) if self.login else ()

    def reading(self, client: str, repository: str, containerd: str = "") -> list[str]:
        """The command line with which a client reads; `containerd` is that daemon's socket."""
        return self._words(READING[client], image=f"{REGISTRY}/{repository}:{TAG}", containerd=containerd)

    def writing(self, client: str, repository: str, containerd: str = "") -> tuple[list[str] | None, list[str]]:
        """The command line that makes ready, where one is needed, and the one with which a client writes.

        The image is a new one, so that nothing of it is at the registry.
        """
        made = Layout.written(self.place.directory / "made", f"{REGISTRY}/{repository}:{TAG}")
        named: dict[str, str | Path] = {
            **{"layout": made.directory, "layer": made.layer, "archive": made.archive, "local": _LOCAL},
            **{"image": made.name, "containerd": containerd},
        }
        prepared = self._words(PREPARING[client], **named) if client in PREPARING else None
        return prepared, self._words(WRITING[client], **named)

    def _words(self, template: str, **named: str | Path) -> list[str]:
        user = f"--user {_plain(self.login)}" if self.login else ""
        own = {"home": self.place.home, "directory": self.place.directory, "authfile": self.place.authfile}
        if "{dockerd}" not in template:
            name, *arguments = shlex.split(template.format(**own, **named, user=user))
            return [path_of(name) or name, *arguments]
        dockerd, docker = map(shlex.join, docker_commands(self.place))
        return ["/bin/sh", "-c", template.format(**own, **named, dockerd=dockerd, docker=docker)]


def _plain(login: Login) -> str:
    return f"{login.user}:{login.password}"


def secrets_of(login: Login) -> tuple[str, ...]:
    """What of a login must not be told."""
    return login.password, b64encode(_plain(login).encode()).decode()


def _write_login(file: Path, login: Login | None) -> Path:
    auths = {REGISTRY: {"auth": b64encode(_plain(login).encode()).decode()}} if login else {}
    return write_private(file, json.dumps({"auths": auths}).encode())
