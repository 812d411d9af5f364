"""Where a secret may go. Every decision about that is made here, and each refusal has a word.

Known attacks that the rules answer: realms that name somebody else's host or an address inside the network, redirects
and upload locations elsewhere, numbers that only a resolver takes for an address (WHATWG URL standard, "host parsing").
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Set
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from regauth_core.auth.messages import ClientRequest
from regauth_core.auth.permissions import Permits
from regauth_core.auth.required_access import required_access_of
from regauth_core.auth.understanding import objection
from regauth_core.model import Origin
from regauth_core.model.withheld import Withheld
from regauth_core.protocol.registries import (
    is_address,
    is_internal,
    is_private,
    is_usual_realm,
    registrable_domain,
    registry_of,
)
from regauth_core.protocol.target import absolute, origin_of

MAX_REALM: Final = 4096
"""Characters of a realm or redirect beyond which it is no URL."""

_NAME = re.compile(r"[a-z0-9_](?:[a-z0-9_\-]*+)(?:\.[a-z0-9_][a-z0-9_\-]*+)*+")
_NUMBER = re.compile(r"[0-9]++|0x[0-9a-f]*+")
_VISIBLE = "".join(chr(code) for code in range(0x21, 0x7F))
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_METADATA = frozenset(
    {"169.254.169.254", "169.254.170.2", "fd00:ec2::254", "100.100.100.200", "192.0.0.192", "168.63.129.16"}
    | {"metadata", "metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustDecision:
    """Whether a token may be asked for at a place, or why not."""

    reason: Withheld | None = None
    """`None`: accepted."""
    origin: Origin | None = field(default=None, repr=False)
    """`None` only where the text is no URL."""
    path: str = field(default="", repr=False)
    """In origin form with the query, without a fragment, in visible ASCII."""

    @property
    def url(self) -> str:
        """The absolute URL."""
        return f"{self.origin}{self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What its user allows beyond what is safe anyway."""

    allow_http: bool = False
    """Secrets may go to registries of plain http, and to their token servers of plain http."""
    allow_unverified: bool = False
    """Secrets may go over connections whose certificate was not verified."""
    any_public_https: bool = False
    """A token server may be any public https host, as oras-go and go-containerregistry have it."""
    trusted_realms: frozenset[Origin] = frozenset()
    """Token servers that are accepted for every registry."""
    permits: Permits = Permits()
    """What may be done with the credentials: without more, reading."""

    def request(self, request: ClientRequest, named: Set[str] = frozenset()) -> Withheld | None:
        """Why no credential may be added to `request`; `None`: one may, if the registry asks for it.

        `named` are the parameters that the registry has put into URLs for its clients.
        """
        required = required_access_of(request.method, request.path)
        if not (required.is_api or required.is_unclear):
            return Withheld.OUTSIDE_API
        if request.origin.scheme != "https" and not self.allow_http:
            return Withheld.PLAIN_HTTP
        if request.origin.scheme == "https" and not (request.is_verified or self.allow_unverified):
            return Withheld.UNVERIFIED_CONNECTION
        if any(origin != request.origin for origin in request.named):
            return Withheld.OTHER_HOST_NAMED
        return objection(request, required, named)

    def realm(self, text: str, *, registry: Origin, base: Origin | None = None, path: str = "/v2/") -> TrustDecision:
        """Whether `text`, a realm or a redirect of a token request, is a place to ask for a token of `registry`.

        Relative text is resolved against the request that it answered: `path` at `base`, which is the registry unless
        told. The rules are the same for every hop.
        """
        base = base or registry
        whole = absolute(text, scheme=base.scheme, host=base.host, port=base.port, path=path)
        origin = origin_of(whole) if whole and len(whole) <= MAX_REALM else None
        if whole is None or origin is None:
            return TrustDecision(reason=Withheld.NOT_A_URL)
        bare = whole.partition("#")[0]
        _, _, behind = bare.partition("://")
        authority = re.split(r"[/?]", behind, maxsplit=1)[0]
        rest = behind[len(authority) :]
        reason = Withheld.USERINFO if "@" in authority else self._about(origin, registry)
        target = quote(rest if rest.startswith("/") else f"/{rest}", safe=_VISIBLE, errors="surrogateescape")
        return TrustDecision(reason=reason, origin=origin, path=target)

    def _about(self, realm: Origin, registry: Origin) -> Withheld | None:
        if realm.scheme != "https" and not (registry.scheme == "http" and self.allow_http):
            return Withheld.PLAIN_HTTP
        same_host = realm.host == registry.host
        if same_host and realm.port == registry.port:
            return None
        is_listed = realm in self.trusted_realms
        if reason := _about_address(realm.host):
            # An address may be reached under another port only if the user said so, and one that is not global only
            # if the registry is there too.
            is_allowed = is_listed and (same_host or reason is Withheld.ADDRESS_LITERAL)
            is_open = self.any_public_https and reason is Withheld.ADDRESS_LITERAL and is_address(realm.host)
            return None if is_allowed or (is_open and realm.scheme == "https") else reason
        if _NAME.fullmatch(realm.host) is None:
            return Withheld.NOT_A_URL
        if is_listed or _is_usual(registry, realm.host):
            return None
        if is_private(realm.host):
            return Withheld.INTERNAL_ADDRESS
        if self.any_public_https and realm.scheme == "https" and not is_internal(realm.host):
            return None
        return Withheld.UNKNOWN_HOST


def _is_usual(registry: Origin, host: str) -> bool:
    """The token server is the registry's owner's, or known to be the registry's; both have names."""
    if _about_address(registry.host) or is_private(registry.host) or is_private(host):
        return False
    if not is_usual_realm(registry_of(registry), host):
        return False
    # Below a top-level domain that the list of public suffixes does not have, every name has its own owner
    # (https://github.com/publicsuffix/list/wiki/Format, "Formal Algorithm": the prevailing rule is "*").
    listed = "." in registrable_domain(host)
    return listed or registry.host.rsplit(".", 2)[-2:] == host.rsplit(".", 2)[-2:]


def _about_address(host: str) -> Withheld | None:
    """Why an address is no place for a token server; `None` for names."""
    if host in _METADATA:
        return Withheld.METADATA_ADDRESS
    if not is_address(host):
        is_number = _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]) is not None
        return Withheld.ADDRESS_LITERAL if is_number else None
    address = ipaddress.ip_address(host)
    inner = _embedded(address) if isinstance(address, ipaddress.IPv6Address) else None
    if str(inner) in _METADATA:
        return Withheld.METADATA_ADDRESS
    is_global = address.is_global and not address.is_multicast and (inner is None or inner.is_global)
    return Withheld.ADDRESS_LITERAL if is_global else Withheld.INTERNAL_ADDRESS


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that is reached through an IPv6 one: mapped, 6to4 or NAT64 (RFC 4291, RFC 3056, RFC 6052)."""
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour
