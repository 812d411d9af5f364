"""The simulated registry: what it answers to whom."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import tarfile
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regauth_core.simulate.image import digest, image
from regauth_core.simulate.registry import ROOM, Answer, Asked, Registry
from regauth_core.simulate.scenario import read

NOW = 1_800_000_000.0
SECRET = b"of the tests"
ALICE = "Basic " + base64.b64encode(b"alice:wonder-land").decode()
MALLORY = "Basic " + base64.b64encode(b"alice:guess").decode()
HEAD = "schema: regauth.scenario/1\nid: x\ntitle: t\nusers: {alice: {password: wonder-land}, bob: {password: b}}\n"
REPOSITORIES = """
  repositories:
  - {name: foo, users: {alice: [pull, push, delete], bob: [pull]}, images: [latest, 1.0]}
  - {name: bar, anonymous: [pull], users: {alice: [push]}, images: [latest]}
"""
BASIC = HEAD + "registry:" + REPOSITORIES
BEARER = BASIC + "token: {required: true}\n"


class Played:
    """A registry of one scenario, asked in words."""

    def __init__(self, text: str, room: int = ROOM) -> None:
        self.registry = Registry(read(text, "<test>"), secret=SECRET, room=room)
        self.now = NOW

    def ask(self, method: str, url: str, auth: str | None = None, body: bytes = b"", **headers: str) -> Answer:
        """The answer to a request; a URL without a host is of registry.test."""
        parts = urlsplit(url if "://" in url else f"https://registry.test{url}")
        sent = [(name.replace("_", "-"), value) for name, value in headers.items()]
        asked = Asked(
            method=method,
            scheme=parts.scheme,
            host=parts.hostname or "",
            port=parts.port or {"https": 443, "http": 80}[parts.scheme],
            path=parts.path + (f"?{parts.query}" if parts.query else ""),
            headers=(*sent, *([("Authorization", auth)] if auth else [])),
            body=body,
        )
        return self.registry.answer(asked, self.now)

    def token(self, scope: str = "", auth: str | None = ALICE, query: str = "") -> dict[str, Any]:
        """The fields of the token server's answer."""
        answer = self.ask("GET", f"https://auth.test/token?service=registry.test&scope={scope}{query}", auth)
        assert answer.status == 200
        fields: dict[str, Any] = json.loads(answer.body)
        return fields

    def bearer(self, scope: str, auth: str | None = ALICE) -> str:
        """An `Authorization` value with a token for `scope`."""
        return f"Bearer {self.token(scope, auth)['token']}"


def header(answer: Answer, name: str) -> str:
    """The only value of a header."""
    (value,) = headers(answer, name)
    return value


def headers(answer: Answer, name: str) -> list[str]:
    """Every value of a header."""
    return [value for key, value in answer.headers if key.lower() == name.lower()]


def code(answer: Answer) -> str:
    """The code of the only error in the body."""
    (error,) = json.loads(answer.body)["errors"]
    return str(error["code"])


def challenge(answer: Answer) -> list[str]:
    """The `WWW-Authenticate` lines."""
    return headers(answer, "www-authenticate")


# The report that started the project.


@pytest.fixture
def first() -> Played:
    """The shipped scenario with the open ping, the closed `foo` and the public `bar`."""
    return Played((Path(__file__).parents[2] / "scenarios/per-repository-basic.yaml").read_text())


@pytest.mark.parametrize("auth", [None, ALICE, MALLORY])
def test_the_ping_is_open_to_everybody(first: Played, auth: str | None) -> None:
    """The ping says nothing about authentication, whoever asks."""
    answer = first.ask("GET", "/v2/", auth)
    assert (answer.status, answer.body, challenge(answer)) == (200, b"{}", [])
    assert header(answer, "Docker-Distribution-Api-Version") == "registry/2.0"


def test_the_private_repository_challenges(first: Played) -> None:
    """`foo` wants Basic, and says what is missing."""
    answer = first.ask("GET", "/v2/foo/tags/list")
    assert (answer.status, challenge(answer), code(answer)) == (401, ['Basic realm="registry"'], "UNAUTHORIZED")
    assert json.loads(answer.body)["errors"][0]["detail"][0]["Action"] == "pull"


def test_the_right_password_opens_and_the_wrong_one_does_not(first: Played) -> None:
    """Only the credential decides."""
    assert json.loads(first.ask("GET", "/v2/foo/tags/list", ALICE).body) == {"name": "foo", "tags": ["1.0", "latest"]}
    assert first.ask("GET", "/v2/foo/tags/list", MALLORY).status == 401
    assert first.ask("GET", "/v2/bar/tags/list").status == 200


# Images.


def test_an_image_can_be_pulled_piece_by_piece(first: Played) -> None:
    """Manifest, configuration and layer fit each other by size and digest, and the layer holds a file."""
    answer = first.ask("GET", "/v2/bar/manifests/latest")
    assert header(answer, "Content-Type") == "application/vnd.docker.distribution.manifest.v2+json"
    assert header(answer, "Docker-Content-Digest") == digest(answer.body)
    manifest = json.loads(answer.body)
    parts = (manifest["config"], manifest["layers"][0])
    config, layer = (first.ask("GET", f"/v2/bar/blobs/{part['digest']}").body for part in parts)
    assert [part["size"] for part in parts] == [len(config), len(layer)]
    tar = gzip.decompress(layer)
    assert json.loads(config)["rootfs"]["diff_ids"] == [digest(tar)]
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        assert archive.getnames() == ["image.txt"]


def test_images_are_the_same_everywhere() -> None:
    """The bytes depend on the name alone: a digest in a document stays true."""
    assert (
        digest(image("bar:latest").manifest)
        == "sha256:68f735f41d8f61c81fc462e88acf410660cf7a9a592bce8ea1a3f64f38db029c"
    )


def test_head_is_get_without_the_body(first: Played) -> None:
    """HEAD has the headers of GET, the length included."""
    for path in ("/v2/", "/v2/bar/manifests/latest", f"/v2/bar/blobs/{digest(image('bar:latest').layer)}"):
        head, get = first.ask("HEAD", path), first.ask("GET", path)
        assert (head.status, head.headers, head.body) == (200, get.headers, b"")
        assert header(get, "Content-Length") == str(len(get.body))


def test_a_manifest_is_found_by_its_digest(first: Played) -> None:
    """Tag and digest lead to the same bytes."""
    by_tag = first.ask("GET", "/v2/bar/manifests/1.0")
    assert first.ask("GET", f"/v2/bar/manifests/{digest(by_tag.body)}").body == by_tag.body


