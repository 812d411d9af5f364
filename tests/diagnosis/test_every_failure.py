"""Every status, at every endpoint, with and without a credential, leads to a sentence, and to none that is untrue."""

from __future__ import annotations

from itertools import groupby

import pytest

from kit.failures import Case, cases
from regauth_core.model.finding import Fault, Finding

KINDS = {key: list(some) for key, some in groupby(cases(), lambda case: (case.endpoint, case.sent))}
_WITHOUT_REPOSITORY = ("ping", "catalog", "token login", "token form")
_OF_REFUSALS = ("400", "401", "403")


@pytest.mark.parametrize("kind", KINDS, ids=" with ".join)
def test_every_failure_has_an_account(kind: tuple[str, str]) -> None:
    """Whatever failed is the evidence of a finding that says what to do."""
    silent: list[tuple[str, str]] = []
    for case in KINDS[kind]:
        diagnosis = case.diagnosis()
        told = {f.rule for f in diagnosis.findings if f.advice.user and f.advice.client_author}
        told |= {u.rule for u in diagnosis.undecided}
        failed = [o for o in diagnosis.operations if o.end.is_failure]
        silent += [(case.status, o.kind) for o in failed if o.account not in told]
        if not failed and any(f.severity != "info" for f in diagnosis.findings):
            silent.append((case.status, "a finding without a failure"))
    assert silent == []


@pytest.mark.parametrize("kind", KINDS, ids=" with ".join)
def test_no_failure_is_told_with_what_was_not_there(kind: tuple[str, str]) -> None:
    """No repository, password or login that the requests do not have; no server's trouble is the client's fault."""
    assert [wrong for case in KINDS[kind] for f in case.diagnosis().findings for wrong in _untrue(case, f)] == []


def _untrue(case: Case, finding: Finding) -> list[str]:
    text = f"{finding.title} {finding.explanation} {finding.advice.user}"
    told = []
    if case.endpoint in _WITHOUT_REPOSITORY and ("spelling of" in text or "The repository can" in text):
        told.append("a repository")
    if case.sent == "nothing" and any(words in text for words in ("renew the password", "refused the credentials")):
        told.append("a password")
    if case.sent != "nothing" and "without a credential" in finding.explanation and "challenge" not in text:
        told.append("no credential")
    is_trouble = case.status >= "500" or not case.status.isdigit()
    if is_trouble and case.status != "501" and finding.fault in (Fault.CLIENT, Fault.CREDENTIALS):
        told.append(f"the fault of {finding.fault}")
    if finding.fault is Fault.CREDENTIALS and case.status not in _OF_REFUSALS:
        told.append("credentials")
    return [f"{case.status}: {one}: {finding.rule}: {text}" for one in told]
