"""`regauth demo`: regauth finds the bug that it was made for, and accuses no client without it."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

import regauth_core
from regauth_core.edge.commands import reference_clients
from regauth_core.edge.commands.run import Forward, Observed, Plan, forwarding, observe_command
from regauth_core.edge.outputs.reports import print_summary
from regauth_core.edge.scenarios import scenario_path
from regauth_core.model.finding import Severity
from regauth_core.redaction.redactor import Redactor

_SCENARIO: Final = "per-repository-basic"
_LOGIN: Final = "alice:wonder-land"
_TARGET: Final = "registry.test/foo"
_RULE: Final = "challenge-ignored"
_CAUSE: Final = "ping-derived-auth"

_PROLOGUE: Final = """\
A registry answers the ping, GET /v2/, without a password, but wants one for the
repository foo. It is played inside the proxy: no port is opened and no name is
looked up, but the TLS is real. The password is correct.
"""
_FIRST: Final = "1. A client that expects challenges only on the ping"
_SECOND: Final = "2. A client that answers the challenge"
_FOUND: Final = """\
The client said the password was wrong. The registry never saw one: it asked in
exchange {exchange}, and the client did not answer. That is what regauth is for.
"""
_EPILOGUE: Final = """
Now try your own client and registry:
  regauth run -- skopeo list-tags docker://HOST/REPOSITORY
"""
_PEACE: Final = "The same registry, the same password, and no finding.\n"


@dataclass(frozen=True, slots=True)
class _Client:
    shown: str
    command: tuple[str, ...]
    environment: Mapping[str, str]


def demo(environment: Mapping[str, str], out: TextIO) -> int:
    """Show both clients on `out`; 0 if the first has the finding and the second has none, else 1.

    Raises `UserError` where the proxy cannot start.
    """
    with forwarding() as forward:
        out.write(f"{_PROLOGUE}\n")
        first = _observed(_FIRST, _ping_first(environment), forward, out)
        print_summary(first.journal, first.redactor, out)
        found = [f for f in first.journal.diagnosis.findings if f.rule == _RULE and f.cause == _CAUSE]
        caught = len(found) == 1 and found[0].severity is Severity.ERROR and first.status != 0
        out.write("\n" + (_FOUND.format(exchange=found[0].exchanges[-1]) if caught else "regauth missed the bug.\n"))
        out.write("\n")
        second = _observed(_SECOND, _challenge_first(environment), forward, out)
        print_summary(second.journal, second.redactor, out)
        peace = second.status == 0 and bool(second.journal.exchanges) and not second.journal.diagnosis.findings
        out.write("\n" + (_PEACE if peace else "regauth accused a correct client.\n"))
        out.write(_EPILOGUE)
    return 0 if caught and peace else 1


def _observed(title: str, client: _Client, forward: Forward, out: TextIO) -> Observed:
    out.write(f"{title}\n$ {client.shown}\n")
    out.flush()
    plan = Plan(command=client.command, scenario=scenario_path(_SCENARIO), credentials_known=True, one_stream=True)
    observed = observe_command(plan, client.environment, forward)
    out.write(f"(exit status {observed.status})\n\n")
    return observed


def _ping_first(environment: Mapping[str, str]) -> _Client:
    if shutil.which("skopeo", path=environment.get("PATH")):
        command = ("skopeo", "list-tags", "--creds", _LOGIN, f"docker://{_TARGET}")
        return _Client(_redacted(command), command, environment)
    return _ours(reference_clients.TRUSTS_PING, environment)


def _challenge_first(environment: Mapping[str, str]) -> _Client:
    if shutil.which("oras", path=environment.get("PATH")):
        user, _, password = _LOGIN.partition(":")
        command = ("oras", "repo", "tags", "--username", user, "--password", password, _TARGET)
        return _Client(_redacted(command), command, environment)
    return _ours(reference_clients.ANSWERS_CHALLENGE, environment)


def _redacted(command: tuple[str, ...]) -> str:
    return Redactor(secrets.token_bytes(32)).command(command)


def _ours(name: str, environment: Mapping[str, str]) -> _Client:
    package = str(Path(regauth_core.__file__).parent.parent)
    paths = [package, *filter(None, [environment.get("PYTHONPATH")])]
    variables = {**environment, reference_clients.LOGIN: _LOGIN, "PYTHONPATH": os.pathsep.join(paths)}
    command = (sys.executable, "-m", reference_clients.__name__, name, _TARGET)
    return _Client(f"{name} {_TARGET}", command, variables)