RANGES = {
    "bytes=0-3": (206, slice(0, 4)),
    "bytes=5-": (206, slice(5, None)),
    "bytes=-7": (206, slice(-7, None)),
    "bytes=2-99999999": (206, slice(2, None)),
    "bytes=99999999-": (416, None),
    "bytes=-0": (416, None),
    "bytes=0-1,4-5": (200, slice(None)),
    "bytes=-": (200, slice(None)),
    "lines=1-2": (200, slice(None)),
}


@pytest.mark.parametrize(("value", "expected"), RANGES.items(), ids=RANGES)
def test_parts_of_a_blob(first: Played, value: str, expected: tuple[int, slice | None]) -> None:
    """One range is answered with that part, a range beyond the end with 416, everything else with the whole."""
    layer = image("bar:latest").layer
    answer = first.ask("GET", f"/v2/bar/blobs/{digest(layer)}", Range=value)
    status, part = expected
    assert answer.status == status
    if part:
        assert answer.body == layer[part]
    if status == 206:
        assert header(answer, "Content-Range").endswith(f"/{len(layer)}")


# Listing.


def test_tags_come_in_pages() -> None:
    """Following the links gives every tag once; the scenario's page size is the most that is given."""
    played = Played(
        BASIC.replace("[latest, 1.0]", "[a, b, c, d, e]").replace("registry:\n", "registry:\n  page_size: 2\n")
    )
    seen: list[str] = []
    path = "/v2/foo/tags/list?n=3"
    while path:
        answer = played.ask("GET", path, ALICE)
        seen += json.loads(answer.body)["tags"]
        links = headers(answer, "link")
        path = links[0].partition(">")[0].removeprefix("<") if links else ""
    assert seen == ["a", "b", "c", "d", "e"]
    assert json.loads(played.ask("GET", "/v2/foo/tags/list?n=0", ALICE).body)["tags"] == []
    assert played.ask("GET", "/v2/foo/tags/list?n=x", ALICE).status == 400


CATALOGS = {
    "users": (401, ["bar", "foo"]),
    "anybody": (["bar"], ["bar", "foo"]),
    "nobody": (404, 404),
}


@pytest.mark.parametrize(("policy", "expected"), CATALOGS.items(), ids=CATALOGS)
def test_the_catalogue_shows_what_may_be_pulled(policy: str, expected: tuple[Any, Any]) -> None:
    """Each sees the own repositories, if the scenario lets repositories be listed."""
    played = Played(BASIC.replace("registry:\n", f"registry:\n  catalog: {policy}\n"))
    for auth, outcome in zip((None, ALICE), expected, strict=True):
        answer = played.ask("GET", "/v2/_catalog", auth)
        assert (json.loads(answer.body)["repositories"] if answer.status == 200 else answer.status) == outcome


def test_referrers_are_the_manifests_that_name_the_subject(first: Played) -> None:
    """All of them, or those of the kind that is asked for; none of another repository's."""
    subject = digest(b"")
    body = json.dumps(
        {"artifactType": "text/x", "subject": {"digest": subject}, "annotations": {"of": "it"}, "layers": []}
    ).encode()
    pushed = first.ask("PUT", f"/v2/foo/manifests/{digest(body)}", ALICE, body)
    assert (pushed.status, header(pushed, "oci-subject")) == (201, subject)

    def referrers(path: str) -> tuple[str, list[str], Any]:
        answer = first.ask("GET", path, ALICE)
        listed = json.loads(answer.body)["manifests"]
        return header(answer, "content-type"), headers(answer, "oci-filters-applied"), listed

    media_type = "application/vnd.oci.image.index.v1+json"
    listed = [
        {
            "mediaType": "application/json",
            "digest": digest(body),
            "size": len(body),
            "artifactType": "text/x",
            "annotations": {"of": "it"},
        }
    ]
    path = f"/v2/foo/referrers/{subject}"
    assert referrers(path) == (media_type, [], listed)
    assert referrers(f"{path}?artifactType=text/x") == (media_type, ["artifactType"], listed)
    assert referrers(f"{path}?artifactType=text/y") == (media_type, ["artifactType"], [])
    assert referrers(f"/v2/bar/referrers/{subject}") == (media_type, [], [])


# Pushing.


def test_an_upload_in_chunks(first: Played) -> None:
    """POST, PATCH, PATCH, PUT: the blob is there afterwards."""
    data = b"in three parts"
    where = header(first.ask("POST", "/v2/foo/blobs/uploads/", ALICE), "location")
    first_part = first.ask("PATCH", where, ALICE, data[:4], Content_Range="0-3")
    assert (first_part.status, header(first_part, "range")) == (202, "0-3")
    assert first.ask("PATCH", where, ALICE, data[8:], Content_Range="8-13").status == 416
    assert first.ask("PATCH", where, ALICE, data[4:8], Content_Range="4-7").status == 202
    assert header(first.ask("GET", where, ALICE), "range") == "0-7"
    ended = first.ask("PUT", f"{where}?digest={digest(data)}", ALICE, data[8:])
    assert (ended.status, header(ended, "docker-content-digest")) == (201, digest(data))
    assert first.ask("GET", header(ended, "location"), ALICE).body == data
    assert first.ask("PUT", f"{where}?digest={digest(data)}", ALICE).status == 404


def test_an_upload_in_one_request(first: Played) -> None:
    """POST with the digest and the whole body."""
    data = b"at once"
    assert first.ask("POST", f"/v2/foo/blobs/uploads/?digest={digest(data)}", ALICE, data).status == 201
    assert first.ask("HEAD", f"/v2/foo/blobs/{digest(data)}", ALICE).status == 200
    wrong = first.ask("POST", f"/v2/foo/blobs/uploads/?digest={digest(b'')}", ALICE, data)
    assert (wrong.status, code(wrong)) == (400, "DIGEST_INVALID")


def test_a_longer_digest_is_one_too(first: Played) -> None:
    """A blob may be named by SHA-512."""
    name = f"sha512:{hashlib.sha512(b'x').hexdigest()}"
    assert first.ask("POST", f"/v2/foo/blobs/uploads/?digest={name}", ALICE, b"x").status == 201


def test_an_upload_that_is_cancelled_is_gone(first: Played) -> None:
    """DELETE ends the session."""
    where = header(first.ask("POST", "/v2/foo/blobs/uploads/", ALICE), "location")
    assert [first.ask("DELETE", where, ALICE).status for _ in range(2)] == [204, 404]


