"""Who is behind an exchange."""

from __future__ import annotations

import pytest

from kit.notation import read
from regauth_core.conversation.clients import Clients, key_of
from regauth_core.conversation.engines import engine_of, engine_of_agent, remedy
from regauth_core.model import Exchange, Safe, Sender


def exchange(line: str) -> Exchange:
    """The first exchange of a talk."""
    return next(read(line, "one").exchanges())


def sender(**known: object) -> Sender:
    """A sender of which that much is known."""
    return Sender(**{k: Safe(v) if isinstance(v, str) else v for k, v in known.items()})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ({"label": "a", "process": 1}, {"label": "a", "process": 2}, True),
        ({"label": "a", "process": 1}, {"label": "b", "process": 1}, False),
        ({"label": "a", "process": 1, "program": "oras"}, {"label": "a", "process": 2, "program": "skopeo"}, False),
        ({"label": "a", "user_agent": "oras/1.3"}, {"label": "a", "user_agent": "skopeo/1.9"}, False),
        ({"label": "a", "user_agent": "oras/1.3"}, {"label": "a", "user_agent": "oras/1.2"}, True),
        (
            {"process": 1, "program": "skopeo", "user_agent": "x"},
            {"process": 1, "program": "skopeo", "user_agent": "y"},
            True,
        ),
        ({"process": 1, "address": "::1"}, {"process": 2, "address": "::1"}, False),
        ({"address": "::1", "user_agent": "x"}, {"address": "::1", "user_agent": "x"}, True),
        ({"address": "::1", "user_agent": "x"}, {"address": "::1", "user_agent": "y"}, False),
    ],
)
def test_label_then_process_then_address_make_a_client(
    one: dict[str, object], other: dict[str, object], together: bool
) -> None:
    """The strongest thing that is known decides; the weaker ones do not count then."""
    assert (key_of(sender(**one)) == key_of(sender(**other))) is together


@pytest.mark.parametrize(
    ("agents", "numbers"),
    [
        (["skopeo/1.9", "Go-http-client/1.1", "oras/1.3", "Go-http-client/1.1"], ["c1", "c1", "c2", "c2"]),
        (["Go-http-client/1.1", "skopeo/1.9", "Go-http-client/1.1", "oras/1.3"], ["c1", "c1", "c1", "c2"]),
    ],
)
def test_under_a_label_what_says_nothing_of_itself_is_the_program_s(agents: list[str], numbers: list[str]) -> None:
    """Many clients fetch their tokens with a user agent of their library."""
    clients = Clients()
    assert [clients.identifier(sender(label="a", user_agent=agent)) for agent in agents] == numbers
    assert {client.label for client in clients.all()} == {"a"}


def test_clients_are_numbered_in_order_of_appearance() -> None:
    """``c1`` is the first that was seen, and stays it."""
    clients = Clients()
    first, second = sender(label="a"), sender(label="b")
    assert [clients.identifier(s) for s in (first, second, first)] == ["c1", "c2", "c1"]


@pytest.mark.parametrize(
    ("agent", "engine"),
    [
        ("skopeo/1.9.3", "containers/image"),
        ("containers/5.23.1 (github.com/containers/image)", "containers/image"),
        ("Buildah/1.28.2", "containers/image"),
        ("docker/20.10 go/go1.19 UpstreamClient(Docker-Client/20.10 \\(linux\\))", "docker/distribution"),
        ("docker/29 go/go1.25 containerd-client/2.1 storage-driver/overlayfs UpstreamClient(x)", "containerd"),
        ("containerd/1.6.20~ds1", "containerd"),
        ("buildkit/v0.23", "buildkit"),
        ("oras/1.3.0", "oras-go"),
        ("Helm/3.18.0", "oras-go"),
        ("cosign/v2 (linux; amd64) go-containerregistry/v0.20", "go-containerregistry"),
        ("regclient/regctl (v0.9)", "regclient"),
        ("jib 0.27 jib-cli", "jib"),
        ("trivy/0.74.0", "go-containerregistry"),
        ("Apptainer/1.3.1 (Linux amd64) Go/1.22", "containers/image"),
        ("oci-client/0.18.0", "oci-client"),
        ("ORAS-Java-SDK/0.7.0", "oras-java"),
        ("RenovateBot/39.264.1 (https://github.com/renovatebot/renovate)", "renovate"),
        ("Renovate/44.121.2 (https://github.com/renovatebot/renovate)", "renovate"),
        ("node-docker-registry-client/3.4.0 (x64-linux; node/20.1.0)", "node-docker-registry-client"),
        ("Needle/3.3.1 (Node.js v20.1.0; linux x64)", "snyk-docker-registry-v2-client"),
        ("curl/8", None),
    ],
)
def test_user_agent_names_the_engine(agent: str, engine: str | None) -> None:
    """The library behind a product is known by the product's user agent."""
    assert engine_of_agent(agent) == engine


DOCKER = "agent: Docker-Client/19.03.2 (linux)"
REQUESTS = "agent: python-requests/2\nGET /v2/bar/manifests/latest - -> 200"


@pytest.mark.parametrize(
    ("talk", "engine"),
    [
        ("agent: x/1\nGET /v2/ - -> 200\n  > Docker-Distribution-Api-Version: registry/2.0", "containers/image"),
        ("agent: python-requests/2\nGET {realm}?service=s&scope=repository:a:pull - -> 200\n  > Service: s", "oras-py"),
        ("agent: x/1\nGET {realm}?service=s&client_id=oras-go&scope=repository:a:pull - -> 200", "oras-go"),
        (f"{DOCKER}\nGET {{realm}}?service=s&scope=repository:a:pull - -> 200", None),
        (f"{DOCKER}\nGET /v2/bar/tags/list - -> 200\n  > Accept-Encoding: gzip, deflate", "python-dxf"),
        (f"{DOCKER}\nGET /v2/bar/tags/list - -> 200\n  > Accept-Encoding: gzip", "docker/distribution"),
        (f"{REQUESTS}\n  > Accept: application/vnd.docker.distribution.manifest.v1+json", "python-dxf"),
        (
            f"{REQUESTS}\n  > Accept: application/vnd.docker.distribution.manifest.v1+prettyjws",
            "docker-registry-client",
        ),
        (f"{REQUESTS}\n  > Accept: application/vnd.oci.image.manifest.v1+json", None),
        ("agent: oras/1.3.0\nGET https://blobs.test/x - -> 200", None),
    ],
)
def test_other_marks_name_the_engine(talk: str, engine: str | None) -> None:
    """Headers and the token request's `client_id` tell where the user agent does not, or may lie."""
    assert engine_of(exchange(talk)) == engine


def test_remedy_is_for_the_engine_that_has_it() -> None:
    """What helps the users of one engine is not told to those of another."""
    assert "WWW-Authenticate" in (remedy("challenge-ignored", "ping-derived-auth", "containers/image") or "")
    assert remedy("challenge-ignored", "ping-derived-auth", "oras-go") is None


def test_remedy_is_for_the_cause_that_it_helps_against() -> None:
    """What goes around a misleading ping does not help where a client knows no tokens."""
    assert remedy("challenge-ignored", "token-exchange-unsupported", "containers/image") is None
