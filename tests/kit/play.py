"""Authentication flows played by hand, read like the conversation they are; every sending is watched.

stage = Stage(ALICE)
(
    stage.play("GET /v2/foo/manifests/1")
    .sends("GET /v2/foo/manifests/1").gets(401, BEARER)
    .sends("GET https://auth.r.test/token?service=s&scope=repository:foo:pull&account=alice", auth="Basic alice")
    .gets(200, token="t1")
    .sends("GET /v2/foo/manifests/1", auth="Bearer t1").gets(200)
    .ends(200)
)
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import replace

from kit.guard import IDENTITY_TOKEN, PASSWORD, SECRETS, Guard, Watch, holds, short, told
from regauth_core.auth.authenticator import Authenticator
from regauth_core.auth.messages import AuthResult, ClientRequest, Flow, Lock, Received, Send
from regauth_core.auth.permissions import Action, Permit, Permits
from regauth_core.auth.reasons import StopReason
from regauth_core.auth.settings import AuthSettings
from regauth_core.auth.trust import Trust
from regauth_core.credentials.login import Login, LoginTable
from regauth_core.model import Origin
from regauth_core.model.withheld import Withheld
from regauth_core.protocol.registries import registry_of
from regauth_core.protocol.target import origin_of

NOW = 1_700_000_000.0
REGISTRY = Origin("https", "r.test", 443)
REALM = Origin("https", "auth.r.test", 443)
BASIC = 'Basic realm="reg"'
BEARER = 'Bearer realm="https://auth.r.test/token",service="s",scope="repository:foo:pull"'
ALICE = Login(id="alice", user="alice", password=PASSWORD)
IDENTITY = Login(id="identity", identity_token=IDENTITY_TOKEN)
BOTH = Login(id="both", user="alice", password=PASSWORD, identity_token=IDENTITY_TOKEN)
EVERYTHING = Permits(tuple(Permit(action=action) for action in Action))
REGISTRY_TOKEN = Login(id="registry-token", registry_token="registry-canary-token")


class Stage:
    """One authenticator with its registry and token server, and a clock that stands still."""

    def __init__(
        self,
        *logins: Login | tuple[str, Login],
        registry: str = "https://r.test",
        elsewhere: Iterable[str] = (),
        realms: Iterable[str] = ("https://auth.r.test",),
        trust: Trust | None = None,
        permits: Permits = EVERYTHING,
        settings: AuthSettings | None = None,
    ) -> None:
        """Each of `logins` is for the whole registry, or for a prefix of its repositories.

        `elsewhere` are the names of other registries for which Alice's login is configured as well.
        """
        self.registry = origin(registry)
        entries = [("", login) if isinstance(login, Login) else login for login in logins]
        found = [(registry_of(self.registry), prefix, login) for prefix, login in entries]
        found += [(name, "", ALICE) for name in elsewhere]
        self.authenticator = Authenticator(
            LoginTable(found), trust=replace(trust or Trust(), permits=permits), settings=settings or AuthSettings()
        )
        self.guard = Guard(self.registry, {*map(origin, realms), self.registry})
        self.now = NOW

    def request(
        self,
        line: str,
        *,
        body: bytes | None = b"",
        auth: str | None = None,
        client: str = "",
        process: int | None = None,
    ) -> ClientRequest:
        """The client's request ``METHOD /path`` or ``METHOD URL``."""
        method, place, path = self._placed(line)
        headers = (("Accept", "*/*"),) + ((("Authorization", auth),) if auth is not None else ())
        return ClientRequest(
            method=method, origin=place, path=path, headers=headers, body=body, client=client, process=process
        )

    def play(self, line: str, *, body: bytes | None = b"", auth: str | None = None, client: str = "") -> Play:
        """The whole of a client's request, its own sending included."""
        request = self.request(line, body=body, auth=auth, client=client)
        return Play(self, self.authenticator.authorize(request, self.now), request)

    def preflight(self, line: str, *, body: bytes | None = b"", auth: str | None = None, client: str = "") -> Play:
        """What comes before a client's request is sent."""
        request = self.request(line, body=body, auth=auth, client=client)
        return Play(self, self.authenticator.preflight(request, self.now))

    def answer(
        self, line: str, status: int, *challenges: str, location: str | None = None, auth: str | None = None
    ) -> Play:
        """What comes after a client's request that got this answer."""
        received = self.received(status, challenges, location=location)
        return Play(self, self.authenticator.answer(self.request(line, auth=auth), received))

    def verify(self, line: str, status: int, *lines: str, auth: str | None = None, body: bytes | None = b"") -> Play:
        """What comes beside a client whose request got this answer."""
        received = self.received(status, lines)
        return Play(self, self.authenticator.verify(self.request(line, auth=auth, body=body), received))

    def later(self, seconds: float) -> Stage:
        """Let time go by."""
        self.now += seconds
        return self

    def received(
        self,
        status: int,
        challenges: Iterable[str] = (),
        *,
        token: str | None = None,
        body: bytes | Mapping[str, object] = b"",
        location: str | None = None,
        origin: Origin | None = None,
    ) -> Received:
        """An answer; `token` and mappings are short for JSON."""
        if token is not None:
            body = {"token": token, "expires_in": 300}
        headers = [("WWW-Authenticate", line) for line in challenges]
        if location is not None:
            headers.append(("Location", location))
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        received = Received(status=status, at=self.now, headers=tuple(headers), body=content, origin=origin)
        self.guard.hear(received)
        return received

    def _placed(self, line: str) -> tuple[str, Origin, str]:
        method, target = line.split(" ", 1)
        if target.startswith("/"):
            return method, self.registry, target
        found = origin(target)
        return method, found, "/" + target.partition("://")[2].partition("/")[2]


