"""The authenticator in front of simulated registries: each way in which they ask, answer, lead on and refuse."""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, Final

import pytest
import yaml

from kit.guard import IDENTITY_TOKEN, PASSWORD, Watch, authorization
from kit.play import ALICE, BOTH, IDENTITY, Stage, Together
from regauth_core.auth.messages import AuthResult, ClientRequest, Flow, Lock, Purpose, Received, Send
from regauth_core.auth.permissions import Permit, Permits
from regauth_core.auth.reasons import Note, StopReason
from regauth_core.credentials.login import Login
from regauth_core.model.withheld import Withheld
from regauth_core.simulate.registry import Asked, Registry
from regauth_core.simulate.scenario import read

HOST: Final = "registry.test"
REALM: Final = "auth.registry.test"
PULL: Final = "GET /v2/foo/manifests/1"
PUSH: Final = "PUT /v2/foo/manifests/2"
START: Final = "POST /v2/foo/blobs/uploads/"
BASE: Final[dict[str, Any]] = {
    "schema": "regauth.scenario/1",
    "id": "x",
    "title": "t",
    "users": {"alice": {"password": PASSWORD, "identity_token": IDENTITY_TOKEN}},
    "registry": {
        "ping": {"anonymous": 200},
        "repositories": [
            {"name": "foo", "users": {"alice": ["pull", "push", "delete"]}, "images": [1]},
            {"name": "bar", "users": {"alice": ["pull"]}, "images": [1]},
            {"name": "open", "anonymous": ["pull"], "images": [1]},
            {"name": "secret", "images": [1]},
        ],
    },
}
BOTH_SCHEMES: Final = [{"scheme": "Basic"}, {"scheme": "Bearer"}]


def scenario(registry: dict[str, Any] | None = None, token: dict[str, Any] | None = None) -> str:
    """The text of a scenario: the base, with these keys of its registry and its token server, if it has one."""
    made = copy.deepcopy(BASE)
    made["registry"].update(registry or {})
    if token is not None:
        made["token"] = {"host": REALM, **token}
    return yaml.safe_dump(made, sort_keys=False, allow_unicode=True)


@dataclass
class Ground:
    """A simulated registry, an authenticator in front of it, and all that was sent."""

    registry: dict[str, Any] | None = None
    token: dict[str, Any] | None = None
    logins: tuple[Login | tuple[str, Login], ...] = (ALICE,)
    scheme: str = "https"
    options: dict[str, Any] = field(default_factory=dict)
    sent: list[Send] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stage = Stage(
            *self.logins, registry=f"{self.scheme}://{HOST}", realms=(f"{self.scheme}://{REALM}",), **self.options
        )
        self.simulated = Registry(read(scenario(self.registry, self.token), "x.yaml"), secret=b"s" * 32)

    def upstream(self, send: Send) -> Received:
        """What the simulated hosts answer."""
        self.sent.append(send)
        asked = Asked(
            method=send.method,
            scheme=send.origin.scheme,
            host=send.origin.host,
            port=send.origin.port,
            path=send.path,
            headers=send.headers,
            body=send.body,
        )
        answer = self.simulated.answer(asked, self.stage.now)
        return Received(status=answer.status, at=self.stage.now, headers=answer.headers, body=answer.body)

    def ask(
        self, line: str, *, auth: str | None = None, streamed: bool = False, misled: bool = False, client: str = "c"
    ) -> AuthResult:
        """What a client's request comes to, the client's own sending included; `streamed`: it cannot be sent again."""
        request = self.stage.request(line, auth=auth, client=client, body=None if streamed else b"")
        request = replace(request, is_repeatable=request.method == "GET", is_misled=misled)
        return self._played(self.stage.authenticator.authorize(request, self.stage.now), request)

    def verify(self, line: str) -> AuthResult:
        """What comes of a proof after the client's own request was refused."""
        request = self.stage.request(line)
        refused = self.upstream(_own(request))
        self.stage.guard.hear(refused)
        return self._played(self.stage.authenticator.verify(request, refused), request)

    def together(self, *lines: str, streamed: bool = False) -> list[AuthResult]:
        """The same for several requests at once."""
        body = None if streamed else b""
        requests = [self.stage.request(line, client=f"c{n}", body=body) for n, line in enumerate(lines)]
        requests = [replace(request, is_repeatable=request.method == "GET") for request in requests]
        flows = [self.stage.authenticator.authorize(request, self.stage.now) for request in requests]
        return Together(self.stage, self.upstream).run(flows)

    def _played(self, flow: Flow[AuthResult], own: ClientRequest) -> AuthResult:
        watch, answer = Watch(self.stage.guard, own), None
        try:
            while True:
                step = next(flow) if answer is None else flow.send(answer)
                watch.step(step)
                if isinstance(step, Lock):
                    answer = Received(status=0, at=self.stage.now)
                else:
                    answer = self.upstream(step)
                    self.stage.guard.hear(answer)
        except StopIteration as end:
            outcome: AuthResult = end.value
            return outcome

    @property
    def count(self) -> dict[str, int]:
        """How often what was sent."""
        return dict(Counter(send.purpose.value for send in self.sent))

    def carrying(self) -> list[str]:
        """Whom a credential was sent to."""
        return sorted({str(s.origin) for s in self.sent if authorization(s) is not None or PASSWORD in str(s.body)})


