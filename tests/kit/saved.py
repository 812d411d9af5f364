"""The same conversation as other programs would have saved it: a mitmproxy flow file, a HAR file."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from mitmproxy import connection, flow, http, io
from mitmproxy.proxy import mode_specs

from regauth_core.edge.inputs.flows import FlowNotes
from regauth_core.model import FailureKind
from regauth_core.recording.observe import Wire

_WORDS = {
    FailureKind.CONNECT: "Connect failed: connection refused",
    FailureKind.TLS: "Certificate verify failed",
    FailureKind.CLIENT_ABORTED: "Client disconnected.",
    FailureKind.SERVER_ABORTED: "server closed connection",
}


def url_of(wire: Wire) -> str:
    """The URL that was asked, the port left out where it is the scheme's own."""
    default = {"https": 443, "http": 80}[wire.scheme]
    port = "" if wire.port == default else f":{wire.port}"
    host = f"[{wire.host}]" if ":" in wire.host else wire.host
    return f"{wire.scheme}://{host}{port}{wire.path}"


def flow_of(wire: Wire) -> http.HTTPFlow:
    """The exchange as mitmproxy holds it."""
    client = connection.Client(
        peername=(wire.address or "127.0.0.1", 50000),
        sockname=("127.0.0.1", 8080),
        timestamp_start=wire.started,
        proxy_mode=mode_specs.ProxyMode.parse("regular"),
    )
    client.id = wire.connection or client.id
    made = http.HTTPFlow(client, connection.Server(address=(wire.host, wire.port)))
    body = wire.request_body if wire.request_body is not None else b"." * wire.request_size
    # The path is set by itself: what clients send is not always what a URL may hold.
    made.request = http.Request.make(wire.method, url_of(replace(wire, path="/")), body, _fields(wire.request_headers))
    made.request.path = wire.path
    made.request.timestamp_start, made.request.timestamp_end = wire.started, wire.started + 0.001
    if wire.status is not None:
        made.response = http.Response.make(wire.status, wire.response_body or b"", _fields(wire.response_headers))
        made.response.timestamp_start, made.response.timestamp_end = wire.first_byte or wire.started, wire.ended
    elif wire.failure is not None and wire.failure[0] is not FailureKind.NOT_RECORDED:
        made.error = flow.Error(_WORDS[wire.failure[0]], wire.ended or wire.started)
    if wire.process is not None:
        FlowNotes(made).sender(None, wire.process, wire.program)
    if wire.withheld is not None:
        FlowNotes(made).withheld(wire.withheld)
    return made


def _fields(pairs: Iterable[tuple[str, str]]) -> http.Headers:
    return http.Headers(
        [(n.encode("utf-8", "surrogateescape"), v.encode("utf-8", "surrogateescape")) for n, v in pairs]
    )


def flow_file(wires: Iterable[Wire]) -> bytes:
    """A file as `mitmdump -w` writes it."""
    file = BytesIO()
    writer = io.FlowWriter(file)
    for wire in wires:
        writer.add(flow_of(wire))
    return file.getvalue()


def har_file(wires: Iterable[Wire], *, creator: str = "some tool") -> str:
    """A HAR file with an entry for each exchange."""
    log = {"version": "1.2", "creator": {"name": creator, "version": "1"}, "entries": [_entry(w) for w in wires]}
    return json.dumps({"log": log}, indent=1)


def _entry(wire: Wire) -> dict[str, Any]:
    took = ((wire.ended or wire.started) - wire.started) * 1000
    response: dict[str, Any] = {"status": 0, "headers": [], "content": {"size": 0}}
    if wire.status is not None:
        response = {
            "status": wire.status,
            "headers": [{"name": n, "value": v} for n, v in wire.response_headers],
            "content": _content(wire.response_body),
            "bodySize": len(wire.response_body or b""),
        }
    elif wire.failure is not None and wire.failure[0] is not FailureKind.NOT_RECORDED:
        response["_error"] = _WORDS[wire.failure[0]]
    request: dict[str, Any] = {
        "method": wire.method,
        "url": url_of(wire),
        "httpVersion": "HTTP/1.1",
        "headers": [{"name": n, "value": v} for n, v in wire.request_headers],
        "bodySize": wire.request_size,
    }
    if wire.request_body is not None:
        request["postData"] = {"mimeType": "application/x-www-form-urlencoded", "text": wire.request_body.decode()}
    return {
        "startedDateTime": datetime.fromtimestamp(wire.started, UTC).isoformat(),
        "time": took,
        "request": request,
        "response": response,
        "timings": {"send": 0, "wait": min(10, took), "receive": 0},
    }


def _content(body: bytes | None) -> dict[str, Any]:
    if body is None:
        return {"size": 0}
    try:
        return {"size": len(body), "text": body.decode()}
    except UnicodeDecodeError:
        return {"size": len(body), "text": base64.b64encode(body).decode(), "encoding": "base64"}
