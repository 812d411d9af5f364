"""Watches what an authenticator sends: where secrets go, and how often; shares no code with what it watches."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Hashable, Iterable
from typing import Final
from urllib.parse import parse_qs, quote, quote_plus, unquote_plus

from regauth_core.auth.messages import ClientRequest, Lock, Purpose, Received, Send
from regauth_core.model import Origin
from regauth_core.protocol import challenge

PASSWORD: Final = "pa:ss/word é"
IDENTITY_TOKEN: Final = "identity-canary-token"
SECRETS: Final = (PASSWORD, IDENTITY_TOKEN, "registry-canary-token")


class Guard:
    """Fails on a sending that breaks a promise, whatever the flow; it shares no code with what it watches."""

    def __init__(self, registry: Origin, realms: Iterable[Origin]) -> None:
        self.registry = registry
        self.realms = frozenset(realms)
        self.tokens: set[str] = set()
        self.asked_basic = False

    def hear(self, received: Received) -> None:
        """Learn what the registry or token server said."""
        read = challenge.read(received.values("www-authenticate"))
        self.asked_basic |= any(each.scheme.lower() == "basic" for each in read.challenges)
        try:
            said = json.loads(received.body or b"null")
        except (ValueError, RecursionError):
            return
        if isinstance(said, dict):
            held = (said.get(name) for name in ("token", "access_token", "refresh_token"))
            self.tokens |= {text for text in held if isinstance(text, str) and len(text) > 3}

    def watch(self, send: Send) -> None:
        """Check one sending."""
        text = _wire(send)
        secrets = [secret for secret in SECRETS if holds(text, secret)]
        tokens = [token for token in self.tokens if holds(text, token)]
        if send.purpose is Purpose.TOKEN:
            assert send.origin in self.realms, f"a token request went to {send.origin}"
            assert not any(f"Bearer {token}" in text for token in tokens), "a token went to a token server"
        else:
            assert send.origin == self.registry, f"{send.purpose} went to {send.origin}"
            assert send.path.split("?")[0] == "/v2" or send.path.startswith("/v2/")
            assert IDENTITY_TOKEN not in text, "an identity token went to a registry"
            assert PASSWORD not in secrets or self.asked_basic, (
                "a password went to a registry that had not asked for it"
            )
        if send.purpose is Purpose.PROBE:
            assert not secrets and not tokens
        values = [value for name, value in send.headers if name.lower() == "authorization"]
        assert len(values) <= 1
        assert all(value.isascii() and value.isprintable() for value in values)
        assert send.path.startswith("/") and send.path.isascii() and send.path.isprintable() and " " not in send.path
        assert not any(holds(repr(send), secret) for secret in (*SECRETS, *self.tokens)), "a secret is shown"


class Watch:
    """The limits of one flow."""

    def __init__(self, guard: Guard, own: ClientRequest | None = None) -> None:
        """`own` is the client's request, if the flow sends that too."""
        self._guard = guard
        self._own = own
        self.count: Counter[Purpose] = Counter()
        self._authorizations: Counter[str] = Counter()
        self._questions: Counter[str] = Counter()
        self.turn: Hashable = None

    def step(self, step: Send | Lock) -> None:
        """Check one step."""
        if isinstance(step, Lock):
            self.turn = step.key
            return
        assert step.turn is None or step.turn == self.turn, "sent without the turn"
        self.turn = step.turn
        if self._own is None or step.headers != self._own.headers:
            self._guard.watch(step)
        self.count[step.purpose] += 1
        assert self.count[Purpose.REQUEST] <= 4
        assert self.count[Purpose.PROBE] <= 1
        assert self.count[Purpose.TOKEN] <= 20
        if step.purpose is Purpose.TOKEN:
            self._questions[f"{step.method} {step.origin}{step.path} {authorization(step)} {step.body!r}"] += 1
            assert max(self._questions.values()) == 1, "the same question twice"
        elif step.purpose is Purpose.REQUEST and (value := authorization(step)) is not None:
            self._authorizations[value] += 1
            assert max(self._authorizations.values()) == 1, "the same Authorization twice"


def told(send: Send, registry: Origin) -> tuple[str, str | None]:
    """A sending as one line, and the value of its `Authorization` in short."""
    path = send.path.replace("&client_id=regauth", "").replace("?client_id=regauth", "")
    place = "" if send.origin == registry else str(send.origin)
    line = f"{send.method} {place}{unquote_plus(path) if send.purpose is Purpose.TOKEN else path}"
    if send.purpose is Purpose.TOKEN and send.body:
        form = {name: values for name, values in parse_qs(send.body.decode()).items() if name != "client_id"}
        line += " " + "&".join(f"{name}={value}" for name, values in form.items() for value in values)
    value = authorization(send)
    return line, short(value) if value is not None else None


def short(value: str) -> str:
    """An `Authorization` value as tests write it: ``Basic alice`` for Alice's right password."""
    scheme, _, rest = value.partition(" ")
    if scheme == "Basic":
        user, _, password = b64decode(rest).decode().partition(":")
        return f"Basic {user}" if password == PASSWORD else f"Basic {user}:{password}"
    return value


def authorization(send: Send) -> str | None:
    """The value of the header `Authorization`."""
    return next((value for name, value in send.headers if name.lower() == "authorization"), None)


def _wire(send: Send) -> str:
    decoded = [value + " " + _decoded(value) for name, value in send.headers]
    return " ".join((str(send.origin), send.path, *decoded, send.body.decode("latin-1")))


def _decoded(value: str) -> str:
    if not value.lower().startswith("basic "):
        return ""
    try:
        return b64decode(value[6:]).decode("utf-8", "replace")
    except ValueError:
        return ""


def holds(text: str, secret: str) -> bool:
    """Whether `text` holds `secret`, as it is or in one of the encodings in which it is sent."""
    forms = (secret, quote(secret, safe=""), quote_plus(secret), b64encode(secret.encode()).decode())
    return any(form in text for form in forms)
