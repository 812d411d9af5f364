"""Pseudonyms: one mapping for one trace, applied wherever a name stands."""

from __future__ import annotations

import dataclasses
import json

import pytest

from kit.messages import jwt, wire
from kit.tables import redactor
from regauth_core.recording.observe import observe

REALM = 'Bearer realm="https://auth.corp.test/token",service="reg.corp.test",scope="repository:team/app:pull"'
NAMES = ("corp.test", "team", "alice")


def test_names_are_replaced_everywhere_by_one_mapping() -> None:
    """Hosts and repositories get the same pseudonym in URL, challenge, scope, claims, location and text."""
    held = wire(
        "/v2/team/app/manifests/latest",
        ("Authorization", "Bearer " + jwt("names", aud="reg.corp.test", iss="https://auth.corp.test/")),
        host="reg.corp.test",
        status=401,
        answer=json.dumps({"errors": [{"code": "DENIED", "message": "no team/app at reg.corp.test"}]}),
        headers=(("WWW-Authenticate", REALM), ("Location", "https://reg.corp.test/v2/team/app/tags/list")),
    )
    exchange = observe(dataclasses.replace(held, label="alice"), redactor("hosts", "repositories", "users"))
    assert [name for name in NAMES if name in repr(exchange)] == []
    assert (exchange.target.repository, str(exchange.origin)) == ("group-1/repo-1", "https://registry-1.test")
    response = exchange.response
    assert response is not None
    assert response.location is not None
    (challenge,) = response.challenges
    assert challenge.scopes == ("repository:group-1/repo-1:pull",)
    assert challenge.parameter("service") == "registry-1.test"
    assert response.errors[0].message == "no group-1/repo-1 at registry-1.test"
    assert response.location.text == "https://registry-1.test/v2/group-1/repo-1/tags/list"
    claims = exchange.request.credentials[0].claims
    assert claims is not None
    assert claims.access is not None
    assert (claims.audience, claims.access[0].name) == (("registry-1.test",), "group-1/repo-1")


def test_token_requests_use_the_same_names() -> None:
    """Scope and service of the request answer those of the challenge."""
    one = redactor("hosts", "repositories")
    observe(wire("/v2/team/app/tags/list", host="reg.corp.test"), one)
    path = "/token?service=reg.corp.test&scope=repository%3Ateam%2Fapp%3Apull"
    exchange = observe(wire(path, host="auth.corp.test"), one)
    assert exchange.request.token is not None
    assert exchange.request.token.scopes == ("repository:group-1/repo-1:pull",)
    assert exchange.request.token.service == "registry-1.test"
    assert [name for name in NAMES if name in repr(exchange)] == []


def test_names_stay_without_being_asked() -> None:
    """Pseudonyms are for whoever wants them."""
    exchange = observe(wire("/v2/team/app/tags/list", host="reg.corp.test"), redactor())
    assert exchange.request.url == "https://reg.corp.test/v2/team/app/tags/list"


@pytest.mark.parametrize(
    "host", ["docker.io", "auth.docker.io", "ghcr.io", "quay.io", "europe-docker.pkg.dev", "localhost", "127.0.0.1"]
)
def test_public_registries_keep_their_names(host: str) -> None:
    """Which public registry it is, is half of the diagnosis."""
    assert redactor("hosts").host(host) == host


def test_pseudonyms_keep_what_a_diagnosis_rests_on() -> None:
    """Hosts of one domain stay in one domain, private addresses stay private, vendors can be recognised."""
    one = redactor("hosts")
    assert one.host("reg.corp.test") == "registry-1.test"
    assert one.host("auth.corp.test").endswith(".registry-1.test")
    assert one.host("other.co.uk") != one.host("another.co.uk")
    assert one.host("10.1.2.3").startswith("10.")
    assert one.host("10.1.2.3") != one.host("10.1.2.4")
    assert one.host("8.8.8.8").endswith(".alt")
    cloud = one.host("123.dkr.ecr.eu-west-1.amazonaws.com")
    assert cloud.endswith(".dkr.ecr.eu-west-1.amazonaws.com")
    assert "123" not in cloud
    assert one.host("reg.corp.test") == "registry-1.test"


def test_docker_hubs_two_names_of_one_repository_stay_recognisable() -> None:
    """`library/x` is `x`."""
    one = redactor("repositories")
    assert (one.repository("nginx"), one.repository("library/nginx")) == ("repo-1", "library/repo-1")


PLACES = (
    "team/app",
    "TEAM/App",
    "team%2Fapp",
    "team%2fAPP",
    "team%252Fapp",
    "team\\/app",
    "team&#x2F;app",
    "team&#47;app",
)


@pytest.mark.parametrize("spelled", PLACES)
@pytest.mark.parametrize(
    "around", ["{}", "no {}:1.0 here", "repository%3A{}%3Apull", '("{}")', "at corp-reg:5444/{}!", "\\n{}"]
)
def test_repositories_are_known_in_any_spelling(spelled: str, around: str) -> None:
    """In any case, and with the slash of URLs, JSON and HTML."""
    one = redactor("hosts", "repositories")
    one.repository("team/app")
    one.host("corp-reg")
    told = one.text(around.format(spelled)).lower()
    assert [name for name in ("team", "app", "corp") if name in told] == []


@pytest.mark.parametrize("text", ["of acmecorp", "AcmeCorp's", "acmecorp-ci", "no ACMECORP: x", "acmecorp_team.1"])
def test_a_company_is_known_by_its_label(text: str) -> None:
    """The name of a domain also stands without its ending."""
    one = redactor("hosts", "repositories")
    one.host("registry.acmecorp.com")
    assert "acme" not in one.text(text).lower()


@pytest.mark.parametrize("tag", ["payroll-1.0", "1.0-payroll", "PAYROLL_2", "v1.acmecorp", "payroll"])
def test_tags_are_made_of_names(tag: str) -> None:
    """Also in the URL and in a reference."""
    exchange = observe(
        wire(f"/v2/team/payroll/manifests/{tag}", host="r.acmecorp.com"), redactor("hosts", "repositories")
    )
    assert [name for name in ("payroll", "acmecorp") if name in repr(exchange).lower()] == []


def test_a_port_stays_one_port() -> None:
    """The pseudonym of a host with a port is told once, however often a text is gone over."""
    one = redactor("hosts", "repositories")
    shown = one.host("registry-of-ours")
    for text in ("registry-of-ours:5444/a/b", "registry-of-ours:5444", "x registry-of-ours:5444: refused"):
        told = one.sweep(one.text(text))[0]
        assert told.count("5444") == 1
        assert f"{shown}:5444" in told
        assert one.sweep(told)[0] == told


@pytest.mark.parametrize(
    "text", ["the registry:5000 said", "at 12:30:45", "go1.20.3 linux/amd64", "api-server says no"]
)
def test_other_words_stay(text: str) -> None:
    """What is no name is shown as it is."""
    one = redactor("hosts", "repositories", "users")
    one.host("registry.test")
    one.repository("team/app")
    assert one.text(text) == text
