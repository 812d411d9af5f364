"""`regauth run`: one command behind a proxy started for it, and the report about it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Final, TextIO
from urllib.parse import urlsplit

from regauth_core.edge.commands import early_notice, gate
from regauth_core.edge.commands.authority import authority, certificate, trust_bundle
from regauth_core.edge.commands.client_command import (
    routed,
    shows_credentials,
    unrouted,
    upstream_proxy,
    version_command,
)
from regauth_core.edge.commands.command_trust import trusting, upstream_trust
from regauth_core.edge.commands.listeners import Listener
from regauth_core.edge.commands.obstacles import Situation, obstacles
from regauth_core.edge.credentials.keyring import Keyring, sources_of
from regauth_core.edge.errors import UserError
from regauth_core.edge.files import reason, scratch
from regauth_core.edge.mitm.addon import RegAuth
from regauth_core.edge.mitm.admission import Admission
from regauth_core.edge.mitm.background import BackgroundProxy
from regauth_core.edge.mitm.hindrances import Hindrances
from regauth_core.edge.mitm.identity import Identities
from regauth_core.edge.mitm.inject_mode import Inject
from regauth_core.edge.mitm.upstream_trust import UpstreamVerifier
from regauth_core.edge.outputs.report_file import ReportFile
from regauth_core.edge.outputs.reports import cleaned, print_summary, tell_github, write_reports
from regauth_core.model.finding import Severity
from regauth_core.model.journal import Journal
from regauth_core.redaction.redactor import Redactor
from regauth_core.report.terminal.summary import Detail

_DRAIN: Final = 0.3
"""Seconds that answers may take to arrive after the command has ended."""
_PROOF: Final = 60.0
"""Seconds that proving what was found may take after the command has ended."""
_STREAMED: Final = "16m"
"""The size from which on a body of any kind is passed on instead of held."""
_NOT_EXECUTABLE: Final = 126
_NOT_FOUND: Final = 127
"""As env(1) and timeout(1) have them."""
_VERSION_TIME: Final = 5.0
_VERSION_SIZE: Final = 2000
_VERSION_LINES: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to run and what to do with what is seen."""

    command: tuple[str, ...]
    scenario: Path | None = None
    trace: Path | None = None
    quiet_time: float = 30.0
    anonymize: frozenset[str] = frozenset()
    reports: tuple[ReportFile, ...] = ()
    fail_on: Severity | None = None
    credentials_known: bool = False
    """The client holds credentials, whatever its command line shows."""
    inject: Inject = Inject.OFF
    credentials: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    trust: tuple[str, ...] = ()
    shim: tuple[str, ...] = ()
    registry_ca: tuple[Path, ...] = ()
    """Files of certificates that registries may have, beside what the command trusts."""
    insecure_registries: tuple[str, ...] = ()
    """As ``HOST`` or ``HOST:PORT``."""
    listeners: tuple[Listener, ...] = ()
    verbose: bool = False
    """Every exchange and finding is shown before the verdict."""
    one_stream: bool = False
    """What the command says on stderr comes out on stdout, in its place."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What came of it."""

    status: int
    """The command's exit status, as a shell gives it: 128 and the signal's number where one ended it."""
    journal: Journal
    redactor: Redactor


def run(plan: Plan, environment: Mapping[str, str], out: TextIO) -> int:
    """Run the command, show on `out` what was seen, write the reports; the exit status. Raises `UserError`."""
    with forwarding() as forward:
        with early_notice.shown(out):
            observed = observe_command(plan, environment, forward)
        # The files first: the reader of our output may have left.
        clean = cleaned(observed.journal, observed.redactor)
        complaints = write_reports(clean, plan.reports, observed.redactor)
        out.write("\n")  # the command may have left its last line open
        print_summary(
            clean,
            observed.redactor,
            out,
            more=str(plan.trace or ""),
            detail=Detail.ALL if plan.verbose else Detail.VERDICT,
            report=str(plan.reports[0]) if plan.reports else "",
        )
    refused = tell_github(clean, observed.redactor, environment, out)
    for complaint in (*complaints, *([refused] if refused else [])):
        print(f"regauth: {complaint}", file=out)
    return gate.status(observed.journal, plan.fail_on) or observed.status or (2 if complaints else 0)


