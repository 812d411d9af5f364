"""The one line that a verdict comes to, and the one sentence that a user needs most."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from regauth_core.model import Exchange, FailureKind
from regauth_core.model.finding import Confidence, End, Fault, Finding, Operation, OperationKind, Severity, Undecided
from regauth_core.model.journal import Journal
from regauth_core.model.outcome import Conclusion, Open, Verdict
from regauth_core.report.text import visible

_NEVER_SENT: Final = "The password was never sent: do not change it."
_LONGEST: Final = 300
_SENTENCE = re.compile(r"[^.;]++(?:\.[^ ;.][^.;]*+)*+")
"""Up to the first full stop before a blank, or the first semicolon."""
_SURE: Final = {Confidence.HIGH: "certain", Confidence.MEDIUM: "likely", Confidence.LOW: "possible"}
_ACTORS: Final = {"token-server": "token server", "unknown": "cause not known"}
_WANTED: Final = {
    OperationKind.PING: "its API",
    OperationKind.CATALOG: "a list of repositories",
    OperationKind.TAGS: "repository {repository}",
    OperationKind.FETCH_MANIFEST: "the image asked for in {repository}",
    OperationKind.FETCH_BLOB: "a blob asked for in {repository}",
    OperationKind.REFERRERS: "referrers in {repository}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a verdict is about."""

    finding: Finding | None
    undecided: Undecided | None
    operation: Operation | None
    program: str
    """The client, as one types it; ``the client`` where that is not known."""
    host: str
    """The registry as one types it, with its port; empty where none was seen."""
    repository: str | None
    shown: tuple[Exchange, ...]
    """The few exchanges that carry it."""
    marked: Exchange | None
    """The one of them that matters most."""


@dataclass(frozen=True, slots=True)
class Headline:
    """A title without a full stop, and a sentence with one (it may be empty)."""

    title: str
    advice: str = ""


def headline(journal: Journal, verdict: Verdict, reason: Open | None, subject: Subject) -> Headline:
    """What is said first about `verdict`."""
    if verdict is Verdict.INCONCLUSIVE and reason is not None:
        told = _OPEN[reason](journal, subject)
    else:
        told = _SAID[verdict](journal, subject)
    return Headline(visible(told.title, _LONGEST), visible(told.advice, _LONGEST))


def whose(told: Conclusion) -> str:
    """Who has to act and how sure that is, such as ``client · certain``; empty where nothing is wrong."""
    if told.verdict is Verdict.OK and told.fault is None:
        return ""
    if told.verdict is Verdict.NOT_LOGGED_IN:
        return "nobody's fault"
    if told.verdict is Verdict.REGAUTH_IN_THE_WAY:
        return "regauth"
    if told.verdict is Verdict.INCONCLUSIVE or told.fault is None:
        return ""
    actor = _ACTORS.get(told.fault, str(told.fault))
    is_sure = told.verdict is Verdict.REFUSED and told.fault != "unknown"
    sure = _SURE[told.confidence] if told.confidence is not None and is_sure else ""
    return " · ".join(word for word in (actor, sure) if word)


def likeness(exchange: Exchange) -> tuple[object, ...]:
    """What exchanges have in common that are shown as one."""
    sent = tuple(one.scheme for one in exchange.request.credentials)
    return exchange.origin, exchange.request.method, exchange.request.url, exchange.status, sent


def mark(verdict: Verdict, subject: Subject) -> str:
    """What is to be seen in the exchange that matters most, in a word or two; empty where there is none."""
    exchange = subject.marked
    if exchange is None or verdict is Verdict.OK:
        return ""
    if exchange.response is None:
        return "no answer"
    if exchange.status in (401, 403, 407):
        if any(not one.empty for one in exchange.request.credentials):
            return "refused"
        if exchange.response.challenges:
            return "no login was sent" if verdict is Verdict.NOT_LOGGED_IN else "never answered"
        return "refused"
    if exchange.status == 404:
        return "not found"
    return "failed" if exchange.status >= 400 else ""


def _named(title: str, subject: Subject) -> str:
    """The title of a finding with the client's name, and without what stands beside it."""
    text = title
    if subject.finding is not None:
        registry, repository = subject.finding.registry, subject.finding.repository
        if repository is not None:
            text = text.replace(f"repository {repository} at {registry}", repository)
            text = re.sub(rf"\b(of|for) {re.escape(f'{subject.host}/{repository}')}", rf"\1 {repository}", text)
            text = text.replace(f" of {repository}", f" for {repository}")
        text = text.replace(registry, subject.host)
    return re.sub(r"^the client\b", lambda _: subject.program, text)


def _refused(journal: Journal, subject: Subject) -> Headline:
    finding = subject.finding
    if finding is None:
        return Headline(f"{subject.host or 'the registry'} refused {subject.program}")
    if _is_unsent(journal, finding, subject.marked):
        return Headline(_named(finding.title, subject), _NEVER_SENT)
    title = _named(finding.title, subject)
    if finding.cause == "ping-derived-auth" and finding.confidence is Confidence.MEDIUM:
        return Headline(title, f"Log in first. If {subject.program} is logged in, it did not send the login.")
    return Headline(title, _advice(finding))


def _is_unsent(journal: Journal, finding: Finding, refused: Exchange | None) -> bool:
    """Whether the client, which is known to have a login, was asked for it and sent none to this registry at all."""
    if finding.fault is not Fault.CLIENT or finding.severity is not Severity.ERROR or refused is None:
        return False
    if refused.response is None or refused.status != 401 or not refused.response.challenges:
        return False
    owner = journal.clients_of.get(refused.number)
    sent = (
        e.request.credentials or (e.request.token is not None and e.request.token.secret)
        for e in journal.exchanges
        if journal.clients_of.get(e.number) == owner and e.origin.host == refused.origin.host
    )
    # An error about Basic, which nobody can answer without a login, is one only where a login is known.
    is_known = journal.capture is not None and journal.capture.credentials_known
    return not any(sent) and (is_known or all(one.kind == "basic" for one in refused.response.challenges))


