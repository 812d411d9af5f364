"""Every shipped scenario proves itself: who does right meets its checks, and each known wrong is caught somewhere."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from kit.switched_client import SWITCHES, Reply, SwitchedClient
from regauth_core.model import Exchange
from regauth_core.recording.observe import Wire, observe
from regauth_core.redaction.redactor import Redactor
from regauth_core.simulate.checks import CHECKS, CheckName
from regauth_core.simulate.judging import failed
from regauth_core.simulate.policy import Scenario
from regauth_core.simulate.registry import Asked, Registry
from regauth_core.simulate.scenario import read

BEGIN = 1_800_000_000.0
FILES = sorted((Path(__file__).parents[2] / "scenarios").glob("*.yaml"))
PORTS = {"https": 443, "http": 80}


@cache
def scenario_of(path: Path) -> Scenario:
    """The scenario in a file."""
    return read(path.read_text(), str(path))


class Played:
    """A client at a scenario in the same process; every exchange takes two seconds."""

    def __init__(self, scenario: Scenario, wrong: frozenset[str] = frozenset()) -> None:
        self.scenario = scenario
        self.registry = Registry(scenario, secret=b"of the tests")
        self.redactor = Redactor(b"k" * 32)
        self.clock = BEGIN
        self.exchanges: list[Exchange] = []
        client = scenario.client
        assert client is not None
        user = scenario.user(client.user) if client.user else None
        login = (user.name, client.password or user.password) if user else None
        self.client = SwitchedClient(
            registry=f"https://{scenario.registry.host}",
            login=login,
            send=self.send,
            wrong=wrong,
            wait=self.wait,
            now=lambda: self.clock,
        )
        self.succeeded = self.client.perform(client.action, client.repository, client.source)

    def wait(self, seconds: float) -> None:
        """Lets time pass."""
        self.clock += seconds

    def send(self, method: str, url: str, headers: list[tuple[str, str]], body: bytes) -> Reply:
        """One exchange, recorded."""
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        sent = (("Host", parts.netloc), *headers)
        asked = Asked(method=method, scheme=parts.scheme, host=host, port=port, path=path, headers=sent, body=body)
        assert self.registry.serves(host), f"{url} is not played"
        answer = self.registry.answer(asked, self.clock)
        wire = Wire(
            number=len(self.exchanges) + 1,
            method=method,
            scheme=parts.scheme,
            host=host,
            port=port,
            path=path,
            request_headers=sent,
            request_body=body or None,
            status=answer.status,
            response_headers=answer.headers,
            response_body=answer.body,
            started=self.clock,
            ended=self.clock + 0.01,
        )
        self.exchanges.append(observe(wire, self.redactor))
        self.clock += 2
        return Reply(answer.status, answer.headers, answer.body)

    def failed(self) -> tuple[CheckName, ...]:
        """The checks of the scenario that were not met."""
        return failed(self.scenario, self.exchanges)


@cache
def caught(path: Path) -> dict[str, tuple[CheckName, ...]]:
    """The checks that each wrong fails at a scenario."""
    return {switch: Played(scenario_of(path), frozenset({switch})).failed() for switch in SWITCHES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_who_does_right_meets_every_check(path: Path) -> None:
    """And reaches the goal where that is a check."""
    played = Played(scenario_of(path))
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
