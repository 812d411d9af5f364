"""The JSON value of a body, in any encoding of Unicode. Nothing here raises on wire input."""

from __future__ import annotations

import json

import msgspec


def json_of(body: bytes | None, most: int) -> object:
    """The JSON value of a body of at most `most` bytes; `None` for anything else.

    In any UTF, with or without a byte order mark: RFC 8259 section 8.1 lets readers pass over the mark. Of two fields
    with one name the last counts, as for Go and Python.
    """
    if not body or len(body) > most:
        return None
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, ValueError):
        pass
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
