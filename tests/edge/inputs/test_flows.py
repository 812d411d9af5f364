"""A flow as raw messages: everything from the flow, so that it reads alike from a file."""

from __future__ import annotations

import io
from typing import Any

import pytest
from mitmproxy import flow as mitmflow
from mitmproxy import http
from mitmproxy.io import FlowReader, FlowWriter
from mitmproxy.proxy import mode_specs
from mitmproxy.test import tflow

from regauth_core.edge.inputs.flows import MAX_BODY, FlowNotes, origin_of, wire_of
from regauth_core.model import ChangeKind, FailureKind, Origin


def made(
    url: str = "https://registry.test/v2/", *, mode: str = "regular", host: str | None = None, tls: bool = True
) -> http.HTTPFlow:
    """A flow with an answer, through a proxy of some kind."""
    flow: http.HTTPFlow = tflow.tflow(resp=True)
    flow.request = http.Request.make("GET", url, headers=http.Headers(user_agent="client/1"))
    flow.request.headers["Host"] = host or flow.request.pretty_host
    flow.client_conn.proxy_mode = mode_specs.ProxyMode.parse(mode)
    flow.client_conn.tls = tls
    return flow


ORIGINS: dict[str, tuple[dict[str, Any], Origin]] = {
    "forward": ({}, Origin("https", "registry.test", 443)),
    "forward, another port": ({"url": "https://registry.test:5000/v2/"}, Origin("https", "registry.test", 5000)),
    "forward, plain": ({"url": "http://Registry.test/v2/", "tls": False}, Origin("http", "registry.test", 80)),
    # Whom the proxy connects to counts there, not what the client pretends.
    "forward, another host named": ({"host": "other.test"}, Origin("https", "registry.test", 443)),
    "reverse, the client's name kept": (
        {"url": "http://10.0.0.1:5000/v2/", "mode": "reverse:http://10.0.0.1:5000", "host": "registry.test:5001"},
        Origin("https", "registry.test", 5001),
    ),
    "reverse, plain": (
        {
            "url": "https://10.0.0.1/v2/",
            "mode": "reverse:https://10.0.0.1",
            "host": "localhost:5001",
            "tls": False,
        },
        Origin("http", "localhost", 5001),
    ),
    "reverse, the name replaced": (
        {"url": "http://up.test:5000/v2/", "mode": "reverse:http://up.test:5000", "host": "up.test:5000"},
        Origin("http", "up.test", 5000),
    ),
    "transparent": (
        {"url": "https://192.0.2.7/v2/", "mode": "transparent", "host": "registry.test"},
        Origin("https", "registry.test", 443),
    ),
    "nonsense for a host": (
        {"url": "https://192.0.2.7/v2/", "mode": "transparent", "host": "a b:c"},
        Origin("https", "192.0.2.7", 443),
    ),
}


@pytest.mark.parametrize(("given", "expected"), ORIGINS.values(), ids=ORIGINS)
def test_origin_is_whom_the_client_addressed(given: dict[str, Any], expected: Origin) -> None:
    """In every mode of mitmproxy."""
    assert origin_of(made(**given)) == expected


FAILURES = {
    "Client disconnected.": FailureKind.CLIENT_ABORTED,
    "client closed connection": FailureKind.CLIENT_ABORTED,
    "Certificate verify failed: self-signed certificate": FailureKind.TLS,
    "The remote server does not speak TLS.": FailureKind.TLS,
    "[Errno 111] Connect call failed ('127.0.0.1', 1)": FailureKind.CONNECT,
    "server closed connection": FailureKind.SERVER_ABORTED,
}


@pytest.mark.parametrize(("words", "kind"), FAILURES.items(), ids=FAILURES)
def test_failure_is_told_by_mitmproxy_s_words(words: str, kind: FailureKind) -> None:
    """Who broke it off decides what may be concluded from the silence."""
    flow = made()
    flow.response, flow.error = None, mitmflow.Error(words, 5.0)
    flow.server_conn.timestamp_tcp_setup = 1.0 if kind is FailureKind.SERVER_ABORTED else None
    wire = wire_of(flow, 1)
    assert wire.failure == (kind, words)
    assert (wire.status, wire.ended) == (None, 5.0)


def test_what_the_live_proxy_noted_survives_a_file() -> None:
    """Process, label, streamed sizes and changes are in the flow, so that a saved one reads as it was."""
    flow = made()
    noted = FlowNotes(flow)
    noted.sender("left", 4711, "skopeo")
    noted.expected()
    noted.sizes(10, 20)
    noted.changed(ChangeKind.COOKIE_REMOVED, "something was changed")
    noted.finding("challenge-ignored")
    file = io.BytesIO()
    FlowWriter(file).add(flow)
    file.seek(0)
    (read,) = FlowReader(file).stream()
    assert isinstance(read, http.HTTPFlow)
    assert wire_of(read, 1) == wire_of(flow, 1)
    wire = wire_of(read, 1)
    assert (wire.label, wire.process, wire.program) == ("left", 4711, "skopeo")
    assert (wire.request_size, wire.response_size) == (10, 20)
    assert wire.changes[0][0] is ChangeKind.EXPECT_ANSWERED
    assert wire.changes[1:] == ((ChangeKind.COOKIE_REMOVED, "something was changed"),)


@pytest.mark.parametrize("damaged", [7, [], {"label": 7, "process": "x", "request_size": "y", "changes": 1}])
def test_foreign_notes_are_passed_over(damaged: object) -> None:
    """A file may hold anything below our key."""
    flow = made()
    flow.metadata["regauth"] = damaged
    wire = wire_of(flow, 1)
    assert (wire.label, wire.process, wire.changes) == (None, None, ())
    FlowNotes(flow).finding("challenge-ignored")


def test_user_of_mitmproxy_s_own_proxyauth_is_the_label() -> None:
    """With `--proxyauth` mitmproxy takes the header away and notes the user."""
    flow = made()
    flow.metadata["proxyauth"] = ("left", "swordfish")
    assert wire_of(flow, 1).label == "left"


def test_change_of_protocol_is_stated() -> None:
    """Where the proxy spoke another version of HTTP to the server than the client did, the exchange says so."""
    flow = made()
    flow.server_conn.alpn, flow.request.http_version = b"h2", "HTTP/1.1"
    assert any(kind is ChangeKind.PROTOCOL_CHANGED and "HTTP/2" in text for kind, text in wire_of(flow, 1).changes)
    flow.request.http_version = "HTTP/2.0"
    assert wire_of(flow, 1).changes == ()


def test_large_body_is_counted_and_not_handed_on() -> None:
    """Nobody looks into large bodies."""
    flow = made()
    assert flow.response is not None
    flow.response.raw_content = bytes(MAX_BODY + 1)
    wire = wire_of(flow, 1)
    assert (wire.response_body, wire.response_size) == (None, MAX_BODY + 1)


def test_changes_of_former_flow_files_are_words_alone() -> None:
    """They get the kind that their words had; what is unknown is of another kind."""
    flow = made()
    flow.metadata["regauth"] = {"changes": ["regauth added x", {"kind": "of-later", "text": "y"}, 7]}
    assert wire_of(flow, 1).changes == (
        (ChangeKind.CREDENTIALS_ADDED, "regauth added x"),
        (ChangeKind.OTHER, "y"),
        (ChangeKind.OTHER, "7"),
    )
