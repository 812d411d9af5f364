"""The conformance suite of the OCI distribution specification, as a registry's judge and as a client."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

import pytest

from clients import sessions
from clients.processes import killed_if_left, start, status_of, wait_until
from clients.programs import PASSWORD, REGISTRY, USER, Place, path_of, require

pytestmark = pytest.mark.clients

SUITE: Final = "conformance"
ON_PURPOSE: Final = {"refused-unexplained", "info", "content"}
SCENARIOS: Final = {
    scheme: Path(__file__).parent / "scenarios" / f"conformance-{scheme}.yaml" for scheme in ("basic", "bearer")
}


def results(directory: Path) -> dict[str, int]:
    """How many tests there were and how many of them failed, from the suite's own report."""
    report = ElementTree.parse(directory / "junit.xml").getroot()  # noqa: S314  (of a program started here)
    return {name: sum(int(suite.get(name, 0)) for suite in report) for name in ("tests", "failures", "errors")}


@pytest.mark.parametrize("mode", ["off", "fill", "override"])
@pytest.mark.parametrize("scheme", SCENARIOS)
def test_the_suite_passes_behind_regauth(scheme: str, mode: str, place: Place, state_home: Path) -> None:
    """All of its requests are answered as a registry should, whoever authorizes them, and nothing else is found.

    The suite pushes manifests that do not fit their digest on purpose; that this is refused is told as an info.
    """
    require(SUITE)
    # The suite has an invalid password where regauth replaces it, and none where regauth adds one.
    user, password = {"off": (USER, PASSWORD), "fill": ("", ""), "override": (USER, "out-of-date")}[mode]
    directory = place.directory / "results"
    variables = {
        **{"OCI_REGISTRY": REGISTRY, "OCI_TLS": "enabled", "OCI_RESULTS_DIR": str(directory)},
        **{"OCI_USERNAME": user, "OCI_PASSWORD": password},
    }
    suite = ["env", *(f"{name}={value}" for name, value in variables.items()), path_of(SUITE) or SUITE]
    credentials = ["--credentials", str(place.authfile), "--trust", "https://auth.test"]
    permissions = ["--allow", "push", "--allow", "delete"]
    options = [] if mode == "off" else ["--inject", mode, *credentials, *permissions]
    told = sessions.run(suite, SCENARIOS[scheme], place, state_home, *options)
    found = results(directory)
    assert found["tests"] > 800
    others = [one for one in told.findings if ON_PURPOSE.intersection(one) != ON_PURPOSE]
    assert (told.status, found["failures"], found["errors"], others) == (0, 0, 0, []), told.output[-3000:]
    assert told.leaks() == []


def test_the_suite_passes_at_a_served_scenario(place: Place, state_home: Path) -> None:
    """The registry that `regauth serve` plays is one, as far as the suite can see."""
    require(SUITE)
    directory = place.directory / "results"
    regauth = [sys.executable, "-m", "regauth_core", "serve", "--port", "0", str(SCENARIOS["basic"])]
    output = place.directory / "served"
    with output.open("wb") as file:
        server = start(regauth, {**place.environment, "XDG_STATE_HOME": str(state_home)}, stdout=file, stderr=file)
    with killed_if_left(server):
        wait_until(lambda: "Point a client at it" in output.read_text(), output)
        port = re.search(r"https://localhost:([0-9]+)", output.read_text())
        assert port is not None
        variables = {
            **{"OCI_REGISTRY": f"localhost:{port[1]}", "OCI_TLS": "disabled", "OCI_RESULTS_DIR": str(directory)},
            **{"OCI_USERNAME": USER, "OCI_PASSWORD": PASSWORD},
        }
        assert status_of([path_of(SUITE) or SUITE], {**place.environment, **variables}) == 0
    found = results(directory)
    assert found["tests"] > 800
    assert (found["failures"], found["errors"]) == (0, 0)
