"""Which names mean one registry, and which hosts belong together."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Any

from regauth_core.model import DEFAULT_PORTS, Origin

_DOCKER_HUB = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})
DOCKER_HUB = "docker.io"


@lru_cache(4096)
def registry_of(origin: Origin) -> str:
    """The name under which `origin` is one registry: its host, with the port unless it is the scheme's own.

    All names of Docker Hub give ``docker.io``; http and https of one host are one registry.
    """
    if origin.host in _DOCKER_HUB:
        return DOCKER_HUB
    return origin.host if origin.port == DEFAULT_PORTS.get(origin.scheme) else f"{origin.host}:{origin.port}"


_TOKEN_SERVERS = {"auth.docker.io": DOCKER_HUB, "gitlab.com": "registry.gitlab.com"}


def registry_behind(realm: Origin) -> str:
    """The registry whose token server is at `realm`, where that is known; else the realm's own name."""
    return _TOKEN_SERVERS.get(realm.host) or registry_of(realm)


def repository_of(registry: str, repository: str | None) -> str | None:
    """The repository's one name: on Docker Hub ``library/x`` is ``x``."""
    if repository and registry == DOCKER_HUB:
        return repository.removeprefix("library/")
    return repository


@lru_cache(4096)
def registrable_domain(host: str) -> str:
    """The domain that one owner registers (``a.b.example.co.uk`` gives ``example.co.uk``); an address gives itself."""
    if is_address(host):
        return host
    if host.endswith(".alt"):
        # No such domain is registered (RFC 9476); `aliases` gives them to domains that are.
        return ".".join(host.split(".")[-2:])
    domain: str | None = _suffixes().privatesuffix(host)
    if domain is not None:
        return domain
    # Below a top-level domain that the table does not know (.test, .corp) the next label is taken for the owner's.
    return host if has_listed_suffix(host) else ".".join(host.split(".")[-2:])


def has_listed_suffix(host: str) -> bool:
    """Whether `host` ends in a domain below which anybody may register, such as ``com`` or ``co.uk``."""
    return _suffixes().publicsuffix(host) is not None


@lru_cache(1)
def _suffixes() -> Any:
    # Imported late: most runs need no table of public suffixes.
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList(accept_unknown=False)


@lru_cache(4096)
def is_address(host: str) -> bool:
    """Whether `host` is an IPv4 or IPv6 literal."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


@lru_cache(4096)
def is_loopback(host: str) -> bool:
    """Whether `host` is this machine by its name or literal."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    return is_address(host) and ipaddress.ip_address(host).is_loopback


@lru_cache(4096)
def is_private(host: str) -> bool:
    """Whether `host` is a literal of a private, loopback, link-local (so: metadata) or unspecified range."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    if not is_address(host):
        return False
    address = ipaddress.ip_address(host)
    return address.is_private or address.is_loopback or address.is_link_local or address.is_unspecified


@lru_cache(4096)
def is_usual_realm(registry: str, realm_host: str) -> bool:
    """Whether a token server on `realm_host` is what one expects for `registry`: the same owner, or a known pair."""
    host = registry.rsplit(":", 1)[0] if registry.count(":") == 1 else registry
    if host == realm_host or (registry == DOCKER_HUB and realm_host == "auth.docker.io"):
        return True
    if is_private(host) or is_private(realm_host):
        return False
    return registrable_domain(host) == registrable_domain(realm_host)


_INTERNAL_ENDINGS = (".local", ".internal", ".lan", ".intranet", ".corp", ".localdomain", ".home.arpa", ".svc")
_TEST_ENDINGS = (".test", ".example", ".invalid", ".localhost")


@lru_cache(4096)
def is_internal(host: str) -> bool:
    """Whether `host` is a private address, a single label, or a name that only an internal network knows."""
    return is_private(host) or ("." not in host and ":" not in host) or host.endswith(_INTERNAL_ENDINGS)


def is_test_name(host: str) -> bool:
    """Whether `host` is a name for tests and documentation (RFC 2606 section 2)."""
    return host.endswith(_TEST_ENDINGS)