def _own(request: ClientRequest) -> Send:
    return Send(
        purpose=Purpose.REQUEST,
        method=request.method,
        origin=request.origin,
        path=request.path,
        headers=request.headers,
        body=request.body or b"",
    )


def status_of(outcome: AuthResult) -> int | None:
    """What the client gets."""
    return outcome.answer.status if outcome.answer is not None else None


def raw(*lines: str) -> dict[str, Any]:
    """A registry that says just this."""
    return {"challenge": {"raw": list(lines)}}


# How registries ask

BEARER: Final = 'Bearer realm="{realm}",service="{service}"'
SCOPED: Final = f'{BEARER},scope="{{scope}}"'
ASKING: Final[dict[str, tuple[dict[str, Any], dict[str, Any] | None]]] = {
    "Basic": ({}, None),
    "Bearer": ({}, {}),
    "both, Basic first": ({"challenge": {"items": BOTH_SCHEMES}}, {}),
    "both, Bearer first": ({"challenge": {"items": BOTH_SCHEMES[::-1]}}, {}),
    "both in one line": ({"challenge": {"items": BOTH_SCHEMES, "layout": "joined"}}, {}),
    "both in one line, reversed": ({"challenge": {"items": BOTH_SCHEMES[::-1], "layout": "joined"}}, {}),
    "Negotiate first": (raw("Negotiate", SCOPED), {}),
    "Negotiate in the same line": (raw(f"Negotiate, {SCOPED}"), {}),
    "capitals": (raw('BEARER REALM="{realm}",SERVICE="{service}",SCOPE="{scope}"'), {}),
    "no quotes": (raw("Bearer realm={realm},service={service},scope={scope}"), {}),
    "escaped quotes": (raw(BEARER + r',x="a\"b, Basic realm=\"",scope="{scope}"'), {}),
    "empty scope": (raw(f'{BEARER},scope=""'), {}),
    "no scope": (raw(BEARER), {}),
    "no service": (raw('Bearer realm="{realm}",scope="{scope}"'), {}),
    "another scope than is needed": (raw(f'{BEARER},scope="repository:foo:push"'), {}),
    "more scope than is needed": (raw(f'{BEARER},scope="repository:foo:pull,push,delete"'), {}),
    "closed ping": ({"ping": {"anonymous": 401}}, {}),
    "realm with a query": ({}, {"realm": "https://{token}/token?tenant=7"}),
    "only access_token": ({}, {"field": "access_token"}),
    "only token": ({}, {"field": "token"}),
    "token and access_token": ({}, {"field": "both"}),
    "no word of expiry": ({}, {"expires_in": "absent"}),
    "expiry as text": ({}, {"expires_in": "300"}),
    "expiry 0": ({}, {"expires_in": 0}),
    "expiry below 0": ({}, {"expires_in": -1}),
    "expiry after a second": ({}, {"expires_in": 1}),
    "opaque token": ({}, {"kind": "opaque"}),
}


@pytest.mark.parametrize(("registry", "token"), ASKING.values(), ids=ASKING)
def test_every_way_to_ask_is_answered(registry: dict[str, Any], token: dict[str, Any] | None) -> None:
    """The client gets the manifest, with one sending more and at most one token."""
    ground = Ground(registry, token)
    assert status_of(ground.ask(PULL)) == 200
    assert ground.count == {"request": 2} | ({} if token is None else {"token": 1})