def test_a_manifest_needs_what_it_names(first: Played) -> None:
    """A manifest is taken when its blobs are in the repository, and not before."""
    made = image("foo:new")
    refused = first.ask("PUT", "/v2/foo/manifests/new", ALICE, made.manifest)
    assert (refused.status, code(refused)) == (400, "MANIFEST_BLOB_UNKNOWN")
    for blob in (made.config, made.layer):
        first.ask("POST", f"/v2/foo/blobs/uploads/?digest={digest(blob)}", ALICE, blob)
    taken = first.ask("PUT", "/v2/foo/manifests/new", ALICE, made.manifest, Content_Type="application/x")
    assert (taken.status, header(taken, "docker-content-digest")) == (201, digest(made.manifest))
    answer = first.ask("GET", "/v2/foo/manifests/new", ALICE)
    assert (answer.body, header(answer, "content-type")) == (made.manifest, "application/x")
    assert "new" in json.loads(first.ask("GET", "/v2/foo/tags/list", ALICE).body)["tags"]


BAD_MANIFESTS = {
    "no JSON": ("new", b"{", "MANIFEST_INVALID"),
    "too deep": ("new", b"[" * 100_000, "MANIFEST_INVALID"),
    "no descriptor": ("new", b'{"config": 3}', "MANIFEST_INVALID"),
    "another digest": (digest(b""), b"{}", "DIGEST_INVALID"),
    "no tag": ("-new", b"{}", "TAG_INVALID"),
}


@pytest.mark.parametrize(("reference", "body", "expected"), BAD_MANIFESTS.values(), ids=BAD_MANIFESTS)
def test_a_bad_manifest_is_refused(first: Played, reference: str, body: bytes, expected: str) -> None:
    """With the error code that the specification has for it."""
    answer = first.ask("PUT", f"/v2/foo/manifests/{reference}", ALICE, body)
    assert (answer.status, code(answer)) == (400, expected)


def test_pushing_needs_the_right(first: Played) -> None:
    """Reading is open, writing is not: anonymously 401, and with a login that may not 403."""
    assert first.ask("POST", "/v2/bar/blobs/uploads/").status == 401
    assert first.ask("POST", "/v2/bar/blobs/uploads/", ALICE).status == 403


def test_a_mount_saves_the_upload(first: Played) -> None:
    """A blob that the asker may pull elsewhere is there at once; any other begins an ordinary upload."""
    there, missing = digest(image("bar:latest").layer), digest(b"missing")
    mounted = first.ask("POST", f"/v2/foo/blobs/uploads/?mount={there}&from=bar", ALICE)
    assert (mounted.status, header(mounted, "location")) == (201, f"https://registry.test/v2/foo/blobs/{there}")
    assert first.ask("HEAD", f"/v2/foo/blobs/{there}", ALICE).status == 200
    for query in (f"mount={missing}&from=bar", f"mount={there}", f"mount={there}&from=nowhere"):
        assert first.ask("POST", f"/v2/foo/blobs/uploads/?{query}", ALICE).status == 202


def test_a_mount_needs_the_right_to_the_source() -> None:
    """What the asker may not pull is not handed over; the upload just begins."""
    played = Played(BASIC + "  - {name: secret, users: {bob: [pull]}, images: [latest]}\n")
    path = f"/v2/foo/blobs/uploads/?mount={digest(image('secret:latest').layer)}&from=secret"
    assert played.ask("POST", path, ALICE).status == 202


def test_what_is_deleted_is_gone() -> None:
    """Tags, manifests and blobs, for somebody with that right."""
    played = Played(BASIC)
    name = digest(image("foo:latest").manifest)
    for path in ("manifests/1.0", f"manifests/{name}", f"blobs/{digest(image('foo:latest').layer)}"):
        assert played.ask("DELETE", f"/v2/foo/{path}", "Basic " + base64.b64encode(b"bob:b").decode()).status == 403
        assert [played.ask("DELETE", f"/v2/foo/{path}", ALICE).status for _ in range(2)] == [202, 404]
    assert json.loads(played.ask("GET", "/v2/foo/tags/list", ALICE).body)["tags"] == []


