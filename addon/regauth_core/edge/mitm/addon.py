"""The addon: mitmproxy's hooks, each of which unpacks, hands on, and never fails."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Iterable, Sequence
from typing import Final

from mitmproxy import command, ctx, exceptions, http, tls, types
from mitmproxy.addonmanager import Loader
from mitmproxy.connection import Client, Server
from mitmproxy.log import ALERT
from mitmproxy.proxy import mode_specs

from regauth_core.edge.credentials.keyring import Keyring
from regauth_core.edge.errors import UserError
from regauth_core.edge.inputs.flows import FlowNotes
from regauth_core.edge.mitm import option_warnings, options, streaming
from regauth_core.edge.mitm.active_helper import ActiveHelper, notes_of
from regauth_core.edge.mitm.admission import Admission
from regauth_core.edge.mitm.guard import Guard
from regauth_core.edge.mitm.identity import Identities
from regauth_core.edge.mitm.live import Live
from regauth_core.edge.mitm.recording_session import RecordingSession
from regauth_core.edge.mitm.subrequests import RequestSender, is_ours
from regauth_core.edge.outputs import reports
from regauth_core.edge.outputs.report_file import report_file
from regauth_core.model.journal import Journal

_TICK: Final = 1.0
"""Seconds between two looks at the clock."""
_SOON: Final = 0.1
"""Seconds after a connection has closed until its process is looked for."""
_LAST_PROOFS: Final = 20.0
"""Seconds that mitmproxy's end may have to wait for proofs."""

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
        """`embedded`: the program that made it calls `finish` and reports, and knows the `command` to be watched.

        `keyring` is used in place of one for the sources in the options. `admission` says whose connections the proxy
        is for; of others nothing is recorded. It may share `identities`.
        """
        self._embedded = embedded
        self._identities = identities or Identities()
        self._admission = admission
        self._sender = RequestSender()
        self._guard = Guard()
        self._helper = ActiveHelper(self._sender, self._guard, self._identities, admission=admission, keyring=keyring)
        self._session = RecordingSession(
            self._helper, self._guard, credentials_known=credentials_known, command=command
        )
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
                self._session.apply(options.settings_of(ctx.options), changed)
            except UserError as error:
                self._refuse(str(error))
        if self._ticker is not None and not option_warnings.WARNED.isdisjoint(updated):
            self._warn_of_injection()

    def _refuse(self, complaint: str) -> None:
        """Make mitmproxy stop, or take a change back."""
        if self._ticker is None and ctx.master.addons.get("errorcheck"):
            # At the start mitmproxy ends for a logged error too, and shows no traceback with it.
            _log.error("regauth: %s", complaint)
        else:
            raise exceptions.OptionsError(complaint)

    def _warn_of_injection(self) -> None:
        if self._helper.injector is not None:
            settings, is_shared = self._session.settings, self._admission is None
            for warning in option_warnings.of_injection(settings, ctx.options, is_proxy_shared=is_shared):
                _log.warning("regauth: %s", warning)

    def running(self) -> None:
        """mitmproxy is up."""
        streaming.silence()
        self._session.begin()
        self._warn_of_injection()
        printed = () if self._embedded else option_warnings.of_printed_urls(ctx.options)
        for warning in (*printed, *options.unknown(list(ctx.options.deferred))):
            _log.warning("regauth: %s", warning)
        self._ticker = asyncio.get_running_loop().create_task(self._tick())

    def done(self) -> Awaitable[None] | None:
        """mitmproxy ends, and waits for what is given back; or it loads the script anew, and does not."""
        streaming.unsilence()
        if self._ticker is not None:
            self._ticker.cancel()
        is_provable = self._session.live is not None and self._helper.injector is not None and not self._embedded
        if is_provable and ctx.master.should_exit.is_set():
            return self._prove_and_end()
        self._end_recording()
        return None

    async def _prove_and_end(self) -> None:
        with self._guard("the last proofs"), contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.prove(all_gone=False), _LAST_PROOFS)
        self._end_recording()

    def _end_recording(self) -> None:
        self._session.interrupt()
        if not self._embedded:
            with self._guard("the recording"):
                self._session.report()

    async def _tick(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _TICK)
                await asyncio.sleep(_SOON)
            self._wake.clear()
            if self._session.live is not None:
                with self._guard("the clock"):
                    await self._session.live.look_around(time.time())

    # For the program that has embedded it

    # No property: mitmproxy reads every attribute of an addon to find its commands.
    def live(self) -> Live:
        """The recording, once mitmproxy is up."""
        assert self._session.live is not None  # noqa: S101  (for the type checker: `running` made it)
        return self._session.live

    def finish(self, *, status: int | None = None, client_version: str | None = None) -> Journal:
        """Everything that was recorded; nothing is any more.

        For the command that was watched: its exit status, and what it says its version is.
        """
        return self._session.finish(self.live(), status=status, client_version=client_version)

    async def prove(self, *, all_gone: bool = True) -> None:
        """Prove what is certain if the recording ends now; on the proxy's loop.

        `all_gone`: every client has ended, as far as its process does not show it.
        """
        await self._session.prove(all_gone=all_gone)

    # Connections

    def client_connected(self, client: Client) -> None:
        """Begin to search for the process behind the connection."""
        with self._guard("a connection"):
            self._identities.connected(client)

    def client_disconnected(self, client: Client) -> None:
        """A client that closes its last connection may have ended."""
        self._identities.disconnected(client)
        self._helper.on_disconnect(client)
        self._wake.set()

    def http_connect(self, flow: http.HTTPFlow) -> None:
        """Read the label of the proxy's URL; the tunnel's other headers say nothing of a registry."""
        with self._guard("a CONNECT request"):
            self._identities.opened(flow)

    async def http_connect_error(self, flow: http.HTTPFlow) -> None:
        """No tunnel: of what the client wanted to ask there is no request to be seen."""
        live = self._session.live
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

    def tls_failed_client(self, data: tls.TlsData) -> None:
        """A client that does not trust the proxy sends no request at all; say so."""
        with self._guard("a failed handshake"):
            # `regauth run` knows the command, and says it in words that lead on.
            if self._session.live is not None and isinstance(data.conn, Client) and self._admission is None:
                who = self._identities.described(data.conn, self._session.live.recorder.redactor)
                self._session.live.distrusted(who, data.context.server.address, data.conn.error or "")

    def tls_failed_server(self, data: tls.TlsData) -> None:
        """A registry whose certificate mitmproxy does not trust; the client might."""
        with self._guard("a failed handshake"):
            server = data.conn
            if self._session.live is not None and isinstance(server, Server) and self._admission is None:
                self._session.live.registry_unknown(server.address, server.error or "")

    # Exchanges

    async def requestheaders(self, flow: http.HTTPFlow) -> None:
        """The first sight of a request. An upload that is refused early has no later one."""
        live = self._session.live
        if live is None or flow.is_replay or is_ours(flow) or not self._is_admitted(flow):
            return
        with self._guard("a request"):
            self._helper.on_request_head(flow)
            placed = live.place(flow)
            if placed is None:
                return
            live.begin(flow, *placed, stream=not self._session.is_played(flow))
            if flow.live and not isinstance(flow.client_conn.proxy_mode, mode_specs.UpstreamMode):
                self._identities.take_label(flow.client_conn, flow.request)
            label = self._identities.label(flow.client_conn)
            live.introduce(flow, label, await self._identities.process(flow.client_conn))
            await self._helper.prepare(flow, placed[0], notes_of(live.recorder))

    def request(self, flow: http.HTTPFlow) -> None:
        """The request is complete. Where a scenario is played, this is its turn."""
        if flow.live and not is_ours(flow):
            with self._guard("a request"):
                self._helper.on_request(flow)
        player = self._session.player
        if player is not None and flow.live and flow.response is None:
            with self._guard("a request to the scenario"):
                player.answer(flow, time.time())

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        """Decide whether the answer's body is kept for a moment or only counted."""
        if is_ours(flow):
            self._sender.answered(flow)
        elif self._session.live is not None:
            with self._guard("an answer"):
                self._session.live.answered(flow)
                self._helper.on_response_headers(flow)

    async def response(self, flow: http.HTTPFlow) -> None:
        """The exchange is complete, unless its answer can be bettered."""
        live = self._session.live
        if live is None:
            return
        if not is_ours(flow):
            with self._guard("an answer"):
                self._helper.note_leads(flow)
        await self._helper.on_response(flow, live.opened(flow), notes_of(live.recorder))
        self._end(flow)

    def error(self, flow: http.HTTPFlow) -> None:
        """The exchange broke off."""
        self._helper.on_error(flow)
        self._end(flow)

    def _end(self, flow: http.HTTPFlow) -> None:
        if self._session.live is not None:
            with self._guard("an exchange"):
                self._session.live.end(flow)

    def _is_admitted(self, flow: http.HTTPFlow) -> bool:
        """Whether the proxy is for the client."""
        return self._admission is None or self._admission.admits(flow.client_conn)

    # Commands

    @command.command("regauth.report")  # type: ignore[untyped-decorator]
    def report(self, path: types.Path) -> None:
        """Write a report of everything recorded up to now; the file's ending picks the format."""
        if self._session.live is None:
            raise exceptions.CommandError("regauth: nothing is being recorded")
        try:
            file = report_file("regauth.report", path)
        except UserError as error:
            raise exceptions.CommandError(str(error)) from None
        recorder = self._session.live.recorder
        for complaint in reports.write_reports(recorder.journal(), [file], recorder.redactor):
            raise exceptions.CommandError(complaint)
        _log.log(ALERT, "regauth: report written to %s", file.path.name if file.path is not None else file)