class Play:
    """One flow. Turns are given at once."""

    def __init__(self, stage: Stage, flow: Flow[AuthResult], own: ClientRequest | None = None) -> None:
        self._stage = stage
        self._flow = flow
        self._watch = Watch(stage.guard, own)
        self._step: Send | None = None
        self._outcome: AuthResult | None = None
        self._move(None)

    def sends(self, line: str, *, auth: str | None = None) -> Play:
        """The flow sends this next: ``METHOD /path`` or ``METHOD URL``, then the form if there is one; all decoded.

        The parameter `client_id` is left out. `auth` is ``Basic user`` or the whole value.
        """
        assert self._step is not None, f"it ended: {self._outcome}"
        said = told(self._step, self._stage.registry)
        assert said == (line, auth), said
        return self

    def gets(
        self,
        status: int,
        *challenges: str,
        token: str | None = None,
        body: bytes | Mapping[str, object] = b"",
        location: str | None = None,
        origin: Origin | None = None,
    ) -> Play:
        """The flow gets this answer (see `Stage.received`)."""
        assert self._step is not None, f"it ended: {self._outcome}"
        self._move(self._stage.received(status, challenges, token=token, body=body, location=location, origin=origin))
        return self

    def ends(self, status: int | None, *reasons: Withheld | StopReason) -> Play:
        """The flow has ended: the client gets an answer with this status, and these were the reasons."""
        outcome = self.outcome
        found = outcome.answer.status if outcome.answer else None
        assert (found, outcome.reasons) == (status, reasons), (found, outcome.reasons)
        return self

    def sets(self, auth: str | None) -> Play:
        """The preflight has ended, and this is what the request shall carry."""
        found = self.outcome.authorization
        said = short(found.value) if found else None
        assert said == auth, (said, self.outcome.reasons)
        return self

    @property
    def outcome(self) -> AuthResult:
        """What came of it."""
        assert self._outcome is not None, f"it goes on: {self._step}"
        return self._outcome

    def _move(self, received: Received | None) -> None:
        try:
            step = next(self._flow) if received is None else self._flow.send(received)
            while isinstance(step, Lock):
                self._watch.step(step)
                step = self._flow.send(Received(status=0, at=self._stage.now))
            self._watch.step(step)
            self._step = step
        except StopIteration as end:
            self._step, self._outcome = None, end.value
            assert not any(holds(repr(end.value), secret) for secret in (*SECRETS, *self._stage.guard.tokens))


class Together:
    """Several flows at once, each a step at a time in turn; whoever waits for a turn waits."""

    def __init__(self, stage: Stage, upstream: Callable[[Send], Received]) -> None:
        self._stage = stage
        self._upstream = upstream
        self.sent: list[Send] = []

    def run(self, flows: Iterable[Flow[AuthResult]]) -> list[AuthResult]:
        """All outcomes, in order of the flows."""
        waiting: list[tuple[int, Flow[AuthResult], Received | None]] = [(n, flow, None) for n, flow in enumerate(flows)]
        held: dict[Hashable, int] = {}
        asking: dict[int, Hashable] = {}
        found: dict[int, AuthResult] = {}
        watches = {number: Watch(self._stage.guard) for number, _, _ in waiting}
        while waiting:
            number, flow, answer = waiting.pop(0)
            key = asking.get(number)
            if key is not None:
                if held.get(key, number) != number:
                    waiting.append((number, flow, answer))
                    continue
                held[key] = number
                del asking[number]
            try:
                step = next(flow) if answer is None else flow.send(answer)
            except StopIteration as end:
                found[number] = end.value
                held = {key: holder for key, holder in held.items() if holder != number}
                continue
            watches[number].step(step)
            if isinstance(step, Lock):
                held = {key: holder for key, holder in held.items() if holder != number}
                asking[number] = step.key
                waiting.append((number, flow, Received(status=0, at=self._stage.now)))
            else:
                held = {key: holder for key, holder in held.items() if holder != number or key == step.turn}
                self.sent.append(step)
                received = self._upstream(step)
                self._stage.guard.hear(received)
                waiting.append((number, flow, received))
        return [found[number] for number in sorted(found)]


def origin(url: str) -> Origin:
    """The origin of a URL that a test wrote."""
    found = origin_of(url)
    assert found is not None
    return found
