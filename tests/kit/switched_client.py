"""A small registry client that does right, and with switches each of the known wrongs.

    python -m kit.switched_client [--ignore-401 …] [--login USER:PASSWORD] {tags,pull,push,mount} https://HOST NAME

In tests it talks to a simulated registry in the same process, and every exchange is recorded.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote, urljoin, urlsplit

from regauth_core.protocol import challenge
from regauth_core.simulate.image import digest as digest_of
from regauth_core.simulate.image import image

SWITCHES = (
    "ignore-401",
    "trust-ping",
    "fatal-ping",
    "first-challenge-only",
    "drop-scope",
    "drop-service",
    "keep-expired",
    "keep-refused-token",
    "ignore-access-token",
    "send-empty-token",
    "reject-narrow",
    "post-only",
    "repeat-refused",
    "retry-forever",
    "give-up-on-5xx",
    "ignore-retry-after",
    "leak-on-redirect",
    "password-to-any-realm",
    "answer-proxy",
    "no-mount-fallback",
    "ignore-location",
)
"""What can be done wrong."""
MANY = 12
"""Times that a client tries which never ends by itself."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def all(self, name: str) -> list[str]:
        """Every value of a field."""
        return [value for key, value in self.headers if key.lower() == name]


Send = Callable[[str, str, list[tuple[str, str]], bytes], Reply]
"""Sends method, URL, headers and body."""


class GaveUp(Exception):
    """The client cannot go on."""


