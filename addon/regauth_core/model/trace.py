"""The lines of a trace, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

import msgspec

from regauth_core.model.exchange import Exchange
from regauth_core.model.finding import Proof, TakenBack
from regauth_core.model.journal import Ending, Environment, Gone, Redaction

SCHEMA: Final = "regauth.trace/1"


MAX_LINE: Final = 8 * 1024 * 1024
"""Bytes of a line that is read at once; a longer one counts as damage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceHead:
    """How a recording began. An appended recording begins with another head, and its numbers start again."""

    schema: Literal["regauth.trace/1"] = SCHEMA
    started: float
    quiet_time: float
    credentials_known: bool
    environment: Environment


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceExchange:
    """An exchange that has ended."""

    exchange: Exchange


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceGone:
    """A client has ended: nothing more can come from it."""

    gone: Gone


@dataclass(frozen=True, slots=True)
class End:
    """How a recording ended, with all that was learnt of where it was taken."""

    ending: Ending
    at: float
    environment: Environment
    notes: tuple[str, ...] = ()
    redaction: Redaction | None = None
    """What was kept and what was replaced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceProof:
    """What came of answering a refusal beside the client."""

    proof: Proof


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceTakenBack:
    """A finding of this recording was refuted by what came later. Readers find that out for themselves."""

    taken_back: TakenBack


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceEnd:
    """The recording has ended; nothing of it is missing."""

    end: End


TraceLine = TraceHead | TraceExchange | TraceGone | TraceProof | TraceTakenBack | TraceEnd


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of one line of a trace."""
    kinds = get_args(TraceLine)
    references, definitions = msgspec.json.schema_components(kinds, ref_template="#/$defs/{name}")
    # It has a default for those who make a head, but a head without it is none.
    definitions[TraceHead.__name__]["required"].insert(0, "schema")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"A line of a trace, {SCHEMA}",
        "anyOf": list(references),
        "$defs": definitions,
    }
