"""Answering a registry's refusals, as whole conversations."""

from __future__ import annotations

import pytest

from kit.guard import PASSWORD
from kit.play import ALICE, BASIC, BEARER, IDENTITY, REGISTRY_TOKEN, Stage
from regauth_core.auth.messages import Scheme
from regauth_core.auth.reasons import StopReason
from regauth_core.credentials.login import ANONYMOUS, Login
from regauth_core.model.withheld import Withheld

PULL = "GET /v2/foo/manifests/1"
PUSH = "PUT /v2/foo/manifests/1"
OTHER = "GET /v2/bar/manifests/1"
ASKS = "GET https://auth.r.test/token?service=s&scope=repository:foo:pull&account=alice"
ASKS_MORE = "GET https://auth.r.test/token?service=s&scope=repository:foo:pull,push&account=alice"
INSUFFICIENT = BEARER.replace(":pull", ":pull,push") + ',error="insufficient_scope"'
INVALID = BEARER + ',error="invalid_token"'


# Which challenge is answered, and how


def test_basic_is_answered_with_the_password() -> None:
    """The registry itself asked for it."""
    played = Stage(ALICE).play(PULL).sends(PULL).gets(401, BASIC).sends(PULL, auth="Basic alice").gets(200).ends(200)
    assert played.outcome.offered == (Scheme.BASIC,)


@pytest.mark.parametrize(
    "lines",
    [
        (BASIC, BEARER),
        (BEARER, BASIC),
        (f"{BASIC}, {BEARER}",),
        (f"{BEARER}, {BASIC}",),
        ("Negotiate", BEARER),
        (f"Negotiate, {BEARER}",),
        (f'Digest realm="x", nonce="y", {BEARER}',),
        (BEARER.replace("Bearer", "bEARER").replace("realm", "REALM").replace("scope", "Scope"),),
        ('Bearer realm="https://evil.test/t"', BEARER),
    ],
)
def test_bearer_comes_first(lines: tuple[str, ...]) -> None:
    """In whatever order and layout the challenges stand; unknown schemes and untrusted realms are passed over."""
    stage = Stage(ALICE)
    played = stage.play(PULL).sends(PULL).gets(401, *lines).sends(ASKS, auth="Basic alice").gets(200, token="tok1")
    played.sends(PULL, auth="Bearer tok1").gets(200)
    assert played.outcome.answer is not None
    assert played.outcome.answer.status == 200


@pytest.mark.parametrize("status", [400, 403, 404, 500, 0])
def test_basic_is_the_second_choice(status: int) -> None:
    """Where no token can be had, for another reason than the password."""
    played = Stage(ALICE).play(PULL).sends(PULL).gets(401, BEARER, BASIC).sends(ASKS, auth="Basic alice").gets(status)
    if status == 404:
        played.sends(
            f"POST https://auth.r.test/token grant_type=password&username=alice&password={PASSWORD}"
            "&service=s&scope=repository:foo:pull"
        ).gets(status)
    played.sends(PULL, auth="Basic alice").gets(200)
    assert played.outcome.answer is not None
    assert played.outcome.answer.status == 200


def test_password_that_the_token_server_refused_is_not_tried_at_the_registry() -> None:
    """Both schemes are offered; a wrong password goes out once."""
    stage = Stage(ALICE)
    stage.play(PULL).sends(PULL).gets(401, BEARER, BASIC).sends(ASKS, auth="Basic alice").gets(401).ends(
        401, StopReason.TOKEN_CREDENTIALS_REFUSED
    )


@pytest.mark.parametrize(
    ("realm", "reason"),
    [
        ("https://evil.test/token", Withheld.UNKNOWN_HOST),
        ("http://auth.r.test/token", Withheld.PLAIN_HTTP),
        ("https://10.0.0.1/token", Withheld.INTERNAL_ADDRESS),
        ("https://169.254.169.254/token", Withheld.METADATA_ADDRESS),
        ("https://alice@auth.r.test/token", Withheld.USERINFO),
        ("", Withheld.NOT_A_URL),
        ("reg", None),
    ],
)
def test_untrusted_realm_gets_nothing(realm: str, reason: Withheld | None) -> None:
    """The client keeps its 401, and the reason says why; a relative realm is the registry's own."""
    played = Stage(ALICE).play(PULL).sends(PULL).gets(401, f'Bearer realm="{realm}"')
    if reason is None:
        played.sends("GET /v2/foo/manifests/reg?scope=repository:foo:pull&account=alice", auth="Basic alice")
    else:
        played.ends(401, reason)


