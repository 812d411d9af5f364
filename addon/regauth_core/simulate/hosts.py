"""Which part of a scenario a request addresses, and the URLs that its answers name.

Asked by a name below ``.test``, registry, token server and blob host are what the scenario calls them, on the port
that was asked. Asked by any other name (``localhost``), all three are at that one address, told apart by their paths,
so that a client can reach them without a proxy and without a name server.
"""

from __future__ import annotations

import hashlib
import hmac
from enum import StrEnum

from regauth_core.simulate.message import Asked
from regauth_core.simulate.policy import Scenario, Spread

_PORTS = {"https": ":443", "http": ":80"}
"""What a URL leaves out."""
BLOB_PATH = "/blobs/"


class HostRole(StrEnum):
    """What of the scenario was asked."""

    REGISTRY = "registry"
    TOKEN = "token"  # noqa: S105  (not a secret)
    BLOBS = "blobs"
    NOTHING = "nothing"


class Hosts:
    """The hosts of one scenario."""

    def __init__(self, scenario: Scenario, secret: bytes) -> None:
        """`secret` signs the URLs of blobs."""
        registry, token = scenario.registry, scenario.token
        self._scenario = scenario
        self._secret = secret
        self._registries = {_name(registry.host), _name(registry.uploads.host or registry.host)}
        self._token = _name(token.host) if token else ""
        self._blobs = _name(registry.blobs.host) if registry.blobs.mode == "redirect" else ""
        self._others = {host_of(step.request) for step in scenario.answers if step.request} - {""}

    @property
    def hosts(self) -> tuple[str, ...]:
        """The host names of the scenario, without ports."""
        return tuple(sorted({*self._registries, self._token, self._blobs, *self._others} - {""}))

    def serves(self, host: str) -> bool:
        """Whether `host` (no port, any case) belongs to the scenario: the hosts it names, and all below ``.test``."""
        host = host.lower().rstrip(".")
        return host.endswith(".test") or host in self.hosts

    def refuses(self, host: str, port: int) -> bool:
        """Whether no connection to `host` can be made at `port`."""
        host = host.lower().rstrip(".")
        named = self._scenario.unreachable
        return host in named or f"{host}:{port}" in named

    def role(self, asked: Asked) -> HostRole:
        """What `asked` addresses."""
        named = self.serves(asked.host)
        if self._token and (asked.host == self._token or not named):
            token = self._scenario.token
            if token and asked.route == token.path:
                return HostRole.TOKEN
        if self._blobs and (asked.host == self._blobs or not named) and asked.route.startswith(BLOB_PATH):
            return HostRole.BLOBS
        elsewhere = asked.host in (self._token, self._blobs, *self._others) and asked.host not in self._registries
        return HostRole.NOTHING if elsewhere else HostRole.REGISTRY

    def realm(self, asked: Asked) -> str:
        """The token server's URL; empty where there is no token server."""
        token = self._scenario.token
        return f"{self._origin(asked, token.host, token.scheme)}{token.path}" if token else ""

    def token_authority(self, asked: Asked) -> str:
        """The token server's host and port; empty where there is no token server."""
        token = self._scenario.token
        return self._origin(asked, token.host, token.scheme).partition("://")[2] if token else ""

    def upload(self, asked: Asked, path: str) -> str:
        """The `Location` of an upload's `path`, relative or absolute as the scenario wants."""
        uploads = self._scenario.registry.uploads
        if uploads.location == "relative":
            return path
        if uploads.host is None:
            return f"{_scheme(asked, uploads.scheme)}://{asked.authority}{path}"
        return f"{self._origin(asked, uploads.host, uploads.scheme)}{path}"

    def blob(self, asked: Asked, digest: str, now: float) -> str:
        """A signed URL of the blob `digest` at the blob host."""
        blobs = self._scenario.registry.blobs
        ends = int(now) + blobs.lifetime
        origin = self._origin(asked, blobs.host, blobs.scheme)
        return f"{origin}{BLOB_PATH}{digest}?Expires={ends}&Signature={self._signature(digest, str(ends))}"

    def signed(self, asked: Asked, digest: str, now: float) -> bool:
        """Whether the query of `asked` is a signature for the blob `digest` that has not ended."""
        ends, signature = (next(iter(asked.query(name)), "") for name in ("Expires", "Signature"))
        good = hmac.compare_digest(signature.encode("utf-8", "replace"), self._signature(digest, ends).encode())
        return good and now < int(ends)

    def _signature(self, digest: str, ends: str) -> str:
        text = f"blob {digest} {ends}".encode("utf-8", "replace")
        return hmac.new(self._secret, text, hashlib.sha256).hexdigest()

    def _origin(self, asked: Asked, host: str, scheme: Spread) -> str:
        if not self.serves(asked.host):
            return f"{_scheme(asked, scheme)}://{asked.authority}"
        if ":" not in host and ":" in asked.authority:
            host = f"{host}:{asked.port}"
        chosen = _scheme(asked, scheme)
        return f"{chosen}://{host.removesuffix(_PORTS[chosen])}"


def host_of(request: str) -> str:
    """The host in a step's `request`; empty where it is a pattern."""
    authority = request.partition("://")[2].partition("/")[0]
    return "" if "*" in authority else _name(authority)


def _name(host: str) -> str:
    return host.partition(":")[0]


def _scheme(asked: Asked, scheme: Spread) -> str:
    return asked.scheme if scheme is Spread.SAME else scheme.value
