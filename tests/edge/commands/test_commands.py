"""The commands that read what was saved, as one types them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from kit.notation import read
from kit.saved import har_file
from regauth_core.cli import main
from regauth_core.edge.commands.setup import NAMES
from regauth_core.edge.mitm.inject_mode import Inject
from regauth_core.report import ENDINGS

SEEN = """
GET /v2/                     - -> 200
GET /v2/foo/manifests/1      - -> 401 challenge Basic realm="app"
"""
SCHEMA = Path(__file__).parents[3] / "addon" / "regauth_core" / "schema" / "findings.schema.json"


@pytest.fixture
def har(tmp_path: Path) -> str:
    """A HAR file in which a client ignores a challenge."""
    path = tmp_path / "seen.har"
    path.write_text(har_file(read(SEEN, "seen").wires))
    return str(path)


def test_diagnose_tells_the_finding(har: str, capsys: pytest.CaptureFixture[str]) -> None:
    """As text, with the timeline."""
    assert main(["diagnose", har]) == 0
    shown = capsys.readouterr().out
    assert "challenge-ignored" in shown
    assert "/v2/foo/manifests/1" in shown


def test_diagnose_writes_json_of_the_schema(har: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The shipped schema holds for it, and known credentials make it an error."""
    assert main(["diagnose", har, "--format", "json", "--credentials-known"]) == 0
    shown = json.loads(capsys.readouterr().out)
    jsonschema.validate(shown, json.loads(SCHEMA.read_text()))
    assert [(f["rule"], f["severity"], f["exchanges"]) for f in shown["findings"]] == [
        ("challenge-ignored", "error", [1, 2])
    ]


def test_report_writes_what_is_asked_for(har: str, tmp_path: Path) -> None:
    """Several reports of one capture; the endings pick the formats."""
    outputs = [tmp_path / f"report{ending}" for ending in ENDINGS]
    assert main(["report", har, *(word for path in outputs for word in ("-o", str(path)))]) == 0
    assert all("challenge-ignored" in path.read_text() and path.stat().st_mode & 0o777 == 0o600 for path in outputs)


