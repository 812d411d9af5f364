"""Token answers."""

from __future__ import annotations

import json

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.play import NOW
from regauth_core.auth.issued_token import MAX_ANSWER, grants_less, read
from regauth_core.protocol.scope import Scope


@pytest.mark.parametrize(
    ("answer", "by_get", "by_post"),
    [
        ({"token": "t"}, "t", "t"),
        ({"access_token": "a"}, "a", "a"),
        ({"token": "t", "access_token": "a"}, "t", "a"),
        ({"token": "", "access_token": "a"}, "a", "a"),
        ({"token": "t", "access_token": ""}, "t", "t"),
        ({"token": 7, "access_token": "a"}, "a", "a"),
        ({"Token": "t"}, "t", "t"),
        ({"Token": "x", "token": "t"}, "t", "t"),
        ({}, None, None),
        ({"token": None}, None, None),
        ({"token": "a\r\nX-Injected: 1"}, None, None),
        ({"token": "a b"}, None, None),
        ({"token": "é"}, None, None),
        (["token"], None, None),
        ("token", None, None),
    ],
)
def test_token_of_answer(answer: object, by_get: str | None, by_post: str | None) -> None:
    """Whichever field holds a string; `access_token` first after a form; nothing that could end a header line."""
    body = json.dumps(answer).encode()
    found = [read(body, NOW, posted=posted) for posted in (False, True)]
    assert [each.token if each else None for each in found] == [by_get, by_post]


def test_tokens_that_differ_are_noted() -> None:
    """Two tokens in one answer should be one."""
    differ, same = ({"token": "t", "access_token": other} for other in ("a", "t"))
    found = [read(json.dumps(answer).encode(), NOW, posted=False) for answer in (differ, same)]
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
    assert read(body, NOW, posted=False) is None


@pytest.mark.parametrize(
    ("said", "life"),
    [
        (300, 300.0), (300.5, 300.5), ("300", 300.0), ("300.5", 300.5), (1, 1.0), (10**9, 1e9),
        (0, 60.0), (-1, 60.0), ("-1", 60.0), ("", 60.0), ("soon", 60.0), ("1e3", 60.0), (" 5", 60.0), ("1_0", 60.0),
        (None, 60.0), (True, 60.0), ([], 60.0), (1e300, 60.0), (10**30, 60.0), ("nan", 60.0),
    ],
)  # fmt: skip
def test_life_of_token(said: object, life: float) -> None:
    """Small values are meant; nonsense is a minute."""
    found = read(json.dumps({"token": "t", "expires_in": said}).encode(), NOW, posted=False)
    assert found is not None
    assert (found.starts, found.life) == (NOW, life)


def test_missing_life_is_a_minute() -> None:
    """Distribution token specification: 60 seconds unless told."""
    found = read(b'{"token": "t"}', NOW, posted=False)
    assert found is not None
    assert (found.ends, found.renew) == (NOW + 60, NOW + 54)


@pytest.mark.parametrize(("life", "renew"), [(1, 0.9), (50, 45.0), (100, 90.0), (3600, 3590.0)])
def test_renewal_leaves_a_margin(life: int, renew: float) -> None:
    """A tenth of the life, at most ten seconds."""
    found = read(json.dumps({"token": "t", "expires_in": life}).encode(), NOW, posted=False)
    assert found is not None
    assert found.renew == pytest.approx(NOW + renew, abs=1e-6)


# NOW is 2023-11-14T22:13:20Z.
@pytest.mark.parametrize(
    ("said", "starts"),
    [
        ("2023-11-14T22:13:20Z", 0),
        ("2023-11-14T22:13:10Z", -10),
        ("2023-11-14t22:13:10.500z", -9.5),
        ("2023-11-14T22:13:10.123456789Z", -9.876544),
        ("2023-11-14T23:13:10+01:00", -10),
        ("2023-11-14T22:13:21Z", 0),
        ("2093-11-14T22:13:21Z", 0),
        ("2023-11-14T22:12:20Z", 0),
        ("2001-01-01T00:00:00Z", 0),
        ("0001-01-01T00:00:00Z", 0),
        ("2023-11-14T22:13:10", 0),
        ("2023-11-14", 0),
        ("2023-W46-2T22:13:10Z", 0),
        ("2023-13-14T22:13:10Z", 0),
        (1699999990, 0),
        (None, 0),
    ],
)
def test_moment_of_issue_counts_if_it_can_be_true(said: object, starts: float) -> None:
    """Neither in the future nor so old that the token would have expired on its way."""
    found = read(json.dumps({"token": "t", "expires_in": 60, "issued_at": said}).encode(), NOW, posted=False)
    assert found is not None
    assert found.starts == pytest.approx(NOW + starts, abs=1e-5)


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists).map(
        lambda x: json.dumps({"token": "t", "expires_in": x, "issued_at": x}).encode()
    )
)
def test_every_token_has_a_life(body: bytes) -> None:
    """Whatever the answer, a token lives longer than it is used, and is not shown."""
    found = read(body, NOW, posted=True)
    if found is not None:
        assert found.starts < found.renew < found.ends
        assert found.starts <= NOW < found.ends
        assert "token=" not in repr(found)


def test_token_that_says_it_allows_less() -> None:
    """A JWT tells what it grants; an opaque token tells nothing."""
    need = [Scope.read("repository:a:pull,push")]

    def token(*actions: str) -> str:
        return jwt.encode({"access": [{"type": "repository", "name": "a", "actions": list(actions)}]}, "k" * 32)

    assert grants_less(token("pull"), need)
    assert not grants_less(token("pull", "push"), need)
    assert not grants_less("opaque", need)
    assert not grants_less(jwt.encode({}, "k" * 32), need)
