"""Which requests are a registry's."""

from __future__ import annotations

import pytest

from regauth_core.model import Origin
from regauth_core.recording import traffic
from regauth_core.recording.traffic import TrafficKind, Watch, destination_of, layer_urls

REGISTRY = Origin("https", "registry.test", 443)
OTHER = Origin("https", "other.test", 443)
PING = destination_of("GET", REGISTRY, "/v2/")


def role(watch: Watch, path: str, origin: Origin = REGISTRY) -> TrafficKind | None:
    """What a GET of `path` is for."""
    return watch.role_of(destination_of("GET", origin, path))


@pytest.mark.parametrize(
    "path", ["/v2/", "/v2", "/v2/foo/tags/list", "/v2/a/b/manifests/latest", "/v2/_catalog", "/v2/foo/blobs/uploads/"]
)
def test_registry_is_known_by_its_paths(path: str) -> None:
    """Whatever the specification defines below /v2/ is a registry's."""
    assert TrafficKind.REGISTRY is role(Watch(), path)


@pytest.mark.parametrize("path", ["/", "/v2/users/7", "/v1/models", "/v20/", "/static/v2.js", "/token", "/v2/../x"])
def test_others_are_not(path: str) -> None:
    """Paths that others have too are nobody's business as long as the host has shown no registry."""
    assert role(Watch(), path) is None


def test_odd_path_of_a_registry_is_its_own() -> None:
    """On a host that spoke the protocol, every /v2/ and /v1/ path counts."""
    watch = Watch()
    role(watch, "/v2/")
    assert TrafficKind.REGISTRY is role(watch, "/v2/users/7")
    assert TrafficKind.REGISTRY is role(watch, "/v1/search")
    assert role(watch, "/v2/users/7", OTHER) is None


NAMED = {
    "realm": (
        ['Bearer realm="https://auth.test/token",service="r"'],
        [],
        [],
        "auth.test",
        "/token?scope=x",
        TrafficKind.TOKEN,
    ),
    "second challenge": (
        ['Basic realm="x", Bearer realm="https://auth.test/t"'],
        [],
        [],
        "auth.test",
        "/t",
        TrafficKind.TOKEN,
    ),
    "relative realm": (['Bearer realm="/auth"'], [], [], "registry.test", "/auth?service=r", TrafficKind.TOKEN),
    "realm with a slash": (
        ['Bearer realm="https://auth.test/token/"'],
        [],
        [],
        "auth.test",
        "/token",
        TrafficKind.TOKEN,
    ),
    "location": ([], ["https://blobs.test/a%20b?sig=x"], [], "blobs.test", "/a b?sig=x", TrafficKind.STORAGE),
    "location's root": ([], ["https://blobs.test"], [], "blobs.test", "/", TrafficKind.STORAGE),
    "relative location": ([], ["/store/1"], [], "registry.test", "/store/1", TrafficKind.STORAGE),
    "next page": (
        [],
        [],
        ['<https://pages.test/list?last=a>; rel="next"'],
        "pages.test",
        "/list?last=a",
        TrafficKind.STORAGE,
    ),
}


@pytest.mark.parametrize(("challenges", "locations", "links", "host", "path", "expected"), NAMED.values(), ids=NAMED)
def test_named_page_is_watched(
    challenges: list[str], locations: list[str], links: list[str], host: str, path: str, expected: TrafficKind
) -> None:
    """What an answer names is watched from then on, and no other page of that host."""
    watch = Watch()
    origin = Origin("https", host, 443)
    assert role(watch, path, origin) is None
    watch.learn(PING, challenges, locations, links)
    assert expected is role(watch, path, origin)
    assert role(watch, "/another", origin) is None


@pytest.mark.parametrize("url", ["", "mailto:a@b.test", "https://", "https://a b/", "::", "\x00", "x" * 100_000])
def test_nonsense_names_nobody(url: str) -> None:
    """Whatever an answer says, nothing is raised and nothing is watched for it."""
    watch = Watch()
    watch.learn(PING, [f'Bearer realm="{url}"', url], [url], [f"<{url}>", url])
    assert role(watch, "/") is None


PATTERNS = {
    "host": ("registry.test", Origin("https", "registry.test", 5000), True),
    "host and port": ("registry.test:5000", Origin("https", "registry.test", 5000), True),
    "another port": ("registry.test:5000", REGISTRY, False),
    "another host": ("registry.test", OTHER, False),
    "domain": ("*.test", REGISTRY, True),
    "the domain itself": ("*.registry.test", REGISTRY, False),
    "not a suffix": ("istry.test", REGISTRY, False),
    "address": ("[::1]:5000", Origin("http", "::1", 5000), True),
    "address without port": ("[::1]", Origin("http", "::1", 5000), True),
}


@pytest.mark.parametrize(("pattern", "origin", "expected"), PATTERNS.values(), ids=PATTERNS)
def test_hosts_can_be_chosen(pattern: str, origin: Origin, expected: bool) -> None:
    """A pattern is a host, a host with its port, or a domain."""
    watch = Watch([pattern])
    assert expected is watch.may_be_registry(origin)
    assert expected is (role(watch, "/v2/", origin) is TrafficKind.REGISTRY)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest names are forgotten."""
    monkeypatch.setattr(traffic, "MAX_NAMED", 3)
    watch = Watch()
    for number in range(5):
        watch.learn(PING, [], [f"https://blobs.test/{number}"], [])
    blobs = Origin("https", "blobs.test", 443)
    assert [None, None, *[TrafficKind.STORAGE] * 3] == [role(watch, f"/{number}", blobs) for number in range(5)]


LAYERS = {
    "as they are": '{"layers":[{"urls":["https://a.test/1","https://b.test/2"]}]}',
    "in another case": '{"Layers":[{"URLs":["https://a.test/1","https://b.test/2"]}]}',
    "escaped": '{"layers":[{"\\u0075rls":["https://a.test/1"]},{"urls":["https://b.test/2"]}]}',
    "of other descriptors": '{"config":{"urls":["https://a.test/1"]},"manifests":[{"urls":["https://b.test/2"]}]}',
}


@pytest.mark.parametrize("body", LAYERS.values(), ids=LAYERS)
def test_every_descriptor_may_have_urls(body: str) -> None:
    """However clients read them."""
    place = destination_of("GET", Origin("https", "registry.test", 443), "/v2/foo/manifests/1")
    assert sorted(layer_urls(place, body.encode())) == ["https://a.test/1", "https://b.test/2"]


@pytest.mark.parametrize("body", ["", "{", "[]", "7", '{"urls":7}', '{"urls":[7]}', "[" * 100_000])
def test_strange_manifest_has_none(body: str) -> None:
    """Whatever it is."""
    place = destination_of("GET", Origin("https", "registry.test", 443), "/v2/foo/manifests/1")
    assert layer_urls(place, body.encode()) == ()
