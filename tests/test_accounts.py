"""Every failure has one account: whatever is asked, sent and answered, something is said of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kit.talk import read
from regauth_core.model import Diagnosis, Endpoint, Finding
from regauth_core.target import read as target_of

DIGEST = "sha256:" + "a" * 64
REGISTRY = {
    "ping": "GET /v2/",
    "catalog": "GET /v2/_catalog",
    "tags": "GET /v2/foo/tags/list",
    "manifest": "GET /v2/foo/manifests/1",
    "manifest by HEAD": "HEAD /v2/foo/manifests/1",
    "manifest of a digest": f"GET /v2/foo/manifests/{DIGEST}",
    "manifest pushed": "PUT /v2/foo/manifests/1",
    "manifest deleted": "DELETE /v2/foo/manifests/1",
    "blob": f"GET /v2/foo/blobs/{DIGEST}",
    "blob by HEAD": f"HEAD /v2/foo/blobs/{DIGEST}",
    "upload begun": "POST /v2/foo/blobs/uploads/",
    "mount": f"POST /v2/foo/blobs/uploads/?mount={DIGEST}&from=bar",
    "upload": "PATCH /v2/foo/blobs/uploads/u1",
    "upload ended": f"PUT /v2/foo/blobs/uploads/u1?digest={DIGEST}",
    "referrers": f"GET /v2/foo/referrers/{DIGEST}",
    "extension": "GET /v2/_ext/discover",
}
SENT = {"nothing": "-", "a password": "basic(alice)", "a token": "bearer(t1)"}
STATUSES = [*map(str, range(400, 600)), "refused", "tls"]
ISSUE = "GET {realm}?service=s&scope=repository:foo:pull,push basic(alice) -> 200 token t1 expires_in=300\n"
ASKED_FIRST = 'GET /v2/foo/manifests/1 - -> 401 challenge Bearer {realm},service="s",scope="repository:foo:pull"\n'
AT_TOKEN_SERVER = {
    "nothing": ("GET {realm}?service=s&scope=repository:foo:pull -", ""),
    "a password": ("GET {realm}?service=s&scope=repository:foo:pull basic(alice)", ""),
    "a form": ("POST {realm} -", "\n  form grant_type=password&service=s&username=alice&password=wonder-land-1"),
}


def _registry_talks(name: str) -> Iterator[tuple[str, str, str]]:
    """What was sent, the status, and the conversation."""
    for sent, credential in SENT.items():
        before = ISSUE if sent == "a token" else ""
        for status in STATUSES:
            yield sent, status, f"{before}{REGISTRY[name]} {credential} -> {status}\n"


def _token_server_talks() -> Iterator[tuple[str, str, str]]:
    for sent, (request, form) in AT_TOKEN_SERVER.items():
        for status in STATUSES:
            yield sent, status, f"{ASKED_FIRST}{request} -> {status}{form}\n"


def _unaccounted(diagnosis: Diagnosis) -> list[str]:
    """The failures that are not accounted for exactly once."""
    rules = {f.rule for f in diagnosis.findings} | {u.rule for u in diagnosis.undecided}
    wrong = []
    for operation in diagnosis.operations:
        if operation.end.is_failure and operation.account not in rules:
            wrong.append(f"{operation.kind} ended {operation.status} and is explained by {operation.account}")
    return wrong


def _sentences(findings: tuple[Finding, ...]) -> list[str]:
    return [text for f in findings for text in (f.title, f.explanation, f.advice.user, f.advice.client_author)]


@pytest.mark.parametrize("name", REGISTRY)
def test_every_status_of_a_registry_has_an_account(name: str) -> None:
    """Each status from 400 to 599, and no answer at all, on each endpoint, with and without credentials."""
    for sent, status, text in _registry_talks(name):
        diagnosis = read(text, name).diagnosis()
        assert _unaccounted(diagnosis) == [], (sent, status)
        assert any(o.end.is_failure for o in diagnosis.operations) or _is_answer(name, sent, status), (sent, status)
        assert all(s and "None" not in s and "{" not in s for s in _sentences(diagnosis.findings)), (sent, status)


def _is_answer(name: str, sent: str, status: str) -> bool:
    """Whether such a status says that something is not there or not offered, which is no failure."""
    method, path = REGISTRY[name].split()
    about = target_of(method, path, name=lambda n: n, text=lambda t: t, host=lambda h: h)  # type: ignore[arg-type,return-value]
    reads = method in ("GET", "HEAD") and about.endpoint is not Endpoint.PING
    rare = method == "DELETE" or about.endpoint in (Endpoint.REFERRERS, Endpoint.CATALOG, Endpoint.V2_OTHER)
    if status == "404":
        return reads or method == "DELETE"
    if status in ("405", "501"):
        return rare
    # Whatever is said to a probe that nothing depends on, is no failure.
    return status == "400" and (method == "DELETE" or about.endpoint is Endpoint.REFERRERS)


def test_every_status_of_a_token_server_has_an_account() -> None:
    """Each status from 400 to 599, and no answer at all, anonymous, with Basic and with a form."""
    for sent, status, text in _token_server_talks():
        diagnosis = read(text, status).diagnosis()
        assert _unaccounted(diagnosis) == [], (sent, status)
        assert any(o.end.is_failure for o in diagnosis.operations), (sent, status)
        assert diagnosis.findings or diagnosis.undecided, (sent, status)
        assert all(s and "None" not in s and "{" not in s for s in _sentences(diagnosis.findings)), (sent, status)
