"""Requests that are understood in full, and all others."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regauth_core.auth.messages import ClientRequest
from regauth_core.auth.required_access import required_access_of
from regauth_core.auth.understanding import is_delimited, objection
from regauth_core.model import Origin
from regauth_core.model.withheld import Withheld

DIGEST = "sha256:" + "ab" * 32
HEX = "ab" * 32


def request(line: str, *headers: tuple[str, str], has_body: bool = False) -> ClientRequest:
    """The client's request ``METHOD path``."""
    method, path = line.split(" ", 1)
    fields = (("Host", "r.test"), ("User-Agent", "client/1"), *headers)
    return ClientRequest(
        method=method, origin=Origin("https", "r.test", 443), path=path, headers=fields, has_body=has_body
    )


def said(asked: ClientRequest, named: frozenset[str] = frozenset()) -> Withheld | None:
    """What is objected."""
    return objection(asked, required_access_of(asked.method, asked.path), named)


GENUINE = (
    "GET /v2/",
    "HEAD /v2/",
    "GET /v2",
    "GET /v2/?ns=docker.io",
    "GET /v2/_catalog",
    "GET /v2/_catalog?n=1000&last=team%2Fapp",
    "GET /v2/library/ubuntu/tags/list",
    "GET /v2/library/ubuntu/tags/list?n=-1",
    "GET /v2/library/ubuntu/tags/list?last=22.04&n=1000",
    "HEAD /v2/library/ubuntu/manifests/latest?ns=docker.io",
    f"GET /v2/a/b/c/manifests/{DIGEST}",
    f"GET /v2/a/b/c/manifests/sha256%3A{HEX}",
    "PUT /v2/Foo__bar/x-y.z/manifests/v1_2.3-4",
    f"DELETE /v2/foo/manifests/{DIGEST}",
    "DELETE /v2/foo/manifests/1",
    f"GET /v2/foo/referrers/{DIGEST}?artifactType=application%2Fvnd.example%2Bjson",
    f"GET /v2/foo/referrers/{DIGEST}?artifactType=application/vnd.example+json&n=5",
    f"GET /v2/foo/blobs/{DIGEST}?ns=localhost%3A5000",
    f"HEAD /v2/foo/blobs/{DIGEST}",
    f"DELETE /v2/foo/blobs/{DIGEST}",
    "POST /v2/foo/blobs/uploads/",
    "POST /v2/foo/blobs/uploads",
    f"POST /v2/foo/blobs/uploads/?from=library%2Fubuntu&mount=sha256%3A{HEX}",
    f"POST /v2/foo/blobs/uploads/?from=library%2Fubuntu&mount=sha256%3A{HEX}&origin=registry.test%3A5000",
    f"POST /v2/foo/blobs/uploads/?mount={DIGEST}",
    f"POST /v2/foo/blobs/uploads/?mount={DIGEST}&from=",
    "POST /v2/foo/blobs/uploads/?digest-algorithm=sha512",
    "PATCH /v2/foo/blobs/uploads/0d3e7a2c-1111-2222-3333-444455556666?_state=AbC_-9%3D%3D",
    f"PUT /v2/foo/blobs/uploads/x_Y-z~1?_state=AbC==&digest=sha256%3A{HEX}",
    "GET /v2/foo/blobs/uploads/1",
    "DELETE /v2/foo/blobs/uploads/1",
    "PATCH /v2/foo/blobs/upload/1:2/3",
    "GET /v2/tags/list/tags/list",
    "GET /v2/a/manifests/b/manifests/c",
)


@pytest.mark.parametrize("line", GENUINE)
def test_what_clients_send_is_understood(line: str) -> None:
    """docker, containerd, containers/image, go-containerregistry, oras, regclient, python-dxf, the OCI's suite."""
    assert said(request(line)) is None


