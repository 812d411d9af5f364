"""A live recording: requests that have begun, clients that are still there, findings reported when they are certain."""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from mitmproxy import ctx, http
from mitmproxy.hooks import UpdateHook
from mitmproxy.log import ALERT

from regauth_core.bounded import Bounded
from regauth_core.edge.inputs.flows import FlowNotes, origin_of, plain_body, proxy_user, wire_of
from regauth_core.edge.mitm.presence import Presence
from regauth_core.edge.mitm.processes import Process
from regauth_core.edge.mitm.recorder import Recorder
from regauth_core.edge.mitm.streaming import Counter, stream_request, stream_response
from regauth_core.edge.outputs.final_sweep import swept_text
from regauth_core.model import DEFAULT_PORTS, ChangeKind, FailureKind, Origin
from regauth_core.model.finding import Finding, Severity
from regauth_core.model.journal import Ending, Journal
from regauth_core.model.obstacle import Obstacle, ObstacleKind
from regauth_core.recording.traffic import Destination, TrafficKind, Watch, destination_of
from regauth_core.report.terminal.summary import live_line

_MARKS: Final = {Severity.ERROR: ":x:", Severity.WARNING: ":warning:", Severity.INFO: ":bulb:"}
_WITH_BODY: Final = frozenset({"PATCH", "POST", "PUT"})

