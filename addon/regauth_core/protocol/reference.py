"""What registry and repository an image's name means (distribution/reference, "Grammar" and its normalisation)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from regauth_core.protocol.registries import DOCKER_HUB

MAX_REFERENCE: Final = 1024
"""Characters of a name."""

_HUB_ENDPOINT: Final = "registry-1.docker.io"
_TRANSPORT = re.compile(r"(?:docker|oci)://")
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9][A-Za-z0-9._-]{0,252})(?::[0-9]{1,5})?")
_REPOSITORY = re.compile(r"[a-z0-9][a-z0-9._-]*+(?:/[a-z0-9][a-z0-9._-]*+)*+")
_TAG = re.compile(r":[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_PORT = re.compile(r":[0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class NamedRepository:
    """A repository of a registry."""

    host: str
    """As the name spells it, with the port if there is one; ``docker.io`` for Docker Hub."""
    repository: str
    """``""`` for a registry without a repository."""

    def __str__(self) -> str:
        """The whole name, without tag and digest."""
        return f"{self.host}/{self.repository}" if self.repository else self.host

    @property
    def endpoint(self) -> str:
        """The host that is asked."""
        return _HUB_ENDPOINT if self.host == DOCKER_HUB else self.host


def named(text: str) -> NamedRepository | None:
    """What `text`, such as ``alpine`` or ``docker://r.test:5000/team/app:1.0``, names; `None` where it is not a name.

    A host alone (``quay.io``, ``localhost:5000``) is taken for the registry, where docker would see a repository.
    """
    if not text or len(text) > MAX_REFERENCE:
        return None
    bare = _TRANSPORT.sub("", text, count=1) if _TRANSPORT.match(text) else text
    bare = bare.partition("@")[0] if re.search(r"@[a-z0-9+._-]{2,32}:[0-9a-f]{32,128}\Z", bare) else bare
    first, slash, rest = bare.partition("/")
    if not slash:
        is_registry = _is_host(first) and first == first.lower() and not _has_tag(first)
        return _checked(first, "") if is_registry else _checked(DOCKER_HUB, _library(first))
    if not _is_host(first):
        return _checked(DOCKER_HUB, bare)
    host = DOCKER_HUB if first == "index.docker.io" else first
    return _checked(host, _library(rest) if host == DOCKER_HUB else rest)


def _is_host(text: str) -> bool:
    """Whether the first component of a name is a host: it has a dot or a port, or is ``localhost``, or has capitals."""
    return "." in text or ":" in text or text == "localhost" or text != text.lower()


def _has_tag(text: str) -> bool:
    """Whether a name of one component has a tag and not a port behind its colon."""
    name, colon, _ = text.rpartition(":")
    if not colon or text.endswith("]"):
        return False
    return not (_PORT.fullmatch(text[len(name) :]) and ("." in name or name == "localhost"))


def _library(repository: str) -> str:
    """On Docker Hub a name of one component is an official image's."""
    return repository if "/" in repository or not repository else f"library/{repository}"


def _checked(host: str, path: str) -> NamedRepository | None:
    head, slash, last = path.rpartition("/")
    name, colon, tag = last.partition(":")
    if colon and not _TAG.fullmatch(f":{tag}"):
        return None
    repository = f"{head}{slash}{name}"
    if not _HOST.fullmatch(host) or (path and not _REPOSITORY.fullmatch(repository)):
        return None
    return NamedRepository(DOCKER_HUB if host == "index.docker.io" else host, repository)
