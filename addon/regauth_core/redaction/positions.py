"""Secrets that are known by where they stand: in the user information of a URL, behind a name that means a secret.

Nothing is judged by its looks here. Everything is bounded and linear in what is read; nothing raises on wire text.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote, unquote_plus

import msgspec

from regauth_core.redaction.free_text import SECRET_NAME
from regauth_core.redaction.looks import is_opaque

MAX_VALUES: Final = 4096
"""Values of a JSON text that are looked at."""
MAX_PAIRS: Final = 256
"""Parameters of a form or a URL that are looked at."""
_MAX_INSIDE: Final = 64 * 1024
"""Characters of a value in which JSON is looked for."""
_DEPTH: Final = 4
"""How deep JSON in JSON is read."""

_OTHER_NAME = re.compile(r"(?:pass|passphrase|passcode|pass_?word|pw|creds?|bearer|private)(?![a-z])", re.I)
"""Names of secrets that are ordinary words where they stand in a sentence."""
_INNOCENT_NAME = re.compile(r"(?:\A|[^a-z])authors?\Z|_(?:type|url|uri|endpoint)\Z|\Atoken_type\Z", re.I)
_USER_INFO = re.compile(r"://([^/\s\"'<>\\?#]{1,1024}@)")
_FRAGMENT = re.compile(r"#([^\s\"'<>]{1,4096}+)")
_ELEMENT = re.compile(r"<([A-Za-z][A-Za-z0-9:._\-]{0,64}+)(?:\s[^<>]{0,256}+)?>([^<]{1,4096}+)</")
_BASE64 = re.compile(r"[A-Za-z0-9+/_\-]{4,}+={0,2}+")
_HOLDERS: Final = frozenset({"value", "secret", "raw", "content", "data", "id"})
"""Below a name that means a secret, the names that hold it."""
_NOT: Final = frozenset({"", "true", "false", "null", "none", "yes", "no"})


def is_secret(name: str) -> bool:
    """Whether what is called `name` in a form, in JSON or in XML is a secret."""
    telling = SECRET_NAME.search(name) or _OTHER_NAME.search(name)
    return telling is not None and _INNOCENT_NAME.search(name) is None


def of_text(text: str) -> Iterator[str]:
    """User information and fragments of the URLs in `text`; a query is read where it is shown."""
    if "://" in text:
        for found in _USER_INFO.finditer(text):
            yield from of_user_info(found[1][:-1])
    if "#" in text:
        for found, _ in zip(_FRAGMENT.finditer(text), range(MAX_PAIRS), strict=False):
            yield from of_form(found[1])


def of_form(text: str) -> Iterator[str]:
    """The secrets in a form or a query."""
    for pair in re.split("[&;\n]", text, maxsplit=MAX_PAIRS)[:MAX_PAIRS]:
        name, equals, value = pair.partition("=")
        if equals:
            yield from of_pair(_decoded(name.strip()[:128]), _decoded(value.rstrip("\r")))


def of_user_info(info: str) -> Iterator[str]:
    """What stands in front of the host in a URL."""
    user, colon, password = info.partition(":")
    yield _unquoted(info)
    if colon and password:
        yield _unquoted(password)
        if is_opaque(_unquoted(user)):
            yield _unquoted(user)


def of_pair(name: str, value: str) -> Iterator[str]:
    """The secrets in one parameter, whose name and value are decoded."""
    if value[:1] in ("{", "["):
        yield from of_json(_json(value))
    elif is_secret(name) and value.lower() not in _NOT:
        yield value
        yield from _inside(value)
    if "://" in value:
        yield from of_text(value)


def of_field(value: str) -> Iterator[str]:
    """The secrets in a header field: in its URLs, and in JSON, be it in base64, as docker hands credentials on."""
    yield from of_text(value)
    held = value.strip()
    if held[:1] in ("{", "["):
        yield from of_json(_json(held))
    elif held[:2] in ("ey", "W3", "ew"):
        yield from of_json(_json(_plain(held)))


def of_body(text: str) -> Iterator[str]:
    """The secrets in what a client sends as a form, as XML, or in lines; JSON is `of_json`."""
    for found, _ in zip(_ELEMENT.finditer(text), range(MAX_PAIRS), strict=False):
        yield from of_pair(found[1], found[2].strip())
    yield from of_form(text)
    yield from of_text(text)


def of_json(value: object) -> Iterator[str]:
    """Every string in a JSON value whose name says that it is a secret, however deep it lies."""
    waiting: list[tuple[str, object, int]] = [("", value, 0)]
    for _ in range(MAX_VALUES):
        if not waiting:
            return
        name, held, depth = waiting.pop()
        if isinstance(held, str):
            yield from of_pair(name, held) if name else of_text(held)
            if depth < _DEPTH and held[:1] in ("{", "[") and not name:
                waiting.append(("", _json(held), depth + 1))
        elif isinstance(held, list):
            waiting += [(name, one, depth) for one in held[:MAX_VALUES]]
        elif isinstance(held, dict):
            waiting += [(_name(name, key, held), one, depth) for key, one in list(held.items())[:MAX_VALUES]]


def _name(above: str, key: object, fields: dict[object, object]) -> str:
    """The name that says what stands behind `key`; empty where none says that it is a secret."""
    own = str(key)[:128]
    if is_secret(own):
        return own
    if own.lower() == "value":
        named = fields.get("name", fields.get("key"))
        if isinstance(named, str) and is_secret(named[:128]):
            return named[:128]
    return above if above and own.lower() in _HOLDERS else ""


def _inside(value: str) -> Iterator[str]:
    """The password of a pair in base64, as configuration files of clients hold it, or what JSON there holds."""
    plain = _plain(value)
    if plain.lstrip()[:1] in ("{", "["):
        yield from of_json(_json(plain))
    user, colon, password = plain.partition(":")
    if colon and password and user.isprintable():
        yield password


def _plain(value: str) -> str:
    """What `value` is in base64; empty where it is something else."""
    if len(value) > _MAX_INSIDE or _BASE64.fullmatch(value) is None:
        return ""
    bare = value.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return b64decode(bare + "=" * (-len(bare) % 4)).decode("utf-8")
    except ValueError:
        return ""


def _json(text: str) -> object:
    if not text or len(text) > _MAX_INSIDE:
        return None
    try:
        return msgspec.json.decode(text)
    except (ValueError, RecursionError):
        return None


def _decoded(text: str) -> str:
    return unquote_plus(text, errors="surrogateescape") if "%" in text or "+" in text else text


def _unquoted(text: str) -> str:
    return unquote(text, errors="surrogateescape") if "%" in text else text
