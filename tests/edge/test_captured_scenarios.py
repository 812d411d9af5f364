"""A capture or a report in the place of a scenario file."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kit.notation import read
from kit.saved import har_file
from regauth_core.cli import main
from regauth_core.edge.commands.reference_clients import LOGIN, TRUSTS_PING
from regauth_core.edge.commands.reference_clients import __name__ as clients_module
from regauth_core.edge.errors import UserError
from regauth_core.edge.scenarios import MAX_REPORT, scenario_at
from regauth_core.simulate.scenario import Scenario

SEEN = """
GET https://registry.example/v2/                     - -> 200
GET https://registry.example/v2/foo/manifests/1      - -> 401 challenge Basic realm="app" | error UNAUTHORIZED no
"""
REPORTS = ("report.md", "report.html", "report.json", "report.har.json")


@pytest.fixture
def har(tmp_path: Path) -> Path:
    """A HAR file in which a client ignores a challenge."""
    path = tmp_path / "seen.har"
    path.write_text(har_file(read(SEEN, "seen").wires))
    return path


def behaviour(scenario: Scenario) -> object:
    """What matters of a scenario that was made of `SEEN`."""
    registry = scenario.registry
    challenge = registry.challenge.items[0].parameters if registry.challenge.items else None
    rights = [(r.name, r.anonymous, [u.name for u in r.users]) for r in registry.repositories]
    return registry.host, registry.ping.anonymous, rights, challenge, scenario.elsewhere


def test_a_capture_and_each_report_of_it_give_one_registry(har: Path, tmp_path: Path) -> None:
    """The HAR file itself, and every report that carries the scenario or the exchanges."""
    options = [word for name in REPORTS for word in ("-o", str(tmp_path / name))]
    assert main(["report", str(har), *options]) == 0
    found = [behaviour(scenario_at(tmp_path / name)) for name in ("seen.har", *REPORTS)]
    assert found == found[:1] * len(found)
    assert found[0][:3] == ("registry.example", 200, [("foo", (), ["user"])])  # type: ignore[index]


def test_the_scenario_of_a_capture_is_written_for_a_person(
    har: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says what was assumed; a file is called as it is; a report gives the same."""
    assert main(["scenario", str(har)]) == 0
    shown = capsys.readouterr().out
    assert "# - user may pull foo: nobody who may was seen" in shown
    assert len(shown.splitlines()) < 30
    assert main(["scenario", str(har), "-o", str(tmp_path / "open-ping.yaml")]) == 0
    assert scenario_at(tmp_path / "open-ping.yaml").id == "open-ping"
    assert main(["report", str(har), "-o", str(tmp_path / "report.md")]) == 0
    assert main(["scenario", str(tmp_path / "report.md"), "-o", str(tmp_path / "again.yaml")]) == 0
    assert behaviour(scenario_at(tmp_path / "again.yaml")) == behaviour(scenario_at(har))


def test_what_cannot_be_expressed_is_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On stderr and in the file, by the number of the exchange."""
    path = tmp_path / "seen.har"
    path.write_text(har_file(read(SEEN + "GET https://registry.example/v2/foo/tags/list - -> aborted\n", "x").wires))
    assert main(["scenario", str(path)]) == 0
    out, errors = capsys.readouterr()
    assert errors == "regauth: not expressed: exchange 3: it has no answer (connect)\n"
    assert "# - exchange 3: it has no answer (connect)" in out


def test_names_can_be_hidden(har: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--anonymize` holds for the scenario."""
    assert main(["scenario", str(har), "--anonymize", "hosts", "--anonymize", "repositories"]) == 0
    shown = capsys.readouterr().out
    assert "registry.example" not in shown
    assert "foo" not in shown


def edited(text: Callable[[str], str]) -> Callable[[Path], None]:
    """Makes a Markdown report whose text somebody changed."""

    def make(path: Path) -> None:
        report = "\n```yaml\nschema: regauth.scenario/1\nid: captured\ntitle: t\nregistry: {host: a.example}\n```\n"
        path.write_text(text(report))

    return make


