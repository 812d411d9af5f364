"""The exchanges as HAR 1.2, which the developer tools of browsers open, with everything that regauth knows beside it.

HAR 1.2 lets fields that begin with an underscore stand anywhere. Bodies are not in it: regauth does not keep them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from regauth_core.model import Exchange, Request, Response, Safe
from regauth_core.model.journal import Capture, Environment, Journal, Redaction
from regauth_core.report import findings, jsontext, roles, wording

SCHEMA: Final = "regauth.har/1"
"""Name and version of what stands under ``_regauth``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnLog:
    """What of ``log._regauth`` a reader needs to find the same again; the findings are found anew."""

    schema: str
    environment: Environment
    notes: tuple[str, ...] = ()
    redaction: Redaction | None = None
    left_out: int = 0
    capture: Capture | None = None


def render(journal: Journal) -> str:
    """`journal` as HAR 1.2.

    ``_regauth.exchange`` of an entry is the whole `Exchange` as msgspec writes it, so ``msgspec.convert(…, Exchange)``
    gives it back; ``_regauth.client`` is its client. ``log._regauth`` holds `schema`, the findings and clients in the
    shape of the findings JSON, `environment`, `redaction`, `left_out` and `capture` of the `Journal`.
    """
    parts = roles.roles(journal)
    document = findings.document(journal)
    log: dict[str, Any] = {
        "version": "1.2",
        "creator": {"name": "regauth", "version": journal.environment.regauth},
        "comment": wording.redaction(journal.redaction),
        # In front of the entries, so that a reader knows how they were captured before it reads the first.
        "_regauth": {
            "schema": SCHEMA,
            "clients": document.clients,
            "findings": document.findings,
            "undecided": document.undecided,
            "notes": document.notes,
            "environment": journal.environment,
            "redaction": journal.redaction,
            "left_out": journal.left_out,
            "capture": journal.capture,
        },
        "entries": [_entry(exchange, journal, parts) for exchange in journal.exchanges],
    }
    return jsontext.encode({"log": log}, indent=1)


def _entry(exchange: Exchange, journal: Journal, parts: roles.Roles) -> dict[str, Any]:
    timings = _timings(exchange)
    entry: dict[str, Any] = {
        "startedDateTime": _date(exchange.started),
        "time": sum(timings.values()),
        "request": _request(exchange.request, exchange.connection.http_version),
        "response": _response(exchange.response, exchange.connection.http_version),
        "cache": {},
        "timings": timings,
        "connection": exchange.connection.id or "",
        "_regauth": {
            "client": journal.clients_of.get(exchange.number),
            "role": parts.of(exchange),
            "exchange": msgspec.to_builtins(exchange),
        },
    }
    if exchange.failure is not None:
        entry["response"]["_error"] = f"{exchange.failure.kind}: {exchange.failure.text}"
    if exchange.changes:
        entry["comment"] = "; ".join(change.text for change in exchange.changes)
    return entry


def _request(request: Request, version: Safe | None) -> dict[str, Any]:
    return {
        "method": request.method,
        "url": request.url,
        "httpVersion": version or "",
        "cookies": [],
        "headers": _headers(request.headers),
        "queryString": _query(request.url),
        "headersSize": -1,
        "bodySize": request.size,
    }


def _response(response: Response | None, version: Safe | None) -> dict[str, Any]:
    """Without an answer: status 0, as browsers write it."""
    answer = response or Response(status=0)
    return {
        "status": answer.status,
        "statusText": _phrase(answer.status),
        "httpVersion": version or "",
        "cookies": [],
        "headers": _headers(answer.headers),
        "content": {"size": answer.size, "mimeType": answer.header("content-type") or ""},
        "redirectURL": answer.location.text if answer.location else "",
        "headersSize": -1,
        "bodySize": answer.size,
    }


def _headers(headers: tuple[tuple[Safe, Safe], ...]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers]


def _query(url: str) -> list[dict[str, str]]:
    query = url.partition("#")[0].partition("?")[2]
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    return [{"name": unquote(name), "value": unquote(value)} for name, _, value in pairs]


def _timings(exchange: Exchange) -> dict[str, float]:
    """Milliseconds; sending is not measured on its own and counts as waiting."""
    first = exchange.first_byte if exchange.first_byte is not None else exchange.finished
    wait = max(0.0, (first - exchange.started) * 1000)
    receive = max(0.0, (exchange.finished - first) * 1000)
    return {"send": 0.0, "wait": round(wait, 3), "receive": round(receive, 3)}


def _date(seconds: float) -> str:
    """ISO 8601 in UTC; a time that no calendar has becomes the beginning of the epoch."""
    try:
        when = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        when = datetime.fromtimestamp(0, UTC)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
