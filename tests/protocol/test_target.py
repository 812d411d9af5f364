"""What a request is about, and what origin a URL has."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regauth_core.model import Endpoint, Origin, Safe, Target
from regauth_core.protocol import target

DIGEST = "sha256:" + "0a" * 32
OTHER = "sha256:" + "f1" * 32
PATHS = st.lists(
    st.sampled_from(
        ["v2", "v1", "manifests", "blobs", "uploads", "tags", "list", "referrers", "..", "%2e", "a", DIGEST, ""]
    )
    | st.text(max_size=6)
).map(lambda parts: "/" + "/".join(parts))


def read(method: str, path: str) -> Target:
    return target.read(method, path, name=Safe, text=Safe)


def about(endpoint: Endpoint, repository: str | None = None, reference: str | None = None, **more: object) -> Target:
    """The expected target; whether the reference is a digest is told by its colon."""
    digest = reference is not None and ":" in reference
    proper = bool(more.pop("proper", True))
    safe = {key: None if value is None else Safe(str(value)) for key, value in more.items()}
    return Target(
        endpoint=endpoint,
        repository=None if repository is None else Safe(repository),
        reference=None if reference is None else Safe(reference),
        is_digest=digest,
        proper=proper,
        mount=safe.get("mount"),
        mount_from=safe.get("mount_from"),
        mirror_of=safe.get("mirror_of"),
    )


PING, ELSEWHERE, V2_OTHER = about(Endpoint.PING), about(Endpoint.ELSEWHERE), about(Endpoint.V2_OTHER)


@pytest.mark.parametrize(
    ("request_line", "expected"),
    [
        ("GET /v2/", PING),
        ("GET /v2", PING),
        ("HEAD /v2/?x=1", PING),
        ("GET /v2/_catalog?n=100", about(Endpoint.CATALOG)),
        ("GET /v2/_catalog/", about(Endpoint.CATALOG)),
        ("GET /v2/foo/tags/list", about(Endpoint.TAGS, "foo")),
        ("GET /v2/a/b/c/tags/list?n=1&last=x", about(Endpoint.TAGS, "a/b/c")),
        ("GET /v2/foo/manifests/latest", about(Endpoint.MANIFEST, "foo", "latest")),
        (f"HEAD /v2/a/b/manifests/{DIGEST}", about(Endpoint.MANIFEST, "a/b", DIGEST)),
        (f"GET /v2/foo/blobs/{DIGEST}", about(Endpoint.BLOB, "foo", DIGEST)),
        (f"GET /v2/foo/blobs/{DIGEST.replace(':', '%3A')}", about(Endpoint.BLOB, "foo", DIGEST)),
        ("GET /v2/foo/blobs/sha512:abc", about(Endpoint.BLOB, "foo", "sha512:abc")),
        ("GET /v2/foo/blobs/multihash+base58:QmRZ", about(Endpoint.BLOB, "foo", "multihash+base58:QmRZ")),
        (f"GET /v2/foo/referrers/{DIGEST}?artifactType=x", about(Endpoint.REFERRERS, "foo", DIGEST)),
        ("POST /v2/foo/blobs/uploads/", about(Endpoint.UPLOAD_START, "foo")),
        ("POST /v2/foo/blobs/uploads", about(Endpoint.UPLOAD_START, "foo")),
        ("PATCH /v2/foo/blobs/uploads/5f1c?_state=x", about(Endpoint.UPLOAD, "foo", "5f1c")),
        (f"PUT /v2/foo/blobs/uploads/5f1c?digest={DIGEST}", about(Endpoint.UPLOAD, "foo", "5f1c")),
        ("PUT /v2/foo/blobs/uploads/?_state=x", about(Endpoint.UPLOAD, "foo")),
        ("GET /v2/foo/blobs/uploads/a/b", about(Endpoint.UPLOAD, "foo", "a/b")),
        ("GET /v2/a%2Fb/manifests/x", about(Endpoint.MANIFEST, "a/b", "x")),
        ("GET /v2/Foo/manifests/x", about(Endpoint.MANIFEST, "Foo", "x")),
        ("GET /v2/a//b/manifests/x", about(Endpoint.MANIFEST, "a//b", "x")),
        ("GET /v2/foo/manifests/x?ns=docker.io", about(Endpoint.MANIFEST, "foo", "x", mirror_of="docker.io")),
        ("GET /v2/?ns=docker.io", about(Endpoint.PING, mirror_of="docker.io")),
        ("GET /v2/token?scope=repository:foo:pull", V2_OTHER),
        ("GET /v2/auth", V2_OTHER),
        ("GET /v2/foo/_oci/x", V2_OTHER),
        ("GET /v2/manifests/latest", V2_OTHER),
        ("GET /v2/tags/list", V2_OTHER),
        ("GET /v2/foo/manifests", V2_OTHER),
        ("GET /v2/foo/blobs", V2_OTHER),
        ("GET /v2/foo/tags", V2_OTHER),
        ("GET /v2//", V2_OTHER),
        ("GET /v1/_ping", about(Endpoint.V1)),
        ("GET /v1/repositories/foo/images?ns=x", about(Endpoint.V1)),
        ("GET /v1", about(Endpoint.V1)),
        ("GET /", ELSEWHERE),
        ("GET /token?service=x&ns=docker.io", ELSEWHERE),
        ("GET /v20/foo/manifests/x", ELSEWHERE),
        ("GET /V2/", ELSEWHERE),
        ("OPTIONS *", ELSEWHERE),
        ("CONNECT reg.test:443", ELSEWHERE),
    ],
)
def test_paths(request_line: str, expected: Target) -> None:
    """Method and path tell the endpoint, the repository and the reference."""
    method, path = request_line.split(" ", 1)
    assert expected == read(method, path)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v2/manifests/manifests/manifests", about(Endpoint.MANIFEST, "manifests", "manifests")),
        ("/v2/foo/manifests/manifests", about(Endpoint.MANIFEST, "foo", "manifests")),
        ("/v2/foo/manifests/blobs", about(Endpoint.MANIFEST, "foo", "blobs")),
        ("/v2/foo/manifests/tags/list", about(Endpoint.TAGS, "foo/manifests")),
        ("/v2/a/blobs/manifests/x", about(Endpoint.MANIFEST, "a/blobs", "x")),
        ("/v2/a/blobs/uploads/manifests/x", about(Endpoint.MANIFEST, "a/blobs/uploads", "x")),
        (f"/v2/a/manifests/b/blobs/{DIGEST}", about(Endpoint.BLOB, "a/manifests/b", DIGEST)),
        ("/v2/tags/list/tags/list", about(Endpoint.TAGS, "tags/list")),
        (f"/v2/a/referrers/referrers/{DIGEST}", about(Endpoint.REFERRERS, "a/referrers", DIGEST)),
        ("/v2/a/v2/b/manifests/x", about(Endpoint.MANIFEST, "a/v2/b", "x")),
        ("/v2/uploads/manifests/x", about(Endpoint.MANIFEST, "uploads", "x")),
        ("/v2/_catalog/manifests/x", about(Endpoint.MANIFEST, "_catalog", "x")),
    ],
)
def test_repositories_may_be_called_like_the_words_of_the_path(path: str, expected: Target) -> None:
    """The last word that can be one of the protocol's is the one."""
    assert expected == read("GET", path)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v2/a/blobs/../../b/manifests/y", about(Endpoint.BLOB, "a", "../../b/manifests/y", proper=False)),
        ("/v2/a/blobs/%2e%2E/%2e./b/manifests/y", about(Endpoint.BLOB, "a", "../../b/manifests/y", proper=False)),
        ("/v2/a/blobs/..%2f..%2fb", about(Endpoint.BLOB, "a", "../../b", proper=False)),
        ("/v2/a/blobs/..", about(Endpoint.BLOB, "a", "..", proper=False)),
        ("/v2/a/blobs/./x", about(Endpoint.BLOB, "a", "./x", proper=False)),
        ("/v2/a/blobs/x/../b/tags/list", about(Endpoint.BLOB, "a", "x/../b/tags/list", proper=False)),
        ("/v2/a/blobs/latest", about(Endpoint.BLOB, "a", "latest", proper=False)),
        ("/v2/a/blobs/", about(Endpoint.BLOB, "a", proper=False)),
        ("/v2/a/manifests/", about(Endpoint.MANIFEST, "a")),
        ("/v2//manifests/x", about(Endpoint.MANIFEST, None, "x")),
        ("/v2/a/manifests/../../b/manifests/y", about(Endpoint.MANIFEST, "a", "../../b/manifests/y")),
        ("/v2/../a/manifests/y", V2_OTHER),
    ],
)
def test_what_is_wrong_with_a_path_stays_visible(path: str, expected: Target) -> None:
    """Dot segments and empty parts are told as they are, and never resolved to the place where they lead."""
    assert expected == read("GET", path)


