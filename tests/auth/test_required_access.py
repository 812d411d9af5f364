"""What requests need."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regauth_core.auth.required_access import required_access_of


@pytest.mark.parametrize(
    ("line", "repository", "scopes", "wish"),
    [
        ("GET /v2/", None, [], []),
        ("GET /v2", None, [], []),
        ("GET /v2/_catalog?n=2", None, ["registry:catalog:*"], ["registry:catalog:*"]),
        ("HEAD /v2/a/b/manifests/1", "a/b", ["repository:a/b:pull"], ["repository:a/b:pull"]),
        ("PATCH /v2/a/blobs/uploads/1", "a", ["repository:a:pull,push"], ["repository:a:pull,push"]),
        ("DELETE /v2/a/manifests/1", "a", ["repository:a:delete"], ["repository:a:delete,pull,push"]),
        (
            "POST /v2/a/blobs/uploads/?mount=sha256:1&from=b",
            "a",
            ["repository:a:pull,push", "repository:b:pull"],
            ["repository:a:pull,push", "repository:b:pull"],
        ),
        ("GET /v2/a%20b/manifests/1", "a b", [], []),
    ],
)
def test_need_of_request(line: str, repository: str | None, scopes: list[str], wish: list[str]) -> None:
    """Method and path tell what a token has to allow; a name with blanks would ask for something else."""
    method, path = line.split(" ")
    required = required_access_of(method, path)
    assert required.is_api
    assert required.repository == repository
    assert [str(scope) for scope in required.scopes] == scopes
    assert [str(scope) for scope in required.wish] == wish


@pytest.mark.parametrize(
    "line",
    [
        "GET /v2/..;/api/token",
        "GET /v2/%2e%2e;/api/token",
        "GET /v2/foo/%252e%252e/x/manifests/1",
        "GET /v2/auth?sc%6fpe=repository:foo:pull&servic%65=x",
        "GET /v2/auth/",
        "TRACE /v2/foo/tags/list",
        "GET /",
        "GET /token?service=x",
        "GET /v20/a/manifests/1",
        "GET /prefix/v2/a/manifests/1",
        "OPTIONS /v2/a/manifests/1",
        "CONNECT r.test:443",
        "GET /v2/../admin",
        "GET /v2/a/manifests/..%2f..%2fb",
        "GET /v2/a/%2E%2e/b/manifests/1",
        "GET /v2/a\\..\\b/manifests/1",
        "GET /v2/token?service=s&scope=x",
        "GET https://r.test/v2/",
        "GET *",
    ],
)
def test_what_is_no_api_request(line: str) -> None:
    """Other paths, paths that climb out, requests for tokens and other methods are not for the authenticator."""
    method, path = line.split(" ", 1)
    assert not required_access_of(method, path).is_api


@given(method=st.sampled_from(("GET", "POST", "")), path=st.text() | st.text().map("/v2/".__add__))
def test_any_path_has_a_need(method: str, path: str) -> None:
    """No path raises, and no scope has a blank in it."""
    assert all(" " not in str(scope) for scope in required_access_of(method, path).wish)
