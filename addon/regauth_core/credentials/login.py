"""Who one is at a registry. No representation and no exception of this module shows a secret."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from regauth_core.model import Origin
from regauth_core.protocol.registries import registry_of, repository_of

_TOKEN_USER = "<token>"  # noqa: S105  (the name by which credential helpers announce an identity token)
_SENDABLE = re.compile(r"[\x21-\x7e]++")


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Exactly one of: a registry token; an identity token, perhaps with a pair; user and password; nothing.

    Raises ValueError, without any of the values, for other combinations and for what cannot be sent.
    """

    id: str
    """Opaque: it stands for the secret in keys, notes and logs, so it tells nothing of it."""
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    """A refresh token: it goes to token servers only."""
    registry_token: str = field(default="", repr=False)
    """A Bearer token that needs no exchange."""

    def __post_init__(self) -> None:
        if self.registry_token and (self.identity_token or self.has_pair):
            raise ValueError("a registry token excludes other credentials")
        if self.user == _TOKEN_USER:
            raise ValueError("an identity token is not a password")
        # RFC 7617 section 2: the first colon ends the user.
        if ":" in self.user:
            raise ValueError("a user name cannot hold a colon")
        if self.registry_token and not is_sendable(self.registry_token):
            raise ValueError("a registry token cannot hold blanks, line ends or other than ASCII characters")

    @staticmethod
    def of_pair(id: str, user: str, secret: str) -> Login:  # noqa: A002
        """The login that a user name with its secret means: for the user ``<token>`` it is an identity token."""
        if user == _TOKEN_USER:
            return Login(id=id, identity_token=secret)
        return Login(id=id, user=user, password=secret)

    @property
    def has_pair(self) -> bool:
        """There are user and password; either may be empty, not both."""
        return bool(self.user or self.password)

    @property
    def is_anonymous(self) -> bool:
        """There is nothing."""
        return not (self.has_pair or self.identity_token or self.registry_token)

    def basic(self) -> str:
        """The value for `Authorization` (RFC 7617 section 2, in UTF-8)."""
        pair = f"{self.user}:{self.password}".encode("utf-8", "surrogateescape")
        return "Basic " + b64encode(pair).decode("ascii")


ANONYMOUS = Login(id="anonymous")
"""Nobody in particular, who may still ask for a token."""


def is_sendable(token: str) -> bool:
    """Whether `token` can be a header's value: visible ASCII only, so that no line can be smuggled in."""
    return _SENDABLE.fullmatch(token) is not None


class Logins(Protocol):
    """Finds logins."""

    def find(self, origin: Origin, repository: str | None) -> Login | None:
        """The login configured for a registry, that of the longest prefix of the repository first.

        `None`: nothing is configured, so its requests are left alone.
        """


class LoginTable:
    """Logins by registry and repository prefix, held in memory."""

    def __init__(self, entries: Iterable[tuple[str, str, Login]]) -> None:
        """Each of `entries`: the registry's one name (`registries.registry_of`), a prefix or ``""``, the login.

        Prefixes are whole components: ``team`` holds for ``team/app`` and not for ``teams``. The first of equals wins.
        """
        self._entries: dict[tuple[str, str], Login] = {}
        for registry, prefix, login in entries:
            self._entries.setdefault((registry, prefix.strip("/")), login)

    def find(self, origin: Origin, repository: str | None) -> Login | None:
        """See `Logins`."""
        registry = registry_of(origin)
        for name in (repository, repository_of(registry, repository)):
            prefix = name or ""
            while prefix:
                if (found := self._entries.get((registry, prefix))) is not None:
                    return found
                prefix = prefix.rpartition("/")[0]
        return self._entries.get((registry, ""))
