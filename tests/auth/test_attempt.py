"""Before a request is sent: what it carries from the start."""

from __future__ import annotations

import pytest

from kit.play import ALICE, BASIC, BEARER, REGISTRY_TOKEN, Stage
from regauth_core.auth.reasons import StopReason
from regauth_core.credentials.login import Login
from regauth_core.model.withheld import Withheld

PULL = "GET /v2/foo/manifests/1"
BLOB = "GET /v2/foo/blobs/sha256:1"
OTHER = "GET /v2/bar/manifests/1"
PATCH = "PATCH /v2/foo/blobs/uploads/1"
ASKS = "GET https://auth.r.test/token?service=s&scope=repository:foo:pull&account=alice"
ASKS_MORE = "GET https://auth.r.test/token?service=s&scope=repository:foo:pull,push&account=alice"


def knows_basic(login: Login = ALICE, *, proven: bool = True) -> Stage:
    """A registry that asked for Basic, and may have accepted the login."""
    stage = Stage(login)
    if proven:
        stage.play(PULL).sends(PULL).gets(401, BASIC).sends(PULL, auth="Basic alice").gets(200).ends(200)
    else:
        stage.play(PULL).sends(PULL).gets(401, BASIC).sends(PULL, auth="Basic alice").gets(500).ends(500)
    return stage


def knows_bearer() -> Stage:
    """A registry that asked for Bearer and gave a token to pull."""
    stage = Stage(ALICE)
    stage.play(PULL).sends(PULL).gets(401, BEARER).sends(ASKS, auth="Basic alice").gets(200, token="tok1").sends(
        PULL, auth="Bearer tok1"
    ).gets(200).ends(200)
    return stage


@pytest.mark.parametrize("body", [b"", None])
def test_first_request_of_all(body: bytes | None) -> None:
    """It is sent as it is; only a body that cannot be sent again is worth a question before."""
    play = Stage(ALICE).preflight(PULL, body=body)
    if body is None:
        play.sends("GET /v2/").gets(200)
    play.sets(None)


def test_probe_teaches_what_a_stream_needs() -> None:
    """Asked once, by nobody in particular; a token is fetched for what is going to be sent."""
    Stage(ALICE).preflight(PATCH, body=None).sends("GET /v2/").gets(401, BASIC).sets("Basic alice")
    played = (
        Stage(ALICE).preflight(PATCH, body=None).sends("GET /v2/").gets(401, 'Bearer realm="https://auth.r.test/token"')
    )
    played.sends("GET https://auth.r.test/token?scope=repository:foo:pull,push&account=alice", auth="Basic alice")
    played.gets(200, token="tok1").sets("Bearer tok1")


def test_probe_that_teaches_nothing_is_not_repeated() -> None:
    """For a minute, or until the registry asks for something."""
    stage = Stage(ALICE)
    stage.preflight(PATCH, body=None).sends("GET /v2/").gets(200).sets(None)
    stage.preflight(PATCH, body=None).sets(None)
    stage.later(60).preflight(PATCH, body=None).sends("GET /v2/").gets(200).sets(None)
    stage.play(OTHER).sends(OTHER).gets(401, BASIC)
    stage.preflight(PATCH, body=None).sets("Basic alice")


def test_streams_do_without_a_probe_what_their_post_has_taught() -> None:
    """The session's first request has no body, so its refusal came first."""
    stage = knows_bearer()
    stage.preflight(PATCH, body=None).sends(ASKS_MORE, auth="Basic alice").gets(200, token="tok2").sets("Bearer tok2")
    stage.preflight(PATCH, body=None).sets("Bearer tok2")
    stage.preflight("PUT /v2/foo/blobs/uploads/1?digest=sha256:1", body=None).sets("Bearer tok2")


def test_token_that_covers_the_need_is_set() -> None:
    """For every request that it covers, and for no other."""
    stage = knows_bearer()
    stage.preflight(BLOB).sets("Bearer tok1")
    stage.preflight("GET /v2/").sets("Bearer tok1")
    stage.preflight("POST /v2/foo/blobs/uploads/").sets(None)
    stage.preflight(OTHER).sets(None)
    stage.later(300).preflight(BLOB).sets(None)


def test_password_that_was_accepted_is_set() -> None:
    """For the whole registry, which asked for it."""
    stage = knows_basic()
    stage.preflight(BLOB).sets("Basic alice")
    stage.preflight(OTHER).sets("Basic alice")


def test_password_that_nobody_accepted_waits_for_its_refusal() -> None:
    """Many requests at once would all try it; one that cannot be sent again has no choice."""
    stage = knows_basic(proven=False)
    stage.preflight(BLOB).sets(None)
    stage.preflight(PATCH, body=None).sets("Basic alice")


def test_refused_password_is_not_set() -> None:
    """Not for a minute."""
    stage = Stage(ALICE)
    stage.play(PULL).sends(PULL).gets(401, BASIC).sends(PULL, auth="Basic alice").gets(401, BASIC)
    assert stage.preflight(PATCH, body=None).sets(None).outcome.reasons == (
        StopReason.CREDENTIALS_REFUSED,
        StopReason.RECENTLY_REFUSED,
    )
    stage.later(60).preflight(PATCH, body=None).sets("Basic alice")


def test_scheme_that_worked_comes_first() -> None:
    """Of two that are offered the token failed and the password was accepted."""
    stage = Stage(ALICE)
    stage.play(PULL).sends(PULL).gets(401, BEARER, BASIC).sends(ASKS, auth="Basic alice").gets(500).sends(
        PULL, auth="Basic alice"
    ).gets(200)
    stage.preflight(PULL).sets("Basic alice")


def test_registry_token_is_set_once_it_was_accepted() -> None:
    """As a password is."""
    stage = Stage(REGISTRY_TOKEN)
    stage.play(PULL).sends(PULL).gets(401, BEARER).sends(PULL, auth="Bearer registry-canary-token").gets(200).ends(200)
    stage.preflight(OTHER).sets("Bearer registry-canary-token")


def test_untrusted_realm_gives_no_token_before_either() -> None:
    """What was learnt is judged again."""
    played = Stage(ALICE).preflight(PATCH, body=None).sends("GET /v2/").gets(401, 'Bearer realm="https://evil.test/t"')
    assert played.sets(None).outcome.reasons == (Withheld.UNKNOWN_HOST,)


def test_password_is_never_sent_unasked() -> None:
    """A registry that asks for a token gets no password."""
    stage = knows_bearer()
    stage.later(300).preflight(BLOB).sets(None)
    stage.preflight(OTHER).sets(None)
