"""What a stranger's file says of its making."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kit import journals
from regauth_core.edge.commands.diagnose import journal_of
from regauth_core.edge.mitm.recorder import environment
from regauth_core.edge.outputs.reports import report_text
from regauth_core.model.journal import Environment
from regauth_core.recording.environment import UNKNOWN, understood
from regauth_core.redaction.redactor import Redactor
from regauth_core.report import ENDINGS

MARKUP = ("<img src=//evil.test/a.png>", "@somebody see #1", "![x](//evil.test/i)", "</details><h1>x</h1>", "1.0`x`")


@pytest.mark.parametrize("version", ["0.1.0", "9.9", "12.3.1", "13.0.0.dev", "0.1.0.dev3+g123abc", "1.0rc1"])
def test_a_version_is_believed(version: str) -> None:
    """Whatever a release or a build of it may be called."""
    one = Environment(regauth=version, mitmproxy=version, platform="Linux x86_64")
    assert understood(one) == one


def test_this_process_believes_itself() -> None:
    """What is written now can be read tomorrow."""
    assert understood(environment()) == environment()


@pytest.mark.parametrize("text", [*MARKUP, "", "x", "1.0 1.0", "1" * 41])
def test_anything_else_is_not(text: str) -> None:
    """No part of it is shown."""
    assert understood(Environment(regauth=text, mitmproxy=text, platform=text)) == Environment(regauth=UNKNOWN)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("text", MARKUP)
def test_no_report_shows_the_version_of_a_strangers_file(text: str, ending: str, tmp_path: Path) -> None:
    """Neither of a trace nor of a HAR file that says it is ours."""
    made = {"regauth": text, "mitmproxy": text, "platform": text}
    trace, har = tmp_path / "a.trace", tmp_path / "a.har"
    head = {"schema": "regauth.trace/1", "started": 1, "quiet_time": 30, "credentials_known": False}
    trace.write_text(json.dumps(head | {"environment": made}) + "\n")
    own = json.loads(report_text(journals.per_repository(), "x.har.json", Redactor(b"k" * 32)))
    own["log"]["_regauth"]["environment"] = made
    har.write_text(json.dumps(own))
    for path in (trace, har):
        journal, redactor = journal_of([path])
        assert text not in report_text(journal, f"x{ending}", redactor)
