"""The account of one request: what it has used up of its limits, what was tried, and why not more."""

from __future__ import annotations

from collections.abc import Hashable

from regauth_core.auth.messages import Authorization, AuthResult, Received, Scheme, Tried, Used
from regauth_core.auth.reasons import Note, StopReason
from regauth_core.auth.settings import MOST_FETCHES, MOST_PROBES, MOST_SENDS
from regauth_core.model.withheld import Withheld


class Budget:
    """Begins with what was spent before, and only grows."""

    def __init__(self, now: float, used: Used) -> None:
        """`now` in seconds since the epoch."""
        self.now = now
        self.sends, self.fetches, self.probes = used.sends, used.fetches, used.probes
        self.values = set(used.values)
        """Every `Authorization` value that went to the registry."""
        self.keys: set[Hashable] = set(used.keys)
        """What fresh tokens were fetched for."""
        self.tried: list[Tried] = []
        self.reasons: list[Withheld | StopReason] = []
        self.notes: list[Note] = []
        self.offered: tuple[Scheme, ...] = ()

    @property
    def may_send(self) -> bool:
        """The request may go to the registry once more."""
        return self.sends < MOST_SENDS

    @property
    def is_last_send(self) -> bool:
        """It may do so no more than once."""
        return self.sends >= MOST_SENDS - 1

    @property
    def may_probe(self) -> bool:
        """The registry may be probed."""
        return self.probes < MOST_PROBES

    def may_fetch(self, key: Hashable) -> bool:
        """A token may be fetched for `key`."""
        return self.fetches < MOST_FETCHES and key not in self.keys

    def refuse(self, *reasons: Withheld | StopReason) -> None:
        """Note why something was not done or did not work."""
        self.reasons += reasons

    def outcome(self, login: str, answer: Received | None, authorization: Authorization | None) -> AuthResult:
        """What came of it up to now. Of a reason that was met twice the last one counts."""
        reasons = tuple(dict.fromkeys(reversed(self.reasons)))[::-1]
        return AuthResult(
            answer=answer,
            authorization=authorization,
            login=login,
            offered=self.offered,
            tried=tuple(self.tried),
            reasons=reasons,
            notes=tuple(dict.fromkeys(self.notes)),
            used=Used(self.sends, self.fetches, self.probes, frozenset(self.values), frozenset(self.keys)),
        )
