"""The words in which every report for people describes an exchange, a finding, and what was redacted.

What comes out is one line each, visible (`plain.visible`), and not yet escaped for any format.
"""

from __future__ import annotations

from regauth_core.model import Challenge, Exchange, Link, Origin, Response, TokenAnswer
from regauth_core.model.finding import Client, Finding, Severity, Undecided, Verification
from regauth_core.model.journal import Journal, Redaction
from regauth_core.model.outcome import Verdict
from regauth_core.report import roles
from regauth_core.report.outcome import conclusion
from regauth_core.report.text import counted, visible

_SCHEMES = {"basic": "Basic", "bearer": "Bearer"}
_FINGERPRINT = 16
_PLACE = 300
_REMARK = 400
_LAST = 3
"""Answers that are named under a command that failed."""
_ENDING = 1200


def place(exchange: Exchange, home: Origin | None) -> str:
    """Path and query of `exchange`, behind its host where that is not `home`."""
    path = roles.path(exchange.request.url)
    if home is not None and exchange.origin != home:
        path = f"{str(exchange.origin).removeprefix('https://')}{path}" if path.startswith("/") else path
    return visible(path, _PLACE)


def sent(exchange: Exchange) -> str:
    """The credential that the request carried: ``none``, ``Basic pw:51b0c7aa``, ``Bearer tok:3f2a91c0``."""
    told = []
    for one in exchange.request.credentials:
        scheme = _SCHEMES.get(one.scheme, one.scheme)
        told.append(f"{scheme} empty" if one.empty else f"{scheme} {visible(one.fingerprint, _FINGERPRINT)}")
    return visible(" + ".join(told) or "none", 80)


def status(exchange: Exchange) -> str:
    """The status of the answer, a dash where there is none."""
    return str(exchange.status) if exchange.response else "—"


def challenge(one: Challenge) -> str:
    """A challenge in the notation of the header, with its flaws."""
    text = f"{one.scheme} " + ", ".join(f'{name}="{value}"' for name, value in one.parameters)
    if one.token68:
        text += "(a token instead of parameters)"
    if one.flaws:
        text += f" (malformed: {', '.join(flaw.kind for flaw in one.flaws)})"
    return visible(text.strip(), _REMARK)


def challenges(exchange: Exchange) -> str:
    """All challenges of the answer; empty where it names none."""
    if exchange.response is None:
        return ""
    told = [challenge(one) for one in exchange.response.challenges]
    if exchange.response.unreadable_challenge:
        told.append("a challenge that cannot be read")
    if not told and exchange.status == 401:
        told.append("no challenge")
    return visible("; ".join(told), _REMARK)


def lost(exchange: Exchange) -> str:
    """Why there is no whole answer; empty where there is one."""
    failure = exchange.failure
    return visible(f"incomplete answer ({failure.kind}): {failure.text}", _REMARK) if failure is not None else ""


def remarks(exchange: Exchange) -> tuple[str, ...]:
    """What else matters of an exchange: challenges, an issued token, where it leads, the error, failure, changes."""
    told = [challenges(exchange)]
    if exchange.response is not None:
        told += _answer(exchange.response)
    told.append(lost(exchange))
    told += [f"changed by the proxy: {change.text}" for change in exchange.changes]
    return tuple(visible(one, _REMARK) for one in told if one)


def _answer(response: Response) -> list[str]:
    told = []
    if response.token is not None:
        told.append(_token(response.token))
    if response.location is not None:
        told.append(f"to {_host(response.location)}")
    for error in response.errors[:1]:
        told.append(f"{error.code}: {error.message}" if error.message else error.code)
    if response.is_html:
        told.append("an HTML page")
    return told


def _token(answer: TokenAnswer) -> str:
    if not answer.is_json:
        return "no token: the answer is not a JSON object"
    if not answer.fingerprints:
        return "an empty token" if answer.empty else "no token in the answer"
    told = "issued " + ", ".join(visible(one, _FINGERPRINT) for one in answer.fingerprints)
    return told if answer.expires_in is None else f"{told}, valid for {answer.expires_in:g} s"


def _host(link: Link) -> str:
    return str(link.origin) if link.origin else link.text


def culprit(finding: Finding) -> str:
    """Who is at fault, how sure that is, and why."""
    why = f", because {finding.confidence_reason}" if finding.confidence_reason else ""
    cause = f"; cause: {finding.cause}" if finding.cause else ""
    return visible(f"{finding.fault} (confidence {finding.confidence}{why}){cause}")


