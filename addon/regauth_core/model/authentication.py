"""Challenges, credentials and tokens, as they are recorded: without a secret."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from regauth_core.model.values import Fingerprint, Link, Safe


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
    EXPIRES_AT = "expires_at"
    """Which the specification does not have: some servers say it in the place of `expires_in`."""
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
