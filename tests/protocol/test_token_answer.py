"""Token answers: what is read of them, and how long their tokens live.

Every row is an answer that two readers once read, some of them differently: one for what is recorded, one for the
tokens that are fetched. Now both have to agree with the row.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.messages import asked
from kit.play import NOW
from regauth_core.auth import issued_token
from regauth_core.conversation.exchanges import IssuedToken
from regauth_core.protocol.token_answer import MAX_ANSWER, lifetime, read, speaks_of_token
from regauth_core.recording.observe import observe
from regauth_core.redaction.redactor import Redactor


def token_until(moment: float) -> str:
    """A JWT whose `exp` is the given number of seconds from now."""
    return jwt.encode({"exp": NOW + moment}, "k" * 32)


@dataclass(frozen=True, kw_only=True)
class Row:
    """What is expected of one answer. Times are seconds from its arrival."""

    answer: Any
    """Bytes, or the JSON value of the body."""
    tokens: tuple[str, ...] = ("t",)
    """None where the answer holds no token."""
    mistyped: tuple[str, ...] = ()
    expires_in: float | None = None
    issued: float | None = None
    starts: float = 0.0
    life: float = 60.0

    @property
    def body(self) -> bytes:
        """The answer as it is sent."""
        return self.answer if isinstance(self.answer, bytes) else json.dumps(self.answer).encode()


def said(expires_in: object, read_as: float | None, life: float, *, mistyped: bool) -> Row:
    """An answer with this `expires_in`."""
    return Row(
        answer={"token": "t", "expires_in": expires_in},
        expires_in=read_as,
        life=life,
        mistyped=("expires_in",) if mistyped else (),
    )


def issued(issued_at: object, read_as: float | None, starts: float = 0.0, *, mistyped: bool = False) -> Row:
    """An answer with this `issued_at`, whose token is good for a minute."""
    return Row(
        answer={"token": "t", "expires_in": 60, "issued_at": issued_at},
        expires_in=60.0,
        issued=read_as,
        starts=starts,
        mistyped=("issued_at",) if mistyped else (),
    )


# NOW is 2023-11-14T22:13:20Z.
LATER, PAST = token_until(500), token_until(-500)
ROWS = [
    # The token.
    Row(answer={"token": "t"}),
    Row(answer={"access_token": "a"}, tokens=("a",)),
    Row(answer={"token": "t", "access_token": "t"}),
    Row(answer={"token": "t", "access_token": "a"}, tokens=("a", "t")),
    Row(answer={"token": "", "access_token": "a"}, tokens=("a",)),
    Row(answer={"token": "t", "access_token": ""}),
    Row(answer={"token": 7, "access_token": "a"}, tokens=("a",), mistyped=("token",)),
    Row(answer={"token": None}, tokens=()),
    Row(answer={"token": ""}, tokens=()),
    Row(answer={}, tokens=()),
    # Names: the exact one, else any case.
    Row(answer={"Token": "t"}),
    Row(answer={"TOKEN": "x", "token": "t"}),
    Row(answer={"token": "t", "TOKEN": "x"}),
    Row(answer={"Token": "x", "TOKEN": "t"}),
    Row(answer={"ACCESS_TOKEN": "t"}),
    Row(answer={"acce\u017fs_token": "t"}),
    Row(answer={"AccessToken": "t"}, tokens=()),
    Row(answer={"token": "t", "Expires_In": 300}, expires_in=300.0, life=300.0),
    Row(answer=b'{"token": "x", "token": "t"}'),
    # The life: a number, or its digits.
    said(300, 300.0, 300.0, mistyped=False),
    said(1, 1.0, 1.0, mistyped=False),
    said(10**9, 1e9, 1e9, mistyped=False),
    said(0, 0.0, 60.0, mistyped=False),
    said(-1, -1.0, 60.0, mistyped=False),
    said(None, None, 60.0, mistyped=False),
    said(10**30, None, 60.0, mistyped=False),
    said(300.5, 300.5, 300.5, mistyped=True),
    said("300", 300.0, 300.0, mistyped=True),
    said("300.5", 300.5, 300.5, mistyped=True),
    said("-1", -1.0, 60.0, mistyped=True),
    said("1e3", None, 60.0, mistyped=True),
    said(" 5", None, 60.0, mistyped=True),
    said("1_0", None, 60.0, mistyped=True),
    said("\u0661", None, 60.0, mistyped=True),
    said("", None, 60.0, mistyped=True),
    said("soon", None, 60.0, mistyped=True),
    said("nan", None, 60.0, mistyped=True),
    said(1e300, None, 60.0, mistyped=True),
    said(True, None, 60.0, mistyped=True),
    said([], None, 60.0, mistyped=True),
    # The life of a JWT that says until when it is good.
    Row(answer={"token": LATER}, tokens=(LATER,), life=500.0),
    Row(answer={"token": LATER, "expires_in": 0}, tokens=(LATER,), expires_in=0.0, life=500.0),
    Row(answer={"token": LATER, "expires_in": 100}, tokens=(LATER,), expires_in=100.0, life=100.0),
    Row(answer={"token": PAST}, tokens=(PAST,)),
    # The moment of issue: RFC 3339, and only if the token can still be good.
    issued("2023-11-14T22:13:20Z", 0.0),
    issued("2023-11-14T22:13:10Z", -10.0, -10.0),
    issued("2023-11-14T23:13:10+01:00", -10.0, -10.0),
    issued("2023-11-14T22:13:10.123456789Z", -9.876544, -9.876544),
    issued("2023-11-14t22:13:10.500z", -9.5, -9.5, mistyped=True),
    issued("2023-11-14 22:13:10Z", -10.0, -10.0, mistyped=True),
    issued("2023-11-14T22:13:21Z", 1.0),
    issued("2023-11-14T22:12:20Z", -60.0),
    issued("0001-01-01T00:00:00Z", None),
    issued("2023-11-14T22:13:10", None, mistyped=True),
    issued(" 2023-11-14T22:13:10Z", None, mistyped=True),
    issued("2023-11-14", None, mistyped=True),
    issued("2023-W46-2T22:13:10Z", None, mistyped=True),
    issued("2023-13-14T22:13:10Z", None),
    issued(1699999990, None, mistyped=True),
    issued(None, None),
    # The encoding.
    Row(answer=b'\xef\xbb\xbf{"token": "t"}'),
    Row(answer='{"token": "t"}'.encode("utf-16")),
    Row(answer=b'{"token": "t", "expires_in": NaN}', mistyped=("expires_in",)),
    Row(answer=b'{"token": "t", "expires_in": 1e400}', mistyped=("expires_in",)),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: repr(row.body)[:60])
def test_what_is_read_of_an_answer(row: Row) -> None:
    """Tokens in the order in which clients prefer them, numbers, times, and what is of another type."""
    found = read(row.body)
    assert found is not None
    assert (found.tokens, found.mistyped, found.expires_in) == (row.tokens, row.mistyped, row.expires_in)
    assert (None if found.issued_at is None else found.issued_at - NOW) == pytest.approx(row.issued, abs=1e-5)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: repr(row.body)[:60])
def test_a_fetched_and_a_recorded_token_live_equally_long(row: Row) -> None:
    """The same answer gives the client that regauth is and the client that is watched the same life."""
    fetched = issued_token.read(row.body, NOW)
    assert (fetched is not None) == bool(row.tokens)
    if fetched is not None:
        assert fetched.token == row.tokens[0]
        assert (fetched.starts - NOW, fetched.life) == pytest.approx((row.starts, row.life), abs=1e-5)
    held = replace(asked(""), response_body=row.body, started=NOW - 1, ended=NOW)
    exchange = observe(held, Redactor(b"k" * 32))
    assert exchange.response is not None and exchange.response.token is not None
    assert exchange.response.token.mistyped == row.mistyped
    assert len(exchange.response.token.fingerprints) == len(row.tokens)
    recorded = IssuedToken(exchange=exchange, client="c1", asked=(), secret=None)
    assert recorded.ended - NOW == pytest.approx(row.starts + row.life, abs=1e-5)


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"7", b'["token"]', b"<html>", b'{"token":', b'{"token": "t"} x', b"[" * 100_000, b"\xff\xfe{"],
)  # fmt: skip
def test_what_is_no_answer(body: bytes) -> None:
    """Only a JSON object is one."""
    assert read(body) is None


def test_a_larger_answer_is_none() -> None:
    """The size has a bound, and an answer of that size is still read."""
    padding = b'{"token": "t", "padding": "%s"}'
    room = MAX_ANSWER - len(padding % b"")
    assert read(padding % (b"x" * room)) is not None
    assert read(padding % (b"x" * (room + 1))) is None


@pytest.mark.parametrize(
    ("value", "speaks"),
    [
        ({"token": 7}, True), ({"ACCESS_TOKEN": "a"}, True), ({"AccessToken": "a"}, True), ({"tokens": 1}, False),
        ({"refresh_token": "a"}, False), (["token"], False), (None, False),
    ],
)  # fmt: skip
def test_what_speaks_of_a_token(value: object, speaks: bool) -> None:
    """A field that some client would look at, whatever it holds."""
    assert speaks_of_token(value) is speaks


def test_no_secret_is_shown() -> None:
    """Not even where an error would print the answer."""
    found = read(b'{"token": "s3cret", "access_token": "s3cret", "refresh_token": "s3cret", "scope": "s3cret"}')
    assert found is not None and "s3cret" not in repr(found)


LEAVES = st.none() | st.booleans() | st.floats() | st.integers() | st.text()
FIELDS = st.sampled_from(("token", "expires_in", "issued_at"))


@given(st.binary(max_size=200) | st.recursive(LEAVES, lambda one: st.lists(one) | st.dictionaries(FIELDS, one)))
def test_no_answer_raises_and_every_life_is_one(answer: object) -> None:
    """Whatever the answer, its token is good when it arrives."""
    found = read(answer)
    if found is not None:
        life = lifetime(NOW, expires_in=found.expires_in, issued_at=found.issued_at)
        assert life.starts <= NOW <= life.ends and life.seconds > 0
