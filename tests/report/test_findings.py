"""The findings as JSON, and the schema that is shipped with them."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from kit import journals
from regauth_core.model.journal import Journal
from regauth_core.report import findings, jsontext

SHIPPED = Path(str(resources.files("regauth_core"))) / "schema" / "findings.schema.json"


def _document(journal: Journal) -> Any:
    return json.loads(findings.render(journal))


def test_the_shape_is_the_promised_one() -> None:
    """Names and order of all fields are those of the format's description."""
    told = _document(journals.per_repository())
    assert list(told) == ["schema", "clients", "exchanges", "findings", "undecided", "notes", "outcome", "scenario"]
    assert list(told["clients"][0]) == ["id", "user_agent", "engine", "process", "label"]
    assert list(told["findings"][0]) == [
        "rule",
        "severity",
        "fault",
        "confidence",
        "cause",
        "client",
        "registry",
        "repository",
        "exchanges",
        "title",
        "explanation",
        "advice",
        "verification",
        "references",
    ]


def test_the_bug_is_told() -> None:
    """The finding of the per-repository bug says who, what, where and how bad."""
    (found,) = _document(journals.per_repository())["findings"]
    told = [found[name] for name in ("rule", "severity", "fault", "cause", "repository", "exchanges", "verification")]
    assert told == ["challenge-ignored", "error", "client", "ping-derived-auth", "foo", [1, 2], None]


def test_undecided_cases_and_notes_are_told() -> None:
    """What stays open has its reason, its client and its exchanges."""
    told = _document(journals.token_exchange())
    (case,) = told["undecided"]
    assert list(case) == ["rule", "reason", "client", "registry", "repository", "exchanges", "explanation"]
    assert (case["reason"], case["client"], case["exchanges"]) == ("capture-cut", "c2", [6, 8])
    assert told["notes"] == ["the last line of the trace is cut off and was left out"]


def test_the_shipped_schema_comes_from_the_types() -> None:
    """The file in the package is what the types give; `REGAUTH_RENEW_GOLDEN=1` writes it."""
    if os.environ.get("REGAUTH_RENEW_GOLDEN") == "1":
        SHIPPED.write_text(jsontext.encode(findings.schema()), encoding="utf-8")
    assert findings.schema() == json.loads(SHIPPED.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "make", [journals.per_repository, journals.correct, journals.token_exchange, journals.thousand, journals.hostile]
)
def test_every_document_fits_the_schema(make: Any) -> None:
    """Whatever the journal, its JSON is valid under the shipped schema."""
    jsonschema.Draft202012Validator(json.loads(SHIPPED.read_text(encoding="utf-8"))).validate(_document(make()))


@pytest.mark.parametrize(
    ("place", "value"),
    [("schema", "regauth.findings/2"), ("exchanges", -1), ("clients", None), ("findings", [{"rule": "x"}])],
)
def test_the_schema_refuses_what_is_not_a_document(place: str, value: object) -> None:
    """The schema is not one that lets everything pass."""
    told = {**_document(journals.per_repository()), place: value}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(json.loads(SHIPPED.read_text(encoding="utf-8"))).validate(told)


def test_lone_surrogates_become_visible() -> None:
    """Text that UTF-8 cannot hold does not stop the report."""
    journal = journals.per_repository()
    odd = replace(journal.diagnosis, notes=("lone \ud800 here",))
    assert _document(replace(journal, diagnosis=odd))["notes"] == ["lone \\ud800 here"]
