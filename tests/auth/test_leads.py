"""Whom others led where is remembered, within bounds that nobody gains by exceeding."""

from __future__ import annotations

import pytest

from regauth_core.auth.leads import Leads
from regauth_core.model import Origin
from regauth_core.protocol.references import ANYWHERE, Lead

EVIL = Origin("https", "evil.test", 443)
WORSE = Origin("https", "worse.test", 443)
REGISTRY = Origin("https", "r.test", 443)
NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    "path",
    ["/v2/auth", "/v2/%61uth", "/v2/auth/", "/v2//auth", "/v2/./auth", "/v2/x/../auth", "/v2/auth;a=b", "/v2/auth?x"],
)
def test_a_path_is_the_same_however_it_is_spelled(path: str) -> None:
    """Whoever was led somewhere cannot get there in another spelling."""
    leads = Leads()
    leads.note("", None, Lead(REGISTRY, path), EVIL, NOW)
    assert leads.is_led("", None, REGISTRY, "/v2/auth", NOW + 3599)
    assert not leads.is_led("", None, REGISTRY, "/v2/other", NOW)
    assert not leads.is_led("other", None, REGISTRY, "/v2/auth", NOW)
    assert not leads.is_led("", None, REGISTRY, "/v2/auth", NOW + 3601)


def test_an_address_holds_for_every_process() -> None:
    """A client may leave the fetching to another."""
    leads = Leads()
    leads.note("", 7, Lead(REGISTRY, "/v2/a"), EVIL, NOW)
    assert leads.is_led("", 8, REGISTRY, "/v2/a", NOW)


def test_an_origin_may_lead_to_itself() -> None:
    """Plainly, and in ways that nobody can read; two that do, or one to which one was led, may not."""
    leads = Leads()
    leads.note("", 7, Lead(EVIL, "/v2/a"), EVIL, NOW)
    leads.note("", 7, ANYWHERE, EVIL, NOW)
    assert not leads.is_led("", 7, EVIL, "/v2/a", NOW)
    assert leads.is_led("", 7, REGISTRY, "/v2/a", NOW)
    leads.note("", 7, ANYWHERE, WORSE, NOW)
    assert leads.is_led("", 7, EVIL, "/v2/a", NOW)
    leads = Leads()
    leads.note("", 7, ANYWHERE, None, NOW)
    assert leads.is_led("", 7, EVIL, "/v2/a", NOW)


def test_whose_process_is_unknown_may_be_anyone() -> None:
    """On either side."""
    leads = Leads()
    leads.note("a", None, ANYWHERE, EVIL, NOW)
    leads.note("b", 7, ANYWHERE, EVIL, NOW)
    assert leads.is_led("a", 7, REGISTRY, "/v2/", NOW)
    assert leads.is_led("b", None, REGISTRY, "/v2/", NOW)
    assert not leads.is_led("b", 8, REGISTRY, "/v2/", NOW)


def test_many_leads_push_none_out() -> None:
    """Who was given more addresses than are kept was led anywhere."""
    leads = Leads()
    for number in range(5000):
        leads.note("", 7, Lead(REGISTRY, f"/v2/{number}"), EVIL, NOW)
    assert leads.is_led("", 7, REGISTRY, "/v2/0", NOW)
    for number in range(5000):
        leads.note("b", number, ANYWHERE, EVIL, NOW)
    assert all(leads.is_led("b", number, REGISTRY, "/v2/0", NOW) for number in range(5000))