@pytest.mark.parametrize(
    "fields",
    [
        [("Accept", "application/json, */*;q=0.5"), ("Accept", "text/plain"), ("Accept-Encoding", "gzip")],
        [("Authorization", "Basic Og=="), ("Docker-Distribution-Api-Version", "registry/2.0"), ("Range", "bytes=0-")],
        [("Connection", "Keep-Alive, close"), ("TE", "trailers"), ("X-Meta-Source-Client", "a")],
        [("Traceparent", "00-1-2-01"), ("X-Amz-Security-Token", "x"), ("X-Forwarded-For", "10.0.0.1")],
        [("Content-Length", "0"), ("Cookie", "a=b"), ("Cache-Control", "no-cache"), ("X-Request-Id", "1")],
        [("Content-Type", "application/json")],
        [("Upgrade-Insecure-Requests", "1"), ("Accept-Language", "en"), ("Empty", "")],
    ],
)
def test_fields_that_clients_send_are_understood(fields: list[tuple[str, str]]) -> None:
    """Those of libraries, of tracing, and of a proxy before this one."""
    assert said(request("GET /v2/foo/tags/list", *fields)) is None


TARGETS = (
    "get /v2/foo/tags/list",
    "POST /v2/foo/manifests/1",
    "POST /v2/foo/blobs/uploads/1",
    "PUT /v2/foo/tags/list",
    "PATCH /v2/foo/manifests/1",
    "DELETE /v2/_catalog",
    "POST /v2/",
    "GET /v2/foo/blobs/uploads/",
    "GET /v2/te%61m/tags/list",
    "GET /v2/team%2Fapp/tags/list",
    "GET /v2//foo/tags/list",
    "GET /v2/foo//tags/list",
    "GET /v2/foo;x=y/tags/list",
    "GET /v2/foo/manifests/1;from=x",
    "GET /v2/foo/manifests/a/b",
    "GET /v2/foo/manifests/a%2Fb",
    "GET /v2/foo/manifests/a%00",
    "GET /v2/foo/manifests/a%0d%0ax",
    "GET /v2/foo/manifests/a\\b",
    "GET /v2/foo/manifests/\u00e9",
    "GET /v2/foo/manifests/a b",
    "GET /v2/foo/manifests/a HTTP/1.1\r\nX: y",
    "GET /v2/foo/manifests/",
    "GET /v2/foo/manifests/a#b",
    "GET /v2/fo\u017f/manifests/1",
    "GET /v2/../x",
    "GET /v2/foo/%2e%2e/secret/manifests/1",
)


@pytest.mark.parametrize("line", TARGETS)
def test_odd_methods_and_paths_are_not(line: str) -> None:
    """Whatever a server might decode, cut off, or take for another resource."""
    assert said(request(line)) is Withheld.UNCLEAR_TARGET


MOUNT = f"POST /v2/team/app/blobs/uploads/?mount={DIGEST}"


@pytest.mark.parametrize(
    "line",
    [
        f"{MOUNT}&%66rom=other/secret",
        f"POST /v2/team/app/blobs/uploads/?m%6funt={DIGEST}&fr%6fm=other/secret",
        f"{MOUNT}&from=team/x&from=other/secret",
        f"{MOUNT}&from=other/secret&from=team/x",
        f"{MOUNT}&from=team/x&From=other/secret",
        f"{MOUNT}&from[]=other/secret",
        f"{MOUNT}&from+=other/secret",
        f"{MOUNT}&+from=other/secret",
        f"{MOUNT}&from=team/x;from=other/secret",
        f"{MOUNT};from=other/secret",
        f"{MOUNT}&from=team%2Fx%26from%3Dother",
        f"{MOUNT}&from=team/../other/secret",
        f"{MOUNT}&from=team/%2E/x",
        f"{MOUNT}&from=team//x",
        f"{MOUNT}&from=..",
        f"{MOUNT}&from=team%252Fx",
        f"{MOUNT}&from=team/x%0a",
        f"{MOUNT}&from=%EF%BD%94eam/x",
        f"{MOUNT}&from",
        f"{MOUNT}&&from=team/x",
        f"{MOUNT}&_method=DELETE",
        f"{MOUNT}&x=1",
        f"{MOUNT}?from=other/secret",
        f"{MOUNT}#&from=other/secret",
        "GET /v2/foo/tags/list?_method=DELETE",
        "GET /v2/foo/tags/list?n=a",
        "GET /v2/foo/tags/list?last=%C3%A9",
        "GET /v2/foo/tags/list?next_page=x",
        "PATCH /v2/foo/blobs/uploads/1?from=other/secret",
        "PATCH /v2/foo/blobs/uploads/1?_state=a&_STATE=b",
    ],
)
def test_odd_parameters_are_not(line: str) -> None:
    """Unknown ones, two of a name, and names and values that are not spelled as they are."""
    assert said(request(line)) is Withheld.UNCLEAR_QUERY


