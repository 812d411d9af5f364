"""The command line: usage, exit statuses, and the demo from end to end."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from regauth_core import cli
from regauth_core.edge.errors import UserError


def regauth(*arguments: str, environment: dict[str, str], cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """`regauth` as a program of its own."""
    return subprocess.run(  # noqa: S603
        [sys.executable, "-m", "regauth_core", *arguments],
        env=environment,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def without_clients(environment: dict[str, str]) -> dict[str, str]:
    """The environment with a PATH on which there is no registry client."""
    return environment | {"PATH": str(Path(sys.executable).parent)}


def test_demo_tells_the_whole_story(command_environment: dict[str, str], tmp_path: Path) -> None:
    """With nothing but the package: the first client is found out, the second is left in peace, the status is 0."""
    done = regauth("demo", environment=without_clients(command_environment), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    first, second = done.stdout.split("2. A client that answers")
    assert "challenge-ignored" in first
    assert "challenge-ignored" not in second
    assert "no finding" in second
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert list(tmp_path.iterdir()) == []


@pytest.mark.clients
@pytest.mark.skipif(shutil.which("skopeo") is None, reason="skopeo is not installed")
def test_demo_runs_skopeo_where_there_is_one(command_environment: dict[str, str]) -> None:
    """With skopeo on PATH the demo shows the real thing, and its password nowhere."""
    done = regauth("demo", environment=command_environment)
    assert "skopeo/" in done.stdout
    assert "wonder-land" not in done.stdout


USAGE = {
    "no such command": ["nosuch"],
    "no such option": ["--nosuch"],
    "serve without scenario": ["serve"],
    "serve at no port": ["serve", "--port", "many", "per-repository-basic"],
    "serve no scenario": ["serve", "nosuch.yaml"],
    "demo with arguments": ["demo", "now"],
}


@pytest.mark.parametrize("arguments", USAGE.values(), ids=USAGE)
def test_bad_usage_is_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be meant is said in one line, and the status is 2."""
    try:
        status = cli.main(arguments)
    except SystemExit as ended:
        status = int(ended.code or 0)
    printed = capsys.readouterr()
    assert (status, printed.out) == (2, "")
    assert printed.err.count("\n") == 1
    assert printed.err.startswith("regauth")


def test_regauth_alone_prints_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    """As it does with --help."""
    assert cli.main([]) == 0
    alone = capsys.readouterr()
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    assert (alone.out, alone.err) == capsys.readouterr()
    assert "regauth run" in alone.out


def failing(error: Exception) -> object:
    """A command that fails."""

    def perform(_: object) -> int:
        raise error

    return perform


def test_trouble_is_told_without_a_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a person has to put right is one line and status 2."""
    monkeypatch.setattr(cli, "_demo", failing(UserError("report.md: expected a file")))
    assert cli.main(["demo"]) == 2
    assert capsys.readouterr().err == "regauth: report.md: expected a file\n"


def test_error_of_ours_is_one_line_without_its_text(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of our own says its kind and its place; its text may quote a secret."""
    monkeypatch.delenv("REGAUTH_DEBUG", raising=False)
    monkeypatch.setattr(cli, "_demo", failing(KeyError("swordfish")))
    assert cli.main(["demo"]) == 70
    error = capsys.readouterr().err
    assert error.startswith("regauth: internal error: KeyError in test_cli:")
    assert error.endswith("; please report\n")
    assert "swordfish" not in error


def test_error_of_ours_can_be_seen_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever mends regauth gets the traceback."""
    monkeypatch.setenv("REGAUTH_DEBUG", "1")
    monkeypatch.setattr(cli, "_demo", failing(KeyError("swordfish")))
    with pytest.raises(KeyError):
        cli.main(["demo"])


def test_port_in_use_is_one_line(command_environment: dict[str, str]) -> None:
    """A port that somebody else has is told, with status 2."""
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = regauth("serve", "--port", port, "per-repository-basic", environment=command_environment)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert port in done.stderr


def test_reader_that_leaves_early_is_no_error(command_environment: dict[str, str]) -> None:
    """`regauth demo | head` ends without a word of complaint."""
    environment = without_clients(command_environment) | {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    script = f"{sys.executable} -m regauth_core demo | head -n 1"
    done = subprocess.run(  # noqa: S602, S603
        ["/bin/sh", "-c", script], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1


def test_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """`--version` says name and version."""
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("regauth ")
