"""How registries are called in files of credentials."""

from __future__ import annotations

from typing import Final

from regauth_core.registries import DOCKER_HUB

HUB_REFERENCES: Final = frozenset({DOCKER_HUB, "index.docker.io"})
"""The names of Docker Hub that a reference may begin with."""
HUB_NAMES: Final = HUB_REFERENCES | {"registry-1.docker.io"}
"""All names that mean Docker Hub."""


def hostname(key: str) -> str:
    """The host, with its port, out of a key: docker's ``ConvertToHostname``."""
    _, mark, rest = key.partition("://")
    if not mark:
        return key.partition("/")[0]
    authority = rest
    for sign in "/?#":
        authority = authority.partition(sign)[0]
    host = authority.rpartition("@")[2].removesuffix(":")
    # Without a port Go leaves the brackets of an IPv6 address out.
    return host[1:-1] if host.startswith("[") and host.endswith("]") else host


def one_name(host: str) -> str:
    """`host`, or the one name of Docker Hub for any of its names."""
    return DOCKER_HUB if host in HUB_NAMES else host


def same_registry(key: str, host: str) -> bool:
    """Whether the key of an entry is meant for the registry `host`, however it is spelled."""
    return _plain(hostname(key)) == _plain(host)


def _plain(host: str) -> str:
    return one_name(host.lower().removesuffix(":443").removesuffix(":80").strip("[]"))
