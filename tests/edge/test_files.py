"""Files: found by name, written whole and for nobody else's eyes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from regauth_core.edge.errors import UserError
from regauth_core.edge.files import check_writable, reason, scratch, write_private
from regauth_core.edge.scenarios import scenario_path, shipped_scenarios


def test_scenario_is_found_by_name_and_by_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shipped scenario needs no path; a file of one's own comes first."""
    assert "per-repository-basic" in shipped_scenarios()
    shipped = scenario_path("per-repository-basic")
    assert shipped == scenario_path("per-repository-basic.yaml") == scenario_path(str(shipped))
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "per-repository-basic.yaml"
    own.write_text("mine")
    assert scenario_path("per-repository-basic.yaml").read_text() == "mine"


@pytest.mark.parametrize("name", ["nosuch", "./per-repository-basic", "../scenarios/nosuch.yaml", ""])
def test_scenario_that_is_not_there_is_told(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The complaint names what was asked for and what there is."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="no such scenario, capture or report"):
        scenario_path(name)


def test_file_is_private_and_replaced_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report replaces the old one in one step, mode 0600, and leaves nothing beside it."""
    monkeypatch.setattr("tempfile.tempdir", "/nowhere")  # what is elsewhere could not be moved here in one step
    path = tmp_path / "report.md"
    path.write_text("old, and longer than the new one")
    path.chmod(0o644)
    write_private(path, "new\n")
    assert path.read_text() == "new\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [path] == list(tmp_path.iterdir())


def test_link_stays_a_link(tmp_path: Path) -> None:
    """A report written through a link goes where the link points."""
    target, link = tmp_path / "there.md", tmp_path / "here.md"
    target.write_text("old")
    link.symlink_to(target)
    write_private(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_old_file_stays_when_the_new_one_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk costs the new report, not the old one."""
    path = tmp_path / "report.md"
    path.write_text("old")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fdopen", full)
    with pytest.raises(OSError, match="No space"):
        write_private(path, "new")
    assert path.read_text() == "old"
    assert [path] == list(tmp_path.iterdir())


def test_device_is_written_to_and_stays(capfd: pytest.CaptureFixture[str]) -> None:
    """What is no regular file is not replaced."""
    reading, writing = os.pipe()
    write_private(Path(f"/proc/self/fd/{writing}"), "text")
    os.close(writing)
    with os.fdopen(reading) as read:
        assert read.read() == "text"
    assert capfd.readouterr() == ("", "")


def test_place_that_cannot_be_written_is_told_before(tmp_path: Path) -> None:
    """Directories, and files in no directory, are refused while there is nothing to lose yet."""
    check_writable(tmp_path / "report.md")
    with pytest.raises(UserError, match="expected a file, found a directory"):
        check_writable(tmp_path)
    with pytest.raises(UserError, match="does not exist"):
        check_writable(tmp_path / "none" / "report.md")


def test_pipe_that_nobody_reads_fails_at_once(tmp_path: Path) -> None:
    """Nobody waits for a reader that may never come."""
    os.mkfifo(pipe := tmp_path / "report.md")
    with pytest.raises(OSError) as failed:
        write_private(pipe, "text")
    assert reason(failed.value) == "no process reads this pipe"


def test_reader_that_stops_reading_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full pipe holds nobody up for longer than a reader may need."""
    monkeypatch.setattr("regauth_core.edge.files._PATIENCE", 0.1)
    os.mkfifo(pipe := tmp_path / "report.md")
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(OSError, match="no process reads this pipe any more"):
        write_private(pipe, "x" * 10_000_000)
    assert os.read(reader, 10) == b"x" * 10
    os.close(reader)


def test_a_pipe_that_is_read_gets_everything(tmp_path: Path) -> None:
    """Also far more than fits into it."""
    os.mkfifo(pipe := tmp_path / "report.md")
    with subprocess.Popen(["wc", "-c", str(pipe)], stdout=subprocess.PIPE) as reader:  # noqa: S607
        for _ in range(200):
            try:
                write_private(pipe, "x" * 3_000_000)
                break
            except OSError:
                time.sleep(0.05)  # it has not been opened yet
        assert reader.communicate(timeout=30)[0].split()[0] == b"3000000"


def test_own_output_is_not_replaced(tmp_path: Path) -> None:
    """What a process wrote to its output before stays in front of a report that goes there too."""
    script = "import sys; from pathlib import Path; from regauth_core.edge.files import write_private\n"
    script += "print('first', flush=True); write_private(Path(sys.argv[1]), 'second')"
    with (tmp_path / "out.md").open("wb") as out:
        subprocess.run([sys.executable, "-c", script, str(tmp_path / "out.md")], stdout=out, check=True)
    assert (tmp_path / "out.md").read_text() == "first\nsecond"


def test_directories_of_killed_processes_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only those that are ours, private, old and not locked; what is beside them stays."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    made = {name: tmp_path / f"regauth-run-{name}" for name in ("left", "new", "open", "linked")}
    for name, path in made.items():
        if name != "linked":
            path.mkdir(mode=0o755 if name == "open" else 0o700)
            (path / "trusted.pem").write_text("x")
            if name != "new":
                os.utime(path, (1.0, 1.0))
    (elsewhere := tmp_path / "elsewhere").mkdir(mode=0o700)
    (elsewhere / "precious").write_text("x")
    os.utime(elsewhere, (1.0, 1.0))
    made["linked"].symlink_to(elsewhere)
    with scratch() as held:
        os.utime(held, (1.0, 1.0))
        with scratch():
            assert held.is_dir()
    assert not held.exists()
    assert {name for name, path in made.items() if path.exists()} == {"new", "open", "linked"}
    assert (elsewhere / "precious").exists()
