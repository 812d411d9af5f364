"""Questions about one exchange."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import NamedTuple

from regauth_core.model import Challenge, Credential, Endpoint, Exchange, Fingerprint, Link
from regauth_core.protocol.registries import registry_of
from regauth_core.protocol.scope import Scope, entries
from regauth_core.protocol.token_answer import lifetime

_READS = ("GET", "HEAD")


class Address(NamedTuple):
    """A URL without its query. A tuple, because it is the key of most of what is looked up."""

    scheme: str
    host: str
    port: int
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedToken:
    """A token and the exchange in which it was issued."""

    exchange: Exchange
    client: str
    asked: tuple[Scope, ...]
    secret: Fingerprint | None
    """The credential it was asked with, `None` for an anonymous request."""

    @property
    def began(self) -> float:
        """When the token arrived."""
        return self.exchange.finished

    @property
    def ended(self) -> float:
        """When its life is over by its own words: `expires_in`, else the JWT's `exp`, else a minute."""
        answer = self.exchange.response.token if self.exchange.response else None
        if answer is None:
            return lifetime(self.began).ends
        expires = answer.claims.expires if answer.claims is not None else None
        return lifetime(self.began, expires_in=answer.expires_in, issued_at=answer.issued_at, expires=expires).ends

    @property
    def granted(self) -> tuple[Scope, ...] | None:
        """What the token says it grants; `None` where it cannot be read."""
        answer = self.exchange.response.token if self.exchange.response else None
        if answer is None:
            return None
        if answer.claims is not None and answer.claims.access is not None:
            return entries(f"{a.kind}:{a.name}:{','.join(a.actions)}" for a in answer.claims.access)
        return entries([answer.scope]) if answer.scope is not None else None


def realm_key(exchange: Exchange) -> Address:
    """The address of a request without its query, as realms are compared."""
    origin, url = exchange.origin, exchange.request.url
    begin = url.find("/", 8)
    end = url.find("?", begin)
    path = "/" if begin < 0 else url[begin:] if end < 0 else url[begin:end]
    return Address(origin.scheme, origin.host, origin.port, path)


def link_address(link: Link) -> Address | None:
    """The address that a link names, without its query; `None` where it is no http(s) URL."""
    origin = link.origin
    return Address(origin.scheme, origin.host, origin.port, link.path) if origin is not None else None


def challenge_realm(challenge: Challenge) -> Address | None:
    """The address of a Bearer challenge's token server."""
    link = challenge.realm_link
    return link_address(link) if link is not None and challenge.kind == "bearer" else None


def usable_challenges(exchange: Exchange) -> list[Challenge]:
    """The challenges of an answer that a registry client could answer."""
    return [c for c in exchange.response.challenges if c.usable] if exchange.response else []


def succeeded(exchange: Exchange) -> bool:
    """A 2xx or 3xx answer."""
    return 200 <= exchange.status < 400


def is_anonymous(exchange: Exchange) -> bool:
    """No credential in the request, neither in a header nor in a form."""
    return not exchange.request.credentials and not (exchange.request.token and exchange.request.token.secret)


def bearer(exchange: Exchange) -> Credential | None:
    """The Bearer token that a request carried."""
    return next((c for c in exchange.request.credentials if c.scheme == "bearer"), None)


def basic(exchange: Exchange) -> Credential | None:
    """The Basic credential that a request carried."""
    return next((c for c in exchange.request.credentials if c.scheme == "basic"), None)


def secret_of(exchange: Exchange) -> Fingerprint | None:
    """The password, refresh token or identity token that a request carried, as one fingerprint."""
    credential = basic(exchange)
    if credential is not None and not credential.empty:
        return credential.password or credential.fingerprint
    return exchange.request.token.secret if exchange.request.token else None


def credential_sent(exchange: Exchange) -> Fingerprint | None:
    """The one credential that a request carried, of whatever kind: password, refresh token, Bearer token."""
    token = bearer(exchange)
    return secret_of(exchange) or (token.fingerprint if token is not None and not token.empty else None)


def request_key(exchange: Exchange) -> Hashable:
    """What is equal for equal requests: address and verb (HEAD is GET), and the scopes where a token is asked for."""
    asked = exchange.request.token
    if asked is not None:
        return (realm_key(exchange), asked.service, frozenset(" ".join(asked.scopes).split()))
    return (realm_key(exchange), "GET" if exchange.request.method in _READS else exchange.request.method)


def is_same_request(one: Exchange, other: Exchange) -> bool:
    """Whether two exchanges of one client are the same request (HEAD and GET are, a tag and its digest are)."""
    a, b = one.target, other.target
    if a.endpoint is Endpoint.BLOB and a.reference != b.reference:
        # Most of what a client asks are blobs, and most of them are others.
        return False
    if a.endpoint is not b.endpoint or registry_of(one.origin) != registry_of(other.origin):
        return False
    methods = (one.request.method, other.request.method)
    if methods[0] != methods[1] and not all(m in _READS for m in methods):
        return False
    if a.repository is None and a.endpoint in (Endpoint.V2_OTHER, Endpoint.V1, Endpoint.ELSEWHERE):
        return realm_key(one) == realm_key(other)
    if a.repository != b.repository or (a.mount is None) != (b.mount is None) or a.mount != b.mount:
        return False
    if a.endpoint is Endpoint.MANIFEST and a.is_digest != b.is_digest:
        return methods[0] in _READS
    return a.endpoint is Endpoint.TAGS or a.reference == b.reference


_REFUSING_CODES = frozenset({"UNAUTHORIZED", "DENIED"})


def is_write(exchange: Exchange) -> bool:
    """Whether the request changes something, or would."""
    return exchange.request.method not in _READS


def error_of(exchange: Exchange) -> str | None:
    """The `error` of the answer's challenge, such as ``invalid_token`` (RFC 6750 section 3.1)."""
    challenges = exchange.response.challenges if exchange.response else ()
    return next((error for c in challenges if (error := c.parameter("error"))), None)


def has_refusing_code(exchange: Exchange, *codes: str) -> bool:
    """Whether the body's error code says that the request was refused (`codes`: UNAUTHORIZED or DENIED)."""
    errors = exchange.response.errors if exchange.response else ()
    return any(e.code.upper() in (codes or _REFUSING_CODES) for e in errors)


def refuses(exchange: Exchange) -> bool:
    """401 or 403, or a 400 whose error code says the same."""
    return exchange.status in (401, 403) or (exchange.status == 400 and has_refusing_code(exchange))


def asked(exchange: Exchange) -> tuple[Scope, ...]:
    """The scopes that a token request asks for."""
    return entries(exchange.request.token.scopes) if exchange.request.token else ()


def bearer_challenges(exchange: Exchange) -> list[Challenge]:
    """The usable Bearer challenges of an answer."""
    return [c for c in usable_challenges(exchange) if c.kind == "bearer"]


def leads_to_registry(exchange: Exchange) -> bool:
    """Whether the answer sends the client on to another registry, instead of to a store or a page.

    A redirect to another origin whose path is a registry's (OCI distribution specification, "Endpoints").
    """
    link = exchange.response.location if exchange.response is not None else None
    if link is None or link.origin is None or not 300 <= exchange.status < 400:
        return False
    return link.path.startswith("/v2/") and registry_of(link.origin) != registry_of(exchange.origin)
