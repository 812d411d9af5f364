"""The switched client at a scenario, in one process, and what is recorded of it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from kit.switched_client import Reply, SwitchedClient
from regauth_core.model import Exchange
from regauth_core.recording.observe import Wire, observe
from regauth_core.redaction.redactor import Redactor
from regauth_core.simulate.checks import CheckName
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


class PlayedClient:
    """A client at a scenario in the same process; every exchange takes two seconds."""

    def __init__(self, scenario: Scenario, wrong: frozenset[str] = frozenset(), like: Scenario | None = None) -> None:
        """`wrong` are switches; `like` is a scenario whose client this is, where `scenario` was made of it."""
        self.scenario = scenario
        self.registry = Registry(scenario, secret=b"of the tests")
        self.redactor = Redactor(b"k" * 32)
        self.clock = BEGIN
        self.exchanges: list[Exchange] = []
        self.wires: list[Wire] = []
        client = (like or scenario).client
        assert client is not None
        named = client.user if like is None else client.user and scenario.users[0].name
        user = scenario.user(named) if named else None
        password = client.password if like is None else scenario.client and scenario.client.password
        login = (user.name, password or user.password) if user else None
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
        self.wires.append(wire)
        self.exchanges.append(observe(wire, self.redactor))
        self.clock += 2
        return Reply(answer.status, answer.headers, answer.body)

    def failed(self) -> tuple[CheckName, ...]:
        """The checks of the scenario that were not met."""
        return failed(self.scenario, self.exchanges)
