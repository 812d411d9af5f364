"""JSON text of values, whatever text they hold."""

from __future__ import annotations

import msgspec

from regauth_core.report.plain import visible


def encode(value: object, *, indent: int = 2) -> str:
    """`value` (anything that msgspec can encode) as indented JSON with a newline at its end.

    Lone surrogates, which UTF-8 cannot hold, become visible escapes.
    """
    try:
        raw = msgspec.json.encode(value)
    except UnicodeEncodeError:
        raw = msgspec.json.encode(_whole(msgspec.to_builtins(value)))
    return msgspec.json.format(raw, indent=indent).decode() + "\n"


def _whole(value: object) -> object:
    if isinstance(value, str):
        return "".join(visible(c) if "\ud800" <= c <= "\udfff" else c for c in value)
    if isinstance(value, dict):
        return {_whole(key): _whole(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_whole(one) for one in value]
    return value
