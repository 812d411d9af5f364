"""Where a secret may go."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.play import origin
from regauth_core.auth.messages import ClientRequest
from regauth_core.auth.trust import Trust
from regauth_core.model import Origin
from regauth_core.model.withheld import Withheld

CAREFUL = Trust()
OPEN = Trust(any_public_https=True)
LISTED = Trust(
    trusted_realms=frozenset(
        origin(url)
        for url in (
            "https://sso.test", "https://8.8.8.8", "https://10.0.0.9:5001", "https://10.0.0.1:5001", "http://sso.test",
            "https://169.254.169.254", "https://localhost:5001",
        )
    )
)  # fmt: skip


@pytest.mark.parametrize(
    ("registry", "realm", "place"),
    [
        ("https://r.test", "https://r.test/token", "https://r.test/token"),
        ("https://r.test", "https://auth.r.test/token?a=b&c", "https://auth.r.test/token?a=b&c"),
        ("https://r.test", "HTTPS://AUTH.R.TEST:443/t#top", "https://auth.r.test/t"),
        ("https://r.test", "https://auth.r.test?x=/", "https://auth.r.test/?x=/"),
        ("https://r.test", "https://r.test", "https://r.test/"),
        ("https://r.test", "https://auth.r.test/a b/é", "https://auth.r.test/a%20b/%C3%A9"),
        ("https://r.test", "/token", "https://r.test/token"),
        ("https://r.test", "token", "https://r.test/v2/foo/token"),
        ("https://r.test:5000", "https://r.test:5001/token", "https://r.test:5001/token"),
        ("https://a.r.example.co.uk", "https://auth.example.co.uk/t", "https://auth.example.co.uk/t"),
        ("https://registry-1.docker.io", "https://auth.docker.io/token", "https://auth.docker.io/token"),
        ("https://index.docker.io", "https://auth.docker.io/token", "https://auth.docker.io/token"),
        ("https://10.0.0.1:5000", "https://10.0.0.1:5000/token", "https://10.0.0.1:5000/token"),
        ("https://[::1]:5000", "https://[0:0::1]:5000/token", "https://[::1]:5000/token"),
        ("https://localhost:5000", "/token", "https://localhost:5000/token"),
        ("https://registry:5000", "https://registry/token", "https://registry/token"),
    ],
)
def test_accepted_realms(registry: str, realm: str, place: str) -> None:
    """The registry's own origin, its owner's hosts and the known pair; relative realms belong to the request."""
    verdict = CAREFUL.realm(realm, registry=origin(registry), path="/v2/foo/manifests")
    assert (verdict.reason, verdict.url) == (None, place)


@pytest.mark.parametrize(
    ("registry", "realm", "reason"),
    [
        ("https://r.test", "", Withheld.NOT_A_URL),
        ("https://r.test", "Registry Realm", Withheld.NOT_A_URL),
        ("https://r.test", "ftp://r.test/token", Withheld.NOT_A_URL),
        ("https://r.test", "file:///etc/passwd", Withheld.NOT_A_URL),
        ("https://r.test", "https://auth.r.test\r\nX: y/", Withheld.NOT_A_URL),
        ("https://r.test", "https://evil.test\\@auth.r.test/", Withheld.NOT_A_URL),
        ("https://r.test", "https://auth.r.test:99999/", Withheld.NOT_A_URL),
        ("https://r.test", "https://auth.r.test./token", Withheld.NOT_A_URL),
        ("https://r.test", "https://evil.test。r.test/token", Withheld.NOT_A_URL),
        ("https://r.test", "https://auth.r.test/" + "x" * 5000, Withheld.NOT_A_URL),
        ("https://r.test", "https://alice:pw@auth.r.test/token", Withheld.USERINFO),
        ("https://r.test", "https://auth.r.test@evil.test/token", Withheld.USERINFO),
        ("https://r.test", "https://@auth.r.test/token", Withheld.USERINFO),
        ("https://r.test", "http://auth.r.test/token", Withheld.PLAIN_HTTP),
        ("https://r.test", "http://r.test/token", Withheld.PLAIN_HTTP),
        ("https://r.test", "http://169.254.169.254/latest", Withheld.PLAIN_HTTP),
        ("http://r.test", "http://auth.r.test/token", Withheld.PLAIN_HTTP),
        ("https://r.test", "https://evil.test/token", Withheld.UNKNOWN_HOST),
        ("https://r.corp", "https://evil.corp/token", Withheld.UNKNOWN_HOST),
        ("https://r.example.com", "https://r.example.com.evil.org/token", Withheld.UNKNOWN_HOST),
        ("https://a.github.io", "https://b.github.io/token", Withheld.UNKNOWN_HOST),
        ("https://a.co.uk", "https://b.co.uk/token", Withheld.UNKNOWN_HOST),
        ("https://r.test", "https://auth.docker.io/token", Withheld.UNKNOWN_HOST),
        ("https://auth.docker.io.evil.test", "https://auth.docker.io/token", Withheld.UNKNOWN_HOST),
        ("https://registry", "https://auth/token", Withheld.UNKNOWN_HOST),
        ("https://r.test", "//evil.test/token", Withheld.UNKNOWN_HOST),
        ("https://r.test", "https://localhost/token", Withheld.INTERNAL_ADDRESS),
        ("https://localhost:5000", "https://localhost:5001/token", Withheld.INTERNAL_ADDRESS),
        ("https://r.localhost", "https://a.localhost/token", Withheld.INTERNAL_ADDRESS),
        ("https://r.test", "https://127.0.0.1/token", Withheld.INTERNAL_ADDRESS),
        ("https://r.test", "https://10.1.2.3/token", Withheld.INTERNAL_ADDRESS),
        ("https://r.test", "https://[::1]/token", Withheld.INTERNAL_ADDRESS),
        ("https://r.test", "https://[fe80::1]/token", Withheld.INTERNAL_ADDRESS),
        ("https://r.test", "https://[::ffff:10.0.0.1]/token", Withheld.INTERNAL_ADDRESS),
        ("https://r.test", "https://[64:ff9b::7f00:1]/token", Withheld.INTERNAL_ADDRESS),
        ("https://r.test", "https://0.0.0.0/token", Withheld.INTERNAL_ADDRESS),
        ("https://r.test", "https://100.64.0.1/token", Withheld.INTERNAL_ADDRESS),
        ("https://r.test", "https://224.0.0.1/token", Withheld.INTERNAL_ADDRESS),
        ("https://10.0.0.1:5000", "https://10.0.0.1:5001/token", Withheld.INTERNAL_ADDRESS),
        ("https://r.test", "https://169.254.169.254/latest", Withheld.METADATA_ADDRESS),
        ("https://r.test", "https://[fd00:ec2::254]/latest", Withheld.METADATA_ADDRESS),
        ("https://r.test", "https://[::ffff:169.254.169.254]/latest", Withheld.METADATA_ADDRESS),
        ("https://r.test", "https://metadata.google.internal/x", Withheld.METADATA_ADDRESS),
        ("https://r.test", "https://8.8.8.8/token", Withheld.ADDRESS_LITERAL),
        ("https://8.8.8.8", "https://8.8.8.8:8443/token", Withheld.ADDRESS_LITERAL),
        ("https://r.test", "https://2130706433/token", Withheld.ADDRESS_LITERAL),
        ("https://r.test", "https://0x7f.1/token", Withheld.ADDRESS_LITERAL),
        ("https://r.test", "https://127.1/token", Withheld.ADDRESS_LITERAL),
        ("https://r.test", "https://0177.0.0.1/token", Withheld.ADDRESS_LITERAL),
    ],
)
def test_refused_realms(registry: str, realm: str, reason: Withheld) -> None:
    """Everything else gets nothing, and each refusal has its word."""
    assert CAREFUL.realm(realm, registry=origin(registry)).reason is reason


@pytest.mark.parametrize(
    ("trust", "registry", "realm", "reason"),
    [
        (OPEN, "https://r.test", "https://sso.example.com/t", None),
        (OPEN, "https://r.test", "https://8.8.8.8/t", None),
        (OPEN, "https://r.test", "https://127.1/t", Withheld.ADDRESS_LITERAL),
        (OPEN, "https://r.test", "https://10.0.0.1/t", Withheld.INTERNAL_ADDRESS),
        (OPEN, "https://r.test", "https://localhost/t", Withheld.INTERNAL_ADDRESS),
        (OPEN, "https://r.test", "https://169.254.169.254/t", Withheld.METADATA_ADDRESS),
        (OPEN, "https://r.test", "https://vault.internal/t", Withheld.UNKNOWN_HOST),
        (OPEN, "https://r.test", "https://vault/t", Withheld.UNKNOWN_HOST),
        (OPEN, "https://r.test", "http://sso.example.com/t", Withheld.PLAIN_HTTP),
        (OPEN, "https://r.test", "https://a@sso.example.com/t", Withheld.USERINFO),
        (LISTED, "https://r.test", "https://sso.test/t", None),
        (LISTED, "https://r.test", "https://sso.test:444/t", Withheld.UNKNOWN_HOST),
        (LISTED, "https://r.test", "http://sso.test/t", Withheld.PLAIN_HTTP),
        (LISTED, "https://r.test", "https://8.8.8.8/t", None),
        (LISTED, "https://r.test", "https://localhost:5001/t", None),
        (LISTED, "https://r.test", "https://10.0.0.9:5001/t", Withheld.INTERNAL_ADDRESS),
        (LISTED, "https://10.0.0.1:5000", "https://10.0.0.1:5001/t", None),
        (LISTED, "https://r.test", "https://169.254.169.254/t", Withheld.METADATA_ADDRESS),
        (Trust(allow_http=True), "http://r.test:5000", "http://r.test:5000/t", None),
        (Trust(allow_http=True), "http://r.test:5000", "http://auth.r.test/t", None),
        (Trust(allow_http=True), "http://r.test:5000", "https://auth.r.test/t", None),
        (Trust(allow_http=True), "https://r.test", "http://auth.r.test/t", Withheld.PLAIN_HTTP),
        (Trust(allow_http=True), "http://r.test", "http://evil.test/t", Withheld.UNKNOWN_HOST),
    ],
)
def test_what_a_user_can_widen(trust: Trust, registry: str, realm: str, reason: Withheld | None) -> None:
    """Listed hosts, public hosts and plain http can be allowed; a way into the network or to metadata cannot."""
    assert trust.realm(realm, registry=origin(registry)).reason is reason


def request(url: str, method: str = "GET", host: str | None = None, *, verified: bool = True) -> ClientRequest:
    """A client's request for a URL."""
    found = origin(url)
    path = "/" + url.split("/", 3)[3]
    headers = (("Host", host),) if host is not None else ()
    return ClientRequest(method=method, origin=found, path=path, headers=headers, is_verified=verified)


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (request("https://r.test/v2/foo/manifests/1"), None),
        (request("https://r.test/v2/foo/manifests/1", host="R.test:443"), None),
        (request("https://r.test/v2/foo/manifests/1", host="evil.test"), Withheld.OTHER_HOST_NAMED),
        (request("https://evil.test/v2/foo/manifests/1", host="r.test"), Withheld.OTHER_HOST_NAMED),
        (request("https://r.test/v2/foo/manifests/1", host="r.test:5000"), Withheld.OTHER_HOST_NAMED),
        (request("https://r.test/v2/foo/manifests/1", host="\x00"), Withheld.OTHER_HOST_NAMED),
        (request("https://r.test/blobs/1"), Withheld.OUTSIDE_API),
        (request("https://r.test/v2/../blobs/1"), Withheld.UNCLEAR_TARGET),
        (request("https://r.test/v2/foo/manifests/1", "OPTIONS"), Withheld.OUTSIDE_API),
        (request("http://r.test/v2/foo/manifests/1"), Withheld.PLAIN_HTTP),
        (request("https://r.test/v2/foo/manifests/1", verified=False), Withheld.UNVERIFIED_CONNECTION),
    ],
)
def test_requests_that_may_have_a_credential(asked: ClientRequest, reason: Withheld | None) -> None:
    """Below ``/v2/``, over a verified connection, to the host that is connected to."""
    assert CAREFUL.request(asked) is reason


