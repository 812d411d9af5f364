"""Reads answers that are not JSON: whether it is HTML, its error text, its date.

Nothing here raises on wire input; what comes out is raw text.
"""

from __future__ import annotations

import html
import re
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Final

_MOST: Final = 16 * 1024
"""Bytes of a page that are looked at."""

_START = re.compile(rb"[\s\xef\xbb\xbf]{0,100}+<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_UNSEEN = re.compile(r"<(script|style)\b", re.IGNORECASE)
_SEEN = {name: re.compile(rf"</{name}[^<>]{{0,100}}+>?+", re.IGNORECASE) for name in ("script", "style")}
_TAG = re.compile(r"<[^<>]{0,1000}+>?+")


def is_html(content_type: str | None, body: bytes | None) -> bool:
    """Whether an answer is a page, by its type or by how it begins."""
    return (content_type is not None and "html" in content_type[:64].lower()) or (
        body is not None and body[:1] in (b"<", b" ", b"\n", b"\r", b"\t", b"\xef") and _START.match(body) is not None
    )


def error_text(body: bytes, markup: bool) -> str:
    """The words of an error page or a plain error text, on one line; empty where the body is not text."""
    text = body[:_MOST].decode("utf-8", "replace")
    if body[:2] == b"\x1f\x8b" or (text.count("\ufffd") + text.count("\0")) * 16 > len(text):
        return ""
    if len(body) > _MOST:
        # The last word may be half a secret.
        text = text.rpartition(" ")[0]
    if markup:
        text = html.unescape(_TAG.sub(" ", _without_code(text)))
    return " ".join(text.split())


def _without_code(text: str) -> str:
    kept: list[str] = []
    at = 0
    while begin := _UNSEEN.search(text, at):
        kept.append(text[at : begin.start()])
        end = _SEEN[begin[1].lower()].search(text, begin.end())
        at = end.end() if end else len(text)
    return " ".join([*kept, text[at:]])


@lru_cache(1024)
def seconds(date: str) -> float | None:
    """An HTTP date (RFC 9110 section 5.6.7) as seconds since the epoch."""
    try:
        return parsedate_to_datetime(date[:64]).timestamp()
    except (ValueError, OverflowError, IndexError, TypeError):
        return None
