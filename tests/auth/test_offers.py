"""What an answer offers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.play import BASIC, BEARER, NOW
from regauth_core.auth.messages import Received, Scheme
from regauth_core.auth.offers import MAX_OFFERS, MAX_SCOPES, is_refusal, offers_of
from regauth_core.protocol.scope import Scope


def received(*lines: str, status: int = 401) -> Received:
    """An answer with these challenges."""
    return Received(status=status, at=NOW, headers=tuple(("www-authenticate", line) for line in lines))


@pytest.mark.parametrize(
    ("lines", "schemes", "silent"),
    [
        ([], [], True),
        ([""], [], True),
        (["127.0.0.1"], [], False),
        ([BASIC], ["basic"], False),
        ([BEARER, BASIC], ["bearer", "basic"], False),
        ([f"{BASIC}, {BEARER}"], ["basic", "bearer"], False),
        (["Negotiate", BASIC], ["basic"], False),
        (["Negotiate", "Digest realm=x"], [], False),
        (["BASIC REALM=x"], ["basic"], False),
    ],
)
def test_schemes_that_can_be_answered(lines: list[str], schemes: list[str], silent: bool) -> None:
    """Basic and Bearer, on one line or several; everything else is only known to be there."""
    offers = offers_of(received(*lines), "/v2/")
    assert (list(offers.schemes), offers.is_silent) == (schemes, silent)


@pytest.mark.parametrize(
    ("line", "realm", "service", "scopes"),
    [
        ('Bearer realm="https://a.test",service="s",scope="repository:a:*"', "https://a.test", "s", ["repository:a:*"]),
        ("bearer realm=https://a.test/t", "https://a.test/t", None, []),
        ('BEARER REALM="https://a.test/t",SERVICE=""', "https://a.test/t", "", []),
        ('Bearer realm="https://a.test/\\"t\\"",scope=""', 'https://a.test/"t"', None, []),
        ('Bearer scope="repository:a:pull  repository:b: aws"', "", None, ["repository:a:pull", "aws"]),
    ],
)  # fmt: skip
def test_bearer_parameters(line: str, realm: str, service: str | None, scopes: list[str]) -> None:
    """Missing is not empty for a service; scopes without actions ask for nothing."""
    (offer,) = offers_of(received(line), "/v2/").all
    assert (offer.realm, offer.service, [str(scope) for scope in offer.scopes]) == (realm, service, scopes)


@pytest.mark.parametrize(
    ("status", "line", "refused"),
    [
        (401, "", True),
        (403, "", False),
        (403, BEARER, False),
        (403, BEARER + ',error="insufficient_scope"', True),
        (403, BASIC + ',error="insufficient_scope"', False),
        (407, BASIC, False),
        (200, BASIC, False),
    ],
)
def test_refusals(status: int, line: str, refused: bool) -> None:
    """A 401, and a 403 that asks for more scope (RFC 6750 section 3.1)."""
    assert is_refusal(received(line, status=status)) is refused


def test_another_request_gets_its_own_scopes_only() -> None:
    """What was asked of one repository says nothing about the scopes of another, nor about what went wrong."""
    line = 'Bearer realm="https://r.test/t",scope="repository:a:pull repository:b:pull aws",error="insufficient_scope"'
    about = offers_of(received(line), "/v2/").about([Scope.read("repository:b:pull,push")])
    assert [str(scope) for scope in about.all[0].scopes] == ["repository:b:pull", "aws"]
    assert not about.lacks_scope


def test_offers_are_bounded() -> None:
    """A hostile answer costs little."""
    many = ", ".join(
        f'Bearer realm="/{n}",scope="{" ".join(f"repository:r{m}:pull" for m in range(99))}"' for n in range(9)
    )
    offers = offers_of(received(many, many), "/v2/")
    assert len(offers.all) <= MAX_OFFERS
    assert all(len(offer.scopes) <= MAX_SCOPES for offer in offers.all)
    assert offers_of(received(f'Bearer realm="https://r.test/{"x" * 9000}"'), "/v2/").all[0].realm == ""


@given(st.lists(st.text(max_size=60), max_size=4))
def test_no_header_raises(lines: list[str]) -> None:
    """Whatever is sent, it is read, and not shown."""
    offers = offers_of(received(*lines), "/v2/")
    assert all(offer.scheme in Scheme for offer in offers.all)
    assert "realm=" not in repr(offers)