def test_user_may_allow_http_and_unverified_connections() -> None:
    """Both are decisions of their own."""
    assert Trust(allow_http=True).request(request("http://r.test/v2/")) is None
    assert Trust(allow_unverified=True).request(request("https://r.test/v2/", verified=False)) is None
    assert Trust(allow_http=True).request(request("https://r.test/v2/", verified=False)) is not None


@given(
    realm=st.text()
    | st.from_regex(r"https?://[a-z0-9.@:\[\]%\\/-]{0,30}", fullmatch=True)
    | st.ip_addresses().map(lambda address: f"https://{f'[{address}]' if address.version == 6 else address}/t")
)
def test_accepted_places_are_few(realm: str) -> None:
    """Whatever a registry calls its realm, only https hosts of its owner are accepted, in plain visible ASCII."""
    registry = Origin("https", "r.test", 443)
    verdict = CAREFUL.realm(realm, registry=registry)
    if verdict.reason is None:
        assert verdict.origin is not None
        assert verdict.origin.scheme == "https"
        assert verdict.origin.host == "r.test" or verdict.origin.host.endswith(".r.test")
        assert verdict.path.startswith("/")
        assert verdict.path.isascii()
        assert verdict.path.isprintable()
        assert " " not in verdict.path


@pytest.mark.parametrize("suffix", ["fly.dev", "up.railway.app", "github.io", "co.uk"])
def test_neighbours_below_a_public_suffix_are_strangers(suffix: str) -> None:
    """Anybody may be the neighbour."""
    verdict = CAREFUL.realm(f"https://evil.{suffix}/token", registry=origin(f"https://mine.{suffix}"))
    assert verdict.reason is Withheld.UNKNOWN_HOST
    assert CAREFUL.realm(f"https://auth.mine.{suffix}/t", registry=origin(f"https://mine.{suffix}")).reason is None


