"""Images that are larger than those which every registry has, put there as a client would, with a token."""

from __future__ import annotations

import hashlib
import http.client
import json
import secrets
import ssl
from base64 import b64encode
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from regauth_core.simulate.image import MANIFEST_TYPE
from registries.ground import REGISTRY, TOKEN_SERVER
from registries.seed import TAG
from registries.servers import Registry

_CONFIG: Final = b'{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}'


def write_image(registry: Registry, repository: str, layers: int) -> None:
    """Put an image with so many small layers into `repository`."""
    headers = _token(registry, repository)
    connection = _direct(registry, REGISTRY)
    blobs = [secrets.token_bytes(256) for _ in range(layers)]
    for blob in (_CONFIG, *blobs):
        connection.request("POST", f"/v2/{repository}/blobs/uploads/", headers={**headers, "Content-Length": "0"})
        place = urlsplit(_answered(connection, 202).headers["Location"])
        target = f"{place.path}?{place.query}&digest={_described(blob)['digest']}"
        connection.request("PUT", target, blob, {**headers, "Content-Type": "application/octet-stream"})
        _answered(connection, 201)
    manifest = {
        **{"schemaVersion": 2, "mediaType": MANIFEST_TYPE},
        "config": {"mediaType": "application/vnd.docker.container.image.v1+json", **_described(_CONFIG)},
        "layers": [
            {"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", **_described(blob)} for blob in blobs
        ],
    }
    body = json.dumps(manifest)
    connection.request("PUT", f"/v2/{repository}/manifests/{TAG}", body, {**headers, "Content-Type": MANIFEST_TYPE})
    _answered(connection, 201)
    connection.close()


def _token(registry: Registry, repository: str) -> dict[str, str]:
    connection = _direct(registry, TOKEN_SERVER)
    pair = b64encode(f"{registry.login.user}:{registry.login.password}".encode()).decode()
    path = f"/token/?service=Real+registry&scope=repository:{repository}:pull,push"
    connection.request("GET", path, headers={"Host": TOKEN_SERVER, "Authorization": f"Basic {pair}"})
    answer: dict[str, Any] = json.loads(_answered(connection, 200).body)
    connection.close()
    return {"Host": REGISTRY, "Authorization": f"Bearer {answer.get('token') or answer['access_token']}"}


@dataclass(frozen=True, slots=True)
class _Answer:
    headers: http.client.HTTPMessage
    body: bytes


def _answered(connection: http.client.HTTPConnection, expected: int) -> _Answer:
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != expected:
        raise SystemExit(f"expected {expected}, got {answer.status}: {body[:200]!r}")
    return _Answer(answer.headers, body)


def _direct(registry: Registry, host: str) -> http.client.HTTPSConnection:
    """A connection without a proxy."""
    context = ssl.create_default_context(cafile=str(registry.authority))
    return http.client.HTTPSConnection("127.0.0.1", registry.ports[host, 443], timeout=60, context=context)


def _described(blob: bytes) -> dict[str, object]:
    return {"size": len(blob), "digest": f"sha256:{hashlib.sha256(blob).hexdigest()}"}
