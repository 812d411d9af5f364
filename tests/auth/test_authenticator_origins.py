"""Whose credentials go where: the client's own, several logins, and places that others name."""

from __future__ import annotations

import json

import pytest

from kit.play import ALICE, BASIC, BEARER, Stage, origin
from regauth_core.auth.messages import Received
from regauth_core.auth.reasons import StopReason
from regauth_core.auth.settings import AuthSettings
from regauth_core.auth.trust import Trust
from regauth_core.credentials.login import Login
from regauth_core.model.withheld import Withheld

PULL = "GET /v2/foo/manifests/1"
OTHER = "GET /v2/bar/manifests/1"
ASKS = "GET https://auth.r.test/token?service=s&scope=repository:foo:pull&account=alice"
BOB = Login(id="bob", user="bob", password="bobs-canary-word")


# The client's own credentials


@pytest.mark.parametrize("auth", ["Basic Ym9iOnB3", "Bearer x.y.z", "bearer abc", "Negotiate abc", "abc"])
def test_clients_own_credentials_are_left_alone(auth: str) -> None:
    """Right or wrong, they are the client's."""
    stage = Stage(ALICE)
    stage.preflight(PULL, auth=auth).sets(None)
    stage.answer(PULL, 401, BASIC, auth=auth).ends(None, StopReason.CLIENT_AUTHORIZED)


@pytest.mark.parametrize("auth", ["Basic Og==", "basic Og==", "Bearer", "Bearer ", ""])
def test_empty_credentials_count_as_none(auth: str) -> None:
    """containers/image sends an empty user with an empty password when it has no login."""
    Stage(ALICE).play(PULL, auth=auth).sends(PULL, auth=_sent(auth)).gets(401, BASIC).sends(
        PULL, auth="Basic alice"
    ).gets(200).ends(200)


def _sent(auth: str) -> str:
    """As the kit tells it."""
    return "Basic :" if auth == "Basic Og==" else auth


def test_overriding_replaces_the_clients_own() -> None:
    """From the start where the scheme is known, after the refusal where it is not."""
    stage = Stage(ALICE, settings=AuthSettings(is_overriding=True))
    theirs = "Basic bob:pw"
    stage.play(PULL, auth="Basic Ym9iOnB3").sends(PULL, auth=theirs).gets(401, BASIC).sends(
        PULL, auth="Basic alice"
    ).gets(200).ends(200)
    stage.play(PULL, auth="Basic Ym9iOnB3").sends(PULL, auth="Basic alice").gets(200).ends(200)


def test_value_that_the_client_sent_is_not_sent_again() -> None:
    """Its refusal is known."""
    stage = Stage(ALICE, settings=AuthSettings(is_overriding=True))
    played = stage.play(PULL, auth=ALICE.basic().replace("Basic", "basic"))
    played.gets(401, BASIC).ends(401, StopReason.CREDENTIALS_REFUSED)


# Whose credentials go where


def test_logins_of_two_prefixes_do_not_mix() -> None:
    """A token of one login never serves the other, though registry, realm and scope are the same."""
    stage = Stage(("team", ALICE), ("other", BOB))
    team, other = "GET /v2/team/app/manifests/1", "GET /v2/other/app/manifests/1"
    both = BEARER.replace("repository:foo:pull", "repository:team/app:pull repository:other/app:pull")
    stage.play(team).sends(team).gets(401, both).sends(
        ASKS.replace("repository:foo:pull", "repository:team/app:pull&scope=repository:other/app:pull"),
        auth="Basic alice",
    ).gets(200, token="tok1").sends(team, auth="Bearer tok1").gets(200).ends(200)
    played = (
        stage.play(other)
        .sends(other)
        .gets(401, both)
        .sends(
            ASKS.replace("repository:foo:pull", "repository:team/app:pull&scope=repository:other/app:pull").replace(
                "alice", "bob"
            ),
            auth="Basic bob:bobs-canary-word",
        )
    )
    played.gets(200, token="tok2").sends(other, auth="Bearer tok2").gets(200).ends(200)
    stage.play("GET /v2/third/manifests/1").sends("GET /v2/third/manifests/1").gets(401, both).ends(
        401, StopReason.NO_LOGIN
    )


