"""Real clients with right credentials, each behind `regauth run`: what they do, and what is said of it."""

from __future__ import annotations

import json
import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from subprocess import STDOUT
from typing import Final, NamedTuple

import jsonschema
import pytest

from clients import sessions
from clients.processes import ended, start, status_of
from clients.programs import BASIC, COMMANDS, PASSWORD, REGISTRY, ROOT, SYSTEM_PATH, Place, path_of, require
from clients.sessions import Told
from kit.canaries import leaks
from regauth_core.conversation import engines
from regauth_core.report import findings

pytestmark = pytest.mark.clients

SCENARIOS: Final = {"per-repository-basic": "foo", "per-repository-bearer": "foo", "open-ping-anonymous-token": "bar"}
"""Which repository wants authentication in which scenario. The ping is open in all of them."""


class Outcome(NamedTuple):
    """What comes of a client's attempt to read that repository, and what is said of it."""

    status: int
    rule: str | None = None
    """Of the one finding; `None` where there is none."""
    severity: str | None = None
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Who a client is and what it does."""

    needs: str
    engines: frozenset[str | None]
    """What may be told of its engine."""
    outcomes: tuple[Outcome, ...]
    """In the order of `SCENARIOS`."""

    def outcome(self, scenario: str) -> Outcome:
        """What comes of it in one of the scenarios."""
        return self.outcomes[list(SCENARIOS).index(scenario)]


def always(needs: str, engine: str, outcome: Outcome) -> Behaviour:
    """A client that does the same in all scenarios."""
    return by_scenario(needs, engine, outcome, outcome, outcome)


def by_scenario(needs: str, engine: str, *outcomes: Outcome) -> Behaviour:
    """A client that makes a difference between Basic and Bearer."""
    return Behaviour(needs, frozenset({engine}), outcomes)


def in_python(needs: str, engine: str, *outcomes: Outcome) -> Behaviour:
    """A client that calls itself what every program on `requests` does, and shows its engine in some requests only."""
    return Behaviour(needs, frozenset({engine, None}), outcomes)


ANSWERED: Final = Outcome(0)
IGNORED: Final = Outcome(1, "challenge-ignored", "error", "ping-derived-auth")
IGNORED_BY_PODMAN: Final = IGNORED._replace(status=125)
IGNORED_LOGIN_UNKNOWN: Final = IGNORED._replace(severity="warning")
"""The command line does not show that the client has credentials."""
ASKED_WRONG_HOST: Final = IGNORED._replace(cause=None)
"""It takes the realm of any challenge for the URL of a token server, which there is none at."""
BASIC_FOR_BEARER: Final = Outcome(1, "wrong-scheme-sent", "error")
BASIC_UNASKED: Final = BASIC_FOR_BEARER._replace(cause="ping-derived-auth")
"""It sends Basic before anybody asks, which Basic registries take."""

BEHAVIOURS: Final = {
    "skopeo list-tags": always("skopeo", engines.CONTAINERS_IMAGE, IGNORED),
    "skopeo copy": always("skopeo", engines.CONTAINERS_IMAGE, IGNORED),
    "containers-image-current list-tags": always("containers-image-current", engines.CONTAINERS_IMAGE, IGNORED),
    "containers-image-current inspect": always("containers-image-current", engines.CONTAINERS_IMAGE, IGNORED),
    "podman pull": always("podman", engines.CONTAINERS_IMAGE, IGNORED_BY_PODMAN),
    "buildah pull": always("buildah", engines.CONTAINERS_IMAGE, IGNORED_BY_PODMAN),
    "docker manifest inspect": by_scenario(
        "docker", engines.DOCKER_DISTRIBUTION, IGNORED_LOGIN_UNKNOWN, IGNORED, IGNORED
    ),
    "ctr content fetch": always("ctr", engines.CONTAINERD, ANSWERED),
    "oras repo tags": always("oras", engines.ORAS_GO, ANSWERED),
    "oras manifest fetch": always("oras", engines.ORAS_GO, ANSWERED),
    "crane ls": by_scenario("crane", engines.GO_CONTAINERREGISTRY, ANSWERED, BASIC_UNASKED, BASIC_UNASKED),
    "crane pull": by_scenario("crane", engines.GO_CONTAINERREGISTRY, ANSWERED, BASIC_UNASKED, BASIC_UNASKED),
    "regctl tag ls": always("regctl", engines.REGCLIENT, ANSWERED),
    "regctl manifest get": always("regctl", engines.REGCLIENT, ANSWERED),
    "oras-py (token) tags": in_python("oras-py", engines.ORAS_PY, ASKED_WRONG_HOST, ANSWERED, ANSWERED),
    "oras-py (token) image": in_python("oras-py", engines.ORAS_PY, ASKED_WRONG_HOST, ANSWERED, ANSWERED),
    "oras-py (basic) tags": in_python("oras-py", engines.ORAS_PY, ANSWERED, BASIC_FOR_BEARER, BASIC_FOR_BEARER),
    "dxf tags": in_python("dxf", engines.DXF, ANSWERED, ANSWERED, ANSWERED),
    "dxf image": in_python("dxf", engines.DXF, ANSWERED, ANSWERED, ANSWERED),
}


def ran(command: str, scenario: str, repository: str, place: Place, state_home: Path) -> Told:
    """What `regauth run` tells of the command."""
    require(BEHAVIOURS[command].needs)
    if BEHAVIOURS[command].needs != "ctr":
        return sessions.run(place.command(command, repository), scenario, place, state_home)
    require("containerd")
    with sessions.containerd(place) as socket:
        return sessions.run(place.command(command, repository, socket), scenario, place, state_home)


def test_every_command_is_run() -> None:
    """Every client that can be called is called, in every way."""
    assert set(COMMANDS) == set(BEHAVIOURS)


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("command", BEHAVIOURS)
def test_where_authentication_is_wanted(command: str, scenario: str, place: Place, state_home: Path) -> None:
    """A client that fails gets exactly one finding with the reason, one that succeeds gets none; nothing leaks."""
    repository, expected = SCENARIOS[scenario], BEHAVIOURS[command].outcome(scenario)
    told = ran(command, scenario, repository, place, state_home)
    # A warning where nothing shows that the client has a login.
    confidence = "high" if expected.severity == "error" else "medium"
    finding = (expected.rule, expected.severity, "client", confidence, expected.cause, repository)
    assert told.findings == ([finding] if expected.rule is not None else []), told.output
    assert told.status == expected.status, told.output
    (client,) = told.document["clients"]
    assert client["engine"] in BEHAVIOURS[command].engines
    assert (told.doubts, told.leaks()) == ([], [])


@pytest.mark.parametrize("command", BEHAVIOURS)
def test_where_none_is_wanted(command: str, place: Place, state_home: Path) -> None:
    """Whoever reads the public repository beside the private one is left in peace."""
    told = ran(command, "per-repository-basic", "bar", place, state_home)
    assert (told.status, told.findings, told.doubts) == (0, [], []), told.output
    assert told.document["exchanges"] > 0
    assert told.leaks() == []


def test_all_that_is_told_is_looked_through(place: Place, state_home: Path) -> None:
    """Secrets are searched for in everything that is written, and they are those that went over the wire."""
    told = ran("oras repo tags", "per-repository-bearer", "foo", place, state_home)
    (token,) = set(told.secrets) - {PASSWORD, BASIC}
    assert len(token) > 100
    assert set(told.reports) == {".json", ".md", ".trace"}
    assert all(
        f"{REGISTRY}/v2/foo/tags/list" in text for text in told.reports.values() if text is not told.reports[".json"]
    )
    assert "oras got what it asked for" in told.output


def test_password_anywhere_on_the_command_line(place: Place, state_home: Path) -> None:
    """A password that nothing marks as one is not told either: it is known from the moment in which it is sent."""
    require("oras")
    wrapped = ["/bin/sh", "-c", 'shift; exec "$@"', "sh", PASSWORD, *place.command("oras repo tags", "foo")]
    told = sessions.run(wrapped, "per-repository-basic", place, state_home)
    assert told.status == 0, told.output
    assert "exec" in told.reports[".md"]
    assert "exec" in told.reports[".trace"]
    assert told.leaks() == []


def test_the_line_of_the_report(place: Place) -> None:
    """The line that shows the bug, as one types it."""
    require("skopeo")
    line = (
        "regauth run --scenario scenarios/per-repository-basic.yaml -o findings.json"
        " -- skopeo list-tags --creds alice:wonder-land docker://registry.test/foo"
    )
    (place.home / "scenarios").symlink_to(ROOT / "scenarios")
    environment = {**place.environment, "PATH": f"{directory_of_regauth(place)}:{SYSTEM_PATH}"}
    with (place.directory / "output").open("w+b") as output:
        status = ended(start(["/bin/sh", "-c", line], environment, directory=place.home, stdout=output, stderr=STDOUT))
        output.seek(0)
        told = output.read().decode()
    written = (place.home / "findings.json").read_text("utf-8")
    document = json.loads(written)
    jsonschema.validate(document, findings.schema())
    (finding,) = document["findings"]
    keys = ("rule", "severity", "cause", "fault", "registry", "repository", "exchanges")
    assert [finding[key] for key in keys] == [
        *("challenge-ignored", "error", "ping-derived-auth", "client"),
        *("https://registry.test", "foo", [1, 2]),
    ]
    assert status == 1
    assert "challenge-ignored" in told
    assert leaks(written + told, (PASSWORD, BASIC)) == []


def directory_of_regauth(place: Place) -> Path:
    """A directory in which there is the command `regauth`: this environment's, or one that does the same."""
    installed = Path(sys.executable).with_name("regauth")
    if installed.exists():
        return installed.parent
    directory = place.directory / "bin"
    directory.mkdir()
    command = f"PYTHONPATH={shlex.quote(str(ROOT / 'addon'))} exec {shlex.quote(sys.executable)} -m regauth_core"
    (directory / "regauth").write_text(f'#!/bin/sh\n{command} "$@"\n', "utf-8")
    (directory / "regauth").chmod(0o755)
    return directory


