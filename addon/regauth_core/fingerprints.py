"""Keyed fingerprints of secrets, and the bounded memory of the secrets themselves.

Memory only: nothing here is written anywhere, and `repr` shows no content.
"""

from __future__ import annotations

import hmac
from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

MOST_LASTING: Final = 16_000
MOST_PASSING: Final = 4_000
MOST_OTHERS: Final = 8_000
_MOST_GIVEN: Final = 64_000
LONGEST: Final = 16 * 1024
"""Characters of a secret that are remembered; the rest of a longer one takes part in its fingerprint only."""


def wire_bytes(text: str) -> bytes:
    """The bytes that `text` was decoded from; a surrogate stands for a byte that was no UTF-8."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


class Fingerprints:
    """Equal secrets get equal fingerprints, whatever the position they are found in.

    The kind shown (``tok``, ``pw``, …) is that of the first sight. Names of people and things have fingerprints of
    their own, so that none can show that somebody's password is their name. Of credentials (`passing` false) the
    16,000 seen last are remembered, of what belongs to single requests (signatures, cookies) the 4,000 seen last.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._lasting: OrderedDict[str, str] = OrderedDict()
        self._passing: OrderedDict[str, str] = OrderedDict()
        self._names: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._given: set[str] = set()
        self.count = 0
        """Distinct secrets that were met; one that was forgotten and met again counts again."""
        self.fresh: list[str] = []
        """Secrets remembered since whoever keeps an index of them emptied this list."""

    def __repr__(self) -> str:
        return f"Fingerprints(count={self.count})"

    def of(self, secret: str, kind: str, *, passing: bool = False) -> str:
        """Such as ``tok:3f2a91c0``: the kind, and 8 hexadecimal digits of HMAC-SHA256. Empty for an empty secret."""
        if not secret:
            return ""
        found = self._lasting.get(secret)
        if found is not None:
            self._lasting.move_to_end(secret)
            return found
        found = self._passing.get(secret)
        if found is not None and passing:
            self._passing.move_to_end(secret)
            return found
        if found is None:
            found = f"{kind}:{self._digest(secret)}"
            self.count += 1
        self._keep(secret, found, passing)
        return found

    def _keep(self, secret: str, found: str, passing: bool) -> None:
        held, most = (self._passing, MOST_PASSING) if passing else (self._lasting, MOST_LASTING)
        held[secret[:LONGEST]] = found
        self.fresh.append(secret[:LONGEST])
        if len(held) > most:
            held.popitem(last=False)
        if len(self.fresh) > 2 * (MOST_LASTING + MOST_PASSING):
            self.fresh = list(self.secrets())

    def name(self, name: str, kind: str) -> str:
        """The fingerprint of what is no secret, such as a user's name: other than that of the same text as a secret.

        It is not remembered: a sweep for it would shred what must stay readable.
        """
        found = self._names.get((kind, name))
        if found is None:
            found = self._names[kind, name] = f"{kind}:{self._digest(kind + chr(0) + name)}"
            if len(self._names) > MOST_OTHERS:
                self._names.popitem(last=False)
        return found

    def is_one(self, text: str) -> bool:
        """Whether `text` is the digits of a fingerprint that was given lately."""
        return text in self._given

    def _digest(self, secret: str) -> str:
        found = hmac.digest(self._key, wire_bytes(secret), "sha256")[:4].hex()
        if len(self._given) >= _MOST_GIVEN:
            self._given.clear()
        self._given.add(found)
        return found

    def __len__(self) -> int:
        return len(self._lasting) + len(self._passing)

    def __contains__(self, secret: str) -> bool:
        return secret in self._lasting or secret in self._passing

    def secrets(self) -> Iterator[str]:
        """All that are remembered."""
        yield from self._lasting
        yield from self._passing