@pytest.mark.parametrize(
    "text", ["sha256:", "sha256", ":abc", "SHA256:abc", f"{DIGEST}/x", "sha256:a b", "a:b:c", "sha256:é"]
)
def test_no_digest_no_proper_blob(text: str) -> None:
    """A blob's reference has to keep the grammar of digests."""
    read_back = read("GET", f"/v2/a/blobs/{text}")
    assert (read_back.is_digest, read_back.proper) == (False, False)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/artifactory/api/docker/local/v2/foo/manifests/x", about(Endpoint.MANIFEST, "foo", "x")),
        (f"/p/v2/a/b/blobs/{DIGEST}", about(Endpoint.BLOB, "a/b", DIGEST)),
        ("/p/v2/foo/tags/list", about(Endpoint.TAGS, "foo")),
        ("/p/v2/foo/blobs/uploads/", about(Endpoint.UPLOAD, "foo")),
        (f"/p/v2/foo/referrers/{DIGEST}", about(Endpoint.REFERRERS, "foo", DIGEST)),
        ("/p/v2/", ELSEWHERE),
        ("/p/v2/_catalog", ELSEWHERE),
        ("/p/v2/token", ELSEWHERE),
        ("/p/v2/foo/blobs/latest", ELSEWHERE),
        (f"/docker/registry/v2/blobs/sha256/0a/{DIGEST[7:]}/data", ELSEWHERE),
        ("/p/v1/foo", ELSEWHERE),
    ],
)
def test_behind_a_prefix_only_the_shape_of_a_registry_counts(path: str, expected: Target) -> None:
    """Registries may live below a path, and so do blob stores and interfaces that are no registries."""
    assert expected == read("GET", path)