@dataclass(slots=True)
class SwitchedClient:
    """One client with one registry."""

    registry: str
    """Its URL without a path."""
    login: tuple[str, str] | None
    send: Send
    wrong: frozenset[str] = frozenset()
    wait: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time
    tokens: dict[str, tuple[str, float]] = field(default_factory=dict)
    """By scope: the token and when it ends."""
    pinged: Reply | None = None
    basic: bool = False

    def perform(self, action: str, repository: str, source: str | None = None) -> bool:
        """Whether `action` succeeded."""
        try:
            self._ping()
            match action:
                case "tags":
                    self._ask("GET", f"/v2/{repository}/tags/list", "pull")
                case "pull":
                    self._pull(repository)
                case _:
                    self._push(repository, source)
        except GaveUp:
            return False
        return True

    def _ping(self) -> None:
        self.pinged = self.send("GET", f"{self.registry}/v2/", [], b"")
        if self.pinged.status != 200 and "fatal-ping" in self.wrong:
            raise GaveUp

    def _pull(self, repository: str) -> None:
        reply = self._ask("GET", f"/v2/{repository}/manifests/latest", "pull")
        manifest = json.loads(reply.body)
        for part in (manifest["config"], *manifest["layers"]):
            self._ask("GET", f"/v2/{repository}/blobs/{part['digest']}", "pull")

    def _push(self, repository: str, source: str | None) -> None:
        digests = [self._upload(repository, source, data) for data in (b"{}", b"layer")]
        parts = [{"mediaType": "application/octet-stream", "size": 2, "digest": digest} for digest in digests]
        body = json.dumps({"schemaVersion": 2, "config": parts[0], "layers": parts[1:]}).encode()
        self._ask("PUT", f"/v2/{repository}/manifests/new", "pull,push", body)

    def _upload(self, repository: str, source: str | None, data: bytes) -> str:
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        path = f"/v2/{repository}/blobs/uploads/"
        reply = None
        if source is not None:
            try:
                mounted = f"{path}?mount={self._held(source)}&from={source}"
                reply = self._ask("POST", mounted, "pull,push", also=f"repository:{source}:pull")
                if reply.status == 201:
                    return self._held(source)
            except GaveUp:
                reply = None
            if "no-mount-fallback" in self.wrong:
                raise GaveUp
        if reply is None or reply.status != 202:
            reply = self._ask("POST", path, "pull,push")
        place = reply.all("location")[0]
        if "ignore-location" in self.wrong:
            place = f"{path}0-0"
        mark = "&" if "?" in place else "?"
        self._ask("PUT", f"{place}{mark}digest={digest}", "pull,push", data)
        return digest

    def _held(self, source: str) -> str:
        return digest_of(image(f"{source}:latest").layer)

    def _ask(self, method: str, path: str, actions: str, body: bytes = b"", also: str = "") -> Reply:
        """The good answer to a request of the registry. Raises `GaveUp` where there is none."""
        url = urljoin(f"{self.registry}/", path)
        repository = urlsplit(url).path.removeprefix("/v2/").rpartition("/")[0]
        for word in ("/manifests", "/tags", "/blobs/uploads", "/blobs"):
            repository = repository.removesuffix(word)
        scope = f"repository:{repository}:{actions}"
        credential = self._remembered(scope)
        answered, renewed, waited = False, False, 0
        for _ in range(40):
            reply = self._follow(method, url, credential, body)
            if reply.status == 401 and reply.all("www-authenticate") and "ignore-401" not in self.wrong:
                if "trust-ping" in self.wrong and self.pinged is not None and self.pinged.status == 200:
                    raise GaveUp
                if credential and "repeat-refused" in self.wrong and waited < 3:
                    waited += 1
                    continue
                if credential and "keep-refused-token" in self.wrong:
                    raise GaveUp
                if answered and (renewed or not credential.startswith("Bearer")):
                    raise GaveUp
                renewed = bool(credential) and credential.startswith("Bearer")
                answered = answered or not renewed
                self.tokens.pop(scope, None)
                credential = self._answer(reply, scope, also, before=credential)
                continue
            if reply.status == 407 and "answer-proxy" in self.wrong and not credential:
                credential = self._password()
                continue
            if reply.status >= 300:
                self._wait_after(reply, waited)
                waited += 1
                continue
            return reply
        raise GaveUp

    def _wait_after(self, reply: Reply, waited: int) -> None:
        """Lets time pass before another try. Raises `GaveUp` where there is none after `waited` tries."""
        passes = reply.status == 429 or reply.status >= 500
        most = 2 if passes and "give-up-on-5xx" not in self.wrong or "repeat-refused" in self.wrong else 0
        if waited >= (MANY if "retry-forever" in self.wrong else most):
            raise GaveUp
        after = next(iter(reply.all("retry-after")), "0")
        if passes:
            self.wait(0 if "ignore-retry-after" in self.wrong else float(after) if after.isdecimal() else 1)

    def _follow(self, method: str, url: str, credential: str, body: bytes) -> Reply:
        """The answer, redirects followed."""
        home = urlsplit(url).netloc
        for _ in range(5):
            here = urlsplit(url).netloc
            keeps = here == home or "leak-on-redirect" in self.wrong
            is_safe = (
                urlsplit(url).scheme == "https" or self.registry.startswith("http:") or "leak-on-redirect" in self.wrong
            )
            sent = [("Authorization", credential)] if credential and keeps and is_safe else []
            reply = self.send(method, url, sent, body)
            if reply.status not in (301, 302, 303, 307, 308) or not reply.all("location"):
                return reply
            url = urljoin(url, reply.all("location")[0])
        return reply

    def _remembered(self, scope: str) -> str:
        held = self.tokens.get(scope)
        if held and (held[1] > self.now() or "keep-expired" in self.wrong):
            return f"Bearer {held[0]}"
        return self._password() if self.basic else ""

    def _password(self) -> str:
        pair = ":".join(self.login or ("", ""))
        return f"Basic {base64.b64encode(pair.encode()).decode()}"

    def _answer(self, refused: Reply, scope: str, also: str, *, before: str) -> str:
        """The credential for the challenges of `refused`."""
        offered = challenge.read(refused.all("www-authenticate")).challenges
        if "first-challenge-only" in self.wrong:
            offered = offered[:1]
        bearer = next((one for one in offered if one.scheme.lower() == "bearer" and one.parameter("realm")), None)
        basic = next((one for one in offered if one.scheme.lower() == "basic"), None)
        if bearer is not None:
            named = bearer.parameter("scope")
            if "drop-scope" in self.wrong:
                named = None
            return self._token(
                bearer.parameter("realm") or "", bearer.parameter("service"), named or scope, scope, also
            )
        if basic is not None and self.login and not before.startswith("Basic"):
            self.basic = True
            return self._password()
        raise GaveUp

    def _trusts(self, realm: str) -> bool:
        host = urlsplit(realm).hostname or ""
        domain = ".".join((urlsplit(self.registry).hostname or "").split(".")[-1:])
        near = host.endswith(f".{domain}") or host == domain
        return "password-to-any-realm" in self.wrong or (realm.startswith("https:") and near)

    def _token(self, realm: str, service: str | None, scope: str, key: str, also: str) -> str:
        pairs = [
            ("scope", one) for one in (*scope.split(), *([also] if also and "drop-scope" not in self.wrong else []))
        ]
        if service and "drop-service" not in self.wrong:
            pairs.insert(0, ("service", service))
        if "drop-scope" in self.wrong:
            pairs = [pair for pair in pairs if pair[0] != "scope"]
        query = "&".join(f"{name}={quote(value)}" for name, value in pairs)
        may = self.login is not None and self._trusts(realm)
        begun = self.now()
        reply = None
        if may and self.login is not None:
            form = f"grant_type=password&username={quote(self.login[0])}&password={quote(self.login[1])}&{query}"
            kind = [("Content-Type", "application/x-www-form-urlencoded")]
            reply = self.send("POST", realm, kind, form.encode())
            if reply.status >= 400 and "post-only" in self.wrong:
                raise GaveUp
        if reply is None or reply.status >= 400:
            sent = [("Authorization", self._password())] if may else []
            reply = self.send("GET", f"{realm}{'&' if '?' in realm else '?'}{query}", sent, b"")
        try:
            fields = json.loads(reply.body) if reply.status == 200 else {}
        except ValueError:
            fields = {}
        token: str = fields.get("token") or (
            "" if "ignore-access-token" in self.wrong else fields.get("access_token") or ""
        )
        if not token and "send-empty-token" not in self.wrong:
            raise GaveUp
        if "reject-narrow" in self.wrong and "push" in scope and '"push"' not in _claims(token):
            raise GaveUp
        self.tokens[key] = (token, begun + (fields.get("expires_in") or 60))
        return f"Bearer {token}"


