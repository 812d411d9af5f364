"""Reads `Link` field lines (RFC 8288 section 3): which URLs they name, and the parameters of each.

Tolerant: whatever stands between a pair of pointed brackets is a URL, because some client will take it for one. In one
pass from left to right, so the time is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

LONGEST: Final = 8192
"""Characters of one URL; a longer one is passed over."""

_PARAMETERS = re.compile(r"(?:[^,\"]++|\"[^\"]*+\"?+)*+")
_PARAMETER = re.compile(r";([^=;,\"]*+)(?:=[ \t]*+(?:\"([^\"]*+)\"?+|([^;,\"]*+)))?+")


@dataclass(frozen=True, slots=True)
class Named:
    """A URL in a `Link` line, and where its brackets are: `begin` is the place of the first, `end` behind the last."""

    url: str = field(repr=False)
    begin: int
    end: int


def named(line: str) -> Iterator[Named]:
    """Every URL between pointed brackets, in order; of brackets that are opened twice the inner pair counts."""
    at = 0
    while (end := line.find(">", at)) >= 0:
        begin = line.rfind("<", at, end)
        if begin >= 0 and 0 < end - begin - 1 <= LONGEST:
            yield Named(line[begin + 1 : end], begin, end + 1)
        at = end + 1


def following(line: str) -> str | None:
    """The first URL whose relation is ``next``; `None` where there is none. `line` may be several, joined by commas."""
    parameters_end = 0
    for link in named(line):
        if link.begin < parameters_end:
            continue  # inside a parameter of the link before
        parameters = _PARAMETERS.match(line, link.end)
        parameters_end = parameters.end() if parameters else link.end
        for name, quoted, bare in _PARAMETER.findall(line[link.end : parameters_end]):
            if name.strip().lower() == "rel" and "next" in (quoted or bare).lower().split():
                return link.url.strip()
    return None
