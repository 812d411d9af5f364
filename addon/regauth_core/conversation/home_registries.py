"""Which registry a credential belongs to: the one for whose challenge it was fetched, or where it was accepted.

A token belongs to the registry whose challenge sent the client to its token server; a password to the registry, or the
token server of the registry, that took it. Where nothing of that was seen, it belongs to where it was used first.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from regauth_core.bounded import Bounded
from regauth_core.model import Exchange, Fingerprint


class Basis(IntEnum):
    """Why a credential is taken to belong to a registry; the higher ones hold better."""

    USED = 0
    """It was used there first."""
    ACCEPTED = 1
    FETCHED = 2
    """Its issue was asked for to answer that registry's challenge."""


class HomeRegistry(NamedTuple):
    """The registry that a credential belongs to, and the exchange that shows it."""

    registry: str
    exchange: Exchange
    ground: Basis


class HomeRegistries:
    """The homes of one client's credentials."""

    def __init__(self) -> None:
        self._known: Bounded[Fingerprint, HomeRegistry] = Bounded(256)

    def of(self, credential: Fingerprint | None) -> HomeRegistry | None:
        """Where a credential belongs; `None` where it was never seen, or is `None`."""
        return self._known.get(credential) if credential is not None else None

    def note(self, credential: Fingerprint, registry: str, exchange: Exchange, ground: Basis) -> None:
        """A credential was used at, accepted by or fetched for a registry: what holds better than before is kept."""
        known = self._known.get(credential)
        if known is None or ground > known.ground:
            self._known[credential] = HomeRegistry(registry, exchange, ground)
