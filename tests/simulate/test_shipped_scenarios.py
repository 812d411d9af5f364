"""Every shipped scenario proves itself: who does right meets its checks, and each known wrong is caught somewhere."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from kit.played_client import FILES, PlayedClient, scenario_of
from kit.switched_client import SWITCHES
from regauth_core.simulate.checks import CHECKS, CheckName


@cache
def caught(path: Path) -> dict[str, tuple[CheckName, ...]]:
    """The checks that each wrong fails at a scenario."""
    return {switch: PlayedClient(scenario_of(path), frozenset({switch})).failed() for switch in SWITCHES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_who_does_right_meets_every_check(path: Path) -> None:
    """And reaches the goal where that is a check."""
    played = PlayedClient(scenario_of(path))
    assert played.failed() == (), [(e.request.method, e.request.url, e.status) for e in played.exchanges]
    assert CheckName.GOAL_REACHED not in played.scenario.checks or played.succeeded


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_somebody_who_does_wrong_fails_a_check(path: Path) -> None:
    """A scenario that no wrong fails would test nothing."""
    assert {switch: names for switch, names in caught(path).items() if names}


@pytest.mark.parametrize("name", CheckName)
def test_every_check_is_seen_to_fail(name: CheckName) -> None:
    """And is named by a scenario."""
    assert [path.stem for path in FILES if name in scenario_of(path).checks]
    assert [path.stem for path in FILES if any(name in names for names in caught(path).values())]


@pytest.mark.parametrize("switch", SWITCHES)
def test_every_wrong_is_caught_somewhere(switch: str) -> None:
    """The scenarios together find each of them."""
    assert [path.stem for path in FILES if caught(path)[switch]]


def test_the_set_of_checks_is_closed_and_sourced() -> None:
    """Each name has its level, its text and its clause."""
    assert set(CHECKS) == set(CheckName)
    assert all(check.clause and check.text for check in CHECKS.values())


def test_scenarios_are_many_and_short() -> None:
    """Forty or more, each with a topic and checks, most below 25 lines."""
    assert len(FILES) >= 40
    sizes = sorted(len(path.read_text().splitlines()) for path in FILES)
    assert sizes[-1] <= 25
    assert all(scenario_of(path).checks and scenario_of(path).topic != "capture" for path in FILES)
