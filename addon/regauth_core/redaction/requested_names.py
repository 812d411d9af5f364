"""Which names the clients chose themselves, and may be shown for that: repositories, tags, hosts of their requests.

A name that an answer brought up first is somebody else's word, also where the client takes it over afterwards. What
was decided at the first sight stays, so that a name looks the same wherever it stands.
"""

from __future__ import annotations

from typing import Final

from regauth_core.bounded import Bounded
from regauth_core.redaction.looks import is_opaque
from regauth_core.redaction.vocabulary import is_known

MOST: Final = 20_000
"""Names that are remembered, the ones seen last."""
LONGEST: Final = 255


class Requested:
    """Parts of names, without slashes, by whether they are shown."""

    def __init__(self) -> None:
        self._names: Bounded[str, bool] = Bounded(MOST)

    def ask(self, name: str) -> None:
        """A client asks for `name`."""
        for part in name.split("/"):
            self._decide(part, is_shown=not is_opaque(part))

    def is_shown(self, part: str) -> bool:
        """Whether `part` may be shown as a part of a name, whoever says it."""
        return self._decide(part, is_shown=is_known(part))

    def is_asked(self, word: str) -> bool:
        """Whether `word`, in a sentence, is such a name."""
        return self._names.get(word, False)

    def _decide(self, part: str, *, is_shown: bool) -> bool:
        if len(part) > LONGEST:
            return False
        found = self._names.get(part)
        if found is None:
            found = is_shown or not part or is_known(part)
        self._names[part] = found
        return found
