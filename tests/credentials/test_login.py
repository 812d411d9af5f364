"""Logins: what may be one, what of them is shown, and which is found."""

from __future__ import annotations

from base64 import b64encode

import pytest

from regauth_core.credentials.login import ANONYMOUS, Login, LoginTable
from regauth_core.model import Origin

R_TEST = Origin("https", "r.test", 443)
HUB = Origin("https", "registry-1.docker.io", 443)
FIRST, SECOND, HUBS = (Login(id=name, user=name, password="x") for name in ("first", "second", "hubs"))


@pytest.mark.parametrize(
    "values",
    [
        {"registry_token": "canary-token", "user": "canary-user", "password": "canary-pass"},
        {"registry_token": "canary-token", "identity_token": "canary-identity"},
        {"user": "<token>", "password": "canary-pass"},
        {"user": "canary:user", "password": "canary-pass"},
        {"registry_token": "canary\r\nX-Injected: 1"},
        {"registry_token": "canary token"},
        {"registry_token": "canary-é"},
    ],
)
def test_contradictory_login_is_refused_without_quoting_it(values: dict[str, str]) -> None:
    """What cannot be sent, or would be two credentials at once, is no login, and the error names no value."""
    with pytest.raises(ValueError, match=".") as caught:
        Login(id="x", **values)
    assert "canary" not in str(caught.value)


def test_login_shows_its_id_only() -> None:
    """Neither secrets nor user names are in a representation."""
    login = Login(id="c1", user="canary-user", password="canary-pass", identity_token="canary-identity")
    assert repr(login) == "Login(id='c1')"


def test_token_user_means_an_identity_token() -> None:
    """The pair of a credential helper whose user is ``<token>`` holds no password."""
    assert Login.of_pair("x", "<token>", "idt") == Login(id="x", identity_token="idt")
    assert Login.of_pair("x", "alice", "pw") == Login(id="x", user="alice", password="pw")


@pytest.mark.parametrize(
    ("user", "password", "plain"),
    [("alice", "a:b", b"alice:a:b"), ("", "pat", b":pat"), ("al", "é\udcff", "al:é".encode() + b"\xff")],
)
def test_basic_is_utf8(user: str, password: str, plain: bytes) -> None:
    """Colons may be in a password, bytes that are no UTF-8 come back as they were."""
    assert Login(id="x", user=user, password=password).basic() == "Basic " + b64encode(plain).decode()


def test_kinds() -> None:
    """Nothing, a pair and tokens are told apart."""
    assert ANONYMOUS.is_anonymous
    assert not Login(id="x", identity_token="t").has_pair
    assert Login(id="x", password="t").has_pair


@pytest.mark.parametrize(
    ("origin", "repository", "found"),
    [
        (R_TEST, None, FIRST),
        (R_TEST, "other/app", FIRST),
        (R_TEST, "team", SECOND),
        (R_TEST, "team/app/deep", SECOND),
        (R_TEST, "teams/app", FIRST),
        (Origin("https", "r.test", 5000), "team", None),
        (HUB, "library/alpine", HUBS),
        (Origin("https", "index.docker.io", 443), "alpine", HUBS),
        (HUB, "other", None),
    ],
)
def test_longest_prefix_is_found(origin: Origin, repository: str | None, found: Login | None) -> None:
    """Prefixes are whole components; Docker Hub's names are one registry and ``library/`` may be left out."""
    entries = LoginTable([("r.test", "", FIRST), ("r.test", "team/", SECOND), ("docker.io", "alpine", HUBS)])
    assert entries.find(origin, repository) is found