def test_clients_share_tokens_unless_told_otherwise() -> None:
    """Separate clients ask for themselves."""
    for shared, expected in ((True, "Bearer tok1"), (False, None)):
        stage = Stage(ALICE, settings=AuthSettings(shared=shared))
        stage.play(PULL, client="c1").sends(PULL).gets(401, BEARER).sends(ASKS, auth="Basic alice").gets(
            200, token="tok1"
        ).sends(PULL, auth="Bearer tok1").gets(200).ends(200)
        stage.preflight(PULL, client="c2").sets(expected)


START = "POST /v2/foo/blobs/uploads/"
SESSION = "PATCH {}/v2/foo/blobs/uploads/1?digest=x"


def started(status: int, location: str) -> Stage:
    """An upload that the registry sent on to `location`; a login is configured for every place."""
    stage = Stage(ALICE, elsewhere=["o.test", "r.test:5000"], trust=Trust(allow_http=True))
    stage.play(START).sends(START).gets(401, BASIC).sends(START, auth="Basic alice").gets(status, location=location)
    stage.answer(START, status, location=location).ends(None)
    return stage


@pytest.mark.parametrize("location", ["/v2/foo/blobs/uploads/1?_state=x", "1", "https://r.test/v2/foo/blobs/uploads/1"])
def test_upload_at_its_registry_gets_the_credential(location: str) -> None:
    """However the session's address is written."""
    started(202, location).preflight(SESSION.format("https://r.test"), body=None).sets("Basic alice")


@pytest.mark.parametrize("status", [200, 201, 202, 300, 302, 305, 307, 399])
@pytest.mark.parametrize("place", ["https://r.test:5000", "http://r.test", "https://o.test"])
def test_whoever_is_led_elsewhere_gets_nothing_there(place: str, status: int) -> None:
    """Though a login may be configured for that place: it was another origin's idea to go there."""
    stage = started(status, f"{place}/v2/foo/blobs/uploads/1?_state=x")
    astray = SESSION.format(place)
    assert stage.preflight(astray, body=None).outcome.reasons == (Withheld.LED_ELSEWHERE,)
    stage.answer(astray, 401, BASIC).ends(None, Withheld.LED_ELSEWHERE)
    # Where one was led to leads on.
    stage.answer(astray, 202, location="2").ends(None, Withheld.LED_ELSEWHERE)
    onward = astray.replace("uploads/1", "uploads/2")
    assert stage.preflight(onward, body=None).outcome.reasons == (Withheld.LED_ELSEWHERE,)
    # Only this client, and only there.
    assert stage.preflight(astray, client="c2").outcome.reasons == ()
    assert stage.preflight(f"GET {place}/v2/foo/manifests/1").outcome.reasons == ()


def test_answer_that_regauth_got_leads_as_well() -> None:
    """What comes of the request that was sent again with a credential is what the client gets."""
    stage = Stage(ALICE, elsewhere=["o.test"])
    stage.play(PULL).sends(PULL).gets(401, BASIC).sends(PULL, auth="Basic alice").gets(
        307, location="https://o.test/v2/secret/manifests/1"
    ).ends(307)
    there = "GET https://o.test/v2/secret/manifests/1"
    assert stage.preflight(there).outcome.reasons == (Withheld.LED_ELSEWHERE,)


ODD_PLACES = (
    "https:/r.test/v2/secret/tags/list",
    "https:r.test",
    "https:\\\\r.test\\v2",
    "/\\r.test/v2",
    "/\t/r.test/v2",
    "https://r%2Etest/v2",
    "https://r\u3002test/v2",
    "https://re\u00adgistry.test",
    "https://\uff52.test/",
    "http\u017f://r.test/v2",
    "https://r.test:0000000443/",
    "https://x[@r.test/",
    "https://2130706433/v2/",
    "https://0x7f.1/v2/",
    "https://xn--r-xyz.test/v2/",
    "url:https://r.test/v2/",
    "///r.test/v2",
    " https://r.test/v2",
    '"https://r.test/v2"',
)