def test_untrusted_realm_beside_basic() -> None:
    """The password goes to the registry, which asked for it, and the reason stays on record."""
    played = Stage(ALICE).play(PULL).sends(PULL).gets(401, 'Bearer realm="https://evil.test/t"', BASIC)
    played.sends(PULL, auth="Basic alice").gets(200).ends(200, Withheld.UNKNOWN_HOST)


@pytest.mark.parametrize(
    ("login", "lines", "reason"),
    [
        (ALICE, ("Negotiate",), StopReason.UNSUPPORTED_SCHEME),
        (ALICE, ("Digest realm=x, nonce=y",), StopReason.UNSUPPORTED_SCHEME),
        (IDENTITY, (BASIC,), StopReason.LOGIN_DOES_NOT_FIT),
        (REGISTRY_TOKEN, (BASIC,), StopReason.LOGIN_DOES_NOT_FIT),
        (ANONYMOUS, (BASIC,), StopReason.LOGIN_DOES_NOT_FIT),
        (ANONYMOUS, (BEARER,), StopReason.LOGIN_DOES_NOT_FIT),
    ],
)
def test_nothing_fits(login: Login, lines: tuple[str, ...], reason: StopReason) -> None:
    """The client keeps its 401."""
    Stage(login).play(PULL).sends(PULL).gets(401, *lines).ends(401, reason)


def test_registry_token_needs_no_exchange_and_gets_no_second_try() -> None:
    """It is what goes into the header."""
    stage = Stage(REGISTRY_TOKEN)
    sent = "Bearer registry-canary-token"
    stage.play(PULL).sends(PULL).gets(401, BEARER).sends(PULL, auth=sent).gets(200).ends(200)
    stage.play(PUSH).sends(PUSH, auth=sent).gets(401, INSUFFICIENT).ends(401, StopReason.LOGIN_NOT_ALLOWED)
    stage = Stage(REGISTRY_TOKEN)
    stage.play(PULL).sends(PULL).gets(401, BEARER).sends(PULL, auth=sent).gets(401, BEARER).ends(
        401, StopReason.CREDENTIALS_REFUSED
    )
    stage.play(PULL).sends(PULL).gets(401, BEARER).ends(
        401, StopReason.CREDENTIALS_REFUSED, StopReason.RECENTLY_REFUSED
    )


# Refusals without a challenge


def test_silent_refusal_is_explained_by_the_ping() -> None:
    """One probe, of whoever has no credentials."""
    played = Stage(ALICE).play(PULL).sends(PULL).gets(401).sends("GET /v2/").gets(401, BASIC)
    played.sends(PULL, auth="Basic alice").gets(200).ends(200)


@pytest.mark.parametrize("status", [200, 401, 404, 500])
def test_silent_refusal_stays(status: int) -> None:
    """Where the ping tells nothing either, the registry is at fault; it is not asked again for a minute."""
    stage = Stage(ALICE)
    stage.play(PULL).sends(PULL).gets(401).sends("GET /v2/").gets(status).ends(401, StopReason.NO_CHALLENGE)
    stage.later(59).play(PULL).sends(PULL).gets(401).ends(401, StopReason.NO_CHALLENGE)
    stage.later(2).play(PULL).sends(PULL).gets(401).sends("GET /v2/").gets(status).ends(401, StopReason.NO_CHALLENGE)


def test_ping_that_names_a_scheme_with_a_200_is_heard() -> None:
    """Some registries do."""
    played = Stage(ALICE).play(PULL).sends(PULL).gets(401).sends("GET /v2/").gets(200, BASIC)
    played.sends(PULL, auth="Basic alice").gets(200).ends(200)


def test_silent_refusal_is_explained_by_what_was_asked_before() -> None:
    """Without a probe, and without the scopes of another repository."""
    stage = Stage(ALICE)
    stage.play(OTHER).sends(OTHER).gets(401, BEARER.replace("foo", "bar")).sends(
        ASKS.replace("foo", "bar"), auth="Basic alice"
    ).gets(200, token="tok1").sends(OTHER, auth="Bearer tok1").gets(200)
    played = stage.play(PULL).sends(PULL).gets(401).sends(ASKS, auth="Basic alice").gets(200, token="tok2")
    played.sends(PULL, auth="Bearer tok2").gets(200).ends(200)


