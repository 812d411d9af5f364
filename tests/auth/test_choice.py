"""Many requests at once: one token exchange for each set of scopes, one try of a password that may be wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from kit.guard import told
from kit.play import ALICE, BASIC, BEARER, REALM, Stage, Together
from regauth_core.auth.messages import Purpose, Received, Send
from regauth_core.auth.reasons import StopReason
from regauth_core.auth.settings import AuthSettings
from regauth_core.credentials.login import ANONYMOUS, Login

LAYERS = [f"GET /v2/foo/blobs/sha256:{number}" for number in range(64)]
Upstream = Callable[[Send], Received]


def bearer_registry(stage: Stage, *, token_status: int = 200, token_is_good: bool = True) -> Upstream:
    """A registry that wants tokens, and their server; tokens are numbered."""
    issued: list[str] = []

    def answer(send: Send) -> Received:
        if send.origin == REALM:
            issued.append(f"tok{len(issued)}")
            return (
                stage.received(token_status, token=issued[-1]) if token_status == 200 else stage.received(token_status)
            )
        has_token = dict(send.headers).get("Authorization", "").startswith("Bearer tok")
        return stage.received(200) if has_token and token_is_good else stage.received(401, [_challenge(send)])

    return answer


def _challenge(send: Send) -> str:
    return BEARER.replace("foo", send.path.split("/")[2])


def basic_registry(stage: Stage, *, is_right: bool) -> Upstream:
    """A registry that wants a password."""

    def answer(send: Send) -> Received:
        sent = any(name == "Authorization" for name, _ in send.headers)
        return stage.received(200) if sent and is_right else stage.received(401, [BASIC])

    return answer


def together(
    stage: Stage, lines: list[str], upstream: Upstream, **more: bytes | None
) -> tuple[Together, Counter[str], Counter[StopReason]]:
    """All requests at once: what was sent, the statuses and the reasons."""
    band = Together(stage, upstream)
    flows = [stage.authenticator.authorize(stage.request(line, **more), stage.now) for line in lines]  # type: ignore[arg-type]
    outcomes = band.run(flows)
    statuses = Counter(str(each.answer.status) if each.answer else "" for each in outcomes)
    return (
        band,
        statuses,
        Counter(reason for each in outcomes for reason in each.reasons if isinstance(reason, StopReason)),
    )


def sent(band: Together, purpose: Purpose) -> list[str]:
    """What was sent for a purpose."""
    return [told(send, send.origin)[0] for send in band.sent if send.purpose is purpose]


@pytest.mark.parametrize("login", [ALICE, ANONYMOUS])
def test_layers_share_one_fetch(login: Login) -> None:
    """Sixty-four refusals, one token."""
    stage = Stage(login, settings=AuthSettings(anonymous=True))
    band, statuses, _ = together(stage, LAYERS, bearer_registry(stage))
    assert len(sent(band, Purpose.TOKEN)) == 1
    assert statuses == {"200": 64}


def test_each_scope_set_is_fetched_once() -> None:
    """Different repositories need different tokens."""
    stage = Stage(ALICE)
    lines = [f"GET /v2/r{number % 4}/blobs/sha256:{number}" for number in range(32)]
    band, statuses, _ = together(stage, lines, bearer_registry(stage))
    assert len(sent(band, Purpose.TOKEN)) == len(set(sent(band, Purpose.TOKEN))) == 4
    assert statuses == {"200": 32}


@pytest.mark.parametrize("repositories", [1, 8])
def test_wrong_password_is_tried_once_at_the_token_server(repositories: int) -> None:
    """However many ask at the same time, for however many repositories."""
    stage = Stage(ALICE)
    lines = [f"GET /v2/r{number % repositories}/blobs/sha256:{number}" for number in range(32)]
    band, statuses, reasons = together(stage, lines, bearer_registry(stage, token_status=401))
    assert len(sent(band, Purpose.TOKEN)) == 1
    assert statuses == {"401": 32}
    assert reasons[StopReason.TOKEN_CREDENTIALS_REFUSED] == 32


def test_wrong_password_is_tried_once_at_the_registry() -> None:
    """Here as well."""
    stage = Stage(ALICE)
    band, statuses, reasons = together(stage, LAYERS, basic_registry(stage, is_right=False))
    assert len([send for send in band.sent if told(send, send.origin)[1]]) == 1
    assert (statuses["401"], reasons[StopReason.CREDENTIALS_REFUSED]) == (64, 64)


def test_right_password_serves_all() -> None:
    """The first try holds the others up, and no longer."""
    stage = Stage(ALICE)
    _, statuses, _ = together(stage, LAYERS, basic_registry(stage, is_right=True))
    assert statuses == {"200": 64}


def test_token_that_the_registry_refuses_is_not_fetched_by_everybody() -> None:
    """A token server whose tokens are worth nothing is asked a few times, not 64."""
    stage = Stage(ALICE)
    band, statuses, _ = together(stage, LAYERS, bearer_registry(stage, token_is_good=False))
    assert len(sent(band, Purpose.TOKEN)) <= 2
    assert statuses == {"401": 64}


def test_failing_token_server_is_asked_once() -> None:
    """Whoever waited learns of the failure."""
    stage = Stage(ALICE)
    band, _, reasons = together(stage, LAYERS, bearer_registry(stage, token_status=503))
    assert len(sent(band, Purpose.TOKEN)) == 1
    assert reasons[StopReason.TOKEN_SERVER_FAILED] == 64


def test_streams_share_one_probe() -> None:
    """Sixty-four uploads begin at once at a registry that nobody knows."""
    stage = Stage(ALICE)
    lines = [f"PATCH /v2/foo/blobs/uploads/{number}" for number in range(64)]
    band, statuses, _ = together(stage, lines, basic_registry(stage, is_right=True), body=None)
    assert len(sent(band, Purpose.PROBE)) == 1
    assert statuses == {"200": 64}
