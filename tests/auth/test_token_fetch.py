"""Asking a token server, with every fall-back."""

from __future__ import annotations

import pytest

from kit.guard import PASSWORD
from kit.play import ALICE, BEARER, BOTH, IDENTITY, Play, Stage, origin
from regauth_core.auth.reasons import Note, StopReason
from regauth_core.auth.settings import AuthSettings
from regauth_core.auth.trust import Trust
from regauth_core.credentials.login import ANONYMOUS, Login
from regauth_core.model.withheld import Withheld

PULL = "GET /v2/foo/manifests/1"
AUTH = "https://auth.r.test/token"
ASKS = f"GET {AUTH}?service=s&scope=repository:foo:pull&account=alice"
POSTS = f"POST {AUTH} grant_type=password&username=alice&password={PASSWORD}&service=s&scope=repository:foo:pull"
REFRESHES = (
    f"POST {AUTH} grant_type=refresh_token&refresh_token=identity-canary-token&service=s&scope=repository:foo:pull"
)
ANYBODY = f"GET {AUTH}?service=s&scope=repository:foo:pull"
ANONYMOUSLY = AuthSettings(anonymous=True)
DENIED = {"errors": [{"code": "DENIED"}]}


def refused(*logins: Login, challenge: str = BEARER, line: str = PULL, settings: AuthSettings | None = None) -> Play:
    """A request that the registry has just refused."""
    return Stage(*logins, settings=settings).play(line).sends(line).gets(401, challenge)


def test_password_by_get() -> None:
    """Service, scope and account in the query, the password in Basic."""
    refused(ALICE).sends(ASKS, auth="Basic alice").gets(200, token="tok1").sends(PULL, auth="Bearer tok1").gets(
        200
    ).ends(200)


@pytest.mark.parametrize(
    ("challenge", "question"),
    [
        ('Bearer realm="https://auth.r.test/token?x=1&y"', "/token?x=1&y&scope=repository:foo:pull"),
        ('Bearer realm="https://auth.r.test/token?"', "/token?scope=repository:foo:pull"),
        ("bearer realm=https://auth.r.test/token", "/token?scope=repository:foo:pull"),
        ('BEARER REALM="https://auth.r.test",SERVICE=""', "/?service=&scope=repository:foo:pull"),
        ('Bearer realm="https://auth.r.test/t",scope=""', "/t?scope=repository:foo:pull"),
        (
            'Bearer realm="https://auth.r.test/t",scope="repository:foo:push,pull aws"',
            "/t?scope=repository:foo:push,pull&scope=aws",
        ),
        (
            'Bearer realm="https://auth.r.test/t",scope="repository:bar:pull"',
            "/t?scope=repository:bar:pull&scope=repository:foo:pull",
        ),
        (
            'Bearer realm="https://auth.r.test/\\"q\\"",service="a\\\\b"',
            '/"q"?service=a\\b&scope=repository:foo:pull',
        ),
    ],
)
def test_challenge_decides_the_question(challenge: str, question: str) -> None:
    """The realm's own query stays; the challenge's scopes come first, as spelled; what is not named is not sent."""
    asks = f"GET https://auth.r.test{question}&account=alice"
    played = refused(ALICE, challenge=challenge).sends(asks, auth="Basic alice").gets(200, token="tok1")
    played.sends(PULL, auth="Bearer tok1").gets(200).ends(200)


def test_more_scope_than_the_challenge_named() -> None:
    """The request's own need is added to what the challenge names."""
    line = "POST /v2/foo/blobs/uploads/?mount=sha256:1&from=base"
    scopes = "scope=repository:foo:pull,push&scope=repository:base:pull"
    (
        refused(ALICE, line=line)
        .sends(f"GET {AUTH}?service=s&{scopes}&account=alice", auth="Basic alice")
        .gets(200, token="tok1").sends(line, auth="Bearer tok1").gets(201).ends(201)
    )  # fmt: skip


@pytest.mark.parametrize("status", [404, 405])
def test_get_that_is_not_there_becomes_post(status: int) -> None:
    """Servers that only do OAuth2 get a password grant."""
    refused(ALICE).sends(ASKS, auth="Basic alice").gets(status).sends(POSTS).gets(
        200, body={"access_token": "tok1"}
    ).sends(PULL, auth="Bearer tok1").gets(200).ends(200)


@pytest.mark.parametrize("status", [404, 405, 501])
def test_post_that_is_not_there_becomes_get(status: int) -> None:
    """With `oauth_first` the order is the other way round."""
    settings = AuthSettings(oauth_first=frozenset({origin("https://r.test")}))
    played = refused(ALICE, settings=settings).sends(POSTS).gets(status)
    played.sends(ASKS, auth="Basic alice").gets(200, token="tok1").sends(PULL, auth="Bearer tok1").gets(200).ends(200)
    assert played.outcome.notes == (Note.NO_OAUTH2,)


def test_neither_get_nor_post_is_there() -> None:
    """Each is tried once."""
    refused(ALICE).sends(ASKS, auth="Basic alice").gets(404).sends(POSTS).gets(404).ends(401, StopReason.TOKEN_REFUSED)