def test_of_two_different_tokens_one_is_taken_and_the_other_noted() -> None:
    """`token` and `access_token` should be the same."""
    ground = Ground({}, {"field": "both-different"})
    outcome = ground.ask(PULL)
    assert outcome.notes == (Note.TOKENS_DIFFER,)
    assert ground.count["token"] == 1


def test_registry_that_does_not_say_how_is_asked_at_its_ping() -> None:
    """A 401 without a header, and a ping that has one."""
    ping = {"anonymous": 401, "challenge": {"items": [{"scheme": "Basic"}]}}
    ground = Ground({"challenge": {"items": []}, "ping": ping, "accepts": ["basic"]})
    assert status_of(ground.ask(PULL)) == 200
    assert ground.count == {"request": 2, "probe": 1}


def test_registry_that_never_says_how_is_left_alone() -> None:
    """No header anywhere: the client gets its 401 and nobody a password."""
    ground = Ground({"challenge": {"items": []}, "accepts": ["basic"]})
    outcome = ground.ask(PULL)
    assert (status_of(outcome), outcome.reasons) == (401, (StopReason.NO_CHALLENGE,))
    assert (ground.count, ground.carrying()) == ({"request": 1, "probe": 1}, [])


@pytest.mark.parametrize("ping", [200, 401])
def test_what_is_open_is_not_asked_about(ping: int) -> None:
    """No credential for a public repository, whatever the ping says."""
    ground = Ground({"ping": {"anonymous": ping}}, {})
    assert status_of(ground.ask("GET /v2/open/manifests/1")) == 200
    assert (ground.count, ground.carrying()) == ({"request": 1}, [])


# What token servers do

LATER: Final = (
    ({"expires_in": 300}, 200, 1),
    ({"expires_in": 300}, 299, 2),
    ({"expires_in": "absent"}, 30, 1),
    ({"expires_in": "absent"}, 61, 2),
    ({"expires_in": 0}, 30, 1),
    ({"expires_in": 1}, 2, 2),
    ({"expires_in": 300, "clock_ahead": -100}, 150, 1),
    ({"expires_in": 300, "clock_ahead": -100}, 250, 2),
)


@pytest.mark.parametrize(("token", "seconds", "fetched"), LATER)
def test_token_is_kept_as_long_as_it_lives(token: dict[str, Any], seconds: int, fetched: int) -> None:
    """Renewed a little before its end, whatever the token server's clock says; without a word of it after a minute."""
    ground = Ground({}, token)
    ground.ask(PULL)
    ground.stage.later(seconds)
    assert status_of(ground.ask(PULL)) == 200
    assert ground.count["token"] == fetched


def test_token_that_ends_early_is_replaced_in_the_middle_of_a_pull() -> None:
    """The token server had said more than it kept."""
    ground = Ground({}, {"expires_in": 300, "lifetime": 10})
    ground.ask(PULL)
    ground.stage.later(60)
    assert status_of(ground.ask(PULL)) == 200
    assert ground.count == {"request": 4, "token": 2}


def test_blob_whose_token_ended_early_waits_for_the_client() -> None:
    """It is too large to be fetched in the client's place; asked for again it is there, with a new token."""
    ground = Ground({}, {"expires_in": 300, "lifetime": 10})
    digest = _layer(ground)
    ground.stage.later(60)
    refused = ground.ask(f"GET /v2/foo/blobs/{digest}", streamed=True)
    assert (status_of(refused), refused.is_waiting) == (401, True)
    again = ground.ask(f"GET /v2/foo/blobs/{digest}", streamed=True)
    assert (status_of(again), again.is_waiting) == (200, False)
    assert ground.count["token"] == 2


REFUSED_TOKENS: Final[dict[str, tuple[dict[str, Any], dict[str, Any], StopReason]]] = {
    "fresh token is refused": ({}, {"uses": 0}, StopReason.TOKEN_REJECTED),
    "fresh token is refused without a word": ({"challenge": {"error": False}}, {"uses": 0}, StopReason.TOKEN_REJECTED),
    "no token in the answer": ({}, {"field": "neither"}, StopReason.TOKEN_UNUSABLE),
    "token server breaks": ({}, {"steps": [{"status": 500, "always": True}]}, StopReason.TOKEN_SERVER_FAILED),
    "token server is busy": ({}, {"steps": [{"status": 429, "always": True}]}, StopReason.TOKEN_SERVER_FAILED),
}


