"""The addon: mitmproxy's hooks, each of which unpacks, hands on, and never fails."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import sys
import time
from collections.abc import Awaitable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from mitmproxy import command, ctx, exceptions, http, tls, types
from mitmproxy.addonmanager import Loader
from mitmproxy.connection import Client
from mitmproxy.log import ALERT
from mitmproxy.proxy import mode_specs

from regauth_core.edge.credentials.keyring import Keyring, sources_of
from regauth_core.edge.errors import UserError, where_it_failed
from regauth_core.edge.inputs.flows import FlowNotes
from regauth_core.edge.mitm import options, streaming
from regauth_core.edge.mitm.addressed import Names
from regauth_core.edge.mitm.admission import Admission
from regauth_core.edge.mitm.callers import CallerReader, untold
from regauth_core.edge.mitm.identity import Identities
from regauth_core.edge.mitm.inject_mode import Inject
from regauth_core.edge.mitm.injection import Injector
from regauth_core.edge.mitm.live import Live
from regauth_core.edge.mitm.recorder import Recorder
from regauth_core.edge.mitm.scenario_player import ScenarioPlayer
from regauth_core.edge.mitm.shim import Shim
from regauth_core.edge.mitm.subrequests import Sender, is_ours
from regauth_core.edge.outputs import reports
from regauth_core.edge.outputs.trace import TraceWriter
from regauth_core.model.finding import Finding
from regauth_core.model.journal import Journal
from regauth_core.recording.traffic import Watch
from regauth_core.redaction.redactor import Redactor
from regauth_core.simulate.registry import Registry

_TICK: Final = 1.0
"""Seconds between two looks at the clock."""
_SOON: Final = 0.1
"""Seconds after a connection has closed until its process is looked for."""
_LAST_PROOFS: Final = 20.0
"""Seconds that mitmproxy's end may have to wait for proofs."""
_TAKING_A_HAND: Final = frozenset(
    {f"regauth_{name}" for name in ("inject", "credentials", "clients", "allow", "trust", "manner", "shim")}
)
_SAVING: Final = ("save_stream_file", "hardump")
"""mitmproxy's own options for files that hold all that was sent."""
_AFTERWARDS: Final = ("map_remote", "modify_headers", "stickyauth")
"""Those that act on a request after credentials were added to it."""
_FIXED: Final = frozenset({"regauth_trace", "regauth_quiet_time", "regauth_anonymize"})

_log = logging.getLogger(__name__)


