"""What a real client does at a shipped scenario, it does again at the scenario that is made of the recording.

All scenarios with a small client are in `tests/simulate/test_reproduction.py`; here, those that only read, each with
one real client after the other.
"""

from __future__ import annotations

import json
from base64 import b64encode
from itertools import cycle
from pathlib import Path
from typing import Final

import pytest

from clients import sessions
from clients.programs import REGISTRY, ROOT, Place, path_of, require
from clients.sessions import Told
from regauth_core.edge.scenarios import scenario_at
from regauth_core.simulate.policy import Scenario
from regauth_core.simulate.scenario import read

pytestmark = pytest.mark.clients

COMMANDS: Final = ("skopeo list-tags", "oras manifest fetch", "crane ls", "regctl manifest get")
ENDINGS: Final = (".trace", ".md")
SCENARIOS: Final = {
    path.stem: read(path.read_text(), str(path)) for path in sorted((ROOT / "scenarios").glob("*.yaml"))
}
READ: Final = [name for name, scenario in SCENARIOS.items() if scenario.client and scenario.client.action == "pull"]
EACH_THIRD: Final = list(zip(READ[::3], cycle(COMMANDS), cycle(ENDINGS), strict=False))


def directory_of(place: Place, name: str) -> Place:
    """A place beside `place`, for another run."""
    return Place.made(place.directory.parent / name)


def ran(name: str, scenario: str | Path, who: Scenario, place: Place, state_home: Path) -> Told:
    """A run of the client as the user whom `who` names."""
    client = who.client
    assert client is not None
    user = who.user(client.user) if client.user else None
    auth = b64encode(f"{user.name}:{client.password or user.password}".encode()).decode() if user else ""
    place.authfile.write_text(json.dumps({"auths": {REGISTRY: {"auth": auth}} if auth else {}}))
    like = client.repository
    program, *arguments = place.command(name, like)
    require(program)
    return sessions.run([path_of(program) or program, *arguments], scenario, place, state_home)


def said(told: Told) -> tuple[object, ...]:
    """Exit status and findings, without words."""
    keys = ("rule", "severity", "fault", "cause")
    return told.status, sorted(tuple(str(finding[key]) for key in keys) for finding in told.document["findings"])


@pytest.mark.parametrize(("scenario", "name", "ending"), EACH_THIRD)
def test_a_recording_gives_the_same_again(
    scenario: str, name: str, ending: str, place: Place, state_home: Path
) -> None:
    """From the trace, or from the report alone where it has a finding to report."""
    first = ran(name, scenario, SCENARIOS[scenario], place, state_home)
    ending = ending if first.document["findings"] else ".trace"
    report = place.directory / f"report{ending}"
    report.write_text(first.reports[ending])
    again = ran(name, report, scenario_at(report), directory_of(place, "again"), state_home)
    assert said(again) == said(first), again.output