@pytest.mark.parametrize(("registry", "token", "reason"), REFUSED_TOKENS.values(), ids=REFUSED_TOKENS)
def test_bad_token_is_asked_for_once(registry: dict[str, Any], token: dict[str, Any], reason: StopReason) -> None:
    """The client gets a 401 and the reason is known."""
    ground = Ground(registry, token)
    outcome = ground.ask(PULL)
    assert status_of(outcome) in (None, 401)
    assert outcome.reasons[-1] is reason
    assert ground.count["token"] == 1


@pytest.mark.parametrize("insufficient", [401, 403])
@pytest.mark.parametrize("line", ["PUT /v2/bar/manifests/2", "GET /v2/secret/manifests/1"])
def test_token_for_less_is_no_reason_to_ask_again(insufficient: int, line: str) -> None:
    """The token server grants what it can, and that is not enough."""
    statuses = {"statuses": [401, 403]}
    ground = Ground({"deny": {"insufficient": insufficient}, "challenge": statuses}, {})
    outcome = ground.ask(line)
    assert status_of(outcome) == insufficient
    assert outcome.reasons == (StopReason.INSUFFICIENT_SCOPE,)
    assert ground.count == {"request": 2, "token": 1}


def test_registry_that_wants_more_after_all_gets_it() -> None:
    """A 403 that says ``insufficient_scope`` and names more is answered with a token for both."""
    more = 'Bearer realm="https://auth.registry.test/token",service="registry.test",scope="repository:foo:pull,push"'
    told = {"status": 403, "headers": {"WWW-Authenticate": more + ',error="insufficient_scope"'}}
    first = {"status": 401, "headers": {"WWW-Authenticate": more.replace(",push", "")}}
    ground = Ground({"steps": [first, told]}, {})
    assert status_of(ground.ask(PULL)) == 200
    assert ground.count == {"request": 3, "token": 2}


GRANTS: Final[dict[str, tuple[tuple[Login, ...], dict[str, Any], int, list[str]]]] = {
    # logins, grants, the client's status, the token requests
    "refresh token": ((IDENTITY,), {}, 200, ["POST"]),
    "refresh token, no forms, no password": ((IDENTITY,), {"refresh_token": 404}, 401, ["POST"]),
    "refresh token, no forms, a password": ((BOTH,), {"refresh_token": 404}, 200, ["POST", "GET"]),
    "refresh token, method unknown": ((BOTH,), {"refresh_token": 405}, 200, ["POST", "GET"]),
    "refresh token refused": ((BOTH,), {"refresh_token": 401}, 401, ["POST"]),
    "refresh token a bad request": ((BOTH,), {"refresh_token": 400}, 401, ["POST"]),
    "password, no GET": ((ALICE,), {"basic": 404}, 200, ["GET", "POST"]),
    "password, GET unknown": ((ALICE,), {"basic": 405}, 200, ["GET", "POST"]),
    "password refused": ((ALICE,), {"basic": 401}, 401, ["GET"]),
}


@pytest.mark.parametrize(("logins", "grants", "status", "methods"), GRANTS.values(), ids=GRANTS)
def test_each_way_to_get_a_token(
    logins: tuple[Login, ...], grants: dict[str, Any], status: int, methods: list[str]
) -> None:
    """What the token server does not know is tried in the other way; what it refuses is not."""
    ground = Ground({}, {"grants": grants}, logins)
    assert (status_of(ground.ask(PULL)) or 401) == status
    assert [send.method for send in ground.sent if send.purpose is Purpose.TOKEN] == methods


# Where secrets go

REALMS: Final = {
    "https://tokens.example/token": Withheld.UNKNOWN_HOST,
    "http://{token}/token": Withheld.PLAIN_HTTP,
    "https://10.1.2.3/token": Withheld.INTERNAL_ADDRESS,
    "https://169.254.169.254/token": Withheld.METADATA_ADDRESS,
    "https://alice@{token}/token": Withheld.USERINFO,
    "https://93.184.216.34/token": Withheld.ADDRESS_LITERAL,
}