@pytest.mark.parametrize("status", [400, 401, 403])
def test_picky_server_gets_the_challenge_alone(status: int) -> None:
    """A server that refuses more than its registry named is asked once again for just that."""
    line = "PUT /v2/foo/manifests/1"
    played = (
        refused(ALICE, line=line)
        .sends(f"GET {AUTH}?service=s&scope=repository:foo:pull,push&account=alice", auth="Basic alice").gets(status)
        .sends(ASKS, auth="Basic alice").gets(200, token="tok1")
        .sends(line, auth="Bearer tok1").gets(201).ends(201)
    )  # fmt: skip
    assert played.outcome.notes == (Note.SCOPES_NARROWED,)


def test_picky_server_is_asked_no_third_time() -> None:
    """Then it is over."""
    line = "PUT /v2/foo/manifests/1"
    (
        refused(ALICE, line=line)
        .sends(f"GET {AUTH}?service=s&scope=repository:foo:pull,push&account=alice", auth="Basic alice").gets(403)
        .sends(ASKS, auth="Basic alice").gets(403).ends(401, StopReason.TOKEN_REFUSED)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (401, {}, StopReason.TOKEN_CREDENTIALS_REFUSED),
        (400, {"error": "invalid_grant"}, StopReason.TOKEN_CREDENTIALS_REFUSED),
        (400, {"error": "invalid_scope"}, StopReason.TOKEN_REFUSED),
        (403, DENIED, StopReason.TOKEN_REFUSED),
        (429, {}, StopReason.TOKEN_SERVER_FAILED),
        (500, {}, StopReason.TOKEN_SERVER_FAILED),
        (0, {}, StopReason.TOKEN_SERVER_FAILED),
        (200, {}, StopReason.TOKEN_UNUSABLE),
        (200, {"token": ""}, StopReason.TOKEN_UNUSABLE),
        (200, {"token": "a\nb"}, StopReason.TOKEN_UNUSABLE),
        (204, {}, StopReason.TOKEN_UNUSABLE),
        (304, {}, StopReason.TOKEN_SERVER_FAILED),
    ],
)
def test_no_token(status: int, body: dict[str, object], reason: StopReason) -> None:
    """One question, and the client gets the registry's own 401."""
    refused(ALICE).sends(ASKS, auth="Basic alice").gets(status, body=body).ends(401, reason)


def test_identity_token_goes_by_post() -> None:
    """As a refresh token in a form, never as a password."""
    refused(IDENTITY).sends(REFRESHES).gets(200, body={"access_token": "tok1"}).sends(PULL, auth="Bearer tok1").gets(
        200
    ).ends(200)


@pytest.mark.parametrize("status", [400, 401])
def test_refused_identity_token_is_final(status: int) -> None:
    """Neither the password nor nobody is tried in its place."""
    played = refused(BOTH, settings=ANONYMOUSLY).sends(REFRESHES).gets(status, body={"error": "invalid_grant"})
    played.ends(401, StopReason.TOKEN_CREDENTIALS_REFUSED)


@pytest.mark.parametrize("status", [404, 405, 501])
def test_server_without_oauth2(status: int) -> None:
    """User and password if there are; else nobody, if that is allowed; else nothing."""
    played = refused(BOTH).sends(REFRESHES).gets(status).sends(ASKS, auth="Basic alice").gets(200, token="tok1")
    played.sends(PULL, auth="Bearer tok1").gets(200).ends(200)
    played = (
        refused(IDENTITY, settings=ANONYMOUSLY).sends(REFRESHES).gets(status).sends(ANYBODY).gets(200, token="tok1")
    )
    played.sends(PULL, auth="Bearer tok1").gets(200).ends(200)
    refused(IDENTITY).sends(REFRESHES).gets(status).ends(401, StopReason.TOKEN_REFUSED)


def test_nobody_asks_only_if_allowed() -> None:
    """An anonymous token is a choice of the user."""
    refused(ANONYMOUS).ends(401, StopReason.LOGIN_DOES_NOT_FIT)
    played = refused(ANONYMOUS, settings=ANONYMOUSLY).sends(ANYBODY).gets(200, token="tok1")
    played.sends(PULL, auth="Bearer tok1").gets(200).ends(200)


def test_refresh_token_of_the_server_is_used_next_time() -> None:
    """The password need not travel again; a refresh token that is refused is forgotten, and the password is back."""
    stage = Stage(ALICE, settings=AuthSettings(offline=True))
    stage.play(PULL).sends(PULL).gets(401, BEARER).sends(ASKS + "&offline_token=true", auth="Basic alice").gets(
        200, body={"token": "tok1", "refresh_token": "refresh1", "expires_in": 60}
    ).sends(PULL, auth="Bearer tok1").gets(200).ends(200)
    again = REFRESHES.replace("identity-canary-token", "refresh1") + "&access_type=offline"
    stage.later(100).play(PULL).sends(PULL).gets(401, BEARER).sends(again).gets(
        200, body={"access_token": "tok2", "expires_in": 60}
    ).sends(PULL, auth="Bearer tok2").gets(200).ends(200)
    played = stage.later(100).play(PULL).sends(PULL).gets(401, BEARER).sends(again).gets(400)
    played.sends(ASKS + "&offline_token=true", auth="Basic alice").gets(200, token="tok3")
    played.sends(PULL, auth="Bearer tok3").gets(200).ends(200)
    assert Note.REFRESH_TOKEN_REFUSED in played.outcome.notes