HOSTILE: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "an edited report": ("r.md", edited(lambda t: t.replace("host", "hots")), "r.md:6: registry.hots: unknown key"),
    "a report without a scenario": ("r.md", lambda p: p.write_text("# x\n"), "r.md: the report carries no scenario"),
    "aliases": (
        "r.md",
        edited(lambda t: t.replace("title: t", "title: &a [x]\nwhy: *a")),
        "r.md:5: unsupported YAML: anchors and aliases are not supported",
    ),
    "a deep block": (
        "r.md",
        edited(lambda t: t.replace("title: t", "title: " + "[" * 5000)),
        "r.md:5: unsupported YAML",
    ),
    "a control character": ("r.md", edited(lambda t: t.replace("a.example", "a\x1b]0;")), "r.md: unsupported YAML"),
    "a host that is a path": (
        "r.md",
        edited(lambda t: t.replace("a.example", "../../etc")),
        "r.md:6: registry.host: expected a lower-case host name",
    ),
    "a fence without an end": ("r.md", lambda p: p.write_text("```yaml\nschema: regauth.scenario/1\n"), "no scenario"),
    "a page without a scenario": ("r.html", lambda p: p.write_text("<!doctype html>"), "carries no scenario"),
    "a wrong type": ("r.json", lambda p: p.write_text('{"schema": "regauth.findings/1", "scenario": []}'), "cannot be"),
    "deep JSON": (
        "r.json",
        lambda p: p.write_text('{"schema": "regauth.findings/1", "scenario": ' + "[" * 100_000),
        "cannot be read",
    ),
    "no traffic": ("t.har", lambda p: p.write_text('{"log": {"entries": []}}'), "no traffic of a registry"),
    "no UTF-8": ("r.md", lambda p: p.write_bytes(b"\xff\n"), "r.md:1: expected UTF-8"),
    "a directory": ("r.md", lambda p: p.mkdir(), "cannot be read"),
}


@pytest.mark.parametrize(("name", "make", "message"), HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_scenario_is_refused_in_one_line(
    name: str, make: Callable[[Path], object], message: str, tmp_path: Path
) -> None:
    """The file, its own line, the key, what was expected."""
    path = tmp_path / name
    make(path)
    with pytest.raises(UserError) as error:
        scenario_at(path)
    assert message in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_names_of_a_hostile_capture_stay_names(tmp_path: Path) -> None:
    """Paths with `../`, control characters and text that looks like YAML make a scenario that can be read, or none."""
    seen = """
GET /v2/../../etc/passwd/manifests/x - -> 401 challenge Basic realm="a\\nb: &c *c"
GET /v2/foo/manifests/1 - -> 401 challenge Bearer realm="{realm}",service="{nonsense}",scope="}{"
GET /v2/FOO%0a%1b[2J/tags/list - -> 200
GET https://auth.test/token?scope=%00&service=%0a - -> 200 json {"token": "{issued"}
"""
    path = tmp_path / "seen.har"
    path.write_text(har_file(read(seen, "x").wires))
    scenario = scenario_at(path)
    assert all("\x1b" not in (step.request or "") for step in scenario.answers)


def test_a_huge_capture_takes_bounded_time(tmp_path: Path) -> None:
    """What is beyond the bound is counted, not looked at."""
    wires = read(SEEN, "x").wires
    path = tmp_path / "seen.har"
    path.write_text(har_file(wires * 3000))
    begun = time.monotonic()
    assert main(["scenario", str(path), "-o", str(tmp_path / "x.yaml")]) == 0
    assert time.monotonic() - begun < 60
    assert "# - the last 3000 exchanges were not looked at" in (tmp_path / "x.yaml").read_text()


def test_a_report_that_is_too_long_is_read_to_its_bound(tmp_path: Path) -> None:
    """And holds no scenario then."""
    path = tmp_path / "r.md"
    with path.open("wb") as file:
        file.truncate(MAX_REPORT + 10)
    with pytest.raises(UserError, match="carries no scenario"):
        scenario_at(path)


def test_a_played_capture_reaches_nothing(har: Path, tmp_path: Path, command_environment: dict[str, str]) -> None:
    """The capture's own host is answered inside the proxy, and a real server, which is there, is never asked."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        elsewhere = f"http://127.0.0.1:{server.getsockname()[1]}/"
        script = (
            "import sys, urllib.request as u, urllib.error as e, runpy\n"
            f"try: u.urlopen('{elsewhere}', timeout=9)\n"
            "except OSError as x: print('elsewhere', type(x).__name__)\n"
            f"sys.argv = ['c', '{TRUSTS_PING}', 'registry.example/foo']\n"
            f"runpy.run_module('{clients_module}', run_name='__main__')\n"
        )
        done = subprocess.run(  # noqa: S603
            [
                *(sys.executable, "-m", "regauth_core", "run", "--scenario", str(har), "-o", "again.json"),
                *("--", sys.executable, "-c", script),
            ],
            env={**command_environment, LOGIN: "user:password"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        with pytest.raises(TimeoutError):
            server.accept()
    assert "elsewhere HTTPError" in done.stdout
    assert "registry.example is played from seen.har, and nothing leaves this machine" in done.stderr
    findings = json.loads((tmp_path / "again.json").read_text())["findings"]
    assert [(f["rule"], f["registry"]) for f in findings] == [("challenge-ignored", "https://registry.example")]
