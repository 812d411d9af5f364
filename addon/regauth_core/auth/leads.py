"""Which clients other origins have led where. Bounded, and forgotten with the process."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from regauth_core.auth.required_access import segments
from regauth_core.bounded import Bounded
from regauth_core.model import Origin
from regauth_core.protocol.references import Lead

LASTS: Final = 3600.0
"""Seconds for which it is remembered that somebody else named an address."""
_MOST_CLIENTS: Final = 1024
_MOST_PLACES: Final = 4096
"""Addresses for one client; one that was given more was led anywhere."""
_MOST_PROCESSES: Final = 4096


@dataclass(frozen=True, slots=True)
class _Anywhere:
    until: float
    but: Origin | None
    """Who led: it may lead to itself. `None` where several did, or one that was itself somebody else's idea."""


@dataclass(slots=True)
class _Client:
    places: dict[tuple[Origin, str | None], float] = field(default_factory=dict)
    anywhere: dict[int | None, _Anywhere] = field(default_factory=dict)


class Leads:
    """What other origins have directed clients to. Times are seconds since the epoch.

    What leads to an address is remembered for that address, whoever asks for it at the client's place. What may lead
    anywhere is remembered of the client's process: the next one asks for what its own user wants. A client whose
    process is not known is any of those at its place.
    """

    def __init__(self) -> None:
        self._clients: Bounded[str, _Client] = Bounded(_MOST_CLIENTS)

    def note(self, client: str, process: int | None, lead: Lead, by: Origin | None, now: float) -> None:
        """Somebody led the client to `lead`; `by` is who, unless going there was somebody else's idea in turn."""
        if lead.origin is not None and lead.origin == by:
            return
        known = self._clients.get(client)
        if known is None:
            known = self._clients[client] = _Client()
        until = now + LASTS
        if lead.origin is None:
            self._loose(known, process, _Anywhere(until, by), now)
            return
        known.places[lead.origin, None if lead.path is None else bare(lead.path)] = until
        if len(known.places) > _MOST_PLACES:
            known.places = {place: end for place, end in known.places.items() if now < end}
        if len(known.places) > _MOST_PLACES:
            known.places.clear()
            self._loose(known, None, _Anywhere(until, None), now)

    def _loose(self, known: _Client, process: int | None, found: _Anywhere, now: float) -> None:
        before = known.anywhere.get(process)
        if before is not None and now < before.until and before.but != found.but:
            found = _Anywhere(found.until, None)
        known.anywhere[process] = found
        if len(known.anywhere) > _MOST_PROCESSES:
            known.anywhere = {None: _Anywhere(found.until, None)}

    def is_led(self, client: str, process: int | None, origin: Origin, path: str | None, now: float) -> bool:
        """Whether another origin directed `client` to `path` of `origin`, whatever the query, or may have."""
        known = self._clients.get(client)
        if known is None:
            return False
        places = {(origin, None)} if path is None else {(origin, None), (origin, bare(path))}
        if any(now < known.places.get(place, 0.0) for place in places):
            return True
        loose = known.anywhere.items()
        return any(
            now < found.until and found.but != origin
            for whose, found in loose
            if whose is None or process is None or whose == process
        )


def bare(path: str) -> str:
    """The one spelling of a path: decoded, without dot segments, parameters, empty segments and query."""
    kept: list[str] = []
    for part in segments(path.partition("#")[0].partition("?")[0]):
        if part == "..":
            del kept[-1:]
        elif part not in ("", "."):
            kept.append(part)
    return "/" + "/".join(kept)
