"""A small image that every client can pull: one layer with one file, the same bytes on every machine."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import tarfile
import zlib
from dataclasses import dataclass

MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
_CONFIG_TYPE = "application/vnd.docker.container.image.v1+json"
_LAYER_TYPE = "application/vnd.docker.image.rootfs.diff.tar.gzip"
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
"""No name, no time, no system (RFC 1952 section 2.3)."""
_BLOCK = 512
"""Bytes of a block of a tar archive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """The three objects of an image of Docker's schema 2."""

    manifest: bytes
    config: bytes
    layer: bytes


def image(name: str) -> Image:
    """The image that is called `name`: its file ``/image.txt`` says so, and so its digests are its own."""
    tar = _tar("image.txt", f"{name}\n".encode())
    layer = _gzip(tar)
    config = _json(
        {
            "architecture": "amd64",
            "os": "linux",
            "created": "1970-01-01T00:00:00Z",
            "config": {"Labels": {"org.opencontainers.image.title": name}},
            "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "regauth"}],
            "rootfs": {"type": "layers", "diff_ids": [digest(tar)]},
        }
    )
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": {"mediaType": _CONFIG_TYPE, "size": len(config), "digest": digest(config)},
            "layers": [{"mediaType": _LAYER_TYPE, "size": len(layer), "digest": digest(layer)}],
        }
    )
    return Image(manifest=manifest, config=config, layer=layer)


def digest(data: bytes) -> str:
    """The name of `data` among an image's objects, such as ``sha256:…``."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _tar(path: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        member = tarfile.TarInfo(path)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    # The format ends with two empty blocks; what follows fills a tape record, which nobody needs.
    return buffer.getvalue()[: _BLOCK * (1 + -(-len(content) // _BLOCK) + 2)]


def _gzip(data: bytes) -> bytes:
    """`data`, at most 65,535 bytes, as gzip in one stored block: compressors differ from machine to machine."""
    block = b"\x01" + struct.pack("<HH", len(data), len(data) ^ 0xFFFF) + data  # RFC 1951 section 3.2.4
    return _GZIP_HEADER + block + struct.pack("<LL", zlib.crc32(data), len(data))