def test_redirect_on_the_same_origin_keeps_the_password() -> None:
    """The same place under another path."""
    moved = "https://auth.r.test/new?a=b"
    refused(ALICE).sends(ASKS, auth="Basic alice").gets(307, location="/new?a=b").sends(
        f"GET {moved}", auth="Basic alice"
    ).gets(200, token="tok1").sends(PULL, auth="Bearer tok1").gets(200).ends(200)


def test_redirect_to_another_origin_drops_the_password_for_good() -> None:
    """Back home it is not sent either."""
    stage = Stage(ALICE, realms=["https://auth.r.test", "https://sso.r.test"])
    played = (
        stage.play(PULL).sends(PULL).gets(401, BEARER)
        .sends(ASKS, auth="Basic alice").gets(302, location="https://sso.r.test/t")
        .sends("GET https://sso.r.test/t").gets(302, location="https://auth.r.test/back")
        .sends("GET https://auth.r.test/back").gets(200, token="tok1")
        .sends(PULL, auth="Bearer tok1").gets(200).ends(200)
    )  # fmt: skip
    assert played.outcome.notes == (Note.CREDENTIALS_DROPPED,)


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("https://evil.test/t", Withheld.UNKNOWN_HOST),
        ("//evil.test/t", Withheld.UNKNOWN_HOST),
        ("https://10.0.0.1/t", Withheld.INTERNAL_ADDRESS),
        ("https://169.254.169.254/t", Withheld.METADATA_ADDRESS),
        ("https://u:p@auth.r.test/t", Withheld.USERINFO),
        ("http://auth.r.test/t", Withheld.PLAIN_HTTP),
        ("", Withheld.NOT_A_URL),
        ("javascript:alert(1)", Withheld.NOT_A_URL),
    ],
)
def test_every_hop_is_judged(location: str, reason: Withheld) -> None:
    """A trusted token server cannot hand the request on to a place that would not be trusted as a realm."""
    refused(ALICE).sends(ASKS, auth="Basic alice").gets(307, location=location).ends(401, reason)


def test_hop_to_http_is_never_made() -> None:
    """Not even where plain http is allowed."""
    stage = Stage(ALICE, registry="http://r.test", trust=Trust(allow_http=True))
    stage.play(PULL).sends(PULL).gets(401, BEARER).sends(ASKS, auth="Basic alice").gets(
        307, location="http://auth.r.test/token"
    ).ends(401, Withheld.PLAIN_HTTP)


def test_redirects_end() -> None:
    """Three hops, and no circle."""
    played = (
        refused(ALICE)
        .sends(ASKS, auth="Basic alice")
        .gets(307, location="/1")
        .sends("GET https://auth.r.test/1", auth="Basic alice")
    )
    played.gets(307, location="/2").sends("GET https://auth.r.test/2", auth="Basic alice").gets(307, location="/3")
    played.sends("GET https://auth.r.test/3", auth="Basic alice").gets(307, location="/4").ends(
        401, StopReason.TOKEN_REDIRECT
    )
    played = (
        refused(ALICE)
        .sends(ASKS, auth="Basic alice")
        .gets(307, location="/1")
        .sends("GET https://auth.r.test/1", auth="Basic alice")
    )
    played.gets(307, location="/1").ends(401, StopReason.TOKEN_REDIRECT)


@pytest.mark.parametrize(("status", "location"), [(307, "https://sso.r.test/t"), (302, "/t"), (303, "/t"), (301, "/t")])
def test_form_stays_where_it_is(status: int, location: str) -> None:
    """A POST is not replayed to another origin, nor turned into something else."""
    refused(IDENTITY).sends(REFRESHES).gets(status, location=location).ends(401, StopReason.TOKEN_REDIRECT)


def test_form_is_repeated_on_its_own_origin() -> None:
    """307 and 308 repeat it as it is."""
    moved = REFRESHES.replace("/token ", "/t ")
    played = refused(IDENTITY).sends(REFRESHES).gets(308, location="/t").sends(moved).gets(200, token="tok1")
    played.sends(PULL, auth="Bearer tok1").gets(200).ends(200)


def test_answer_of_somebody_else_is_no_token() -> None:
    """What another origin says in the token server's place does not count."""
    played = refused(ALICE).sends(ASKS, auth="Basic alice").gets(200, token="tok1", origin=origin("https://evil.test"))
    played.ends(401, StopReason.FOREIGN_ANSWER)


def test_two_different_tokens_are_noted() -> None:
    """After a GET, too, `access_token` is taken, as docker and crane do."""
    played = refused(ALICE).sends(ASKS, auth="Basic alice").gets(200, body={"token": "tok1", "access_token": "tok2"})
    played.sends(PULL, auth="Bearer tok2").gets(200).ends(200)
    assert played.outcome.notes == (Note.TOKENS_DIFFER,)