def test_client_that_does_not_trust_the_authority(place: Place, state_home: Path) -> None:
    """It sends nothing, so there is no finding; the verdict says what is the matter."""
    require("oras")
    distrust = ["/usr/bin/env", f"SSL_CERT_FILE={os.devnull}", f"SSL_CERT_DIR={place.home}"]
    command = [*distrust, *place.command("oras repo tags", "foo")]
    told = sessions.run(command, "per-repository-basic", place, state_home)
    assert (told.status, told.document["exchanges"], told.findings) == (1, 0, []), told.output
    assert told.document["outcome"]["verdict"] == "regauth-in-the-way"
    assert "oras does not trust regauth's certificate" in told.document["outcome"]["title"]
    assert "SSL_CERT_FILE says what it trusts" in told.output


def test_exit_status_is_the_clients(place: Place, state_home: Path) -> None:
    """A status that is neither 0 nor 1 comes through as it is."""
    require("podman")
    command = [path_of("podman") or "podman", "--no-such-option"]
    status = status_of(command, place.environment)
    assert status > 2
    assert sessions.run(command, "per-repository-basic", place, state_home).status == status


SCENARIO_FILES: Final = Path(__file__).with_name("scenarios")
REFUSED: Final = ("skopeo list-tags", "oras repo tags", "crane ls", "regctl tag ls")
STRICT: Final = ("skopeo list-tags", "crane ls", "regctl tag ls")
"""Clients that stop where the life of a token is a string."""


