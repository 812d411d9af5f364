"""A recording from the options that begin it to the reports that end it."""

from __future__ import annotations

import logging
import secrets
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from mitmproxy import ctx, http
from mitmproxy.log import ALERT

from regauth_core.edge.errors import UserError
from regauth_core.edge.mitm.active_helper import INJECTION_OPTIONS, ActiveHelper
from regauth_core.edge.mitm.guard import Guard
from regauth_core.edge.mitm.live import Live
from regauth_core.edge.mitm.options import Settings
from regauth_core.edge.mitm.recorder import Recorder
from regauth_core.edge.mitm.scenario_player import ScenarioPlayer
from regauth_core.edge.outputs import reports
from regauth_core.edge.outputs.trace import TraceWriter
from regauth_core.model.finding import Finding
from regauth_core.model.journal import Journal
from regauth_core.recording.traffic import Watch
from regauth_core.redaction.redactor import Redactor
from regauth_core.simulate.registry import Registry

_FIXED: Final = frozenset({"regauth_trace", "regauth_quiet_time", "regauth_anonymize"})
"""Options that cannot change once something was recorded."""

_log = logging.getLogger(__name__)


class RecordingSession:
    """The settings in force, and the recording that is made by them."""

    def __init__(
        self, helper: ActiveHelper, guard: Guard, *, credentials_known: bool = False, command: Sequence[str] = ()
    ) -> None:
        """`command` is the one to be watched; `credentials_known`: its operator says that it has credentials."""
        self.settings = Settings()
        self.live: Live | None = None
        self.player: ScenarioPlayer | None = None
        """Answers in the place of a registry, while a scenario is played."""
        self._helper = helper
        self._guard = guard
        self._credentials_known = credentials_known
        self._command = tuple(command)

    # Its beginning, and the options

    def begin(self) -> None:
        """Record from now on, if that has not begun."""
        if self.live is None:
            self.live = self._recording(self.settings)

    def apply(self, settings: Settings, changed: set[str]) -> None:
        """Go on with other settings. Raises `UserError` and keeps the old ones where that is not possible."""
        before, self.settings = self.settings, settings
        is_new = self.live is None
        if is_new or before != settings and not changed.isdisjoint(_FIXED):
            if self.live is not None and self.live.recorder.count:
                self.settings = before
                raise UserError(
                    f"{', '.join(sorted(_FIXED))} cannot change while recording; restart with the new value"
                )
            self.live = self._recorded_anew(before, settings)
        elif self.live is not None and settings.hosts != before.hosts:
            self.live.watch = Watch(settings.hosts)
        if is_new or not changed.isdisjoint(INJECTION_OPTIONS):
            self._helper.choose(settings, self._complain)
        if self.live is not None and "regauth_scenario" in changed:
            self._play(settings)
            name = settings.scenario_name
            recorder = self.live.recorder
            recorder.environment = replace(
                recorder.environment, scenario=recorder.redactor.own_text(name) if name else None
            )

    def _recorded_anew(self, before: Settings, settings: Settings) -> Live:
        """A recording in the place of one that has nothing yet, which keeps its trace if there is no new one."""
        old = self.live
        if old is not None and before.trace == settings.trace:
            old.recorder.abandon()
        new = self._recording(settings)
        if old is not None:
            old.recorder.abandon()
        return new

    def _recording(self, settings: Settings) -> Live:
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
        live.on_findings = self._on_findings
        return live

    def _on_findings(self, findings: Sequence[Finding]) -> None:
        if self.live is not None:
            self._helper.begin_proofs(findings, self.live.recorder)

    def _complain(self, line: str) -> None:
        """Something is wrong with a source of credentials: log it, and note it for the reports."""
        _log.warning("regauth: %s", line)
        if self.live is not None:
            self.live.recorder.note(self.live.recorder.redactor.own_text(line))

    def _play(self, settings: Settings | None) -> None:
        """Put the scenario's registry in the place of its hosts, or take it away."""
        if self.player is not None:
            ctx.master.addons.remove(self.player)
            self.player = None
        if settings is not None and settings.scenario is not None:
            self.player = ScenarioPlayer(Registry(settings.scenario, secret=secrets.token_bytes(32)))
            ctx.master.addons.add(self.player)

    def is_played(self, flow: http.HTTPFlow) -> bool:
        """Whether the request is for a host in whose place the scenario answers."""
        return self.player is not None and self.player.serves(flow.request.host, flow.request.port)

    # Its end

    async def prove(self, *, all_gone: bool) -> None:
        """Prove what is certain if the recording ends now; `all_gone` as for `Live.finish`."""
        if self._helper.is_proving and self.live is not None:
            await self._helper.finish_proofs()
            await self._helper.prove(self.live.foreseen(time.time(), all_gone=all_gone), self.live.recorder)

    def interrupt(self) -> None:
        """The proxy stops, and the scenario with it: requests without an answer get none."""
        self._play(None)
        self._helper.end()
        if self.live is not None:
            with self._guard("unanswered requests"):
                self.live.interrupt()

    def finish(self, live: Live, *, status: int | None = None, client_version: str | None = None) -> Journal:
        """Everything that `live` recorded; nothing is any more.

        For the command that was watched: its exit status, and what it says its version is.
        """
        recorder = live.recorder
        if self._guard.failures:
            recorder.note(f"{self._guard.failures} messages could not be examined because of an error in regauth")
        redactor = recorder.redactor
        version = redactor.own_text(client_version) if client_version else None
        # Once more, now that all names are known that may have pseudonyms.
        command = redactor.command(self._command) if self._command else None
        recorder.environment = replace(recorder.environment, status=status, client_version=version, command=command)
        return live.finish(time.time(), all_gone=status is not None)

    def report(self) -> None:
        """Finish the recording, write its reports, and print the summary."""
        if self.live is None:
            return
        journal = self.finish(self.live)
        redactor = self.live.recorder.redactor
        clean, settings = reports.cleaned(journal, redactor), self.settings
        for complaint in reports.write_reports(clean, settings.reports, redactor):
            print(f"regauth: {complaint}", file=sys.stderr)
        if not ctx.master.should_exit.is_set():
            _log.log(ALERT, "regauth: this recording ends here; a new one begins")
        elif journal.exchanges or journal.diagnosis.notes:
            written = next((str(path) for path in settings.reports), "")
            reports.print_summary(clean, redactor, sys.stderr, more=str(settings.trace or ""), report=written)
        else:
            print("regauth: no registry traffic was seen", file=sys.stderr)
