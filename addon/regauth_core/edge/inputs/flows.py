"""mitmproxy's flows as raw messages. All is taken from the flow itself: live and saved flows read alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from mitmproxy import http
from mitmproxy.connection import Client
from mitmproxy.net.http.url import parse_authority
from mitmproxy.proxy import mode_specs

from regauth_core.model import DEFAULT_PORTS, ChangeKind, FailureKind, Origin
from regauth_core.model.change import former_kind
from regauth_core.model.withheld import Withheld
from regauth_core.protocol.content_encoding import decoded
from regauth_core.recording.observe import Wire

METADATA: Final = "regauth"
"""Below this key what only the live proxy knows is kept in the flow (`FlowNotes`); mitmproxy saves it with the flow."""

MAX_BODY: Final = 1024 * 1024
"""Bytes of a body that are handed on, without its encoding; a larger one is only counted."""

_EXPECT: Final = "the proxy answered 'Expect: 100-continue' itself: the client sent its body before it could be refused"


class FlowNotes:
    """What the proxy noted down about a flow beside the messages.

    A view of the flow's metadata: plain lists, dictionaries, texts and numbers, or mitmproxy could not save the flow.
    """

    def __init__(self, flow: http.HTTPFlow) -> None:
        kept = flow.metadata.setdefault(METADATA, {})
        self._kept: dict[str, Any] = kept if isinstance(kept, dict) else {}

    def sender(self, label: str | None, process: int | None, program: str | None) -> None:
        """Who is behind the connection: the user name of the proxy URL, and the process."""
        self._kept.update({"label": label, "process": process, "program": program})

    def expected(self) -> None:
        """The request said ``Expect: 100-continue``, which mitmproxy takes away."""
        self._kept["expect"] = True

    def sizes(self, request: int | None, response: int | None) -> None:
        """Bytes that were streamed through; `None` where a body was not streamed."""
        self._kept.update({"request_size": request, "response_size": response})

    def changed(self, kind: ChangeKind, text: str) -> None:
        """Something else that was changed; the words hold nothing from the wire."""
        self._kept.setdefault("changes", []).append({"kind": kind.value, "text": text})

    def withheld(self, reason: Withheld) -> None:
        """Credentials of regauth's own were kept from it."""
        self._kept["withheld"] = reason.value

    def finding(self, rule: str) -> None:
        """A finding that rests on this flow."""
        rules = self._kept.setdefault("findings", [])
        if rule not in rules:
            rules.append(rule)

    def taken_back(self, rule: str) -> None:
        """The finding has turned out to be wrong."""
        rules = self._kept.get("findings", [])
        if rule in rules:
            rules.remove(rule)


def origin_of(flow: http.HTTPFlow) -> Origin:
    """Whom the client addressed. Behind a forward proxy that is the request's target; else the `Host` it gave.

    The `Host` counts there because registries build their URLs from it; without ``keep_host_header`` it is upstream's.
    """
    request = flow.request
    direct = Origin(request.scheme, request.host.lower().strip("[]").rstrip("."), request.port)
    mode = flow.client_conn.proxy_mode
    if isinstance(mode, mode_specs.RegularMode | mode_specs.UpstreamMode) or not request.host_header:
        return direct
    try:
        host, port = parse_authority(request.host_header, check=True)
    except ValueError:
        return direct
    host = host.lower().strip("[]")
    if host == direct.host:
        return direct
    scheme = "https" if flow.client_conn.tls else "http"
    return Origin(scheme, host, port or DEFAULT_PORTS[scheme])


def wire_of(flow: http.HTTPFlow, number: int) -> Wire:
    """The raw messages of `flow`, which is the capture's exchange `number`.

    Bodies are there only where mitmproxy buffered them and they are at most `MAX_BODY` long.
    """
    request, response, client = flow.request, flow.response, flow.client_conn
    noted = _metadata(flow)
    origin = origin_of(flow)
    return Wire(
        number=number,
        label=_text(noted.get("label")) or proxy_user(flow),
        process=_whole(noted.get("process")),
        program=_text(noted.get("program")),
        address=client.peername[0] if client.peername else None,
        method=request.method,
        scheme=origin.scheme,
        host=origin.host,
        port=origin.port,
        path=request.path,
        request_headers=_headers(request),
        request_body=plain_body(request),
        request_size=_size(request, noted.get("request_size")),
        status=response.status_code if response else None,
        response_headers=_headers(response) if response else (),
        response_body=plain_body(response) if response else None,
        response_size=_size(response, noted.get("response_size")) if response else 0,
        failure=_failure(flow),
        started=request.timestamp_start,
        first_byte=response.timestamp_start if response else None,
        ended=_end(flow),
        connection=client.id.partition("-")[0],
        http_version=request.http_version,
        tls_version=client.tls_version,
        alpn=client.alpn.decode("ascii", "replace") if client.alpn else None,
        alpn_offers=_offers(client),
        changes=_changes(flow, noted),
        withheld=_reason(noted.get("withheld")),
    )


