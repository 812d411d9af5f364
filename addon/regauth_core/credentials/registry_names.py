"""How registries are called where people name them: in files of credentials and in options."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from regauth_core.model import DEFAULT_PORTS, Origin
from regauth_core.protocol.registries import DOCKER_HUB

HUB_REFERENCES: Final = frozenset({DOCKER_HUB, "index.docker.io"})
"""The names of Docker Hub that a reference may begin with."""
HUB_NAMES: Final = HUB_REFERENCES | {"registry-1.docker.io"}
"""All names that mean Docker Hub."""

_HOST = re.compile(r"(?P<host>\[[0-9a-f:.]{2,45}\]|[a-z0-9_][a-z0-9_.-]{0,252})(?P<port>:[0-9]{1,5})?")
_PREFIX = re.compile(r"[a-z0-9][a-z0-9._-]*+(?:/[a-z0-9][a-z0-9._-]*+)*+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace:
    """A registry, or the repositories of it below a prefix."""

    registry: str
    """``HOST`` or ``HOST:PORT``; ``docker.io`` for Docker Hub. 443 and 80 are left out."""
    prefix: str = ""
    """Whole components of a repository's name; ``""`` for all of the registry."""

    @staticmethod
    def read(text: str) -> Namespace | None:
        """What ``HOST``, ``HOST:PORT`` or either with a ``/PREFIX`` means; `None` for anything else."""
        host, _, prefix = text.rstrip("/").partition("/")
        match = _HOST.fullmatch(host.lower())
        if match is None or (prefix and not _PREFIX.fullmatch(prefix)):
            return None
        port = "" if match["port"] in (None, ":443", ":80") else match["port"]
        return Namespace(registry=f"{match['host']}{port}" if port else one_name(match["host"]), prefix=prefix)

    def __str__(self) -> str:
        """As it is written in an option."""
        return f"{self.registry}/{self.prefix}" if self.prefix else self.registry

    def covers(self, registry: str, repository: str) -> bool:
        """Whether `repository` (may be ``""``) of `registry` is in it."""
        if registry != self.registry:
            return False
        return not self.prefix or f"{repository}/".startswith(f"{self.prefix}/")


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


def registry_name(origin: Origin) -> str:
    """How credentials name the registry at `origin`: ``docker.io``, ``r.test`` or ``r.test:5000``."""
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    if origin.port != DEFAULT_PORTS.get(origin.scheme):
        return f"{host}:{origin.port}"
    return one_name(host)


def same_registry(key: str, host: str) -> bool:
    """Whether the key of an entry is meant for the registry `host`, however it is spelled."""
    return _plain(hostname(key)) == _plain(host)


def _plain(host: str) -> str:
    return one_name(host.lower().removesuffix(":443").removesuffix(":80").strip("[]"))
