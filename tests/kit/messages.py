"""Requests and answers as they are on the wire, of which only the named parts matter."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote

from regauth_core.model import FailureKind
from regauth_core.recording.observe import Wire

REALM = "https://auth.registry.test/token"
SCOPE = "repository:team/app:pull,push"
CHALLENGE = f'Bearer realm="{REALM}",service="registry.test",scope="{SCOPE}"'
DIGEST = "sha256:" + hashlib.sha256(b"a layer").hexdigest()
UPLOAD = "6b3c9a93-af5d-473f-a4cf-9710022185cd"
MANIFEST = "/v2/team/app/manifests/latest"
BLOB = f"/v2/team/app/blobs/{DIGEST}"


def opaque(name: str, size: int = 36) -> str:
    """A token without any structure, such as registries give out: letters of both cases and digits."""
    digest = hashlib.sha512(name.encode()).digest() * (size // 48 + 1)
    text = b64encode(digest).decode().replace("+", "x").replace("/", "7").replace("=", "")
    return "9kY" + text[: size - 3]


def encoded(part: object) -> str:
    """One part of a JWT."""
    return urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


CLAIMS = {
    "iss": "auth.registry.test",
    "aud": "registry.test",
    "sub": "",
    "exp": 1700000300,
    "nbf": 1700000000,
    "iat": 1700000000,
    "access": [{"type": "repository", "name": "team/app", "actions": ["pull", "push"]}],
}


def jwt(name: str, **claims: object) -> str:
    """A JWT with a signature that only this case has."""
    signature = opaque(name, 86)
    return f"{encoded({'alg': 'RS256', 'typ': 'JWT'})}.{encoded({**CLAIMS, 'jti': name, **claims})}.{signature}"


def basic(user: str, secret: str) -> str:
    """The value behind `Basic`."""
    return b64encode(f"{user}:{secret}".encode()).decode()


def wire(
    path: str = MANIFEST,
    *request_headers: tuple[str, str],
    method: str = "GET",
    host: str = "registry.test",
    body: bytes | None = None,
    status: int | None = 200,
    answer: bytes | str | None = None,
    headers: tuple[tuple[str, str], ...] = (),
    failure: tuple[FailureKind, str] | None = None,
) -> Wire:
    """An exchange of which only the named parts matter."""
    raw = answer.encode() if isinstance(answer, str) else answer
    return Wire(
        number=1,
        method=method,
        scheme="https",
        host=host,
        port=443,
        path=path,
        request_headers=(("Host", host), ("User-Agent", "skopeo/1.14.0"), *request_headers),
        request_body=body,
        request_size=len(body or b""),
        status=status,
        response_headers=headers,
        response_body=raw,
        response_size=len(raw or b""),
        failure=failure,
        started=1700000000.0,
        first_byte=1700000000.1,
        ended=1700000000.2,
    )


def asked(answer: bytes | str, *headers: tuple[str, str], kind: str = "application/json") -> Wire:
    """A token request with its answer."""
    path = f"/token?service=registry.test&scope={quote(SCOPE)}"
    return wire(path, *headers, host="auth.registry.test", answer=answer, headers=(("Content-Type", kind),))


def form(text: str) -> Wire:
    """A token request by POST."""
    kind = ("Content-Type", "application/x-www-form-urlencoded")
    return wire("/token", kind, method="POST", host="auth.registry.test", body=text.encode(), answer='{"token":""}')


def redirect(url: str) -> Wire:
    """A blob request that is sent elsewhere."""
    return wire(BLOB, status=307, headers=(("Location", url),))


def refused(**error: object) -> Wire:
    """A 401 with an error body."""
    body = json.dumps({"errors": [{"code": "UNAUTHORIZED", **error}]})
    return wire(status=401, answer=body, headers=(("WWW-Authenticate", CHALLENGE),))
