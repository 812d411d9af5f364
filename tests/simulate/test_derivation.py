"""A scenario that is made of a capture behaves, towards the capture's own requests, as its registry did."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from kit.notation import Talk, conversations
from regauth_core.diagnosis.diagnoser import Diagnoser
from regauth_core.model.finding import Diagnosis
from regauth_core.recording.observe import observe
from regauth_core.redaction.redactor import Redactor
from regauth_core.simulate.registry import Registry
from regauth_core.simulate.reproduction.derivation import Derivation, derive
from regauth_core.simulate.reproduction.requests import RecordedClient
from regauth_core.simulate.scenario import read
from regauth_core.simulate.written import written

TALKS = conversations()

OTHERWISE = {
    "clock-skew/over-when-it-arrives": "a token whose own claims are over when it arrives",
    "clock-skew/token-not-valid-yet": "a token of nobody for a repository that nobody is seen to open",
    "non-digest-blob-path/near-other-algorithm": "a digest of 32 characters is no digest, and a trace does not show it",
}
"""Conversations whose scenario gives other findings, with the reason. This list may only shrink."""

PARTLY = {
    "challenge-ignored/undecided-answer-missing": "not-recorded",
    "challenge-not-retried/undecided-answer-of-the-token-server-missing": "not-recorded",
    "correct/failed-tls-then-plain-http": "tls",
    "credentials-over-http/https-refused": "tls",
    "ping-unexpected-status/near-tls-first": "tls",
    "ping-unexpected-status/several-pings": "tls",
    "realm-unreachable/realm-certificate-refused": "tls",
    "refused-unexplained/no-tls": "tls",
}
"""Conversations of which an exchange has no answer that a registry could give. This list may only shrink."""


def derived(talk: Talk) -> Derivation:
    """The scenario of a conversation, as somebody reads it who has the file alone."""
    derivation = derive(talk.exchanges(), name="captured")
    assert derivation is not None
    return replace(derivation, scenario=read(written(derivation.scenario), "<written>"))


def replayed(talk: Talk, derivation: Derivation) -> tuple[Diagnosis, list[str]]:
    """What is said of the conversation's own requests at the scenario, and where its answers differ."""
    client = RecordedClient(derivation.logins)
    registry = Registry(derivation.scenario, secret=b"of the tests")
    redactor = Redactor(b"k" * 32)
    diagnoser = Diagnoser(quiet_time=talk.quiet, credentials_known=talk.known)
    wrong = []
    for exchange, wire in zip(talk.exchanges(), talk.wires, strict=True):
        asked = client.asked(exchange)
        sent = replace(
            wire,
            host=asked.host,
            port=asked.port,
            path=asked.path,
            request_headers=asked.headers,
            request_body=asked.body or None,
        )
        if wire.status is not None:
            answer = registry.answer(asked, wire.started)
            client.learn(exchange, asked, answer)
            sent = replace(sent, status=answer.status, response_headers=answer.headers, response_body=answer.body)
            if (answer.status, challenges(answer.headers)) != (wire.status, challenges(wire.response_headers)):
                wrong.append(f"{wire.number}: {answer.status} {challenges(answer.headers)}")
        diagnoser.add(observe(sent, redactor))
    return diagnoser.finish(talk.ending), wrong


def challenges(headers: Iterable[tuple[str, str]]) -> list[str]:
    """The `WWW-Authenticate` lines."""
    return [value.strip() for name, value in headers if name.lower() == "www-authenticate"]


def said(diagnosis: Diagnosis) -> tuple[list[tuple[str, ...]], list[tuple[str, str]]]:
    """Findings and what is undecided, without words and numbers."""
    return (
        sorted((f.rule, str(f.cause), str(f.fault), str(f.severity)) for f in diagnosis.findings),
        sorted((u.rule, str(u.reason)) for u in diagnosis.undecided),
    )


@pytest.mark.parametrize("talk", TALKS, ids=lambda talk: talk.name)
def test_the_scenario_of_a_conversation_gives_the_same_findings(talk: Talk) -> None:
    """Statuses, challenges and findings are those of the conversation, but for the lists above."""
    derivation = derived(talk)
    diagnosis, wrong = replayed(talk, derivation)
    assert (said(diagnosis) == said(talk.diagnosis())) is (talk.name not in OTHERWISE)
    # A value of a challenge that is not shown is replaced in the trace already.
    hidden = any("<" in value for e in talk.exchanges() if e.response for value in challenges(e.response.headers))
    assert hidden or wrong == []
    reasons = [reason for _, reason in derivation.unexpressed]
    assert [PARTLY[talk.name] in reason for reason in reasons] == [True] if talk.name in PARTLY else reasons == []


def test_the_lists_are_short() -> None:
    """At most one in twenty, and every entry is a conversation."""
    names = {talk.name for talk in TALKS}
    assert {*OTHERWISE, *PARTLY} <= names
    assert 20 * len({*OTHERWISE, *PARTLY}) <= len(names)


def test_most_scenarios_are_policy_and_fit_on_a_screen() -> None:
    """Recorded answers are the exception, and a scenario has few lines; each of very many repositories takes one."""
    found = [derived(talk).scenario for talk in TALKS]
    lines = [len(written(one).splitlines()) - max(0, len(one.registry.repositories) - 20) for one in found]
    assert sum(len(scenario.answers) for scenario in found) < len(found)
    assert max(lines) <= 60
