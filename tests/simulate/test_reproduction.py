"""What was found at a shipped scenario is found again at the scenario that is made of the recording."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.played_client import FILES, PlayedClient, scenario_of
from kit.switched_client import SWITCHES
from regauth_core.diagnosis.diagnoser import Diagnoser
from regauth_core.model import Exchange
from regauth_core.model.journal import Ending
from regauth_core.simulate.reproduction.description import scenario_text
from regauth_core.simulate.scenario import read

OTHERWISE: dict[tuple[str, str], str] = {}
"""Scenario and wrong whose reproduction gives other findings, with the reason. This list may only shrink."""


def found(exchanges: list[Exchange]) -> list[tuple[str, ...]]:
    """The findings without words and numbers."""
    diagnoser = Diagnoser(credentials_known=True)
    for exchange in exchanges:
        diagnoser.add(exchange)
    diagnosis = diagnoser.finish(Ending.GONE)
    return sorted({(f.rule, str(f.cause), str(f.fault), str(f.severity)) for f in diagnosis.findings})


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_recording_gives_the_findings_of_the_scenario(path: Path) -> None:
    """With a client that does right and with every wrong: recorded, made a scenario, played to the same client."""
    wrong = []
    for switch in ("", *SWITCHES):
        scenario = scenario_of(path)
        first = PlayedClient(scenario, frozenset({switch} - {""}))
        made = scenario_text(first.exchanges, "captured")
        assert made is not None
        again = PlayedClient(read(made[0], "<derived>"), frozenset({switch} - {""}), like=scenario)
        if (path.stem, switch) in OTHERWISE:
            continue
        if found(first.exchanges) != found(again.exchanges):
            wrong.append((switch, found(first.exchanges), found(again.exchanges), made[0]))
    assert wrong == [], "\n".join(f"{switch}: {one} became {other}\n{text}" for switch, one, other, text in wrong[:3])
