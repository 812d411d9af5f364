"""A small registry client with a bug of one's choice, at a simulated registry: what passes becomes a conversation."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urljoin, urlsplit

from kit.notation import BEGIN, Talk
from regauth_core.recording.observe import Wire
from regauth_core.simulate.registry import Asked, Registry

_PARAMETER = re.compile(r'(\w+)="([^"]*)"')


class Bug(StrEnum):
    """What a client does wrong."""

    NONE = "none"
    TRUSTS_PING = "an open ping means no login anywhere"
    NO_TOKENS = "knows no Bearer"
    BASIC_FOR_BEARER = "answers Bearer with Basic"
    NO_SCOPE = "asks for a token without scope"
    ONLY_PULL = "asks for pull where push is needed"
    ONE_TOKEN = "sends the first token everywhere"
    STOPS_WITH_TOKEN = "gets a token and stops"
    LOSES_TOKEN = "gets a token and sends none"
    KEEPS_HEADER = "sends the credential where a redirect leads"
    KEEPS_TOKEN = "never renews a token"
    INSISTS = "repeats what was refused"
    FORM_ONLY = "asks for tokens by POST alone"
    SKIPS_SECOND = "reads the first challenge alone"


@dataclass
class Client:
    """One run of a client: pings, then pulls or pushes."""

    registry: Registry
    bug: Bug
    login: tuple[str, str] | None
    agent: str = "buggy/1.0"
    now: float = BEGIN
    wires: list[Wire] = field(default_factory=list)
    authorization: str | None = None
    token_scope: str = ""
    is_open: bool = False

    def talk(self) -> Talk:
        """What passed."""
        return Talk(name=f"a client that {self.bug}", wires=self.wires, agent=self.agent)

    def pull(self, repository: str, tag: str, pause: float = 0.0) -> None:
        """Ping, manifest, blobs."""
        self.ping()
        if not self._ok(self.ask("HEAD", f"/v2/{repository}/manifests/{tag}", f"repository:{repository}:pull")):
            return
        answer = self.ask("GET", f"/v2/{repository}/manifests/{tag}", f"repository:{repository}:pull")
        self.now += pause
        for digest in self._digests(answer):
            if not self._ok(self.ask("GET", f"/v2/{repository}/blobs/{digest}", f"repository:{repository}:pull")):
                return

    def push(self, repository: str) -> None:
        """Ping, and the beginning of an upload."""
        self.ping()
        scope = f"repository:{repository}:pull,push"
        start = self.ask("POST", f"/v2/{repository}/blobs/uploads/", scope)
        if start.status == 202:
            self.ask("PUT", f"/v2/{repository}/manifests/new", scope, b"{}")

    def ping(self) -> None:
        """Ask for the root."""
        self.is_open = self._ok(self.send("GET", "https://registry.test/v2/"))

    def ask(self, method: str, path: str, scope: str, body: bytes = b"") -> Wire:
        """One request with all that the client does about a refusal, and where a redirect leads."""
        url = f"https://registry.test{path}"
        if self.authorization and self.token_scope not in ("", scope) and self.bug is not Bug.ONE_TOKEN:
            self.authorization = None
        answer = self.send(method, url, self.authorization, body)
        if answer.status == 401:
            answer = self._after(answer, method, url, scope, body)
        location = _header(answer, "location")
        if answer.status in (301, 302, 303, 307, 308) and location:
            kept = self.authorization if self.bug is Bug.KEEPS_HEADER else None
            answer = self.send(method, urljoin(url, location), kept)
        return answer

    def _after(self, refused: Wire, method: str, url: str, scope: str, body: bytes) -> Wire:
        if self.bug is Bug.TRUSTS_PING and self.is_open:
            return refused
        if self.bug in (Bug.KEEPS_TOKEN, Bug.ONE_TOKEN) and self.authorization:
            return refused
        if self.bug is Bug.INSISTS and self.authorization:
            for _ in range(3):
                refused = self.send(method, url, self.authorization, body)
            return refused
        answered = self._answer(refused, scope)
        if answered is None or self.bug is Bug.STOPS_WITH_TOKEN:
            return refused
        self.authorization = answered
        return self.send(method, url, None if self.bug is Bug.LOSES_TOKEN else answered, body)

    def _answer(self, refused: Wire, scope: str) -> str | None:
        """The `Authorization` that a challenge asks for; `None` where the client can or will not give one."""
        lines = [v for n, v in refused.response_headers if n.lower() == "www-authenticate"]
        if self.bug is Bug.SKIPS_SECOND:
            lines = lines[:1]
        for line in lines:
            scheme, _, rest = line.partition(" ")
            if scheme.lower() == "bearer" and self.bug is not Bug.NO_TOKENS:
                if self.bug is Bug.BASIC_FOR_BEARER:
                    return self._basic()
                return self._token(dict(_PARAMETER.findall(rest)), scope)
            if scheme.lower() == "basic":
                return self._basic()
        return None

    def _basic(self) -> str | None:
        if self.login is None:
            return None
        return "Basic " + base64.b64encode(":".join(self.login).encode()).decode()

    def _token(self, parameters: dict[str, str], wanted: str) -> str | None:
        realm = urljoin("https://registry.test/", parameters.get("realm", ""))
        scope = parameters.get("scope", wanted)
        if self.bug is Bug.ONLY_PULL:
            scope = scope.replace("pull,push", "pull")
        query = f"service={parameters.get('service', '')}"
        if self.bug is not Bug.NO_SCOPE:
            query += f"&scope={scope}"
        if self.bug is Bug.FORM_ONLY and self.login is not None:
            form = f"grant_type=password&username={self.login[0]}&password={self.login[1]}&client_id=b&{query}"
            answer = self.send("POST", realm, None, form.encode())
        else:
            answer = self.send("GET", f"{realm}?{query}", self._basic())
        try:
            found = json.loads(answer.response_body or b"null")
        except ValueError:
            return None
        token = (found.get("token") or found.get("access_token")) if isinstance(found, dict) else None
        self.token_scope = wanted
        return f"Bearer {token}" if self._ok(answer) and token else None

    def send(self, method: str, url: str, authorization: str | None = None, body: bytes = b"") -> Wire:
        """Send one request; give what passed."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        headers = [("Host", host), ("User-Agent", self.agent)]
        if authorization:
            headers.append(("Authorization", authorization))
        if b"grant_type" in body:
            headers.append(("Content-Type", "application/x-www-form-urlencoded"))
        port = parts.port or (443 if parts.scheme == "https" else 80)
        asked = Asked(
            method=method, scheme=parts.scheme, host=host, port=port, path=path, headers=tuple(headers), body=body
        )
        answer = self.registry.answer(asked, self.now)
        wire = Wire(
            number=len(self.wires) + 1,
            method=method,
            scheme=parts.scheme,
            host=host,
            port=port,
            path=path,
            request_headers=tuple(headers),
            request_body=body or None,
            request_size=len(body),
            status=answer.status,
            response_headers=answer.headers,
            response_body=answer.body,
            response_size=len(answer.body),
            started=self.now,
            ended=self.now + 0.02,
            address="127.0.0.1",
        )
        self.wires.append(wire)
        self.now += 0.05
        return wire

    def _digests(self, answer: Wire) -> Iterator[str]:
        yield from dict.fromkeys(re.findall(r"sha256:[0-9a-f]{64}", (answer.response_body or b"").decode()))

    def _ok(self, answer: Wire) -> bool:
        return answer.status is not None and 200 <= answer.status < 300


def _header(wire: Wire, name: str) -> str | None:
    return next((v for n, v in wire.response_headers if n.lower() == name), None)
