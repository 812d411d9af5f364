"""One request with its answer, as a program that saves traffic holds it, and HAR files of many."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

Fields = tuple[tuple[str, str], ...]

REGISTRY: Final = "registry.test"
AUTH: Final = "auth.registry.test"
FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"


@dataclass(frozen=True)
class Exchange:
    """A request and its answer. In its text a lone surrogate stands for a byte that is no UTF-8."""

    method: str = "GET"
    host: str = REGISTRY
    path: str = "/v2/team/app/tags/list"
    """With the query."""
    asked: Fields = ()
    """Header fields of the request."""
    sent: str = ""
    """The body of the request."""
    status: int = 200
    """0 where there is no answer."""
    answered: Fields = ()
    """Header fields of the answer."""
    got: bytes = b"{}"
    """The body of the answer."""
    userinfo: str = ""
    """In front of the host, as HAR files have it."""
    entry: Mapping[str, Any] = field(default_factory=dict)
    """What only a HAR file holds, of the entry, by key; `request.…` and `response.…` lie in those."""
    log: Mapping[str, Any] = field(default_factory=dict)
    """What only a HAR file holds, of the whole log."""

    @property
    def is_sendable(self) -> bool:
        """Whether it can go through a proxy as it is, at one address."""
        return not (self.userinfo or self.entry or self.log or self.status == 0 or self.host not in (REGISTRY, AUTH))


def answered(status: int, *fields: tuple[str, str], body: str | bytes = "{}", path: str = "") -> Exchange:
    """A plain request, and this answer."""
    raw = body if isinstance(body, bytes) else body.encode("utf-8", "surrogateescape")
    held = Exchange(status=status, answered=fields, got=raw)
    return replace(held, path=path) if path else held


def merged(use: Exchange, echo: Exchange) -> Exchange | None:
    """The request of `use` with the answer of `echo`, where neither needs the other half."""
    plain = Exchange()
    if use.answered or use.got != plain.got or use.status != 200 or use.entry or echo.entry or echo.log:
        return None
    if echo.asked or echo.sent or (echo.method, echo.host, echo.path) != (plain.method, plain.host, plain.path):
        return None
    return replace(use, status=echo.status, answered=echo.answered, got=echo.got)


def har(exchanges: Sequence[Exchange]) -> str:
    """A HAR file of these, a second apart."""
    log: dict[str, Any] = {"version": "1.2", "creator": {"name": "some tool", "version": "1"}}
    for one in exchanges:
        for key, value in one.log.items():
            held = log.get(key)
            log[key] = held + value if isinstance(held, list) else value
    log["entries"] = [entry(one, 1_700_000_000.0 + number) for number, one in enumerate(exchanges)]
    return json.dumps({"log": log}, indent=1)


def entry(one: Exchange, at: float) -> dict[str, Any]:
    """The entry of a HAR file."""
    request: dict[str, Any] = {
        "method": one.method,
        "url": f"https://{one.userinfo}{one.host}{one.path}",
        "httpVersion": "HTTP/1.1",
        "headers": [{"name": name, "value": value} for name, value in one.asked],
        "bodySize": len(one.sent),
    }
    if one.sent:
        request["postData"] = {"mimeType": FORM, "text": one.sent}
    response: dict[str, Any] = {
        "status": one.status,
        "headers": [{"name": name, "value": value} for name, value in one.answered],
        "content": {"size": len(one.got), "text": base64.b64encode(one.got).decode(), "encoding": "base64"},
        "bodySize": len(one.got),
    }
    made: dict[str, Any] = {
        "startedDateTime": datetime.fromtimestamp(at, UTC).isoformat(),
        "time": 200,
        "request": request,
        "response": response,
        "timings": {"send": 0, "wait": 10, "receive": 0},
    }
    for key, value in one.entry.items():
        place, dot, inner = key.partition(".")
        if dot:
            made[place][inner] = value
        else:
            made[key] = value
    return made
