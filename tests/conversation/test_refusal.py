"""What a refused request was: each question is answered by itself."""

from __future__ import annotations

import pytest

from kit.notation import read
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.refusal import Fit, Refusal, Sent, refusal
from regauth_core.conversation.tracking import Tracker
from regauth_core.model import Exchange
from regauth_core.model.finding import Place
from regauth_core.model.stated_reasons import StatedReason

REPOSITORY = '401 challenge Bearer {realm},service="s",scope="repository:foo:pull"'
TOKEN = "GET {realm}?service=s&scope=repository:foo:pull basic(alice) -> 200 token t1 expires_in=300"
MANIFEST = "GET /v2/foo/manifests/1"


def last(*lines: str) -> Refusal:
    """What is known of the last exchange of these lines."""
    tracker = Tracker()
    placed: tuple[Conversation, Exchange] | None = None
    for exchange in read("\n".join(lines), "lines").exchanges():
        placed = tracker.add(exchange)[0][0], exchange
    assert placed is not None
    return refusal(*placed)


@pytest.mark.parametrize(
    ("line", "sent"),
    [
        (f"{MANIFEST} - -> 401", Sent.NOTHING),
        (f"{MANIFEST} raw(Basic Og==) -> 401", Sent.EMPTY),
        (f"{MANIFEST} basic(alice) -> 401", Sent.PASSWORD),
        (f"{MANIFEST} basic(<token>:abcdefgh) -> 401", Sent.REFRESH_TOKEN),
        (f"{MANIFEST} bearer(t1) -> 401", Sent.TOKEN),
        (f"{MANIFEST} raw(Negotiate abcdefgh) -> 401", Sent.OTHER),
    ],
)
def test_what_was_sent(line: str, sent: Sent) -> None:
    """Nothing, an empty header, a password, a refresh token, a token, or something else."""
    assert last(line).sent is sent


def test_a_form_holds_a_password_or_a_refresh_token() -> None:
    """What is sent in a form counts as much as a header."""
    password = last("POST {realm} - -> 401\n  form grant_type=password&service=s&username=alice&password=wonder-land")
    refreshed = last("POST {realm} - -> 401\n  form grant_type=refresh_token&service=s&refresh_token=abcdefgh12345678")
    assert (password.sent, refreshed.sent) == (Sent.PASSWORD, Sent.REFRESH_TOKEN)


@pytest.mark.parametrize(
    ("lines", "fit"),
    [
        ((f"{MANIFEST} bearer(t0) -> 401",), Fit.UNKNOWN),
        ((f"{MANIFEST} - -> {REPOSITORY}", TOKEN, f"{MANIFEST} bearer(t1) -> 401"), Fit.FITS),
        ((f"{MANIFEST} - -> {REPOSITORY}", TOKEN, "+400s", f"{MANIFEST} bearer(t1) -> 401"), Fit.EXPIRED),
        ((f"{MANIFEST} - -> {REPOSITORY}", TOKEN, "PUT /v2/foo/manifests/1 bearer(t1) -> 401"), Fit.TOO_NARROW),
        (
            (f"{MANIFEST} - -> {REPOSITORY}", TOKEN, "GET https://other.test/v2/foo/manifests/1 bearer(t1) -> 401"),
            Fit.FOREIGN,
        ),
    ],
)
def test_whether_a_token_fits(lines: tuple[str, ...], fit: Fit) -> None:
    """In time, wide enough, and of this registry."""
    assert last(*lines).fit is fit


def test_home_is_where_the_token_was_fetched_for() -> None:
    """It is not where the token was used first."""
    used = last(
        "GET https://first.test/v2/ - -> 307 location https://second.test/v2/",
        'GET https://second.test/v2/ - -> 401 challenge Bearer realm="https://second.test/token",service="s"',
        "GET https://second.test/token?service=s basic(alice) -> 200 token t1",
        f"GET https://first.test{MANIFEST.removeprefix('GET ')} bearer(t1) -> 401",
    )
    assert (used.home, used.fit) == ("second.test", Fit.FOREIGN)


def test_age_and_acceptance_are_known() -> None:
    """How old the token was, and where it had been good."""
    refused = last(
        f"{MANIFEST} - -> {REPOSITORY}",
        TOKEN,
        f"{MANIFEST} bearer(t1) -> 200",
        "+20s",
        "GET /v2/foo/tags/list bearer(t1) -> 403 error DENIED CSRF token invalid",
    )
    assert refused.age is not None
    assert 20 <= refused.age < 21
    assert refused.accepted is not None
    assert refused.accepted.number == 3
    assert (refused.place, refused.explains) == (Place.REGISTRY, StatedReason.CSRF)


def test_what_the_answer_demands() -> None:
    """The schemes, and the error that the challenge gives."""
    refused = last(f'{MANIFEST} bearer(t1) -> 401 challenge Bearer {{realm}},error="invalid_token" | challenge Basic')
    assert (refused.demanded, refused.error) == (("bearer", "basic"), "invalid_token")
    assert StatedReason.INVALID_TOKEN in refused.reasons


def test_the_token_server_is_another_place() -> None:
    """Who answered is told apart from what was asked."""
    assert last(f"{MANIFEST} - -> {REPOSITORY}", "GET {realm}?service=s - -> 404").place is Place.TOKEN_SERVER