def test_parameters_of_the_registrys_own_are() -> None:
    """It has put them into a `Location` or a `Link`; those of the API keep their places all the same."""
    named = frozenset({"next_page", "from", "mount"})
    assert said(request("GET /v2/foo/tags/list?n=1&next_page=x"), named) is None
    assert said(request("PATCH /v2/foo/blobs/uploads/1?from=x"), named) is Withheld.UNCLEAR_QUERY
    assert said(request("GET /v2/foo/tags/list?next_page=x&next-page=y"), named) is Withheld.UNCLEAR_QUERY


def test_source_that_stands_behind_what_is_read_is_not() -> None:
    """However much is put in front of it; the permits would not see it."""
    named = frozenset({"state", *(f"x{number}" for number in range(300))})
    long, many = "x" * 8000, "&".join(f"x{number}=1" for number in range(256))
    for padding in (f"state={long}&x1={long}&x2={long}", many):
        line = f"POST /v2/team/app/blobs/uploads/?{padding}&mount={DIGEST}&from=other/secret"
        assert said(request(line), named) is Withheld.UNCLEAR_QUERY
    assert said(request(f"PATCH /v2/team/app/blobs/uploads/1?state={long}"), named) is None


@pytest.mark.parametrize(
    "name",
    [
        *("X-HTTP-Method-Override", "X_HTTP_Method_Override", "x-http_method-override", "XHttpMethodOverride"),
        *("X-HTTP-Method", "X-Method-Override", "X-Verb", "X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Uri"),
        *("X-Forwarded-Host", "Forwarded", "X-Host", "X-Envoy-Original-Path", "Base-Url", "X-Forwarded-Prefix"),
        *("X-Forwarded-Method", "X-Request-URI", "X-Path-Info", "Access-Control-Request-Method"),
    ],
)
def test_fields_that_name_another_request_are_not(name: str) -> None:
    """By whatever name, folded or not."""
    asked = request("GET /v2/foo/tags/list", (name, "x"))
    assert said(asked) is Withheld.OTHER_REQUEST_NAMED


FIELDS = (
    ("X-A", "b\r\n\r\nDELETE /v2/victim/manifests/1 HTTP/1.1"),
    ("X-A", "b\nc"),
    ("X-A", "b\rc"),
    ("X-A", "b\x00"),
    ("X-A", "b\x0b"),
    ("X-A", "b\x7f"),
    ("X-A", "b\tc"),
    ("X-A", "b\u560d\u560a"),
    ("X-A", "b\udc85"),
    ("X-A\r\nB", "c"),
    ("X-A ", "c"),
    ("X_A", "c"),
    (":authority", "c"),
    ("", "c"),
    ("X-\u00c4", "c"),
    ("Content-Length", "1, 1"),
    ("Content-Length", "+1"),
    ("Content-Length", "\u0661"),
    ("Transfer-Encoding", "chunked, identity"),
    ("Transfer-Encoding", "Chunked"),
    ("Connection", "close, Authorization"),
    ("Connection", "Upgrade"),
    ("Upgrade", "h2c"),
    ("HTTP2-Settings", "AAMAAABk"),
    ("Trailer", "X"),
    ("Expect", "200-ok"),
    ("Host", "r.test"),
)


@pytest.mark.parametrize("field", FIELDS)
def test_odd_fields_are_not(field: tuple[str, str]) -> None:
    """Control characters, other letters, underscores, and what concerns the connection or its framing."""
    assert said(request("GET /v2/foo/tags/list", field)) is Withheld.UNCLEAR_FIELD


@pytest.mark.parametrize("name", ["Content-Length", "Content-Type", "Transfer-Encoding", "Content-Range", "Range"])
def test_two_of_one_field_are_not(name: str) -> None:
    """Servers take the first or the last."""
    value = {"Content-Length": "0", "Transfer-Encoding": "chunked"}.get(name, "a/b")
    assert said(request("PUT /v2/foo/manifests/1", (name, value), (name, value))) is Withheld.UNCLEAR_FIELD


