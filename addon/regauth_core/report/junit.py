"""The findings as JUnit XML, for machines that run tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from xml.etree import ElementTree

from regauth_core.model.finding import End, Fault, Finding, Severity
from regauth_core.model.journal import Journal
from regauth_core.model.outcome import Open, Verdict
from regauth_core.report import programs, wording
from regauth_core.report.outcome import conclusion
from regauth_core.report.text import visible

_DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>'
_SILENT: Final = "no finding"


def render(journal: Journal) -> str:
    """`journal` as JUnit XML: one testcase for the verdict, and for each client one per rule that fired.

    Errors and warnings are failures; an info is a testcase that passed and has output. What cannot be decided is
    skipped, and where nothing could be seen the verdict is an error: neither has passed. The names are the same in
    every run. Characters that XML cannot hold are written as visible escapes.
    """
    cases = [_verdict(journal), *_fired_rules(journal), *_silent(journal), *_undecided(journal)]
    totals = {"tests": str(len(cases))}
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        totals[name] = str(sum(1 for case in cases if case.find(tag) is not None))
    root = ElementTree.Element("testsuites", {"name": "regauth", **totals})
    suite = ElementTree.SubElement(root, "testsuite", {"name": "regauth", **totals, "time": _took(journal)})
    suite.extend(cases)
    ElementTree.SubElement(suite, "system-out").text = "\n".join(_about(journal))
    ElementTree.indent(root)
    return f"{_DECLARATION}\n{ElementTree.tostring(root, encoding='unicode')}\n"


def _verdict(journal: Journal) -> ElementTree.Element:
    told = conclusion(journal)
    case = ElementTree.Element("testcase", {"classname": "regauth", "name": "outcome"})
    lines = [told.title, told.advice, *(f"now: {one.command}" for one in told.next_commands)]
    text = "\n".join(visible(line) for line in lines if line)
    if told.verdict is Verdict.OK:
        ElementTree.SubElement(case, "system-out").text = text
        return case
    kind = {"type": str(told.verdict), "message": visible(told.title)}
    if told.verdict is Verdict.REGAUTH_IN_THE_WAY or told.reason is Open.NOTHING_SEEN:
        ElementTree.SubElement(case, "error", kind).text = text
    elif told.verdict is Verdict.INCONCLUSIVE:
        ElementTree.SubElement(case, "skipped", {"message": visible(told.title)}).text = text
    else:
        ElementTree.SubElement(case, "failure", kind).text = text
    return case


def _classname(journal: Journal, client: str, registry: str | None, repository: str | None) -> str:
    """Whose testcase it is, such as ``oras · registry.test:5443/foo``: the same in every run."""
    known = next((one for one in journal.diagnosis.clients if one.id == client), None)
    program = programs.name_of(known) if known is not None else client
    host = (registry or "").partition("://")[2]
    place = f"{host}/{repository}" if host and repository else host
    label = known.label if known is not None else None
    return visible(" · ".join(word for word in (label, program, place) if word), 300)


def _fired_rules(journal: Journal) -> Iterator[ElementTree.Element]:
    fired: dict[tuple[str, str], list[Finding]] = {}
    for finding in journal.diagnosis.findings:
        whose = _classname(journal, finding.client, finding.registry, finding.repository)
        fired.setdefault((whose, finding.rule), []).append(finding)
    for (whose, rule), findings in fired.items():
        yield _fired({"classname": whose}, rule, findings)


def _silent(journal: Journal) -> Iterator[ElementTree.Element]:
    """For each client without a finding that it has none; skipped where that does not mean that all went well."""
    diagnosis = journal.diagnosis
    heard = {f.client for f in diagnosis.findings} | {case.client for case in diagnosis.undecided}
    cases: dict[str, ElementTree.Element] = {}
    for client in diagnosis.clients:
        if client.id in heard:
            continue
        own = [o for o in diagnosis.operations if o.client == client.id]
        whose = _classname(journal, client.id, *((own[0].registry, own[0].repository) if own else (None, None)))
        if whose not in cases:
            cases[whose] = ElementTree.Element("testcase", {"classname": whose, "name": _SILENT})
        case = cases[whose]
        if case.find("skipped") is None and any(o.end.is_failure or o.end is End.UNKNOWN for o in own):
            ElementTree.SubElement(case, "skipped", {"message": "not everything that it asked for was answered"})
    yield from cases.values()


def _undecided(journal: Journal) -> Iterator[ElementTree.Element]:
    made: dict[tuple[str, str], ElementTree.Element] = {}
    fired = {(f.client, f.rule) for f in journal.diagnosis.findings}
    for case in journal.diagnosis.undecided:
        whose = _classname(journal, case.client, case.registry, case.repository)
        if (whose, case.rule) not in made and (case.client, case.rule) not in fired:
            element = ElementTree.Element("testcase", {"classname": whose, "name": visible(case.rule, 200)})
            why = visible(f"{case.reason.replace('-', ' ')}: {case.explanation}")
            ElementTree.SubElement(element, "skipped", {"message": why})
            made[whose, case.rule] = element
    yield from made.values()


def _fired(name: dict[str, str], rule: str, findings: list[Finding]) -> ElementTree.Element:
    case = ElementTree.Element("testcase", {**name, "name": visible(rule, 200)})
    worst = max(findings, key=lambda finding: finding.severity.rank)
    text = "\n\n".join("\n".join(_told(finding)) for finding in findings)
    if worst.severity is Severity.INFO:
        ElementTree.SubElement(case, "system-out").text = text
    else:
        kind = {"type": str(worst.severity), "message": visible(worst.title)}
        ElementTree.SubElement(case, "failure", kind).text = text
    return case


def _told(finding: Finding) -> list[str]:
    told = [
        visible(f"{finding.severity}: {finding.title}"),
        wording.subject(finding),
        f"fault: {wording.culprit(finding)}",
        visible(finding.explanation),
        visible(f"now: {finding.advice.user}"),
    ]
    if finding.fault is Fault.CLIENT:
        told.append(visible(f"the client's author: {finding.advice.client_author}"))
    if finding.verification is not None:
        told.append(f"verified: {wording.verification(finding.verification)}")
    return told + [visible(f"{one.document}, {one.section}: {one.url}") for one in finding.references]


def _about(journal: Journal) -> list[str]:
    notes = [visible(f"note: {note}") for note in journal.diagnosis.notes]
    return [wording.seen(journal), *notes, wording.redaction(journal.redaction)]


def _took(journal: Journal) -> str:
    """Seconds from the first request to the last answer."""
    first = min((exchange.started for exchange in journal.exchanges), default=0.0)
    last = max((exchange.finished for exchange in journal.exchanges), default=first)
    return f"{max(0.0, last - first):.3f}"
