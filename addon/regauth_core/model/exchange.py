"""The values that everything else speaks about.

Nothing here has a field that could hold a secret: text that came from the wire is `Safe` (minted by `redact` alone),
and a secret is present only as a `Fingerprint`. Standard library only, no I/O, no clock.

Times are seconds since the epoch (UTC), sizes are bytes. `None` means "not there"; a value that was there but could
not be seen (a capture that was cut) is told by `Exchange.response` being `None` together with `Exchange.failure`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NewType

from regauth_core.model.change import ChangeKind
from regauth_core.model.stated_reasons import StatedReason
from regauth_core.model.withheld import Withheld

Safe = NewType("Safe", str)
"""Text that may be shown to anybody. Only `redact` makes it."""

Fingerprint = NewType("Fingerprint", str)
"""A keyed hash of a secret, such as ``tok:3f2a91c0``: equal for equal secrets within one trace, and nothing else."""


DEFAULT_PORTS: Final = {"http": 80, "https": 443}
"""The port that a URL of each scheme means where it names none."""


@dataclass(frozen=True, slots=True, order=True)
class Origin:
    """Scheme, host and port (RFC 6454 section 4): `scheme` and `host` in lower case, `port` always a number."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        """The origin as a URL without a path; a default port is left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        is_default = self.port == DEFAULT_PORTS.get(self.scheme)
        return f"{self.scheme}://{host}" if is_default else f"{self.scheme}://{host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A URL that an answer named (realm, `Location`, next page), resolved against the request that got the answer."""

    text: Safe
    """The whole absolute URL after redaction."""
    origin: Origin | None
    """`None` where the text is no http(s) URL."""
    path: Safe
    relative: bool = False
    """It was written relative to the request."""
    signed: Signature | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What a pre-signed URL says of its life, in the dialects of S3, Google Cloud Storage, Azure and CloudFront."""

    begins: float | None = None
    ends: float | None = None


class FlawKind(StrEnum):
    """What can be wrong with a `WWW-Authenticate` line."""

    UNTERMINATED_QUOTE = "unterminated-quote"
    UNQUOTED_URL = "unquoted-url"
    EMPTY_ELEMENT = "empty-element"
    DUPLICATE_PARAMETER = "duplicate-parameter"
    PARAMETER_WITHOUT_VALUE = "parameter-without-value"
    PARAMETER_WITHOUT_SCHEME = "parameter-without-scheme"
    MISSING_COMMA = "missing-comma"
    STRAY_TEXT = "stray-text"
    TOO_LONG = "too-long"


@dataclass(frozen=True, slots=True)
class Flaw:
    """One defect of a header line and where it begins, in characters from the start of the line."""

    kind: FlawKind
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """One authentication scheme with its parameters out of `WWW-Authenticate` (RFC 9110 section 11.6.1)."""

    scheme: Safe
    """As it was spelled."""
    parameters: tuple[tuple[Safe, Safe], ...] = ()
    """Names in lower case, values unquoted and redacted, in order, duplicates kept."""
    token68: bool = False
    """The scheme is followed by one blob instead of parameters; the blob itself is not kept."""
    line: int = 0
    """Which `WWW-Authenticate` line it stands in, counted from 0."""
    flaws: tuple[Flaw, ...] = ()
    realm_link: Link | None = None
    """For Bearer: the realm as a URL, resolved against the request."""

    @property
    def kind(self) -> str:
        """The scheme in lower case."""
        return self.scheme.lower()

    def parameter(self, name: str) -> Safe | None:
        """The first value of the parameter called `name` (lower case)."""
        return next((value for key, value in self.parameters if key == name), None)

    @property
    def scopes(self) -> tuple[str, ...]:
        """The entries of the Bearer `scope`, split at blanks, spelled as on the wire."""
        return tuple((self.parameter("scope") or "").split())

    @property
    def usable(self) -> bool:
        """Whether a registry client could answer it: Basic, or Bearer with a realm that is an http(s) URL."""
        if self.kind == "basic":
            return True
        return self.kind == "bearer" and self.realm_link is not None and self.realm_link.origin is not None


class Holder(StrEnum):
    """What the user name of a Basic credential says about what the password is."""

    ORDINARY = "ordinary"
    EMPTY = "empty"
    """User and password are both empty (``Og==``)."""
    IDENTITY_TOKEN = "identity-token"
    """The user name is ``<token>``: the password is a refresh token."""
    AWS = "aws"
    GOOGLE = "google"
    AZURE = "azure"
    """The user name is the all-zero GUID."""


class CredentialFlaw(StrEnum):
    """What can be wrong with a Basic value (RFC 7617 section 2)."""

    NOT_BASE64 = "not-base64"
    NO_COLON = "no-colon"
    NOT_UTF8 = "not-utf8"
    CONTROL_CHARACTER = "control-character"


@dataclass(frozen=True, slots=True)
class Access:
    """One entry of a scope or of a token's `access` claim: what may be done with which resource."""

    kind: Safe
    name: Safe
    actions: tuple[Safe, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """The claims of a JWT that explain a decision (RFC 7519 section 4.1; distribution token specification, "jwt")."""

    issuer: Safe | None = None
    audience: tuple[Safe, ...] = ()
    expires: float | None = None
    not_before: float | None = None
    issued: float | None = None
    subject: Fingerprint | None = None
    """`None` where the claim is absent or empty."""
    nobody: bool = False
    """The claim `sub` is there and empty, as in a token for an anonymous client."""
    access: tuple[Access, ...] | None = None
    """`None` where there is no such claim; empty where it grants nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """One `Authorization` value that a request carried."""

    scheme: Safe
    """In lower case."""
    fingerprint: Fingerprint
    """Of everything behind the scheme; for Basic ``pw:…``, else ``tok:…``."""
    size: int
    """Characters of the whole header value."""
    holder: Holder = Holder.ORDINARY
    user: Fingerprint | None = None
    password: Fingerprint | None = None
    flaws: tuple[CredentialFlaw, ...] = ()
    claims: Claims | None = None

    @property
    def empty(self) -> bool:
        """Nothing that could identify anybody: ``Basic Og==``, or a scheme with no value."""
        return self.holder is Holder.EMPTY or self.fingerprint == ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """The parameters of a request for a token, from the query of a GET or the form of a POST."""

    grant: Safe | None = None
    """`grant_type` of the form; `None` for a GET."""
    service: Safe | None = None
    scopes: tuple[Safe, ...] = ()
    """One entry for each `scope` parameter, not split at blanks."""
    account: Fingerprint | None = None
    client_id: Safe | None = None
    offline: bool = False
    secret: Fingerprint | None = None
    """The form's password or refresh token."""


class TokenField(StrEnum):
    """A field of a token server's answer."""

    TOKEN = "token"
    ACCESS_TOKEN = "access_token"
    REFRESH_TOKEN = "refresh_token"
    EXPIRES_IN = "expires_in"
    ISSUED_AT = "issued_at"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenAnswer:
    """What a token server's 2xx answer says (distribution token specification, "Token Response Fields")."""

    is_json: bool = True
    """It is a JSON object."""
    token: Fingerprint | None = None
    access_token: Fingerprint | None = None
    refresh_token: Fingerprint | None = None
    expires_in: float | None = None
    issued_at: float | None = None
    scope: Safe | None = None
    empty: bool = False
    """A token field is there and holds an empty string."""
    claims: Claims | None = None
    mistyped: tuple[TokenField, ...] = ()
    """Fields of another type than the specification gives them: strict readers stop there."""

    @property
    def fingerprints(self) -> tuple[Fingerprint, ...]:
        """Every value that a client may use as its Bearer token."""
        return tuple(dict.fromkeys(f for f in (self.access_token, self.token) if f))


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
