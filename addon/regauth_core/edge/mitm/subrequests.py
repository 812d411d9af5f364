"""Requests that regauth sends, by mitmproxy itself: its proxies, its certificates, its time limits are obeyed.

They pass every addon's hooks as replayed flows do. Ours know them by `is_ours` and record nothing of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from mitmproxy import ctx, http
from mitmproxy.addons.clientplayback import ReplayHandler
from mitmproxy.connection import Server

from regauth_core.auth.messages import SECONDS, Flow, Lock, Purpose, Received, Send
from regauth_core.model import DEFAULT_PORTS, Origin
from regauth_core.protocol.content_encoding import decoded
from regauth_core.protocol.token_answer import MAX_ANSWER

MARK: Final = "regauth.internal"
"""Below this key a flow of ours says that it is one."""
MAX_REPLY: Final = 16 * 1024 * 1024
"""Bytes of an answer that is handed to a client in place of a refusal; a larger one is given up."""

_T = TypeVar("_T")


def is_ours(flow: http.HTTPFlow) -> bool:
    """Whether regauth sent the request itself."""
    return MARK in flow.metadata


@dataclass(slots=True)
class _Reply:
    """Takes the pieces of an answer's body and lets none of them pass, so that no other addon keeps them."""

    limit: int
    head: asyncio.Event = field(default_factory=asyncio.Event)
    body: bytearray = field(default_factory=bytearray)
    is_cut: bool = False

    def __call__(self, data: bytes) -> bytes:
        room = self.limit + 1 - len(self.body)
        self.body += data[:room]
        if len(self.body) > self.limit:
            self.is_cut = True
        return b""


class _Turns:
    """Locks by key; one that nobody holds or waits for is forgotten."""

    def __init__(self) -> None:
        self._locks: dict[Hashable, tuple[asyncio.Lock, list[int]]] = {}

    async def take(self, key: Hashable) -> None:
        """Wait until nobody holds `key`, and hold it."""
        lock, users = self._locks.setdefault(key, (asyncio.Lock(), [0]))
        users[0] += 1
        try:
            await lock.acquire()
        except asyncio.CancelledError:
            self._leave(key, users)
            raise

    def give_back(self, key: Hashable) -> None:
        """Hold `key` no more."""
        lock, users = self._locks[key]
        lock.release()
        self._leave(key, users)

    def _leave(self, key: Hashable, users: list[int]) -> None:
        users[0] -= 1
        if not users[0]:
            self._locks.pop(key, None)


class RequestSender:
    """Performs what an authenticator's flows want done. For one event loop."""

    def __init__(self, seconds: float = SECONDS) -> None:
        """`seconds`: how long an answer may take."""
        self._seconds = seconds
        self._turns = _Turns()
        self._replies: dict[str, _Reply] = {}

    async def drive(self, parent: http.HTTPFlow, steps: Flow[_T]) -> _T:
        """Perform `steps` for the client of `parent` until they end; what they return."""
        held: Hashable | None = None
        try:
            step = next(steps)
            while True:
                if held is not None and (isinstance(step, Lock) or step.turn != held):
                    self._turns.give_back(held)
                    held = None
                if isinstance(step, Lock):
                    await self._turns.take(step.key)
                    held = step.key
                    reply = Received(status=0, at=time.time())
                else:
                    reply = await self.send(parent, step)
                step = steps.send(reply)
        except StopIteration as end:
            result: _T = end.value
            return result
        finally:
            if held is not None:
                self._turns.give_back(held)

    async def send(self, parent: http.HTTPFlow, what: Send) -> Received:
        """The answer to one request; status 0 where none came in time. Follows no redirect."""
        flow = _flow(parent, what)
        reply = self._replies[flow.id] = _Reply(MAX_ANSWER if what.purpose is Purpose.TOKEN else MAX_REPLY)
        handler = ReplayHandler(flow, ctx.options)
        if what.origin.scheme == "https":
            # mitmproxy takes the `Host` for the name that the certificate has to have.
            handler.layer.context.server.sni = what.origin.host
        task = asyncio.ensure_future(handler.replay())
        head = asyncio.ensure_future(reply.head.wait())
        try:
            awaited = {task} if what.is_body_wanted else {task, head}
            await asyncio.wait(awaited, timeout=self._seconds, return_when=asyncio.FIRST_COMPLETED)
            is_whole = task.done() or (not what.is_body_wanted and head.done())
            return _received(flow, reply, what) if is_whole else Received(status=0, at=time.time())
        finally:
            del self._replies[flow.id]
            head.cancel()
            await _close(handler, task)

    def answered(self, flow: http.HTTPFlow) -> None:
        """The head of the answer to a request of ours is there."""
        reply = self._replies.get(flow.id)
        if reply is not None and flow.response is not None:
            flow.response.stream = reply
            reply.head.set()


def _flow(parent: http.HTTPFlow, what: Send) -> http.HTTPFlow:
    origin = what.origin
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    port = "" if origin.port == DEFAULT_PORTS.get(origin.scheme) else f":{origin.port}"
    fields = [(_bytes(name), _bytes(value)) for name, value in _kept(what.headers)]
    if not any(name.lower() == b"host" for name, _ in fields):
        fields.insert(0, (b"Host", _bytes(f"{host}{port}")))
    if what.body or what.method in ("POST", "PUT", "PATCH"):
        fields.append((b"Content-Length", str(len(what.body)).encode()))
    now = time.time()
    flow = http.HTTPFlow(parent.client_conn, Server(address=None))
    flow.request = http.Request(
        host=origin.host,
        port=origin.port,
        method=_bytes(what.method),
        scheme=_bytes(origin.scheme),
        authority=b"",
        path=_bytes(what.path),
        http_version=b"HTTP/1.1",
        headers=http.Headers(fields),
        content=what.body,
        trailers=None,
        timestamp_start=now,
        timestamp_end=now,
    )
    flow.is_replay = "request"
    flow.metadata[MARK] = True
    return flow


_HOP: Final = frozenset(
    {"connection", "content-length", "expect", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding"}
)
"""Fields of one connection or one body (RFC 9110 section 7.6.1)."""


def _kept(headers: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    return (pair for pair in headers if pair[0].lower() not in _HOP and not pair[0].startswith(":"))


def _received(flow: http.HTTPFlow, reply: _Reply, what: Send) -> Received:
    response, now = flow.response, time.time()
    if flow.error is not None or response is None:
        return Received(status=0, at=now)
    body = bytes(reply.body) or (response.raw_content or b"")
    if what.purpose is Purpose.TOKEN:
        encodings = response.headers.get("content-encoding")
        body = (decoded(body, encodings, MAX_ANSWER) or b"") if encodings else body
    elif what.is_body_wanted and reply.is_cut:
        return Received(status=0, at=now)
    headers = tuple((_text(name), _text(value)) for name, value in response.headers.fields)
    return Received(status=response.status_code, at=now, headers=headers, body=body)


async def _close(handler: ReplayHandler, task: asyncio.Future[None]) -> None:
    """Close what is still open towards the server."""
    if not task.done():
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    open_ones = [each.handler for each in handler.transports.values() if each.handler and not each.handler.done()]
    for each in open_ones:
        each.cancel()
    if open_ones:
        await asyncio.wait(open_ones, timeout=1)


def origin_connected(flow: http.HTTPFlow) -> Origin:
    """Whom the proxy connects to for the request, whatever its `Host` says."""
    request = flow.request
    return Origin(request.scheme, request.host.lower().strip("[]").rstrip("."), request.port)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
