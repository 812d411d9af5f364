"""Why a command's requests were not seen, in a title, a sentence and a command that leads on."""

from __future__ import annotations

from pathlib import Path

import pytest

from regauth_core.edge.commands.obstacles import Situation, obstacles
from regauth_core.edge.mitm.hindrances import BadHandshake, Hindrances, NoConnection
from regauth_core.model.obstacle import Obstacle, ObstacleKind
from regauth_core.redaction.redactor import Redactor


def met(
    command: list[str] | str,
    *facts: BadHandshake | NoConnection,
    is_seen: bool = False,
    others_refused: bool = False,
    **environment: str,
) -> tuple[Obstacle, ...]:
    """What is said of a command to which this happened."""
    hindrances = Hindrances(lambda _: True, lambda _: None)
    hindrances.handshakes += [fact for fact in facts if isinstance(fact, BadHandshake)]
    hindrances.connections += [fact for fact in facts if isinstance(fact, NoConnection)]
    situation = Situation(
        command=command.split() if isinstance(command, str) else command,
        environment={"HOME": "/home/u", **environment},
        authority=Path("/home/u/.local/ca.pem"),
        hindrances=hindrances,
        is_seen=is_seen,
        others_refused=others_refused,
    )
    return obstacles(situation, Redactor(b"k" * 32))


SILENT = {
    "docker pull registry.test/a": (ObstacleKind.DAEMON, "docker pull is done by dockerd", "regauth setup dockerd"),
    "docker manifest inspect localhost:5000/a": (ObstacleKind.LOOPBACK, "programs in Go", "regauth run --listen"),
    "docker --context x pull a": (ObstacleKind.DAEMON, "docker pull is done by dockerd", "regauth setup dockerd"),
    "podman --remote pull a": (ObstacleKind.DAEMON, "podman pull is done by podman's service", "regauth setup podman"),
    "podman-remote pull a": (ObstacleKind.DAEMON, "podman's service", "regauth setup podman"),
    "podman pull registry.test/a": (ObstacleKind.NOTHING, "no registry request came", "regauth setup"),
    "sudo podman pull registry.test/a": (
        ObstacleKind.STRIPPED,
        "sudo takes the proxy's variables away",
        "regauth run -- sudo --preserve-env=HTTP_PROXY,",
    ),
    "sudo -u bob podman pull a": (ObstacleKind.STRIPPED, "sudo takes the proxy's variables away", None),
    "doas podman pull a": (ObstacleKind.STRIPPED, "doas takes the proxy's variables away", None),
    "env -i crane ls registry.test/a": (ObstacleKind.STRIPPED, "env -i takes", "regauth run -- env crane ls"),
    "crane ls localhost:5000/a": (
        ObstacleKind.LOOPBACK,
        "programs in Go send requests to localhost",
        "regauth run --l",
    ),
    "skopeo inspect docker://127.0.0.1:5000/a": (
        ObstacleKind.LOOPBACK,
        "requests to 127.0.0.1 directly",
        "regauth run",
    ),
    "true": (ObstacleKind.NOTHING, "no registry request came through the proxy", "regauth setup"),
}


@pytest.mark.parametrize(("line", "expected"), SILENT.items(), ids=SILENT)
def test_silence_has_a_reason_and_a_way_on(line: str, expected: tuple[ObstacleKind, str, str | None]) -> None:
    """By the command's own words."""
    kind, said, command = expected
    (one,) = met(line)
    assert one.kind is kind
    assert said in one.title
    assert (one.command or "").startswith(command or "") and (command is not None) == (one.command is not None)


def test_loopback_place_is_replaced_in_the_command() -> None:
    """Everywhere in it, by the port that regauth is to listen on; nothing else changes."""
    (one,) = met(["sh", "-c", "crane ls localhost:5000/a; crane ls localhost:50001/a"])
    assert one.command is not None
    port = one.command.partition("--listen ")[2].partition("=")[0]
    assert f"--listen {port}=localhost:5000 -- " in one.command
    assert f"localhost:{port}/a" in one.command
    assert "localhost:50001/a" in one.command


UNREACHED = {
    ObstacleKind.NO_SUCH_NAME: "registry.test: there is no host of this name",
    ObstacleKind.REFUSED: "registry.test:5443: the connection is refused",
    ObstacleKind.TIMED_OUT: "registry.test:5443: no answer (timed out)",
    ObstacleKind.UNREACHABLE: "registry.test:5443: cannot be reached",
}


@pytest.mark.parametrize(("kind", "title"), UNREACHED.items(), ids=UNREACHED)
def test_host_that_is_not_reached_is_named_with_the_reason(kind: ObstacleKind, title: str) -> None:
    """In plain words; once a registry was seen, other hosts are nobody's matter."""
    fact = NoConnection("registry.test", 5443, kind)
    (one,) = met("oras repo tags registry.test:5443/a", fact)
    assert (one.kind, one.title) == (kind, title)
    assert met("oras repo tags registry.test:5443/a", fact, is_seen=True) == ()


DISTRUST = {
    "env SSL_CERT_FILE=/none SSL_CERT_DIR=/none oras repo tags registry.test/a": "oras repo tags registry.test/a",
    "curl --capath /certs https://registry.test/v2/": "curl https://registry.test/v2/",
    "wget --ca-directory=/certs https://registry.test/v2/": "wget https://registry.test/v2/",
    "make images": None,
}


@pytest.mark.parametrize(("line", "without"), DISTRUST.items(), ids=DISTRUST)
def test_what_keeps_a_client_from_trusting_regauth_is_left_out(line: str, without: str | None) -> None:
    """What it names is said first, and then the command without it."""
    (one,) = met(line, BadHandshake("registry.test", 443, None))
    assert one.kind is ObstacleKind.PROXY_DISTRUSTED
    assert one.command == (f"regauth run -- {without}" if without else None)
    assert "~/.local/ca.pem" in one.advice


def test_own_proxy_is_named_as_one_s_own() -> None:
    """Whatever was seen: behind a dead proxy every request is."""
    fact = NoConnection("127.0.0.1", 9, ObstacleKind.REFUSED)
    (one,) = met("oras repo tags registry.test/a", fact, is_seen=True, HTTPS_PROXY="http://127.0.0.1:9")
    assert one.kind is ObstacleKind.OWN_PROXY
    assert one.title == "your proxy 127.0.0.1:9 (HTTPS_PROXY): the connection is refused"
    assert one.command == "env -u HTTPS_PROXY -u https_proxy regauth run -- oras repo tags registry.test/a"


def test_secret_of_the_command_is_in_no_obstacle() -> None:
    """What is to be pasted has a gap there."""
    for line in (
        "crane ls localhost:5000/a -p wonder-land",
        "env -i oras repo tags -p wonder-land registry.test/a",
    ):
        (one,) = met(line)
        assert "wonder-land" not in f"{one}"


def test_requests_of_others_are_not_the_command_s() -> None:
    """A daemon that was given the proxy without its password."""
    (one,) = met("make images", others_refused=True)
    assert one.kind is ObstacleKind.OTHERS


def test_what_went_well_has_no_obstacle() -> None:
    """Not one."""
    assert met("oras repo tags registry.test/a", is_seen=True) == ()
