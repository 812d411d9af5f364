"""What is wrong with what is said of a conversation, found from its bytes: it shares no code with the rules.

`kit.evidence` has what each rule's evidence must show, `kit.sentences` what must be there where certain words are used
and what is never said beside what. Here is the rest: every failure has its account, and only one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kit.case import Case
from kit.evidence import EVIDENCE
from kit.notation import Talk
from kit.sentences import CONTRADICTIONS, SENTENCES
from kit.wire_facts import Fact
from regauth_core.model.finding import Diagnosis, Finding, Severity
from regauth_core.rules import all_rules

_ALONE = {rule.name for rule in all_rules() if rule.stands_alone or rule.beside or not rule.accounts}


def wrong(talk: Talk) -> list[str]:
    """What is untrue, unaccounted for or accounted for twice in what is said of a conversation."""
    diagnosis = talk.diagnosis()
    return [*untrue(talk, diagnosis), *silent(talk, diagnosis), *unaccounted(diagnosis), *twice(talk, diagnosis)]


def unaccounted(diagnosis: Diagnosis) -> Iterator[str]:
    """The failures without an account."""
    rules = {f.rule for f in diagnosis.findings} | {u.rule for u in diagnosis.undecided}
    for operation in diagnosis.operations:
        if operation.end.is_failure and operation.account not in rules:
            yield f"{operation.kind} {operation.exchanges} ended {operation.status} and has no account"


def twice(talk: Talk, diagnosis: Diagnosis) -> Iterator[str]:
    """The failures with two findings of weight that explain them."""
    failed = {w.number for w in talk.wires if Fact(w).is_refused}
    ends = [failed.intersection(o.exchanges) for o in diagnosis.operations if o.end.is_failure]
    last = {max(numbers) for numbers in ends if numbers}
    weighty = [f for f in diagnosis.findings if f.severity is not Severity.INFO and f.rule not in _ALONE]
    for number in sorted(last):
        found = [f for f in weighty if number == max(failed.intersection(f.exchanges), default=0)]
        if len(found) > 1 and len({_subject(f) for f in found}) < len(found):
            yield f"{number} is explained by {', '.join(f.rule for f in found)}"


def _subject(finding: Finding) -> tuple[object, ...]:
    return (finding.client, finding.registry, finding.repository)


def untrue(talk: Talk, diagnosis: Diagnosis) -> list[str]:
    """What a diagnosis says that the conversation does not show; empty where all of it is shown."""
    return [*(text for case in cases(talk, diagnosis) for text in _untrue(case)), *_contradictions(talk, diagnosis)]


def cases(talk: Talk, diagnosis: Diagnosis) -> Iterator[Case]:
    """Each finding with the conversation that it is about."""
    facts = {w.number: Fact(w) for w in talk.wires}
    found = list(diagnosis.findings)
    return (Case(talk, finding, facts, found) for finding in found)


def _untrue(case: Case) -> Iterator[str]:
    finding = case.finding
    name = f"{finding.rule} ({finding.cause}, {finding.exchanges})"
    if finding.severity is not Severity.INFO and not EVIDENCE[finding.rule](case):
        yield f"{name}: its evidence does not show it"
    for text in case.texts:
        for sentence in SENTENCES:
            for match in re.finditer(sentence.words, text):
                if not sentence.holds(case, match):
                    yield f"{name}: says {match[0]!r}"


def _contradictions(talk: Talk, diagnosis: Diagnosis) -> Iterator[str]:
    failed = {w.number for w in talk.wires if Fact(w).is_refused}
    found = [f for f in diagnosis.findings if f.severity is not Severity.INFO]
    for first in found:
        near = [f for f in found if f.client == first.client and failed & set(f.exchanges) & set(first.exchanges)]
        for one, other in CONTRADICTIONS:
            for second in near:
                if _says(first, one) and _says(second, other):
                    yield f"{first.rule} and {second.rule}: {one!r} beside {other!r}"


def silent(talk: Talk, diagnosis: Diagnosis) -> list[str]:
    """The clients that ended with a failure about which nothing is said, not even that it is undecided."""
    cited = {n for f in diagnosis.findings for n in f.exchanges} | {n for u in diagnosis.undecided for n in u.exchanges}
    last: dict[tuple[object, ...], list[Fact]] = {}
    for wire in talk.wires:
        last.setdefault(Fact(wire).client, []).append(Fact(wire))
    wrong = []
    for facts in last.values():
        end = facts[-1]
        is_failure = end.is_registry and (end.status in (400, 401, 403, 407, 429) or end.status >= 500)
        if is_failure and not any(f.is_served or f.number in cited for f in facts):
            wrong.append(f"nothing is said of {end.number}, answered {end.status}")
    return wrong


def _says(finding: Finding, words: str) -> bool:
    return any(re.search(words, t) for t in (finding.explanation, finding.advice.user, finding.advice.client_author))
