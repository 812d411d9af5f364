"""How much is asked for one pull: by clients that have the password, and by the same clients where regauth has it.

Against Debian's registry with tokens of a real token server. Requests are those that the registry logs, exchanges those
that the token server logs; the client's own requests are what went through the proxy, without regauth's.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import secrets
import ssl
import tempfile
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from clients.programs import Place, path_of
from regauth_core.simulate.image import MANIFEST_TYPE
from registries import sessions
from registries.calls import Call
from registries.ground import REGISTRY, TOKEN_SERVER
from registries.seed import TAG
from registries.servers import Registry

CLIENTS: Final = ("oras", "ctr", "skopeo")
_CONFIG: Final = b'{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}'


@dataclass(frozen=True, slots=True)
class Asked:
    """What one pull asked for."""

    requests: int
    exchanges: int
    own: int
    """The client's own requests, those for tokens included."""


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


def asked(client: str, repository: str, registry: Registry, state_home: Path, *, fill: bool) -> Asked:
    """What a pull by `client` asks for; with `fill` the client has no password."""
    with tempfile.TemporaryDirectory(prefix="regauth-", ignore_cleanup_errors=True) as name:
        call = Call.made(Place.made(Path(name) / "client"), None if fill else registry.login)
        options = ("--inject", "fill", "--credentials", str(call.given(registry.login))) if fill else ()
        before = _logged(registry)
        told = sessions.read(client, repository, registry, call, state_home, *options)
    if told.status:
        raise SystemExit(f"{client}: {told.output}")
    requests, exchanges = (now - then for now, then in zip(_logged(registry), before, strict=True))
    return Asked(requests, exchanges, int(told.document["exchanges"]))


def table(registry: Registry, layers: int) -> None:
    """Print a row for each client, by itself and with regauth in its place."""
    repository = "alice/layers"
    write_image(registry, repository, layers)
    print(f"one pull of {layers} layers        requests  token exchanges  requests of the client's own")
    with tempfile.TemporaryDirectory() as state_home:
        for client in CLIENTS:
            if path_of(client) is None:
                print(f"{client}: not installed")
                continue
            first = 0
            for title, fill in ((f"{client}, by itself", False), (f"{client}, fill", True)):
                found = asked(client, repository, registry, Path(state_home), fill=fill)
                first = first or found.requests
                ratio = found.requests / first
                print(f"{title:27} {found.requests:6} ({ratio:.2f}x) {found.exchanges:12} {found.own:15}")


def _logged(registry: Registry) -> tuple[int, int]:
    log = registry.log.read_bytes()
    requests = re.findall(rb'"(?:GET|HEAD|POST|PATCH|PUT|DELETE) /v2/', log)
    return len(requests), len(re.findall(rb"msg=(?:getToken|postToken) ", log))


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
