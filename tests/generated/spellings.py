"""Ways to write the same secret: those that a reader undoes at a glance or with one tool, and those beyond.

A spelling takes and gives text in which a lone surrogate stands for a byte that is no UTF-8.
"""

from __future__ import annotations

import base64
import codecs
import gzip
import html
import json
import quopri
import unicodedata
from collections.abc import Callable, Mapping
from html.entities import codepoint2name
from typing import Final
from urllib.parse import quote, quote_plus

Spell = Callable[[str], str]


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _every(form: str) -> Spell:
    """Each byte written so."""
    return lambda text: "".join(form.format(byte) for byte in _raw(text))


def _each(form: str) -> Spell:
    """Each character written so."""
    return lambda text: "".join(form.format(ord(sign)) for sign in text)


def _base64(text: str, before: str = "") -> str:
    return base64.b64encode(_raw(before + text)).decode()


def _lines(text: str, width: int, between: str) -> str:
    return between.join(text[at : at + width] for at in range(0, len(text), width))


def _json_escaped(text: str) -> str:
    units = text.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def _named(text: str) -> str:
    return "".join(f"&{codepoint2name[ord(sign)]};" if ord(sign) in codepoint2name else sign for sign in text)


def _misread(text: str, charset: str) -> str:
    """The UTF-8 bytes, read as something else."""
    return _raw(text).decode(charset, "replace")


def _in(charset: str) -> Spell:
    """The bytes of another character set, where it has the letters."""

    def spell(text: str) -> str:
        try:
            return _text(text.encode(charset))
        except UnicodeEncodeError:
            return text

    return spell


REQUIRED: Final[Mapping[str, Spell]] = {
    "as it is": str,
    "URL": lambda text: quote(_raw(text), safe=""),
    "URL, slash kept": lambda text: quote(_raw(text)),
    "URL twice": lambda text: quote(quote(_raw(text), safe=""), safe=""),
    "URL, lower-case digits": lambda text: _lower_hex(quote(_raw(text), safe="")),
    "URL, every sign": _every("%{:02X}"),
    "URL, every sign, lower-case digits": _every("%{:02x}"),
    "URL, every sign, twice": _every("%25{:02X}"),
    "form": lambda text: quote_plus(_raw(text)),
    "base64": _base64,
    "base64, unpadded": lambda text: _base64(text).rstrip("="),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(_raw(text)).decode(),
    "base64, behind one": lambda text: _base64(text, "x"),
    "base64, behind two": lambda text: _base64(text, "xy"),
    "base64 of user and password": lambda text: _base64(text, "alice:"),
    "base64 of JSON": lambda text: _base64(json.dumps({"username": "alice", "password": text}, ensure_ascii=False)),
    "base64 in lines of 76": lambda text: _lines(_base64(text), 76, "\r\n"),
    "base64 in lines of 64": lambda text: _lines(_base64(text), 64, "\n"),
    "base64 in lines of 16": lambda text: _lines(_base64(text), 16, "\n"),
    "base64, URL": lambda text: quote(_base64(text), safe=""),
    "hexadecimal": lambda text: _raw(text).hex(),
    "hexadecimal, upper case": lambda text: _raw(text).hex().upper(),
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON, slash escaped": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "JSON, every sign": _json_escaped,
    "JSON in JSON": lambda text: json.dumps(json.dumps({"password": text})),
    "HTML": html.escape,
    "HTML twice": lambda text: html.escape(html.escape(text)),
    "HTML numbers": _each("&#{};"),
    "HTML hexadecimal": _each("&#x{:x};"),
    "HTML names": _named,
    "Python": repr,
    "Python bytes": lambda text: repr(_raw(text)),
    "Latin-1": _in("latin-1"),
    "Windows-1252": _in("cp1252"),
    "UTF-8 read as Latin-1": lambda text: _misread(text, "latin-1"),
    "UTF-8 read as Windows-1252": lambda text: _misread(text, "cp1252"),
    "upper case": str.upper,
    "lower case": str.lower,
    "title case": str.title,
    "quoted-printable": lambda text: quopri.encodestring(_raw(text)).decode(),
    "backslashes": lambda text: "".join(sign if sign.isalnum() else f"\\{sign}" for sign in text),
    "in quotes": lambda text: f'"{text}"',
    "in brackets": lambda text: f"[({text})].",
    "behind user": lambda text: f"alice:{text}",
    "behind a name": lambda text: f"password={text},",
    "between letters": lambda text: f"xx{text}yy",
    "broken": lambda text: _lines(text, max(4, len(text) // 2 + 1), "\n"),
}
"""What has to be found, by name."""

BEYOND: Final[Mapping[str, Spell]] = {
    "reversed": lambda text: text[::-1],
    "base32": lambda text: base64.b32encode(_raw(text)).decode(),
    "rot13": lambda text: codecs.encode(text, "rot13"),
    "gzip, base64": lambda text: base64.b64encode(gzip.compress(_raw(text), mtime=0)).decode(),
    "UTF-16, base64": lambda text: base64.b64encode(text.encode("utf-16-le", "surrogatepass")).decode(),
    "UTF-16, hexadecimal": lambda text: text.encode("utf-16-le", "surrogatepass").hex(),
    "twice base64": lambda text: _base64(_base64(text)),
    "octal": _every("\\{:03o}"),
    "decomposed": lambda text: unicodedata.normalize("NFD", text),
    "zero-width spaces": lambda text: "\u200b".join(text),
    "hyphens between": lambda text: "-".join(text),
    "decimal": lambda text: ",".join(str(byte) for byte in _raw(text)),
}
"""What is counted apart: no sweep can know every one, only a vocabulary keeps them out."""

SPELLINGS: Final[Mapping[str, Spell]] = {**REQUIRED, **BEYOND}


def _lower_hex(text: str) -> str:
    pieces = text.split("%")
    return "%".join([pieces[0], *(piece[:2].lower() + piece[2:] for piece in pieces[1:])])
