"""Which names mean one registry."""

import pytest

from regauth_core.model import Origin
from regauth_core.protocol.registries import is_private, is_usual_realm, registrable_domain, registry_of, repository_of


@pytest.mark.parametrize(
    ("origin", "registry"),
    [
        (Origin("https", "registry-1.docker.io", 443), "docker.io"),
        (Origin("https", "index.docker.io", 443), "docker.io"),
        (Origin("https", "r.test", 443), "r.test"),
        (Origin("http", "r.test", 80), "r.test"),
        (Origin("https", "r.test", 5000), "r.test:5000"),
    ],
)
def test_registry_has_one_name(origin: Origin, registry: str) -> None:
    """Docker Hub's hosts are one registry, and so are http and https of one host."""
    assert registry_of(origin) == registry


def test_official_images_have_one_name() -> None:
    """On Docker Hub ``library/x`` is ``x``, elsewhere it is not."""
    assert repository_of("docker.io", "library/alpine") == "alpine"
    assert repository_of("r.test", "library/alpine") == "library/alpine"


@pytest.mark.parametrize(
    ("registry", "realm", "usual"),
    [
        ("docker.io", "auth.docker.io", True),
        ("registry.gitlab.com", "gitlab.com", True),
        ("registry.cn-hangzhou.aliyuncs.com", "dockerauth.cn-hangzhou.aliyuncs.com", True),
        ("r.example:5000", "r.example", True),
        ("r.example", "evil.test", False),
        ("r.test", "evil.test", False),
        ("r.test", "auth.r.test", True),
        ("r.example", "169.254.169.254", False),
        ("10.0.0.1:5000", "10.0.0.1", True),
    ],
)
def test_realm_of_the_same_owner_is_usual(registry: str, realm: str, usual: bool) -> None:
    """A token server of the same registrable domain, or of a known pair, surprises nobody."""
    assert is_usual_realm(registry, realm) is usual


@pytest.mark.parametrize(
    ("host", "private"),
    [
        ("127.0.0.1", True),
        ("10.1.2.3", True),
        ("169.254.169.254", True),
        ("::1", True),
        ("localhost", True),
        ("8.8.8.8", False),
        ("r.test", False),
    ],
)
def test_private_addresses(host: str, private: bool) -> None:
    """Loopback, private and link-local literals, and the name localhost."""
    assert is_private(host) is private


def test_registrable_domain_knows_public_suffixes() -> None:
    """What one owner registers may have three labels; under an unknown top-level domain it has two."""
    assert registrable_domain("a.b.example.co.uk") == "example.co.uk"
    assert registrable_domain("r.test") == "r.test"
    assert registrable_domain("a.b.corp") == "b.corp"
