"""An image that is at no registry yet, as the directory and the archive that clients write it from."""

from __future__ import annotations

import json
import secrets
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from regauth_core.simulate.image import digest, image

_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
_INDEX: Final = "application/vnd.oci.image.index.v1+json"
_CONFIG: Final = "application/vnd.oci.image.config.v1+json"
_LAYER: Final = "application/vnd.oci.image.layer.v1.tar+gzip"


@dataclass(frozen=True, slots=True)
class Layout:
    """An OCI image layout (image-spec, image-layout.md) with one image, which has the tag ``latest`` in it."""

    directory: Path
    name: str
    """What containerd calls the image, once it has read the archive."""
    layer: Path
    """The file of the only layer, a compressed tar archive."""

    @classmethod
    def written(cls, directory: Path, name: str) -> Layout:
        """Write an image that nobody has made before into a new directory, and the archive beside that."""
        made = image(secrets.token_hex(8))
        blobs = directory / "blobs" / "sha256"
        blobs.mkdir(parents=True)
        manifest = _written(
            blobs,
            _json(
                {
                    "schemaVersion": 2,
                    "mediaType": _MANIFEST,
                    "config": {"mediaType": _CONFIG, **_written(blobs, made.config)},
                    "layers": [{"mediaType": _LAYER, **_written(blobs, made.layer)}],
                }
            ),
        )
        annotations = {"org.opencontainers.image.ref.name": "latest", "io.containerd.image.name": name}
        index = {
            **{"schemaVersion": 2, "mediaType": _INDEX},
            "manifests": [{"mediaType": _MANIFEST, **manifest, "annotations": annotations}],
        }
        (directory / "index.json").write_bytes(_json(index))
        (directory / "oci-layout").write_bytes(_json({"imageLayoutVersion": "1.0.0"}))
        layout = cls(directory, name, blobs / digest(made.layer).removeprefix("sha256:"))
        with tarfile.open(layout.archive, "w") as archive:
            archive.add(directory, ".")
        return layout

    @property
    def archive(self) -> Path:
        """The directory's content as a tar archive."""
        return self.directory.with_suffix(".tar")


def _written(blobs: Path, content: bytes) -> dict[str, object]:
    """Write a blob; how the others refer to it."""
    name = digest(content)
    (blobs / name.removeprefix("sha256:")).write_bytes(content)
    return {"size": len(content), "digest": name}


def _json(value: object) -> bytes:
    return json.dumps(value).encode()