def _advice(finding: Finding) -> str:
    found = _SENTENCE.match(finding.advice.user.strip())
    text = found[0].strip() if found is not None else ""
    return f"{text}." if text else ""


def _not_logged_in(_: Journal, subject: Subject) -> Headline:
    host = subject.host or "the registry"
    what = f" for {subject.repository}" if subject.repository else ""
    return Headline(
        f"{subject.program} is not logged in to {host}",
        f"{host} wants a login{what}, and {subject.program} sent none.",
    )


def _not_authentication(journal: Journal, subject: Subject) -> Headline:
    operation, exchange = subject.operation, subject.marked
    host = subject.host or "the registry"
    if operation is not None and operation.end is End.LOST:
        return Headline(f"not authentication: no answer from {host}", _lost(exchange, host))
    status = (operation.status or 0) if operation is not None else 0
    if operation is not None and operation.end.is_failure:
        if status >= 500:
            advice = "The login is not the cause: who runs the registry has to look at its log."
            return Headline(f"not authentication: {host} answered {status}", advice)
        if subject.finding is not None:
            return Headline(f"not authentication: {_named(subject.finding.title, subject)}", _advice(subject.finding))
        return Headline(f"not authentication: {host} answered {status}")
    if status == 404 and operation is not None:
        wanted = _WANTED.get(operation.kind, "what was asked for").format(repository=subject.repository or "it")
        return Headline(
            f"not authentication: {host} does not have {wanted} (404)",
            "Check the name and the tag; if it is private, check which login is used.",
        )
    return Headline(
        f"not authentication: {host} answered all that {subject.program} asked",
        f"{subject.program} ended with exit status {journal.environment.status}: read its own message.",
    )


def _lost(exchange: Exchange | None, host: str) -> str:
    failure = exchange.failure if exchange is not None else None
    if failure is None:
        return ""
    if failure.kind is FailureKind.CONNECT:
        return f"No connection to {host} could be made: {failure.text.rstrip('.')}."
    return f"The connection to {host} broke: {failure.text.rstrip('.')}."


def _ok(journal: Journal, subject: Subject) -> Headline:
    if subject.finding is not None:
        return Headline(f"it worked, but {_named(subject.finding.title, subject)}", _advice(subject.finding))
    info = next(iter(journal.diagnosis.findings), None)
    noted = f"Noted: {info.title}." if info is not None else ""
    if journal.diagnosis.notes or journal.left_out:
        return Headline("nothing is wrong in what could be examined", noted)
    return Headline(f"nothing is wrong: {subject.program} got what it asked for", noted)


def _in_the_way(journal: Journal, subject: Subject) -> Headline:
    if journal.environment.distrusted:
        return Headline(
            f"regauth was in the way: {subject.program} does not trust its certificate",
            "Leave out options that name a certificate authority, or run the command without regauth.",
        )
    return Headline(
        "regauth was in the way: it changed what failed",
        "Run the command without regauth, or with --inject off, to see what happens by itself.",
    )


def _nothing_seen(journal: Journal, subject: Subject) -> Headline:
    status = journal.environment.status
    ended = f" (exit status {status})" if status is not None else ""
    note = next(iter(journal.diagnosis.notes), "")
    found = _SENTENCE.match(note)
    text = found[0].strip() if found is not None else ""
    return Headline(
        f"regauth could not see what {subject.program} did{ended}", f"{text[:1].upper()}{text[1:]}." if text else ""
    )


def _cut(_: Journal, subject: Subject) -> Headline:
    return Headline("undecided: the recording ends too early", _suspected(subject))


def _undecided(_: Journal, subject: Subject) -> Headline:
    case = subject.undecided
    why = case.explanation.partition(": ")[2] if case is not None else ""
    return Headline(f"undecided: {why or 'it fits several causes'}", _suspected(subject))


def _suspected(subject: Subject) -> str:
    case = subject.undecided
    if case is None:
        return "Run the command again and let it end."
    text = case.explanation.partition(": ")[0].rstrip(".")
    return f"It looks as if {text}."


def _not_recorded(_: Journal, subject: Subject) -> Headline:
    exchange = subject.marked
    host = subject.host or "the registry"
    if exchange is not None and exchange.failure is not None and exchange.failure.kind is FailureKind.CLIENT_ABORTED:
        return Headline(
            f"undecided: {subject.program} ended before {host} had answered",
            "Give it more time, or see whether something else ended it.",
        )
    said = _lost(exchange, host)
    return Headline(f"undecided: the answer of {host} is missing", said)


_Teller = Callable[[Journal, Subject], Headline]
_SAID: Final[Mapping[Verdict, _Teller]] = {
    Verdict.OK: _ok,
    Verdict.NOT_LOGGED_IN: _not_logged_in,
    Verdict.NOT_AUTHENTICATION: _not_authentication,
    Verdict.REFUSED: _refused,
    Verdict.REGAUTH_IN_THE_WAY: _in_the_way,
}
_OPEN: Final[Mapping[Open, _Teller]] = {
    Open.NOTHING_SEEN: _nothing_seen,
    Open.CAPTURE_CUT: _cut,
    Open.UNDECIDED: _undecided,
    Open.NOT_RECORDED: _not_recorded,
}
