"""What a request needs, from its method and path alone, as the reference registry judges it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import unquote

from regauth_core.model import Endpoint, Safe
from regauth_core.protocol import target
from regauth_core.protocol.scope import Scope, merged, needed

# A target of recorded traffic holds safe text only. This one is made, read and dropped in one function, and nobody
# ever shows it; the scopes that leave it are wire text like all that is sent.
_AS_IT_IS = cast("Callable[[str], Safe]", str)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
"""Of the registry API. TRACE would show the client what was added (RFC 9110 section 9.3.8)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequiredAccess:
    """What a request is for."""

    repository: str | None = field(default=None, repr=False)
    """Decoded; `None` for requests that concern none."""
    scopes: tuple[Scope, ...] = field(default=(), repr=False)
    """What a token has to allow."""
    wish: tuple[Scope, ...] = field(default=(), repr=False)
    """What to ask a token server for: as `scopes`, or more where registries are known to insist."""
    is_api: bool = False
    """It is a request of the registry API, and none for a token."""
    is_unclear: bool = False
    """It is one for some servers: it leaves ``/v2/`` by dot segments, or its method is spelled in lower case."""
    endpoint: Endpoint = Endpoint.ELSEWHERE
    mounts_any: bool = False
    """It mounts a blob of whatever repository has it, which it does not name (OCI distribution specification)."""


def required_access_of(method: str, path: str) -> RequiredAccess:
    """What the request `method path` (origin form, with its query) needs."""
    bare = path.partition("?")[0]
    if not (bare == "/v2" or bare.startswith("/v2/")) or method.upper() not in METHODS:
        return RequiredAccess()
    if method not in METHODS or _climbs(bare):
        return RequiredAccess(is_unclear=True)
    place = target.read(method, path, name=_AS_IT_IS, text=_AS_IT_IS)
    if place.endpoint is Endpoint.V2_OTHER:
        # It may be a token server, or anything.
        return RequiredAccess()
    repository = str(place.repository) if place.repository else None
    scopes = tuple(scope for scope in needed(method, place) if _is_plain(scope.name))
    return RequiredAccess(
        repository=repository,
        scopes=scopes,
        wish=_wish(scopes),
        is_api=True,
        endpoint=place.endpoint,
        mounts_any=place.mount is not None and place.mount_from is None,
    )


def _climbs(path: str) -> bool:
    """The path has dot segments, with which it may leave ``/v2/`` or the repository that it seems to name."""
    return "%25" in path or any(part in (".", "..") for part in segments(path))


def segments(path: str) -> list[str]:
    """The segments of a path without a query, decoded and without their parameters.

    Some servers decode twice, and some have parameters in each segment (RFC 3986 section 3.3).
    """
    plain = unquote(unquote(path)).replace("\\", "/")
    return [part.partition(";")[0] for part in plain.split("/")]


def _is_plain(name: str) -> bool:
    # Scopes are separated by blanks: a name that holds some would ask for something else.
    return name.isprintable() and " " not in name


def _wish(scopes: tuple[Scope, ...]) -> tuple[Scope, ...]:
    more = [Scope.read(f"{s.kind}:{s.name}:delete,pull,push") for s in scopes if "delete" in s.actions]
    return merged([*scopes, *more])
