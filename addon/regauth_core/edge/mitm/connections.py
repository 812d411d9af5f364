"""On which of the clients' connections a request went by whose end is not the same for every server."""

from __future__ import annotations

from mitmproxy import http
from mitmproxy.connection import Client

from regauth_core.auth.understanding import is_delimited, may_have_body
from regauth_core.edge.mitm.translation import client_request
from regauth_core.model import Endpoint


class Connections:
    """Remembers them until they close. mitmproxy shares no connection to a server among clients' connections."""

    def __init__(self) -> None:
        self._blurred: dict[str, str] = {}
        """By connection, the flow whose end is not clear."""

    def saw(self, flow: http.HTTPFlow) -> None:
        """A request has arrived, up to its head, for any host."""
        if not is_delimited(client_request(flow, Endpoint.ELSEWHERE)):
            self.blur(flow)

    def complete(self, flow: http.HTTPFlow) -> None:
        """The body is there as well, unless it was streamed."""
        if not flow.request.stream and flow.request.raw_content and not may_have_body(flow.request.method):
            self.blur(flow)

    def blur(self, flow: http.HTTPFlow) -> None:
        """What comes behind `flow` on its connection may be swallowed."""
        self._blurred.setdefault(flow.client_conn.id, flow.id)

    def is_alone(self, flow: http.HTTPFlow) -> bool:
        """Whether nothing that was sent before can reach into the request of `flow`."""
        return self._blurred.get(flow.client_conn.id, flow.id) == flow.id

    def closed(self, client: Client) -> None:
        """Forget the connection."""
        self._blurred.pop(client.id, None)
