"""Files of credentials, and what docker and containers find in them."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kit.canaries import password
from regauth_core.credentials.authfile import Pair
from regauth_core.credentials.login import Login
from regauth_core.credentials.lookup import Answer, FileAnswer, Found, HelperAnswer, Lookup, Question, WantsFile

DOCKER = "/home/u/.docker/config.json"


HUB = "https://index.docker.io/v1/"


SECRET = password("rules")


@dataclass
class World:
    """Files and helpers that there are, and the questions that were asked."""

    files: Mapping[str, Any]
    helpers: Mapping[tuple[str, str], Pair | str] = field(default_factory=dict)
    asked: list[Question] = field(default_factory=list)

    def answer(self, question: Question) -> Answer:
        """What is known; a text in a helper's place is what went wrong."""
        self.asked.append(question)
        if isinstance(question, WantsFile):
            content = self.files.get(question.path)
            return FileAnswer(content if content is None or isinstance(content, str) else json.dumps(content))
        known = self.helpers.get((question.name, question.server))
        return HelperAnswer(failure=known) if isinstance(known, str) else HelperAnswer(known)


def played(lookup: Lookup, trace_state: World) -> Found:
    """The end of a lookup in a world."""
    try:
        question = next(lookup)
        while True:
            question = lookup.send(trace_state.answer(question))
    except StopIteration as end:
        found: Found = end.value
        return found


def auth(user: str, secret: str = SECRET) -> dict[str, str]:
    """An entry with a user."""
    return {"auth": b64encode(f"{user}:{secret}".encode()).decode()}


def auths(**users: str) -> dict[str, Any]:
    """A file with one entry for each user, whose key is the value."""
    return {"auths": {key: auth(user) for user, key in users.items()}}


def shown(login: Login | None) -> str | None:
    """A login in a word."""
    if login is None:
        return None
    if login.registry_token:
        return "registry token"
    if login.identity_token:
        return f"identity token beside {login.user}" if login.user else "identity token"
    return login.user


DOCKER_CASES: list[tuple[str, dict[str, Any], str, str | None]] = [
    ("exact host", auths(a="r.test", b="https://r.test/v2/"), "r.test/app", "a"),
    ("host of a URL", auths(a="https://r.test/v2/"), "r.test/app", "a"),
    ("host of another scheme", auths(a="ftp://r.test/x"), "r.test/app", "a"),
    ("host of a URL with an empty port", auths(a="https://r.test:/v2/"), "r.test/app", "a"),
    ("host of a URL with userinfo", auths(a="https://x:y@r.test/x"), "r.test/app", "a"),
    ("host of a namespaced key", auths(a="r.test/team"), "r.test/other/app", "a"),
    ("several namespaced keys: the one that covers", auths(a="r.test/x", b="r.test/team"), "r.test/team/app", "b"),
    ("another port", auths(a="r.test:5000"), "r.test/app", None),
    ("the port", auths(a="r.test:5000"), "r.test:5000/app", "a"),
    ("an explicit default port is another name", auths(a="r.test"), "r.test:443/app", None),
    ("capitals are another name", auths(a="R.test"), "r.test/app", None),
    ("Hub by its URL", auths(a=HUB, b="docker.io"), "docker.io/library/x", "a"),
    ("Hub by its name is not found", auths(b="docker.io"), "docker.io/library/x", None),
    ("Hub by its host is not found", auths(b="index.docker.io"), "docker.io/library/x", None),
    ("an empty exact entry hides others", {"auths": {"r.test": {}, "https://r.test": auth("b")}}, "r.test/app", None),
    ("names of fields in capitals", {"AUTHS": {"r.test": {"Auth": auth("a")["auth"]}}}, "r.test/app", "a"),
    ("plain fields", {"auths": {"r.test": {"username": "a", "password": SECRET}}}, "r.test/app", "a"),
    ("auth overrides plain fields", {"auths": {"r.test": auth("a") | {"username": "b"}}}, "r.test/app", "a"),
    ("identity token", {"auths": {"r.test": {"identitytoken": SECRET}}}, "r.test/app", "identity token"),
    (
        "identity token beside a pair",
        {"auths": {"r.test": auth("a") | {"identitytoken": SECRET}}},
        "r.test/app",
        "identity token beside a",
    ),
    ("registry token", {"auths": {"r.test": auth("a") | {"registrytoken": SECRET}}}, "r.test/app", "registry token"),
    ("registry token with a line end", {"auths": {"r.test": {"registrytoken": "x\r\ny"}}}, "r.test/app", None),
    ("a user that is no text", {"auths": {"r.test": {"username": "\ud800", "password": "x"}}}, "r.test/app", None),
    ("a token that is no text", {"auths": {"r.test": {"identitytoken": "\ud800"}}}, "r.test/app", None),
    ("a user with a colon", {"auths": {"r.test": {"username": "a:b", "password": "x"}}}, "r.test/app", None),
    (
        "identity token in the user's name",
        {"auths": {"r.test": auth("<token>", "") | {"identitytoken": SECRET}}},
        "r.test/app",
        "identity token",
    ),
    ("no user in auth", {"auths": {"r.test": auth("")}}, "r.test/app", None),
    ("no colon in auth", {"auths": {"r.test": {"auth": b64encode(SECRET.encode()).decode()}}}, "r.test/app", None),
    ("a bad entry costs itself", {"auths": {"x.test": {"auth": "!"}, "r.test": auth("a")}}, "r.test/app", "a"),
    ("text behind the object", json.dumps(auths(a="r.test")) + " x", "r.test/app", "a"),  # type: ignore[list-item]
    ("no credentials at all", {"HttpHeaders": {}}, "r.test/app", None),
]


