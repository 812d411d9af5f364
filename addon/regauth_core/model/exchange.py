"""An exchange, and all it is made of.

Nothing here has a field that could hold a secret: text that came from the wire is `Safe` (minted by `redact` alone),
and a secret is present only as a `Fingerprint`. Standard library only, no I/O, no clock.

Times are seconds since the epoch (UTC), sizes are bytes. `None` means "not there"; a value that was there but could
not be seen (a capture that was cut) is told by `Exchange.response` being `None` together with `Exchange.failure`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from regauth_core.model.authentication import Access, Challenge, Credential, TokenAnswer, TokenRequest
from regauth_core.model.change import ChangeKind
from regauth_core.model.stated_reasons import StatedReason
from regauth_core.model.values import Link, Origin, Safe
from regauth_core.model.withheld import Withheld


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryError:
    """One entry of an error body (OCI distribution specification, "Error Codes")."""

    code: Safe
    message: Safe
    needs: tuple[Access, ...] = ()
    """What the entry's `detail` says is missing."""


class Endpoint(StrEnum):
    """What a request is for, by its method and path (OCI distribution specification, "Endpoints")."""

    PING = "ping"
    CATALOG = "catalog"
    TAGS = "tags"
    MANIFEST = "manifest"
    BLOB = "blob"
    UPLOAD_START = "upload-start"
    UPLOAD = "upload"
    REFERRERS = "referrers"
    V2_OTHER = "v2-other"
    V1 = "v1"
    ELSEWHERE = "elsewhere"
    """Not below ``/v2/`` or ``/v1/``: a token server, a blob store, a login page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a request is about."""

    endpoint: Endpoint
    repository: Safe | None = None
    reference: Safe | None = None
    """Tag or digest of a manifest, digest of a blob, identifier of an upload session."""
    is_digest: bool = False
    proper: bool = True
    """False for a blob path whose reference is no ``algorithm:hex``, such as one with dot segments."""
    mount: Safe | None = None
    """The digest of a mount request."""
    mount_from: Safe | None = None
    mirror_of: Safe | None = None
    """The `ns` parameter, with which containerd tells a mirror whose repository it wants."""


class FailureKind(StrEnum):
    """Why an exchange has no (whole) answer."""

    CONNECT = "connect"
    """Refused, unreachable, or the name is unknown."""
    TLS = "tls"
    CLIENT_ABORTED = "client-aborted"
    SERVER_ABORTED = "server-aborted"
    NOT_RECORDED = "not-recorded"
    """The capture ended, or left the answer out."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an exchange has no (whole) answer, with the platform's words."""

    kind: FailureKind
    text: Safe


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """All that is known about who sent a request. What of it makes one client is decided by `clients`."""

    label: Safe | None = None
    """The user name of the proxy URL."""
    process: int | None = None
    program: Safe | None = None
    address: Safe | None = None
    """Without the port."""
    user_agent: Safe | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """The connection that a request came over."""

    id: Safe | None = None
    http_version: Safe | None = None
    tls_version: Safe | None = None
    alpn: Safe | None = None
    alpn_offers: tuple[Safe, ...] | None = None
    """`None` where it is not known; empty where the client offered nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The request half of an exchange."""

    method: Safe
    url: Safe
    """Absolute, redacted."""
    headers: tuple[tuple[Safe, Safe], ...] = ()
    """In order, names as spelled, values redacted."""
    size: int = 0
    """Bytes of the body that were sent."""
    target_size: int = 0
    """Characters of path and query as they were sent: redaction makes them shorter."""
    credentials: tuple[Credential, ...] = ()
    token: TokenRequest | None = None
    """For requests that ask for a token."""

    def header(self, name: str) -> Safe | None:
        """The first value of the header `name` (lower case)."""
        return next((value for key, value in self.headers if key.lower() == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """The response half of an exchange."""

    status: int
    headers: tuple[tuple[Safe, Safe], ...] = ()
    size: int = 0
    challenges: tuple[Challenge, ...] = ()
    unreadable_challenge: bool = False
    """A `WWW-Authenticate` line is there from which no challenge could be read."""
    errors: tuple[RegistryError, ...] = ()
    text: Safe | None = None
    """The start of a plain or HTML error text, redacted."""
    stated: tuple[StatedReason, ...] = ()
    """Why it refuses, by its body as it was on the wire; the more special reasons first."""
    is_html: bool = False
    token: TokenAnswer | None = None
    location: Link | None = None
    next_page: Link | None = None
    layer_links: tuple[Link, ...] = ()
    """The `urls` of a manifest's foreign layers: their origins are named by the image, not by the registry."""
    date: float | None = None

    def header(self, name: str) -> Safe | None:
        """The first value of the header `name` (lower case)."""
        return next((value for key, value in self.headers if key.lower() == name), None)


@dataclass(frozen=True, slots=True)
class Change:
    """Something that the proxy or the addon changed about an exchange."""

    kind: ChangeKind
    text: Safe
    """In words, for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request with its answer, as it may be shown to anybody."""

    number: int
    """From 1, in the order in which the requests began; in a HAR file the entry's place."""
    sender: Sender
    origin: Origin
    """Whom the client addressed."""
    target: Target
    request: Request
    response: Response | None
    failure: Failure | None = None
    started: float
    first_byte: float | None = None
    ended: float | None = None
    connection: Connection = Connection()
    changes: tuple[Change, ...] = ()
    """What the proxy or the addon changed about this exchange."""
    withheld: Withheld | None = None
    """Why regauth, asked to answer a challenge in the client's place, kept its credentials from it."""

    @property
    def status(self) -> int:
        """The status of the answer, 0 where there is none."""
        return self.response.status if self.response else 0

    @property
    def is_altered(self) -> bool:
        """Whether regauth itself changed the request or its answer."""
        return any(change.kind.is_ours for change in self.changes)

    @property
    def finished(self) -> float:
        """When the exchange ended, or at the least when it began."""
        return self.ended if self.ended is not None else self.started