class Forward:
    """Hands signals on to the command while it runs."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self._interrupted = False

    def __call__(self, number: int, _: FrameType | None) -> None:
        """The handler. Before the command has begun, and once it has ended, it is for us: we end."""
        if self.process is None or self.process.returncode is not None:
            raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)
        # A terminal sends Ctrl-C to the command as well, and many take the second one for an order to die at once.
        if number == signal.SIGINT and not self._interrupted and _in_foreground():
            self._interrupted = True
            return
        with contextlib.suppress(OSError):
            self.process.send_signal(number)


def observe_command(plan: Plan, environment: Mapping[str, str], forward: Forward) -> Observed:
    """Run the command behind the proxy; its standard streams are ours. Raises `UserError`."""
    program = _program(plan.command[0], environment)
    with authority(environment) as confdir, scratch() as directory:
        bundle = directory / "trusted.pem"
        bundle.write_text(trust_bundle(confdir, environment), "utf-8")
        known = plan.credentials_known or shows_credentials(plan.command)
        complaints: list[str] = []
        keyring = _keyring(plan, environment, complaints.append)
        trust = upstream_trust(
            plan.command,
            environment,
            directory / "upstream.pem",
            authorities=plan.registry_ca,
            insecure=plan.insecure_registries,
            insecure_of_ours="unverified" in plan.trust,
        )
        command = trusting(plan.command, certificate(confdir), directory)
        identities = Identities()
        admission = Admission(identities.process)
        verifier = UpstreamVerifier(trust, directory)
        hindrances = Hindrances(admission.admits, verifier.reason)
        addon = RegAuth(
            embedded=True,
            credentials_known=known,
            command=plan.command,
            keyring=keyring,
            identities=identities,
            admission=admission,
        )
        proxy = BackgroundProxy(
            addon, confdir, _options(plan, environment, trust.bundle), first=admission, others=(verifier, hindrances)
        )
        try:
            port = proxy.start()
            variables = routed(environment, admission.url(port), bundle)
            if plan.listeners:  # also for those who do use a proxy for this machine: else they come twice
                variables |= dict.fromkeys(("NO_PROXY", "no_proxy"), "localhost,127.0.0.1,::1")
            process = _started(program, command, plan, variables)
            forward.process, admission.command = process, process.pid
            version = _Version(plan.command, program, environment)
            returned = process.wait()
            deadline = time.monotonic() + _DRAIN
            while not addon.live().is_idle() and time.monotonic() < deadline:
                time.sleep(0.01)
            proxy.perform(addon.prove(), _PROOF)
        finally:
            proxy.stop()
        for complaint in complaints:
            addon.live().recorder.note(addon.live().recorder.redactor.own_text(complaint))
        status = 128 - returned if returned < 0 else returned
        recorder = addon.live().recorder
        situation = Situation(
            command=plan.command,
            environment=environment,
            authority=certificate(confdir),
            hindrances=hindrances,
            is_seen=bool(recorder.count),
            others_refused=bool(admission.refused),
        )
        found = obstacles(situation, recorder.redactor)
        recorder.environment = replace(recorder.environment, obstacles=found)
        journal = addon.finish(status=status, client_version=version.text())
        return Observed(status, journal, addon.live().recorder.redactor)


def _keyring(plan: Plan, environment: Mapping[str, str], complain: Callable[[str], None]) -> Keyring | None:
    """The credentials that the plan names; asks for what is to be typed before the command has the terminal."""
    if not plan.credentials:
        return None
    keyring = Keyring(sources_of("run: --credentials", plan.credentials, environment), environment, complain=complain)
    keyring.prompt()
    return keyring


def _program(name: str, environment: Mapping[str, str]) -> str:
    """The file that `name` means, as a shell would find it."""
    found = shutil.which(name, path=environment.get("PATH"))
    if found is not None:
        return found
    if os.sep in name and Path(name).exists():
        raise UserError(f"run: not executable: {name}", status=_NOT_EXECUTABLE)
    if len(name.split()) > 1:
        line = name.replace("'", "'\\''")
        raise UserError(f"run: command not found; for a shell line: regauth run -- sh -c '{line}'", status=_NOT_FOUND)
    raise UserError(f"run: command not found: {name}", status=_NOT_FOUND)


def _started(program: str, command: Sequence[str], plan: Plan, variables: Mapping[str, str]) -> subprocess.Popen[bytes]:
    errors = sys.stdout.fileno() if plan.one_stream else None
    try:
        # Running what the user named is the purpose.
        return subprocess.Popen(command, executable=program, env=variables, stderr=errors)  # noqa: S603
    except OSError as error:
        raise UserError(f"run: {plan.command[0]}: {reason(error)}", status=_NOT_EXECUTABLE) from None


def _options(plan: Plan, environment: Mapping[str, str], bundle: Path) -> dict[str, str | bool | list[str]]:
    """mitmproxy's options: ours, and that upstream it is trusted what the command itself would trust."""
    options: dict[str, str | bool | list[str]] = {
        "regauth_quiet_time": f"{plan.quiet_time:g}",
        "regauth_anonymize": sorted(plan.anonymize),
        "regauth_inject": plan.inject.value,
        "regauth_credentials": list(plan.credentials),
        "regauth_allow": list(plan.allow),
        "regauth_trust": list(plan.trust),
        "regauth_shim": list(plan.shim),
        # An answer that does not say how long it is may never end.
        "stream_large_bodies": _STREAMED,
    }
    if plan.scenario is not None:
        options["regauth_scenario"] = str(plan.scenario)
    if plan.trace is not None:
        options["regauth_trace"] = str(plan.trace)
    options["ssl_verify_upstream_trusted_ca"] = str(bundle)
    modes = ["regular"]
    if plan.scenario is None and (proxy := upstream_proxy(environment)) is not None:
        parts = urlsplit(proxy)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UserError("run: HTTPS_PROXY: expected the URL of an http or https proxy")
        port = parts.port or (443 if parts.scheme == "https" else 8080)
        modes = [f"upstream:{parts.scheme}://{parts.hostname}:{port}"]
        if parts.username:
            options["upstream_auth"] = f"{parts.username}:{parts.password or ''}"
    options["mode"] = [*modes, *(one.mode() for one in plan.listeners)]
    # Else a registry would name itself in the addresses of uploads, and they would go round us.
    options["keep_host_header"] = bool(plan.listeners)
    return options


