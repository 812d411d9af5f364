"""Keeps what was computed before, so that a trace of a million alike exchanges costs little.

Keys are wire text and hold secrets: a memo lives and dies with its redactor and is never shown.
"""

from __future__ import annotations

from typing import Final, TypeVar

from regauth_core.model import (
    Challenge,
    Claims,
    Connection,
    Credential,
    Link,
    RegistryError,
    Response,
    Safe,
    Sender,
    Target,
    TokenRequest,
)

K = TypeVar("K")
V = TypeVar("V")


class Cache(dict[K, V]):
    """Results by what they were computed from; a full memo starts again."""

    MOST: Final = 2048
    LONGEST: Final = 4096
    """Characters or bytes of wire text above which its result is not worth the memory."""

    MOST_TEXT: Final = 1024 * 1024
    """Characters or bytes of all the wire text together."""

    def __init__(self) -> None:
        super().__init__()
        self._text = 0

    def keep(self, key: K, value: V, size: int = 0) -> V:
        """Note `value`, made from `size` characters of wire text, for the next time; gives it back."""
        if size <= self.LONGEST:
            if len(self) >= self.MOST or self._text > self.MOST_TEXT:
                self.clear()
                self._text = 0
            self._text += size
            self[key] = value
        return value

    def alike(self: Cache[V, V], value: V) -> V:
        """The value that was noted before and equals `value`, so that it is held once; else `value`, noted."""
        found = self.get(value)
        return self.keep(value, value) if found is None else found

    def __repr__(self) -> str:
        return f"Memo({len(self)} entries)"


class ParsedCache:
    """Results of observing that come again and again, by the wire text they were made of."""

    def __init__(self) -> None:
        self.targets: Cache[tuple[str, str], Target] = Cache()
        self.senders: Cache[tuple[str | int | None, ...], Sender] = Cache()
        self.connections: Cache[tuple[str | tuple[str, ...] | None, ...], Connection] = Cache()
        self.challenges: Cache[tuple[str, ...], tuple[tuple[Challenge, ...], bool]] = Cache()
        self.credentials: Cache[tuple[str, ...], tuple[tuple[Credential, ...], tuple[str, ...]]] = Cache()
        """With the secrets in them, which are in use as long as they are met here."""
        self.claims: Cache[str, Claims | None] = Cache()
        self.requests: Cache[str, TokenRequest | None] = Cache()
        self.errors: Cache[bytes, tuple[RegistryError, ...]] = Cache()
        self.responses: Cache[Response, Response] = Cache()
        """Answers that may be shown; thousands are alike, and held for long."""


class ShownCache:
    """Safe text by the wire text that it stands for; some with how many values were replaced in it."""

    def __init__(self) -> None:
        self.words: Cache[str, Safe] = Cache()
        self.hosts: Cache[str, Safe] = Cache()
        self.names: Cache[str, Safe] = Cache()
        self.references: Cache[str, Safe] = Cache()
        self.scopes: Cache[str, Safe] = Cache()
        self.texts: Cache[str, Safe] = Cache()
        self.headers: Cache[tuple[str, str], tuple[tuple[Safe, Safe], int]] = Cache()
        self.fields: Cache[tuple[tuple[Safe, Safe], ...], tuple[tuple[Safe, Safe], ...]] = Cache()
        self.safe: Cache[Safe, Safe] = Cache()
        self.addresses: Cache[tuple[str, str, int, str], tuple[Safe, int]] = Cache()
        self.links: Cache[tuple[str, str, str, int, str], tuple[Link, int]] = Cache()