@pytest.mark.parametrize(
    ("request_line", "mount", "source"),
    [
        (f"POST /v2/a/blobs/uploads/?mount={DIGEST}&from=b/c", DIGEST, "b/c"),
        (f"POST /v2/a/blobs/uploads/?from=b%2Fc&mount={DIGEST.replace(':', '%3a')}", DIGEST, "b/c"),
        (f"POST /v2/a/blobs/uploads/?mount={DIGEST}", DIGEST, None),
        (f"POST /v2/a/blobs/uploads?mount={DIGEST}&from=b&origin=x&from=c&mount={OTHER}", DIGEST, "b"),
        ("POST /v2/a/blobs/uploads/?mount=&from=", None, None),
        (f"GET /v2/a/blobs/{DIGEST}?mount={DIGEST}&from=b", None, None),
        ("POST /v2/a/blobs/uploads/?amount=x&mount2=y&&=&from", None, None),
    ],
)
def test_mounts(request_line: str, mount: str | None, source: str | None) -> None:
    """Digest and source of a mount come from the query of the upload's start, the first of several."""
    method, path = request_line.split(" ", 1)
    found = read(method, path)
    assert (mount, source) == (found.mount, found.mount_from)


def test_each_part_goes_through_its_own_maker() -> None:
    """Repository names are made safe by one function, references, digests and mirror names by the other."""

    def read_with_marks(method: str, path: str) -> Target:
        return target.read(method, path, name=lambda text: Safe(f"<{text}>"), text=lambda text: Safe(f"[{text}]"))

    assert about(Endpoint.MANIFEST, "<a>", "[x]", mirror_of="[m]") == read_with_marks("GET", "/v2/a/manifests/x?ns=m")
    mount = read_with_marks("POST", "/v2/a/blobs/uploads/?mount=d&from=b")
    assert (mount.mount, mount.mount_from) == ("[d]", "<b>")


def test_sizes_are_bounded() -> None:
    """However long the path and its values, no more than the beginning is read."""
    found = read("POST", f"/v2/{'a' * 5000}/blobs/uploads/?from={'b' * 5000}&mount={'c' * 50_000}")
    kept = [found.repository, found.mount_from, found.mount]
    assert [len(value or "") for value in kept[:2]] == [5000, 5000]
    assert len(found.mount or "") < target.MAX_URL
    assert read("GET", "/v2/" + "a/" * 100_000) is not None
    assert read("GET", "/v2/a/manifests/x?" + "&" * 1_000 + "ns=b").mirror_of is None