def test_there_is_a_bound_to_what_is_kept(first: Played) -> None:
    """Beyond 64 MiB a push is refused with a reason, and a cancelled upload gives its room back."""
    where = header(first.ask("POST", "/v2/foo/blobs/uploads/", ALICE), "location")
    part = bytes(ROOM // 4)
    statuses = [first.ask("PATCH", where, ALICE, part).status for _ in range(4)]
    assert statuses == [202, 202, 202, 413]
    full = first.ask("PATCH", where, ALICE, part)
    assert code(full) == "SIZE_INVALID"
    first.ask("DELETE", where, ALICE)
    again = header(first.ask("POST", "/v2/foo/blobs/uploads/", ALICE), "location")
    assert first.ask("PATCH", again, ALICE, part).status == 202


def test_small_things_count_too() -> None:
    """A thousand empty uploads are refused as well."""
    played = Played(BASIC, room=2048)
    assert [played.ask("POST", "/v2/foo/blobs/uploads/", ALICE).status for _ in range(5)] == [202] * 4 + [413]
    path = f"/v2/foo/blobs/uploads/?digest={digest(b'')}"
    assert played.ask("POST", path, ALICE).status == 413


UPLOADS = {
    "{}": "https://registry.test:5000/v2/foo/",
    "{location: relative}": "/v2/foo/",
    "{scheme: http}": "http://registry.test:5000/v2/foo/",
    "{host: uploads.test}": "https://uploads.test:5000/v2/foo/",
    "{host: 'registry.test:8443'}": "https://registry.test:8443/v2/foo/",
}


@pytest.mark.parametrize(("policy", "start"), UPLOADS.items(), ids=UPLOADS)
def test_where_an_upload_goes(policy: str, start: str) -> None:
    """The `Location` leads where the scenario wants: elsewhere, to another port, without TLS."""
    played = Played(BASIC.replace("registry:\n", f"registry:\n  uploads: {policy}\n"))
    where = header(played.ask("POST", "https://registry.test:5000/v2/foo/blobs/uploads/", ALICE), "location")
    assert where.startswith(start)
    assert played.ask("PATCH", where, ALICE, b"x").status == 202


# Blobs elsewhere.


def test_a_blob_elsewhere_needs_the_signature_and_nothing_else() -> None:
    """The redirect's URL opens the blob until it ends; a password there is refused."""
    played = Played(BASIC.replace("registry:\n", "registry:\n  blobs: {mode: redirect, authorization: refused}\n"))
    layer = image("bar:latest").layer
    sent_on = played.ask("GET", f"/v2/bar/blobs/{digest(layer)}")
    where = header(sent_on, "location")
    assert (sent_on.status, where.partition("?")[0]) == (307, f"https://blobs.test/blobs/{digest(layer)}")
    assert played.ask("GET", where).body == layer
    assert played.ask("GET", where, ALICE).status == 400
    assert played.ask("GET", where.replace("Signature=", "Signature=0")).status == 403
    played.now += 3600
    assert played.ask("GET", where).status == 403


def test_at_one_address_a_password_may_stay() -> None:
    """Asked as localhost, registry and blob host are one origin, where a client rightly keeps its header."""
    played = Played(BASIC.replace("registry:\n", "registry:\n  blobs: {mode: redirect, authorization: refused}\n"))
    layer = image("bar:latest").layer
    where = header(played.ask("GET", f"http://localhost:5000/v2/bar/blobs/{digest(layer)}"), "location")
    assert where.startswith("http://localhost:5000/blobs/")
    assert played.ask("GET", where, ALICE).body == layer


# Tokens.


def test_a_token_opens_what_its_scope_says() -> None:
    """Challenge, exchange, retry: the protocol, end to end."""
    played = Played(BEARER)
    refused = played.ask("GET", "/v2/foo/manifests/latest")
    expected = 'Bearer realm="https://auth.test/token",service="registry.test",scope="repository:foo:pull"'
    assert (refused.status, challenge(refused)) == (401, [expected])
    assert played.ask("GET", "/v2/foo/manifests/latest", played.bearer("repository:foo:pull")).status == 200


def test_the_token_is_a_real_one() -> None:
    """Three parts, with the claims of the token specification."""
    fields = Played(BEARER).token("repository:foo:pull,push")
    claims = jwt.decode(fields["token"], options={"verify_signature": False})
    assert {name: claims[name] for name in ("iss", "aud", "sub", "iat", "nbf", "exp", "access")} == {
        "iss": "auth.test",
        "aud": "registry.test",
        "sub": "alice",
        "iat": NOW,
        "nbf": NOW,
        "exp": NOW + 300,
        "access": [{"type": "repository", "name": "foo", "actions": ["pull", "push"]}],
    }
    assert (fields["expires_in"], fields["issued_at"]) == (300, "2027-01-15T08:00:00Z")


REFUSED_TOKENS = {
    "another repository": ("repository:bar:pull", "insufficient_scope"),
    "another action": ("repository:foo:push", "insufficient_scope"),
    "nothing": ("", "insufficient_scope"),
    "an unknown repository": ("repository:nope:pull", "insufficient_scope"),
}


@pytest.mark.parametrize(("scope", "error"), REFUSED_TOKENS.values(), ids=REFUSED_TOKENS)
def test_a_token_for_something_else_is_refused(scope: str, error: str) -> None:
    """The challenge says that the scope was too small."""
    played = Played(BEARER)
    answer = played.ask("GET", "/v2/foo/tags/list", played.bearer(scope))
    assert answer.status == 401
    assert challenge(answer)[0].endswith(f',error="{error}"')


def test_a_forged_or_ended_token_is_invalid() -> None:
    """Another signature, another audience, or too late: `invalid_token`."""
    played = Played(BEARER)
    good = played.bearer("repository:foo:pull")
    other = json.loads(played.ask("GET", "https://auth.test/token?service=other&scope=repository:foo:pull", ALICE).body)
    for token in (good[:-2], "Bearer x", "Bearer ", f"Bearer {other['token']}"):
        assert challenge(played.ask("GET", "/v2/foo/tags/list", token))[0].endswith('error="invalid_token"')
    played.now += 299
    assert played.ask("GET", "/v2/foo/tags/list", good).status == 200
    played.now += 1
    assert challenge(played.ask("GET", "/v2/foo/tags/list", good))[0].endswith('error="invalid_token"')


def test_nobody_gets_a_token_for_what_is_public() -> None:
    """An anonymous token opens `bar` and not `foo`; without one even `bar` is closed where tokens are required."""
    played = Played(BEARER)
    assert played.ask("GET", "/v2/bar/tags/list").status == 401
    assert played.ask("GET", "/v2/bar/tags/list", played.bearer("repository:bar:pull", None)).status == 200
    assert played.ask("GET", "/v2/foo/tags/list", played.bearer("repository:foo:pull", None)).status == 401
    assert Played(BASIC + "token: {}\n").ask("GET", "/v2/bar/tags/list").status == 200


def test_the_catalogue_needs_its_own_scope() -> None:
    """`registry:catalog:*`, for a user."""
    played = Played(BEARER)
    assert 'scope="registry:catalog:*"' in challenge(played.ask("GET", "/v2/_catalog"))[0]
    answer = played.ask("GET", "/v2/_catalog", played.bearer("registry:catalog:*"))
    assert json.loads(answer.body)["repositories"] == ["bar", "foo"]


def test_a_mount_needs_both_repositories_in_the_token() -> None:
    """The challenge names both, and a token for one of them is not enough."""
    played = Played(BEARER)
    path = f"/v2/foo/blobs/uploads/?mount={digest(image('bar:latest').layer)}&from=bar"
    answer = played.ask("POST", path, played.bearer("repository:foo:pull,push"))
    assert 'scope="repository:foo:pull,push repository:bar:pull"' in challenge(answer)[0]
    assert played.ask("POST", path, played.bearer("repository:foo:pull,push repository:bar:pull")).status == 201


def form(text: str) -> Answer:
    """The token server's answer to a form."""
    return Played(BEARER).ask("POST", "https://auth.test/token", None, text.encode())


def test_a_password_in_a_form() -> None:
    """POST with the password grant gives a token, and a refresh token where one is asked for."""
    text = "grant_type=password&username=alice&password=wonder-land&service=registry.test&scope=repository:foo:pull"
    fields = json.loads(form(text).body)
    assert ("refresh_token" in fields, fields["scope"]) == (False, "repository:foo:pull")
    again = json.loads(form(text + "&access_type=offline").body)["refresh_token"]
    renewed = form(f"grant_type=refresh_token&refresh_token={again}&service=registry.test&scope=repository:foo:pull")
    played = Played(BEARER)
    assert played.ask("GET", "/v2/foo/tags/list", f"Bearer {json.loads(renewed.body)['access_token']}").status == 200


FORMS = {
    "a wrong password": ("grant_type=password&username=alice&password=x", 401),
    "an unknown user": ("grant_type=password&username=eve&password=x", 401),
    "an unknown refresh token": ("grant_type=refresh_token&refresh_token=x", 401),
    "half a refresh token": ("grant_type=refresh_token&refresh_token=YWxpY2U", 401),
    "another grant": ("grant_type=client_credentials", 400),
    "nothing": ("", 400),
    "no text": ("\udcff", 400),
}


@pytest.mark.parametrize(("text", "status"), FORMS.values(), ids=FORMS)
def test_a_form_that_identifies_nobody_is_refused(text: str, status: int) -> None:
    """401 for a credential that is not right, 400 for what is no grant."""
    played = Played(BEARER)
    answer = played.ask("POST", "https://auth.test/token", None, text.encode("utf-8", "surrogateescape"))
    assert answer.status == status


def test_an_identity_token_is_a_refresh_token() -> None:
    """A user may have one from the start."""
    played = Played(BEARER.replace("alice: {password", "alice: {identity_token: idt, password"))
    answer = played.ask("POST", "https://auth.test/token", None, b"grant_type=refresh_token&refresh_token=idt")
    assert answer.status == 200


TOKEN_POLICIES: dict[str, tuple[str, Any]] = {
    "only token": ("field: token", lambda fields: {"token", "access_token"} & set(fields) == {"token"}),
    "only access_token": (
        "field: access_token",
        lambda fields: {"token", "access_token"} & set(fields) == {"access_token"},
    ),
    "neither": ("field: neither", lambda fields: not {"token", "access_token"} & set(fields)),
    "both different": ("field: both-different", lambda fields: fields["token"] != fields["access_token"]),
    "no expiry": ("expires_in: absent", lambda fields: "expires_in" not in fields),
    "expiry as text": ("expires_in: '60'", lambda fields: fields["expires_in"] == "60"),
    "expiry of zero": ("expires_in: 0", lambda fields: fields["expires_in"] == 0),
    "negative expiry": ("expires_in: -1", lambda fields: fields["expires_in"] == -1),
    "no time": ("issued_at: false", lambda fields: "issued_at" not in fields),
    "a fast clock": ("clock_ahead: 3600", lambda fields: fields["issued_at"] == "2027-01-15T09:00:00Z"),
    "an opaque one": ("kind: opaque", lambda fields: "." not in fields["token"]),
}


@pytest.mark.parametrize(("policy", "holds"), TOKEN_POLICIES.values(), ids=TOKEN_POLICIES)
def test_the_token_answer_is_as_the_scenario_wants(policy: str, holds: Any) -> None:
    """Every oddity of a token answer can be played."""
    fields = Played(BASIC + f"token: {{{policy}}}\n").token("repository:foo:pull")
    assert holds(fields)


def test_opaque_tokens_work() -> None:
    """The registry knows what it does not show."""
    played = Played(BASIC + "token: {kind: opaque}\n")
    assert played.ask("GET", "/v2/foo/tags/list", played.bearer("repository:foo:pull")).status == 200
    assert played.ask("GET", "/v2/foo/tags/list", "Bearer x").status == 401


def test_a_token_of_a_fast_clock_is_not_yet_valid() -> None:
    """The registry's own clock decides."""
    played = Played(BASIC + "token: {clock_ahead: 10}\n")
    token = played.bearer("repository:foo:pull")
    assert played.ask("GET", "/v2/foo/tags/list", token).status == 401
    played.now += 10
    assert played.ask("GET", "/v2/foo/tags/list", token).status == 200


def test_a_token_can_be_used_up() -> None:
    """After its uses it counts as ended, so that "ends in the middle of a pull" needs no clock."""
    played = Played(BASIC + "token: {uses: 2}\n")
    token = played.bearer("repository:foo:pull")
    assert [played.ask("GET", "/v2/foo/tags/list", token).status for _ in range(3)] == [200, 200, 401]


GRANTS = {
    "anonymous": (None, None),
    "basic": (ALICE, None),
    "password": (None, b"grant_type=password&username=alice&password=wonder-land"),
    "refresh_token": (None, b"grant_type=refresh_token&refresh_token=idt"),
}


@pytest.mark.parametrize("grant", GRANTS)
@pytest.mark.parametrize("status", [400, 401, 404, 405])
def test_a_way_to_ask_can_be_closed(grant: str, status: int) -> None:
    """Each grant can be answered with a status, and the others go on."""
    head = BASIC.replace("alice: {password", "alice: {identity_token: idt, password")
    played = Played(head + f"token: {{grants: {{{grant}: {status}}}}}\n")
    for name, (auth, body) in GRANTS.items():
        answer = played.ask("GET" if body is None else "POST", "https://auth.test/token", auth, body or b"")
        assert answer.status == (status if name == grant else 200)


def test_less_may_be_granted_than_was_asked() -> None:
    """By default a token with less; with a status, no token at all."""
    assert Played(BEARER).token("repository:bar:pull,push", None)["token"]
    answer = Played(BASIC + "token: {narrow: 403}\n").ask(
        "GET", "https://auth.test/token?scope=repository:bar:pull,push"
    )
    assert (answer.status, code(answer)) == (403, "DENIED")


def test_a_wrong_password_may_count_as_none() -> None:
    """Some token servers give a token of nobody."""
    played = Played(BASIC + "token: {wrong_password: anonymous}\n")
    claims = jwt.decode(played.token("repository:foo:pull", MALLORY)["token"], options={"verify_signature": False})
    assert (claims["sub"], claims["access"]) == ("", [])
    assert Played(BEARER).ask("GET", "https://auth.test/token", MALLORY).status == 401


def test_a_name_may_hold_a_colon_and_a_star_is_all() -> None:
    """A scope's name ends at the last colon, and `*` asks for every right."""
    played = Played(BEARER)
    claims = jwt.decode(played.token("repository:foo:*")["token"], options={"verify_signature": False})
    assert claims["access"][0]["actions"] == ["pull", "push", "delete"]
    assert played.token("repository:host:5000/foo:pull")["token"]


# Challenges.

CHALLENGES: dict[str, tuple[str, list[str]]] = {
    "none": ("{items: []}", []),
    "two lines": (
        "{items: [{scheme: Bearer, parameters: {realm: '{realm}'}}, {scheme: Basic}]}",
        ['Bearer realm="https://auth.test/token"', 'Basic realm="registry"'],
    ),
    "one line": (
        "{layout: joined, items: [{scheme: Negotiate}, {scheme: Bearer}]}",
        ['Negotiate, Bearer realm="https://auth.test/token",service="registry.test",scope="repository:foo:pull"'],
    ),
    "no realm": ("{items: [{scheme: Basic, parameters: {}}]}", ["Basic"]),
    "quotes": ("{items: [{scheme: Basic, parameters: {realm: 'a\"b\\c'}}]}", ['Basic realm="a\\"b\\\\c"']),
    "capitals": ("{items: [{scheme: BASIC, parameters: {REALM: x}}]}", ['BASIC REALM="x"']),
    "an empty scope": ("{items: [{scheme: Bearer, parameters: {scope: ''}}]}", ['Bearer scope=""']),
    "another scope": (
        "{items: [{scheme: Bearer, parameters: {scope: 'repository:{repository}:{actions},push'}}]}",
        ['Bearer scope="repository:foo:pull,push"'],
    ),
    "raw": (
        "{raw: ['bearer realm={realm} , , Basic realm=\"', '127.0.0.1', '{']}",
        ['bearer realm=https://auth.test/token , , Basic realm="', "127.0.0.1", "{"],
    ),
    "letters of the world": ("{raw: ['Basic realm=\"Prüfung\"']}", ['Basic realm="Prüfung"']),
    "not on 401": ("{statuses: [403]}", []),
}


@pytest.mark.parametrize(("policy", "lines"), CHALLENGES.values(), ids=CHALLENGES)
@pytest.mark.parametrize("place", ["registry", "repository"])
def test_the_challenge_is_written_as_the_scenario_wants(policy: str, lines: list[str], place: str) -> None:
    """Any number of lines and any shape, for the registry or one repository."""
    text = BEARER
    if place == "registry":
        text = text.replace("registry:\n", f"registry:\n  challenge: {policy}\n")
    else:
        text = text.replace("{name: foo, ", f"{{name: foo, challenge: {policy}, ")
    assert challenge(Played(text).ask("GET", "/v2/foo/tags/list")) == lines


def test_the_error_can_be_left_out() -> None:
    """Some registries refuse a token without a word."""
    played = Played(BEARER.replace("registry:\n", "registry:\n  challenge: {error: false}\n"))
    assert "error" not in challenge(played.ask("GET", "/v2/foo/tags/list", "Bearer x"))[0]


PINGS = {
    "ordinary": ("{}", (401, 401, 200)),
    "open": ("{anonymous: 200, invalid: 200}", (200, 200, 200)),
    "missing": ("{anonymous: 404, invalid: 403, valid: 404}", (404, 403, 404)),
}


@pytest.mark.parametrize(("policy", "statuses"), PINGS.values(), ids=PINGS)
def test_the_ping_answers_by_who_asks(policy: str, statuses: tuple[int, int, int]) -> None:
    """Nobody, somebody with a wrong password, somebody known."""
    played = Played(BASIC.replace("registry:\n", f"registry:\n  ping: {policy}\n"))
    assert tuple(played.ask("GET", "/v2/", auth).status for auth in (None, MALLORY, ALICE)) == statuses


def test_an_open_ping_can_offer_a_challenge() -> None:
    """A 200 with `WWW-Authenticate`, as zot sends it."""
    ping = "{anonymous: 200, challenge: {statuses: [200], raw: ['Basic realm=zot']}}"
    played = Played(BASIC.replace("registry:\n", f"registry:\n  ping: {ping}\n"))
    answer = played.ask("GET", "/v2/")
    assert (answer.status, challenge(answer)) == (200, ["Basic realm=zot"])


def test_a_bearer_ping_names_no_scope() -> None:
    """There is nothing that the ping needs a scope for."""
    assert challenge(Played(BEARER).ask("GET", "/v2/")) == [
        'Bearer realm="https://auth.test/token",service="registry.test"'
    ]


DENIALS: dict[str, tuple[str, str, str | None, int]] = {
    "anonymous": ("{anonymous: 403}", "/v2/foo/tags/list", None, 403),
    "invalid": ("{invalid: 400}", "/v2/foo/tags/list", MALLORY, 400),
    "invalid on a public one": ("{}", "/v2/bar/tags/list", MALLORY, 401),
    "invalid ignored": ("{invalid: ignored}", "/v2/bar/tags/list", MALLORY, 200),
    "invalid ignored, private": ("{invalid: ignored, anonymous: 404}", "/v2/foo/tags/list", MALLORY, 404),
    "unknown": ("{}", "/v2/nope/tags/list", None, 404),
    "unknown hidden": ("{hide_unknown: true}", "/v2/nope/tags/list", None, 401),
    "unknown hidden from a user": ("{hide_unknown: true}", "/v2/nope/tags/list", ALICE, 403),
    "another scheme": ("{}", "/v2/foo/tags/list", "Negotiate x", 401),
    "no base64": ("{}", "/v2/foo/tags/list", "Basic \udcff", 401),
    "empty": ("{}", "/v2/foo/tags/list", "Basic Og==", 401),
}


@pytest.mark.parametrize(("policy", "path", "auth", "status"), DENIALS.values(), ids=DENIALS)
def test_a_refusal_is_as_the_scenario_wants(policy: str, path: str, auth: str | None, status: int) -> None:
    """By what the request identified itself with, and whether there is such a repository."""
    played = Played(BASIC.replace("registry:\n", f"registry:\n  deny: {policy}\n"))
    assert played.ask("GET", path, auth).status == status


def test_methods_can_differ() -> None:
    """HEAD for everybody, DELETE for nobody, the rest by the rights."""
    played = Played(BASIC.replace("registry:\n", "registry:\n  methods: {HEAD: open, DELETE: 405}\n"))
    path = "/v2/foo/manifests/latest"
    assert [played.ask(method, path).status for method in ("HEAD", "GET", "DELETE")] == [200, 401, 405]
    assert played.ask("DELETE", path, ALICE).status == 405


def test_both_schemes_can_be_accepted() -> None:
    """Where Basic is offered beside Bearer, a password is as good as a token; else it is not."""
    offered = "registry:\n  challenge: {items: [{scheme: Bearer}, {scheme: Basic}]}\n"
    assert Played(BEARER.replace("registry:\n", offered)).ask("GET", "/v2/foo/tags/list", ALICE).status == 200
    refused = Played(BEARER).ask("GET", "/v2/foo/tags/list", ALICE)
    assert (refused.status, "error" in challenge(refused)[0]) == (401, False)
    only = offered + "  accepts: [bearer]\n"
    assert Played(BEARER.replace("registry:\n", only)).ask("GET", "/v2/foo/tags/list", ALICE).status == 401


def test_two_authorization_headers_are_refused(first: Played) -> None:
    """Which one would count is anybody's guess."""
    assert first.ask("GET", "/v2/bar/tags/list", ALICE, AUTHORIZATION=ALICE).status == 400


# Steps.


def test_steps_come_before_the_usual_answers() -> None:
    """First as usual, then 429 twice, then as usual again; other endpoints are not touched."""
    steps = "[{endpoints: [tags]}, {status: 429, headers: {Retry-After: 1}, body: slow, endpoints: [tags], times: 2}]"
    played = Played(BASIC.replace("registry:\n", f"registry:\n  steps: {steps}\n"))
    answers = [played.ask("GET", "/v2/bar/tags/list") for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 429, 429, 200]
    assert (header(answers[1], "retry-after"), answers[1].body) == ("1", b"slow")
    assert played.ask("GET", "/v2/bar/manifests/latest").status == 200


def test_a_step_may_never_end() -> None:
    """A token server that is a login page."""
    steps = "[{status: 200, headers: {Content-Type: text/html}, body: <html>, always: true}]"
    played = Played(BASIC + f"token: {{steps: {steps}}}\n")
    assert [played.ask("GET", "https://auth.test/token").body for _ in range(3)] == [b"<html>"] * 3


# Places.

REALMS = {
    "as it was asked": ("{}", "https://registry.test", "https://auth.test/token"),
    "without TLS": ("{}", "http://registry.test", "http://auth.test/token"),
    "on the same port": ("{}", "https://registry.test:5000", "https://auth.test:5000/token"),
    "on a port of its own": ("{host: 'auth.test:8443'}", "https://registry.test:5000", "https://auth.test:8443/token"),
    "never with TLS": ("{scheme: http}", "https://registry.test", "http://auth.test/token"),
    "somewhere else": ("{host: 169.254.169.254}", "https://registry.test", "https://169.254.169.254/token"),
    "with more in it": (
        "{realm: '{scheme}://u@{token}/token?x=1'}",
        "https://registry.test",
        "https://u@auth.test/token?x=1",
    ),
    "at the only address": ("{}", "https://localhost:5000", "https://localhost:5000/token"),
    "at a bracketed address": ("{path: /auth}", "http://[::1]:5000", "http://[::1]:5000/auth"),
}


@pytest.mark.parametrize(("policy", "asked", "realm"), REALMS.values(), ids=REALMS)
def test_where_the_realm_leads(policy: str, asked: str, realm: str) -> None:
    """To the token server, as it can be reached from where the registry was asked; and there is one."""
    played = Played(BASIC + f"token: {policy}\n")
    assert f'realm="{realm}"' in challenge(played.ask("GET", f"{asked}/v2/"))[0]
    assert played.ask("GET", realm.replace("u@", "")).status == 200


def test_every_host_below_test_is_served() -> None:
    """And those that the scenario names, in any case, and no other."""
    registry = Played(BASIC + "token: {host: 169.254.169.254}\n").registry
    hosts = ("registry.test", "REGISTRY.TEST.", "other.test", "169.254.169.254", "test", "registry.example", "")
    assert [registry.serves(host) for host in hosts] == [True, True, True, True, False, False, False]


def test_the_token_server_is_nothing_else() -> None:
    """Its host has no registry."""
    assert Played(BEARER).ask("GET", "https://auth.test/v2/").status == 404


PATHS = {
    "/": 404,
    "/v1/_ping": 404,
    "/v2": 200,
    "/v2/bar/nothing": 404,
    "/v2/Bar/tags/list": 400,
    "/v2/bar/manifests/nope": 404,
    "/v2/bar/blobs/sha256:0": 400,
    "/v2/bar/blobs/..%2F..%2Fx": 404,
    f"/v2/bar/blobs/sha256%3A{'0' * 64}": 404,
    f"/v2/{'a/' * 600}tags/list": 404,
}


@pytest.mark.parametrize(("path", "status"), PATHS.items(), ids=lambda value: str(value)[:30])
def test_paths_lead_where_they_should(first: Played, path: str, status: int) -> None:
    """Known operations, and an error for the rest."""
    assert first.ask("GET", path).status == status


def test_a_wrong_method_is_told_the_right_ones(first: Played) -> None:
    """405 with `Allow`."""
    answer = first.ask("POST", "/v2/bar/tags/list")
    assert (answer.status, header(answer, "allow")) == (405, "GET")


def test_the_same_secret_gives_the_same_answers() -> None:
    """Nothing is left to chance."""
    one, other = Played(BEARER), Played(BEARER)
    assert one.token("repository:foo:pull") == other.token("repository:foo:pull")


# Anything.

WORDS = st.sampled_from(
    ["v2", "foo", "bar", "tags", "list", "manifests", "latest", "blobs", "uploads", "referrers", "_catalog", "token"]
    + [digest(b""), "..", "%00", "%ff", ""]
)
QUERIES = st.sampled_from(
    ["n", "last", "digest", "mount", "from", "scope", "service", "grant_type", "Expires", "Signature"]
)
CREDENTIALS = st.sampled_from([ALICE, MALLORY, "Bearer a.b.c", "Bearer", "Basic =", ""]) | st.text(max_size=20)


@st.composite
def anything(draw: st.DrawFn) -> Asked:
    """A request that is almost one."""
    words = draw(st.lists(WORDS | st.text(max_size=5), max_size=6))
    query = draw(st.lists(st.tuples(QUERIES, st.text(max_size=8) | WORDS), max_size=3))
    names = st.sampled_from(["Authorization", "Range", "Content-Range", "Content-Type", "authorization"])
    return Asked(
        method=draw(
            st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) | st.text(max_size=4)
        ),
        scheme=draw(st.sampled_from(["http", "https"])),
        host=draw(
            st.sampled_from(["registry.test", "auth.test", "blobs.test", "localhost", "::1"]) | st.text(max_size=9)
        ),
        port=draw(st.integers(0, 65535)),
        path="/" + "/".join(words) + "?" + "&".join(f"{key}={value}" for key, value in query),
        headers=tuple(draw(st.lists(st.tuples(names, CREDENTIALS), max_size=3))),
        body=draw(st.binary(max_size=60) | st.just(b"grant_type=password&username=alice&password=wonder-land")),
    )


