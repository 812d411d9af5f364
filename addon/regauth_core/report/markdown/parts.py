"""The parts of the Markdown report, each as lines, in as much detail as a plan allows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from regauth_core.model import Exchange
from regauth_core.model.finding import Fault, Finding
from regauth_core.model.journal import Journal
from regauth_core.model.outcome import Verdict
from regauth_core.report import headlines as headline_words
from regauth_core.report import replay, timeline, wording
from regauth_core.report.markdown import mermaid, reproduction
from regauth_core.report.markdown.github import cell, fence, link, prose, span
from regauth_core.report.markdown.templates import Part
from regauth_core.report.outcome import conclusion
from regauth_core.report.roles import roles
from regauth_core.report.text import counted

_FILE = "report.md"
_REPORTED = frozenset({Fault.CLIENT, Fault.REGISTRY, Fault.TOKEN_SERVER, Fault.PROXY, Fault.UNKNOWN})
"""Who has a place where bugs are reported, or may have."""
_KINDS = 30
"""Rules that are counted by name where findings are only counted."""
_CURL = 4000
"""Characters of all `curl` lines together; a shortened one would be of no use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much of each part is shown."""

    exchanges: int = timeline.LONGEST
    """Redacted exchanges in full."""
    messages: int = mermaid.MESSAGES
    """Messages of the diagram; 0 for no diagram."""
    rows: int = timeline.LONGEST
    """Rows of the wire table."""
    explained: int = 40
    """Findings that are explained."""
    named: int = 200
    """Findings that have a line of their own; the rest is counted by rule."""
    printed: int = 40
    """Lines of the client's version output."""
    scenario: bool = True
    """The scenario, which is worth more than the exchanges that it was made of."""
    words: int = 1500
    """Characters of one explanation."""
    cut: str = ""
    """What this plan leaves out, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportInput:
    """What a part is made from."""

    journal: Journal
    findings: tuple[Finding, ...]
    """The worst first."""
    extent: Extent


def report_input(journal: Journal, extent: Extent) -> ReportInput:
    """The story of `journal` as far as `extent` shows it."""
    worst_first = sorted(journal.diagnosis.findings, key=lambda finding: -finding.severity.rank)
    return ReportInput(journal=journal, findings=tuple(worst_first), extent=extent)


def headlines(content: ReportInput) -> Iterator[str]:
    """The verdict, and one line for each finding; what does not fit is counted by rule."""
    yield from _verdict(content.journal)
    if not content.findings:
        yield f"{wording.silence(content.journal).capitalize()}; {wording.seen(content.journal)}."
        if ending := wording.ending(content.journal):
            yield ""
            yield f"{prose(ending[:1].upper() + ending[1:], 1200)}."
        return
    for finding in content.findings[: content.extent.named]:
        yield (
            f"- **{finding.severity}** {span(finding.rule, 60)}: {prose(finding.title, 200)}"
            f" ({wording.numbers(finding.exchanges) or 'no exchange'}; fault: {finding.fault},"
            f" confidence {finding.confidence})"
        )
    rest = Counter((finding.severity, finding.rule) for finding in content.findings[content.extent.named :])
    for (severity, rule), number in rest.most_common(_KINDS):
        yield f"- **{severity}** {span(rule, 60)}: {counted(number, 'more finding')} of this kind"
    if len(rest) > _KINDS:
        others = sum(number for _, number in rest.most_common()[_KINDS:])
        yield f"- {counted(others, 'more finding')} of {counted(len(rest) - _KINDS, 'other rule')}"


def _verdict(journal: Journal) -> Iterator[str]:
    """What it comes to, as a title for an issue; or that there is nothing to report, and what to do instead."""
    end = conclusion(journal)
    whose = headline_words.whose(end)
    yield f"**{prose(end.title, 300)}**" + (f" ({whose})" if whose else "")
    yield ""
    if end.fault in _REPORTED:
        yield "_The line above may serve as the title of the issue; leave it out below._"
    else:
        yield f"_There is nothing here to report to a project._ {prose(end.advice, 300)}".rstrip()
    if end.next_commands:
        yield ""
        yield "What can be run next:"
        yield ""
        yield from fence([one.command for one in end.next_commands], "sh")
    yield ""


def lines(part: Part, content: ReportInput) -> Iterator[str]:
    """The lines of `part`."""
    writers = {
        Part.DESCRIPTION: _description,
        Part.REPRODUCE: _reproduce,
        Part.RECEIVED: _received,
        Part.EXPECTED: _expected,
        Part.VERSION: _version,
        Part.ENVIRONMENT: _environment,
        Part.DETAILS: _details,
    }
    return writers[part](content)


def _description(content: ReportInput) -> Iterator[str]:
    yield "_For you to write: what you were doing, and why it matters. What follows was recorded._"


def _reproduce(content: ReportInput) -> Iterator[str]:
    environment = content.journal.environment
    yield "With the client:"
    yield ""
    if environment.command is None:
        yield "_The command was not recorded. Please write it here._"
    else:
        yield from fence([f"$ {environment.command}"], "console")
    if environment.status is not None:
        yield ""
        yield f"It ended with exit status {environment.status}."
    asked = reproduction.lines(content.journal, content.findings[0]) if content.findings else []
    if sum(map(len, asked)) > _CURL:
        yield ""
        yield "_The requests to the registry are too long to show here._"
    elif asked:
        yield ""
        yield (
            "The registry's side, without the client (set `REG_USER` and `REG_PASS`, and `TOKEN` and `REG_CA` where"
            " they are used):"
        )
        yield ""
        yield from fence(asked, "sh")
    if content.extent.scenario and replay.fits(content.journal):
        yield ""
        yield f"The same with this report alone, saved as {span(_FILE)}. {prose(replay.remark(content.journal))}"
        yield ""
        yield from fence([f"$ {replay.command(content.journal, _FILE)}"], "console")
        yield ""
        yield from _folded(replay.summary(content.journal), fence(content.journal.scenario, "yaml", 3000))


def _received(content: ReportInput) -> Iterator[str]:
    if content.journal.environment.command is not None:
        yield "_For you to add: what the client itself printed, without what is secret in it._"
        yield ""
    for finding in content.findings[: content.extent.explained]:
        yield f"- {span(finding.rule, 60)}: {prose(finding.explanation, content.extent.words)}"
        if finding.verification is not None:
            yield f"  Verified: {prose(wording.verification(finding.verification), content.extent.words)}"
    if content.findings:
        yield ""
    yield from _table(content)
    yield from _open_ends(content)


def _table(content: ReportInput) -> Iterator[str]:
    journal = content.journal
    shown = timeline.rows(journal, most=content.extent.rows, is_strict=True)
    if not shown:
        yield "No exchange was recorded."
        return
    home = roles(journal).home
    has_clients = len(journal.diagnosis.clients) > 1
    heads = ["#", *(["client"] if has_clients else []), "method", "path", "status", "credential sent", "challenge"]
    yield f"| {' | '.join(heads)} |"
    yield "|" + " --- |" * len(heads)
    for row in shown:
        exchange = row.first
        if not row.is_alike:
            yield f"| … |{' |' * (len(heads) - 2)} {counted(row.count, 'exchange')} folded |"
            continue
        client = [cell(journal.clients_of.get(exchange.number, ""), 20)] if has_clients else []
        times = f" {row.repetition.partition(' ')[0]}" if row.count > 1 else ""
        cells = [
            row.numbers + times,
            *client,
            cell(exchange.request.method, 20),
            cell(wording.place(exchange, home)),
            wording.status(exchange),
            cell(wording.sent(exchange), 60),
            cell(wording.challenges(exchange) or wording.lost(exchange), 200),
        ]
        yield f"| {' | '.join(cells)} |"


def _open_ends(content: ReportInput) -> Iterator[str]:
    diagnosis = content.journal.diagnosis
    most = content.extent.explained
    if diagnosis.undecided or diagnosis.notes or content.journal.left_out:
        yield ""
    for case in diagnosis.undecided[:most]:
        why = prose(case.explanation, content.extent.words)
        yield f"- undecided {span(case.rule, 60)} because of {case.reason.replace('-', ' ')}: {why}"
    if len(diagnosis.undecided) > most:
        yield f"- {counted(len(diagnosis.undecided) - most, 'more undecided case')}"
    for note in diagnosis.notes[:most]:
        yield f"- note: {prose(note, content.extent.words)}"
    if len(diagnosis.notes) > most:
        yield f"- {counted(len(diagnosis.notes) - most, 'more note')}"
    if content.journal.left_out:
        yield f"- {wording.left_out(content.journal)}"


def _expected(content: ReportInput) -> Iterator[str]:
    if not content.findings:
        all_is_well = conclusion(content.journal).verdict is Verdict.OK
        yield "Nothing else." if all_is_well else "_For you to write: what should have happened._"
    for finding in content.findings[: content.extent.explained]:
        due = finding.advice.client_author if finding.fault is Fault.CLIENT else finding.advice.user
        yield f"- {span(finding.rule, 60)}: {prose(due, content.extent.words)}"
        for one in finding.references[:4]:
            yield f"  - {prose(f'{one.document}, {one.section}', 200)}: {link(one.url)}"
        if finding.fault is Fault.CLIENT:
            yield f"  - for users, until it is mended: {prose(finding.advice.user, content.extent.words)}"


def _version(content: ReportInput) -> Iterator[str]:
    environment = content.journal.environment
    if environment.client_version is None:
        yield "_The client's version was not recorded. Please write it here._"
    else:
        yield from fence(environment.client_version.splitlines()[: content.extent.printed], "text", 120)


def _environment(content: ReportInput) -> Iterator[str]:
    environment = content.journal.environment
    known = [
        ("regauth", environment.regauth),
        ("mitmproxy", environment.mitmproxy),
        ("platform", environment.platform),
        ("scenario that answered as the registry", environment.scenario),
        ("registry", ", ".join(_registries(content.journal)) or None),
    ]
    for name, value in known:
        if value is not None:
            yield f"- {name}: {span(value, 200)}"
    yield "- proxy in the path: yes, regauth's, which recorded this"
    for client in content.journal.diagnosis.clients[:10]:
        yield f"- client {span(wording.client(client), 200)}"
    if len(content.journal.diagnosis.clients) > 10:
        yield f"- {counted(len(content.journal.diagnosis.clients) - 10, 'more client')}"


def _registries(journal: Journal) -> Sequence[str]:
    return [str(origin) for origin in sorted(roles(journal).registries)[:5]]


def _details(content: ReportInput) -> Iterator[str]:
    diagram = mermaid.lines(content.journal, content.extent.messages) if content.extent.messages else []
    if diagram:
        yield from _folded("Sequence", fence(diagram, "mermaid"))
    shown = _in_full(content)
    if shown:
        left = len(content.journal.exchanges) - len(shown)
        summary = f"Redacted exchanges ({len(shown)}{f', {left} not shown' if left else ''})"
        body = [line for exchange in shown for line in _wire(content.journal, exchange)]
        yield from _folded(summary, fence(body[:-1], "text", 600))
    if not diagram and not shown:
        yield "_Left out for length._" if content.journal.exchanges else "No exchange was recorded."


def _folded(summary: str, body: Iterable[str]) -> Iterator[str]:
    yield from ("<details>", f"<summary>{summary}</summary>", "", *body, "", "</details>", "")


def _in_full(content: ReportInput) -> list[Exchange]:
    """The exchanges that are shown whole: all, or those that findings point to and then the first ones."""
    every = content.journal.exchanges
    if len(every) <= content.extent.exchanges:
        return list(every)
    pointed = timeline.evidence(content.journal)
    wanted = sorted(every, key=lambda exchange: (exchange.number not in pointed, exchange.number))
    return sorted(wanted[: content.extent.exchanges], key=lambda exchange: exchange.number)


def _wire(journal: Journal, exchange: Exchange) -> Iterator[str]:
    took = f"{round((exchange.finished - exchange.started) * 1000)} ms" if exchange.finished > exchange.started else ""
    about = [f"{exchange.number}", journal.clients_of.get(exchange.number, ""), took]
    yield f"### {' · '.join(word for word in about if word)}"
    yield f"{exchange.request.method} {exchange.request.url}"
    yield from (f"{name}: {value}" for name, value in exchange.request.headers[:40])
    yield ""
    yield f"{wording.status(exchange)}" + (f" ({exchange.response.size} bytes)" if exchange.response else "")
    yield from (f"{name}: {value}" for name, value in (exchange.response.headers[:40] if exchange.response else ()))
    yield from (f"({remark})" for remark in wording.remarks(exchange))
    yield ""
