"""Bodies that pass through without being kept: blobs and uploads, and whatever else is large."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Final

from mitmproxy import http

from regauth_core.auth.authenticator import may_be_manifest
from regauth_core.edge.inputs.flows import MAX_BODY
from regauth_core.edge.mitm.translation import client_request
from regauth_core.model import Endpoint
from regauth_core.protocol.references import MAX_MANIFEST
from regauth_core.recording.traffic import Destination, TrafficKind

_BLOBS: Final = frozenset({Endpoint.BLOB, Endpoint.UPLOAD, Endpoint.UPLOAD_START})
_UPLOADING: Final = frozenset({"PATCH", "PUT", "POST"})


_LOGGER: Final = logging.getLogger("mitmproxy.proxy.server")


class _Unsaid(logging.Filter):
    """Leaves out mitmproxy's line about each streamed body: here it is every blob's."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is printed."""
        is_streaming = isinstance(record.msg, str) and record.msg.startswith(
            ("Streaming response", "Streaming request")
        )
        return record.levelno > logging.INFO or not is_streaming


_UNSAID: Final = _Unsaid()


def silence() -> None:
    """Let mitmproxy not say of each body that it is streamed, until `unsilence`."""
    _LOGGER.addFilter(_UNSAID)  # a second time adds nothing


def unsilence() -> None:
    """Let mitmproxy say it again."""
    _LOGGER.removeFilter(_UNSAID)


class Counter:
    """Counts the bytes of a body that mitmproxy passes on piece by piece."""

    def __init__(self) -> None:
        self.size = 0

    def __call__(self, data: bytes) -> bytes | Iterable[bytes]:
        """One piece, given back as it is; the last one is empty."""
        self.size += len(data)
        return data


def stream_request(flow: http.HTTPFlow, place: Destination, role: TrafficKind) -> Counter | None:
    """Let the request's body stream if it is an upload's or too large to keep; the counter that sees it pass."""
    if flow.response is not None:
        return None  # another addon answers; mitmproxy cannot stream to it
    if place.endpoint is Endpoint.UPLOAD_START and "content-length" not in flow.request.headers:
        is_upload = "transfer-encoding" in flow.request.headers  # over HTTP/2 most have no body, and do not say so
    else:
        is_upload = place.endpoint in _BLOBS or role is TrafficKind.STORAGE
    if not (is_upload and flow.request.method in _UPLOADING) and not _is_large(flow.request):
        return None
    return _stream(flow.request)


def stream_response(flow: http.HTTPFlow, place: Destination, role: TrafficKind) -> Counter | None:
    """Let the answer's body stream if it is a blob's or too large to keep; errors are kept where they are small."""
    response = flow.response
    if response is None:
        return None
    is_blob = response.status_code < 400 and (place.endpoint in _BLOBS or role is TrafficKind.STORAGE)
    if may_be_manifest(client_request(flow, place.endpoint), response.status_code, _type(response)):
        # What it names has to be known before the client has it.
        is_held = not is_blob or "content-length" in response.headers
        return _stream(response) if not is_held or _is_large(response, MAX_MANIFEST) else None
    return _stream(response) if is_blob or _is_large(response) else None


def _type(response: http.Response) -> str:
    return str(response.headers.get("content-type", ""))


def _is_large(message: http.Message, most: int = MAX_BODY) -> bool:
    length = message.headers.get("content-length", "")
    return length.isdecimal() and (len(length) > 12 or int(length) > most)


def _stream(message: http.Message) -> Counter | None:
    if callable(message.stream):
        return None  # another addon has its hands in this body
    counter = Counter()
    message.stream = counter
    return counter
