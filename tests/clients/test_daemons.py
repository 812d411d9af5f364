"""Clients behind a mitmdump with the addon: the docker daemon, two at once, and one that does not trust it."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

from clients import sessions
from clients.processes import ended, start, status_of
from clients.programs import PASSWORD, REGISTRY, USER, Place, require, require_root
from clients.sessions import Mitmdump, Told
from regauth_core.conversation import engines

pytestmark = pytest.mark.clients


@pytest.mark.parametrize(
    ("scenario", "severity"), [("per-repository-basic", "warning"), ("per-repository-bearer", "error")]
)
def test_docker_daemon(scenario: str, severity: str, place: Place, authority_dir: Path) -> None:
    """Its graph-driver store ignores the challenge of foo alone, and that is said while the daemon still runs.

    Nobody told the proxy that docker has a login, so for Basic it is a warning.
    """
    require("dockerd", "docker")
    require_root()
    with Mitmdump(scenario, place.directory / "regauth", authority_dir, "regauth_quiet_time=1") as mitmdump:
        with sessions.dockerd(place, mitmdump.variables) as docker:
            assert status_of([*docker, "pull", f"{REGISTRY}/bar:latest"], place.environment) == 0
            assert status_of([*docker, "pull", f"{REGISTRY}/foo:latest"], place.environment) == 1
            mitmdump.wait_for(f"{severity} challenge-ignored: ")
        told = mitmdump.stop()
    confidence = "high" if severity == "error" else "medium"
    assert told.findings == [("challenge-ignored", severity, "client", confidence, "ping-derived-auth", "foo")]
    assert_only_the_daemon_was_seen(told)


def test_docker_daemon_that_logs_in(place: Place, state_home: Path) -> None:
    """Where the command that is run has a login in it, the daemon is known to hold credentials: an error."""
    require("dockerd", "docker")
    require_root()
    daemon, docker = map(shlex.join, sessions.docker_commands(place))
    scratch = place.directory
    (scratch / "password").write_text(PASSWORD, "utf-8")
    script = f"""
        {daemon} >{scratch}/log 2>&1 & daemon=$!
        until {docker} version >{scratch}/ready 2>&1; do sleep 0.1; done
        {docker} login --username {USER} --password-stdin {REGISTRY} <{scratch}/password
        {docker} pull {REGISTRY}/foo:latest
        status=$?
        kill $daemon
        wait $daemon
        exit $status
    """
    told = sessions.run(["/bin/sh", "-c", script], "per-repository-basic", place, state_home)
    assert told.status == 1, told.output
    assert told.findings == [("challenge-ignored", "error", "client", "high", "ping-derived-auth", "foo")]
    assert_only_the_daemon_was_seen(told)


def assert_only_the_daemon_was_seen(told: Told) -> None:
    """The one client is the docker daemon; nothing else is said, and nothing secret."""
    (client,) = told.document["clients"]
    assert client["engine"] == engines.DOCKER_DISTRIBUTION
    assert client["process"].startswith("dockerd (")
    assert (told.doubts, told.leaks()) == ([], [])


def test_two_clients_at_once(tmp_path: Path, authority_dir: Path) -> None:
    """Each is told from the other by its process, and only the one that ignores the challenge is accused."""
    require("skopeo", "oras")
    with Mitmdump("per-repository-basic", tmp_path / "regauth", authority_dir) as mitmdump:
        places = {"skopeo list-tags": Place.made(tmp_path / "skopeo"), "oras repo tags": Place.made(tmp_path / "oras")}
        started = [
            start(place.command(name, "foo"), {**place.environment, **mitmdump.variables})
            for name, place in places.items()
        ]
        assert [ended(process) for process in started] == [1, 0]
        told = mitmdump.stop()
    skopeo, oras = (f"{name} ({process.pid})" for name, process in zip(("skopeo", "oras"), started, strict=True))
    identifiers = {client["process"]: client["id"] for client in told.document["clients"]}
    assert set(identifiers) == {skopeo, oras}
    (finding,) = told.document["findings"]
    assert (finding["client"], finding["cause"]) == (identifiers[skopeo], "ping-derived-auth")
    assert (told.doubts, told.leaks()) == ([], [])


def test_client_that_does_not_trust_the_authority(place: Place, authority_dir: Path) -> None:
    """The summary has a note of it, and no finding."""
    require("oras")
    with Mitmdump("per-repository-basic", place.directory / "regauth", authority_dir) as mitmdump:
        distrust = {"SSL_CERT_FILE": os.devnull, "SSL_CERT_DIR": str(place.home)}
        environment = {**place.environment, **mitmdump.variables, **distrust}
        assert status_of(place.command("oras repo tags", "foo"), environment) == 1
        told = mitmdump.stop()
    assert (told.document["exchanges"], told.findings) == (0, [])
    (note,) = told.document["notes"]
    assert "does not trust" in note
    assert "note: " in told.output
