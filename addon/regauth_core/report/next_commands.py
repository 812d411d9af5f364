"""What to run next: commands made of the words that the user typed, for the client and the registry in question."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from regauth_core.model import Exchange
from regauth_core.model.finding import Confidence, Fault, Finding
from regauth_core.model.outcome import NextCommand, Open, Step, Verdict
from regauth_core.report.programs import Program, login_command, shell_line
from regauth_core.report.text import visible

_MISLED = frozenset({"ping-derived-auth"})
"""Causes against which it helps that the ping asks for a login."""
_RIGHTS = frozenset({"insufficient-scope", "denied", "no-access", "token-scope-reduced"})
_READING = ("GET", "HEAD")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What a command has to fit."""

    verdict: Verdict
    reason: Open | None
    finding: Finding | None
    program: Program
    words: tuple[str, ...]
    """The command that was watched; empty where there was none."""
    scenario: str | None
    host: str
    """The registry as one types it; empty where none was seen."""
    repository: str | None
    exchange: Exchange | None
    """The one that matters most."""


def next_commands(case: Case) -> tuple[NextCommand, ...]:
    """Commands for a user to run, the most useful first; none where nothing has to be done."""
    found = {one.command: one for one in reversed([*_commands(case)]) if one.command}
    return tuple(reversed(found.values()))


def _commands(case: Case) -> Iterator[NextCommand]:
    if case.verdict is Verdict.NOT_LOGGED_IN:
        yield _login(case)
        yield _whoami(case)
    elif case.verdict is Verdict.REGAUTH_IN_THE_WAY:
        yield NextCommand(step=Step.WITHOUT_REGAUTH, command=shell_line(case.words))
    elif case.verdict is Verdict.INCONCLUSIVE:
        yield _run(case, Step.AGAIN)
    elif case.verdict is Verdict.NOT_AUTHENTICATION:
        yield _ask(case)
    elif case.verdict is Verdict.REFUSED:
        yield from _refused(case)


def _refused(case: Case) -> Iterator[NextCommand]:
    finding = case.finding
    fault = finding.fault if finding is not None else Fault.UNKNOWN
    if finding is not None and finding.cause in _MISLED and finding.confidence is Confidence.MEDIUM:
        yield _login(case)  # whether there is a login is not known
    if finding is not None and finding.cause in _MISLED and case.program.takes_shim:
        image = f"{case.host}/{case.repository}" if case.repository else case.host
        yield _run(case, Step.SHIM, "--inject", "shim", "--shim", image)
    if fault is Fault.CLIENT:
        yield _run(case, Step.VERIFY, "--inject", "verify", "--credentials", f"prompt:{case.host}")
        yield _other_client(case)
    elif fault is Fault.CREDENTIALS:
        if finding is None or finding.cause not in _RIGHTS:
            yield _login(case)
        yield _whoami(case)
    else:
        yield _ask(case)
    if fault is not Fault.CLIENT:
        yield _run(case, Step.AGAIN)


def _run(case: Case, step: Step, *options: str) -> NextCommand:
    if not case.words or (options and not case.host):
        return NextCommand(step=step, command="")
    scenario = ("--scenario", case.scenario) if case.scenario else ()
    return NextCommand(step=step, command=shell_line(("regauth", "run", *options, *scenario, "--", *case.words)))


def _login(case: Case) -> NextCommand:
    if not case.program.login and case.verdict is Verdict.REFUSED:
        return _ask(case)  # its login is in the command already, and curl asks for another one
    return NextCommand(step=Step.LOGIN, command=login_command(case.program, case.host, case.words) if case.host else "")


def _whoami(case: Case) -> NextCommand:
    if not (case.program.finder and case.host):
        return NextCommand(step=Step.WHOAMI, command="")
    image = f"{case.host}/{case.repository}" if case.repository else case.host
    return NextCommand(step=Step.WHOAMI, command=shell_line(("regauth", "whoami", "--as", case.program.finder, image)))


def _other_client(case: Case) -> NextCommand:
    """A client that answers every challenge, and asks for a password where it needs one."""
    if not (case.host and case.repository) or case.program.name == "oras":
        return NextCommand(step=Step.OTHER_CLIENT, command="")
    command = shell_line(("oras", "repo", "tags", "-u", "$REG_USER", f"{case.host}/{case.repository}"))
    return NextCommand(step=Step.OTHER_CLIENT, command=command)


def _ask(case: Case) -> NextCommand:
    exchange = case.exchange
    if (
        exchange is None
        or 200 <= exchange.status < 300
        or exchange.request.method not in _READING
        or "://" not in exchange.request.url
    ):
        return NextCommand(step=Step.ASK, command="")
    login = ("-u", "$REG_USER") if any(one.scheme == "basic" for one in exchange.request.credentials) else ()
    head = ("--head",) if exchange.request.method == "HEAD" else ()
    url = visible(exchange.request.url, 1000)
    return NextCommand(step=Step.ASK, command=shell_line(("curl", "-i", *head, *login, url)))
