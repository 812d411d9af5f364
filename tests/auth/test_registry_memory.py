"""What is learnt about registries."""

from __future__ import annotations

import pytest

from kit.play import BASIC, BEARER, NOW, REGISTRY
from regauth_core.auth.messages import Received, Scheme
from regauth_core.auth.offers import Offers, offers_of
from regauth_core.auth.reasons import StopReason
from regauth_core.auth.registry_memory import RegistryMemory
from regauth_core.auth.required_access import required_access_of

PULL, PUSH = required_access_of("GET", "/v2/foo/manifests/1"), required_access_of("PUT", "/v2/foo/manifests/1")
OTHER = required_access_of("GET", "/v2/bar/manifests/1")


def offers(*lines: str, path: str = "/v2/foo/manifests/1") -> Offers:
    """The challenges of a 401."""
    return offers_of(Received(status=401, at=NOW, headers=tuple(("WWW-Authenticate", each) for each in lines)), path)


def schemes(found: Offers | None) -> tuple[Scheme, ...] | None:
    """The schemes of what was found."""
    return found.schemes if found else None


def test_repository_comes_before_its_registry() -> None:
    """A registry may ask differently for each repository; for one that is not known its last word counts."""
    memory = RegistryMemory()
    assert memory.offers(REGISTRY, PULL) is None
    memory.note(REGISTRY, "foo", offers(BASIC))
    memory.note(REGISTRY, "bar", offers(BEARER))
    assert schemes(memory.offers(REGISTRY, PULL)) == (Scheme.BASIC,)
    assert schemes(memory.offers(REGISTRY, required_access_of("GET", "/v2/new/manifests/1"))) == (Scheme.BEARER,)
    memory.note(REGISTRY, "foo", offers())
    assert schemes(memory.offers(REGISTRY, PULL)) == (Scheme.BASIC,)


def test_login_that_nobody_accepted_is_refused_altogether() -> None:
    """For a minute; a login that is known to be right is refused for the one need only."""
    memory = RegistryMemory()
    memory.refuse("alice", REGISTRY, PULL, StopReason.CREDENTIALS_REFUSED, NOW)
    assert memory.refusal("alice", REGISTRY, OTHER, NOW + 59) is StopReason.CREDENTIALS_REFUSED
    assert memory.refusal("alice", REGISTRY, OTHER, NOW + 60) is None
    assert memory.refusal("bob", REGISTRY, PULL, NOW) is None
    memory.prove("alice", REGISTRY)
    assert memory.refusal("alice", REGISTRY, OTHER, NOW) is None
    memory.refuse("alice", REGISTRY, PUSH, StopReason.LOGIN_NOT_ALLOWED, NOW)
    assert memory.refusal("alice", REGISTRY, PUSH, NOW) is StopReason.LOGIN_NOT_ALLOWED
    assert memory.refusal("alice", REGISTRY, PULL, NOW) is None


def test_only_a_registry_itself_says_where_its_token_server_is_on_it() -> None:
    """A realm on another origin does not make that origin's addresses untouchable."""
    memory = RegistryMemory()
    memory.note(REGISTRY, None, offers('Bearer realm="/v2/tokens/manifests/1?x"', 'Bearer realm="https://o.test/v2/a"'))
    assert memory.is_realm(REGISTRY, "/v2/tokens/manifests/1?service=s")
    assert not memory.is_realm(REGISTRY, "/v2/a")


@pytest.mark.parametrize(
    "path",
    ["/v2/auth", "/v2/%61uth", "/v2/auth/", "/v2//auth", "/v2/./auth", "/v2/x/../auth", "/v2/auth;a=b", "/v2/auth?x"],
)
def test_a_path_is_the_same_however_it_is_spelled(path: str) -> None:
    """A token server cannot hide behind another spelling."""
    memory = RegistryMemory()
    memory.note(REGISTRY, None, offers('Bearer realm="/v2/auth"'))
    assert memory.is_realm(REGISTRY, path)
    assert not memory.is_realm(REGISTRY, "/v2/other")


@pytest.mark.parametrize(
    ("url", "asked", "expected"),
    [
        ("/v2/foo/tags/list?next_page=a&n=2", "/v2/foo/tags/list?n=2", {"next_page"}),
        ("/v2/foo/blobs/uploads/1?_state=a&_nouploadcache=b", "/v2/foo/blobs/uploads/", {"_state", "_nouploadcache"}),
        ("/v2/foo/blobs/uploads/?x=1", "/v2/foo/blobs/uploads?x=1", set()),
        ("/v2/foo/blobs/uploads/?x=1", "/v2/foo/blobs/uploads?%2558=1", set()),
        ("/v2/foo/blobs/uploads/1?_method=DELETE&%66rom=x&a[]=1", "/v2/foo/blobs/uploads/", set()),
    ],
)
def test_parameters_that_a_registry_names_are_its_own(url: str, asked: str, expected: set[str]) -> None:
    """Not those that it only gives back, nor any that could make another request of it."""
    memory = RegistryMemory()
    memory.note_parameters(REGISTRY, url, asked)
    assert memory.parameters(REGISTRY) == expected


def test_memory_is_bounded() -> None:
    """Old lessons go first."""
    memory = RegistryMemory()
    for number in range(2000):
        memory.note(REGISTRY, f"r{number}", offers(BASIC))
    for number in range(100):
        memory.note_parameters(REGISTRY, f"/?x{number}=1", "/")
    assert repr(memory) == "Learned(1024 challenges)"
    assert len(memory.parameters(REGISTRY)) == 64
