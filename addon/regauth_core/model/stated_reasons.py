"""Why a server says that it refused: a closed list, and the codes and words by which registries say so.

The words are read once, where an answer is recorded and before anything of it is replaced, so that what a rule knows
of a body does not depend on how much of the body may be shown. Pure; the time is linear in the text.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, NamedTuple

MAX_TEXT: Final = 16 * 1024
"""Characters of an answer that are searched."""


class StatedReason(StrEnum):
    """A reason that an answer gives in its body, or in the `error` of its challenge."""

    CLIENT_CERTIFICATE = "client-certificate"
    """The connection needs a client certificate, and there was none."""
    PLAIN_HTTP = "plain-http"
    """The server speaks HTTPS at this port."""
    ADDRESS_RULE = "address-rule"
    """A rule about addresses, networks or countries."""
    CSRF = "csrf"
    """A session came along (a cookie) without the proof that goes with it."""
    POLICY = "policy"
    """A rule about the content: vulnerabilities, signatures, quarantine, immutable tags."""
    SUSPENDED = "suspended"
    BILLING = "billing"
    SSO_REQUIRED = "sso-required"
    SECOND_FACTOR = "second-factor"
    """The account has a second factor: it needs an access token in the password's place."""
    READ_ONLY = "read-only"
    """The registry takes nothing at the moment."""
    QUOTA = "quota"
    RATE_LIMIT = "rate-limit"
    MISSING_SCOPE = "missing-scope"
    """The access token was made without the scope that this takes."""
    MISSING_WRITE_RIGHT = "missing-write-right"
    MISSING_RIGHT = "missing-right"
    UNKNOWN_NAME = "unknown-name"
    EXPIRED = "expired"
    """The credential, whichever it is, was good once."""
    REVOKED = "revoked"
    """The same, and somebody took it back."""
    NOT_YET_VALID = "not-yet-valid"
    """The token begins later, by the clock of who says so."""
    LOCKED = "locked"
    """Logins are not tried for a while."""
    FAILED_LOGINS = "failed-logins"
    """Logins that failed are what is counted."""
    INVALID_TOKEN = "invalid-token"
    INVALID_CREDENTIALS = "invalid-credentials"
    CONTENT = "content"
    """What was sent is not as it should be: a digest, a manifest, a name, an upload session."""
    INVALID_SCOPE = "invalid-scope"
    """The scope of a token request was not understood."""
    INVALID_SERVICE = "invalid-service"
    """The service of a token request is missing or not known."""
    UNAUTHORIZED_CLIENT = "unauthorized-client"
    """OAuth2 is spoken, and this client may not use this grant."""
    TOO_LARGE = "too-large"
    """Something of the request, mostly a header."""
    OF_RIGHTS = "of-rights"
    """It speaks of rights; whose, and which, it does not say."""
    OF_LOGINS = "of-logins"
    """It speaks of a password or a login; what is wrong with it, it does not say."""
    UNAVAILABLE = "unavailable"
    """Maintenance or overload."""


class _Phrase(NamedTuple):
    reason: StatedReason
    words: tuple[str, ...]
    """In lower case, blanks single; all of them are there."""
    source: str


_R = StatedReason

