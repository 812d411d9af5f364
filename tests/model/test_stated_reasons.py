"""The reason that a registry states in a body is read, whatever the form of the body."""

import pytest

from kit.notation import read
from regauth_core.model.stated_reasons import EXPLAINING, StatedReason, stated

BODIES = [
    ("client with IP '203.0.113.7' is not allowed access. Refer https://aka.ms/acr/firewall", "address-rule"),
    ("the `acme` organization has an IP allow list enabled, and your IP address is not permitted", "address-rule"),
    ("Request is prohibited by organization's policy. vpcServiceControlsUniqueIdentifier: x", "address-rule"),
    ("CSRF token invalid", "csrf"),
    ("current image with 3 vulnerabilities cannot be pulled due to configured policy", "policy"),
    ("Artifact download request rejected: blocked by Xray", "policy"),
    ("your account has been suspended", "suspended"),
    ("This API method requires billing to be enabled.", "billing"),
    ("Resource protected by organization SAML enforcement.", "sso-required"),
    ("permission_denied: write_package", "missing-write-right"),
    ('Permission "artifactregistry.repositories.uploadArtifacts" denied on resource', "missing-write-right"),
    ("User: arn:aws:iam::1:user/x is not authorized to perform: ecr:BatchGetImage on resource", "missing-right"),
    ("access token has insufficient scopes", "missing-scope"),
    ("permission_denied: The token provided does not match expected scopes.", "missing-scope"),
    ("adding 3.0 MiB of storage resource, which will exceed the configured upper limit of 1 GiB", "quota"),
    ("You have reached your pull rate limit.", "rate-limit"),
    ("repository name not known to registry", "unknown-name"),
    ("Your authorization token has expired. Reauthenticate and try again.", "expired"),
    ("incorrect username or password", "invalid-credentials"),
    ("unknown: The client token has been revoked", "revoked"),
    ("AccessDenied Request has expired", "expired"),
    ("token is not valid yet", "not-yet-valid"),
    ("too many failed login attempts for username or IP address", "failed-logins"),
    ("User alice is locked out", "locked"),
    ('{"error":"invalid_client"}', "invalid-credentials"),
    ('{"error":"unauthorized_client"}', "unauthorized-client"),
    ("Malformed scope: repository:a:pull repository:b:pull", "invalid-scope"),
    ("Unknown service: s", "invalid-service"),
    ("Request Header Or Cookie Too Large", "too-large"),
    ("requested access to the resource is denied", "of-rights"),
    ("no such credential", "of-logins"),
    ("HTTP Basic: Access denied", "invalid-credentials"),
    ("<html><h1>400 Bad Request</h1><center>No required SSL certificate was sent</center>", "client-certificate"),
    ("Client sent an HTTP request to an HTTPS server.", "plain-http"),
    ("The system is in read only mode. Any modification is prohibited.", "read-only"),
]


@pytest.mark.parametrize(("text", "reason"), BODIES)
def test_reason_is_read_from_the_words(text: str, reason: str) -> None:
    """The first reason is the one that the words are about."""
    assert stated([text])[0] == reason


@pytest.mark.parametrize(
    "text",
    [
        "",
        "authentication required",
        "requested access to the resource is denied",
        "access to the requested resource is not authorized",
        "manifest unknown",
        "zip of the description is shipped",
    ],
)
def test_common_words_give_no_reason(text: str) -> None:
    """What every refusal says excludes nothing."""
    assert not EXPLAINING.intersection(stated([text]))


@pytest.mark.parametrize(
    "answer",
    [
        'json {"errors":[{"code":"FORBIDDEN","message":"CSRF token invalid"}]}',
        'json {"error":{"deep":[{"why":"csrf\\u0020token"}]}}',
        "text CSRF token not found in request",
        "html <html><p>CSRF</p></html>",
    ],
)
def test_reason_is_recorded_from_any_form_of_body(answer: str) -> None:
    """JSON however deep, plain text and pages are read before anything of them is replaced."""
    (exchange,) = read(f"GET /v2/foo/tags/list - -> 403 {answer}", "").exchanges()
    assert exchange.response is not None
    assert exchange.response.stated == (StatedReason.CSRF,)


@pytest.mark.parametrize(
    ("fields", "odd"),
    [
        ('"token":"a","expires_in":300,"issued_at":"2026-01-01T00:00:00Z"', ()),
        ('"token":"a","expires_in":null', ()),
        ('"token":"a","expires_in":"300"', ("expires_in",)),
        ('"token":"a","expires_in":300.5', ("expires_in",)),
        ('"token":"a","issued_at":"2026-01-01 00:00:00"', ("issued_at",)),
        ('"token":"a","issued_at":1750000000', ("issued_at",)),
        ('"token":{"raw":"a"}', ("token",)),
    ],
)
def test_fields_of_another_type_are_noted(fields: str, odd: tuple[str, ...]) -> None:
    """A strict reader stops at them; which they are is recorded."""
    (exchange,) = read(f"GET {{realm}}?service=s - -> 200 json {{{fields}}}", "").exchanges()
    assert exchange.response is not None
    assert exchange.response.token is not None
    assert exchange.response.token.mistyped == odd
