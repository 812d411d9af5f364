"""Whether a finished report still is what it was after pieces of its text were replaced.

The final sweep knows nothing of formats. If what it replaces is a key of JSON, an element's name, or half a table, the
report is broken, and nobody must get it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Final
from xml.etree import ElementTree

_FREE_ATTRIBUTES: Final = frozenset({"title", "aria-label"})
"""Attributes whose values are words for a reader; all others make the page work."""
_CODE: Final = frozenset({"script", "style"})
_LINE = re.compile(r"```\w*|</?(?:details|summary)>|#{1,6} |\|(?: --- \|)+|\|")


def is_kept(name: str, before: str, after: str) -> bool:
    """Whether the report called `name` differs between `before` and `after` in nothing but words for a reader."""
    if name.endswith(".json"):
        return is_json_kept(before, after)
    if name.endswith(".html"):
        return _is_html_kept(before, after)
    if name.endswith(".xml"):
        return _is_xml_kept(before, after)
    return list(_lines(before)) == list(_lines(after))


def is_json_kept(before: str, after: str) -> bool:
    """Whether two JSON texts differ in nothing but strings that are values."""
    try:
        return _is_alike(json.loads(before), json.loads(after))
    except (ValueError, RecursionError):
        return False


def _is_alike(before: object, after: object) -> bool:
    if isinstance(before, dict) and isinstance(after, dict):
        return list(before) == list(after) and all(_is_alike(held, after[key]) for key, held in before.items())
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(map(_is_alike, before, after))
    if isinstance(before, str) and isinstance(after, str):
        return True
    # NaN is not written by any JSON of ours, so equality will do.
    return type(before) is type(after) and before == after


def _is_xml_kept(before: str, after: str) -> bool:
    try:
        # Both are of our own making.
        return _shape(ElementTree.fromstring(before)) == _shape(ElementTree.fromstring(after))  # noqa: S314
    except ElementTree.ParseError:
        return False


def _shape(root: ElementTree.Element) -> list[tuple[str, list[str]]]:
    return [(element.tag, list(element.attrib)) for element in root.iter()]


class _Page(HTMLParser):
    """Notes all of a page but the words for a reader."""

    def __init__(self) -> None:
        super().__init__()
        self.shape: list[object] = []
        self._in_code = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        kept = [(name, None if name in _FREE_ATTRIBUTES else value) for name, value in attrs]
        self.shape.append((tag, kept))
        self._in_code = tag in _CODE

    def handle_endtag(self, tag: str) -> None:
        """An element ends."""
        self.shape.append(tag)
        self._in_code = False

    def handle_data(self, data: str) -> None:
        """Text; of the page's own code every character counts."""
        if self._in_code:
            self.shape.append(data)

    def handle_decl(self, decl: str) -> None:
        """The document's type."""
        self.shape.append(decl)

    def handle_comment(self, data: str) -> None:
        """A comment, of which there is none."""
        self.shape.append(data)


def _is_html_kept(before: str, after: str) -> bool:
    shapes = []
    for text in (before, after):
        page = _Page()
        page.feed(text)
        page.close()
        shapes.append(page.shape)
    return shapes[0] == shapes[1]


def _lines(text: str) -> Iterator[tuple[str, int]]:
    """What each line of Markdown is by its beginning, and how many cells a table's row has."""
    for line in text.split("\n"):
        begin = _LINE.match(line)
        if begin is not None:
            yield begin.group(), line.replace("\\|", "").count("|") if begin.group().startswith("|") else 0
