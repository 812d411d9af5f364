"""A proxy that adds credentials, between a client and a registry of a test."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Final

from kit.canaries import leaks, opaque, password
from kit.proxy import Got, Reply
from regauth_core.model.journal import Journal
from regauth_core.model.withheld import Withheld

PASSWORD: Final = password("injected")


BASIC: Final = "Basic " + b64encode(f"alice:{PASSWORD}".encode()).decode()


TOKEN: Final = opaque("injected")


TAGS: Final = "/v2/foo/tags/list"


DIGEST: Final = "sha256:" + "ab" * 32


SOURCE: Final = "env:registry.test=REGAUTH_TEST_LOGIN"


def bearer(realm: str) -> tuple[str, str]:
    """A challenge that names `realm`."""
    return ("WWW-Authenticate", f'Bearer realm="{realm}",service="registry.test",scope="repository:foo:pull"')


def host(got: Got) -> str:
    """Whom a request was for."""
    return got.headers.get("host", "").partition(":")[0]


class Ground:
    """A registry that asks for Bearer at `realm` or, without one, for Basic; its token server; everybody else."""

    def __init__(self, realm: str | None = None) -> None:
        self.realm = realm
        self.valid = BASIC
        self.token: Reply = Reply(body=json.dumps({"token": TOKEN, "expires_in": 300}).encode())
        self.location: str | None = None
        """Where blobs are, and where uploads go on."""
        self.layers: bytes | None = None

    def __call__(self, got: Got) -> Reply:
        """What the names answer."""
        if host(got) == "auth.registry.test":
            return self.token if got.headers.get("authorization") == self.valid else Reply(status=401)
        if host(got) != "registry.test" or got.path == "/v2/":
            return Reply(body=b"{}")
        wanted = self.valid if self.realm is None else f"Bearer {TOKEN}"
        if got.headers.get("authorization") != wanted:
            asked = ("WWW-Authenticate", 'Basic realm="r"') if self.realm is None else bearer(self.realm)
            return Reply(status=401, headers=[asked])
        if self.location is not None and ("/blobs/" in got.path):
            return Reply(status=202 if got.method == "POST" else 307, headers=[("Location", self.location)])
        return Reply(headers=[("Docker-Content-Digest", DIGEST)], body=self.layers or b'{"tags":["1"]}')


def carried(got: Got) -> bool:
    """Whether a request carries anything of the login or its token, in its head or its body."""
    text = "\n".join((got.path, *got.headers.values())) + got.body.decode("latin-1")
    return bool(leaks(text, (PASSWORD, TOKEN))) or "authorization" in got.headers


def withheld(journal: Journal) -> list[str]:
    """Why credentials were kept back, as the findings say it, and what would be findings if the client had ended."""
    diagnosis = journal.diagnosis
    told = [found.title for found in diagnosis.findings if found.rule == "credentials-withheld"]
    told += [open.explanation for open in diagnosis.undecided if open.rule == "credentials-withheld"]
    return [reason for reason in Withheld for text in told if f": {reason.value.replace('-', ' ')}" in text]
