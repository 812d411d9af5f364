"""One verdict over everything, and what a failed command is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kit.notation import read
from regauth_core.model.finding import Fault
from regauth_core.model.journal import Environment, Journal
from regauth_core.model.outcome import Verdict
from regauth_core.report import wording
from regauth_core.report.outcome import conclusion

CHALLENGE = '401 challenge Bearer {realm},service="s",scope="repository:foo:pull"'
MANIFEST = "GET /v2/foo/manifests/1"
TOKEN = "GET {realm}?service=s&scope=repository:foo:pull"


def journal(text: str, status: int | None = None) -> Journal:
    """The journal of a conversation and of a command that ended with `status`."""
    talk = read(text, "talk")
    return Journal(
        exchanges=tuple(talk.exchanges()),
        clients_of={},
        diagnosis=talk.diagnosis(),
        environment=Environment(regauth="0", status=status),
    )


@pytest.mark.parametrize(
    ("text", "status", "verdict", "fault"),
    [
        (f"{MANIFEST} - -> 200", 0, Verdict.OK, None),
        (f"{MANIFEST} - -> 200", None, Verdict.OK, None),
        (f"HEAD {MANIFEST[4:]} - -> 404", 0, Verdict.OK, None),
        (f"{MANIFEST} - -> 200", 1, Verdict.NOT_AUTHENTICATION, None),
        (f"{MANIFEST} - -> 500", 1, Verdict.NOT_AUTHENTICATION, Fault.REGISTRY),
        (f"{MANIFEST} - -> {CHALLENGE}\n{TOKEN} - -> 401", 1, Verdict.NOT_LOGGED_IN, None),
        (f"{MANIFEST} - -> {CHALLENGE}\n{TOKEN} basic(alice) -> 401", 1, Verdict.REFUSED, Fault.CREDENTIALS),
        (f"{MANIFEST} - -> {CHALLENGE}\n{TOKEN} basic(alice) -> 404", 1, Verdict.REFUSED, Fault.CONFIGURATION),
        (f"{MANIFEST} - -> lost", 1, Verdict.INCONCLUSIVE, None),
        (f"GET /v2/ - -> lost\n{MANIFEST} - -> 200", 0, Verdict.OK, None),
        (f"GET /v2/ - -> lost\n{MANIFEST} - -> 200", 1, Verdict.INCONCLUSIVE, None),
        (f"GET /v2/ - -> lost\n{MANIFEST} - -> 200", None, Verdict.INCONCLUSIVE, None),
        (f"GET /v2/ - -> 200\n{MANIFEST} - -> lost", 0, Verdict.INCONCLUSIVE, None),
        ("", 1, Verdict.INCONCLUSIVE, None),
    ],
)
def test_verdict(text: str, status: int | None, verdict: Verdict, fault: Fault | None) -> None:
    """What came of it, and who has to act."""
    found = conclusion(journal(text, status))
    assert (found.verdict, found.fault) == (verdict, fault)


def test_a_client_that_trusts_nobody_says_nothing() -> None:
    """Where the proxy itself was not trusted, the registry is not judged."""
    silent = journal("", 1)
    seen = replace(silent, environment=replace(silent.environment, distrusted=True))
    assert conclusion(seen).verdict is Verdict.REGAUTH_IN_THE_WAY


def test_a_failed_command_is_told_its_last_answers() -> None:
    """What they were, and that authentication was not the reason."""
    said = wording.ending(journal(f"GET /v2/ - -> 200\n{MANIFEST} - -> 404", 4))
    assert said == (
        "the command ended with exit status 4; the last answers were: GET /v2/ 200 (1), GET /v2/foo/manifests/1 404"
        " (2); its requests do not show authentication as the reason"
    )


@pytest.mark.parametrize(("answer", "status"), [("200", 0), ("200", None), ("500", 1)])
def test_nothing_is_added_where_all_is_well_or_a_finding_says_it(answer: str, status: int | None) -> None:
    """A command that succeeded, one that is not known, and one whose failure has an account."""
    assert wording.ending(journal(f"{MANIFEST} - -> {answer}", status)) == ""


def test_what_cannot_be_seen_is_not_denied() -> None:
    """Without the answer nothing is said about authentication."""
    assert wording.ending(journal(f"{MANIFEST} - -> lost", 1)).endswith(
        "the last answers were: GET /v2/foo/manifests/1 no answer (1); the capture does not show whether"
        " authentication was the reason"
    )