def test_rules_lists_and_explains(capsys: pytest.CaptureFixture[str]) -> None:
    """All of them, or one with its manual page."""
    assert main(["rules"]) == 0
    assert "mount-no-fallback" in capsys.readouterr().out
    assert main(["rules", "mount-no-fallback"]) == 0
    assert "Silent when:" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("named", "heads"),
    [
        ("challenge_ignored", ["challenge-ignored"]),
        ("Challenge-Ignored", ["challenge-ignored"]),
        ("scheme-spelling", ["challenge-ignored"]),
        ("ping-derived-auth", ["challenge-ignored", "challenge-not-retried", "wrong-scheme-sent"]),
    ],
)
def test_cause_leads_to_its_rules(named: str, heads: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A finding shows its cause beside its rule, and either is understood, however it is spelled."""
    assert main(["rules", named]) == 0
    lines = capsys.readouterr().out.splitlines()
    pages = [head for head, line in zip(lines, lines[1:], strict=False) if line and not line.strip("=")]
    assert sorted(pages) == heads


def test_without_a_command_the_commands_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """What to begin with, too."""
    assert main([]) == 0
    shown = capsys.readouterr().out
    assert "whoami" in shown
    assert "regauth demo" in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rnu"], "regauth: unknown command 'rnu'; did you mean run?"),
        (["run", "--injct", "verify"], "regauth run: unrecognized arguments: --injct; did you mean --inject?"),
        (["diagnose", "x", "--fail", "y", "--frmat=z"], "regauth diagnose: unrecognized arguments: --frmat=z; did you"),
        (["diagnose", "x", "--format", "jsn"], "regauth diagnose: --format: 'jsn'; did you mean json?"),
    ],
)
def test_slip_of_the_finger_gets_a_suggestion(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line, status 2."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    complaint = capsys.readouterr().err
    assert ended.value.code == 2
    assert complaint.startswith(said)
    assert complaint.count("\n") == 1


def test_help_says_what_the_modes_do(capsys: pytest.CaptureFixture[str]) -> None:
    """Each of them, in a line that begins with its name."""
    with pytest.raises(SystemExit):
        main(["run", "--help"])
    shown = capsys.readouterr().out
    assert all(re.search(rf"^  {mode}  +\w", shown, re.MULTILINE) for mode in Inject)
    assert max(map(len, shown.splitlines())) <= 80


def test_script_for_mitmproxy_is_where_its_path_says(capsys: pytest.CaptureFixture[str]) -> None:
    """`mitmdump -s "$(regauth addon)"`."""
    assert main(["addon"]) == 0
    assert Path(capsys.readouterr().out.rstrip("\n")).read_text().count("addons") > 0


@pytest.mark.parametrize("module", ["regauth", "regauth_core"])
def test_package_is_a_program(module: str, command_environment: dict[str, str]) -> None:
    """`python -m`, by either name."""
    done = subprocess.run(
        [sys.executable, "-m", module, "--version"], env=command_environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("regauth ")


def test_lack_of_a_package_is_one_line(command_environment: dict[str, str], tmp_path: Path) -> None:
    """mitmproxy in an environment of its own has not all that the addon needs."""
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['msgspec'] = None\n")
    path = os.pathsep.join([str(tmp_path), command_environment["PYTHONPATH"]])
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("mitmdump")),
            "-s",
            "addon/regauth.py",
            "-p",
            "0",
            "--set",
            f"confdir={tmp_path}",
        ],
        env={**command_environment, "PYTHONPATH": path},
        cwd=Path(__file__).parents[3],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "lacks msgspec; install with: " in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_setup_lists_the_daemons(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a name."""
    assert main(["setup"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("systemd", [True, False])
def test_setup_prints_steps_that_a_shell_reads(
    name: str, systemd: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Record, send through it, run, undo: whatever was made is removed."""
    monkeypatch.setattr("regauth_core.edge.commands.setup._RUNNING", str(tmp_path if systemd else tmp_path / "none"))
    assert main(["setup", name, "--port", "8181"]) == 0
    steps = capsys.readouterr().out
    subprocess.run(["/bin/sh", "-n"], input=steps, text=True, check=True)
    assert re.findall(r"^# (\d)\. ", steps, re.MULTILINE) == ["1", "2", "3", "4"]
    assert "--listen-port 8181" in steps
    assert "http://127.0.0.1:8181" in steps
    undo = steps.partition("# 4. Undo:")[2]
    made = set(re.findall(r"tee (\S+)", steps))
    assert made
    assert all(file in undo for file in made)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rules", "challenge-ignord"], "did you mean challenge-ignored?"),
        (["rules", "ping-derived"], "did you mean ping-derived-auth?"),
        (["setup", "dockrd"], "expected one of dockerd, containerd, crio, podman, podman-machine, found 'dockrd'; did"),
        (["run", "--inject", "verfy", "--", "true"], "found 'verfy'; did you mean verify?"),
        (["run", "--fail-on", "warn", "--", "true"], "found 'warn'; did you mean warning?"),
        (["report", "nowhere.har", "-o", "x.md", "--anonymize", "host"], "found 'host'; did you mean hosts?"),
        (["report", "nowhere.har", "-o", "x.md", "--template", "docker"], "unknown template 'docker'"),
        (["diagnose", "nowhere.har"], "nowhere.har"),
        (["diagnose", __file__], "expected a regauth trace, a mitmproxy flow file or a HAR file"),
        (["report", "nowhere.har", "-o", "x.pdf"], "x.pdf: expected a file name that ends in"),
        (["whoami", ""], "expected an image"),
        (["whoami", "quay.io/a", "--as", "rkt"], "expected one of docker, containers, crane"),
    ],
)
def test_bad_usage_is_one_line(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What, where and what was expected; status 2."""
    assert main(arguments) == 2
    complaint = capsys.readouterr().err
    assert said in complaint
    assert complaint.count("\n") == 1


def test_scenarios_lists_and_shows(capsys: pytest.CaptureFixture[str]) -> None:
    """All of them by topic, or one with its checks, the reports, and the command to try it; 80 columns."""
    assert main(["scenarios"]) == 0
    shown = capsys.readouterr().out
    assert "\nchallenge:\n" in shown
    assert all(len(line) <= 80 for line in shown.splitlines())
    assert main(["scenarios", "per-repository-basic"]) == 0
    page = capsys.readouterr().out
    assert "challenge-answered (should)" in page
    assert "https://github.com/containers/skopeo/issues/2502" in page
    assert "regauth run --scenario per-repository-basic -- \\\n    skopeo inspect --creds alice:wonder-land" in page


def test_scenarios_prints_its_schema(capsys: pytest.CaptureFixture[str]) -> None:
    """The one that is shipped."""
    assert main(["scenarios", "--schema"]) == 0
    assert capsys.readouterr().out == SCHEMA.with_name("scenario.schema.json").read_text()


def test_an_unknown_scenario_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """In one line, with the one that was meant."""
    assert main(["scenarios", "per-repository-basics"]) == 2
    assert "did you mean 'per-repository-basic'?" in capsys.readouterr().err
