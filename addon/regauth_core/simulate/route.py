"""Method and path as an operation of the registry API (OCI distribution specification, "Endpoints")."""

from __future__ import annotations

import re
from dataclasses import dataclass

from regauth_core.model import Endpoint
from regauth_core.simulate.grammar import NAME_GRAMMAR
from regauth_core.simulate.message import Asked, WantedAccess

_METHODS = {
    Endpoint.PING: ("GET", "HEAD"),
    Endpoint.CATALOG: ("GET",),
    Endpoint.TAGS: ("GET",),
    Endpoint.MANIFEST: ("GET", "HEAD", "PUT", "DELETE"),
    Endpoint.BLOB: ("GET", "HEAD", "DELETE"),
    Endpoint.UPLOAD_START: ("POST",),
    Endpoint.UPLOAD: ("GET", "PATCH", "PUT", "DELETE"),
    Endpoint.REFERRERS: ("GET",),
    Endpoint.V2_OTHER: ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"),
}
_NAME = re.compile(NAME_GRAMMAR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where a path leads."""

    endpoint: Endpoint
    """`V2_OTHER` for whatever is no operation of the API."""
    repository: str = ""
    reference: str = ""
    """Tag, digest or upload session."""

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that the endpoint has."""
        return _METHODS[self.endpoint]

    @property
    def proper(self) -> bool:
        """The repository is none, or one that could exist."""
        return not self.repository or bool(_NAME.fullmatch(self.repository))


def route(path: str) -> Route:
    """The route of `path`, which has no query. Names are split at the last word that the API knows."""
    if path in ("/v2", "/v2/"):
        return Route(endpoint=Endpoint.PING)
    if path == "/v2/_catalog":
        return Route(endpoint=Endpoint.CATALOG)
    if not path.startswith("/v2/") or len(path) > 1024:
        return Route(endpoint=Endpoint.V2_OTHER)
    rest = path.removeprefix("/v2/")
    for end, endpoint in (("/tags/list", Endpoint.TAGS), ("/blobs/uploads", Endpoint.UPLOAD_START)):
        if rest.removesuffix("/").endswith(end):
            return Route(endpoint=endpoint, repository=rest.removesuffix("/").removesuffix(end))
    for mark, endpoint in (
        ("/blobs/uploads/", Endpoint.UPLOAD),
        ("/manifests/", Endpoint.MANIFEST),
        ("/blobs/", Endpoint.BLOB),
        ("/referrers/", Endpoint.REFERRERS),
    ):
        repository, found, reference = rest.rpartition(mark)
        if found and repository and reference and "/" not in reference:
            return Route(endpoint=endpoint, repository=repository, reference=reference)
    return Route(endpoint=Endpoint.V2_OTHER)


def needs(asked: Asked, place: Route) -> tuple[WantedAccess, ...]:
    """The rights that a request wants, the resource of its path first."""
    if place.endpoint is Endpoint.CATALOG:
        return (WantedAccess(kind="registry", name="catalog", actions=("*",)),)
    if not place.repository:
        return ()
    if asked.method == "DELETE" and place.endpoint is not Endpoint.UPLOAD:
        return (WantedAccess(name=place.repository, actions=("delete",)),)
    if asked.method in ("GET", "HEAD") and place.endpoint is not Endpoint.UPLOAD:
        return (WantedAccess(name=place.repository, actions=("pull",)),)
    wanted = [WantedAccess(name=place.repository, actions=("pull", "push"))]
    source = next(iter(asked.query("from")), "")
    if place.endpoint is Endpoint.UPLOAD_START and source != place.repository and _NAME.fullmatch(source):
        wanted.append(WantedAccess(name=source, actions=("pull",)))
    return tuple(wanted)
