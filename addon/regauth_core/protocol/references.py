"""Where the references in an answer lead a client: in `Location`, in `Link` (see `links`), in a manifest.

RFC 3986 section 4, RFC 8288 section 3, OCI image specification ("Content Descriptors", `urls`). Clients read what is
spelled oddly in many ways (WHATWG URL standard; curl and Go each have their own), and some of them find a host in it.
So the readers here know what is unmistakable, and say of all else that it may lead anywhere. Nothing raises.
"""

from __future__ import annotations

import ipaddress
import json
import re
from dataclasses import dataclass
from typing import Final

from regauth_core.model import DEFAULT_PORTS, Origin
from regauth_core.protocol.target import MAX_URL, absolute

MAX_MANIFEST: Final = 4 * 1024 * 1024
"""Bytes of the largest manifest that registries have to take (OCI distribution specification, "Pushing Manifests")."""
_MAX_PARSED: Final = 256 * 1024
"""Bytes of a manifest that is parsed because it may hold URLs; those that do are small."""
_MAX_LAYER_URLS: Final = 1024
_MAX_AUTHORITY: Final = 1024

# ASCII alone: without it `s` would match U+017F, the long s.
_ABSOLUTE = re.compile(
    r"(?:(?P<scheme>https?):)?+//(?:[A-Za-z0-9._~:%!$&'()*+,;=\-]*+@)?+"
    r"(?:\[(?P<v6>[0-9A-Fa-f:.]{2,45}+)\]|(?P<host>[A-Za-z0-9._\-]{1,253}+))(?::(?P<port>[0-9]{0,5}+))?+(?=[/?#]|\Z)",
    re.IGNORECASE | re.ASCII,
)
# A path, a query or a fragment: nothing that could be a scheme or a host.
_RELATIVE = re.compile(r"(?:/?[A-Za-z0-9_.~%!$&'()*+,;=@\-]++(?=[/?#]|\Z)|/[A-Za-z0-9_.~%@:\-]++|/?[?#]|/\Z)", re.ASCII)
_PLAIN = re.compile(r"[!-\[\]-~]*+", re.ASCII)
"""Visible ASCII without a backslash."""
_NUMBER = re.compile(r"[0-9]++|0x[0-9a-f]*+", re.ASCII)
_KEY: Final = "urls"
# Letters of the key as JSON may escape them, and the long s, which Go takes for an s.
_MAYBE_KEY = re.compile(rb"urls|url\xc5\xbf|\\u(?:00[57][235]|00[46]c|017f)|\x00")


@dataclass(frozen=True, slots=True)
class Lead:
    """Where a reference leads."""

    origin: Origin | None = None
    """`None`: nobody can say, so that it may be anywhere."""
    path: str | None = None
    """In origin form, with the query; `None`: anywhere at the origin."""


ANYWHERE: Final = Lead()


def followed(text: str, *, base: Origin, path: str) -> Lead:
    """Where `text`, a URL reference in the answer to the request for `path` at `base`, leads."""
    head = text[:_MAX_AUTHORITY]
    is_plain = len(text) <= MAX_URL and _PLAIN.fullmatch(text) is not None
    if not text or _RELATIVE.match(head) is not None:
        return Lead(base, _resolved(text, base, path) if is_plain else None)
    found = _ABSOLUTE.match(head)
    if found is None or (found.end() == len(head) and len(text) > len(head)):
        return ANYWHERE
    scheme = (found["scheme"] or base.scheme).lower()
    host = _address(found["v6"]) if found["v6"] else _name(found["host"].lower())
    port = int(found["port"] or DEFAULT_PORTS[scheme])
    if host is None or not 0 < port < 65536:
        return ANYWHERE
    rest = text[found.end() :]
    return Lead(Origin(scheme, host, port), (rest if rest.startswith("/") else f"/{rest}") if is_plain else None)


def _resolved(text: str, base: Origin, path: str) -> str | None:
    whole = absolute(text or path, scheme=base.scheme, host=base.host, port=base.port, path=path)
    return "/" + whole.partition("://")[2].partition("/")[2] if whole is not None else None


def _name(host: str) -> str | None:
    """A host name as it is compared; `None` for what only a resolver knows the meaning of: numbers, other alphabets."""
    bare = host.removesuffix(".")
    labels = bare.split(".")
    if "" in labels or any(label.startswith("xn--") for label in labels):
        return None
    return (_address(bare) if _NUMBER.fullmatch(labels[-1]) else bare) or None


def _address(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


def layers(body: bytes) -> tuple[str, ...] | None:
    """From where a manifest wants its foreign layers fetched, of every descriptor, in order; `None` if unclear.

    Keys count in any case and as often as they stand there: of two that are the same, clients take one or the other.
    """
    if len(body) > MAX_MANIFEST:
        return None
    if _MAYBE_KEY.search(body.lower()) is None:
        return ()
    if len(body) > _MAX_PARSED:
        return None
    try:
        waiting: list[tuple[object, bool]] = [(json.loads(body, object_pairs_hook=_pairs), False)]
    except (ValueError, RecursionError):
        return None
    found: list[str] = []
    while waiting:
        value, is_named = waiting.pop()
        if isinstance(value, str) and is_named:
            found.append(value)
        elif isinstance(value, list):
            waiting += [(each, is_named) for each in reversed(value)]
        elif isinstance(value, tuple):
            waiting += [(held, is_named or str(key).casefold() == _KEY) for key, held in reversed(value)]
    return tuple(found) if len(found) <= _MAX_LAYER_URLS else None


def _pairs(pairs: list[tuple[str, object]]) -> tuple[tuple[str, object], ...]:
    return tuple(pairs)
