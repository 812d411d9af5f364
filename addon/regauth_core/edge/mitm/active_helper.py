"""What regauth does with requests at present: the injector or the shim that the options ask for, and the proofs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from mitmproxy import ctx, http
from mitmproxy.connection import Client

from regauth_core.edge.credentials.keyring import Keyring, sources_of
from regauth_core.edge.mitm.addressed import Names
from regauth_core.edge.mitm.admission import Admission
from regauth_core.edge.mitm.callers import CallerReader
from regauth_core.edge.mitm.guard import Guard
from regauth_core.edge.mitm.identity import Identities
from regauth_core.edge.mitm.inject_mode import Inject
from regauth_core.edge.mitm.injection import Injector
from regauth_core.edge.mitm.notes import Notes
from regauth_core.edge.mitm.options import Settings
from regauth_core.edge.mitm.recorder import Recorder
from regauth_core.edge.mitm.shim import Shim
from regauth_core.edge.mitm.subrequests import RequestSender
from regauth_core.model.finding import Finding
from regauth_core.recording.traffic import Destination

INJECTION_OPTIONS: Final = frozenset(
    {f"regauth_{name}" for name in ("inject", "credentials", "clients", "allow", "trust", "manner", "shim")}
)
"""The options that decide which helper there is, and how it works."""


class Helper(Protocol):
    """What acts on the requests of clients and their answers."""

    async def prepare(self, flow: http.HTTPFlow, place: Destination, notes: Notes) -> None:
        """The head of a request is there, and does not go out before this ends."""

    def on_response_headers(self, flow: http.HTTPFlow) -> None:
        """The head of the answer is there."""

    async def on_response(self, flow: http.HTTPFlow, place: Destination, notes: Notes, number: int) -> None:
        """The answer is there, and does not go to the client before this ends; `number` is the exchange's."""

    def on_error(self, flow: http.HTTPFlow) -> None:
        """The exchange broke off."""


class ActiveHelper:
    """Chooses the helper by the options, and hands it what passes. A request keeps the helper that it began with."""

    def __init__(
        self,
        sender: RequestSender,
        guard: Guard,
        identities: Identities,
        *,
        admission: Admission | None = None,
        keyring: Keyring | None = None,
    ) -> None:
        """`keyring` is used in place of one for the sources in the options."""
        self._sender = sender
        self._guard = guard
        self._identities = identities
        self._admission = admission
        self._keyring = keyring
        self._mode = Inject.OFF
        self.injector: Injector | None = None
        self._shim: Shim | None = None
        self._names: Names | None = None
        self._helpers: dict[str, Helper] = {}
        """By flow: the helper of each request that is under way, whatever the options say when it ends."""
        self._proofs: set[asyncio.Task[None]] = set()

    def choose(self, settings: Settings, complain: Callable[[str], None]) -> None:
        """The options have changed. `complain` gets what is wrong with a source of credentials, at any later time.

        Raises `UserError` where a source cannot be used.
        """
        self.injector = self._shim = None
        self._mode = settings.inject
        if settings.inject is Inject.SHIM:
            self._shim = Shim(settings.shim, self._sender)
        elif settings.inject is not Inject.OFF:
            keyring = self._keyring
            if keyring is None:
                sources = sources_of("regauth_credentials", settings.credentials, os.environ)
                keyring = Keyring(sources, os.environ, complain=complain)
                keyring.prompt()
            self.injector = Injector(
                settings.inject,
                keyring,
                settings.trust,
                self._sender,
                auth_settings=settings.auth_settings,
                callers=settings.callers,
                caller_of=CallerReader(self._identities, self._noted_names(), self._admission).read,
            )

    def _noted_names(self) -> Names:
        """Reads by what name a reverse proxy is addressed, for connections from now on."""
        if self._names is None:
            self._names = Names()
            ctx.master.addons.add(self._names)
        return self._names

    def end(self) -> None:
        """Nothing more comes."""
        if self._names is not None:
            ctx.master.addons.remove(self._names)
            self._names = None

    # What passes

    def on_request_head(self, flow: http.HTTPFlow) -> None:
        """Any request has arrived, up to its head, before it is known whether it is recorded."""
        if self.injector is not None and flow.live:
            self.injector.connections.saw(flow)

    async def prepare(self, flow: http.HTTPFlow, place: Destination, notes: Notes) -> None:
        """A recorded request is about to go out."""
        helper: Helper | None = self.injector or self._shim
        if helper is not None:
            self._helpers[flow.id] = helper
            await helper.prepare(flow, place, notes)

    def on_request(self, flow: http.HTTPFlow) -> None:
        """A request of a client is there with its body."""
        if self.injector is not None:
            self.injector.complete(flow)

    def on_response_headers(self, flow: http.HTTPFlow) -> None:
        """The head of an answer is there."""
        self._note_leads(flow, is_whole=False)
        helper = self._helpers.get(flow.id)
        if helper is not None:
            helper.on_response_headers(flow)

    def note_leads(self, flow: http.HTTPFlow) -> None:
        """An answer is there, recorded or not."""
        self._note_leads(flow, is_whole=True)

    async def on_response(self, flow: http.HTTPFlow, opened: tuple[int, Destination] | None, notes: Notes) -> None:
        """The answer is there; `opened`: the number of the exchange and its place, if it is recorded."""
        helper = self._helpers.pop(flow.id, None)
        if helper is not None and opened is not None:
            with self._guard("an answer to a challenge"):
                await helper.on_response(flow, opened[1], notes, opened[0])

    def on_error(self, flow: http.HTTPFlow) -> None:
        """The exchange broke off."""
        helper = self._helpers.pop(flow.id, None)
        if helper is not None:
            helper.on_error(flow)

    def on_disconnect(self, client: Client) -> None:
        """A client has closed a connection."""
        if self.injector is not None:
            self.injector.connections.closed(client)

    def _note_leads(self, flow: http.HTTPFlow, *, is_whole: bool) -> None:
        if self.injector is not None:
            process = self._identities.process_now(flow.client_conn)
            self.injector.note_leads(flow, process.number if process is not None else None, is_whole=is_whole)

    # Proofs

    @property
    def is_proving(self) -> bool:
        """Whether findings are to be proved."""
        return self._mode is Inject.VERIFY

    def begin_proofs(self, findings: Sequence[Finding], recorder: Recorder) -> None:
        """Findings have become certain; prove them beside the traffic, if that is wanted."""
        if self.is_proving:
            task = asyncio.ensure_future(self.prove(findings, recorder))
            self._proofs.add(task)
            task.add_done_callback(self._proofs.discard)

    async def finish_proofs(self) -> None:
        """Wait for those that have begun."""
        await asyncio.gather(*self._proofs)

    async def prove(self, findings: Sequence[Finding], recorder: Recorder) -> None:
        """Prove what can be proved of `findings`, one after the other."""
        for finding in findings:
            with self._guard("a proof"):
                if self.injector is None or not recorder.is_provable(finding):
                    continue
                proof = await self.injector.verifier.prove(finding, notes_of(recorder))
                if proof is not None:
                    recorder.prove(proof)


def notes_of(recorder: Recorder) -> Notes:
    """The notes of what is being recorded."""
    return Notes(recorder.redactor, recorder.note)
