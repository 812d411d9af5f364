"""Whatever a registry and a token server answer: the flows end, within their limits, and no secret goes astray.

`kit.play.Guard` and `kit.play.Watch` judge every step: the origins that may have a secret, the number of sendings, no
`Authorization` value twice, no secret in a representation.
"""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from kit.guard import Watch
from kit.play import ALICE, BASIC, BOTH, IDENTITY, REGISTRY_TOKEN, Stage
from regauth_core.auth.messages import AuthResult, Flow, Lock, Received
from regauth_core.auth.settings import AuthSettings
from regauth_core.credentials.login import ANONYMOUS
from regauth_core.model import Origin

LINES = (
    "GET /v2/", "GET /v2/foo/manifests/1", "HEAD /v2/foo/manifests/1", "PUT /v2/foo/manifests/1",
    "PATCH /v2/foo/blobs/uploads/1", "POST /v2/foo/blobs/uploads/?mount=sha256:1&from=b", "DELETE /v2/foo/manifests/1",
    "GET /v2/_catalog", "GET /v2/../x", "GET /v2/token?service=s",
)  # fmt: skip
PLACES = (
    "https://auth.r.test/token", "https://auth.r.test/token?a=b", "/token", "/v2/foo/manifests/1", "", "https://r.test/token",
    "https://evil.test/token", "https://r.test.evil.test/", "http://auth.r.test/token", "http://r.test/v2/", "https://10.0.0.1/t",
    "https://169.254.169.254/latest/", "https://[::1]/t", "https://a:b@auth.r.test/t", "https://auth.r.test@evil.test/t",
    "https://auth.r.test:8443/t", "//evil.test/t", "https://127.1/t", "https://evil.test\\@auth.r.test/", "\x00", "https://",
)  # fmt: skip
SCOPES = (
    "",
    "repository:foo:pull",
    "repository:foo:pull,push",
    "repository:foo:*",
    "repository:x:pull",
    "aws",
    "a:b:c d:e:f",
    ":::",
)
ERRORS = ("", "insufficient_scope", "invalid_token", "x")
REALMS = ("https://auth.r.test", "https://auth.r.test:8443")


@st.composite
def challenges(draw: st.DrawFn) -> str:
    """A challenge, or what a registry may send in its place."""
    kind = draw(st.sampled_from(("bearer", "bearer", "bearer", "basic", "other", "text")))
    if kind == "basic":
        return BASIC
    if kind == "other":
        return draw(st.sampled_from(("Negotiate", 'Digest realm="x"', "127.0.0.1", ",,,", 'Bearer realm="', "Bearer")))
    if kind == "text":
        return draw(st.text(max_size=30))
    values = {"realm": PLACES, "service": ("", "s"), "scope": SCOPES, "error": ERRORS}
    drawn = {name: draw(st.sampled_from(choices)) for name, choices in values.items()}
    return "Bearer " + ",".join(f'{name}="{value}"' for name, value in drawn.items())


@st.composite
def answers(draw: st.DrawFn) -> Received:
    """Any answer."""
    status = draw(st.sampled_from((401, 401, 401, 200, 200, 403, 400, 404, 405, 500, 0, 302, 307, 308, 202, 501, 429)))
    lines = [("WWW-Authenticate", line) for line in draw(st.lists(challenges(), max_size=2))]
    lines += [("Location", place) for place in draw(st.lists(st.sampled_from(PLACES), max_size=1))]
    words = st.sampled_from(("token-one", "token-two", "token\r\nX: y", "", 7))
    fields = st.fixed_dictionaries(
        {},
        optional={
            "token": words,
            "access_token": words,
            "refresh_token": words,
            "expires_in": st.sampled_from((0, -1, 1, "60", 1e300, None)),
            "issued_at": st.sampled_from(("2023-11-14T22:13:20Z", "2093-11-14T22:13:20Z", "x", 1)),
        },
    )
    body = draw(fields.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=9))
    origin = draw(st.sampled_from((None, None, None, None, Origin("https", "evil.test", 443))))
    return Received(
        status=status,
        at=draw(st.sampled_from((0.0, 1.0, 30.0, 100.0))),
        headers=tuple(lines),
        body=body,
        origin=origin,
    )


def drive(stage: Stage, flow: Flow[AuthResult], watch: Watch, told: list[Received]) -> AuthResult:
    """The outcome of a flow that gets `told`, then nothing but refusals; `at` of an answer is how long it took."""
    answer: Received | None = None
    for _ in range(60):
        try:
            step = next(flow) if answer is None else flow.send(answer)
        except StopIteration as end:
            found: AuthResult = end.value
            return found
        watch.step(step)
        if isinstance(step, Lock):
            answer = Received(status=0, at=stage.now)
            continue
        said = told.pop() if told else Received(status=401, at=0.0, headers=(("WWW-Authenticate", BASIC),))
        stage.later(said.at)
        answer = Received(status=said.status, at=stage.now, headers=said.headers, body=said.body, origin=said.origin)
        # What another origin says, the registry has not said.
        if said.origin is None:
            stage.guard.hear(answer)
    raise AssertionError("it does not end")


logins = st.sampled_from((ALICE, IDENTITY, BOTH, REGISTRY_TOKEN, ANONYMOUS))
manners = st.builds(
    AuthSettings,
    anonymous=st.booleans(),
    offline=st.booleans(),
    oauth_first=st.sampled_from((frozenset(), frozenset({Origin("https", "r.test", 443)}))),
)


@settings(max_examples=600, deadline=None)
@given(
    login=logins,
    settings=manners,
    lines=st.lists(st.tuples(st.sampled_from(LINES), st.booleans(), st.booleans()), min_size=1, max_size=4),
    told=st.lists(answers(), max_size=30),
)
def test_no_answer_leads_astray(
    login: object, settings: AuthSettings, lines: list[tuple[str, bool, bool]], told: list[Received]
) -> None:
    """One client after the other, at a registry that plays tricks, watched or answered."""
    stage = Stage(login, settings=settings, realms=REALMS)  # type: ignore[arg-type]
    for line, streams, verifies in lines:
        request = stage.request(line, body=None if streams else b"")
        if verifies and told:
            received = stage.received(told[-1].status)
            flow = stage.authenticator.verify(
                request, Received(status=received.status, at=stage.now, headers=told[-1].headers)
            )
            stage.guard.hear(Received(status=received.status, at=stage.now, headers=told[-1].headers))
            watch = Watch(stage.guard)
        else:
            flow = stage.authenticator.authorize(request, stage.now)
            watch = Watch(stage.guard, request)
        outcome = drive(stage, flow, watch, told)
        assert outcome.used.sends <= 4
        assert outcome.used.fetches <= 2
        assert outcome.used.probes <= 1
        assert "canary" not in repr(outcome)
        assert "token-one" not in repr(outcome)


@settings(max_examples=200, deadline=None)
@given(login=logins, told=st.lists(answers(), max_size=30))
def test_redirecting_token_server_gets_no_further(login: object, told: list[Received]) -> None:
    """After a good challenge everything depends on what the token server says."""
    stage = Stage(login, settings=AuthSettings(anonymous=True), realms=REALMS)  # type: ignore[arg-type]
    good = stage.received(401, ['Bearer realm="https://auth.r.test/token",service="s",scope="repository:foo:pull"'])
    drive(
        stage,
        stage.authenticator.authorize(stage.request("GET /v2/foo/manifests/1"), stage.now),
        Watch(stage.guard, stage.request("GET /v2/foo/manifests/1")),
        [*told, good],
    )