_PHRASES: Final = (
    _Phrase(_R.CLIENT_CERTIFICATE, ("no required ssl certificate was sent",), "nginx, status 496"),
    _Phrase(_R.CLIENT_CERTIFICATE, ("the ssl certificate error",), "nginx, status 495"),
    _Phrase(_R.CLIENT_CERTIFICATE, ("client certificate", "required"), "Apache httpd, Traefik, cloud load balancers"),
    _Phrase(_R.CLIENT_CERTIFICATE, ("client didn't provide a certificate",), "Go crypto/tls"),
    _Phrase(_R.CLIENT_CERTIFICATE, ("client_cert_not_provided",), "Google Cloud load balancer, mutual TLS"),
    _Phrase(_R.PLAIN_HTTP, ("plain http request was sent to https port",), "nginx, status 497"),
    _Phrase(_R.PLAIN_HTTP, ("client sent an http request to an https server",), "Go net/http"),
    _Phrase(_R.PLAIN_HTTP, ("speaking plain http to an ssl-enabled server port",), "Apache httpd"),
    _Phrase(_R.ADDRESS_RULE, ("aka.ms/acr/firewall",), "Azure Container Registry, network rules"),
    _Phrase(_R.ADDRESS_RULE, ("client with ip", "is not allowed access"), "Azure Container Registry, network rules"),
    _Phrase(_R.ADDRESS_RULE, ("ip allow list",), "GitHub, organization's IP allow list"),
    _Phrase(_R.ADDRESS_RULE, ("ip address", "not allowed"), "Artifactory and Nexus, address lists"),
    _Phrase(_R.ADDRESS_RULE, ("ip address", "not permitted"), "GitHub, organization's IP allow list"),
    _Phrase(_R.ADDRESS_RULE, ("ip address", "blocked"), "web application firewalls"),
    _Phrase(_R.ADDRESS_RULE, ("ip address", "banned"), "Cloudflare, error 1006"),
    _Phrase(_R.ADDRESS_RULE, ("ip", "blacklisted"), "Quay, blocked addresses"),
    _Phrase(_R.ADDRESS_RULE, ("ip", "whitelist"), "Artifactory Cloud, address list"),
    _Phrase(_R.ADDRESS_RULE, ("ip", "allowlist"), "Artifactory Cloud, address list"),
    _Phrase(_R.ADDRESS_RULE, ("error code: 1020",), "Cloudflare, firewall rule"),
    _Phrase(_R.ADDRESS_RULE, ("vpc service controls",), "Google Artifact Registry, service perimeter"),
    _Phrase(_R.ADDRESS_RULE, ("vpcservicecontrolsuniqueidentifier",), "Google Artifact Registry, service perimeter"),
    _Phrase(_R.ADDRESS_RULE, ("vpc endpoint policy",), "Amazon ECR, endpoint policy"),
    _Phrase(_R.ADDRESS_RULE, ("public network access", "disabled"), "Azure Container Registry, private endpoints"),
    _Phrase(_R.ADDRESS_RULE, ("export control",), "Docker Hub, blocked countries"),
    _Phrase(_R.ADDRESS_RULE, ("blocked", "firewall"), "web application firewalls"),
    _Phrase(_R.CSRF, ("csrf",), "Harbor, CSRF filter; Django; Rails"),
    _Phrase(_R.CSRF, ("cross-site request forgery",), "Nexus Repository, anti-forgery filter"),
    _Phrase(_R.POLICY, ("projectpolicyviolation",), "Harbor, error code of its content policies"),
    _Phrase(_R.POLICY, ("due to configured policy",), "Harbor, vulnerability policy"),
    _Phrase(_R.POLICY, ("is not signed",), "Harbor, content trust"),
    _Phrase(_R.POLICY, ("quarantine",), "Azure Container Registry; Nexus Firewall"),
    _Phrase(_R.POLICY, ("blocked", "xray"), "Artifactory, Xray download blocking"),
    _Phrase(_R.POLICY, ("download blocking policy",), "Artifactory, Xray download blocking"),
    _Phrase(_R.POLICY, ("curation", "block"), "Artifactory, package curation"),
    _Phrase(_R.POLICY, ("image access management",), "Docker Hub, organization's allowed images"),
    _Phrase(_R.POLICY, ("registry access management",), "Docker Desktop, organization's allowed registries"),
    _Phrase(_R.POLICY, ("immutable", "tag"), "Harbor and Amazon ECR, immutable tags"),
    _Phrase(_R.POLICY, ("request is prohibited by organization's policy",), "Google Cloud, organization policy"),
    _Phrase(_R.SUSPENDED, ("suspended",), "GitHub, Docker Hub, Quay"),
    _Phrase(_R.SUSPENDED, ("account", "has been disabled"), "GitLab, Quay"),
    _Phrase(_R.SUSPENDED, ("account is disabled",), "Artifactory, Azure"),
    _Phrase(_R.SUSPENDED, ("user is disabled",), "Nexus Repository, Keycloak"),
    _Phrase(_R.SUSPENDED, ("user has been disabled",), "Quay"),
    _Phrase(_R.SUSPENDED, ("user", "is blocked"), "GitLab, Artifactory"),
    _Phrase(_R.SUSPENDED, ("user", "deactivated"), "GitLab, Docker Hub"),
    _Phrase(_R.SUSPENDED, ("account is inactive",), "Docker Hub, Keycloak"),
    _Phrase(_R.SUSPENDED, ("account", "deactivated"), "Docker Hub, GitLab"),
    _Phrase(_R.SUSPENDED, ("account", "locked"), "Artifactory, Harbor after wrong passwords"),
    _Phrase(_R.SUSPENDED, ("your account has been blocked",), "GitLab"),
    _Phrase(_R.BILLING, ("billing", "enabled"), "Google Cloud, project without billing"),
    _Phrase(_R.BILLING, ("billing account",), "Google Cloud, Quay"),
    _Phrase(_R.BILLING, ("payment required",), "RFC 9110 section 15.5.3"),
    _Phrase(_R.SSO_REQUIRED, ("saml enforcement",), "GitHub Container Registry, organization's SAML"),
    _Phrase(_R.SSO_REQUIRED, ("saml sso",), "GitHub, organization's SAML"),
    _Phrase(_R.SSO_REQUIRED, ("single sign-on",), "Docker Hub, GitLab"),
    _Phrase(_R.SSO_REQUIRED, ("sso", "required"), "Docker Hub, organization's sign-in"),
    _Phrase(_R.SECOND_FACTOR, ("two-factor",), "Docker Hub"),
    _Phrase(_R.SECOND_FACTOR, ("2fa",), "GitLab, Docker Hub"),
    _Phrase(_R.SECOND_FACTOR, ("use a personal access token",), "GitLab"),
    _Phrase(_R.READ_ONLY, ("read only mode",), "Harbor"),
    _Phrase(_R.READ_ONLY, ("read-only mode",), "Quay, distribution's storage maintenance"),
    _Phrase(_R.READ_ONLY, ("registry is read-only",), "GitLab, Nexus Repository"),
    _Phrase(_R.QUOTA, ("exceed the configured upper limit",), "Harbor, project quota"),
    _Phrase(_R.QUOTA, ("quota", "exceed"), "Quay, GitLab, Artifact Registry"),
    _Phrase(_R.QUOTA, ("storage limit",), "GitLab, namespace storage"),
    _Phrase(_R.RATE_LIMIT, ("toomanyrequests",), "OCI distribution specification, error codes"),
    _Phrase(_R.RATE_LIMIT, ("rate limit",), "Docker Hub, pull rate limit"),
    _Phrase(_R.RATE_LIMIT, ("too many requests",), "RFC 6585 section 4"),
    _Phrase(_R.MISSING_SCOPE, ("insufficient scope",), "Docker Hub, access token of less scope"),
    _Phrase(_R.MISSING_SCOPE, ("insufficient_scope",), "RFC 6750 section 3.1; GitLab"),
    _Phrase(_R.MISSING_SCOPE, ("does not match expected scopes",), "GitHub Container Registry"),
    _Phrase(_R.MISSING_SCOPE, ("token", "required scope"), "GitHub, GitLab, Gitea"),
    _Phrase(_R.MISSING_WRITE_RIGHT, ("permission_denied: write_package",), "GitHub Container Registry"),
    _Phrase(_R.MISSING_WRITE_RIGHT, ("permission_denied: create_package",), "GitHub Container Registry"),
    _Phrase(_R.MISSING_WRITE_RIGHT, ("repositories.uploadartifacts",), "Google Artifact Registry"),
    _Phrase(_R.MISSING_WRITE_RIGHT, ("ecr:initiatelayerupload",), "Amazon ECR"),
    _Phrase(_R.MISSING_WRITE_RIGHT, ("ecr:putimage",), "Amazon ECR"),
    _Phrase(_R.MISSING_WRITE_RIGHT, ("ecr:createrepository",), "Amazon ECR"),
    _Phrase(_R.MISSING_WRITE_RIGHT, ("write permission",), "Gitea, Artifactory"),
    _Phrase(_R.MISSING_WRITE_RIGHT, ("not authorized to push",), "GitLab, Quay"),
    _Phrase(_R.MISSING_RIGHT, ("is not authorized to perform: ecr:",), "Amazon ECR"),
    _Phrase(_R.MISSING_RIGHT, ("permission", "artifactregistry."), "Google Artifact Registry"),
    _Phrase(_R.MISSING_RIGHT, ("does not have permission",), "Artifactory, Quay"),
    _Phrase(_R.MISSING_RIGHT, ("insufficient permission",), "Nexus Repository, Harbor"),
    _Phrase(_R.UNKNOWN_NAME, ("name_unknown",), "OCI distribution specification, error codes"),
    _Phrase(_R.UNKNOWN_NAME, ("repository name not known to registry",), "distribution, zot, Harbor"),
    _Phrase(_R.UNKNOWN_NAME, ("the repository with name", "does not exist"), "Amazon ECR"),
    _Phrase(_R.UNKNOWN_NAME, ("repository", "not found"), "Artifact Registry, Quay, Harbor"),
    _Phrase(_R.UNKNOWN_NAME, ("project", "not found"), "Harbor"),
    _Phrase(_R.EXPIRED, ("token has expired",), "Amazon ECR, GitLab"),
    _Phrase(_R.EXPIRED, ("token is expired",), "distribution, Go JWT libraries"),
    _Phrase(_R.EXPIRED, ("token expired",), "Harbor, Artifactory"),
    _Phrase(_R.EXPIRED, ("password has expired",), "Artifactory, GitLab"),
    _Phrase(_R.EXPIRED, ("password expired",), "Nexus Repository, Keycloak"),
    _Phrase(_R.EXPIRED, ("credentials have expired",), "Amazon ECR"),
    _Phrase(_R.EXPIRED, ("session has expired",), "Quay, Artifactory"),
    _Phrase(_R.EXPIRED, ("session expired",), "Harbor, Keycloak"),
    _Phrase(_R.EXPIRED, ("expired token",), "Artifactory, Gitea"),
    _Phrase(_R.EXPIRED, ("expiredtoken",), "Amazon S3 and STS, error code"),
    _Phrase(_R.EXPIRED, ("request has expired",), "Amazon S3, presigned URLs"),
    _Phrase(_R.EXPIRED, ("signature has expired",), "CloudFront, Google Cloud Storage"),
    _Phrase(_R.EXPIRED, ("url has expired",), "content delivery networks, signed URLs"),
    _Phrase(_R.EXPIRED, ("link has expired",), "content delivery networks, signed URLs"),
    _Phrase(_R.EXPIRED, ("signature not valid in the specified time frame",), "Azure Blob Storage, signed URLs"),
    _Phrase(_R.REVOKED, ("token has been revoked",), "GitLab, Azure Container Registry"),
    _Phrase(_R.REVOKED, ("token was revoked",), "GitLab"),
    _Phrase(_R.REVOKED, ("token is revoked",), "Artifactory"),
    _Phrase(_R.REVOKED, ("token revoked",), "Docker Hub, Quay"),
    _Phrase(_R.REVOKED, ("revoked token",), "Artifactory"),
    _Phrase(_R.NOT_YET_VALID, ("not yet valid",), "distribution, Java JWT libraries"),
    _Phrase(_R.NOT_YET_VALID, ("not valid yet",), "Go JWT libraries"),
    _Phrase(_R.NOT_YET_VALID, ("used before issued",), "Go JWT libraries"),
    _Phrase(_R.NOT_YET_VALID, ("before nbf",), "Go and Python JWT libraries"),
    _Phrase(_R.NOT_YET_VALID, ("(nbf)",), "Python JWT libraries"),
    _Phrase(_R.NOT_YET_VALID, ("clock skew",), "Keycloak, Artifactory"),
    _Phrase(_R.FAILED_LOGINS, ("failed login",), "Docker Hub, Artifactory, Nexus Repository"),
    _Phrase(_R.FAILED_LOGINS, ("login attempt",), "Docker Hub, GitLab"),
    _Phrase(_R.FAILED_LOGINS, ("failed attempt",), "Artifactory, Keycloak"),
    _Phrase(_R.FAILED_LOGINS, ("too many failed",), "GitLab, Quay"),
    _Phrase(_R.FAILED_LOGINS, ("too many login",), "Docker Hub"),
    _Phrase(_R.FAILED_LOGINS, ("authentication attempt",), "GitLab, Artifactory"),
    _Phrase(_R.LOCKED, ("locked out",), "Artifactory, directory servers"),
    _Phrase(_R.LOCKED, ("lockout",), "Artifactory, directory servers"),
    _Phrase(_R.LOCKED, ("lock-out",), "Artifactory, directory servers"),
    _Phrase(_R.LOCKED, ("user", "is locked"), "Artifactory, Nexus Repository"),
    _Phrase(_R.LOCKED, ("temporarily locked",), "Keycloak, GitLab"),
    _Phrase(_R.INVALID_TOKEN, ("invalid_token",), "RFC 6750 section 3.1"),
    _Phrase(_R.INVALID_TOKEN, ("invalid token",), "distribution, Quay, GitLab"),
    _Phrase(_R.INVALID_TOKEN, ("token is invalid",), "Artifactory, Gitea"),
    _Phrase(_R.INVALID_TOKEN, ("signature is invalid",), "Go JWT libraries"),
    _Phrase(_R.INVALID_TOKEN, ("invalid signature",), "Node and Java JWT libraries"),
    _Phrase(_R.INVALID_TOKEN, ("signature verification failed",), "Python JWT libraries"),
    _Phrase(_R.INVALID_TOKEN, ("invalid audience",), "Python and Java JWT libraries"),
    _Phrase(_R.INVALID_TOKEN, ("invalid issuer",), "Python and Java JWT libraries"),
    _Phrase(_R.INVALID_TOKEN, ("untrusted key",), "distribution, token verification"),
    _Phrase(_R.INVALID_TOKEN, ("token verification failed",), "self-made registries"),
    _Phrase(_R.INVALID_CREDENTIALS, ("incorrect username or password",), "Docker Hub"),
    _Phrase(_R.INVALID_CREDENTIALS, ("invalid username or password",), "Quay, Nexus Repository"),
    _Phrase(_R.INVALID_CREDENTIALS, ("invalid username/password",), "distribution, Harbor"),
    _Phrase(_R.INVALID_CREDENTIALS, ("bad credentials",), "Artifactory, GitHub"),
    _Phrase(_R.INVALID_CREDENTIALS, ("invalid_grant",), "RFC 6749 section 5.2"),
    _Phrase(_R.INVALID_CREDENTIALS, ("invalid_client",), "RFC 6749 section 5.2"),
    _Phrase(_R.INVALID_CREDENTIALS, ("invalid credentials",), "Harbor, Gitea, Keycloak"),
    _Phrase(_R.INVALID_CREDENTIALS, ("wrong password",), "Keycloak, docker_auth"),
    _Phrase(_R.INVALID_CREDENTIALS, ("http basic: access denied",), "GitLab"),
    _Phrase(_R.INVALID_CREDENTIALS, ("authentication failed",), "Gitea, Azure Container Registry"),
    _Phrase(_R.CONTENT, ("digest_invalid",), "OCI distribution specification, error codes"),
    _Phrase(_R.CONTENT, ("manifest_invalid",), "OCI distribution specification, error codes"),
    _Phrase(_R.CONTENT, ("manifest_blob_unknown",), "OCI distribution specification, error codes"),
    _Phrase(_R.CONTENT, ("manifest_unverified",), "OCI distribution specification, error codes"),
    _Phrase(_R.CONTENT, ("size_invalid",), "OCI distribution specification, error codes"),
    _Phrase(_R.CONTENT, ("blob_upload_invalid",), "OCI distribution specification, error codes"),
    _Phrase(_R.CONTENT, ("blob_upload_unknown",), "OCI distribution specification, error codes"),
    _Phrase(_R.CONTENT, ("name_invalid",), "OCI distribution specification, error codes"),
    _Phrase(_R.CONTENT, ("tag_invalid",), "OCI distribution specification, error codes"),
    _Phrase(_R.CONTENT, ("range_invalid",), "OCI distribution specification, error codes"),
    _Phrase(_R.INVALID_SCOPE, ("invalid_scope",), "RFC 6749 section 5.2"),
    _Phrase(_R.INVALID_SCOPE, ("invalid scope",), "docker_auth, Quay, Azure Container Registry"),
    _Phrase(_R.INVALID_SCOPE, ("malformed scope",), "docker_auth, Portus"),
    _Phrase(_R.INVALID_SCOPE, ("scope", "is invalid"), "Azure Container Registry"),
    _Phrase(_R.INVALID_SCOPE, ("unable to decode repository and actions",), "Quay"),
    _Phrase(_R.INVALID_SCOPE, ("parse scope",), "docker_auth, Go token servers"),
    _Phrase(_R.INVALID_SCOPE, ("parsing scope",), "docker_auth, Go token servers"),
    _Phrase(_R.INVALID_SCOPE, ("bad scope",), "self-made token servers"),
    _Phrase(_R.INVALID_SERVICE, ("invalid service",), "Quay, Azure Container Registry"),
    _Phrase(_R.INVALID_SERVICE, ("unknown service",), "self-made token servers"),
    _Phrase(_R.INVALID_SERVICE, ("missing service",), "self-made token servers"),
    _Phrase(_R.INVALID_SERVICE, ("service parameter",), "Azure Container Registry, GitLab"),
    _Phrase(_R.INVALID_SERVICE, ("service is required",), "Azure Container Registry"),
    _Phrase(_R.INVALID_SERVICE, ("service is missing",), "self-made token servers"),
    _Phrase(_R.UNAUTHORIZED_CLIENT, ("unauthorized_client",), "RFC 6749 section 5.2"),
    _Phrase(_R.TOO_LARGE, ("too large",), "nginx, RFC 6585 section 5"),
    _Phrase(_R.TOO_LARGE, ("too long",), "Apache httpd, IIS, RFC 9110 section 15.5.15"),
    _Phrase(_R.TOO_LARGE, ("too big",), "HAProxy"),
    _Phrase(_R.TOO_LARGE, ("size of a request header field exceeds",), "Apache httpd"),
    _Phrase(_R.OF_RIGHTS, ("requested access",), "distribution, Docker Hub, Quay"),
    _Phrase(_R.OF_RIGHTS, ("permission",), "GitLab, Nexus Repository"),
    _Phrase(_R.OF_RIGHTS, ("privilege",), "Artifactory, Nexus Repository"),
    _Phrase(_R.OF_RIGHTS, ("not allowed to",), "GitLab"),
    _Phrase(_R.OF_RIGHTS, ("not authorized to",), "Amazon ECR, GitLab"),
    _Phrase(_R.OF_RIGHTS, ("insufficient",), "Docker Hub, Harbor"),
    _Phrase(_R.OF_LOGINS, ("password",), "any"),
    _Phrase(_R.OF_LOGINS, ("username",), "any"),
    _Phrase(_R.OF_LOGINS, ("credential",), "any"),
    _Phrase(_R.OF_LOGINS, ("bad token",), "Quay"),
    _Phrase(_R.UNAVAILABLE, ("maintenance",), "Docker Hub, Quay, GitLab"),
    _Phrase(_R.UNAVAILABLE, ("temporarily unavailable",), "nginx, RFC 6749 section 4.1.2.1"),
)

