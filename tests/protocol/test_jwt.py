"""Claims: what a JWT says about itself, read by ourselves and never verified."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode

import jwt as pyjwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.messages import CLAIMS, encoded
from regauth_core.protocol.jwt import MAX_TOKEN, RawAccess, decode

HEAD = encoded({"alg": "none"})


def token(payload: object) -> str:
    return f"{HEAD}.{encoded(payload)}."


def test_it_reads_what_a_library_writes() -> None:
    """The claims of a signed token, as another implementation encodes them."""
    raw = decode(pyjwt.encode(CLAIMS, "k" * 32))
    assert raw is not None
    assert (raw.issuer, raw.audience, raw.expires) == ("auth.registry.test", ("registry.test",), 1700000300.0)
    assert raw.access == (RawAccess("repository", "team/app", ("pull", "push")),)


@pytest.mark.parametrize(
    ("claims", "field", "value"),
    [
        ({"aud": ["a", "b"]}, "audience", ("a", "b")),
        ({"aud": 5}, "audience", ()),
        ({"sub": ""}, "subject", None),
        ({"sub": "alice"}, "subject", "alice"),
        ({"access": []}, "access", ()),
        ({"access": None}, "access", ()),
        ({"sub": "x"}, "access", None),
        ({"access": [{"type": "a", "name": "b", "actions": None}, 5]}, "access", (RawAccess("a", "b", ()),)),
        ({"exp": True}, "expires", None),
        ({"exp": "1700000300"}, "expires", 1700000300.0),
        ({"exp": 10**400}, "expires", None),
        ({"iat": 1700000000.5}, "issued", 1700000000.5),
        ({"nbf": "soon"}, "not_before", None),
    ],
)
def test_claims_of_any_shape_are_read(claims: object, field: str, value: object) -> None:
    """Absent, empty and wrong are three things."""
    raw = decode(token(claims))
    assert raw is not None
    assert getattr(raw, field) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ey",
        "opaque",
        "ey.ey.ey",
        f"{HEAD}.{encoded('text')}.x",
        f"{HEAD}.{encoded([1])}.x",
        f"{HEAD}.####.x",
        f"{HEAD}.{encoded(CLAIMS)}",
        f"{HEAD}.{encoded(CLAIMS)}.x.y.z",
        f"{encoded({'typ': 'JWT'})}.{encoded(CLAIMS)}.x",
        f"{HEAD}.{urlsafe_b64encode(b'[' * 10_000).decode()}.x",
        f"{HEAD}.{'a' * MAX_TOKEN}.x",
    ],
)
def test_what_is_no_jwt_has_no_claims(text: str) -> None:
    """Opaque and encrypted tokens, and those that only look like a JWT."""
    assert decode(text) is None


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists))
def test_no_claim_makes_it_fail(value: object) -> None:
    """Whatever a claim holds, reading it gives a value."""
    names = ("iss", "aud", "exp", "nbf", "iat", "sub", "access")
    for name in names:
        payload = json.dumps({name: value, "access ": [{"type": value}]}).encode("utf-8", "surrogatepass")
        part = urlsafe_b64encode(payload).rstrip(b"=").decode()
        decode(f"{HEAD}.{part}.")


@given(st.text())
def test_no_text_makes_it_fail(text: str) -> None:
    """Tokens come from the wire."""
    decode(text)
    decode(f"ey{text}.{text}.{text}")