# What a registry may do after that


def test_open_ping_and_closed_repository() -> None:
    """Each answer counts for itself: the bug that all this began with."""
    stage = Stage(ALICE)
    stage.play("GET /v2/").sends("GET /v2/").gets(200).ends(200)
    stage.play(PULL).sends(PULL).gets(401, BASIC).sends(PULL, auth="Basic alice").gets(200).ends(200)
    stage.play(OTHER).sends(OTHER, auth="Basic alice").gets(200).ends(200)


def test_closed_ping_and_open_repository() -> None:
    """What is open stays open, with a token or without."""
    stage = Stage(ALICE)
    stage.play("GET /v2/").sends("GET /v2/").gets(401, BEARER.partition(",scope")[0]).sends(
        "GET https://auth.r.test/token?service=s&account=alice", auth="Basic alice"
    ).gets(200, token="tok1").sends("GET /v2/", auth="Bearer tok1").gets(200).ends(200)
    stage.play(PULL).sends(PULL).gets(200).ends(200)


def test_more_scope_is_asked_for_once() -> None:
    """The union of what was granted and what is missing; what is new must be new."""
    played = (
        Stage(ALICE).play(PULL).sends(PULL).gets(401, BEARER).sends(ASKS, auth="Basic alice").gets(200, token="tok1")
    )
    played.sends(PULL, auth="Bearer tok1").gets(401, INSUFFICIENT).sends(ASKS_MORE, auth="Basic alice").gets(
        200, token="tok2"
    )
    played.sends(PULL, auth="Bearer tok2").gets(401, INSUFFICIENT).ends(401, StopReason.INSUFFICIENT_SCOPE)


def test_union_keeps_what_was_there() -> None:
    """A challenge that names only what is missing does not cost what is held."""
    first = BEARER.replace(":pull", ":pull,push")
    missing = BEARER.replace("foo", "base") + ',error="insufficient_scope"'
    played = (
        Stage(ALICE)
        .play(PULL)
        .sends(PULL)
        .gets(401, first)
        .sends(ASKS_MORE, auth="Basic alice")
        .gets(200, token="tok1")
    )
    played.sends(PULL, auth="Bearer tok1").gets(401, missing)
    asks = "GET https://auth.r.test/token?service=s&scope=repository:base:pull&scope=repository:foo:pull,push&account=alice"
    played.sends(asks, auth="Basic alice").gets(200, token="tok2").sends(PULL, auth="Bearer tok2").gets(200).ends(200)


def wants(*names: str) -> str:
    """A challenge that asks for more, and for more of other repositories each time."""
    scopes = " ".join(f"repository:{name}:pull" for name in names)
    return BEARER.replace("repository:foo:pull", scopes) + ',error="insufficient_scope"'


def test_two_tokens_are_fetched_for_one_request() -> None:
    """A registry that never has enough gets no third one."""
    played = Stage(ALICE).play(PULL).sends(PULL).gets(401, BEARER).gets(200, token="tok1")
    played.sends(PULL, auth="Bearer tok1").gets(401, wants("a")).gets(200, token="tok2")
    played.sends(PULL, auth="Bearer tok2").gets(401, wants("b")).ends(401, StopReason.LIMIT)
    assert (played.outcome.used.sends, played.outcome.used.fetches) == (3, 2)


def test_one_request_is_sent_four_times() -> None:
    """Of many old tokens that are refused two are tried after the first; the last try is a fresh one's."""
    stage = Stage(ALICE)
    for number, line in enumerate(
        (PULL, PUSH, "DELETE /v2/foo/manifests/1", "POST /v2/foo/blobs/uploads/?mount=x&from=base")
    ):
        stage.play(line).sends(line).gets(401, BEARER).gets(200, token=f"old{number}").sends(
            line, auth=f"Bearer old{number}"
        ).gets(200)
    played = (
        stage.play(PULL)
        .sends(PULL, auth="Bearer old0")
        .gets(401, INVALID)
        .sends(PULL, auth="Bearer old1")
        .gets(401, INVALID)
    )
    played.sends(PULL, auth="Bearer old2").gets(401, INVALID).sends(ASKS, auth="Basic alice").gets(200, token="tok1")
    played.sends(PULL, auth="Bearer tok1").gets(401, wants("a")).ends(401, StopReason.LIMIT)
    assert (played.outcome.used.sends, played.outcome.used.fetches) == (4, 1)