class _Version:
    """Asks the client for its version while it works."""

    def __init__(self, command: Sequence[str], program: str, environment: Mapping[str, str]) -> None:
        self._text: str | None = None
        asked = version_command(command)
        self._thread = None
        if asked is not None:
            self._thread = threading.Thread(
                target=self._ask, args=((program, *asked[1:]), unrouted(environment)), daemon=True
            )
            self._thread.start()

    def text(self) -> str | None:
        """What it said, at most a few lines; `None` where it was not asked or did not say."""
        if self._thread is not None:
            self._thread.join(_VERSION_TIME + 1)
        return self._text

    def _ask(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            done = subprocess.run(  # noqa: S603  (the same program)
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=_VERSION_TIME,
                check=True,
            )
            lines = done.stdout[:_VERSION_SIZE].decode("utf-8", "replace").split("\n")
            # One line, because that is what redacted text is.
            self._text = "; ".join(" ".join(line.split()) for line in lines[:_VERSION_LINES] if line.strip()) or None


@contextlib.contextmanager
def forwarding() -> Iterator[Forward]:
    """While inside, the signals that end programs go to the command, so that the rest is still done."""
    forward = Forward()
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, forward) for number in numbers}
    try:
        yield forward
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _in_foreground() -> bool:
    """Whether a terminal's Ctrl-C goes to us and to what we run."""
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError):
        return False
