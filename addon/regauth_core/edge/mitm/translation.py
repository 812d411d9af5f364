"""mitmproxy's flows as the authenticator's requests and answers, and back."""

from __future__ import annotations

from typing import Final

from mitmproxy import http
from mitmproxy.net.http import status_codes
from mitmproxy.proxy import mode_specs

from regauth_core.auth.messages import ClientRequest, Headers, Received
from regauth_core.edge.inputs.flows import process_of
from regauth_core.edge.mitm.subrequests import origin_connected
from regauth_core.edge.mitm.upstream_trust import is_verified
from regauth_core.model import Endpoint

_BIG: Final = frozenset({Endpoint.BLOB, Endpoint.UPLOAD})
_READS: Final = ("GET", "HEAD")


def client_request(
    flow: http.HTTPFlow,
    endpoint: Endpoint,
    *,
    is_misled: bool = False,
    is_alone: bool = True,
    names_proxy: bool = False,
) -> ClientRequest:
    """What the client of `flow` asks, whichever host it names; the rest as in `ClientRequest`."""
    request, has_body = flow.request, _has_body(flow.request)
    # A blob that was fetched in the client's place would have to be held; its credentials are found in advance.
    can_resend = not has_body and not (endpoint in _BIG and request.method != "HEAD")
    return ClientRequest(
        # mitmproxy's own properties give it in upper case.
        method=_decoded(request.data.method),
        origin=origin_connected(flow),
        path=request.path,
        headers=headers_of(request),
        body=b"" if can_resend else None,
        is_repeatable=not has_body and request.method == "GET",
        is_misled=is_misled,
        has_body=has_body and _announces_body(request),
        is_alone=is_alone,
        client=address_of(flow),
        process=process_of(flow),
        other_names=_other_names(flow),
        names_proxy=names_proxy,
        is_verified=is_verified(flow),
    )


def headers_of(message: http.Message) -> Headers:
    """The fields of a request or an answer."""
    return tuple((_decoded(name), _decoded(value)) for name, value in message.headers.fields)


def address_of(flow: http.HTTPFlow) -> str:
    """Where the client is; empty where that is not known."""
    peer = flow.client_conn.peername
    return peer[0] if peer else ""


def _announces_body(request: http.Request) -> bool:
    return "transfer-encoding" in request.headers or "content-length" in request.headers


def _has_body(request: http.Request) -> bool:
    """Whether a body follows, as far as the head tells."""
    if "transfer-encoding" in request.headers:
        return True
    length = request.headers.get("content-length")
    if length is None:
        # HTTP/2 needs no length (RFC 9113 section 8.1.1).
        return (request.is_http2 or request.is_http3) and request.method not in _READS
    return length.strip() not in ("", "0")


def _other_names(flow: http.HTTPFlow) -> tuple[str, ...]:
    """Whom the target names (RFC 9112 section 3.2.2, RFC 9113 section 8.3.1), and whom the TLS handshake.

    mitmproxy hands the client's server name on: it is that one which the certificate of the registry is for.
    """
    request = flow.request
    # Whoever is named nowhere is anybody that the server has (RFC 9112 section 3.2).
    names = [request.authority] if request.authority or not request.host_header else []
    is_reverse = isinstance(flow.client_conn.proxy_mode, mode_specs.ReverseMode)
    if request.scheme == "https" and flow.client_conn.sni and not is_reverse:
        names.append(f"{flow.client_conn.sni}:{request.port}")
    return tuple(names)


def received_of(response: http.Response, at: float) -> Received:
    """An answer; `at` in seconds since the epoch."""
    return Received(
        status=response.status_code,
        at=at,
        headers=headers_of(response),
        body=response.raw_content or b"",
    )


def bare(flow: http.HTTPFlow) -> http.HTTPFlow:
    """A flow of the same client without any message, to send others for."""
    return http.HTTPFlow(flow.client_conn, flow.server_conn)


def response_of(answer: Received, flow: http.HTTPFlow) -> http.Response:
    """What the client gets instead of the refusal; no cookie, which belongs to the injected credentials."""
    old = flow.response
    gone = {"connection", "keep-alive", "transfer-encoding", "set-cookie"}
    if flow.request.method != "HEAD":
        gone.add("content-length")
    fields = [(_encoded(name), _encoded(value)) for name, value in answer.headers if name.lower() not in gone]
    if flow.request.method != "HEAD" and answer.status not in (204, 304):
        fields.append((b"content-length", str(len(answer.body)).encode()))
    return http.Response(
        http_version=old.data.http_version if old is not None else b"HTTP/1.1",
        status_code=answer.status,
        reason=status_codes.RESPONSES.get(answer.status, "").encode(),
        headers=http.Headers(fields),
        content=answer.body,
        trailers=None,
        timestamp_start=old.timestamp_start if old is not None else answer.at,
        timestamp_end=answer.at,
    )


def sent_back(flow: http.HTTPFlow) -> http.Response:
    """A redirect of the client to where it has been (RFC 9110 section 15.4.8); for blobs it follows them anyway."""
    fields = {"Location": flow.request.path, "Content-Length": "0", "Cache-Control": "no-store"}
    return http.Response.make(307, b"", fields)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
