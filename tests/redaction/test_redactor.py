"""Redaction: what is kept, what is replaced, and that it can be shown to anybody."""

from __future__ import annotations

import dataclasses
from base64 import urlsafe_b64encode
from hashlib import sha512

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.canaries import leaks, password
from kit.messages import opaque, wire
from kit.places import PLACES, planted
from regauth_core.recording.observe import observe
from regauth_core.redaction.redactor import MAX_TEXT, Redactor
from regauth_core.redaction.replacements import MAX_READ


def redactor(*kinds: str) -> Redactor:
    return Redactor(b"k" * 32, anonymize=frozenset(kinds))


def test_long_text_is_cut_between_words() -> None:
    """What is cut off leaves no half of a secret behind."""
    shown = redactor().text("word " * 1000 + opaque("cut"))
    assert len(shown) <= MAX_TEXT
    assert shown.endswith("word …")
    assert redactor().text("(word)" * 5000) == "…"


LONG = "zebra-" * 340 + "Tz7"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Server", "nginx {}"),
        ("Warning", '299 - "bad {}"'),
        ("WWW-Authenticate", 'Basic realm="bad {}"'),
        ("WWW-Authenticate", 'Bearer realm="https://auth.test/token",error_description="bad {}"'),
        ("WWW-Authenticate", 'Bearer realm="https://auth.test/token",scope="{}"'),
        ("WWW-Authenticate", 'Bearer realm="https://auth.test/token",service="{}"'),
        ("Link", "</v2/_catalog>; rel=next; title={}"),
    ],
)
def test_nothing_is_cut_before_it_was_searched(name: str, said: str) -> None:
    """A known secret that begins in front of the cut and ends behind it leaves no beginning."""
    one = redactor()
    one.remember(LONG)
    for blanks in (0, 900):
        assert "zebra" not in one.header(name, said.replace("{}", "to " * blanks + LONG))
        assert "zebra" not in one.text("to " * blanks + LONG)


def test_what_is_too_long_to_be_read_ends_between_two_words() -> None:
    """The bound itself cuts no secret in half."""
    shown = redactor().header("Server", "to " * (MAX_READ // 3 - 5) + LONG)
    assert "zebra" not in shown


@pytest.mark.parametrize("secret", ["Sommer!Kx83hfQpLm29wz", "zebra Kx83hfQpLm29wz", "zebra=Kx83hfQpLm29wz"])
def test_a_known_secret_goes_as_a_whole(secret: str) -> None:
    """Before its odder half is taken out of it and the other one is left."""
    one = redactor()
    one.remember(secret)
    for shown in (one.text(f"bad {secret}!"), one.header("Server", f"nginx {secret}")):
        assert secret[:5] not in shown


def test_control_characters_can_be_seen_everywhere() -> None:
    """No Safe text holds a line break, an escape sequence or a bidirectional control."""
    one = redactor()
    bad = "x\x1b[2J\r\n\u202e\u2028\x00\ud800y"
    shown = [
        *one.headers(((bad, bad), ("Server", bad), ("Link", f"<{bad}>; rel=next"), ("Set-Cookie", f"{bad}={bad}"))),
        (one.host(bad), one.repository(bad)),
        (one.text(bad), one.word(bad)),
        (one.url(f"https://{bad}/{bad}?{bad}={bad}").text, one.command([bad])),
        (one.address("https", bad, 1, f"/{bad}"), one.user(bad)),
    ]
    assert [text for pair in shown for text in pair if not text.isprintable()] == []


def test_the_summary_counts_what_was_kept_and_replaced() -> None:
    """Numbers for the last line of a report."""
    one = redactor()
    for _ in range(2):
        observe(wire("/v2/team/app/tags/list", ("Authorization", f"Bearer {password('sum')}")), one)
    one.sweep(f"oops {password('sum')}")
    summary = one.summary(late=2)
    assert (summary.secrets, summary.values, summary.hosts) == (1, 2, 1)
    assert (summary.repositories, summary.bodies, summary.late) == (1, 0, 3)


def test_nothing_prints_what_it_holds() -> None:
    """A redactor or a wire value in a traceback or a log line gives nothing away."""
    one, secret = redactor(), opaque("repr")
    held = wire("/x?" + secret, ("A", secret), ("Authorization", f"Bearer {secret}"), body=secret.encode())
    observe(held, one)
    assert secret not in repr(one) + repr(vars(one)) + repr(vars(one.seen)) + repr(held)


def test_a_relative_url_without_a_request_has_no_origin() -> None:
    """Nothing is invented where nothing is known."""
    assert redactor().url("/v2/").origin is None
    assert str(redactor().url("https://a.test/v2/").origin) == "https://a.test"


# Any secret, anywhere.


def token(number: int, size: int) -> str:
    """A token as a registry would make it, of letters of both cases, digits, hyphens and underscores."""
    return urlsafe_b64encode(sha512(str(number).encode()).digest()).decode()[:size].replace("=", "x")


@settings(derandomize=True, max_examples=400)
@given(st.sampled_from(PLACES), st.builds(token, st.integers(), st.integers(32, 86)))
def test_a_random_token_survives_nowhere(place: str, secret: str) -> None:
    """Whatever it is and wherever it stands, a token does not get into an exchange."""
    exchange = observe(planted(place, secret), redactor())
    assert leaks(repr(exchange), (secret,)) == []


SURE = ("authorization", "form", "token", "cookie", "query value", "user information")


@given(st.sampled_from(SURE), st.from_regex(r"[a-z]{4,9}(-[a-z]{4,9}){1,3}", fullmatch=True))
def test_words_survive_nowhere_either_if_their_place_tells(place: str, secret: str) -> None:
    """A pass phrase looks harmless; where it stands says that it is not."""
    shown = repr(observe(planted(place, secret), redactor()))
    assert secret not in shown.replace("registry.test", "")


@given(st.text(), st.text(), st.binary(max_size=200))
def test_nothing_on_the_wire_makes_it_fail(name: str, value: str, body: bytes) -> None:
    """Every method takes every text."""
    one = redactor("hosts", "repositories", "users")
    known = ("Authorization", "WWW-Authenticate", "Link", "Cookie", "Location", "Date", "Set-Cookie", "Host", "Referer")
    headers = ((name, value), *((field, value) for field in known))
    held = wire("/" + value, *headers, method=name, host=value, body=body, status=401, answer=body, headers=headers)
    held = dataclasses.replace(held, program=value, label=name, address=value, alpn_offers=(value,))
    assert observe(held, one).number == 1
    assert one.command([name, value]) is not None
    assert one.sweep(value + name)[1] >= 0
