"""Reads what a request is about from its method and path, and what origin a URL has.

OCI distribution specification, "Endpoints"; OCI image specification, "Digests"; RFC 3986 sections 3.2 and 5.2.
Nothing here raises on wire input.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, unquote_plus, urljoin

from regauth_core.model import DEFAULT_PORTS, Endpoint, Origin, Safe, Target

MAX_URL: Final = 16 * 1024
"""Characters of a path or URL that are read."""
MAX_QUERY: Final = 256
"""Query parameters that are looked at."""

_DIGEST = re.compile(r"[a-z0-9]++(?:[+._\-][a-z0-9]++)*+:[A-Za-z0-9=_\-]++")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*+:")
_NO_AUTHORITY = re.compile(r"https?:(?!//)", re.IGNORECASE | re.ASCII)
_NOT_IN_URLS = re.compile(r"[\x00-\x20\x7f]")
_ORIGIN = re.compile(
    r"(?P<scheme>https?)://(?:[^/?#@\\\[\]\x00-\x20\x7f]*+@)?+"
    r"(?:\[(?P<v6>[0-9A-Fa-f:.]++)\]|(?P<host>[^/?#@:\\\[\]\x00-\x20\x7f%<>\"^`{|}]++))"
    r"(?::(?P<port>[0-9]{0,5}+))?+(?=[/?#]|\Z)",
    re.IGNORECASE | re.ASCII,  # for all letters, `s` would be the long one too
)
_WORDS = {"manifests": Endpoint.MANIFEST, "blobs": Endpoint.BLOB, "referrers": Endpoint.REFERRERS}


@dataclass(frozen=True, slots=True)
class _Place:
    """What a path below ``/v2/`` names, percent-decoded, before anything of it is made safe."""

    endpoint: Endpoint
    repository: str = ""
    reference: str = ""


def is_digest(text: str) -> bool:
    """Whether `text` is a digest by its grammar, whatever the algorithm."""
    return _DIGEST.fullmatch(text) is not None


def read(
    method: str,
    path: str,
    *,
    name: Callable[[str], Safe],
    text: Callable[[str], Safe],
    host: Callable[[str], Safe] | None = None,
    session: Callable[[str], Safe] | None = None,
) -> Target:
    """The target of a request with the percent-encoded `path` (with its query, as on the request line).

    `name` makes a repository name safe, `text` a reference or a digest, `host` (by default `text`) the registry that a
    mirror is asked for, `session` (by default `text`) an upload session; all get decoded text of at most `MAX_URL`
    characters.
    """
    bare, _, query = path[:MAX_URL].partition("#")[0].partition("?")
    place = _place(method.upper(), bare)
    if place.endpoint in (Endpoint.ELSEWHERE, Endpoint.V1):
        return Target(endpoint=place.endpoint)
    values = _query(query, ("mount", "from", "ns"))
    mounts = place.endpoint is Endpoint.UPLOAD_START

    def kept(make: Callable[[str], Safe], value: str | None) -> Safe | None:
        return make(value) if value else None

    digest = is_digest(place.reference)
    return Target(
        endpoint=place.endpoint,
        repository=kept(name, place.repository),
        reference=kept(session or text if place.endpoint is Endpoint.UPLOAD else text, place.reference),
        is_digest=digest,
        proper=digest or place.endpoint is not Endpoint.BLOB,
        mount=kept(text, values.get("mount")) if mounts else None,
        mount_from=kept(name, values.get("from")) if mounts else None,
        mirror_of=kept(host or text, values.get("ns")),
    )


def _place(method: str, path: str) -> _Place:
    if path in ("/v2", "/v2/"):
        return _Place(Endpoint.PING)
    head, *rest = path.split("/")
    if head or not rest:
        return _Place(Endpoint.ELSEWHERE)
    if rest[0] == "v1":
        return _Place(Endpoint.V1)
    if rest[0] == "v2":
        return _below_v2(method, rest[1:])
    if "v2" in rest:
        # Behind a prefix only the unmistakable counts: blob stores and other services have a `v2` in their paths too.
        place = _below_v2(method, rest[rest.index("v2") + 1 :])
        if place.repository and (place.endpoint is not Endpoint.BLOB or is_digest(place.reference)):
            return place
    return _Place(Endpoint.ELSEWHERE)


def _below_v2(method: str, parts: Sequence[str]) -> _Place:
    """The place that the elements below ``/v2/`` name; a repository's own components may be any of the words."""
    filled = parts[:-1] if parts[-1:] == [""] else parts
    if filled == ["_catalog"]:
        return _Place(Endpoint.CATALOG)
    # A word behind dot segments was not put there by whoever built the path: what stands before them decides.
    dots = next((i for i, part in enumerate(parts) if unquote(part) in (".", "..")), None)
    if dots is None and len(filled) > 2 and filled[-2:] == ["tags", "list"]:
        return _Place(Endpoint.TAGS, _decoded(filled[:-2]))
    end = len(parts) - 1 if dots is None else dots
    at = next((i for i in range(end - 1, 0, -1) if parts[i] in _WORDS), None)
    if at is None:
        return _Place(Endpoint.V2_OTHER)
    repository, behind = _decoded(parts[:at]), parts[at + 1 :]
    if parts[at] == "blobs" and behind[0] == "uploads":
        session = _decoded(behind[1:])
        start = method == "POST" and not session
        return _Place(Endpoint.UPLOAD_START if start else Endpoint.UPLOAD, repository, session)
    return _Place(_WORDS[parts[at]], repository, _decoded(behind))


