"""The script as mitmproxy loads it: from a bare checkout, again when it changes, and until a signal ends it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mitmproxy import version

from kit.canaries import leaks, opaque
from kit.program import ROOT, RUN, Program

Starter = Callable[..., Program]


@pytest.fixture
def start(authority_dir: Path, tmp_path: Path) -> Iterator[Starter]:
    """Starts programs, and ends what a test leaves over. Nothing but the script says where the package is."""
    programs: list[Program] = []
    confdir = tmp_path / "conf"
    shutil.copytree(authority_dir, confdir)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def started(*options: str, script: Path = ROOT / "addon" / "regauth.py", tool: str = "mitmdump") -> Program:
        given = ["--set", "regauth_scenario=per-repository-basic", *options]
        programs.append(Program(script, confdir, environment, tool, given))
        return programs[-1]

    yield started
    for program in programs:
        if program.process.poll() is None:
            program.process.kill()
            program.process.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_summary_and_reports_come_when_a_signal_ends_it(start: Starter, tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C and kill give the summary on stderr and every report, none of which anybody else may read."""
    reports = [tmp_path / "report.md", tmp_path / "report.json"]
    program = start(*(f"--set=regauth_report={path}" for path in reports))
    program.visit("/v2/foo/tags/list")
    assert program.end(number) == 0
    assert "challenge-ignored" in program.err.read_text()
    assert json.loads(reports[1].read_text())["exchanges"] == 1
    assert [path.stat().st_mode & 0o777 for path in reports] == [0o600, 0o600]


def test_nothing_seen_is_said(start: Starter) -> None:
    """Without any registry traffic one line says just that."""
    program = start()
    program.end()
    assert program.err.read_text() == "regauth: no registry traffic was seen\n"


def test_finding_is_told_live(start: Starter) -> None:
    """The line comes while mitmdump runs, without waiting for its end."""
    program = start()
    program.visit("/v2/", "/v2/foo/tags/list")
    program.wait_for("challenge-ignored")


def test_misspelt_option_is_named(start: Starter) -> None:
    """mitmproxy takes any option name; the addon says which of its own do not exist."""
    program = start("--set", "regauth_trcae=x")
    program.wait_for("regauth_trcae: unknown option")


def test_changed_script_loads_everything_again(start: Starter, tmp_path: Path) -> None:
    """Touching the script reloads the package beside it too, and the proxy goes on with the same options."""
    addon = tmp_path / "addon"
    shutil.copytree(ROOT / "addon", addon, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "scenarios", tmp_path / "scenarios")
    report = tmp_path / "report.json"
    shown = tmp_path / "report.md"
    reports = ["--set", f"regauth_report={report}", "--set", f"regauth_report={shown}"]
    program = start(*reports, script=addon / "regauth.py")
    assert program.ask("/v2/foo/tags/list") == 401
    package = addon / "regauth_core" / "__init__.py"
    package.write_text(package.read_text().replace(__import__("regauth_core").__version__, "0.0.reloaded"))
    os.utime(addon / "regauth.py", (time.time() + 5, time.time() + 5))
    program.wait_for("a new one begins")
    assert json.loads(report.read_text())["exchanges"] == 1
    program.visit("/v2/", "/v2/")
    assert program.end() == 0
    assert json.loads(report.read_text())["exchanges"] == 2
    assert "regauth `0.0.reloaded`" in shown.read_text()
    assert "Traceback" not in program.printed()


def test_web_interface_loads_it_too(start: Starter) -> None:
    """mitmweb shows the same traffic and tells the same at its end."""
    program = start("--no-web-open-browser", "--web-port", "0", tool="mitmweb")
    program.visit("/v2/foo/tags/list")
    program.end(signal.SIGTERM)
    assert "challenge-ignored" in program.printed()


def test_flow_file_gives_the_same_as_the_traffic(start: Starter, tmp_path: Path) -> None:
    """What mitmdump has saved with `-w` and reads with `-r` is diagnosed alike, and by the times of the file."""
    saved, live, offline = tmp_path / "flows", tmp_path / "live.json", tmp_path / "offline.json"
    program = start("-w", str(saved), "--set", f"regauth_report={live}")
    program.visit("/v2/", "/v2/foo/tags/list")
    program.visit("/v2/foo/tags/list", Authorization="Basic YWxpY2U6d29uZGVyLWxhbmQ=")
    program.end()
    arguments = ["-n", "-q", "-r", str(saved), "-s", str(ROOT / "addon" / "regauth.py")]
    command = [sys.executable, "-c", RUN.format(tool="mitmdump"), *arguments, "--set", f"regauth_report={offline}"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)  # noqa: S603
    one, other = (json.loads(path.read_text()) for path in (live, offline))
    assert 3 == one["exchanges"] == other["exchanges"]
    assert len(one["clients"]) == 2
    assert one["clients"] == other["clients"]
    assert [finding["rule"] for finding in one["findings"]] == [finding["rule"] for finding in other["findings"]]


def test_nothing_secret_is_printed_or_written(start: Starter, tmp_path: Path) -> None:
    """Planted secrets are in no report, no trace and no line of the addon's. (mitmdump's own lines show URLs.)"""
    secrets = (opaque("script"), opaque("script cookie"))
    trace = tmp_path / "trace"
    report = tmp_path / "report.md"
    program = start("--set", f"regauth_trace={trace}", "--set", f"regauth_report={report}", "--set", "flow_detail=0")
    program.ask("/v2/foo/tags/list", Authorization=f"Bearer {secrets[0]}", Cookie=f"a={secrets[1]}")
    program.end()
    for text in (program.printed(), trace.read_text(), report.read_text()):
        assert text
        assert leaks(text, secrets) == []


@pytest.mark.parametrize(
    ("secret", "outcome", "fault"),
    [("wonder-land", "would-have-worked", "client"), (opaque("login"), "credentials-rejected", "credentials")],
)
def test_what_is_certain_only_at_the_end_is_proved_before_it(
    start: Starter, tmp_path: Path, secret: str, outcome: str, fault: str
) -> None:
    """The client has just gone when mitmdump is told to end."""
    (tmp_path / "login").write_text(f"alice:{secret}")
    report = tmp_path / "report.json"
    source = f"regauth_credentials=file:registry.test={tmp_path / 'login'}"
    given = ("regauth_inject=verify", "regauth_trust=http", source, f"regauth_report={report}")
    program = start(*(word for option in given for word in ("--set", option)))
    program.visit("/v2/", "/v2/foo/tags/list", **{"User-Agent": "skopeo/1.9.3"})
    assert program.end() == 0
    (finding,) = json.loads(report.read_text())["findings"]
    assert (finding["verification"]["outcome"], finding["fault"]) == (outcome, fault)
    assert leaks(program.printed() + report.read_text(), (secret,)) == []


def test_versions_under_test_are_supported() -> None:
    """The tests run with a mitmproxy that the package allows."""
    assert version.VERSION.split(".")[0] in ("11", "12")
