"""The findings as JSON, and the JSON Schema of it: both come from the types below."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

import msgspec

from regauth_core.model.finding import (
    Advice,
    Client,
    Confidence,
    Fault,
    Finding,
    Reason,
    Reference,
    Severity,
    Undecided,
    Verification,
)
from regauth_core.model.journal import Journal
from regauth_core.model.outcome import Conclusion
from regauth_core.report import jsontext
from regauth_core.report.outcome import conclusion

SCHEMA: Final = "regauth.findings/1"
"""Name and version of the format."""

Number = Annotated[int, msgspec.Meta(ge=1, description="The number of an exchange; in a HAR file the entry's place.")]
Count = Annotated[int, msgspec.Meta(ge=0)]


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingEntry:
    """A rule that fired, its evidence and its culprit."""

    rule: str
    severity: Severity
    fault: Fault
    confidence: Confidence
    cause: str | None
    client: str
    registry: str
    repository: str | None
    exchanges: tuple[Number, ...]
    title: str
    explanation: str
    advice: Advice
    verification: Verification | None
    references: tuple[Reference, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UndecidedEntry:
    """Something that would be a finding if the capture showed more."""

    rule: str
    reason: Reason
    client: str
    registry: str
    repository: str | None
    exchanges: tuple[Number, ...]
    explanation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """All that regauth found in one trace."""

    schema: Literal["regauth.findings/1"]
    clients: tuple[Client, ...]
    exchanges: Count
    findings: tuple[FindingEntry, ...]
    undecided: tuple[UndecidedEntry, ...]
    notes: tuple[str, ...]
    outcome: Conclusion
    scenario: Annotated[
        str | None, msgspec.Meta(description="A scenario file whose registry behaves as the one in the capture.")
    ]


def render(journal: Journal) -> str:
    """The findings of `journal` as JSON text."""
    return jsontext.encode(document(journal))


def document(journal: Journal) -> Document:
    """What the JSON says, as a value."""
    diagnosis = journal.diagnosis
    return Document(
        schema=SCHEMA,
        clients=diagnosis.clients,
        exchanges=diagnosis.exchanges,
        findings=tuple(entry(one) for one in diagnosis.findings),
        undecided=tuple(_undecided(one) for one in diagnosis.undecided),
        notes=diagnosis.notes,
        outcome=conclusion(journal),
        scenario="\n".join((*journal.scenario, "")) if journal.scenario else None,
    )


def entry(finding: Finding) -> FindingEntry:
    """One finding as it stands in the JSON."""
    return FindingEntry(
        rule=finding.rule,
        severity=finding.severity,
        fault=finding.fault,
        confidence=finding.confidence,
        cause=finding.cause,
        client=finding.client,
        registry=finding.registry,
        repository=finding.repository,
        exchanges=finding.exchanges,
        title=finding.title,
        explanation=finding.explanation,
        advice=finding.advice,
        verification=finding.verification,
        references=finding.references,
    )


def _undecided(one: Undecided) -> UndecidedEntry:
    return UndecidedEntry(
        rule=one.rule,
        reason=one.reason,
        client=one.client,
        registry=one.registry,
        repository=one.repository,
        exchanges=one.exchanges,
        explanation=one.explanation,
    )


def schema() -> dict[str, Any]:
    """The JSON Schema of `Document` (draft 2020-12)."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(Document)}
