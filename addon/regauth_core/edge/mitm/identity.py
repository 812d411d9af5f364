"""Who is behind a connection to the proxy: the label in the proxy's URL, the user and the process on this machine."""

from __future__ import annotations

import asyncio
import base64
import binascii
from dataclasses import dataclass
from typing import Final, TypeVar

from mitmproxy import http
from mitmproxy.connection import Client

from regauth_core.edge.mitm.processes import Process, ProcessFinder, Socket, socket_of
from regauth_core.redaction.redactor import Redactor

_PATIENCE: Final = 0.5
"""Seconds that the search for a process may hold up the first request of a connection."""
_LONG_PATIENCE: Final = 5.0
"""Seconds for which it is waited to learn whose connection it is: nothing is done for a client without that."""
_HEADER: Final = "proxy-authorization"
_T = TypeVar("_T")


@dataclass(slots=True)
class _Known:
    label: str | None = None
    socket: asyncio.Task[Socket | None] | None = None
    search: asyncio.Task[Process | None] | None = None
    agent: str | None = None
    """The User-Agent of the request for a tunnel."""


class Identities:
    """Labels, users and processes of the connections that are open now."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}
        self._finder = ProcessFinder()

    def connected(self, client: Client) -> None:
        """Begin to search for the user and the process; needs a running loop."""
        known = self._known[client.id] = _Known()
        if client.peername and client.sockname and client.transport_protocol == "tcp":
            peer, here = client.peername[:2], client.sockname[:2]
            known.socket = asyncio.create_task(asyncio.to_thread(socket_of, peer, here))
            known.search = asyncio.create_task(self._found(known.socket))

    async def _found(self, search: asyncio.Task[Socket | None]) -> Process | None:
        socket = await search
        return await asyncio.to_thread(self._finder.find, socket) if socket is not None else None

    def disconnected(self, client: Client) -> None:
        """Forget the connection."""
        self._known.pop(client.id, None)

    def label(self, client: Client) -> str | None:
        """The label that the connection came with."""
        known = self._known.get(client.id)
        return known.label if known else None

    def opened(self, flow: http.HTTPFlow) -> None:
        """A tunnel was asked for."""
        known = self._known.get(flow.client_conn.id)
        if known is not None:
            known.agent = flow.request.headers.get("user-agent")
            known.label = _user_of(flow.request.headers.get(_HEADER, "")) or known.label

    def process_now(self, client: Client) -> Process | None:
        """The process, as far as it is known without waiting."""
        search = self._known.get(client.id, _Known()).search
        return search.result() if search is not None and search.done() and not search.exception() else None

    def described(self, client: Client, redactor: Redactor) -> str:
        """Who is behind the connection, in words fit to be shown, as far as it is known without waiting."""
        known = self._known.get(client.id, _Known())
        words: list[str] = [redactor.user(known.label)] if known.label else []
        if process := self.process_now(client):
            words += [f"{redactor.own_text(process.program)} (process {process.number})"]
        if known.agent:
            words.append(redactor.header("user-agent", known.agent))
        return ", ".join(words) or "a client"

    def take_label(self, client: Client, request: http.Request) -> None:
        """Read the label of a request to the proxy itself, and keep it from being sent on."""
        value = request.headers.pop(_HEADER, None)
        if value is not None and (known := self._known.get(client.id)) is not None:
            known.label = _user_of(value) or known.label

    async def process(self, client: Client) -> Process | None:
        """The process, searched for once per connection; `None` where it is on another machine or not known."""
        known = self._known.get(client.id)
        return await _result(known.search, _PATIENCE) if known is not None else None

    async def user(self, client: Client) -> int | None:
        """The number of the user whose process it is; `None` where it is on another machine or not known."""
        if client.id not in self._known and client.connected:
            self.connected(client)  # it is older than this object: the script was loaded anew
        known = self._known.get(client.id)
        socket = await _result(known.socket, _LONG_PATIENCE) if known is not None else None
        return socket.user if socket is not None else None


async def _result(search: asyncio.Task[_T | None] | None, seconds: float) -> _T | None:
    """What was found within `seconds`."""
    if search is None:
        return None
    if search.done():  # as for every request but a connection's first
        return None if search.exception() else search.result()
    try:
        return await asyncio.wait_for(asyncio.shield(search), seconds)
    except (TimeoutError, OSError):
        return None


def _user_of(value: str) -> str | None:
    """The user name of a Basic credential (RFC 7617), which a client takes from the proxy's URL."""
    scheme, _, encoded = value.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        pair = base64.b64decode(encoded.strip(), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return None
    return pair.partition(":")[0][:100] or None