SCENARIOS = [
    BASIC,
    BEARER,
    BASIC.replace(
        "registry:\n", "registry:\n  blobs: {mode: redirect}\n  deny: {invalid: ignored, hide_unknown: true}\n"
    ),
    BASIC + "token: {kind: opaque, uses: 1, narrow: 401, grants: {anonymous: 405}}\n",
]


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(SCENARIOS), st.lists(anything(), min_size=1, max_size=4))
def test_every_request_is_answered(text: str, requests: list[Asked]) -> None:
    """Whatever is asked, there is an answer that can be sent."""
    registry = Registry(read(text, "<test>"), secret=SECRET)
    for asked in requests:
        answer = registry.answer(asked, NOW)
        assert 200 <= answer.status <= 599
        assert not any(mark in value for _, value in answer.headers for mark in "\r\n\0")
        assert answer.body == b"" or asked.method != "HEAD"


# What a scenario that was made of a capture needs.


def test_an_answer_for_one_request_comes_before_everything_else() -> None:
    """By method, URL without the query and credential, in order, at hosts of the scenario and at others."""
    answers = """
answers:
  - {request: 'GET https://registry.test/v2/foo/*/list', credential: none, status: 429, challenge: ['X {repository}']}
  - {request: 'GET https://login.test/*', status: 200, body: hello, always: true}
"""
    played = Played(BASIC + answers)
    first = played.ask("GET", "/v2/foo/tags/list?n=1")
    assert (first.status, dict(first.headers)["WWW-Authenticate"]) == (429, "X foo")
    assert played.ask("GET", "/v2/foo/tags/list").status == 401
    assert played.ask("GET", "https://login.test/a/b?c").body == b"hello"
    assert played.ask("POST", "https://login.test/a").status == 404
    assert played.registry.serves("login.test")


