"""What a proof makes of a finding, live and read back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kit.messages import wire
from regauth_core.diagnosis.verdicts import proven
from regauth_core.edge.commands.diagnose import journal_of
from regauth_core.edge.mitm.recorder import Recorder
from regauth_core.edge.outputs.trace import TraceWriter
from regauth_core.model import ChangeKind
from regauth_core.model.finding import Confidence, Fault, Finding, Proof, ProofResult, Reason, Verification
from regauth_core.model.journal import Ending
from regauth_core.redaction.redactor import Redactor

CHALLENGE = (("WWW-Authenticate", 'Basic realm="r"'),)
PING = replace(wire("/v2/"), number=1, started=1.0, ended=1.1)
REFUSED = replace(wire("/v2/foo/tags/list", status=401, headers=CHALLENGE), number=2, started=2.0, ended=2.1)


def proof(outcome: ProofResult, number: int = 2) -> Proof:
    """About the refused exchange."""
    return Proof(exchange=number, at=3.0, verification=Verification(outcome=outcome, status=200, note="a note"))


def recorded(path: Path, *proofs: Proof) -> tuple[Finding, ...]:
    """The findings about a client that ignored a challenge, with a trace written to `path`."""
    redactor = Redactor(b"k" * 32)
    recorder = Recorder(redactor, started=0.0, quiet_time=30.0, trace=TraceWriter(path, redactor))
    for one in (PING, REFUSED):
        recorder.end(one)
    for each in proofs:
        recorder.prove(each)
    return recorder.finish(Ending.GONE, 40.0).diagnosis.findings


@pytest.fixture
def ignored(tmp_path: Path) -> Finding:
    """The finding without a proof."""
    (finding,) = recorded(tmp_path / "without.jsonl")
    assert (finding.rule, finding.fault, finding.verification) == ("challenge-ignored", Fault.CLIENT, None)
    return finding


@pytest.mark.parametrize(
    ("outcome", "fault", "confidence"),
    [
        (ProofResult.WOULD_HAVE_WORKED, Fault.CLIENT, Confidence.HIGH),
        (ProofResult.CREDENTIALS_REJECTED, Fault.CREDENTIALS, Confidence.HIGH),
        (ProofResult.INSUFFICIENT_RIGHTS, Fault.CREDENTIALS, Confidence.MEDIUM),
        (ProofResult.TOKEN_SERVER_REFUSED, Fault.CLIENT, Confidence.LOW),
        (ProofResult.UNDECIDED, Fault.CLIENT, Confidence.LOW),
    ],
)
def test_fault_and_confidence_follow_from_the_proof(
    ignored: Finding, outcome: ProofResult, fault: Fault, confidence: Confidence
) -> None:
    """What proves nothing about the client leaves its finding as it was."""
    found = proven(replace(ignored, confidence=Confidence.LOW), proof(outcome).verification)
    assert (found.fault, found.confidence, found.verification) == (fault, confidence, proof(outcome).verification)


def test_refused_credentials_change_the_advice(ignored: Finding) -> None:
    """To keep the password would be wrong then."""
    found = proven(ignored, proof(ProofResult.CREDENTIALS_REJECTED).verification)
    assert "other credentials" in found.advice.user
    assert found.advice.client_author == ignored.advice.client_author


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_proof_belongs_to_the_finding_with_its_exchange(tmp_path: Path, number: int) -> None:
    """A proof about an exchange that the finding does not rest on says nothing of it."""
    (finding,) = recorded(tmp_path / "t.jsonl", proof(ProofResult.WOULD_HAVE_WORKED, number))
    assert (finding.verification is not None) == (number in finding.exchanges)


def test_a_trace_keeps_its_proofs(tmp_path: Path) -> None:
    """The same finding, with its proof, is in a report that is made later."""
    found = recorded(tmp_path / "t.jsonl", proof(ProofResult.CREDENTIALS_REJECTED))
    journal, _ = journal_of([tmp_path / "t.jsonl"])
    assert journal.diagnosis.findings == found
    assert journal.capture is not None
    assert journal.capture.proofs == (proof(ProofResult.CREDENTIALS_REJECTED),)


def test_traces_read_together_lose_their_proofs_and_say_so(tmp_path: Path) -> None:
    """They are numbered anew, so that a proof might meet another exchange."""
    recorded(tmp_path / "a.jsonl", proof(ProofResult.WOULD_HAVE_WORKED))
    recorded(tmp_path / "b.jsonl")
    journal, _ = journal_of([tmp_path / "a.jsonl", tmp_path / "b.jsonl"])
    assert [finding.verification for finding in journal.diagnosis.findings] == [None]
    assert "skipped a proof about exchange 2 of one of the files" in journal.diagnosis.notes


def test_a_client_is_not_blamed_where_regauth_had_a_hand(tmp_path: Path) -> None:
    """What it would have done by itself cannot be seen; the report says so."""
    altered = replace(PING, changes=((ChangeKind.CHALLENGE_ADDED, "regauth added to this ping a challenge"),))
    redactor = Redactor(b"k" * 32)
    recorder = Recorder(redactor, started=0.0, quiet_time=30.0, credentials_known=True)
    for one in (altered, REFUSED):
        recorder.end(one)
    diagnosis = recorder.finish(Ending.GONE, 40.0).diagnosis
    assert diagnosis.findings == ()
    assert [case.reason for case in diagnosis.undecided] == [Reason.CHANGED_BY_REGAUTH]
