"""The images that are in every registry, put there over HTTP by a registry that asks nobody for anything."""

from __future__ import annotations

import http.client
import socket
from pathlib import Path
from typing import Final
from urllib.parse import urlencode, urlsplit

from regauth_core.simulate.image import MANIFEST_TYPE, digest, image

REPOSITORIES: Final = ("foo", "bar", "baz", "alice/app", "bob/app", "public/app")
TAG: Final = "latest"


class LocalConnection(http.client.HTTPConnection):
    """HTTP over a socket in the file system."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=20)
        self._path = path

    def connect(self) -> None:
        """Called by the first request."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def push(connection: http.client.HTTPConnection, repository: str) -> None:
    """Push the image called `repository` there, with the tag `TAG`."""
    made = image(repository)
    for blob in (made.config, made.layer):
        _, upload = _sent(connection, "POST", f"/v2/{repository}/blobs/uploads/", 202)
        parts = urlsplit(upload)
        query = "&".join(filter(None, [parts.query, urlencode({"digest": digest(blob)})]))
        _sent(connection, "PUT", f"{parts.path}?{query}", 201, blob, "application/octet-stream")
    _sent(connection, "PUT", f"/v2/{repository}/manifests/{TAG}", 201, made.manifest, MANIFEST_TYPE)


def _sent(
    connection: http.client.HTTPConnection, method: str, path: str, wanted: int, body: bytes = b"", kind: str = ""
) -> tuple[int, str]:
    """Send a request that has to be answered with the status `wanted`; that, and where the answer points."""
    connection.request(method, path, body, {"Content-Type": kind} if kind else {})
    answer = connection.getresponse()
    content = answer.read()
    assert answer.status == wanted, f"{method} {path}: {answer.status} {content[:300]!r}"
    return answer.status, answer.getheader("Location", "")
