"""What every kind of saved file has to offer: its items in its own order, and how it was made and ended."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

from regauth_core.model.journal import Ending, Environment, Event, Redaction
from regauth_core.recording.observe import Wire

Item = tuple[float, Wire | Event]
"""A time in seconds since 1970, and what happened then: raw traffic, or what regauth itself had recorded."""


class SavedFile(ABC):
    """One file of recorded traffic. Iterate `items` once; only then `ending`, `notes` and `redaction` are final.

    A reader raises `UserError` from its constructor where the file is not what it seems. Damage further on ends
    `items` early, or costs the damaged part, and becomes a note.
    """

    is_numbered = False
    """Whether the numbers of its exchanges are those by which a person knows them, such as an entry's place."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.ending = Ending.CLEAN
        """What the end of the file says about what may be missing."""
        self.notes: list[str] = []
        self.environment: Environment | None = None
        """Where it was recorded; `None` if regauth did not write the file."""
        self.redaction: Redaction | None = None
        """What was kept and replaced when it was recorded; `None` if the file does not say."""
        self.quiet_time: float | None = None
        """With how many seconds of silence it was recorded; `None` if the file does not say."""
        self.credentials_known = False
        """Whether it was recorded with the word that the clients have credentials."""

    @abstractmethod
    def items(self) -> Iterator[Item]:
        """What the file holds, in its own order."""

    def _ends(self, ending: Ending) -> None:
        """Of several endings, the one that says least about what may be missing counts."""
        self.ending = Ending.worst(self.ending, ending)

    def _cut(self, how: str) -> None:
        """Something of the file is missing; `how` says what."""
        self._ends(Ending.CUT)
        self.notes.append(f"{self.path.name}: {how}")
