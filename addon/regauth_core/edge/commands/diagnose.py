"""`regauth diagnose`: what saved traffic shows, by the same code as live traffic."""

from __future__ import annotations

import gc
import os
import secrets
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, TextIO

from regauth_core.diagnosis.journal_builder import JournalBuilder
from regauth_core.edge.commands import gate
from regauth_core.edge.errors import where_it_failed
from regauth_core.edge.inputs.captures import Captures
from regauth_core.edge.mitm.recorder import environment
from regauth_core.edge.outputs import reports
from regauth_core.model import Exchange
from regauth_core.model.finding import Severity
from regauth_core.model.journal import Journal, Redaction
from regauth_core.redaction.counts import counted, together
from regauth_core.redaction.redactor import Redactor
from regauth_core.report.terminal.summary import Detail

MAX_EXCHANGES: Final = 20_000
"""Exchanges that are held for reports, the newest; nobody waits for a proxy meanwhile. The diagnosis sees all."""
QUIET_TIME = 30.0


def diagnose(
    paths: Sequence[Path],
    *,
    as_json: bool,
    quiet_time: float | None,
    credentials_known: bool,
    out: TextIO,
    fail_on: Severity | None = None,
    verbose: bool = False,
    errors: TextIO | None = None,
) -> int:
    """Write to `out` what the files show, as text or as JSON (``regauth.findings/1``); the exit status.

    That is 0, or what `gate` says where a level is named in `fail_on`. `verbose` shows what was redacted, too. GitHub
    Actions get their annotation on `errors`. Raises `UserError` where a file cannot be read or is none of the known
    kinds.
    """
    # What is read is dropped at once, and nothing of it refers back to itself: looking for that costs a third.
    gc.set_threshold(100_000, 20, 100)
    journal, redactor = journal_of(paths, quiet_time=quiet_time, credentials_known=credentials_known)
    if as_json:
        out.write(reports.report_text(journal, ".json", redactor))
    else:
        detail = Detail.ALL if verbose else Detail.FINDINGS
        reports.print_summary(journal, redactor, out, more="regauth diagnose --format json", detail=detail)
    if errors is not None and (refused := reports.tell_github(journal, redactor, os.environ, errors)) is not None:
        print(f"regauth: {refused}", file=errors)
    return gate.status(journal, fail_on)


def journal_of(
    paths: Sequence[Path],
    *,
    quiet_time: float | None = None,
    credentials_known: bool = False,
    anonymize: frozenset[str] = frozenset(),
    most_exchanges: int = MAX_EXCHANGES,
) -> tuple[Journal, Redactor]:
    """What the files show together, and the redactor whose sweep the output has to pass.

    `quiet_time` in seconds, by default the trace's own; `anonymize` as for `Redactor`; `most_exchanges` are held for
    showing, the newest. Raises `UserError` where a file cannot be read or is none of the known kinds.
    """
    redactor = Redactor(secrets.token_bytes(32), anonymize=anonymize)
    captures = Captures(paths, redactor)
    recorded = captures.quiet_time if captures.quiet_time is not None else QUIET_TIME
    quiet = recorded if quiet_time is None else quiet_time
    known = credentials_known or captures.credentials_known
    builder = JournalBuilder(
        quiet_time=quiet,
        credentials_known=known,
        most_exchanges=most_exchanges,
        most_others=MAX_EXCHANGES,
        describe_error=where_it_failed,
    )
    for event in captures:
        builder.add(event)
    journal = builder.journal(
        captures.ending,
        captures.environment or environment(),
        _redaction(captures, builder.exchanges, redactor),
        notes=captures.notes,
    )
    return journal, redactor


def _redaction(captures: Captures, exchanges: Sequence[Exchange], redactor: Redactor) -> Redaction | None:
    """What was kept and replaced, when the files were recorded and now."""
    now = redactor.summary()
    if captures.environment is None:
        return now
    if not captures.is_counted:
        return together(counted(exchanges), now)
    before = captures.redaction
    if before is not None and redactor.hides_names:
        # What was shown then is counted anew, as some of it is not shown any more.
        before = replace(before, hosts=0, repositories=0)
    return together(before, now)
