"""Token answers."""

from __future__ import annotations

import json

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.play import NOW
from regauth_core.auth.issued_token import grants_less, read
from regauth_core.protocol.scope import Scope
from regauth_core.protocol.token_answer import MAX_ANSWER


@pytest.mark.parametrize(
    ("answer", "token"),
    [
        ({"token": "t"}, "t"),
        ({"token": "t", "access_token": "a"}, "a"),
        ({"token": "t", "access_token": ""}, "t"),
        ({"token": 7, "access_token": "a"}, "a"),
        ({}, None),
        ({"token": "a\r\nX-Injected: 1"}, None),
        ({"token": "a b"}, None),
        ({"token": "é"}, None),
    ],
)
def test_token_of_answer(answer: object, token: str | None) -> None:
    """The one that clients send; nothing that could end a header line."""
    found = read(json.dumps(answer).encode(), NOW)
    assert (found.token if found else None) == token


def test_tokens_that_differ_are_noted() -> None:
    """Two tokens in one answer should be one."""
    differ, same = ({"token": "t", "access_token": other} for other in ("a", "t"))
    found = [read(json.dumps(answer).encode(), NOW) for answer in (differ, same)]
    assert [each.differ for each in found if each] == [True, False]


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"<html>", b'{"token":', b"[" * 100_000, b'{"token": "' + b"x" * MAX_ANSWER + b'"}', b"\xff\xfe{",
        b'{"token": "\xff"}',
    ],
)  # fmt: skip
def test_what_is_no_answer(body: bytes) -> None:
    """Broken, nested and oversized answers hold no token and raise nothing."""
    assert read(body, NOW) is None


def test_missing_life_is_a_minute() -> None:
    """Distribution token specification: 60 seconds unless told."""
    found = read(b'{"token": "t"}', NOW)
    assert found is not None
    assert (found.ends, found.renew) == (NOW + 60, NOW + 54)


@pytest.mark.parametrize(("life", "renew"), [(1, 0.9), (50, 45.0), (100, 90.0), (3600, 3590.0)])
def test_renewal_leaves_a_margin(life: int, renew: float) -> None:
    """A tenth of the life, at most ten seconds."""
    found = read(json.dumps({"token": "t", "expires_in": life}).encode(), NOW)
    assert found is not None
    assert found.renew == pytest.approx(NOW + renew, abs=1e-6)


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists).map(
        lambda x: json.dumps({"token": "t", "expires_in": x, "issued_at": x}).encode()
    )
)
def test_every_token_has_a_life(body: bytes) -> None:
    """Whatever the answer, a token lives longer than it is used, and is not shown."""
    found = read(body, NOW)
    if found is not None:
        assert found.starts < found.renew < found.ends
        assert found.starts <= NOW < found.ends
        assert "token=" not in repr(found)


def test_token_that_says_it_allows_less() -> None:
    """A JWT tells what it grants; an opaque token tells nothing."""
    required = [Scope.read("repository:a:pull,push")]

    def token(*actions: str) -> str:
        return jwt.encode({"access": [{"type": "repository", "name": "a", "actions": list(actions)}]}, "k" * 32)

    assert grants_less(token("pull"), required)
    assert not grants_less(token("pull", "push"), required)
    assert not grants_less("opaque", required)
    assert not grants_less(jwt.encode({}, "k" * 32), required)
