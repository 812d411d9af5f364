"""Clients at simulated registries of any policy: who fails is told why, and who does everything right is left alone."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

import pytest
import yaml

from fuzz.failures import failure, is_failed, scenario
from kit.claims import unaccounted, wrong
from kit.notation import BEGIN, Talk
from regauth_core.auth.authenticator import Authenticator
from regauth_core.auth.messages import ClientRequest, Lock, Received, Send
from regauth_core.auth.permissions import Action, Permit, Permits
from regauth_core.auth.settings import AuthSettings
from regauth_core.auth.trust import Trust
from regauth_core.credentials.login import Login, LoginTable
from regauth_core.model import Origin
from regauth_core.model.finding import Fault, Severity
from regauth_core.recording.observe import Wire
from regauth_core.simulate.registry import Asked, Registry
from regauth_core.simulate.scenario import read

REGISTRY = Origin("https", "registry.test", 443)
PULL = ("HEAD /v2/team/app/manifests/1", "GET /v2/team/app/manifests/1", "GET /v2/public/manifests/1")
EVERYTHING = Permits(tuple(Permit(action=action) for action in Action))


@pytest.mark.parametrize("seed", range(4))
def test_what_is_said_of_a_failure_is_shown(seed: int) -> None:
    """A client with a bug, a registry of some policy: every failure is explained, and by what the exchanges show."""
    chosen = random.Random(seed)  # noqa: S311
    found: Counter[str] = Counter()
    for _ in range(60):
        told, talk = failure(chosen)
        found.update(f"{told}: {complaint}" for complaint in wrong(talk))
        said = talk.diagnosis()
        if is_failed(talk) and not said.findings and not said.undecided:
            found[f"{told}: nothing is said"] += 1
    assert found == {}


class CorrectClient:
    """The authenticator in front of a simulated registry, and all that passed."""

    def __init__(self, made: dict[str, Any]) -> None:
        self.simulated = Registry(read(yaml.safe_dump(json.loads(json.dumps(made))), "x.yaml"), secret=b"s" * 32)
        login = Login(id="alice", user="alice", password=made["users"]["alice"]["password"])
        trust = Trust(permits=EVERYTHING)
        self.authenticator = Authenticator(
            LoginTable([("registry.test", "", login)]), trust=trust, settings=AuthSettings()
        )
        self.wires: list[Wire] = []
        self.now = BEGIN

    def ask(self, line: str) -> None:
        """One request with all that it takes."""
        method, path = line.split()
        request = ClientRequest(method=method, origin=REGISTRY, path=path, is_repeatable=True)
        flow = self.authenticator.authorize(request, self.now)
        answer = None
        try:
            while True:
                step = next(flow) if answer is None else flow.send(answer)
                answer = Received(status=0, at=self.now) if isinstance(step, Lock) else self.send(step)
        except StopIteration:
            return

    def send(self, send: Send) -> Received:
        """What the registry answers, as the client hears it."""
        origin = send.origin
        asked = Asked(
            method=send.method,
            scheme=origin.scheme,
            host=origin.host,
            port=origin.port,
            path=send.path,
            headers=send.headers,
            body=send.body,
        )
        answer = self.simulated.answer(asked, self.now)
        self.wires.append(
            Wire(
                number=len(self.wires) + 1,
                method=send.method,
                scheme=origin.scheme,
                host=origin.host,
                port=origin.port,
                path=send.path,
                request_headers=(("User-Agent", "correct/1.0"), *send.headers),
                request_body=send.body or None,
                request_size=len(send.body),
                status=answer.status,
                response_headers=answer.headers,
                response_body=answer.body,
                response_size=len(answer.body),
                started=self.now,
                ended=self.now + 0.02,
                address="127.0.0.1",
            )
        )
        self.now += 0.05
        return Received(status=answer.status, at=self.now, headers=answer.headers, body=answer.body)


@pytest.mark.parametrize("seed", range(120))
def test_a_correct_client_is_not_blamed_at_any_registry(seed: int) -> None:
    """Whatever a registry and its token server do, nothing above info is said of the client that answers them."""
    made = scenario(random.Random(seed))  # noqa: S311
    if "token" in made:
        # A token server that nothing ties to the registry is not asked.
        made["token"]["host"] = "auth.registry.test"
    client = CorrectClient(made)
    client.ask("GET /v2/")
    for line in PULL:
        client.ask(line)
    talk = Talk(name="correct", wires=client.wires, agent="correct/1.0")
    diagnosis = talk.diagnosis()
    blamed = [f for f in diagnosis.findings if f.severity is not Severity.INFO and f.fault is Fault.CLIENT]
    assert [(f.rule, f.cause, f.exchanges, f.explanation) for f in blamed] == []
    assert list(unaccounted(diagnosis)) == []
    assert wrong(talk) == []
