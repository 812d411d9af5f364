"""The commands that read what was saved, as one types them."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from kit.notation import read
from kit.saved import har_file
from regauth_core.cli import main

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
    outputs = [tmp_path / f"report{ending}" for ending in (".md", ".html", ".har.json", ".json", ".xml")]
    assert main(["report", har, *(word for path in outputs for word in ("-o", str(path)))]) == 0
    assert all("challenge-ignored" in path.read_text() and path.stat().st_mode & 0o777 == 0o600 for path in outputs)


def test_rules_lists_and_explains(capsys: pytest.CaptureFixture[str]) -> None:
    """All of them, or one with its manual page."""
    assert main(["rules"]) == 0
    assert "mount-no-fallback" in capsys.readouterr().out
    assert main(["rules", "mount-no-fallback"]) == 0
    assert "Silent when:" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rules", "challenge-ignord"], "did you mean challenge-ignored?"),
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