def subject(one: Finding | Undecided) -> str:
    """What a finding is about: exchanges, client, registry and repository."""
    parts = [numbers(one.exchanges), f"client {one.client}", one.registry]
    if one.repository is not None:
        parts.append(f"repository {one.repository}")
    return visible(" · ".join(part for part in parts if part))


def numbers(exchanges: tuple[int, ...], most: int = 12) -> str:
    """The numbers of exchanges, the middle of a long list counted."""
    if not exchanges:
        return ""
    word = "exchange" if len(exchanges) == 1 else "exchanges"
    if len(exchanges) <= most:
        return f"{word} {', '.join(map(str, exchanges))}"
    head, tail = exchanges[: most - 2], exchanges[-2:]
    between = len(exchanges) - most
    return f"{word} {', '.join(map(str, head))} … ({between} more) … {', '.join(map(str, tail))}"


def verification(proof: Verification) -> str:
    """What came of sending what a correct client would have sent."""
    status = f" (status {proof.status})" if proof.status is not None else ""
    note = f": {proof.note}" if proof.note else ""
    return visible(f"{proof.outcome.replace('-', ' ')}{status}{note}")


def client(one: Client) -> str:
    """A client with all that is known about it."""
    parts = (one.label, one.user_agent, one.engine and f"engine {one.engine}", one.process)
    known = [text for text in parts if text]
    return visible(f"{one.id}: {', '.join(known)}" if known else f"{one.id}: nothing else is known")


def seen(journal: Journal) -> str:
    """What the capture holds, in numbers."""
    told = journal.exchanges
    challenged = sum(1 for e in told if e.response and e.response.challenges)
    issued = sum(1 for e in told if e.response and e.response.token and e.response.token.fingerprints)
    with_credential = sum(1 for e in told if e.request.credentials)
    return (
        f"seen: {counted(journal.diagnosis.exchanges, 'exchange')},"
        f" {counted(len(journal.diagnosis.clients), 'client')}, {counted(len({e.origin for e in told}), 'host')};"
        f" {counted(challenged, 'challenge')}, {counted(issued, 'token')},"
        f" {counted(with_credential, 'credential')} sent"
    )


def silence(journal: Journal) -> str:
    """What a journal without findings shows, without promising more than was examined."""
    if not journal.exchanges:
        return "no exchange was recorded"
    diagnosis = journal.diagnosis
    is_whole = not (diagnosis.undecided or diagnosis.notes or journal.left_out)
    return "nothing wrong was found" if is_whole else "nothing wrong was found in what could be examined"


def ending(journal: Journal) -> str:
    """What can be said of a command that failed where no finding says it; empty where there is nothing to add."""
    status = journal.environment.status
    if any(finding.severity is not Severity.INFO for finding in journal.diagnosis.findings):
        return ""
    verdict = conclusion(journal).verdict
    if not status or verdict not in (Verdict.OK, Verdict.NOT_AUTHENTICATION, Verdict.INCONCLUSIVE):
        return ""
    last = [f"{_asked(e)} {status_of(e)} ({e.number})" for e in journal.exchanges[-_LAST:]]
    answers = f"; the last answers were: {', '.join(last)}" if last else ""
    said = (
        "the capture does not show whether authentication was the reason"
        if verdict is Verdict.INCONCLUSIVE
        else "its requests do not show authentication as the reason"
    )
    return visible(f"the command ended with exit status {status}{answers}; {said}", _ENDING)


def _asked(exchange: Exchange) -> str:
    return f"{exchange.request.method} {roles.path(exchange.request.url).partition('?')[0]}"


def status_of(exchange: Exchange) -> str:
    """The status of the answer in words."""
    return str(exchange.status) if exchange.response is not None else "no answer"


def redaction(figures: Redaction | None) -> str:
    """What was kept and what was replaced, for the last line of every output."""
    if figures is None:
        return "redaction counts are not available"
    kept = [
        counted(figures.hosts, "host name"),
        counted(figures.repositories, "repository", "repositories"),
        f"{counted(figures.bodies, 'body', 'bodies')} in part",
    ]
    replaced = [counted(figures.secrets, "secret"), counted(figures.values, "value")]
    if figures.pseudonyms:
        replaced.append(f"{counted(figures.pseudonyms, 'name')} by pseudonyms")
    if figures.late:
        replaced.append(f"{counted(figures.late, 'place')} by the final sweep")
    return f"kept: {', '.join(kept)}; replaced: {', '.join(replaced)}"


def left_out(journal: Journal) -> str:
    """How many recorded exchanges are no longer held; empty where all are."""
    return f"{counted(journal.left_out, 'older exchange')} recorded but dropped" if journal.left_out else ""