@given(st.sampled_from(["GET", "POST", "PUT", "get", ""]), PATHS | st.text(), st.text())
def test_any_path_has_a_target(method: str, path: str, query: str) -> None:
    """Nothing raises; what has a reference has a repository or none was written; digests are proper."""
    found = read(method, f"{path}?{query}")
    assert found.proper or found.endpoint is Endpoint.BLOB
    assert found.proper or not found.is_digest


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("https://auth.test/token?a=b", "https://auth.test/token?a=b"),
        ("HTTPS://Auth.Test/x", "HTTPS://Auth.Test/x"),
        ("//cdn.test/x", "https://cdn.test/x"),
        ("/token", "https://reg.test:5000/token"),
        ("token", "https://reg.test:5000/v2/a/b/token"),
        ("../t/./u?x=1#f", "https://reg.test:5000/v2/a/t/u?x=1#f"),
        ("/../../t", "https://reg.test:5000/t"),
        ("?n=2", "https://reg.test:5000/v2/a/b/c?n=2"),
        ("https://s3.test/a b?c=d e", "https://s3.test/a%20b?c=d%20e"),
        ("mailto:root@reg.test", "mailto:root@reg.test"),
        ("auth.test:443/token", "auth.test:443/token"),
        ("", None),
        ("Registry Realm", None),
        ("/to\nken", None),
        ("https:token", None),
        ("https:/token", None),
        ("//[::1", None),
        ("/" + "x" * target.MAX_URL, None),
    ],
)
def test_references_are_resolved(reference: str, expected: str | None) -> None:
    """Relative references are taken against the request, absolute ones as they are, prose as nothing."""
    got = target.absolute(reference, scheme="https", host="reg.test", port=5000, path="/v2/a/b/c?x=y")
    assert expected == got


def test_the_base_may_be_an_address_or_have_no_path() -> None:
    """IPv6 hosts get their brackets back, default ports are left out, and a missing path is the root."""
    assert target.absolute("x", scheme="http", host="::1", port=80, path="*") == "http://[::1]/x"
    assert target.absolute("v2/", scheme="http", host="reg.test", port=80, path="") == "http://reg.test/v2/"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://Reg.Test/v2/", Origin("https", "reg.test", 443)),
        ("HTTP://reg.test", Origin("http", "reg.test", 80)),
        ("https://reg.test:5000?x", Origin("https", "reg.test", 5000)),
        ("https://reg.test:/x", Origin("https", "reg.test", 443)),
        ("https://reg.test:0443/x", Origin("https", "reg.test", 443)),
        ("https://user:pw@reg.test/x", Origin("https", "reg.test", 443)),
        ("https://reg.test#@other.test", Origin("https", "reg.test", 443)),
        ("https://reg.test?@other.test", Origin("https", "reg.test", 443)),
        ("https://[::1]:5000/", Origin("https", "::1", 5000)),
        ("https://[0:0:0:0:0:0:0:1]/", Origin("https", "::1", 443)),
        ("https://127.0.0.1/", Origin("https", "127.0.0.1", 443)),
        ("https://localhost", Origin("https", "localhost", 443)),
        ("https://bücher.test/", Origin("https", "bücher.test", 443)),
        ("https://", None),
        ("https:///x", None),
        ("https://:443/", None),
        ("https://reg.test:0/", None),
        ("https://reg.test:65536/", None),
        ("https://reg.test:999999/", None),
        ("https://reg.test:port/", None),
        ("https://reg.test:٣/", None),
        ("https://[::1/", None),
        ("https://::1/", None),
        ("https://[::g]/", None),
        ("https://[]/", None),
        ("https://reg.test\\@other.test/", None),
        ("https://reg .test/", None),
        ("https://reg.test\n/", None),
        ("https://a@b@c/", None),
        (" https://reg.test/", None),
        ("https://" + "a" * 256 + "/", None),
        ("https://a/" + "x" * target.MAX_URL, None),
        ("//reg.test/", None),
        ("/v2/", None),
        ("ftp://reg.test/", None),
        ("mailto:a@reg.test", None),
        ("", None),
    ],
)
def test_origins(url: str, expected: Origin | None) -> None:
    """Scheme and host in lower case, the port always a number; nothing for what is broken or no http(s) URL."""
    assert expected == target.origin_of(url)


@given(st.text(), st.text(), st.sampled_from(["https", "http"]))
def test_no_url_raises(reference: str, path: str, scheme: str) -> None:
    """Resolving and taking the origin cope with any text."""
    got = target.absolute(reference, scheme=scheme, host="reg.test", port=5000, path=path)
    assert got is None or got
    target.origin_of(reference)
    target.origin_of(f"https://{reference}")


@given(st.sampled_from(["https", "http"]), st.sampled_from(["reg.test", "::1", "10.0.0.1"]), st.integers(1, 65535))
def test_an_origin_survives_being_written_out(scheme: str, host: str, port: int) -> None:
    """The origin of an origin's own text is that origin."""
    assert Origin(scheme, host, port) == target.origin_of(f"{Origin(scheme, host, port)}/x")