@pytest.mark.parametrize(
    ("line", "content_type", "has_body"),
    [
        ("GET /v2/foo/tags/list", None, True),
        ("HEAD /v2/foo/tags/list", "application/json", True),
        ("DELETE /v2/foo/manifests/1", None, True),
        (MOUNT, "application/x-www-form-urlencoded", False),
        (MOUNT, "Application/X-WWW-Form-Urlencoded; charset=utf-8", True),
        (MOUNT, "multipart/form-data; boundary=x", True),
        (MOUNT, "application/octet-stream", True),
        (MOUNT, "application/octet-stream, application/x-www-form-urlencoded", True),
        (MOUNT, "", True),
        (MOUNT, None, True),
        (f"POST /v2/foo/blobs/uploads/?digest={DIGEST}", None, True),
        ("PUT /v2/foo/manifests/1", "application/x-www-form-urlencoded", True),
        ("PATCH /v2/foo/blobs/uploads/1", "multipart/mixed", True),
    ],
)
def test_bodies_in_which_servers_look_for_parameters_are_not(
    line: str, content_type: str | None, has_body: bool
) -> None:
    """Nor those where the API has none."""
    fields = () if content_type is None else (("Content-Type", content_type),)
    assert said(request(line, *fields, has_body=has_body)) is Withheld.UNCLEAR_BODY


@pytest.mark.parametrize(
    ("line", "content_type"),
    [
        (f"POST /v2/foo/blobs/uploads/?digest={DIGEST}", "application/octet-stream"),
        ("PUT /v2/foo/manifests/1", "application/vnd.oci.image.manifest.v1+json"),
        ("PUT /v2/foo/manifests/1", "application/vnd.docker.distribution.manifest.v1+prettyjws; charset=utf-8"),
        ("PATCH /v2/foo/blobs/uploads/1", "application/octet-stream"),
        ("PATCH /v2/foo/blobs/uploads/1", None),
    ],
)
def test_bodies_of_uploads_are(line: str, content_type: str | None) -> None:
    """In PATCH and PUT, and in a POST that says what it holds."""
    fields = () if content_type is None else (("Content-Type", content_type),)
    assert said(request(line, *fields, has_body=True)) is None


def test_connection_on_which_another_request_may_have_begun_is_not() -> None:
    """What was sent before could swallow this one."""
    asked = replace(request("GET /v2/foo/tags/list"), is_alone=False)
    assert said(asked) is Withheld.UNCLEAR_CONNECTION


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        *((request(line), True) for line in GENUINE),
        (request("GET /v2/foo/tags/list", ("X-A", "b\u00e9\tc")), True),
        (request("POST /x", ("Content-Length", "3"), has_body=True), True),
        (request("GET /x", ("X-A", "b\rc")), False),
        (request("GET /x y"), False),
        (request("GET /x", ("X A", "b")), False),
        (request("GET /x", ("Content-Length", "3"), has_body=True), False),
        (request("POST /x", ("Content-Length", "3"), ("Transfer-Encoding", "chunked"), has_body=True), False),
        (request("GET\r\nX /x"), False),
        (replace(request("GET /x"), other_names=("r.test\r\nX: y",)), False),
    ],
)
def test_end_of_a_request(asked: ClientRequest, expected: bool) -> None:
    """Known or not known to every server."""
    assert is_delimited(asked) == expected


@given(
    method=st.sampled_from(("GET", "PUT", "POST", "DELETE")),
    path=st.text().map("/v2/".__add__)
    | st.from_regex(r"/v2/[a-z%./]{0,20}(?:tags/list|manifests/[a-z%.]{1,5})\?.{0,9}"),
    field=st.tuples(st.text(max_size=6), st.text(max_size=6)),
)
def test_what_is_understood_is_plain(method: str, path: str, field: tuple[str, str]) -> None:
    """Whatever is sent: nothing that is understood has a second reading in its path or its fields."""
    asked = request(f"{method} {path}", field)
    if said(asked) is None:
        bare = path.partition("?")[0]
        assert path.isascii() and path.isprintable() and "//" not in bare and "\\" not in path and "#" not in path
        assert all(part not in (".", "..") for part in bare.split("/"))
        assert field[0].isascii() and "_" not in field[0] and field[1].isascii()
        assert is_delimited(asked)
