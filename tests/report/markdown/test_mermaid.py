"""The diagram for GitHub: short enough, and without syntax from the data."""

from __future__ import annotations

import re

import pytest

from kit import journals, values
from regauth_core.report.markdown import mermaid

LINE = re.compile(
    r"sequenceDiagram"
    r"|  participant [ch](?:\d|x) as [A-Za-z0-9 ./_=:,()×-]+"
    r"|  [ch](?:\d|x)(?:->>|-->>|--x)[ch](?:\d|x): [A-Za-z0-9 ./_=:,()×-]+"
    r"|  Note over c(?:\d|x): (?:\d+ exchanges folded|[A-Za-z0-9 ./_=:,()×-]+)"
)


@pytest.mark.parametrize(
    "make",
    [
        journals.per_repository,
        journals.correct,
        journals.token_exchange,
        journals.thousand,
        journals.hostile,
        journals.overflowing,
    ],
)
def test_every_line_is_of_the_known_shape(make: object) -> None:
    """Participants, arrows and notes with harmless text, and nothing else; at most forty messages."""
    assert callable(make)
    told = mermaid.lines(make())
    assert [line for line in told if not LINE.fullmatch(line)] == []
    assert sum(1 for line in told if "participant" not in line) - 1 <= mermaid.MESSAGES
    assert len("\n".join(told)) < 50_000


def test_the_bug_is_drawn() -> None:
    """Two requests, two answers, one of them a challenge that nobody answers."""
    assert mermaid.lines(journals.per_repository()) == [
        "sequenceDiagram",
        "  participant c1 as c1 skopeo/1.9.3",
        "  participant h1 as registry registry.test",
        "  c1->>h1: 1 GET /v2/, without credential",
        "  h1-->>c1: 200",
        "  c1->>h1: 2 GET /v2/foo/tags/list, without credential",
        "  h1-->>c1: 401 Basic",
        "  Note over c1: challenge-ignored (never answered)",
    ]


def test_a_token_exchange_has_its_lanes() -> None:
    """Token server and blob store stand beside the registry."""
    told = "\n".join(mermaid.lines(journals.token_exchange()))
    assert "as token server auth.test" in told
    assert "as blob store blobs.test:8443" in told
    assert "h2-->>c1: 200 issues tok:3f2a91c0" in told
    assert "h1--xc2: no answer" in told


def test_an_empty_journal_has_no_diagram() -> None:
    """Nothing recorded, nothing drawn."""
    assert mermaid.lines(values.journal([])) == []