@pytest.mark.parametrize("place", ODD_PLACES)
@pytest.mark.parametrize("way", ["location", "link", "line", "layer", "realm"])
def test_what_cannot_be_read_leads_anywhere(place: str, way: str) -> None:
    """But not back to who said so; until the client is another process, or an hour has gone by."""
    stage = Stage(ALICE, elsewhere=["o.test"])
    asked = stage.request("GET https://o.test/v2/foo/manifests/1", process=7)
    headers = {
        "location": ("Location", place),
        "link": ("Link", f"<{place}>; rel=next"),
        "line": ("Link", place),
        "realm": ("WWW-Authenticate", f'Bearer realm="{place.replace(chr(92), chr(92) * 2)}"'),
    }
    if way == "layer":
        stage.authenticator.note_manifest(asked, json.dumps({"layers": [{"urls": [place]}]}).encode(), stage.now)
    elif way == "realm" and '"' in place:
        pytest.skip("no realm")
    else:
        stage.authenticator.note_answer(asked, Received(status=200, at=stage.now, headers=(headers[way],)))

    def objection(line: str, process: int | None) -> object:
        return stage.authenticator.objection(stage.request(line, process=process), stage.now)

    assert objection(PULL, 7) is Withheld.LED_ELSEWHERE
    assert objection(PULL, None) is Withheld.LED_ELSEWHERE
    assert objection(PULL, 8) is None
    assert objection("GET https://o.test/v2/foo/manifests/2", 7) is None
    stage.later(3601)
    assert objection(PULL, 7) is None


@pytest.mark.parametrize(
    "headers",
    [
        [("Location", "https://r.test/v2/secret/tags/list?" + "x" * 17_000)],
        [("Location", "https://r.test/v2/secret/tags/list\t")],
        [("Location", "https://r.test./v2/secret/tags/list")],
        [("Location", "https://R.test:00443/v2/x/../secret/tags/list")],
        [("Location", "/v2/x"), ("Location", "https://r.test/v2/secret/tags/list")],
        [("Link", ", ".join(["</v2/x>"] * 16 + ["<https://r.test/v2/secret/tags/list>"]))],
        [("Link", "</v2/x>; rel=next")] * 65,
        [("Link", "<https://r.test/v2/secret/tags/list?" + "x" * 9000 + ">; rel=next")],
        [("WWW-Authenticate", 'Bearer realm="https://r.test/v2/secret/tags/list"')],
    ],
)
def test_what_leads_to_a_place_holds_there(headers: list[tuple[str, str]]) -> None:
    """However long, late or oddly it is spelled behind its host."""
    stage = Stage(ALICE, elsewhere=["o.test"])
    asked = stage.request("GET https://o.test/v2/foo/manifests/1")
    stage.authenticator.note_answer(asked, Received(status=200, at=stage.now, headers=tuple(headers)))
    assert stage.preflight("GET /v2/secret/tags/list").outcome.reasons == (Withheld.LED_ELSEWHERE,)


@pytest.mark.parametrize(
    "location", ["/v2/foo/blobs/uploads/1", "uploads/1", "?n=1", "https://o.test/v2/foo", "", "/v2/\u00e9"]
)
def test_whoever_stays_leads_nowhere(location: str) -> None:
    """What a registry says of itself concerns no other."""
    stage = Stage(ALICE, elsewhere=["o.test"])
    asked = stage.request("GET https://o.test/v2/foo/manifests/1")
    for name, value in (("Location", location), ("Link", f'<{location}>; rel="next"'), ("Link", "</a>,</b>")):
        stage.authenticator.note_answer(asked, Received(status=200, at=stage.now, headers=((name, value),)))
    assert stage.preflight(PULL).outcome.reasons == ()


@pytest.mark.parametrize(
    "location", ["https://r.test/blobs/1", "https://r.test:5000/blobs/1", "https://cdn.test/blobs/1"]
)
def test_redirected_blob_gets_nothing(location: str) -> None:
    """Storage is not the registry's API, wherever it is."""
    stage = started(307, location)
    assert stage.preflight(f"GET {location}").outcome.reasons == (Withheld.OUTSIDE_API,)


