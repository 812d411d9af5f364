"""JSON text of values, whatever text they hold."""

from __future__ import annotations

import re

import msgspec

from regauth_core.report.text import visible

_MAYBE_UNSEEN = re.compile(r"[^\x20-\x7e\n\r\t]")


def encode(value: object, *, indent: int = 2) -> str:
    """`value` (anything that msgspec can encode) as indented JSON with a newline at its end.

    Lone surrogates, which UTF-8 cannot hold, become visible escapes. What does not print (`escaped`) is JSON's escape.
    """
    try:
        raw = msgspec.json.encode(value)
    except UnicodeEncodeError:
        raw = msgspec.json.encode(_whole(msgspec.to_builtins(value)))
    return escaped(msgspec.json.format(raw, indent=indent).decode()) + "\n"


def escaped(text: str) -> str:
    r"""JSON text that means the same, and in which no control, direction or invisible character stands as itself.

    They are written as ``\u009b``, those beyond the first plane as a pair; line breaks and blanks between values stay.
    """
    return _MAYBE_UNSEEN.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    sign = found[0]
    if sign.isprintable():
        return sign
    code = ord(sign)
    if code < 0x10000:
        return f"\\u{code:04x}"
    return f"\\u{0xD7C0 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"


def _whole(value: object) -> object:
    if isinstance(value, str):
        return "".join(visible(c) if "\ud800" <= c <= "\udfff" else c for c in value)
    if isinstance(value, dict):
        return {_whole(key): _whole(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_whole(one) for one in value]
    return value
