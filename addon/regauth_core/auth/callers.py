"""For whom regauth's credentials may be used: who sent a request, and by what name it addressed the proxy.

A browser sends requests for every page that it shows, and a page may give the proxy another name (DNS rebinding).
Neither the user nor the address of a client says all. Fetch standard, "Forbidden request-header" and "Origin
header"; Fetch Metadata, section 2; CORS protocol; RFC 9110 section 10.1.3 (`Referer`).
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import Final

from regauth_core.auth.messages import Headers, named_origin
from regauth_core.model.withheld import Withheld
from regauth_core.protocol.registries import is_loopback
from regauth_core.protocol.target import origin_of

_OF_PAGES: Final = ("sec-", "access-control-request-")
"""How names of fields begin that browsers send for pages; a page itself may set none of them."""
_FETCH_OF_NODE: Final = frozenset({"node", "undici"})
"""User-Agents of a library that sends `Sec-Fetch-Mode` without the fields that browsers send beside it."""
_BROWSER: Final = "mozilla/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressed:
    """A reverse proxy, as its client addressed it."""

    names: tuple[str, ...] = field(repr=False)
    """Every ``HOST`` or ``HOST:PORT`` in the request and in the TLS handshake; empty where that is not known."""
    here: str
    """The address at which the connection arrived; anybody may write it, and it is nobody else's name."""
    registry: str
    """The host that the proxy stands for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who sent a request, as far as that is known."""

    address: str
    """Empty where it is not known."""
    user: int | None = None
    """The number of the user whose process it is; `None` on another machine, and where it is not known."""
    has_password: bool = False
    """It has shown the one password of the proxy."""
    is_admitted: bool = False
    """The proxy is for one command alone, and the client is of that."""
    addressed: Addressed | None = None
    """`None` for forward proxies, whose clients say whom they want."""
    host: str = ""
    """The registry that the request is for, as ``HOST``."""
    headers: Headers = field(default=(), repr=False)

    @property
    def is_on_loopback(self) -> bool:
        """Whether it is on this machine, over the loopback interface."""
        address = _address(self.address)
        return address is not None and address.is_loopback


@dataclass(frozen=True, slots=True, kw_only=True)
class Callers:
    """Those for whom credentials may be used: processes of one user over loopback, and whom the user adds."""

    own: int | None = None
    """The number of the user whose credentials they are; `None` where the system has no such numbers."""
    users: frozenset[int] = frozenset()
    """Other users of this machine."""
    any_user: bool = False
    """Every user of this machine."""
    addresses: frozenset[str] = frozenset()
    """Clients on other machines."""
    names: frozenset[str] = frozenset()
    """Further hosts by which clients address a reverse proxy."""
    browser: bool = False
    """Also what a browser sends for a page."""

    def objection(self, caller: Caller) -> Withheld | None:
        """Why no credentials may be used for `caller`; `None`: they may."""
        return self._about_client(caller) or self._about_name(caller) or self._about_page(caller)

    def is_name(self, addressed: Addressed) -> bool:
        """Whether a reverse proxy was addressed by names alone that no web page can have given it."""
        return bool(addressed.names) and all(self._is_own(name, addressed) for name in addressed.names)

    def _about_client(self, caller: Caller) -> Withheld | None:
        if caller.is_admitted:
            return None
        if not caller.is_on_loopback:
            address = _address(caller.address)
            return None if address is not None and str(address) in self.addresses else Withheld.OTHER_MACHINE
        if self.any_user:
            return None
        if caller.user is None or self.own is None:
            return None if caller.has_password else Withheld.UNKNOWN_USER
        return None if caller.user == self.own or caller.user in self.users else Withheld.OTHER_USER

    def _about_name(self, caller: Caller) -> Withheld | None:
        addressed = caller.addressed
        return None if addressed is None or self.is_name(addressed) else Withheld.OTHER_NAME

    def _is_own(self, name: str, addressed: Addressed) -> bool:
        host = _host(name)
        known = {_host(_bracketed(addressed.registry)), _host(_bracketed(addressed.here)), *self.names}
        return host is not None and (is_loopback(host) or host in known)

    def _about_page(self, caller: Caller) -> Withheld | None:
        if self.browser:
            return None
        if is_of_page(caller.headers):
            return Withheld.WEB_PAGE
        own = {_host(_bracketed(caller.host)), *map(_host, caller.addressed.names if caller.addressed else ())}
        referers = [value.strip() for name, value in caller.headers if name.lower() == "referer"]
        is_led = any(_is_elsewhere(referer, own) for referer in referers)
        return Withheld.LED_ELSEWHERE if is_led else None


def is_of_page(headers: Headers) -> bool:
    """Whether a browser sent a request with these fields, for a page or for the person in front of it.

    Every browser calls itself ``Mozilla/`` and hardly a registry client does; that counts because browsers send none of
    the other fields with some requests to plain http.
    """
    names = {name.lower() for name, _ in headers}
    agents = [value.strip().lower() for name, value in headers if name.lower() == "user-agent"]
    sent_by_browsers = {name for name in names if name == "origin" or name.startswith(_OF_PAGES)}
    if sent_by_browsers == {"sec-fetch-mode"} and agents and _FETCH_OF_NODE.issuperset(agents):
        return False
    return bool(sent_by_browsers) or any(agent.startswith(_BROWSER) for agent in agents)


def _is_elsewhere(referer: str, own: set[str | None]) -> bool:
    """Whether the place where the client got the URL from is another host; go's clients name it after a redirect."""
    if not referer or (referer.startswith("/") and not referer.startswith("//")):
        return False
    origin = origin_of(referer)
    return origin is None or origin.host not in own


def _host(name: str) -> str | None:
    """The host of ``HOST`` or ``HOST:PORT``; `None` where it names none."""
    origin = named_origin("http", name)
    return origin.host.rstrip(".") if origin is not None else None


def _bracketed(address: str) -> str:
    return f"[{address.partition('%')[0]}]" if ":" in address else address


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An address, as IPv4 where it is one in an IPv6 address."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
