"""When a finding is certain, and to whom an exchange belongs."""

from __future__ import annotations

import copy
import dataclasses

import pytest

from kit.notation import BEGIN, read
from regauth_core.diagnosis.diagnoser import Diagnoser
from regauth_core.model import Exchange
from regauth_core.model.finding import Diagnosis
from regauth_core.model.journal import Ending

IGNORED = """
GET /v2/                  - -> 200
GET /v2/foo/manifests/1   - -> 401 challenge Basic realm="app"
"""
BEARER = 'challenge Bearer {realm},service="s",scope="repository:foo:pull"'


def exchanges(text: str) -> list[Exchange]:
    """What the core sees of a talk."""
    return list(read(text, "test").exchanges())


def fed(text: str) -> Diagnoser:
    """A diagnoser that has taken a talk, whose clients hold credentials."""
    diagnoser = Diagnoser(credentials_known=True)
    for exchange in exchanges(text):
        diagnoser.add(exchange)
    return diagnoser


def diagnosis(text: str) -> Diagnosis:
    """What is said of a talk when all its clients have gone."""
    return fed(text).finish(Ending.GONE)


def test_nothing_is_said_within_the_quiet_time() -> None:
    """The client may still answer."""
    assert fed(IGNORED).tick(BEGIN + 29) == ()


def test_finding_is_told_once_when_the_quiet_time_is_over() -> None:
    """The moment it is certain, and not again."""
    diagnoser = fed(IGNORED)
    assert [f.rule for f in diagnoser.tick(BEGIN + 31)] == ["challenge-ignored"]
    assert diagnoser.tick(BEGIN + 62) == ()
    assert [f.rule for f in diagnoser.finish(Ending.STOPPED).findings] == ["challenge-ignored"]


def test_finding_is_told_when_the_client_is_gone() -> None:
    """Nothing more can come."""
    diagnoser = fed(IGNORED)
    assert [f.rule for f in diagnoser.gone(exchanges(IGNORED)[0].sender)] == ["challenge-ignored"]


def test_request_in_flight_keeps_the_conversation_open() -> None:
    """What the client asks at this moment may be the answer, however long it takes."""
    diagnoser, sender = fed(IGNORED), exchanges(IGNORED)[0].sender
    diagnoser.begin(sender, BEGIN + 10)
    assert diagnoser.tick(BEGIN + 300) == ()
    diagnoser.end(sender)
    assert [f.rule for f in diagnoser.tick(BEGIN + 302)] == ["challenge-ignored"]


def test_long_upload_keeps_the_conversation_open() -> None:
    """The quiet time counts from the end of an exchange, not from its beginning."""
    talk = 'POST /v2/foo/blobs/uploads/ - -> 401 challenge Basic realm="r"\n  took 400s'
    diagnoser = fed(talk)
    assert diagnoser.tick(BEGIN + 420) == ()
    assert len(diagnoser.tick(BEGIN + 431)) == 1


def test_work_on_another_repository_does_not_keep_it_open() -> None:
    """A client that goes on elsewhere without the challenged repository has left it."""
    others = "".join(f"+10s\nGET /v2/bar/manifests/{n} - -> 200\n" for n in range(5))
    diagnoser = Diagnoser(credentials_known=True)
    told = [f for exchange in exchanges(IGNORED + others) for f in diagnoser.add(exchange)]
    assert [(f.rule, f.repository) for f in told] == [("challenge-ignored", "foo")]


def test_journal_in_between_changes_nothing() -> None:
    """A copy can be finished while the original goes on."""
    diagnoser = fed(IGNORED)
    assert copy.deepcopy(diagnoser).finish(Ending.STOPPED).findings == ()
    assert len(diagnoser.finish(Ending.GONE).findings) == 1


def test_token_request_under_another_user_agent_is_the_same_client() -> None:
    """dxf and docker's containerd store ask for tokens under another name than they pull with."""
    found = diagnosis(
        f"""
        GET /v2/foo/manifests/1 - -> 401 {BEARER}
        [other] GET {{realm}}?service=s&scope=repository:foo:pull - -> 200 token t1
        GET /v2/foo/manifests/1 bearer(t1) -> 200
        """.replace("        ", "")
    )
    assert found.findings == ()
    assert found.exchanges == 3


def test_token_request_between_two_challenged_clients_stays_with_its_sender() -> None:
    """Where two clients at one address were sent to the realm, nobody is given the other's answer."""
    found = diagnosis(
        f"""
        [c1] GET /v2/foo/manifests/1 - -> 401 {BEARER}
        [c2] GET /v2/foo/manifests/1 - -> 401 {BEARER}
        [c2] GET {{realm}}?service=s&scope=repository:foo:pull - -> 200 token t1
        [c2] GET /v2/foo/manifests/1 bearer(t1) -> 200
        """.replace("        ", "")
    )
    assert [(f.rule, f.client) for f in found.findings] == [("challenge-ignored", "c1")]


@pytest.mark.parametrize("name", ["registry-1.docker.io", "index.docker.io"])
def test_names_of_docker_hub_are_one_registry(name: str) -> None:
    """What one host of Docker Hub asked may be answered at another."""
    talk = f'GET https://{name}/v2/ - -> 401 challenge Basic realm="hub"\n'
    talk += "GET https://registry-1.docker.io/v2/library/alpine/manifests/1 basic(alice) -> 200"
    assert diagnosis(talk).findings == ()


def test_endless_conversation_is_held_in_bounded_state() -> None:
    """A client that never rests does not grow the state, and its last refusal is still found."""
    diagnoser = Diagnoser(credentials_known=True)
    line = next(iter(exchanges("GET /v2/foo/manifests/1 - -> 200")))

    for number in range(3000):
        at = line.started + number
        diagnoser.add(dataclasses.replace(line, number=number + 1, started=at, ended=at))
    refused = exchanges('GET /v2/foo/manifests/2 - -> 401 challenge Basic realm="r"')[0]
    at = line.started + 3001
    diagnoser.add(dataclasses.replace(refused, number=3001, started=at, ended=at))
    assert [f.exchanges for f in diagnoser.finish(Ending.GONE).findings] == [(3001,)]
