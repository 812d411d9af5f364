"""Where the modules that change traffic say what the reader of the recording has to know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from regauth_core.redaction.redactor import Redactor


@dataclass(frozen=True, slots=True)
class Notes:
    """The notes of one recording, and the redactor that decides which names may stand in them."""

    redactor: Redactor
    note: Callable[[str], None]
    """Adds a sentence, which holds nothing unredacted from the wire. The same one again is only counted."""
