"""The libraries behind registry clients: how to recognise one in traffic, and what helps its users today."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from regauth_core.model import Endpoint, Exchange

CONTAINERS_IMAGE = "containers/image"
DOCKER_DISTRIBUTION = "docker/distribution"
CONTAINERD = "containerd"
BUILDKIT = "buildkit"
ORAS_GO = "oras-go"
GO_CONTAINERREGISTRY = "go-containerregistry"
REGCLIENT = "regclient"
ORAS_PY = "oras-py"
DXF = "python-dxf"
JIB = "jib"
OCI_CLIENT = "oci-client"
ORAS_JAVA = "oras-java"
RENOVATE = "renovate"
NODE_CLIENT = "node-docker-registry-client"
PYTHON_CLIENT = "docker-registry-client"
SNYK = "snyk-docker-registry-v2-client"

# The order matters: the first match counts where a user agent names two (docker with containerd's store).
_AGENT_MARKS = (
    ("containerd-client/", CONTAINERD),
    ("UpstreamClient(", DOCKER_DISTRIBUTION),
    ("Docker-Client/", DOCKER_DISTRIBUTION),
    ("github.com/containers/image", CONTAINERS_IMAGE),
    ("skopeo/", CONTAINERS_IMAGE),
    ("Buildah/", CONTAINERS_IMAGE),
    ("podman/", CONTAINERS_IMAGE),
    ("cri-o/", CONTAINERS_IMAGE),
    ("buildkit/", BUILDKIT),
    ("containerd/", CONTAINERD),
    ("go-containerregistry", GO_CONTAINERREGISTRY),
    ("crane/", GO_CONTAINERREGISTRY),
    ("cosign/", GO_CONTAINERREGISTRY),
    ("kaniko/", GO_CONTAINERREGISTRY),
    ("oras-go", ORAS_GO),
    ("oras/", ORAS_GO),
    ("Helm/", ORAS_GO),
    ("notation/", ORAS_GO),
    ("regclient/", REGCLIENT),
    ("jib ", JIB),
    ("trivy/", GO_CONTAINERREGISTRY),
    ("Apptainer/", CONTAINERS_IMAGE),
    ("oci-client/", OCI_CLIENT),
    ("ORAS-Java-SDK/", ORAS_JAVA),
    ("Renovate/", RENOVATE),
    ("RenovateBot/", RENOVATE),
    ("node-docker-registry-client/", NODE_CLIENT),
    ("Needle/", SNYK),
)

_CLIENT_ID_MARKS = {
    "containers/image": CONTAINERS_IMAGE,
    "containerd-client": CONTAINERD,
    "buildkit-client": BUILDKIT,
    "oras-go": ORAS_GO,
    "go-containerregistry": GO_CONTAINERREGISTRY,
    "registry-client": DOCKER_DISTRIBUTION,
    "docker": DOCKER_DISTRIBUTION,
}


@lru_cache(1024)
def engine_of_agent(user_agent: str) -> str | None:
    """The engine that a `User-Agent` names."""
    if user_agent.startswith("docker/"):
        return CONTAINERD if "containerd-client/" in user_agent else DOCKER_DISTRIBUTION
    return next((engine for mark, engine in _AGENT_MARKS if mark in user_agent), None)


def engine_of(exchange: Exchange) -> str | None:
    """The engine behind an exchange, by its marks; `None` where it has none.

    Only requests to a registry and token requests have marks. Once it has authenticated, dxf sends the user agent of
    docker's command line, so of a token request only the `client_id` counts.
    """
    request = exchange.request
    if exchange.target.endpoint is Endpoint.ELSEWHERE:
        if request.token is None:
            return None
        if request.header("service") is not None:
            return ORAS_PY
        return _CLIENT_ID_MARKS.get(request.token.client_id or "")
    agent = exchange.sender.user_agent or ""
    named = engine_of_agent(agent)
    if named == DOCKER_DISTRIBUTION and "deflate" in (request.header("accept-encoding") or ""):
        return DXF  # what is written in Go asks for gzip alone
    if named is not None:
        return named
    if request.header("docker-distribution-api-version") is not None:
        return CONTAINERS_IMAGE
    if agent.startswith("python-requests/"):
        return _of_python(request.header("accept") or "")
    return None


def _of_python(accept: str) -> str | None:
    """Two libraries ask for manifests of the first schema, one of them for nothing but the signed kind."""
    if accept == "application/vnd.docker.distribution.manifest.v1+prettyjws":
        return PYTHON_CLIENT
    return DXF if "docker.distribution.manifest.v1+json" in accept else None


@dataclass(frozen=True, slots=True)
class Remedy:
    """What a user of an engine can do today about one cause of a rule."""

    rule: str
    cause: str
    engine: str
    text: str


_REMEDIES = (
    Remedy(
        "challenge-ignored",
        "ping-derived-auth",
        CONTAINERS_IMAGE,
        "this engine reads a challenge on the ping whatever its status: it logs in where the registry adds its"
        " WWW-Authenticate header to the 200 of /v2/",
    ),
    Remedy(
        "challenge-ignored",
        "ping-derived-auth",
        DOCKER_DISTRIBUTION,
        "docker with the containerd image store (daemon.json: features.containerd-snapshotter) answers such challenges",
    ),
    Remedy(
        "challenge-ignored",
        "realm-of-another-domain",
        SNYK,
        "this engine asks only token servers in the registry's own domain: let the registry name a realm there",
    ),
    Remedy(
        "wrong-scheme-sent",
        "ping-derived-auth",
        GO_CONTAINERREGISTRY,
        "this engine takes the scheme only from the ping: it fetches a token where /v2/ answers 401 with the"
        " repositories' Bearer challenge",
    ),
)


def remedy(rule: str, cause: str | None, engine: str | None) -> str | None:
    """What helps a user of `engine` against this cause of `rule`, for the advice; `None` if nothing is known."""
    return next((r.text for r in _REMEDIES if (r.rule, r.cause, r.engine) == (rule, cause, engine)), None)