def process_of(flow: http.HTTPFlow) -> int | None:
    """The number of the process behind the connection, where it was noted down."""
    return _whole(_metadata(flow).get("process"))


def _metadata(flow: http.HTTPFlow) -> Mapping[str, Any]:
    kept = flow.metadata.get(METADATA)
    return kept if isinstance(kept, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _reason(value: object) -> Withheld | None:
    return Withheld(value) if isinstance(value, str) and value in Withheld.__members__.values() else None


def proxy_user(flow: http.HTTPFlow) -> str | None:
    """The user name that mitmproxy's own `proxyauth` has checked and taken away."""
    known = flow.metadata.get("proxyauth")
    return _text(known[0]) if isinstance(known, tuple | list) and known else None


def _headers(message: http.Message) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name.decode("utf-8", "surrogateescape"), value.decode("utf-8", "surrogateescape"))
        for name, value in message.headers.fields
    )


def plain_body(message: http.Message, most: int = MAX_BODY) -> bytes | None:
    """The body without its encoding; `None` where it was streamed, or is larger than `most` bytes."""
    raw = message.raw_content
    if raw is None or len(raw) > most:
        return None
    encodings = message.headers.get("content-encoding")
    return decoded(raw, encodings, most) if encodings else raw


def _size(message: http.Message, streamed: object) -> int:
    if isinstance(streamed, int):
        return streamed
    return len(message.raw_content or b"")


def _end(flow: http.HTTPFlow) -> float | None:
    if flow.response and flow.response.timestamp_end:
        return flow.response.timestamp_end
    return flow.error.timestamp if flow.error else None


def _offers(client: Client) -> tuple[str, ...] | None:
    """What the client offered; only a client that spoke TLS could."""
    return tuple(offer.decode("ascii", "replace") for offer in client.alpn_offers) if client.tls else None


def _failure(flow: http.HTTPFlow) -> tuple[FailureKind, str] | None:
    """Why there is no whole answer, with mitmproxy's words."""
    if flow.error is None:
        return None if flow.response else (FailureKind.NOT_RECORDED, "the recording ended before the answer")
    said = flow.error.msg
    lowered = said.lower()
    if "client" in lowered and ("disconnect" in lowered or "closed" in lowered or "reset" in lowered):
        kind = FailureKind.CLIENT_ABORTED
    elif any(word in lowered for word in ("tls", "certificate", "ssl")):
        kind = FailureKind.TLS
    elif flow.response is not None or flow.server_conn.timestamp_tcp_setup:
        kind = FailureKind.SERVER_ABORTED
    else:
        kind = FailureKind.CONNECT
    return kind, said


def _changes(flow: http.HTTPFlow, noted: Mapping[str, Any]) -> tuple[tuple[ChangeKind, str], ...]:
    changes = [(ChangeKind.EXPECT_ANSWERED, _EXPECT)] if noted.get("expect") else []
    upstream = flow.server_conn
    if flow.response and upstream.timestamp_tcp_setup and (upstream.alpn == b"h2") != flow.request.is_http2:
        there = "HTTP/2" if upstream.alpn == b"h2" else "HTTP/1.1"
        here = "HTTP/2" if flow.request.is_http2 else "HTTP/1.1"
        text = f"the proxy spoke {there} to the server where the client spoke {here}"
        changes.append((ChangeKind.PROTOCOL_CHANGED, text))
    others = noted.get("changes")
    return (*changes, *map(_change, others)) if isinstance(others, list) else tuple(changes)


def _change(noted: object) -> tuple[ChangeKind, str]:
    if not isinstance(noted, dict):
        return former_kind(str(noted)), str(noted)
    kind, text = str(noted.get("kind")), str(noted.get("text") or "")
    return (ChangeKind(kind) if kind in ChangeKind.__members__.values() else ChangeKind.OTHER), text
