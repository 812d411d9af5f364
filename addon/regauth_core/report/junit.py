"""The findings as JUnit XML, for machines that run tests."""

from __future__ import annotations

from typing import Final
from xml.etree import ElementTree

from regauth_core.model.finding import Finding, Severity
from regauth_core.model.journal import Journal
from regauth_core.report import wording
from regauth_core.report.text import visible

_DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>'
_SILENT: Final = "no finding"


def render(journal: Journal) -> str:
    """`journal` as JUnit XML: for each client one testcase per rule that fired, or one that says that none did.

    Errors and warnings are failures; an info is a testcase that passed and has output; undecided cases are skipped.
    Characters that XML cannot hold are written as visible escapes.
    """
    cases = [case for client in _clients(journal) for case in _cases(journal, client)]
    failures = sum(1 for case in cases if case.find("failure") is not None)
    skipped = sum(1 for case in cases if case.find("skipped") is not None)
    totals = {"tests": str(len(cases)), "failures": str(failures), "errors": "0", "skipped": str(skipped)}
    root = ElementTree.Element("testsuites", {"name": "regauth", **totals})
    suite = ElementTree.SubElement(root, "testsuite", {"name": "regauth", **totals, "time": _took(journal)})
    suite.extend(cases)
    ElementTree.SubElement(suite, "system-out").text = "\n".join(_about(journal))
    ElementTree.indent(root)
    return f"{_DECLARATION}\n{ElementTree.tostring(root, encoding='unicode')}\n"


def _clients(journal: Journal) -> list[str]:
    """All clients: those that are known, and those that only a finding or an undecided case names."""
    diagnosis = journal.diagnosis
    told = [client.id for client in diagnosis.clients]
    told += [finding.client for finding in diagnosis.findings]
    told += [case.client for case in diagnosis.undecided]
    return list(dict.fromkeys(told))


def _cases(journal: Journal, client: str) -> list[ElementTree.Element]:
    known = next((one for one in journal.diagnosis.clients if one.id == client), None)
    name = {"classname": visible(wording.client(known) if known else client, 300)}
    fired: dict[str, list[Finding]] = {}
    for finding in journal.diagnosis.findings:
        if finding.client == client:
            fired.setdefault(finding.rule, []).append(finding)
    cases = [_fired(name, rule, findings) for rule, findings in fired.items()]
    if not cases:
        cases.append(ElementTree.Element("testcase", {**name, "name": _SILENT}))
    for case in journal.diagnosis.undecided:
        if case.client == client and case.rule not in fired:
            element = ElementTree.Element("testcase", {**name, "name": visible(case.rule, 200)})
            why = visible(f"{case.reason.replace('-', ' ')}: {case.explanation}")
            ElementTree.SubElement(element, "skipped", {"message": why})
            cases.append(element)
    return cases


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
        visible(f"the client's author: {finding.advice.client_author}"),
    ]
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
