"""A conversation with one thing taken away: an exchange, a header, a parameter, a field, an answer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

from kit.notation import Talk
from regauth_core.model import FailureKind
from regauth_core.recording.observe import Wire

_KEPT = ("host", "user-agent")
"""Without these it would be another host's or another client's."""
_PARAMETER = re.compile(r'\s*([\w-]+)=("(?:\\.|[^"\\])*"|[^,\s]+)\s*(?:,|$)')


def mutations(talk: Talk) -> Iterator[tuple[str, Talk]]:
    """Each way of taking one thing out of a conversation, with what was done."""
    for at, wire in enumerate(talk.wires):
        where = f"{talk.name}: exchange {wire.number}"
        yield f"{where} is missing", replace(talk, wires=[*talk.wires[:at], *talk.wires[at + 1 :]])
        for what, changed in _changed(wire):
            yield f"{where} {what}", replace(talk, wires=[*talk.wires[:at], changed, *talk.wires[at + 1 :]])


def pairs(talk: Talk) -> Iterator[tuple[str, Talk]]:
    """Each way of taking two things out of a conversation."""
    for first, once in mutations(talk):
        for second, twice in mutations(once):
            yield f"{first}; {second.rpartition(': ')[2]}", twice


def _changed(wire: Wire) -> Iterator[tuple[str, Wire]]:
    yield from _requests(wire)
    yield from _answers(wire)
    yield from _outcomes(wire)


def _requests(wire: Wire) -> Iterator[tuple[str, Wire]]:
    for n, (name, value) in enumerate(wire.request_headers):
        if name.lower() not in _KEPT:
            rest = (*wire.request_headers[:n], *wire.request_headers[n + 1 :])
            yield f"is sent without {name}: {value[:20]}", replace(wire, request_headers=rest)
    path, _, query = wire.path.partition("?")
    parameters = query.split("&") if query else []
    for n, parameter in enumerate(parameters):
        rest_of = "&".join([*parameters[:n], *parameters[n + 1 :]])
        yield f"is sent without {parameter}", replace(wire, path=f"{path}?{rest_of}" if rest_of else path)
    fields = (wire.request_body or b"").split(b"&") if wire.request_body else []
    for n, one in enumerate(fields):
        body = b"&".join([*fields[:n], *fields[n + 1 :]])
        name = one.partition(b"=")[0].decode("utf-8", "replace")
        yield f"is sent without the field {name}", replace(wire, request_body=body, request_size=len(body))
    if wire.request_size:
        yield "is sent without its body", replace(wire, request_body=None, request_size=0)


def _answers(wire: Wire) -> Iterator[tuple[str, Wire]]:
    for n, (name, value) in enumerate(wire.response_headers):
        others = (*wire.response_headers[:n], *wire.response_headers[n + 1 :])
        yield f"is answered without {name}: {value[:40]}", replace(wire, response_headers=others)
        if name.lower() == "www-authenticate":
            for what, line in _lines(value):
                one = (*wire.response_headers[:n], (name, line), *wire.response_headers[n + 1 :])
                yield f"is answered without {what} in the challenge", replace(wire, response_headers=one)
    if wire.response_body:
        yield "is answered without a body", replace(wire, response_body=b"", response_size=0)
        for what, body in _bodies(wire.response_body):
            yield f"is answered without {what}", replace(wire, response_body=body, response_size=len(body))


def _lines(value: str) -> Iterator[tuple[str, str]]:
    scheme, _, rest = value.partition(" ")
    found = list(_PARAMETER.finditer(rest))
    if "".join(m[0] for m in found) != rest:
        return
    for leave in found:
        kept = ",".join(f"{m[1]}={m[2]}" for m in found if m is not leave)
        yield leave[1], f"{scheme} {kept}".strip()


def _bodies(body: bytes) -> Iterator[tuple[str, bytes]]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return
    if not isinstance(value, dict):
        return
    for key in value:
        yield f"the field {key}", json.dumps({k: v for k, v in value.items() if k != key}).encode()
    errors = value.get("errors")
    if isinstance(errors, list) and errors and isinstance(errors[0], dict):
        for key in errors[0]:
            fewer = {k: v for k, v in errors[0].items() if k != key}
            yield f"the error's {key}", json.dumps({**value, "errors": [fewer, *errors[1:]]}).encode()


def _outcomes(wire: Wire) -> Iterator[tuple[str, Wire]]:
    """The same request, with another end."""
    bare = replace(wire, response_headers=(), response_body=b"", response_size=0)
    if wire.status is None:
        yield "is answered 200", replace(bare, status=200, failure=None)
        return
    is_ping = urlsplit(wire.path).path in ("/v2", "/v2/")
    for status in (200, 401, 403, 404, *(() if is_ping else (429,)), 500):
        if status == wire.status:
            continue
        yield f"is answered {status}", replace(bare, status=status)
    for kind in (FailureKind.CONNECT, FailureKind.NOT_RECORDED):
        yield f"has no answer ({kind})", replace(bare, status=None, failure=(kind, ""))