@pytest.mark.parametrize(
    ("pattern", "url", "fits"),
    [
        ("GET https://registry.test/a*b*b", "/axbxb", True),
        ("GET https://registry.test/a*b*b", "/ab", False),
        ("GET https://registry.test/*/x", "/a/b/x", True),
        ("GET https://registry.test/x", "/x/", False),
    ],
)
def test_a_star_stands_for_any_text(pattern: str, url: str, fits: bool) -> None:
    """The rest of the URL has to be as it is written."""
    played = Played(BASIC + f"answers: [{{request: '{pattern}', status: 299}}]\n")
    assert (played.ask("GET", url).status == 299) is fits


def test_a_recorded_answer_can_hold_a_token_that_is_good() -> None:
    """`{issued}` is what the asker may have, `{issued …}` what is written, `{issued -}` nothing."""
    for body, allowed in (("{issued}", True), ("{issued repository:foo:pull}", True), ("{issued -}", False)):
        step = f"answers: [{{request: 'GET https://auth.test/token', status: 200, body: '{body}'}}]\n"
        played = Played(BEARER + step)
        asked = played.ask("GET", "https://auth.test/token?service=registry.test&scope=repository:foo:pull", ALICE)
        answer = played.ask("GET", "/v2/foo/tags/list", f"Bearer {asked.body.decode()}")
        assert (answer.status == 200) is allowed


