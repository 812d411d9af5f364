"""What was learnt about registries: what they ask for, which login they know, which they refused, what they name.

All of it is bounded, and forgotten with the process.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_plus

from regauth_core.auth.leads import bare
from regauth_core.auth.messages import Scheme
from regauth_core.auth.offers import Offers
from regauth_core.auth.reasons import StopReason
from regauth_core.auth.required_access import RequiredAccess
from regauth_core.auth.understanding import parameters
from regauth_core.bounded import Bounded
from regauth_core.model import Origin
from regauth_core.protocol.scope import Scope
from regauth_core.protocol.target import absolute, origin_of

MOST: Final = 1024
REFUSAL_LASTS: Final = 60.0
"""Seconds for which a refused login is not tried again."""
PROBE_LASTS: Final = 60.0
"""Seconds for which a probe that taught nothing is not repeated."""
_MOST_PARAMETERS: Final = 64


@dataclass(frozen=True, slots=True)
class LoginTurn:
    """A login that nobody has yet seen accepted is tried by one request at a time."""

    login: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class ProbeTurn:
    """A registry is probed by one request at a time."""

    origin: Origin


class RegistryMemory:
    """What is known at the moment. Times are seconds since the epoch."""

    def __init__(self) -> None:
        self._offers: Bounded[tuple[Origin, str | None], Offers] = Bounded(MOST)
        self._worked: Bounded[tuple[Origin, str | None], Scheme] = Bounded(MOST)
        self._proven: Bounded[tuple[str, Origin], bool] = Bounded(MOST)
        self._refused: Bounded[tuple[str, Origin, frozenset[Scope] | None], tuple[float, StopReason]] = Bounded(MOST)
        self._probed: Bounded[Origin, float] = Bounded(MOST)
        self._parameters: Bounded[Origin, frozenset[str]] = Bounded(MOST)
        self._realms: Bounded[tuple[Origin, str], bool] = Bounded(MOST)

    def __repr__(self) -> str:
        return f"Learned({len(self._offers)} challenges)"

    # What registries ask for

    def note(self, origin: Origin, repository: str | None, offers: Offers) -> None:
        """Remember what `origin` asked for, for the repository and as its last word."""
        if not offers.all:
            return
        self._offers[origin, repository] = self._offers[origin, None] = offers
        for offer in offers.of(Scheme.BEARER):
            whole = absolute(offer.realm, scheme=origin.scheme, host=origin.host, port=origin.port, path=offers.path)
            # Only of itself may a registry say that an address is no request of its own.
            if whole and origin_of(whole) == origin:
                self._realms[origin, bare(whole.partition("://")[2].partition("/")[2])] = True

    def offers(self, origin: Origin, required: RequiredAccess) -> Offers | None:
        """What `origin` asked for last time, for the repository or else at all, as far as it concerns `required`."""
        found = self._offers.get((origin, required.repository)) or self._offers.get((origin, None))
        return found.about(required.scopes) if found else None

    def is_realm(self, origin: Origin, path: str) -> bool:
        """Whether `path` (with or without a query) of `origin` is where that registry's tokens come from."""
        return (origin, bare(path)) in self._realms

    def note_worked(self, origin: Origin, repository: str | None, scheme: Scheme) -> None:
        """A request with a credential of this scheme was accepted."""
        self._worked[origin, repository] = self._worked[origin, None] = scheme

    def worked(self, origin: Origin, repository: str | None) -> Scheme | None:
        """The scheme that was accepted last, for the repository or else at all."""
        return self._worked.get((origin, repository)) or self._worked.get((origin, None))

    # Logins

    def prove(self, login: str, origin: Origin) -> None:
        """The registry, or its token server, accepted the login."""
        self._proven[login, origin] = True
        self._refused.pop((login, origin, None), None)

    def is_proven(self, login: str, origin: Origin) -> bool:
        """Whether the login was ever accepted there."""
        return (login, origin) in self._proven

    def refuse(self, login: str, origin: Origin, required: RequiredAccess, reason: StopReason, now: float) -> None:
        """The login was refused; one that is known to be right is refused for this need only, any other altogether."""
        what = frozenset(required.scopes) if self.is_proven(login, origin) else None
        self._refused[login, origin, what] = now + REFUSAL_LASTS, reason

    def refuse_access(
        self, login: str, origin: Origin, required: RequiredAccess, reason: StopReason, now: float
    ) -> None:
        """What the login stands for does not suffice for this need."""
        self._refused[login, origin, frozenset(required.scopes)] = now + REFUSAL_LASTS, reason

    def refusal(self, login: str, origin: Origin, required: RequiredAccess, now: float) -> StopReason | None:
        """Why the login was refused, altogether or for this need, within the last minute; `None`: it was not."""
        for what in (None, frozenset(required.scopes)):
            until, reason = self._refused.get((login, origin, what), (0.0, None))
            if now < until:
                return reason
        return None

    # Probes

    def note_probe(self, origin: Origin, now: float) -> None:
        """`origin` was probed."""
        self._probed[origin] = now + PROBE_LASTS

    def was_probed(self, origin: Origin, now: float) -> bool:
        """Whether `origin` was probed within the last minute."""
        return now < self._probed.get(origin, 0.0)

    # What registries put into URLs

    def note_parameters(self, origin: Origin, url: str, asked: str) -> None:
        """`origin` gave a client `url`, of its own, in the answer to the request for `asked`.

        What the client had asked with, however it was spelled, is the client's own.
        """
        mine = unquote_plus(unquote_plus(asked)).casefold()
        known = self._parameters.get(origin, frozenset())
        more = {name for name in parameters(url) if name.casefold() not in mine}
        if not more <= known and len(known) + len(more) <= _MOST_PARAMETERS:
            self._parameters[origin] = known | more

    def parameters(self, origin: Origin) -> frozenset[str]:
        """The parameters that `origin` has put into URLs for its clients."""
        return self._parameters.get(origin, frozenset())