CONTAINERS_CASES: list[tuple[str, dict[str, Any], str, str | None]] = [
    ("repository", auths(a="r.test/t/app", b="r.test/t", c="r.test"), "r.test/t/app", "a"),
    ("namespace", auths(b="r.test/t", c="r.test"), "r.test/t/app", "b"),
    ("registry", auths(b="r.test/other", c="r.test"), "r.test/t/app", "c"),
    ("a namespace is whole components", auths(b="r.test/t"), "r.test/tt/app", None),
    ("URL", auths(a="https://r.test/v2/"), "r.test/t/app", "a"),
    ("URL with userinfo is not found", auths(a="https://x:y@r.test"), "r.test/t/app", None),
    ("another scheme is not found", auths(a="ftp://r.test"), "r.test/t/app", None),
    ("Hub by its URL", auths(a=HUB), "docker.io/library/x", "a"),
    ("Hub by its endpoint", auths(a="registry-1.docker.io"), "docker.io/library/x", "a"),
    ("Hub by name before URL", auths(a=HUB, b="docker.io"), "docker.io/library/x", "b"),
    ("Hub's namespace", auths(a="docker.io/library", b="docker.io"), "docker.io/library/x", "a"),
    ("a namespace of the Hub's old name is not found", auths(a="index.docker.io/library"), "docker.io/library/x", None),
    ("plain fields are not read", {"auths": {"r.test": {"username": "a", "password": SECRET}}}, "r.test/app", None),
    ("a registry token is not read", {"auths": {"r.test": {"registrytoken": SECRET}}}, "r.test/app", None),
    ("an identity token alone is not read", {"auths": {"r.test": {"identitytoken": SECRET}}}, "r.test/app", None),
    (
        "an identity token beside a pair",
        {"auths": {"r.test": auth("a") | {"identitytoken": SECRET}}},
        "r.test/app",
        "identity token beside a",
    ),
    (
        "a bad entry that is closer hides the one behind it",
        {"auths": {"r.test/t": {"auth": b64encode(b"nocolon").decode()}, "r.test": auth("c")}},
        "r.test/t/app",
        None,
    ),
    ("a bad entry costs itself", {"auths": {"x.test": {"auth": "!"}, "r.test": auth("a")}}, "r.test/app", "a"),
    ("a user may be empty", {"auths": {"r.test": auth("")}}, "r.test/app", ""),
]
