"""Verification: what a correct client would have sent, and what that proves."""

from __future__ import annotations

import jwt
import pytest

from kit.guard import SECRETS
from kit.play import ALICE, BASIC, BEARER, IDENTITY, REGISTRY_TOKEN, Play, Stage
from regauth_core.auth import verification
from regauth_core.auth.reasons import StopReason
from regauth_core.auth.settings import AuthSettings
from regauth_core.auth.trust import Trust
from regauth_core.credentials.login import ANONYMOUS, Login
from regauth_core.model.finding import ProofResult
from regauth_core.model.withheld import WITHHELD_BECAUSE, Withheld

PULL = "GET /v2/foo/manifests/1"
ASKS = "GET https://auth.r.test/token?service=s&scope=repository:foo:pull&account=alice"
INSUFFICIENT = BEARER + ',error="insufficient_scope"'
INVALID = BEARER + ',error="invalid_token"'


def proves(play: Play, outcome: ProofResult, status: int | None, word: str = "") -> None:
    """The verification has ended like this, leaves the client's answer alone and names no secret."""
    found = play.outcome.verification
    assert found is not None
    assert (found.outcome, found.status) == (outcome, status)
    assert word in found.note
    assert not any(secret in found.note for secret in SECRETS)
    assert play.outcome.answer is None


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, ProofResult.WOULD_HAVE_WORKED),
        (206, ProofResult.WOULD_HAVE_WORKED),
        (307, ProofResult.WOULD_HAVE_WORKED),
        (404, ProofResult.WOULD_HAVE_WORKED),
        (401, ProofResult.CREDENTIALS_REJECTED),
        (403, ProofResult.INSUFFICIENT_RIGHTS),
        (429, ProofResult.UNDECIDED),
        (503, ProofResult.UNDECIDED),
        (0, ProofResult.UNDECIDED),
    ],
)
def test_basic(status: int, outcome: ProofResult) -> None:
    """One request with the password."""
    play = (
        Stage(ALICE)
        .verify(PULL, 401, BASIC)
        .sends(PULL, auth="Basic alice")
        .gets(status, BASIC if status == 401 else "")
    )
    proves(play, outcome, status or None)


@pytest.mark.parametrize(
    ("status", "challenge", "outcome", "word"),
    [
        (200, "", ProofResult.WOULD_HAVE_WORKED, "200"),
        (403, "", ProofResult.INSUFFICIENT_RIGHTS, "does not allow"),
        (401, INSUFFICIENT, ProofResult.INSUFFICIENT_RIGHTS, "allows less"),
        (403, INSUFFICIENT, ProofResult.INSUFFICIENT_RIGHTS, "does not allow"),
        (401, INVALID, ProofResult.UNDECIDED, "just issued"),
        (401, BEARER, ProofResult.UNDECIDED, "just issued"),
        (401, "", ProofResult.UNDECIDED, "just issued"),
        (500, "", ProofResult.UNDECIDED, "500"),
    ],
)
def test_bearer(status: int, challenge: str, outcome: ProofResult, word: str) -> None:
    """One token and one request."""
    play = Stage(ALICE).verify(PULL, 401, BEARER).sends(ASKS, auth="Basic alice").gets(200, token="tok1")
    proves(play.sends(PULL, auth="Bearer tok1").gets(status, challenge), outcome, status, word)


def test_token_that_grants_less_explains_its_refusal() -> None:
    """What it says of itself is no proof, but reason enough."""
    token = jwt.encode({"access": []}, "k" * 32)
    play = Stage(ALICE).verify(PULL, 401, BEARER).sends(ASKS, auth="Basic alice").gets(200, token=token)
    proves(play.sends(PULL, auth=f"Bearer {token}").gets(401, BEARER), ProofResult.INSUFFICIENT_RIGHTS, 401)


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (401, b"", ProofResult.CREDENTIALS_REJECTED),
        (400, b'{"error":"invalid_grant"}', ProofResult.CREDENTIALS_REJECTED),
        (400, b"", ProofResult.TOKEN_SERVER_REFUSED),
        (403, b"", ProofResult.TOKEN_SERVER_REFUSED),
        (200, b"<html>", ProofResult.TOKEN_SERVER_REFUSED),
        (500, b"", ProofResult.UNDECIDED),
        (429, b"", ProofResult.UNDECIDED),
        (0, b"", ProofResult.UNDECIDED),
        (302, b"", ProofResult.UNDECIDED),
    ],
)
def test_token_server_decides(status: int, body: bytes, outcome: ProofResult) -> None:
    """One question to the token server, and none to the registry."""
    play = Stage(ALICE).verify(PULL, 401, BEARER).sends(ASKS, auth="Basic alice").gets(status, body=body)
    proves(play, outcome, status or None)


def test_wrong_password_is_tried_once() -> None:
    """A second verification within a minute knows the answer."""
    stage = Stage(ALICE)
    proves(
        stage.verify(PULL, 401, BEARER).sends(ASKS, auth="Basic alice").gets(401), ProofResult.CREDENTIALS_REJECTED, 401
    )
    proves(stage.verify(PULL, 401, BEARER), ProofResult.CREDENTIALS_REJECTED, None, "not tried again")


def test_same_credential_as_the_clients_is_not_sent_again() -> None:
    """The registry has refused it before our eyes."""
    proves(Stage(ALICE).verify(PULL, 401, BASIC, auth=ALICE.basic()), ProofResult.CREDENTIALS_REJECTED, None)


