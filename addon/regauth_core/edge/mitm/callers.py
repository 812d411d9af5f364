"""Who sent a request, for `auth.callers` to decide on, and who may have credentials by ``regauth_clients``."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Sequence
from typing import Final

from mitmproxy import ctx, http

from regauth_core.auth.callers import Caller, Callers
from regauth_core.auth.messages import named_origin
from regauth_core.edge.errors import UserError
from regauth_core.edge.mitm.addressed import Names
from regauth_core.edge.mitm.admission import Admission
from regauth_core.edge.mitm.identity import Identities
from regauth_core.edge.mitm.processes import tells_users
from regauth_core.edge.mitm.subrequests import origin_connected
from regauth_core.edge.mitm.translation import address_of, headers_of

EXPECTED: Final = "ADDRESS, user:NAME, uid:NUMBER, any-user, name:HOST or browser"
_NUMBER: Final = re.compile("[0-9]{1,10}")


class CallerReader:
    """Reads who sent a request."""

    def __init__(self, identities: Identities, names: Names, admission: Admission | None) -> None:
        self._identities = identities
        self._names = names
        self._admission = admission

    async def read(self, flow: http.HTTPFlow) -> Caller:
        """Who sent `flow`; waits for what the machine says about its connection."""
        client = flow.client_conn
        is_commands = self._admission is not None and self._admission.admits(client)
        return Caller(
            address=address_of(flow),
            user=await self._identities.user(client),
            has_password="proxyauth" in flow.metadata and _checks_password(),
            is_admitted=is_commands,
            addressed=self._names.addressed(flow),
            host=origin_connected(flow).host,
            headers=headers_of(flow.request),
        )


def _checks_password() -> bool:
    """Whether mitmproxy's own `proxyauth` wants one password; ``any`` takes all, files and LDAP have many users'."""
    wanted = getattr(ctx.options, "proxyauth", None) or "any"
    return wanted != "any" and not wanted.startswith(("@", "ldap"))


def callers(texts: Sequence[str]) -> Callers:
    """The user of this process, and whom ``regauth_clients`` adds. Raises `UserError`."""
    users, addresses, names = set(), set(), set()
    words = [text.strip() for text in texts]
    for word in words:
        kind, colon, rest = word.partition(":")
        if colon and kind in ("user", "uid"):
            users.add(_user(kind, rest))
        elif colon and kind == "name":
            names.add(_name(rest))
        elif word not in ("any-user", "browser"):
            addresses.add(_address(word))
    return Callers(
        own=os.geteuid() if hasattr(os, "geteuid") else None,
        users=frozenset(users),
        any_user="any-user" in words,
        addresses=frozenset(addresses),
        names=frozenset(names),
        browser="browser" in words,
    )


def untold(given: Callers) -> str | None:
    """A complaint where this machine does not say whose process a client is, so that credentials are for none."""
    if tells_users() or given.any_user or _checks_password():
        return None
    return (
        "no credentials are used: this machine does not say whose process a client is. Give the proxy a password "
        "(proxyauth=NAME:PASSWORD), or allow every user of this machine (regauth_clients=any-user)"
    )


def _user(kind: str, text: str) -> int:
    if kind == "uid" and _NUMBER.fullmatch(text):
        return int(text)
    if kind == "user":
        try:
            import pwd  # not on every system

            return pwd.getpwnam(text).pw_uid
        except (ImportError, KeyError, ValueError):
            raise UserError(f"regauth_clients: unknown user {text!r} on this machine") from None
    raise UserError(f"regauth_clients: expected uid:NUMBER, found {kind}:{text!r}")


def _name(text: str) -> str:
    origin = named_origin("http", text)
    if origin is None:
        raise UserError(f"regauth_clients: expected name:HOST, found name:{text!r}")
    return origin.host.rstrip(".")


def _address(text: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise UserError(f"regauth_clients: expected {EXPECTED}, found {text!r}") from None
    address = getattr(address, "ipv4_mapped", None) or address
    if address.is_loopback:
        raise UserError(
            f"regauth_clients: {text} is this machine, where clients are allowed by user: expected user:NAME, "
            "uid:NUMBER or any-user"
        )
    return str(address)
