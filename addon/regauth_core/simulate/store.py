"""What a simulated registry holds: blobs, manifests, tags and uploads under way, in memory and with a bound."""

from __future__ import annotations

import hashlib
import hmac
import re

from regauth_core.simulate.image import MANIFEST_TYPE, digest, image
from regauth_core.simulate.policy import Scenario

_OVERHEAD = 512
"""Bytes that a blob, a manifest, a tag or an upload counts beside its content."""
_DIGEST = re.compile(r"(sha256):[0-9a-f]{64}|(sha512):[0-9a-f]{128}")


class Full(Exception):
    """There is no room for what a client wants to push."""


class RegistryContent:
    """The content of every repository of one scenario."""

    def __init__(self, scenario: Scenario, secret: bytes, room: int) -> None:
        """Filled with the images of the scenario, which do not count; `secret` makes the names of uploads.

        `room`: bytes of all that clients may push.
        """
        self._secret = secret
        self._room = room
        self._blobs: dict[str, bytes] = {}
        self._linked: set[tuple[str, str]] = set()
        self._manifests: dict[tuple[str, str], tuple[str, bytes]] = {}
        self._tags: dict[tuple[str, str], str] = {}
        self._uploads: dict[tuple[str, str], bytearray] = {}
        self._sessions = 0
        self._is_checked = scenario.registry.uploads.checked
        for repository in scenario.registry.repositories:
            for tag in repository.images:
                self._stock(repository.name, tag)
            for name in repository.digests:
                self._make_up(repository.name, name)

    def blob(self, repository: str, name: str) -> bytes | None:
        """The blob with the digest `name`, if it is in `repository`."""
        return self._blobs[name] if (repository, name) in self._linked else None

    def any_blob(self, name: str) -> bytes | None:
        """The blob with the digest `name`, in whatever repository it is."""
        return self._blobs.get(name)

    def add_blob(self, repository: str, name: str, data: bytes) -> bool:
        """Keeps `data` in `repository` if its digest is `name`; says whether it is. Raises `Full`."""
        if self._is_checked and not is_digest_of(name, data):
            return False
        if name not in self._blobs:
            self._take(len(data))
            self._blobs[name] = data
        self._link(repository, name)
        return True

    def mount(self, repository: str, name: str, source: str) -> bool:
        """Makes the blob `name` of the repository `source` one of `repository`; says whether it is there."""
        if (source, name) not in self._linked:
            return False
        self._link(repository, name)
        return True

    def remove_blob(self, repository: str, name: str) -> bool:
        """Takes the blob `name` out of `repository`; says whether it was there. Its bytes stay for the others."""
        if (repository, name) not in self._linked:
            return False
        self._linked.remove((repository, name))
        self._room += _OVERHEAD
        return True

    def manifest(self, repository: str, reference: str) -> tuple[str, str, bytes] | None:
        """Digest, media type and bytes of the manifest with the tag or digest `reference`."""
        name = self._tags.get((repository, reference), reference)
        found = self._manifests.get((repository, name))
        return (name, *found) if found else None

    def manifests(self, repository: str) -> list[tuple[str, str, bytes]]:
        """Digest, media type and bytes of each manifest in `repository`, in the order in which they came."""
        return [(name, *found) for (where, name), found in self._manifests.items() if where == repository]

    def add_manifest(self, repository: str, name: str, tag: str | None, media_type: str, data: bytes) -> None:
        """Keeps a manifest, whose digest is `name`, and the tag that names it. Raises `Full`."""
        if (repository, name) not in self._manifests:
            self._take(len(data))
        self._manifests[repository, name] = (media_type, data)
        if tag is not None:
            if (repository, tag) not in self._tags:
                self._take(0)
            self._tags[repository, tag] = name

    def remove_manifest(self, repository: str, reference: str) -> bool:
        """Takes away the tag `reference`, or the manifest with that digest and its tags; says whether it was there."""
        if self._tags.pop((repository, reference), None):
            self._room += _OVERHEAD
            return True
        found = self._manifests.pop((repository, reference), None)
        if found is None:
            return False
        gone = [key for key, name in self._tags.items() if key[0] == repository and name == reference]
        for key in gone:
            del self._tags[key]
        self._room += len(found[1]) + _OVERHEAD * (1 + len(gone))
        return True

    def tags(self, repository: str) -> list[str]:
        """In the order of their characters."""
        return sorted(tag for name, tag in self._tags if name == repository)

    def begin_upload(self, repository: str) -> str:
        """The name of a new upload session, shaped as a UUID. Raises `Full`."""
        self._take(0)
        self._sessions += 1
        text = hmac.new(self._secret, f"upload {self._sessions}".encode(), hashlib.sha256).hexdigest()
        name = "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:32]))
        self._uploads[repository, name] = bytearray()
        return name

    def upload_size(self, repository: str, name: str) -> int | None:
        """The bytes that an upload session has; `None` where there is no such session."""
        data = self._uploads.get((repository, name))
        return None if data is None else len(data)

    def append_upload(self, repository: str, name: str, data: bytes) -> None:
        """Adds to an upload session that is there. Raises `Full`."""
        if len(data) > self._room:
            raise Full
        self._room -= len(data)
        self._uploads[repository, name] += data

    def end_upload(self, repository: str, name: str) -> bytes:
        """The bytes of an upload session that is there; it is gone afterwards."""
        data = bytes(self._uploads.pop((repository, name)))
        self._room += len(data) + _OVERHEAD
        return data

    def _stock(self, repository: str, tag: str) -> None:
        made = image(f"{repository}:{tag}")
        for blob in (made.config, made.layer):
            self._blobs[digest(blob)] = blob
            self._linked.add((repository, digest(blob)))
        self._manifests[repository, digest(made.manifest)] = (MANIFEST_TYPE, made.manifest)
        self._tags[repository, tag] = digest(made.manifest)

    def _make_up(self, repository: str, name: str) -> None:
        made = image(f"{repository}@{name}")
        self._blobs.setdefault(name, made.layer)
        self._linked.add((repository, name))
        self._manifests.setdefault((repository, name), (MANIFEST_TYPE, made.manifest))

    def _link(self, repository: str, name: str) -> None:
        if (repository, name) not in self._linked:
            self._take(0)
            self._linked.add((repository, name))

    def _take(self, size: int) -> None:
        if size + _OVERHEAD > self._room:
            raise Full
        self._room -= size + _OVERHEAD


def is_digest(text: str) -> bool:
    """Whether `text` is the digest of something, by one of the two algorithms that are known here."""
    return bool(_DIGEST.fullmatch(text))


def is_digest_of(name: str, data: bytes) -> bool:
    """Whether `name` is the digest of `data`."""
    match = _DIGEST.fullmatch(name)
    return bool(match) and hashlib.new(name.partition(":")[0], data).hexdigest() == name.partition(":")[2]
