"""What is said of bodies that pass through without being kept."""

from __future__ import annotations

import logging

import pytest

from regauth_core.edge.mitm import streaming


def test_no_line_is_printed_for_each_streamed_body(caplog: pytest.LogCaptureFixture) -> None:
    """All else that mitmproxy's server says stays, and so does this once the addon has ended."""
    server = logging.getLogger("mitmproxy.proxy.server")
    caplog.set_level(logging.INFO)
    streaming.silence()
    try:
        server.info("Streaming response from registry.test.")
        server.info("client connect")
    finally:
        streaming.unsilence()
    server.info("Streaming request to registry.test.")
    assert caplog.messages == ["client connect", "Streaming request to registry.test."]
