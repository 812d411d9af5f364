"""What came of everything together: one verdict, who has to act, and the operations that it rests on."""

from __future__ import annotations

from regauth_core.model.finding import Conclusion, End, Fault, Finding, Operation, Place, Verdict
from regauth_core.model.journal import Journal

_WITHOUT_LOGIN = frozenset({"credentials-required", "credentials-withheld"})
_WITHOUT_LOGIN_CAUSES = frozenset({"challenge-not-answered", "token-refused-anonymously"})
_OF_IDENTITY = frozenset({"client-certificate", "credential-not-asked-for"})
"""Causes that are about who asks, whatever the status."""
_LIMITS = frozenset({"rate-limited", "non-registry-response", "authorization-too-large", "presigned-url-refused"})
"""Rules about failures in which nobody was refused for who it is."""


def conclusion(journal: Journal) -> Conclusion:
    """The end of a report about `journal`."""
    diagnosis = journal.diagnosis
    failures = [o for o in diagnosis.operations if o.end.is_failure]
    verdict = _of_failures(journal, failures) if failures else _without_failures(journal)
    return Conclusion(
        verdict=verdict,
        fault=_fault(journal, failures),
        operations=diagnosis.operations,
        left_out=diagnosis.operations_left_out,
        status=journal.environment.status,
    )


def _without_failures(journal: Journal) -> Verdict:
    status = journal.environment.status
    if journal.environment.distrusted and status != 0:
        return Verdict.REGAUTH_IN_THE_WAY
    is_open = any(o.end is End.UNKNOWN for o in journal.diagnosis.operations)
    if not journal.diagnosis.exchanges or is_open or journal.diagnosis.undecided:
        return Verdict.INCONCLUSIVE
    return Verdict.NOT_AUTHENTICATION if status else Verdict.OK


def _of_failures(journal: Journal, failures: list[Operation]) -> Verdict:
    if any(o.altered for o in failures):
        return Verdict.REGAUTH_IN_THE_WAY
    refused = [o for o in failures if _is_about_authentication(journal, o)]
    if not refused:
        return Verdict.NOT_AUTHENTICATION
    accounts = [_account(journal, o) for o in refused]
    if all(one is None for one in accounts):
        return Verdict.INCONCLUSIVE
    if all(one is None or _is_without_login(one) for one in accounts):
        return Verdict.NOT_LOGGED_IN
    return Verdict.REFUSED


def _is_about_authentication(journal: Journal, operation: Operation) -> bool:
    """Whether somebody was refused, or no token was to be had; not where a limit or another error came."""
    if operation.account in _LIMITS:
        return False
    finding = _account(journal, operation)
    if finding is not None and finding.cause in _OF_IDENTITY:
        return True
    return operation.end is End.REFUSED or operation.place is Place.TOKEN_SERVER


def _is_without_login(finding: Finding) -> bool:
    return finding.rule in _WITHOUT_LOGIN or finding.cause in _WITHOUT_LOGIN_CAUSES


def _account(journal: Journal, operation: Operation) -> Finding | None:
    """The finding that accounts for a failure; `None` where that is an undecided case."""
    fitting = [f for f in journal.diagnosis.findings if f.rule == operation.account and f.client == operation.client]
    own = set(operation.exchanges)
    return next((f for f in fitting if own.intersection(f.exchanges)), fitting[0] if fitting else None)


def _fault(journal: Journal, failures: list[Operation]) -> Fault | None:
    """Who has to act: by the worst finding that accounts for a failure."""
    found = [f for o in failures if (f := _account(journal, o)) is not None]
    worst = max(found, key=lambda f: f.severity.rank, default=None)
    if worst is None:
        return Fault.UNKNOWN if failures else None
    return worst.fault