class RegAuth:
    """Records registry traffic and says who breaks its authentication."""

    def __init__(
        self,
        *,
        embedded: bool = False,
        credentials_known: bool = False,
        command: Sequence[str] = (),
        keyring: Keyring | None = None,
        identities: Identities | None = None,
        admission: Admission | None = None,
    ) -> None:
        """`embedded`: whoever made it calls `finish` and does the talking, and knows the `command` to be watched.

        `keyring` is used in place of one for the sources in the options. `admission` says whose connections the proxy
        is for; of others nothing is recorded. It may share `identities`.
        """
        self._embedded = embedded
        self._credentials_known = credentials_known
        self._command = tuple(command)
        self._settings = options.Settings()
        self._live: Live | None = None
        self._identities = identities or Identities()
        self._admission = admission
        self._names: Names | None = None
        self._standin: ScenarioPlayer | None = None
        self._keyring = keyring
        self._sender = Sender()
        self._injector: Injector | None = None
        self._shim: Shim | None = None
        self._hands: dict[str, Injector | Shim] = {}
        """Who takes a hand in the requests that are under way, whatever the options say when they end."""
        self._proofs: set[asyncio.Task[None]] = set()
        self._failures = 0
        self._wake = asyncio.Event()
        self._ticker: asyncio.Task[None] | None = None

    # From beginning to end

    def load(self, loader: Loader) -> None:
        """Declare the options."""
        options.declare(loader)

    def configure(self, updated: Iterable[str]) -> None:
        """Read the options, if any of ours is among the `updated`."""
        changed = {name for name in updated if name.startswith(options.PREFIX)}
        if changed:
            try:
                self._apply(options.settings_of(ctx.options), changed)
            except UserError as trouble:
                self._refuse(str(trouble))
        warned = {"regauth_inject", "regauth_clients", *_SAVING, *_AFTERWARDS}
        if self._ticker is not None and not warned.isdisjoint(updated):
            self._warn_of_company()

    def _warn_of_company(self) -> None:
        if self._injector is None:
            return
        if self._admission is None and (complaint := untold(self._settings.callers)):
            _log.warning("regauth: %s", complaint)
        if any(getattr(ctx.options, name) for name in _SAVING):
            _log.warning(
                "regauth: mitmproxy's own file (-w, save_stream_file or hardump) will hold the credentials that "
                "regauth_inject=%s sends; do not publish it",
                self._settings.inject,
            )
        for name in (name for name in _AFTERWARDS if getattr(ctx.options, name)):
            _log.warning(
                "regauth: mitmproxy's own %s runs after regauth_inject=%s adds credentials, and may send them to "
                "another host",
                name,
                self._settings.inject,
            )

    def running(self) -> None:
        """mitmproxy is up."""
        streaming.silence()
        if self._live is None:
            self._live = self._record(self._settings)
        self._warn_of_company()
        if not self._embedded and getattr(ctx.options, "flow_detail", False):
            # mitmdump's alone: the other programs print nothing.
            _log.warning(
                "regauth: mitmdump's own output shows whole URLs, tokens and signatures included; "
                "--set flow_detail=0 turns it off"
            )
        for complaint in options.unknown(list(ctx.options.deferred)):
            _log.warning("regauth: %s", complaint)
        self._ticker = asyncio.get_running_loop().create_task(self._tick())

    def done(self) -> Awaitable[None] | None:
        """mitmproxy ends, and waits for what is given back; or it loads the script anew, and does not."""
        streaming.unsilence()
        if self._ticker is not None:
            self._ticker.cancel()
        is_provable = self._live is not None and self._injector is not None and not self._embedded
        if is_provable and ctx.master.should_exit.is_set():
            return self._prove_and_end()
        self._end_recording()
        return None

    async def _prove_and_end(self) -> None:
        with self._guard("the last proofs"), contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.prove(all_gone=False), _LAST_PROOFS)
        self._end_recording()

    def _end_recording(self) -> None:
        self._play(None)
        if self._names is not None:
            ctx.master.addons.remove(self._names)
            self._names = None
        if self._live is None:
            return
        with self._guard("unanswered requests"):
            self._live.interrupt()
        if self._embedded:
            return
        with self._guard("the recording"):
            journal = self.finish()
            redactor = self._live.recorder.redactor
            clean, settings = reports.cleaned(journal, redactor), self._settings
            for complaint in reports.write_reports(clean, settings.reports, redactor):
                print(f"regauth: {complaint}", file=sys.stderr)
            if not ctx.master.should_exit.is_set():
                _log.log(ALERT, "regauth: this recording ends here; a new one begins")
            elif journal.exchanges or journal.diagnosis.notes:
                more = next((str(path) for path in (*settings.reports, settings.trace) if path), "")
                reports.print_summary(clean, redactor, sys.stderr, more=more)
            else:
                print("regauth: no registry traffic was seen", file=sys.stderr)

    def finish(self, *, status: int | None = None, client_version: str | None = None) -> Journal:
        """Everything that was recorded; nothing is any more.

        For the command that was watched: its exit status, and what it says its version is.
        """
        recorder = self.live().recorder
        if self._failures:
            recorder.note(f"{self._failures} messages could not be examined because of an error in regauth")
        redactor = recorder.redactor
        version = redactor.own_text(client_version) if client_version else None
        # Once more, now that all names are known that may have pseudonyms.
        command = redactor.command(self._command) if self._command else None
        recorder.environment = replace(recorder.environment, status=status, client_version=version, command=command)
        return self.live().finish(time.time(), all_gone=status is not None)

    # No property: mitmproxy reads every attribute of an addon to find its commands.
    def live(self) -> Live:
        """The recording, once mitmproxy is up."""
        assert self._live is not None  # noqa: S101  (for the type checker: `running` made it)
        return self._live

    def _apply(self, settings: options.Settings, changed: set[str]) -> None:
        before, self._settings = self._settings, settings
        fresh = self._live is None
        if fresh or before != settings and not changed.isdisjoint(_FIXED):
            if self._live is not None and self._live.recorder.count:
                self._settings = before
                raise UserError(
                    f"{', '.join(sorted(_FIXED))} cannot change while recording; restart with the new value"
                )
            self._live = self._recorded_anew(before, settings)
        elif self._live is not None and settings.hosts != before.hosts:
            self._live.watch = Watch(settings.hosts)
        if fresh or not changed.isdisjoint(_TAKING_A_HAND):
            self._take_a_hand(settings)
        if self._live is not None and "regauth_scenario" in changed:
            self._play(settings)
            name = settings.scenario.id if settings.scenario is not None else None
            recorder = self._live.recorder
            recorder.environment = replace(
                recorder.environment, scenario=recorder.redactor.own_text(name) if name else None
            )

    def _recorded_anew(self, before: options.Settings, settings: options.Settings) -> Live:
        """A recording in the place of one that has nothing yet, which keeps its trace if there is no new one."""
        old = self._live
        if old is not None and before.trace == settings.trace:
            old.recorder.abandon()
        new = self._record(settings)
        if old is not None:
            old.recorder.abandon()
        return new

    def _take_a_hand(self, settings: options.Settings) -> None:
        self._injector = self._shim = None
        if settings.inject is Inject.SHIM:
            self._shim = Shim(settings.shim, self._sender)
        elif settings.inject is not Inject.OFF:
            keyring = self._keyring
            if keyring is None:
                sources = sources_of("regauth_credentials", settings.credentials, os.environ)
                keyring = Keyring(sources, os.environ, complain=self._complain)
                keyring.prompt()
            self._injector = Injector(
                settings.inject,
                keyring,
                settings.trust,
                self._sender,
                manner=settings.manner,
                callers=settings.callers,
                caller_of=CallerReader(self._identities, self._noted_names(), self._admission).read,
            )

    def _noted_names(self) -> Names:
        """Reads by what name a reverse proxy is addressed, for connections from now on."""
        if self._names is None:
            self._names = Names()
            ctx.master.addons.add(self._names)
        return self._names

    def _complain(self, line: str) -> None:
        """Something is wrong with a source of credentials: for whoever is there now, and for whoever reads later."""
        _log.warning("regauth: %s", line)
        if self._live is not None:
            self._live.recorder.note(self._live.recorder.redactor.own_text(line))

    def _record(self, settings: options.Settings) -> Live:
        redactor = Redactor(secrets.token_bytes(32), anonymize=frozenset(settings.anonymize))
        recorder = Recorder(
            redactor,
            started=time.time(),
            quiet_time=settings.quiet_time,
            credentials_known=self._credentials_known,
            trace=TraceWriter(settings.trace, redactor) if settings.trace else None,
        )
        if self._command:
            recorder.environment = replace(recorder.environment, command=redactor.command(self._command))
        live = Live(recorder, Watch(settings.hosts))
        live.told = self._told
        return live

    def _told(self, findings: Sequence[Finding]) -> None:
        """Findings have become certain; prove them if that is wanted."""
        if self._settings.inject is Inject.VERIFY:
            task = asyncio.ensure_future(self._proved(findings))
            self._proofs.add(task)
            task.add_done_callback(self._proofs.discard)

    async def _proved(self, findings: Sequence[Finding]) -> None:
        for finding in findings:
            with self._guard("a proof"):
                if self._injector is not None:
                    await self._injector.prove(finding, self.live().recorder)

    async def prove(self, *, all_gone: bool = True) -> None:
        """Prove what is certain if the recording ends now; on the proxy's loop.

        `all_gone`: every client has ended, as far as its process does not show it.
        """
        if self._settings.inject is Inject.VERIFY:
            await asyncio.gather(*self._proofs)
            await self._proved(self.live().foreseen(time.time(), all_gone=all_gone))

    def _play(self, settings: options.Settings | None) -> None:
        """Put the scenario's registry in the place of its hosts, or take it away."""
        if self._standin is not None:
            ctx.master.addons.remove(self._standin)
            self._standin = None
        if settings is not None and settings.scenario is not None:
            self._standin = ScenarioPlayer(Registry(settings.scenario, secret=secrets.token_bytes(32)))
            ctx.master.addons.add(self._standin)

    def _refuse(self, complaint: str) -> None:
        """Make mitmproxy stop, or take a change back."""
        if self._ticker is None and ctx.master.addons.get("errorcheck"):
            # At the start mitmproxy ends for a logged error too, and shows no traceback with it.
            _log.error("regauth: %s", complaint)
        else:
            raise exceptions.OptionsError(complaint)

    async def _tick(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _TICK)
                await asyncio.sleep(_SOON)
            self._wake.clear()
            if self._live is not None:
                with self._guard("the clock"):
                    await self._live.look_around(time.time())

    @contextlib.contextmanager
    def _guard(self, what: str) -> Iterator[None]:
        """Whatever goes wrong inside is told, without a word from the wire, and goes no further."""
        try:
            yield
        except Exception as error:
            self._failures += 1
            _log.error("regauth: could not examine %s (%s)", what, where_it_failed(error))

    # Connections

    def client_connected(self, client: Client) -> None:
        """Begin to search for the process behind the connection."""
        with self._guard("a connection"):
            self._identities.connected(client)

    def client_disconnected(self, client: Client) -> None:
        """A client that closes its last connection may have ended."""
        self._identities.disconnected(client)
        if self._injector is not None:
            self._injector.connections.closed(client)
        self._wake.set()

    def http_connect(self, flow: http.HTTPFlow) -> None:
        """Read the label of the proxy's URL; the tunnel's other headers say nothing of a registry."""
        with self._guard("a CONNECT request"):
            self._identities.opened(flow)

    async def http_connect_error(self, flow: http.HTTPFlow) -> None:
        """No tunnel: of what the client wanted to ask there is no request to be seen."""
        live = self._live
        if live is None or not self._is_admitted(flow):
            return
        with self._guard("a CONNECT request"):
            host, port = flow.request.host.lower(), flow.request.port
            path = live.watch.token_path(host, port)
            if path is not None:
                process = await self._identities.process(flow.client_conn)
                label = self._identities.label(flow.client_conn)
                number, program = (process.number, process.program) if process else (None, None)
                FlowNotes(flow).sender(label, number, program)
                live.unreached(flow, path)
            elif self._embedded and not live.recorder.count:
                # Later on it may be anybody that the client happens to try; at first it is the registry.
                place = f"{live.recorder.redactor.host(host)}:{port}"
                live.recorder.note(f"the proxy could not connect to {place}; no request to it was recorded")

    def tls_failed_client(self, data: tls.TlsData) -> None:
        """A client that does not trust the proxy sends no request at all; say so."""
        with self._guard("a failed handshake"):
            if self._live is not None and isinstance(data.conn, Client):
                who = self._identities.described(data.conn, self._live.recorder.redactor)
                self._live.distrusted(who, data.context.server.address, data.conn.error or "")

    # Exchanges

    async def requestheaders(self, flow: http.HTTPFlow) -> None:
        """The first sight of a request. An upload that is refused early has no later one."""
        live = self._live
        if live is None or flow.is_replay or is_ours(flow) or not self._is_admitted(flow):
            return
        with self._guard("a request"):
            if self._injector is not None and flow.live:
                self._injector.connections.saw(flow)
            placed = live.place(flow)
            if placed is None:
                return
            live.begin(flow, *placed, stream=not self._is_played(flow))
            if flow.live and not isinstance(flow.client_conn.proxy_mode, mode_specs.UpstreamMode):
                self._identities.take_label(flow.client_conn, flow.request)
            label = self._identities.label(flow.client_conn)
            live.introduce(flow, label, await self._identities.process(flow.client_conn))
            hand = self._injector or self._shim
            if hand is not None:
                self._hands[flow.id] = hand
                await hand.prepare(flow, placed[0], live.recorder)

    def request(self, flow: http.HTTPFlow) -> None:
        """The request is complete. Where a scenario is played, this is its turn."""
        if self._injector is not None and flow.live and not is_ours(flow):
            with self._guard("a request"):
                self._injector.complete(flow)
        if self._standin is not None and flow.live and flow.response is None:
            with self._guard("a request to the scenario"):
                self._standin.answer(flow, time.time())

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        """Decide whether the answer's body is kept for a moment or only counted."""
        if is_ours(flow):
            self._sender.answered(flow)
        elif self._live is not None:
            with self._guard("an answer"):
                self._live.answered(flow)
                self._hear(flow, is_whole=False)
                if (hand := self._hands.get(flow.id)) is not None:
                    hand.answered(flow)

    async def response(self, flow: http.HTTPFlow) -> None:
        """The exchange is complete, unless its answer can be bettered."""
        live = self._live
        if live is None:
            return
        if not is_ours(flow):
            with self._guard("an answer"):
                self._hear(flow, is_whole=True)
        hand, opened = self._hands.pop(flow.id, None), live.opened(flow)
        if hand is not None and opened is not None:
            with self._guard("an answer to a challenge"):
                await hand.settle(flow, opened[1], live.recorder, opened[0])
        self._end(flow)

    def _hear(self, flow: http.HTTPFlow, *, is_whole: bool) -> None:
        if self._injector is not None:
            process = self._identities.process_now(flow.client_conn)
            self._injector.heard(flow, process.number if process is not None else None, is_whole=is_whole)

    def error(self, flow: http.HTTPFlow) -> None:
        """The exchange broke off."""
        hand = self._hands.pop(flow.id, None)
        if hand is not None:
            hand.drop(flow)
        self._end(flow)

    def _end(self, flow: http.HTTPFlow) -> None:
        if self._live is not None:
            with self._guard("an exchange"):
                self._live.end(flow)

    def _is_admitted(self, flow: http.HTTPFlow) -> bool:
        """Whether the proxy is for the client."""
        return self._admission is None or self._admission.admits(flow.client_conn)

    def _is_played(self, flow: http.HTTPFlow) -> bool:
        return self._standin is not None and self._standin.serves(flow.request.host)

    # Commands

    @command.command("regauth.report")  # type: ignore[untyped-decorator]
    def report(self, path: types.Path) -> None:
        """Write a report of everything recorded up to now; the file's ending picks the format."""
        if self._live is None:
            raise exceptions.CommandError("regauth: nothing is being recorded")
        try:
            file = options.report_file("regauth.report", path)
        except UserError as trouble:
            raise exceptions.CommandError(str(trouble)) from None
        recorder = self._live.recorder
        for complaint in reports.write_reports(recorder.journal(), [file], recorder.redactor):
            raise exceptions.CommandError(complaint)
        _log.log(ALERT, "regauth: report written to %s", Path(file).name)