def test_layer_that_lies_elsewhere_gets_nothing() -> None:
    """A manifest's foreign layer may point to another registry's API."""
    stage = Stage(ALICE)
    request = stage.request("GET https://o.test/v2/foo/manifests/1")
    manifest = b'{"layers":[{"urls":["https://r.test/v2/foo/blobs/sha256:1","/relative"]}]}'
    stage.authenticator.note_manifest(request, manifest, stage.now)
    assert stage.preflight("GET /v2/foo/blobs/sha256:1").outcome.reasons == (Withheld.LED_ELSEWHERE,)
    stage.play(PULL).sends(PULL).gets(401, BASIC).sends(PULL, auth="Basic alice")


@pytest.mark.parametrize(
    "line",
    [
        "GET /",
        "GET /blobs/1",
        "OPTIONS /v2/foo/manifests/1",
        "GET /v2/token?service=s",
        "GET /v1/_ping",
    ],
)
def test_other_paths_get_nothing(line: str) -> None:
    """Only the registry API is spoken."""
    Stage(ALICE).play(line).sends(line).gets(401, BASIC).ends(401, Withheld.OUTSIDE_API)


def test_registrys_own_token_endpoint_is_left_alone() -> None:
    """The client's token requests are its own, though they may be below ``/v2/``."""
    stage = Stage(ALICE)
    mine = 'Bearer realm="/v2/tokens",service="s"'
    stage.play(PULL).sends(PULL).gets(401, mine).sends(
        "GET /v2/tokens?service=s&scope=repository:foo:pull&account=alice", auth="Basic alice"
    )
    stage.play("POST /v2/tokens").sends("POST /v2/tokens").gets(401, BASIC).ends(401, Withheld.OUTSIDE_API)


@pytest.mark.parametrize(
    ("registry", "reason"), [("https://o.test", StopReason.NO_LOGIN), ("http://r.test", Withheld.PLAIN_HTTP)]
)
def test_other_origins_get_nothing(registry: str, reason: StopReason | Withheld) -> None:
    """A login is for the registry it is configured for, and not over plain http."""
    stage = Stage(ALICE)
    line = f"GET {registry}/v2/foo/manifests/1"
    assert stage.preflight(line).outcome.reasons == (reason,)
    stage.answer(line, 401, BASIC).ends(None, reason)


def test_plain_http_can_be_allowed() -> None:
    """For the registry and its token server."""
    stage = Stage(ALICE, registry="http://r.test:5000", trust=Trust(allow_http=True))
    stage.play(PULL).sends(PULL).gets(401, BASIC).sends(PULL, auth="Basic alice").gets(200).ends(200)


def test_answer_of_another_origin_is_not_answered() -> None:
    """Neither the first one nor a later one, nor that to a probe."""
    evil = origin("https://evil.test")
    Stage(ALICE).play(PULL).sends(PULL).gets(401, BASIC, origin=evil).ends(401, StopReason.FOREIGN_ANSWER)
    played = Stage(ALICE).play(PULL).sends(PULL).gets(401).sends("GET /v2/").gets(401, BASIC, origin=evil)
    played.ends(401, StopReason.FOREIGN_ANSWER, StopReason.NO_CHALLENGE)
    played = Stage(ALICE).play(PULL).sends(PULL).gets(401, BASIC).sends(PULL, auth="Basic alice").gets(200, origin=evil)
    played.ends(401, StopReason.FOREIGN_ANSWER)


def test_last_refusal_can_be_made_a_403() -> None:
    """For clients that answer every 401 by trying again."""
    stage = Stage(ALICE, settings=AuthSettings(is_refusal_final=True))
    stage.play(PULL).sends(PULL).gets(401, BASIC).sends(PULL, auth="Basic alice").gets(401, BASIC).ends(
        403, StopReason.CREDENTIALS_REFUSED
    )


def test_authenticator_shows_nothing() -> None:
    """Its representation counts."""
    stage = Stage(ALICE)
    stage.play(PULL).sends(PULL).gets(401, BEARER).sends(ASKS, auth="Basic alice").gets(200, token="tok1").sends(
        PULL, auth="Bearer tok1"
    ).gets(200).ends(200)
    assert repr(stage.authenticator) == "Authenticator(Tokens(1 held), Learned(2 challenges))"
