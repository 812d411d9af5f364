"""The places of a finished report that belong to its format and stay whatever a secret looks like.

The values of a report are swept before they are rendered. The last look at the finished text replaces between these
places only, and no secret can break the format: not one that is a key, an element's name, or half a table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

Span = tuple[int, int]
"""From, to."""

_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"(\s{0,4}+:)?', re.DOTALL)
_TAG = re.compile(r"<[/!?a-zA-Z][^>]*+>")
# What is not closed is taken to the end, where nothing is left to look for: each text is gone over once.
_CODE = re.compile(r"<(script|style)\b[^<>]*+>(?:.*?</\1>|(.*+))", re.DOTALL)
_ATTRIBUTE = re.compile(r"""\s([A-Za-z][A-Za-z0-9:_\-]*+)=(?:"([^"]*+)"|'([^']*+)')""")
_FREE_ATTRIBUTES: Final = frozenset({"title", "aria-label"})
"""Attributes of a page whose values are words for a reader; all others make the page work."""
_LINE_MARKS = re.compile(
    r"^[ \t]*(?:```[^\n]*|\|(?: --- \|)+|#{1,6} |[-*] |\d{1,9}\. |> )|</?(?:details|summary|br|sub|kbd)\b[^>\n]*>|\n",
    re.MULTILINE,
)
_CELL = re.compile(r"(?<!\\)\|")


def of_json(text: str) -> tuple[Span, ...]:
    """The places in a JSON report that stay as they are: in order, apart from each other."""
    return tuple(_between(_json_values(text), len(text)))


def of_html(text: str) -> tuple[Span, ...]:
    """The same for a page."""
    return tuple(_between(_page_words(text), len(text)))


def of_xml(text: str) -> tuple[Span, ...]:
    """The same for XML."""
    return tuple(_between(_xml_words(text), len(text)))


def of_markdown(text: str) -> tuple[Span, ...]:
    """The same for Markdown."""
    return tuple(_markdown_marks(text))


def _between(free: Iterator[Span], size: int) -> Iterator[Span]:
    at = 0
    for begin, end in free:
        if begin > at:
            yield at, begin
        at = end
    if at < size:
        yield at, size


def _json_values(text: str) -> Iterator[Span]:
    """The insides of strings that are no keys."""
    for found in _STRING.finditer(text):
        if found[1] is None:
            yield found.start() + 1, found.end() - 1


def _page_words(text: str) -> Iterator[Span]:
    at = 0
    for code in _CODE.finditer(text):
        if code[2] is not None:
            break
        yield from _words(text, at, code.start(), _FREE_ATTRIBUTES)
        at = code.end()
    yield from _words(text, at, len(text), _FREE_ATTRIBUTES)


def _xml_words(text: str) -> Iterator[Span]:
    """Text, and the values of attributes: those that are not data are numbers."""
    yield from _words(text, 0, len(text), None)


def _words(text: str, at: int, end: int, attributes: frozenset[str] | None) -> Iterator[Span]:
    for tag in _TAG.finditer(text, at, end):
        if tag.start() > at:
            yield at, tag.start()
        for one in _ATTRIBUTE.finditer(text, tag.start(), tag.end()):
            if attributes is None or one[1] in attributes:
                yield one.span(2 if one[2] is not None else 3)
        at = tag.end()
    if end > at:
        yield at, end


def _markdown_marks(text: str) -> Iterator[Span]:
    """What begins a line, ends it, or parts the cells of a table."""
    at = 0
    for line in text.splitlines(keepends=True):
        if line.startswith("|"):
            yield from ((at + cell.start(), at + cell.end()) for cell in _CELL.finditer(line))
            yield at + len(line.rstrip("\n")), at + len(line)
        else:
            yield from ((at + mark.start(), at + mark.end()) for mark in _LINE_MARKS.finditer(line))
        at += len(line)