def test_content_can_be_made_up_and_taken_unchecked() -> None:
    """A digest of `digests` is there, and a push is taken whatever its digest."""
    text = BASIC.replace("images: [latest]}", "images: [latest], digests: ['sha256:a']}")
    played = Played(text + "  uploads: {checked: false}\n")
    assert played.ask("GET", "/v2/bar/blobs/sha256:a").status == 200
    assert played.ask("HEAD", "/v2/bar/manifests/sha256:a").status == 200
    assert played.ask("GET", "/v2/bar/blobs/sha256:b").status == 400
    place = dict(played.ask("POST", "/v2/foo/blobs/uploads/", ALICE).headers)["Location"]
    assert played.ask("PUT", f"{place}?digest=sha256:b", ALICE, b"x").status == 201
    assert played.ask("PUT", "/v2/foo/manifests/new", ALICE, b"no manifest").status == 201


@pytest.mark.parametrize(
    ("deny", "body"),
    [
        ("body: html, message: log in", b"<html><body>log in</body></html>\n"),
        ("body: text, message: log in", b"log in\n"),
        ("body: empty", b""),
        (
            "code: NO, message: log in, detail: false",
            b'{"errors": [{"code": "NO", "message": "log in", "detail": null}]}',
        ),
    ],
)
def test_a_refusal_has_the_body_that_the_scenario_names(deny: str, body: bytes) -> None:
    """Of a registry, of a web server in front, or none."""
    played = Played(BASIC + f"  deny: {{{deny}}}\n")
    assert played.ask("GET", "/v2/foo/tags/list").body == body