_MAX_HOSTS: Final = 1000
_MOST_LINES: Final = 10
"""Findings of one rule that are logged as they become certain."""
_MOST_OBSTACLES: Final = 20
_UNVERIFIED: Final = "Certificate verify failed"
"""In mitmproxy's words for a server whose certificate is not trusted."""
_SAID: Final = "does not trust the proxy's certificate for"
"""In mitmproxy's words for a client that says so by an alert (RFC 8446 section 6.2)."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Open:
    number: int
    flow: http.HTTPFlow
    place: Destination
    role: TrafficKind
    request: Counter | None = None
    response: Counter | None = None


class Live:
    """What is going on between the hooks of one recording."""

    def __init__(self, recorder: Recorder, watch: Watch) -> None:
        self.recorder = recorder
        self.watch = watch
        self._presence = Presence()
        self._asked: Bounded[str, None] = Bounded(_MAX_HOSTS)
        self._left: Bounded[str, str] = Bounded(_MAX_HOSTS)
        """The note on each host to which a handshake broke off and nobody has sent a request."""
        self._open: dict[str, _Open] = {}
        self._numbers = 0
        self._saved = False
        self._flows: weakref.WeakValueDictionary[int, http.HTTPFlow] = weakref.WeakValueDictionary()
        self._updates: set[asyncio.Task[None]] = set()
        self._announced: dict[str, int] = {}
        """How often each rule has fired."""
        self.on_findings: Callable[[Sequence[Finding]], None] | None = None
        """Gets every finding as it becomes certain."""

    def place(self, flow: http.HTTPFlow) -> tuple[Destination, TrafficKind] | None:
        """Where the request goes; `None` where it is not watched."""
        place = destination_of(flow.request.method, origin_of(flow), flow.request.path)
        role = self.watch.role_of(place)
        return (place, role) if role is not None else None

    def begin(self, flow: http.HTTPFlow, place: Destination, role: TrafficKind, *, stream: bool) -> None:
        """A watched request has arrived, up to its head; `stream`: its body need not be held."""
        self._numbers += 1
        entry = self._open[flow.id] = _Open(self._numbers, flow, place, role)
        self._flows[entry.number] = flow
        if stream and flow.live:
            entry.request = stream_request(flow, place, role)

    def introduce(self, flow: http.HTTPFlow, label: str | None, process: Process | None) -> None:
        """It is known now who sent the request."""
        entry = self._open.get(flow.id)
        if entry is None:
            return
        if not flow.live:
            self._saved = True
            return
        self._asked[flow.request.host.lower()] = None
        self.recorder.withdraw(self._left.pop(flow.request.host.lower(), ""))
        label = label or proxy_user(flow)
        noted = FlowNotes(flow)
        noted.sender(label, process.number if process else None, process.program if process else None)
        request = flow.request
        if request.method in _WITH_BODY and request.headers.get("expect", "").lower() == "100-continue":
            noted.expected()
        address = flow.client_conn.peername[0] if flow.client_conn.peername else None
        who = (label, process, address, request.headers.get("user-agent"))
        sender = self.recorder.begin(entry.number, request.timestamp_start, who, lambda: wire_of(flow, entry.number))
        self._presence.seen(sender, process)

    def answered(self, flow: http.HTTPFlow) -> None:
        """The head of the answer is there."""
        entry = self._open.get(flow.id)
        if entry is not None and flow.live:
            entry.response = stream_response(flow, entry.place, entry.role)

    def end(self, flow: http.HTTPFlow) -> None:
        """The exchange has ended, whole or not."""
        entry = self._open.pop(flow.id, None)
        if entry is None:
            return
        if flow.live and (entry.request or entry.response):
            FlowNotes(flow).sizes(
                entry.request.size if entry.request else None, entry.response.size if entry.response else None
            )
        if flow.response is not None:
            headers = flow.response.headers
            self.watch.learn(
                entry.place, headers.get_all("www-authenticate"), headers.get_all("location"), headers.get_all("link")
            )
            self.watch.learn_layers(entry.place, flow.response.raw_content)
        self._announce(self.recorder.end(wire_of(flow, entry.number)))
        self._withdraw()

    def unreached(self, flow: http.HTTPFlow, path: str) -> None:
        """No connection to a token server could be made for a client, whose request for `path` there stays unsent."""
        self._numbers += 1
        said = (plain_body(flow.response) or b"").decode("utf-8", "replace") if flow.response is not None else None
        agent = flow.request.headers.get("user-agent")
        wire = replace(
            wire_of(flow, self._numbers),
            method="GET",
            scheme="https",
            host=flow.request.host.lower(),
            port=flow.request.port,
            path=path,
            request_headers=(("User-Agent", agent),) if agent else (),
            status=None,
            response_headers=(),
            response_body=None,
            response_size=0,
            failure=(FailureKind.CONNECT, (said or "no connection")[:200]),
            changes=(
                (ChangeKind.UNSENT, "the client could not send this request: the proxy found no connection for it"),
            ),
        )
        self._announce(self.recorder.end(wire))

    def opened(self, flow: http.HTTPFlow) -> tuple[int, Destination] | None:
        """The number of a watched request that has not ended, and where it goes."""
        entry = self._open.get(flow.id)
        return (entry.number, entry.place) if entry is not None else None

    def distrusted(self, who: str, server: tuple[str, int] | None, error: str) -> None:
        """The TLS handshake with a client failed, with mitmproxy's words; `who` may be shown."""
        host = server[0].lower() if server is not None else ""
        if server is None or not self.watch.may_be_registry(Origin("https", host, server[1])):
            return
        unseen = (
            f"trust the proxy's certificate authority; no request to {self.recorder.redactor.host(host)} was recorded"
        )
        if _SAID in error:
            self.recorder.note(f"{who} does not {unseen}")
            self.recorder.environment = replace(self.recorder.environment, distrusted=True)
        elif host not in self._asked:
            # It gave no such reason, and clients also drop connections that they opened in advance and do not need.
            self._left[host] = f"{who} closed the connection during the handshake and may not {unseen}"
            self.recorder.note(self._left[host])

    def registry_unknown(self, server: tuple[str, int] | None, error: str) -> None:
        """mitmproxy refused a server's certificate, with its words: no request of a client gets there."""
        host, port = (server[0].lower(), server[1]) if server is not None else ("", 0)
        if not host or _UNVERIFIED not in error or not self.watch.may_be_registry(Origin("https", host, port)):
            return
        shown = self.recorder.redactor.host(host)
        place = shown if port == DEFAULT_PORTS["https"] else f"{shown}:{port}"
        obstacle = Obstacle(
            kind=ObstacleKind.REGISTRY_UNKNOWN,
            place=place,
            title=f"mitmproxy does not trust the certificate of {place}",
            advice="Your client may trust it. Name the registry's authority to mitmdump as well:",
            command='mitmdump -s "$(regauth addon)" --set ssl_verify_upstream_trusted_ca=CA.crt',
        )
        known = self.recorder.environment.obstacles
        if obstacle not in known and len(known) < _MOST_OBSTACLES:
            self.recorder.environment = replace(self.recorder.environment, obstacles=(*known, obstacle))

    def is_idle(self) -> bool:
        """Whether no watched request is waiting for its answer."""
        return not self._open

    async def look_around(self, now: float) -> None:
        """Once in a while: what has become certain by the passing of time, and who has gone."""
        if self._saved:
            return  # flows from a file have a time of their own
        self._announce(self.recorder.tick(now))
        processes = self._presence.processes()
        if processes:
            self._announce(self._part(await asyncio.to_thread(_dead, processes), now))

    def interrupt(self) -> None:
        """The proxy stops: requests without an answer get none that could be seen."""
        for entry in list(self._open.values()):
            self._open.pop(entry.flow.id, None)
            self.recorder.end(wire_of(entry.flow, entry.number))

    def finish(self, now: float, *, all_gone: bool = False) -> Journal:
        """The recording ends; `all_gone`: every client has ended, as far as its process does not show it."""
        self.interrupt()
        return self.recorder.finish(self._ending(now, all_gone=all_gone), now)

    def foreseen(self, now: float, *, all_gone: bool) -> tuple[Finding, ...]:
        """The findings if the recording ended now; `all_gone` as for `finish`."""
        return self.recorder.journal(self._ending(now, all_gone=all_gone)).diagnosis.findings

    def _ending(self, now: float, *, all_gone: bool) -> Ending:
        self._part(_dead(self._presence.processes()), now)
        if self._saved:
            return Ending.CLEAN
        gone = self._presence.everybody_gone or (all_gone and not self._presence.processes())
        return Ending.GONE if gone else Ending.STOPPED

    def _part(self, dead: set[Process], now: float) -> list[Finding]:
        """What is certain because clients have gone."""
        gone = self._presence.ended(dead, self.recorder.busy()) if dead else ()
        return [finding for sender in gone for finding in self.recorder.gone(sender, now)]

    def _announce(self, findings: Sequence[Finding]) -> None:
        if self.on_findings is not None and findings:
            self.on_findings(findings)
        for finding in findings:
            self._tell(finding)
            flows = [flow for number in finding.exchanges if (flow := self._flows.get(number)) is not None]
            for flow in flows:
                FlowNotes(flow).finding(finding.rule)
                flow.marked = flow.marked or _MARKS[finding.severity]
                flow.comment = flow.comment or f"{finding.rule}: {finding.title}"
            self._show(flows)

    def _withdraw(self) -> None:
        """Findings that were logged have turned out wrong: the client went on."""
        for one in self.recorder.taken_back():
            said = f"regauth: taken back, {one.rule}: the client went on after all ({one.by})"
            _log.log(ALERT, swept_text(said, self.recorder.redactor)[0])
            flows = [flow for number in one.exchanges if (flow := self._flows.get(number)) is not None]
            for flow in flows:
                FlowNotes(flow).taken_back(one.rule)
                if flow.comment.startswith(f"{one.rule}: "):
                    flow.comment = flow.marked = ""
            self._show(flows)

    def _show(self, flows: list[http.HTTPFlow]) -> None:
        """Let mitmproxy show the flows as they are now."""
        if flows:
            update = asyncio.ensure_future(ctx.master.addons.trigger_event(UpdateHook(flows)))
            self._updates.add(update)
            update.add_done_callback(self._updates.discard)

    def _tell(self, finding: Finding) -> None:
        """A line for the finding; where there are ever more of a rule, the summary has them."""
        lines = self._announced[finding.rule] = self._announced.get(finding.rule, 0) + 1
        if lines <= _MOST_LINES:
            _log.log(ALERT, swept_text(f"regauth: {live_line(finding)}", self.recorder.redactor)[0])
        if lines == _MOST_LINES:
            _log.log(ALERT, f"regauth: further findings of {finding.rule} are counted and shown at the end")


def _dead(processes: Sequence[Process]) -> set[Process]:
    return {process for process in processes if not process.is_alive()}
