"""What an exchange shows, read from its bytes alone: it shares no code with what is tested.

It reads the plain forms that conversations of tests have, not everything that may arrive on a wire.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs

from regauth_core.recording.observe import Wire

_CHALLENGE = re.compile(r'([\w!#$%&*+.^`|~-]+)\s*=\s*("(?:\\.|[^"\\])*"?|[^,\s]*)|([A-Za-z][\w.-]*)|[\s\S]')
_REPOSITORY = re.compile(r"/v2/(.+?)/(?:manifests|blobs|tags|referrers)(?:/|$)")
_DOCKER_HUB = ("docker.io", "index.docker.io", "registry-1.docker.io")


def registry_name(host: str) -> str:
    """One name for the names of Docker Hub; other hosts as they are."""
    return "docker.io" if host in _DOCKER_HUB else host


@dataclass(frozen=True)
class Fact:
    """One exchange."""

    wire: Wire = field(repr=False)

    @property
    def number(self) -> int:
        """Its number."""
        return self.wire.number

    @property
    def client(self) -> tuple[object, ...]:
        """What tells the client from others."""
        wire = self.wire
        if wire.label is not None:
            return ("label", wire.label)
        if wire.process is not None:
            return ("process", wire.process, wire.program)
        return ("address", wire.address, self.request_header("user-agent"))

    @property
    def status(self) -> int:
        """Its status, 0 without an answer."""
        return self.wire.status or 0

    @property
    def path(self) -> str:
        """The path without the query."""
        return self.wire.path.partition("?")[0]

    @cached_property
    def query(self) -> dict[str, list[str]]:
        """The parameters of the query."""
        return parse_qs(self.wire.path.partition("?")[2], keep_blank_values=True)

    @cached_property
    def form(self) -> dict[str, list[str]]:
        """The fields of a form."""
        return parse_qs((self.wire.request_body or b"").decode("utf-8", "replace"), keep_blank_values=True)

    @property
    def host(self) -> str:
        """The registry, by one name, or whichever host was asked."""
        return registry_name(self.wire.host)

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port."""
        return (self.wire.scheme, self.wire.host, self.wire.port)

    @property
    def address(self) -> str:
        """The URL without the query."""
        wire = self.wire
        port = "" if wire.port == {"https": 443, "http": 80}[wire.scheme] else f":{wire.port}"
        return f"{wire.scheme}://{wire.host}{port}{self.path}"

    def request_header(self, name: str) -> str | None:
        """The first value."""
        return next((v for n, v in self.wire.request_headers if n.lower() == name), None)

    def response_headers(self, name: str) -> list[str]:
        """All values."""
        return [v for n, v in self.wire.response_headers if n.lower() == name]

    @cached_property
    def credentials(self) -> list[tuple[str, str]]:
        """Scheme in lower case and the rest of each `Authorization`, without those that name nobody."""
        found = []
        for name, value in self.wire.request_headers:
            if name.lower() != "authorization":
                continue
            scheme, _, rest = value.strip().partition(" ")
            if rest.strip() and rest.strip() != "Og==":
                found.append((scheme.lower(), rest.strip()))
        return found

    @property
    def has_authorization(self) -> bool:
        """Whether there is such a header, whatever is in it."""
        return self.request_header("authorization") is not None

    @cached_property
    def login(self) -> tuple[str, str] | None:
        """User name and password of Basic."""
        for scheme, value in self.credentials:
            if scheme == "basic":
                try:
                    user, _, password = base64.b64decode(value, validate=True).decode("utf-8", "replace").partition(":")
                except (binascii.Error, ValueError):
                    return ("?", value)
                return (user, password)
        return None

    @cached_property
    def secrets(self) -> set[str]:
        """Passwords and refresh tokens that the request carries."""
        found = {f"{self.login[0]}:{self.login[1]}"} if self.login is not None else set()
        user = self.form.get("username", [""])[0]
        return found | {f"{user}:{p}" for p in self.form.get("password", [])} | set(self.form.get("refresh_token", []))

    @property
    def bearer(self) -> str | None:
        """The token that the request carries."""
        return next((value for scheme, value in self.credentials if scheme == "bearer"), None)

    @property
    def is_anonymous(self) -> bool:
        """Whether nothing says who asks."""
        return not self.credentials and not self.secrets

    @cached_property
    def challenges(self) -> list[tuple[str, dict[str, str]]]:
        """Scheme in lower case and parameters of each challenge."""
        found: list[tuple[str, dict[str, str]]] = []
        for line in self.response_headers("www-authenticate"):
            found.append(("", {}))
            for match in _CHALLENGE.finditer(line):
                name, value, word = match.groups()
                if word:
                    found.append((word.lower(), {}))
                elif name:
                    found[-1][1].setdefault(name.lower(), re.sub(r"\\(.)", r"\1", (value or "").strip('"')))
        return [one for one in found if one[0]]

    @property
    def schemes(self) -> set[str]:
        """The schemes of its challenges."""
        return {scheme for scheme, _ in self.challenges}

    @cached_property
    def json(self) -> dict[str, Any]:
        """The object in the body; empty where it is none."""
        try:
            value = json.loads(self.wire.response_body or b"null")
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}

    @cached_property
    def tokens(self) -> set[str]:
        """The tokens that a good answer issues."""
        if not 200 <= self.status < 300:
            return set()
        return {v for n in ("token", "access_token") if isinstance(v := self.json.get(n), str) and v}

    @property
    def body(self) -> str:
        """The text of the answer."""
        return (self.wire.response_body or b"").decode("utf-8", "replace")

    @property
    def is_registry(self) -> bool:
        """Whether it is below ``/v2/``."""
        return self.path == "/v2" or self.path.startswith("/v2/")

    @property
    def is_ping(self) -> bool:
        """Whether it asks for the registry's root."""
        return self.path in ("/v2", "/v2/")

    @property
    def repository(self) -> str | None:
        """The repository that the path names."""
        match = _REPOSITORY.match(self.path)
        if match is not None:
            name = match[1]
            return name.removeprefix("library/") if self.host == "docker.io" else name
        return None

    @property
    def asked(self) -> str:
        """The scopes that a token request asks for, or ``no scope``."""
        return " ".join([*self.query.get("scope", []), *self.form.get("scope", [])]) or "no scope"

    @property
    def is_served(self) -> bool:
        """Whether it got what it asked for."""
        return 200 <= self.status < 400

    @property
    def is_refused(self) -> bool:
        """Whether it failed: refused, an error, or no answer that came from the other side."""
        return self.status >= 400 or (self.status == 0 and self.failed is not None)

    @property
    def failed(self) -> str | None:
        """Why there is no answer."""
        failure = self.wire.failure
        return str(failure[0]) if failure is not None and self.status == 0 else None

    @property
    def what(self) -> tuple[object, ...]:
        """What is equal for the same request: HEAD and GET are."""
        method = "GET" if self.wire.method == "HEAD" else self.wire.method
        return (method, self.host, self.path)