@pytest.mark.parametrize("command", REFUSED)
def test_token_that_its_own_registry_refuses(command: str, place: Place, state_home: Path) -> None:
    """Whatever the client says of the password: it is the configuration of the two servers, in each of them."""
    require(BEHAVIOURS[command].needs)
    told = sessions.run(
        place.command(command, "foo"), SCENARIO_FILES / "closed-ping-token-refused.yaml", place, state_home
    )
    assert told.status != 0
    (finding,) = told.document["findings"]
    assert (finding["rule"], finding["fault"]) == ("fresh-token-refused", "configuration"), told.output
    assert "password" not in finding["advice"]["user"].replace("Changing the password does not help", "")
    assert (told.doubts, told.leaks()) == ([], [])


@pytest.mark.parametrize("program", ["skopeo", "oras"])
def test_login_with_a_token_that_is_refused(program: str, place: Place, state_home: Path) -> None:
    """The same where all that is done is to log in."""
    require(program)
    login = f'{path_of(program)} login --username alice --password-stdin {REGISTRY} < "$PASSWORD_FILE"'
    secret = place.directory / "secret"
    secret.write_text(PASSWORD)
    command = ["/usr/bin/env", f"PASSWORD_FILE={secret}", "/bin/sh", "-c", login]
    told = sessions.run(command, SCENARIO_FILES / "closed-ping-token-refused.yaml", place, state_home)
    assert told.status != 0
    (finding,) = told.document["findings"]
    assert (finding["rule"], finding["fault"]) == ("fresh-token-refused", "configuration"), told.output
    assert (told.doubts, told.leaks()) == ([], [])


@pytest.mark.parametrize("command", STRICT)
def test_life_of_a_token_as_a_string(command: str, place: Place, state_home: Path) -> None:
    """The token server is at fault, and not the client that stops there."""
    require(BEHAVIOURS[command].needs)
    told = sessions.run(place.command(command, "foo"), SCENARIO_FILES / "life-as-a-string.yaml", place, state_home)
    assert told.status != 0
    (finding,) = told.document["findings"]
    said = (finding["rule"], finding["fault"], finding["cause"])
    assert said == ("unusable-token-response", "token-server", "field-types"), told.output
    assert "expires_in" in finding["explanation"]
    assert (told.doubts, told.leaks()) == ([], [])


def test_life_of_a_token_as_a_string_that_a_client_copes_with(place: Place, state_home: Path) -> None:
    """Who reads it anyway is told nothing."""
    require("oras")
    told = sessions.run(
        place.command("oras repo tags", "foo"), SCENARIO_FILES / "life-as-a-string.yaml", place, state_home
    )
    assert (told.status, told.findings, told.doubts) == (0, [], []), told.output
