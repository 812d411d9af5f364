"""What a report is made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from regauth_core.model.exchange import Exchange, Sender
from regauth_core.model.finding import Diagnosis, Proof
from regauth_core.model.obstacle import Obstacle
from regauth_core.model.values import Safe


@dataclass(frozen=True, slots=True, kw_only=True)
class Redaction:
    """What was kept and what was replaced, in numbers, for the last line of every output."""

    secrets: int
    """Distinct secrets that were replaced by fingerprints."""
    values: int
    """Header, query and body values that were replaced."""
    hosts: int
    """Distinct host names that are shown."""
    repositories: int
    bodies: int
    """Bodies of which a part was kept (token answers, error bodies)."""
    late: int = 0
    """Replacements that only the final sweep made."""
    pseudonyms: int = 0
    """Names of hosts, repositories and users that were replaced by pseudonyms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Where a trace was taken."""

    regauth: str
    mitmproxy: str | None = None
    platform: str | None = None
    command: Safe | None = None
    """The client's command line after redaction, as one would type it."""
    client_version: Safe | None = None
    """What the client prints as its version."""
    status: int | None = None
    """The command's exit status."""
    distrusted: bool = False
    """A client did not trust the proxy's authority, and what it wanted could not be seen."""
    obstacles: tuple[Obstacle, ...] = ()
    """What was between the command and the registry, the decisive first."""
    scenario: Safe | None = None
    """The name of the scenario file that answered."""


class Ending(StrEnum):
    """How a stream of exchanges came to its end."""

    GONE = "gone"
    """Every client is known to be gone: its process ended, or the trace says so."""
    CLEAN = "clean"
    """The file was read to its end."""
    CUT = "cut"
    """The file is damaged or breaks off."""
    STOPPED = "stopped"
    """The recording was stopped while clients may still be there."""

    @staticmethod
    def worst(*endings: Ending) -> Ending:
        """Of several endings (at least one) the one that tells least about what may be missing."""
        return max(endings, key=_BY_DOUBT.index)


_BY_DOUBT: Final = (Ending.GONE, Ending.CLEAN, Ending.STOPPED, Ending.CUT)


@dataclass(frozen=True, slots=True)
class Gone:
    """A client that is known to have ended, and when."""

    sender: Sender
    at: float


@dataclass(frozen=True, slots=True)
class Break:
    """Here one recording ended and another began, or a piece is missing: no conversation goes on beyond it."""

    at: float
    ending: Ending


Event = Exchange | Gone | Proof | Break
"""What may happen while exchanges are captured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """How exchanges were captured. With it the same exchanges give the same findings again."""

    ending: Ending
    quiet_time: float
    """Seconds without a further request after which a client is taken to have nothing more to say."""
    credentials_known: bool = False
    """The operator said that the clients hold credentials."""
    gone: tuple[Gone, ...] = ()
    """The clients that ended while it went on, in the order in which that was learnt."""
    breaks: tuple[Break, ...] = ()
    """Where it is not of one piece."""
    proofs: tuple[Proof, ...] = ()
    """What came of answering refusals beside the clients."""


@dataclass(frozen=True, slots=True, kw_only=True, weakref_slot=True)
class Journal:
    """All that a report is made of."""

    exchanges: tuple[Exchange, ...]
    clients_of: dict[int, str]
    """The client of each exchange, by the exchange's number."""
    diagnosis: Diagnosis
    environment: Environment
    redaction: Redaction | None = None
    left_out: int = 0
    """Exchanges that were recorded and are no longer held."""
    capture: Capture | None = None
    """`None` where it is not known, as for a journal made by hand."""
    scenario: tuple[Safe, ...] = ()
    """A scenario file, by lines, whose registry behaves as the one in the exchanges; empty where there is none."""