def test_fields_of_every_answer_are_the_scenario_s() -> None:
    """`headers` in each answer of the registry; the version only where it is wanted."""
    headers = dict(Played(BASIC + "  headers: {Server: nginx}\n  version: false\n").ask("GET", "/v2/").headers)
    assert headers["Server"] == "nginx"
    assert "Docker-Distribution-Api-Version" not in headers


def test_a_token_from_before_opens_what_its_user_may() -> None:
    """A user's own token needs no token server."""
    played = Played(BASIC.replace("bob: {password: b}", "bob: {password: b, token: tok}"))
    assert played.ask("GET", "/v2/foo/tags/list", "Bearer tok").status == 200
    assert played.ask("POST", "/v2/foo/blobs/uploads/", "Bearer tok").status == 403
    assert played.ask("GET", "/v2/foo/tags/list", "Bearer other").status == 401


def test_clocks_that_differ_can_be_seen() -> None:
    """Each answer carries the time of its own server."""
    played = Played(BASIC + "token: {clock_ahead: 600}\n")
    there = dict(played.ask("GET", "https://auth.test/token", ALICE).headers)["Date"]
    here = dict(played.ask("GET", "/v2/").headers)["Date"]
    assert (parsedate_to_datetime(there) - parsedate_to_datetime(here)).total_seconds() == 600


def test_the_error_of_a_token_can_stand_where_the_line_wants_it() -> None:
    """`{error}` is the parameter with its comma, or nothing."""
    played = Played(BEARER.replace("registry:", "registry:\n  challenge: {raw: ['Bearer realm=\"x\"{error}']}"))
    assert dict(played.ask("GET", "/v2/foo/tags/list").headers)["WWW-Authenticate"] == 'Bearer realm="x"'
    refused = dict(played.ask("GET", "/v2/foo/tags/list", "Bearer no").headers)["WWW-Authenticate"]
    assert refused == 'Bearer realm="x",error="invalid_token"'
