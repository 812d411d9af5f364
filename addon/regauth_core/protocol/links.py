"""Reads `Link` field lines (RFC 8288 section 3): which URLs they name, and the parameters of each.

Tolerant: whatever stands between a pair of pointed brackets is a URL, because some client will take it for one. Who
must miss none, because secrets might follow, asks for `linked`: it also says whether a line holds anything in which
another client might find a URL that is not among them. In one pass from left to right, so the time is linear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

LONGEST: Final = 8192
"""Characters of one URL; a longer one is passed over."""

_MAX_LINE: Final = 16 * 1024
_MAX_LINKS: Final = 16
_WHOLE = re.compile(
    rf"(?:[ \t]*+<[^<>]{{0,{LONGEST}}}+>[ \t]*+"
    r"(?:;[ \t]*+[A-Za-z*\-]++[ \t]*+(?:=[ \t]*+(?:\"[^\"\\]*+\"|[^\s\",;<>]*+))?+[ \t]*+)*+(?:,|\Z))*+[ \t]*+",
    re.ASCII,
)
"""A line that keeps the grammar."""
_PARAMETERS = re.compile(r"(?:[^,\"]++|\"[^\"]*+\"?+)*+")
_PARAMETER = re.compile(r";([^=;,\"]*+)(?:=[ \t]*+(?:\"([^\"]*+)\"?+|([^;,\"]*+)))?+")


@dataclass(frozen=True, slots=True)
class BracketedUrl:
    """A URL in a `Link` line, and where its brackets are: `begin` is the place of the first, `end` behind the last."""

    url: str = field(repr=False)
    begin: int
    end: int


def named(line: str) -> Iterator[BracketedUrl]:
    """Every URL between pointed brackets, in order; of brackets that are opened twice the inner pair counts."""
    at = 0
    while (end := line.find(">", at)) >= 0:
        begin = line.rfind("<", at, end)
        if begin >= 0 and 0 < end - begin - 1 <= LONGEST:
            yield BracketedUrl(line[begin + 1 : end], begin, end + 1)
        at = end + 1


def linked(line: str) -> tuple[str, ...] | None:
    """The URLs in a line; `None` where it is longer or has more than is read, or does not keep the grammar.

    An empty one is left out: it names the page itself.
    """
    if len(line) > _MAX_LINE or _WHOLE.fullmatch(line) is None:
        return None
    urls = tuple(link.url for link in named(line))
    return urls if len(urls) <= _MAX_LINKS else None


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