REQUEST = ClientRequest(method="GET", origin=origin("https://r.test:5000"), path="/v2/foo/tags/list")


@pytest.mark.parametrize(
    ("host", "is_own"),
    [
        ("r.test:5000", True),
        ("R.TEST:5000 ", True),
        ("r.test", False),
        ("evil.test:@r.test:5000", False),
        ("evil@r.test:5000", False),
        ("r.test:5000/evil.test", False),
        ("r.test:5000#@evil.test", False),
        ("r.test:5000?evil.test", False),
        ("r.test:5000\u00a0", False),
        ("r.test:5000, evil.test", False),
        ("", False),
    ],
)
def test_host_is_a_host_and_nothing_else(host: str, is_own: bool) -> None:
    """What a URL's parser would read another host out of, or none, names somebody else; wherever it stands."""
    expected = None if is_own else Withheld.OTHER_HOST_NAMED
    assert CAREFUL.request(replace(REQUEST, headers=(("Host", host),))) is expected
    assert CAREFUL.request(replace(REQUEST, other_names=(host,))) is expected


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-Original-URL", "X-Forwarded-Host", "Forwarded"])
def test_request_that_some_servers_take_for_another_gets_nothing(name: str) -> None:
    """It could become a DELETE, or one of another host."""
    headers = (("Host", "r.test:5000"), (name, "x"))
    assert CAREFUL.request(replace(REQUEST, headers=headers)) is Withheld.OTHER_REQUEST_NAMED