def test_403_that_asks_for_scope_is_answered() -> None:
    """RFC 6750 section 3.1 has it so."""
    stage = Stage(ALICE)
    played = stage.play(PULL).sends(PULL).gets(401, BEARER).sends(ASKS, auth="Basic alice").gets(200, token="tok1")
    played.sends(PULL, auth="Bearer tok1").gets(403, INSUFFICIENT).sends(ASKS_MORE, auth="Basic alice").gets(
        200, token="tok2"
    )
    played.sends(PULL, auth="Bearer tok2").gets(200).ends(200)


@pytest.mark.parametrize("status", [200, 204, 307, 400, 403, 404, 405, 416, 429, 500, 503])
def test_everything_else_is_the_clients(status: int) -> None:
    """No other answer is touched."""
    Stage(ALICE).play(PULL).sends(PULL).gets(status, BASIC if status == 403 else "").ends(status)


@pytest.mark.parametrize("challenge", [BEARER, INVALID])
def test_refused_fresh_token_is_final(challenge: str) -> None:
    """With `error` and without: no second fetch for the same, now or within a minute."""
    stage = Stage(ALICE)
    played = stage.play(PULL).sends(PULL).gets(401, BEARER).sends(ASKS, auth="Basic alice").gets(200, token="tok1")
    played.sends(PULL, auth="Bearer tok1").gets(401, challenge).ends(401, StopReason.TOKEN_REJECTED)
    played = (
        stage.play(PULL).sends(PULL).gets(401, BEARER).ends(401, StopReason.TOKEN_REJECTED, StopReason.RECENTLY_REFUSED)
    )
    stage.play(PUSH).sends(PUSH).gets(401, BEARER).sends(ASKS_MORE, auth="Basic alice")
    stage.later(60).play(PULL).sends(PULL).gets(401, BEARER).sends(ASKS, auth="Basic alice")


def test_old_token_that_is_refused_is_replaced_once() -> None:
    """It may have ended before its time; the new one is new."""
    stage = Stage(ALICE)
    stage.play(PULL).sends(PULL).gets(401, BEARER).sends(ASKS, auth="Basic alice").gets(200, token="tok1").sends(
        PULL, auth="Bearer tok1"
    ).gets(200).ends(200)
    played = stage.play(PULL).sends(PULL, auth="Bearer tok1").gets(401, INVALID).sends(ASKS, auth="Basic alice")
    played.gets(200, token="tok2").sends(PULL, auth="Bearer tok2").gets(401, INVALID).ends(
        401, StopReason.TOKEN_REJECTED
    )


def test_token_server_that_gives_the_refused_token_again() -> None:
    """No value goes to the registry twice."""
    stage = Stage(ALICE)
    stage.play(PULL).sends(PULL).gets(401, BEARER).sends(ASKS, auth="Basic alice").gets(200, token="tok1").sends(
        PULL, auth="Bearer tok1"
    ).gets(200).ends(200)
    stage.play(PULL).sends(PULL, auth="Bearer tok1").gets(401, INVALID).sends(ASKS, auth="Basic alice").gets(
        200, token="tok1"
    ).ends(401, StopReason.TOKEN_REPEATED)


def test_token_of_a_second_is_used_for_a_second() -> None:
    """A server that means it is believed."""
    stage = Stage(ALICE)
    stage.play(PULL).sends(PULL).gets(401, BEARER).sends(ASKS, auth="Basic alice").gets(
        200, body={"token": "tok1", "expires_in": 1}
    ).sends(PULL, auth="Bearer tok1").gets(200).ends(200)
    stage.later(0.8).play(PULL).sends(PULL, auth="Bearer tok1").gets(200).ends(200)
    stage.later(0.2).play(PULL).sends(PULL).gets(401, BEARER).sends(ASKS, auth="Basic alice")


def test_wrong_password_is_tried_once_at_the_registry() -> None:
    """Not again for a minute, for whichever repository."""
    stage = Stage(ALICE)
    stage.play(PULL).sends(PULL).gets(401, BASIC).sends(PULL, auth="Basic alice").gets(401, BASIC).ends(
        401, StopReason.CREDENTIALS_REFUSED
    )
    for line in (PULL, OTHER):
        stage.play(line).sends(line).gets(401, BASIC).ends(
            401, StopReason.CREDENTIALS_REFUSED, StopReason.RECENTLY_REFUSED
        )
    stage.later(60).play(PULL).sends(PULL).gets(401, BASIC).sends(PULL, auth="Basic alice").gets(200).ends(200)