@pytest.mark.parametrize(("realm", "reason"), REALMS.items())
def test_strange_realm_gets_nothing(realm: str, reason: Withheld) -> None:
    """Nothing is sent there at all."""
    ground = Ground({}, {"realm": realm})
    outcome = ground.ask(PULL)
    assert outcome.reasons == (reason,)
    assert (ground.count, ground.carrying()) == ({"request": 1}, [])


@pytest.mark.parametrize(
    ("location", "reason"),
    [("https://tokens.example/token", Withheld.UNKNOWN_HOST), ("http://auth.registry.test/token", Withheld.PLAIN_HTTP)],
)
def test_redirecting_realm_keeps_the_password(location: str, reason: Withheld) -> None:
    """The token server may redirect, and not to anywhere."""
    ground = Ground({}, {"steps": [{"status": 307, "headers": {"Location": location}}]})
    outcome = ground.ask(PULL)
    assert outcome.reasons[-1] is reason
    assert ground.count == {"request": 1, "token": 1}


UPLOADS: Final[dict[str, tuple[dict[str, Any], bool]]] = {
    "relative": ({"location": "relative"}, True),
    "absolute": ({}, True),
    "another port": ({"host": "registry.test:5000"}, False),
    "another host": ({"host": "uploads.test"}, False),
    "http": ({"scheme": "http"}, False),
}


@pytest.mark.parametrize(("uploads", "helped"), UPLOADS.values(), ids=UPLOADS)
def test_upload_is_helped_where_it_is_the_registrys_own(uploads: dict[str, Any], helped: bool) -> None:
    """Streamed bodies go with a credential from the start; where an upload goes on elsewhere it goes without."""
    ground = Ground({"uploads": uploads}, {})
    started = ground.ask(START)
    assert started.answer is not None
    (location,) = started.answer.values("location")
    request = ground.stage.request(f"PATCH {location}", body=None, client="c")
    before = ground._played(ground.stage.authenticator.preflight(request, ground.stage.now), request)
    assert (before.authorization is not None) == helped
    assert ground.count["token"] == 1


BLOBS: Final[dict[str, dict[str, Any]]] = {
    "the same host": {"host": "registry.test"},
    "another port": {"host": "registry.test:5000"},
    "another host": {"host": "blobs.test"},
    "http": {"scheme": "http"},
}


@pytest.mark.parametrize("blobs", BLOBS.values(), ids=BLOBS)
def test_redirected_blob_is_fetched_without_a_credential(blobs: dict[str, Any]) -> None:
    """It refuses requests that have one."""
    ground = Ground({"blobs": {"mode": "redirect", "authorization": "refused", **blobs}}, {})
    digest = _layer(ground)
    led = ground.ask(f"GET /v2/foo/blobs/{digest}").answer
    assert led is not None
    assert led.status == 307
    (location,) = led.values("location")
    outcome = ground.ask(f"GET {location}")
    assert status_of(outcome) == 200
    assert ground.carrying() == ["https://auth.registry.test", "https://registry.test"]


def _layer(ground: Ground) -> str:
    """The digest of a blob of foo, out of its manifest."""
    manifest = ground.ask(PULL).answer
    assert manifest is not None
    digest: str = yaml.safe_load(manifest.body)["layers"][0]["digest"]
    return digest


# Uploads


def test_whole_upload_with_one_token() -> None:
    """POST, streamed PATCH and PUT, of which only the first is sent twice."""
    ground = Ground({}, {})
    started = ground.ask(START)
    assert started.answer is not None
    (location,) = started.answer.values("location")
    assert started.answer.status == 202
    assert status_of(ground.ask(f"PATCH {location}", streamed=True)) == 202
    assert ground.count == {"request": 3, "token": 1}


def test_stream_that_nothing_is_known_about_asks_first() -> None:
    """A body of any size cannot be sent twice, so the registry is asked before it is sent."""
    ping = {"anonymous": 401}
    ground = Ground({"ping": ping}, {})
    outcome = ground.ask("PATCH /v2/foo/blobs/uploads/1", streamed=True)
    assert status_of(outcome) == 404
    assert ground.count == {"probe": 1, "token": 1, "request": 1}


def test_refused_stream_is_not_sent_again() -> None:
    """Where nothing could be learnt in advance."""
    ground = Ground({}, {})
    outcome = ground.ask("PATCH /v2/foo/blobs/uploads/1", streamed=True)
    assert (status_of(outcome), outcome.reasons) == (401, (StopReason.BODY_GONE,))
    assert ground.count == {"probe": 1, "request": 1}


