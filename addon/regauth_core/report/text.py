"""Text of one line that shows every character that would otherwise act: control, direction and invisible characters."""

from __future__ import annotations

import re
from typing import Final

from regauth_core.model.values import printable

LONGEST: Final = 2000
"""Characters of one value that any report for people shows."""

_LINK = re.compile(r"https://[A-Za-z0-9.-]+(?:/[A-Za-z0-9._~/%=?&#,()-]*)?")


def visible(text: str, most: int = LONGEST) -> str:
    r"""`text` on one line, at most `most` characters long.

    Whatever does not print (controls, line breaks, direction marks, lone surrogates, unassigned code points and blanks
    other than the space) is written as an escape such as ``\x1b`` or ``\u202e``. The middle of a long text gives way
    to an ellipsis.
    """
    cut = shortened(text, most)
    return shortened(printable(cut), most)


def shortened(text: str, most: int) -> str:
    """`text`, or its beginning and end around an ellipsis, so that it has at most `most` (at least 1) characters."""
    if len(text) <= most:
        return text
    head = most // 2
    tail = most - 1 - head
    return f"{text[:head]}…{text[len(text) - tail :]}"


def is_link(url: str) -> bool:
    """Whether `url` is an https URL of nothing but harmless characters."""
    return _LINK.fullmatch(url) is not None


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """A number with its noun: ``1 host name``, ``2 host names``."""
    return f"{number} {singular if number == 1 else plural or singular + 's'}"