def test_client_with_another_credential_is_verified_with_ours() -> None:
    """Whatever it brought, the question is what a correct client with these credentials would get."""
    play = Stage(ALICE).verify(PULL, 401, BASIC, auth="Bearer abc").sends(PULL, auth="Basic alice").gets(200)
    proves(play, ProofResult.WOULD_HAVE_WORKED, 200)


def test_only_the_head_of_the_answer_is_wanted() -> None:
    """A blob of gigabytes is not fetched to prove a point."""
    stage = Stage(ALICE)
    flow = stage.authenticator.verify(stage.request("GET /v2/foo/blobs/sha256:1"), stage.received(401, [BASIC]))
    next(flow)
    step = flow.send(stage.received(0))
    assert not getattr(step, "is_body_wanted", True)


def test_right_password_without_rights() -> None:
    """A password that the registry accepts elsewhere is not wrong."""
    stage = Stage(ALICE)
    stage.play(PULL).sends(PULL).gets(401, BASIC).sends(PULL, auth="Basic alice").gets(200).ends(200)
    play = (
        stage.verify("GET /v2/bar/manifests/1", 401, BASIC)
        .sends("GET /v2/bar/manifests/1", auth="Basic alice")
        .gets(401, BASIC)
    )
    proves(play, ProofResult.INSUFFICIENT_RIGHTS, 401, "other requests")


def test_forbidden_without_a_challenge_is_explained_by_the_ping() -> None:
    """A 403 for somebody without credentials may only mean that they are missing."""
    play = Stage(ALICE).verify(PULL, 403).sends("GET /v2/").gets(401, BASIC).sends(PULL, auth="Basic alice").gets(200)
    proves(play, ProofResult.WOULD_HAVE_WORKED, 200)


def test_other_kinds_of_login() -> None:
    """A token of the registry's own, an identity token, nobody."""
    play = Stage(REGISTRY_TOKEN).verify(PULL, 401, BEARER).sends(PULL, auth="Bearer registry-canary-token")
    proves(play.gets(401, BEARER), ProofResult.CREDENTIALS_REJECTED, 401)
    play = (
        Stage(IDENTITY)
        .verify(PULL, 401, BEARER)
        .sends(
            "POST https://auth.r.test/token grant_type=refresh_token&refresh_token=identity-canary-token"
            "&service=s&scope=repository:foo:pull"
        )
    )
    proves(play.gets(401), ProofResult.CREDENTIALS_REJECTED, 401)
    play = (
        Stage(ANONYMOUS, settings=AuthSettings(anonymous=True))
        .verify(PULL, 401, BEARER)
        .sends("GET https://auth.r.test/token?service=s&scope=repository:foo:pull")
    )
    proves(play.gets(401), ProofResult.TOKEN_SERVER_REFUSED, 401)


@pytest.mark.parametrize(
    ("login", "line", "status", "challenge", "word"),
    [
        (ALICE, "PUT /v2/foo/manifests/1", 401, BASIC, "only GET and HEAD"),
        (ALICE, PULL, 200, "", "did not refuse"),
        (ALICE, PULL, 401, "Negotiate", "neither Basic nor Bearer"),
        (ALICE, PULL, 401, 'Bearer realm="https://evil.test/t"', "not known"),
        (ALICE, PULL, 401, 'Bearer realm="http://auth.r.test/t"', "plain http"),
        (ALICE, PULL, 401, 'Bearer realm="https://169.254.169.254/t"', "metadata"),
        (IDENTITY, PULL, 401, BASIC, "cannot answer"),
        (ALICE, "GET /elsewhere", 401, BASIC, "not part of the registry API"),
        (ALICE, "GET https://o.test/v2/foo/manifests/1", 401, BASIC, "no credentials are configured"),
        (ALICE, "GET http://r.test/v2/foo/manifests/1", 401, BASIC, "plain http"),
    ],
)
def test_nothing_can_be_told(login: Login, line: str, status: int, challenge: str, word: str) -> None:
    """Nothing is sent, and the note says why."""
    proves(Stage(login).verify(line, status, challenge), ProofResult.UNDECIDED, None, word)


def test_ping_proves_the_login_alone() -> None:
    """What it may do is another question, and the note says so."""
    login, repository = (Stage(ALICE).verify(line, 401, BASIC) for line in ("GET /v2/", PULL))
    proves(
        login.sends("GET /v2/", auth="Basic alice").gets(200), ProofResult.WOULD_HAVE_WORKED, 200, "not what it may do"
    )
    proves(repository.sends(PULL, auth="Basic alice").gets(200), ProofResult.WOULD_HAVE_WORKED, 200)
    assert repository.outcome.verification is not None
    assert "ping" not in repository.outcome.verification.note


def test_every_reason_has_its_words() -> None:
    """Except those that end no verification."""
    never = {StopReason.CLIENT_AUTHORIZED, StopReason.BODY_GONE, StopReason.RECENTLY_REFUSED}
    assert set(StopReason) - never == {*verification._REFUSALS, *verification._UNDECIDED} - never
    assert set(Withheld) == set(WITHHELD_BECAUSE)
    assert all(verification.objection(reason) for reason in (*StopReason, *Withheld))


def test_trust_is_the_same_beside_the_client() -> None:
    """What is configured counts here, too."""
    stage = Stage(ALICE, registry="http://r.test", trust=Trust(allow_http=True))
    proves(stage.verify(PULL, 401, BASIC).sends(PULL, auth="Basic alice").gets(200), ProofResult.WOULD_HAVE_WORKED, 200)