@pytest.mark.parametrize(("source", "status"), [("bar", 201), ("secret", 401)])
def test_mount_asks_for_both_repositories(source: str, status: int) -> None:
    """A blob of another repository that may be read is mounted; of one that may not, it is refused."""
    ground = Ground({}, {})
    manifest = ground.simulated._store.manifest(source, "1")
    assert manifest is not None
    digest = yaml.safe_load(manifest[2])["layers"][0]["digest"]
    outcome = ground.ask(f"{START}?from={source}&mount={digest}")
    assert status_of(outcome) == status
    (asked,) = [send for send in ground.sent if send.purpose is Purpose.TOKEN]
    assert f"repository%3A{source}%3Apull" in asked.path


# Who is who


def test_requests_at_once_share_one_token() -> None:
    """64 layers, and as many manifests of another client."""
    ground = Ground({}, {})
    outcomes = ground.together(*[f"HEAD /v2/foo/blobs/sha256:{n:064x}" for n in range(64)], *[PULL] * 64)
    assert Counter(map(status_of, outcomes)) == {404: 64, 200: 64}
    assert ground.count["token"] == 1


@pytest.mark.parametrize("token", [None, {}])
def test_wrong_password_is_tried_once_by_many_at_once(token: dict[str, Any] | None) -> None:
    """At the registry or at its token server."""
    ground = Ground({}, token, (Login(id="mallory", user="alice", password="guessed"),))
    for streamed in (False, True):
        outcomes = ground.together(*[PULL] * 64, streamed=streamed)
        assert {status_of(outcome) or 401 for outcome in outcomes} == {401}
        assert not any(outcome.is_waiting for outcome in outcomes)
        assert sum(1 for send in ground.sent if authorization(send) is not None) == 1


@pytest.mark.parametrize("token", [None, {}])
@pytest.mark.parametrize("password", [PASSWORD, "guessed"])
@pytest.mark.parametrize("ping", [200, 401])
def test_blobs_at_once_try_a_password_once(token: dict[str, Any] | None, password: str, ping: int) -> None:
    """Nothing is known, and none of them can be sent in the client's place."""
    ground = Ground({"ping": {"anonymous": ping}}, token, (Login(id="a", user="alice", password=password),))
    outcomes = ground.together(*[PULL] * 8, streamed=True)
    assert [outcome.is_waiting or status_of(outcome) == 200 for outcome in outcomes] == [password == PASSWORD] * 8
    direct = [send for send in ground.sent if (authorization(send) or "").startswith("Basic")]
    assert len(direct) == 1 or password == PASSWORD
    assert ground.count.get("token", 0) == (0 if token is None else 1)


def test_tokens_of_two_logins_are_kept_apart() -> None:
    """Each prefix has its own login and its own token."""
    bob = Login(id="bob", user="bob", password="another")
    ground = Ground({}, {}, (("foo", ALICE), ("bar", bob)))
    assert status_of(ground.ask(PULL)) == 200
    assert (status_of(ground.ask("GET /v2/bar/manifests/1")) or 401) == 401
    asked = [authorization(send) for send in ground.sent if send.purpose is Purpose.TOKEN]
    assert len(set(asked)) == 2


@pytest.mark.parametrize(("auth", "status"), [("Basic YTpi", 401), ("Basic Og==", 200), ("Bearer x", 401)])
def test_clients_own_credentials_go_first(auth: str, status: int) -> None:
    """Only the login of nobody counts as none."""
    ground = Ground({}, {})
    assert (status_of(ground.ask(PULL, auth=auth)) or 401) == status
    assert ("token" in ground.count) == (status == 200)


WRONG: Final = "Basic YTpi"


