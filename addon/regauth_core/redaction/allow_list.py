"""What of a message may be shown. Whatever is not named here becomes a fingerprint.

An allow-list by position: header fields, query parameters, challenge parameters, cookie attributes. Names are in lower
case. Even what is kept passes through `prose`, so that a token in a place where none belongs does not survive.
"""

from __future__ import annotations

import re
from typing import Final

KEPT_FIELDS: Final = frozenset(
    {
        "age",
        "allow",
        "connection",
        "content-length",
        "content-type",
        "content-encoding",
        "content-range",
        "date",
        "docker-content-digest",
        "docker-distribution-api-version",
        "docker-upload-uuid",
        "etag",
        "expect",
        "host",
        "range",
        "retry-after",
        "server",
        "transfer-encoding",
        "user-agent",
        "vary",
        "via",
        "warning",
        "x-registry-supports-signatures",
    }
)
KEPT_FIELD_PREFIXES: Final = ("accept", "ratelimit-", "oci-")
CREDENTIAL_FIELDS: Final = frozenset({"authorization", "proxy-authorization"})
CHALLENGE_FIELDS: Final = frozenset({"www-authenticate", "proxy-authenticate"})
COOKIE_FIELDS: Final = frozenset({"cookie", "set-cookie"})
URL_FIELDS: Final = frozenset({"location", "content-location", "referer"})

SECRET_FIELDS: Final = frozenset({"x-jfrog-art-api"})
"""Fields whose values are secrets although their names do not say so."""

KEPT_QUERY: Final = frozenset(
    {
        "scope",
        "service",
        "client_id",
        "offline_token",
        "grant_type",
        "access_type",
        "mount",
        "from",
        "digest",
        "n",
        "last",
        "ns",
        "artifacttype",
        "x-amz-algorithm",
        "x-amz-date",
        "x-amz-expires",
        "x-amz-signedheaders",
        "x-goog-algorithm",
        "x-goog-date",
        "x-goog-expires",
        "x-goog-signedheaders",
        "st",
        "se",
        "sp",
        "sr",
        "sv",
        "spr",
        "expires",
    }
)
USER_QUERY: Final = frozenset({"account", "username", "user"})
SIGNATURE_QUERY: Final = frozenset(
    {
        "x-amz-signature",
        "x-goog-signature",
        "signature",
        "sig",
        "verify",
        "policy",
        "_state",
        "state",
    }
)

PLAIN_PARAMETERS: Final = frozenset({"error", "charset", "algorithm", "qop", "stale"})
"""Challenge parameters that hold one word."""
PLAIN_PARAMETER_ENDINGS: Final = ("_uri", "_url", "_endpoint", "_type", "_metadata")
"""Of names of challenge parameters that sound like a secret's and hold none, such as ``authorization_uri``."""
COOKIE_ATTRIBUTES: Final = frozenset(
    {
        "path",
        "domain",
        "expires",
        "max-age",
        "secure",
        "httponly",
        "samesite",
        "partitioned",
    }
)

URL_SCHEMES: Final = frozenset(
    {
        "http", "https", "docker", "oci", "ftp", "ssh", "git", "s3", "gs", "ws", "wss",
        # Of daemons, and where clients keep images.
        "tcp", "unix", "npipe", "oras", "ocidir", "ocifile", "library", "shub", "containers-storage", "docker-archive",
        "docker-daemon", "oci-archive",
    }
)  # fmt: skip
"""Schemes of URLs that are taken apart; behind any other, such as ``data:``, anything may stand."""

PUBLIC_HOSTS: Final = frozenset(
    {
        "docker.io",
        "docker.com",
        "ghcr.io",
        "quay.io",
        "gcr.io",
        "k8s.io",
        "mcr.microsoft.com",
        "public.ecr.aws",
        "registry.gitlab.com",
        "gitlab.com",
        "github.com",
        "githubusercontent.com",
        "redhat.io",
        "redhat.com",
        "fedoraproject.org",
        "opensuse.org",
        "suse.com",
        "nvcr.io",
        "cgr.dev",
        "elastic.co",
        "icr.io",
        "pkg.dev",
        "localhost",
        "cloudfront.net",
        "r2.cloudflarestorage.com",
        "storage.googleapis.com",
        "metadata.google.internal",
        "metadata",
        "instance-data",
    }
)
"""Domains, with everything below them, that keep their names: which registry it is, is half of a diagnosis."""
PRIVATE_UNDER_PUBLIC: Final = (
    "amazonaws.com", "amazonaws.com.cn", "amazonaws.eu", "on.aws", "localstack.cloud",
    "azurecr.io", "azurecr.cn", "azurecr.us", "azurecr.de", "windows.net",
    "storage.googleapis.com", "cloudfront.net", "jfrog.io", "r2.cloudflarestorage.com", "aliyuncs.com",
)  # fmt: skip
"""Vendors whose customers have host names of their own; the vendor's part stays, the customer's goes."""
VENDOR_LABEL: Final = re.compile(
    r"(?:\A|\.)(?:s3|s3-[a-z0-9\-]+|dkr(?:-ecr)?|ecr|cr|oss-[a-z0-9\-]+|data|blob)(?=\.|\Z)"
)
"""In what such a host is called before the vendor's domain: where the vendor's own part begins."""
CODE_HOSTS: Final = frozenset({"github.com", "golang.org", "gopkg.in", "pkg.go.dev"})
"""Hosts that stand in front of the names of libraries, as user agents have them, and not of images."""
PATH_WORDS: Final = frozenset(
    {
        "api", "artifactory", "auth", "authorize", "blob", "blobs", "bucket", "challenge", "connect", "containers",
        "content", "data", "dist", "docker", "download", "exchange", "health", "images", "jwt", "keys", "layers",
        "login", "nexus", "oauth", "oauth2", "oci", "openid", "openid-connect", "projects", "protocol", "proxy",
        "realms", "registry", "registry-v2", "repositories", "repository", "request", "server", "service", "services",
        "sha256", "sha512", "signin", "storage", "token", "tokens", "user", "users", "v0", "v1", "v2", "v2.0", "v3",
        "_uploads", "_layers", "_manifests", "_blobs",
    }
)  # fmt: skip
"""Elements of paths that stay where repositories get pseudonyms: another one may be somebody's project."""

PLAIN_WORDS: Final = frozenset(
    {
        "anonymous",
        "application",
        "artifact",
        "authorization",
        "basic",
        "bearer",
        "bitbucket",
        "challenge",
        "client",
        "content",
        "containerd",
        "default",
        "digest",
        "docker",
        "docker.io",
        "example",
        "github",
        "gitlab",
        "google",
        "harbor",
        "image",
        "images",
        "index",
        "insecure",
        "internal",
        "latest",
        "library",
        "localhost",
        "manifest",
        "manifests",
        "master",
        "mirror",
        "nginx",
        "origin",
        "password",
        "private",
        "production",
        "project",
        "public",
        "quay.io",
        "registry",
        "repository",
        "request",
        "response",
        "scheme",
        "scope",
        "secret",
        "server",
        "service",
        "stable",
        "staging",
        "status",
        "string",
        "target",
        "test",
        "testing",
        "testuser",
        "token",
        "ubuntu",
        "upload",
        "uploads",
        "username",
        "version",
    }
)
"""Words that a sweep leaves alone even where they are somebody's password: replacing them would shred the text."""
