"""Keyed fingerprints of secrets, and the bounded memory of the secrets themselves.

Memory only: nothing here is written anywhere, and `repr` shows no content.
"""

from __future__ import annotations

import hmac
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Final

from regauth_core.redaction.looks import is_opaque

MOST_PASSWORDS: Final = 8_000
"""Secrets of requests that do not look machine-made."""
MOST_TOKENS: Final = 6_000
"""Secrets of requests that do."""
MOST_ANSWERED: Final = 3_000
"""Secrets that stood in answers only."""
MOST_PASSING: Final = 1_500
"""What belongs to single requests (signatures, cookies), and as many of single answers."""
MOST_OF_ANSWER: Final = 64
"""Secrets of one answer that are remembered."""
MOST_OTHERS: Final = 8_000
_MOST_GIVEN: Final = 64_000
LONGEST: Final = 16 * 1024
"""Characters of a secret that are remembered; the rest of a longer one takes part in its fingerprint only."""
MOST_TEXT: Final = 8 * 1024 * 1024
"""Characters of all the secrets of one sort."""


def wire_bytes(text: str) -> bytes:
    """The bytes that `text` was decoded from; a surrogate stands for a byte that was no UTF-8."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


class _Store(OrderedDict[str, str]):
    """Fingerprints by secret, the one seen last at the end."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most
        self._text = 0

    def keep(self, secret: str, found: str) -> None:
        """Remember a secret that is not remembered yet."""
        self[secret] = found
        self._text += len(secret)

    def drop(self, secret: str) -> None:
        """Forget one."""
        del self[secret]
        self._text -= len(secret)

    def surplus(self) -> list[str]:
        """Forgets the oldest where there are too many, some more than needed; gives what was forgotten."""
        forgotten: list[str] = []
        if len(self) > self._most or self._text > MOST_TEXT:
            while self and (len(self) > self._most - self._most // 16 or self._text > MOST_TEXT // 16 * 15):
                forgotten.append(next(iter(self)))
                self.drop(forgotten[-1])
        return forgotten


class Fingerprints:
    """Equal secrets get equal fingerprints, whatever the position they are found in.

    The kind shown (``tok``, ``pw``, …) is that of the first sight. Names of people and things have fingerprints of
    their own, so that none can show that somebody's password is their name.

    Of each sort of secret as many are remembered as the constants above say, the ones seen last. What stands in answers
    takes nothing of the room of what clients sent.
    """

    def __init__(self, key: bytes, forgetting: Callable[[], None] = lambda: None) -> None:
        """`forgetting` is called after secrets were forgotten: what was computed from them has to be forgotten too."""
        self._key = key
        self._forgetting = forgetting
        self._passwords, self._tokens = _Store(MOST_PASSWORDS), _Store(MOST_TOKENS)
        self._answered = _Store(MOST_ANSWERED)
        self._passing, self._passing_answered = _Store(MOST_PASSING), _Store(MOST_PASSING)
        self._stores = self._passwords, self._tokens, self._answered, self._passing, self._passing_answered
        self._names: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._given: set[str] = set()
        self._room: int | None = None
        """How many more secrets of this answer are remembered; `None` outside of an answer."""
        self.count = 0
        """Distinct secrets that were met; one that was forgotten and met again counts again."""
        self.kept = 0
        """How often a secret was remembered, or remembered as another sort of one."""
        self.fresh: list[str] = []
        """Secrets remembered since whoever keeps an index of them emptied this list."""
        self.gone: list[str] = []
        """Secrets forgotten since."""
        self.is_incomplete = False
        """A password that a client had sent was forgotten, for there were too many."""

    def __repr__(self) -> str:
        return f"Fingerprints(count={self.count})"

    def begin_answer(self) -> None:
        """What comes now stands in an answer, and not in a request, until `end_answer`."""
        self._room = MOST_OF_ANSWER

    def end_answer(self) -> None:
        """The answer was read."""
        self._room = None

    @property
    def is_answering(self) -> bool:
        """Whether what comes now stands in an answer."""
        return self._room is not None

    def of(self, secret: str, kind: str, *, passing: bool = False) -> str:
        """Such as ``tok:3f2a91c0``: the kind, and 8 hexadecimal digits of HMAC-SHA256. Empty for an empty secret."""
        if not secret:
            return ""
        held = next((store for store in self._stores if secret in store), None)
        wanted = self._store(secret, passing)
        if held is not None:
            found = held[secret]
            if self._stores.index(held) <= self._stores.index(wanted):
                held.move_to_end(secret)
                return found
            held.drop(secret)
        else:
            found = f"{kind}:{self._digest(secret)}"
            self.count += 1
            if self._room is not None:
                self._room -= 1
                if self._room < 0:
                    return found
        self._keep(secret[:LONGEST], found, wanted)
        return found

    def _store(self, secret: str, passing: bool) -> _Store:
        if passing:
            return self._passing if self._room is None else self._passing_answered
        if self._room is not None:
            return self._answered
        return self._tokens if is_opaque(secret) else self._passwords

    def _keep(self, secret: str, found: str, store: _Store) -> None:
        if secret in store:
            store.drop(secret)
        store.keep(secret, found)
        self.kept += 1
        self.fresh.append(secret)
        if forgotten := store.surplus():
            self.is_incomplete = self.is_incomplete or store is self._passwords
            self.gone += forgotten
            self._forgetting()
        if len(self.fresh) + len(self.gone) > 4 * (MOST_PASSWORDS + MOST_TOKENS):
            self.fresh, self.gone = list(self.secrets()), [one for one in set(self.gone) if one not in self]

    def touch(self, secret: str) -> None:
        """A client sent `secret` again, and what it was read to was known already."""
        for store in (self._passwords, self._tokens):
            if secret in store:
                store.move_to_end(secret)

    def clear(self, secret: str) -> None:
        """What was remembered as `passing` turns out not to be a secret. What was met as one elsewhere stays."""
        if secret in self._passing:
            self._passing.drop(secret)
            self.gone.append(secret)

    def was_sent(self, secret: str) -> bool:
        """Whether a client sent it as a credential."""
        return secret in self._passwords or secret in self._tokens

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
        return sum(map(len, self._stores))

    def __contains__(self, secret: str) -> bool:
        return any(secret in store for store in self._stores)

    def secrets(self) -> Iterator[str]:
        """All that are remembered."""
        for store in self._stores:
            yield from store
