"""What came of everything together: one verdict, who has to act, what to do now, and the operations it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from regauth_core.model import Exchange
from regauth_core.model.finding import (
    Confidence,
    End,
    Fault,
    Finding,
    Operation,
    OperationKind,
    Place,
    Reason,
    Severity,
    Undecided,
)
from regauth_core.model.journal import Journal
from regauth_core.model.obstacle import Obstacle
from regauth_core.model.outcome import Conclusion, NextCommand, Open, Step, Verdict
from regauth_core.protocol.registries import registry_of
from regauth_core.report import headlines, programs
from regauth_core.report.derived import once
from regauth_core.report.next_commands import Case, next_commands

_WITHOUT_LOGIN = frozenset({"credentials-required", "credentials-withheld", "empty-basic-credentials"})
_WITHOUT_LOGIN_CAUSES = frozenset({"challenge-not-answered", "token-refused-anonymously", "not-logged-in"})
_UNUSED = "credentials-known-but-unused"
_OF_IDENTITY = frozenset({"client-certificate", "credential-not-asked-for"})
"""Causes that are about who asks, whatever the status."""
_LIMITS = frozenset({"rate-limited", "non-registry-response", "authorization-too-large", "presigned-url-refused"})
"""Rules about failures in which nobody was refused for who it is."""
_SHOWN: Final = 3


@once
def conclusion(journal: Journal) -> Conclusion:
    """The end of a report about `journal`."""
    diagnosis = journal.diagnosis
    failures = [o for o in diagnosis.operations if o.end.is_failure]
    if (obstacle := decisive_obstacle(journal)) is not None:
        return _of_obstacle(journal, obstacle)
    verdict = _of_failures(journal, failures) if failures else _without_failures(journal)
    reason = _reason(journal) if verdict is Verdict.INCONCLUSIVE else None
    subject = _subject(journal, verdict, failures)
    fault = _fault(journal, verdict, failures)
    finding = subject.finding
    told = headlines.headline(journal, verdict, reason, subject)
    case = Case(
        verdict=verdict,
        reason=reason,
        finding=finding,
        program=programs.program(subject.program),
        words=programs.words_of(journal),
        scenario=journal.environment.scenario,
        host=subject.host,
        repository=subject.repository,
        exchange=subject.marked,
    )
    return Conclusion(
        verdict=verdict,
        reason=reason,
        fault=fault,
        confidence=finding.confidence if finding is not None and fault is not None else None,
        title=told.title + _times(journal, finding),
        advice=told.advice,
        rule=_rule(subject),
        exchanges=tuple(e.number for e in subject.shown),
        marked=subject.marked.number if subject.marked is not None else None,
        mark=headlines.mark(verdict, subject),
        next_commands=next_commands(case),
        operations=diagnosis.operations,
        left_out=diagnosis.operations_left_out,
        status=journal.environment.status,
    )


def decisive_obstacle(journal: Journal) -> Obstacle | None:
    """What kept the command from the registry, if that is the reason of how it ended; nothing else is, then."""
    obstacle, status = next(iter(journal.environment.obstacles), None), journal.environment.status
    ends = [o.end for o in journal.diagnosis.operations if o.end.is_failure]
    if obstacle is None or any(end is not End.LOST for end in ends):
        return None
    is_silence = not obstacle.kind.is_regauths and not obstacle.kind.is_networks
    # Without a command, its status: with what was lost.
    return obstacle if is_silence or (bool(ends) if status is None else status != 0) else None


def _of_obstacle(journal: Journal, obstacle: Obstacle) -> Conclusion:
    verdict, fault = Verdict.INCONCLUSIVE, None
    if obstacle.kind.is_regauths:
        verdict = Verdict.REGAUTH_IN_THE_WAY
    elif obstacle.kind.is_networks:
        verdict, fault = Verdict.NOT_AUTHENTICATION, Fault.CONFIGURATION
    return Conclusion(
        verdict=verdict,
        reason=Open.NOTHING_SEEN if verdict is Verdict.INCONCLUSIVE else None,
        fault=fault,
        confidence=Confidence.HIGH if fault is not None else None,
        title=obstacle.title,
        advice=obstacle.advice,
        rule=None,
        exchanges=(),
        marked=None,
        mark="",
        next_commands=(NextCommand(step=Step.SET_UP, command=obstacle.command),) if obstacle.command else (),
        operations=journal.diagnosis.operations,
        left_out=journal.diagnosis.operations_left_out,
        status=journal.environment.status,
    )


def _rule(subject: headlines.Subject) -> str | None:
    told: Finding | Undecided | None = subject.finding or subject.undecided
    return told.rule if told is not None else None


def _without_failures(journal: Journal) -> Verdict:
    status = journal.environment.status
    if journal.environment.distrusted and status != 0:
        return Verdict.REGAUTH_IN_THE_WAY
    is_open = _is_open(journal)
    if _weighty(journal) is not None:
        return Verdict.REFUSED if status or is_open else Verdict.OK
    if not journal.diagnosis.exchanges or is_open or journal.diagnosis.undecided:
        return Verdict.INCONCLUSIVE
    return Verdict.NOT_AUTHENTICATION if status else Verdict.OK


def _is_open(journal: Journal) -> bool:
    """Whether an answer that matters is not known.

    Some clients ask twice at once, such as over http and https, and give up what comes second. Where the command
    succeeded, so did one that was given what it wanted beside that.
    """
    operations = journal.diagnosis.operations
    served = {o.client for o in operations if o.end is End.SUCCEEDED and o.kind is not OperationKind.PING}
    overlooked = served if journal.environment.status == 0 else frozenset[str]()
    return any(o.end is End.UNKNOWN and o.client not in overlooked for o in operations)


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


def _reason(journal: Journal) -> Open:
    """Why it cannot be told."""
    diagnosis = journal.diagnosis
    if not diagnosis.exchanges:
        return Open.NOTHING_SEEN
    if any(case.reason in (Reason.CAPTURE_CUT, Reason.QUIET_TIME_NOT_REACHED) for case in diagnosis.undecided):
        return Open.CAPTURE_CUT
    return Open.UNDECIDED if diagnosis.undecided else Open.NOT_RECORDED


def _is_about_authentication(journal: Journal, operation: Operation) -> bool:
    """Whether somebody was refused, or no token was to be had; not where a limit or another error came."""
    if operation.account in _LIMITS:
        return False
    finding = _account(journal, operation)
    if finding is not None and finding.cause in _OF_IDENTITY:
        return True
    return operation.end is End.REFUSED or operation.place is Place.TOKEN_SERVER


def _is_without_login(finding: Finding) -> bool:
    named = finding.rule in _WITHOUT_LOGIN and finding.cause != _UNUSED
    return named or finding.cause in _WITHOUT_LOGIN_CAUSES


def _account(journal: Journal, operation: Operation) -> Finding | None:
    """The finding that accounts for a failure; `None` where that is an undecided case."""
    accounts = _accounts(journal)
    about = (operation.account, operation.client)
    fitting = [place for number in operation.exchanges if (place := accounts.get((*about, number))) is not None]
    place = min(fitting, default=accounts.get((*about, None)))
    return journal.diagnosis.findings[place] if place is not None else None


@once
def _accounts(journal: Journal) -> dict[tuple[str | None, str, int | None], int]:
    """The place of the first finding of a rule about a client, and of the first that has a certain exchange."""
    found: dict[tuple[str | None, str, int | None], int] = {}
    for place, finding in enumerate(journal.diagnosis.findings):
        for number in (None, *finding.exchanges):
            found.setdefault((finding.rule, finding.client, number), place)
    return found


def _fault(journal: Journal, verdict: Verdict, failures: list[Operation]) -> Fault | None:
    """Who has to act: by the worst finding that accounts for a failure. Nobody, where only the login is missing."""
    if verdict in (Verdict.NOT_LOGGED_IN, Verdict.REGAUTH_IN_THE_WAY):
        return None
    worst = _worst([f for o in failures if (f := _account(journal, o)) is not None])
    if worst is None and not failures:
        worst = _weighty(journal)
    if worst is None:
        return Fault.UNKNOWN if failures else None
    return worst.fault


def _times(journal: Journal, finding: Finding | None) -> str:
    """How many clients the same is true of, such as six runs of one command in a loop; empty for one."""
    if finding is None:
        return ""

    def about(one: Finding) -> tuple[object, ...]:
        return one.rule, one.cause, one.registry, one.repository

    count = sum(1 for one in journal.diagnosis.findings if about(one) == about(finding))
    return f" ×{count}" if count > 1 else ""


def _weighty(journal: Journal) -> Finding | None:
    """The worst finding, if it is more than an info."""
    worst = _worst(journal.diagnosis.findings)
    return worst if worst is not None and worst.severity is not Severity.INFO else None


def _worst(findings: Sequence[Finding]) -> Finding | None:
    return max(findings, key=lambda f: f.severity.rank, default=None)


def _subject(journal: Journal, verdict: Verdict, failures: list[Operation]) -> headlines.Subject:
    """What the verdict is about: the finding, the operation, and the exchanges that carry it."""
    accounts = [(o, f) for o in failures if (f := _account(journal, o)) is not None]
    finding = _worst([f for _, f in accounts]) if failures else _weighty(journal)
    operation = next((o for o, f in accounts if f is finding), None) or _operation(journal, failures)
    undecided = next(iter(journal.diagnosis.undecided), None) if finding is None else None
    told: Finding | Undecided | Operation | None = finding or undecided or operation
    client = told.client if told is not None else ""
    known = next((c for c in journal.diagnosis.clients if c.id == client), None)
    held = {e.number: e for e in journal.exchanges}
    own = [held[n] for n in (told.exchanges if told is not None else ()) if n in held]
    marked = _marked(own, operation)
    return headlines.Subject(
        finding=finding,
        undecided=undecided,
        operation=operation,
        program=programs.name_of(known, programs.words_of(journal)),
        host=_host(told.registry if told is not None else "", own or journal.exchanges),
        repository=told.repository if told is not None else None,
        shown=_few(own, marked) if verdict is not Verdict.OK or finding is not None else (),
        marked=marked,
    )


def _operation(journal: Journal, failures: list[Operation]) -> Operation | None:
    """The failure that came first, else what was looked for in vain, else what came last."""
    every = journal.diagnosis.operations
    vain = [o for o in every if o.end in (End.UNKNOWN, End.ANSWERED)]
    return next(iter([*failures, *reversed(vain), *reversed(every)]), None)


def _marked(own: Sequence[Exchange], operation: Operation | None) -> Exchange | None:
    """The last of the exchanges that failed; of several that are alike the first."""
    failed = [e for e in own if e.response is None or e.status >= 400]
    decisive = [e for e in failed if operation is None or e.number in operation.exchanges] or failed or list(own)
    if not decisive:
        return None
    last = decisive[-1]
    return next(e for e in decisive if headlines.likeness(e) == headlines.likeness(last))


def _few(own: Sequence[Exchange], marked: Exchange | None) -> tuple[Exchange, ...]:
    """The first exchange, the one before the marked one, and that; of those that are alike one."""
    if marked is None:
        return ()
    before = [e for e in own if e.number < marked.number]
    kept = {headlines.likeness(e): e for e in (*before[:1], *before[-1:], marked)}
    return tuple(sorted(kept.values(), key=lambda e: e.number))[-_SHOWN:]


def _host(registry: str, exchanges: Sequence[Exchange]) -> str:
    """The registry as one types it, with its port; empty where none was seen."""
    origin = next((e.origin for e in exchanges if str(e.origin) == registry), None)
    if origin is not None:
        return registry_of(origin)
    return registry.partition("://")[2]
