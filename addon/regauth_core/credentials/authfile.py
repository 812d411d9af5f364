"""What the files say that registry clients keep credentials in: ``config.json``, ``auth.json`` and ``.dockercfg``."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

Pair = tuple[str, str]
"""User and password. Bytes that are no UTF-8 are kept as surrogates."""


class Tool(StrEnum):
    """Whose rules a lookup follows."""

    DOCKER = "docker"
    CONTAINERS = "containers"
    CRANE = "crane"


NOT_BASE64: Final = 'has an "auth" that is not base64'


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Something in a file that cannot be used."""

    key: str
    """Where: ``auths["r.test"]``, ``credHelpers``, or empty for the file as a whole."""
    text: str
    """What is wrong, as the end of a sentence."""
    refused_by: tuple[Tool, ...] = ()
    """Those that refuse the whole file for it, where we leave out the one entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of ``auths``."""

    key: str = field(repr=False)
    """As it is spelled, a user and password before the host included."""
    auth: Pair | None = field(default=None, repr=False)
    plain: Pair | None = field(default=None, repr=False)
    """The fields `username` and `password`, which only docker's kin read."""
    identity_token: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)
    defect: str = ""
    """What is wrong with it, as the end of a sentence: it cannot be used."""

    @property
    def is_empty(self) -> bool:
        """Nothing is in it, as docker writes it for a registry whose password a helper keeps."""
        return not (self.defect or self.auth or self.plain or self.identity_token or self.registry_token)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthFile:
    """What a file says."""

    entries: tuple[Entry, ...] = ()
    """Of ``auths``, in order."""
    helpers: tuple[tuple[str, str], ...] = ()
    """Of ``credHelpers``: server and the helper's name."""
    store: str = ""
    """The helper that ``credsStore`` names."""
    remarks: tuple[Remark, ...] = ()
    broken: str = ""
    """Why nothing could be read, as the end of a sentence."""
    is_docker: bool = False
    """It says things that only docker's kin understand."""
    has_more: bool = False
    """It says more than ``auths`` with `auth` in the entries."""

    def entry(self, key: str) -> Entry | None:
        """The entry that is called `key`."""
        return next((entry for entry in reversed(self.entries) if entry.key == key), None)

    def helper(self, key: str) -> str | None:
        """What ``credHelpers`` says for `key`; empty where it says that there is none."""
        return next((name for server, name in reversed(self.helpers) if server == key), None)


def auths_key(key: str) -> str:
    """How an entry is called in explanations. What stands before an ``@`` in it could be a password."""
    return f'auths["{shown_key(key)}"]'


def helpers_key(server: str) -> str:
    """How an entry of ``credHelpers`` is called in explanations."""
    return f'credHelpers["{shown_key(server)}"]'


def shown_key(key: str) -> str:
    """`key` without what could be a user and password in it."""
    head, at, host = key.rpartition("@")
    if not at:
        return key
    scheme, mark, _ = head.partition("://")
    return f"{scheme}{mark}…@{host}" if mark else f"…@{host}"
