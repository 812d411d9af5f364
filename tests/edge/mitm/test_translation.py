"""What the authenticator is told of a request of mitmproxy's."""

from __future__ import annotations

import pytest
from mitmproxy.http import Headers
from mitmproxy.test import taddons, tflow, tutils

from regauth_core.edge.inputs.flows import origin_of
from regauth_core.edge.mitm.translation import client_request
from regauth_core.recording.traffic import destination_of


@pytest.mark.parametrize(
    ("method", "version", "fields", "can_be_sent_again"),
    [
        ("PUT", "HTTP/1.1", (), True),
        ("PUT", "HTTP/1.1", ((b"content-length", b"0"),), True),
        ("PUT", "HTTP/1.1", ((b"content-length", b"7"),), False),
        ("PUT", "HTTP/1.1", ((b"transfer-encoding", b"chunked"),), False),
        ("PUT", "HTTP/2.0", (), False),
        ("PUT", "HTTP/2.0", ((b"content-length", b"0"),), True),
        ("GET", "HTTP/2.0", (), True),
    ],
)
def test_request_with_a_body_is_not_sent_again(
    method: str, version: str, fields: tuple[tuple[bytes, bytes], ...], can_be_sent_again: bool
) -> None:
    """The body has been streamed away; over HTTP/2 there may be one though nothing tells its length."""
    path = "/v2/foo/manifests/1"
    request = tutils.treq(method=method.encode(), path=path.encode(), headers=Headers(fields))
    request.http_version = version
    flow = tflow.tflow(req=request)
    with taddons.context():
        told = client_request(flow, destination_of(method, origin_of(flow), path).endpoint)
    assert (told.body is not None) == can_be_sent_again