def _claims(token: str) -> str:
    middle = token.split(".")[1] if token.count(".") == 2 else ""
    return base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)).decode("utf-8", "replace")


def by_network(method: str, url: str, headers: list[tuple[str, str]], body: bytes) -> Reply:
    """Sends over the network, as the environment says, without following redirects."""

    class NoRedirect(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: object) -> None:
            """Left to the client."""

    request = urllib.request.Request(url, data=body or None, headers=dict(headers), method=method)  # noqa: S310
    try:
        with urllib.request.build_opener(NoRedirect()).open(request, timeout=30) as answer:
            return Reply(answer.status, tuple(answer.headers.items()), answer.read())
    except urllib.error.HTTPError as error:
        return Reply(error.code, tuple(error.headers.items()), error.read())


def main(arguments: list[str]) -> int:
    """0 where the action succeeded."""
    parser = argparse.ArgumentParser(prog="switched_client")
    for switch in SWITCHES:
        parser.add_argument(f"--{switch}", action="store_true")
    parser.add_argument("--login")
    parser.add_argument("--source")
    parser.add_argument("action", choices=("tags", "pull", "push", "mount"))
    parser.add_argument("registry")
    parser.add_argument("repository")
    given = parser.parse_args(arguments)
    user, _, password = (given.login or "").partition(":")
    client = SwitchedClient(
        registry=given.registry,
        login=(user, password) if given.login else None,
        send=by_network,
        wrong=frozenset(switch for switch in SWITCHES if getattr(given, switch.replace("-", "_"))),
    )
    return 0 if client.perform(given.action, given.repository, given.source) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