def _decoded(parts: Sequence[str]) -> str:
    return unquote("/".join(parts))


def _query(query: str, wanted: Sequence[str]) -> dict[str, str]:
    """The first value of each wanted parameter, names and values decoded."""
    found: dict[str, str] = {}
    for pair in query.split("&", MAX_QUERY)[:MAX_QUERY]:
        key, _, value = pair.partition("=")
        name = unquote_plus(key)
        if name in wanted:
            found.setdefault(name, unquote_plus(value))
    return found


def absolute(url: str, *, scheme: str, host: str, port: int, path: str) -> str | None:
    """The URL reference `url` resolved against the request it answered (RFC 3986 section 5.2).

    `path` is the request's path with its query. A reference with a scheme of its own comes back as spelled, blanks
    percent-encoded. `None` where nothing can be resolved: empty, over `MAX_URL`, control characters, an http(s) URL
    without host, or relative text with blanks, which is prose and no URL.
    """
    spaced = url.replace(" ", "%20")
    if not url or len(url) > MAX_URL or _NOT_IN_URLS.search(spaced) or _NO_AUTHORITY.match(url):
        return None
    if _SCHEME.match(url):
        return spaced
    if spaced != url:
        return None
    base = path[:MAX_URL] if path.startswith("/") else "/"
    try:
        return urljoin(f"{Origin(scheme, host, port)}{base}", url)
    except ValueError:  # brackets that are no address
        return None


def origin_of(url: str) -> Origin | None:
    """The origin of an absolute http(s) URL: lower case, default port filled in, IPv6 addresses in their short form.

    `None` for every other scheme, and where host or port is missing, malformed or out of range.
    """
    found = _ORIGIN.match(url) if len(url) <= MAX_URL else None
    if found is None:
        return None
    scheme = found["scheme"].lower()
    port = int(found["port"] or DEFAULT_PORTS[scheme])
    host = _address(found["v6"]) if found["v6"] else found["host"].lower()
    return Origin(scheme, host, port) if host and len(host) <= 255 and 0 < port < 65536 else None


def _address(text: str) -> str | None:
    try:
        return str(ipaddress.IPv6Address(text))
    except ValueError:
        return None