def test_wrong_password_is_tried_once_at_the_token_server() -> None:
    """Not for another repository either."""
    stage = Stage(ALICE)
    stage.play(PULL).sends(PULL).gets(401, BEARER).sends(ASKS, auth="Basic alice").gets(401).ends(
        401, StopReason.TOKEN_CREDENTIALS_REFUSED
    )
    stage.play(OTHER).sends(OTHER).gets(401, BEARER.replace("foo", "bar")).ends(
        401, StopReason.TOKEN_CREDENTIALS_REFUSED, StopReason.RECENTLY_REFUSED
    )


def test_right_password_without_rights_is_refused_for_the_need_only() -> None:
    """Who may not push may still pull."""
    stage = Stage(ALICE)
    stage.play(PULL).sends(PULL).gets(401, BASIC).sends(PULL, auth="Basic alice").gets(200).ends(200)
    stage.play(PUSH).sends(PUSH, auth="Basic alice").gets(401, BASIC).ends(401, StopReason.LOGIN_NOT_ALLOWED)
    stage.play(PUSH).sends(PUSH).gets(401, BASIC).ends(401, StopReason.LOGIN_NOT_ALLOWED, StopReason.RECENTLY_REFUSED)
    stage.play(PULL).sends(PULL, auth="Basic alice").gets(200).ends(200)


def test_repositories_with_different_schemes() -> None:
    """What was set because another repository wanted it is not held against the login."""
    stage = Stage(ALICE)
    stage.play(PULL).sends(PULL).gets(401, BASIC).sends(PULL, auth="Basic alice").gets(200).ends(200)
    played = stage.play(OTHER).sends(OTHER, auth="Basic alice").gets(401, BEARER.replace("foo", "bar"))
    played.sends(ASKS.replace("foo", "bar"), auth="Basic alice").gets(200, token="tok1")
    played.sends(OTHER, auth="Bearer tok1").gets(200).ends(200)
    stage.play(PULL).sends(PULL, auth="Basic alice").gets(200).ends(200)


def test_failed_fetch_is_not_repeated_at_once() -> None:
    """Five seconds later it may have been a hiccup."""
    stage = Stage(ALICE)
    stage.play(PULL).sends(PULL).gets(401, BEARER).sends(ASKS, auth="Basic alice").gets(503).ends(
        401, StopReason.TOKEN_SERVER_FAILED
    )
    stage.later(4).play(PULL).sends(PULL).gets(401, BEARER).ends(401, StopReason.TOKEN_SERVER_FAILED)
    stage.later(1).play(PULL).sends(PULL).gets(401, BEARER).sends(ASKS, auth="Basic alice")


def test_no_answer_to_the_repeated_request() -> None:
    """The client gets the refusal that it would have got."""
    Stage(ALICE).play(PULL).sends(PULL).gets(401, BASIC).sends(PULL, auth="Basic alice").gets(0).ends(
        401, StopReason.UNREACHABLE
    )


# Bodies


def test_small_body_is_sent_again() -> None:
    """A manifest that was kept goes out with its token."""
    stage = Stage(ALICE)
    played = (
        stage.play(PUSH, body=b"{}").sends(PUSH).gets(401, BASIC).sends(PUSH, auth="Basic alice").gets(201).ends(201)
    )
    assert played.outcome.used.sends == 2


def test_streamed_body_is_not_sent_again() -> None:
    """The credential was there before it was sent; if that is refused, it is over, and the token is gone."""
    line = "PATCH /v2/foo/blobs/uploads/1"
    stage = Stage(ALICE)
    stage.play(PULL).sends(PULL).gets(401, BEARER).sends(ASKS, auth="Basic alice").gets(200, token="tok1").sends(
        PULL, auth="Bearer tok1"
    ).gets(200).ends(200)
    stage.play(line, body=None).sends(ASKS_MORE, auth="Basic alice").gets(200, token="tok2").sends(
        line, auth="Bearer tok2"
    ).gets(202).ends(202)
    stage.play(line, body=None).sends(line, auth="Bearer tok2").gets(401, INVALID).ends(401, StopReason.BODY_GONE)
    stage.play(line, body=None).sends(ASKS_MORE, auth="Basic alice").gets(200, token="tok3").sends(
        line, auth="Bearer tok3"
    )