@pytest.mark.parametrize(
    ("token", "auth", "misled", "status"),
    [
        ({}, ALICE.basic(), True, 200),
        ({}, ALICE.basic(), False, 401),
        ({}, WRONG, True, 401),
        ({}, "Bearer x", True, 401),
        (None, WRONG, True, 401),
    ],
)
@pytest.mark.parametrize("line", [PULL, PUSH])
def test_misled_client_gets_a_token_for_the_login_that_it_brings(
    token: dict[str, Any] | None, auth: str, misled: bool, status: int, line: str
) -> None:
    """Its ping was answered in the registry's place, and so it sends Basic where a token is wanted.

    A wrong password stays wrong, and what it may do with a right one is its own affair.
    """
    other = Login(id="other", user="alice", password="another")
    ground = Ground({}, token, (other,), options={"permits": Permits()})
    done = 400 if line is PUSH else 200
    outcome = ground.ask(line, auth=auth, misled=misled)
    assert (status_of(outcome) or 401) == (done if status == 200 else 401)
    asked = [authorization(send) for send in ground.sent if send.purpose is Purpose.TOKEN]
    assert asked == ([auth] if misled and token is not None and auth.startswith("Basic") else [])
    assert not [send for send in ground.sent if authorization(send) == other.basic()]


@pytest.mark.parametrize("token", [None, {}])
def test_wrong_password_is_sent_once(token: dict[str, Any] | None) -> None:
    """To the registry or to its token server, however often the client asks again."""
    ground = Ground({}, token, (Login(id="mallory", user="alice", password="guessed"),))
    for _ in range(5):
        assert (status_of(ground.ask(PULL)) or 401) == 401
    assert sum(1 for send in ground.sent if authorization(send) is not None) == 1


@pytest.mark.parametrize("status", [400, 403, 429, 500])
@pytest.mark.parametrize("streamed", [False, True])
def test_answer_that_says_nothing_of_a_password_is_not_provoked_again(status: int, streamed: bool) -> None:
    """Neither yes nor no: the password is not known to be right, and is not tried for the same again."""
    refused = {"status": 401, "headers": {"WWW-Authenticate": 'Basic realm="r"'}, "endpoints": ["manifest"]}
    ground = Ground({"steps": [refused, {"status": status, "endpoints": ["manifest"]}]})
    ground.ask(PULL, streamed=streamed)
    for _ in range(5):
        again = ground.ask(PULL, streamed=streamed)
        assert again.reasons == (StopReason.TRIED_IN_VAIN, StopReason.RECENTLY_REFUSED)
    assert sum(1 for send in ground.sent if authorization(send) is not None) == 1


def test_permit_holds_for_the_source_of_a_mount_too() -> None:
    """Who may push to foo and pull from foo may not pull from bar by way of it, nor from wherever a blob may be."""
    permits = Permits(tuple(filter(None, map(Permit.read, ("push:registry.test/foo", "pull:registry.test/foo")))))
    ground = Ground({}, {}, options={"permits": permits})
    for source in ("from=bar&", "", "from=&"):
        assert ground.ask(f"{START}?{source}mount=sha256:{0:064x}").reasons == (Withheld.NOT_PERMITTED,)
    assert status_of(ground.ask(START)) == 202


def test_challenge_without_a_scope_costs_a_wrong_password_no_second_try() -> None:
    """The token server cannot have meant the scopes."""
    ground = Ground(raw(BEARER), {}, (Login(id="m", user="alice", password="guessed"),))
    found = ground.verify(PULL)
    assert found.verification is not None
    assert (found.verification.outcome, ground.count["token"]) == ("credentials-rejected", 1)


PROOFS: Final = [
    (None, PULL, ALICE, "would-have-worked"),
    ({}, PULL, ALICE, "would-have-worked"),
    (None, PULL, Login(id="m", user="alice", password="guessed"), "credentials-rejected"),
    ({}, PULL, Login(id="m", user="alice", password="guessed"), "credentials-rejected"),
    (None, "GET /v2/secret/manifests/1", ALICE, "insufficient-rights"),
    ({}, "GET /v2/secret/manifests/1", ALICE, "insufficient-rights"),
    ({"narrow": 403}, "GET /v2/secret/manifests/1", ALICE, "token-server-refused"),
    ({"field": "neither"}, PULL, ALICE, "token-server-refused"),
    ({"realm": "https://tokens.example/token"}, PULL, ALICE, "undecided"),
]


@pytest.mark.parametrize(("token", "line", "login", "outcome"), PROOFS)
def test_proof_tells_what_was_wrong(token: dict[str, Any] | None, line: str, login: Login, outcome: str) -> None:
    """What a correct client would have got, with one attempt and nothing for the client."""
    ground = Ground({}, token, (login,))
    found = ground.verify(line)
    assert found.verification is not None
    assert (found.verification.outcome, found.answer) == (outcome, None)
    assert ground.count["request"] + ground.count.get("token", 0) <= 3