EXPLAINING: Final = frozenset(
    {
        _R.CLIENT_CERTIFICATE,
        _R.PLAIN_HTTP,
        _R.ADDRESS_RULE,
        _R.CSRF,
        _R.POLICY,
        _R.SUSPENDED,
        _R.BILLING,
        _R.SSO_REQUIRED,
        _R.SECOND_FACTOR,
        _R.READ_ONLY,
        _R.QUOTA,
        _R.MISSING_SCOPE,
        _R.MISSING_WRITE_RIGHT,
        _R.MISSING_RIGHT,
    }
)
"""Reasons beside which neither a wrong password nor a wrong spelling can be guessed at."""

OF_RIGHTS: Final = frozenset(
    {_R.OF_RIGHTS, _R.MISSING_RIGHT, _R.MISSING_WRITE_RIGHT, _R.MISSING_SCOPE, _R.INVALID_SCOPE}
)
"""Reasons that are about what the login may do."""

OF_LOGINS: Final = frozenset({_R.OF_LOGINS, _R.INVALID_CREDENTIALS, _R.INVALID_TOKEN, _R.EXPIRED, _R.REVOKED})
"""Reasons that are about the login itself."""

LOCKING: Final = frozenset({_R.LOCKED, _R.FAILED_LOGINS})
"""Reasons beside which the next try makes it worse."""

BEYOND_THE_LOGIN: Final = EXPLAINING - {_R.MISSING_SCOPE, _R.MISSING_WRITE_RIGHT, _R.MISSING_RIGHT}
"""Reasons beside which no other scope, token or login would have helped."""


def phrase_of(reason: StatedReason) -> str:
    """Words by which a server states `reason`."""
    return next((" ".join(phrase.words) for phrase in _PHRASES if phrase.reason is reason), "")


def stated(texts: Iterable[str]) -> tuple[StatedReason, ...]:
    """The reasons that the texts of one answer give, the more special ones first, each once."""
    words = " ".join(" ".join(texts)[:MAX_TEXT].lower().replace("’", "'").split())
    if not words:
        return ()
    found = (phrase.reason for phrase in _PHRASES if all(_is_in(word, words) for word in phrase.words))
    return tuple(dict.fromkeys(found))


def _is_in(word: str, words: str) -> bool:
    # Two letters are in any text: they count as a word alone.
    return f" {word} " in f" {words} " if len(word) < 4 else word in words
