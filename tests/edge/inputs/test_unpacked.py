"""Standard input, pipes and compressed files, as files that can be read."""

from __future__ import annotations

import gzip
import io
import os
import sys
import threading
from pathlib import Path

import pytest

from regauth_core.edge.errors import UserError
from regauth_core.edge.inputs import unpacked as module
from regauth_core.edge.inputs.unpacked import unpacked

TEXT = b'{"schema":"regauth.trace/1"}\n' * 1000


def contents(*names: str) -> list[bytes]:
    """What the files hold, read twice."""
    with unpacked(names) as paths:
        first = [path.read_bytes() for path in paths]
        assert [path.read_bytes() for path in paths] == first
        return first


def test_plain_file_is_read_where_it_is(tmp_path: Path) -> None:
    """No copy of what may be large."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(TEXT)
    with unpacked([str(path), "nowhere"]) as paths:
        assert paths == [path, Path("nowhere")]


def test_compressed_file_is_unpacked_whatever_it_is_called(tmp_path: Path) -> None:
    """By its first bytes; its name in notes is the one without the ending."""
    for name in ("a.jsonl.gz", "b"):
        (tmp_path / name).write_bytes(gzip.compress(TEXT))
    with unpacked([str(tmp_path / "a.jsonl.gz"), str(tmp_path / "b")]) as paths:
        assert [path.name for path in paths] == ["a.jsonl", "b"]
        assert [path.read_bytes() for path in paths] == [TEXT, TEXT]
        copies = [path.parent for path in paths]
    assert not any(copy.exists() for copy in copies)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "packed"])
def test_standard_input_is_a_file(pack: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compressed or not."""
    data = pack(TEXT)  # type: ignore[operator]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(data))))
    assert contents("-") == [TEXT]


def test_pipe_can_be_read_twice(tmp_path: Path) -> None:
    """As the shell's ``<(…)`` makes one."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(TEXT,), daemon=True)
    writer.start()
    assert contents(str(pipe)) == [TEXT]
    writer.join(10)


def test_what_breaks_off_gives_what_there_is(tmp_path: Path) -> None:
    """A download that was cut short."""
    lines = b"".join(b"%d\n" % number for number in range(100_000))
    (tmp_path / "cut.gz").write_bytes(gzip.compress(lines)[:-1000])
    (found,) = contents(str(tmp_path / "cut.gz"))
    assert found
    assert lines.startswith(found)


def test_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What unpacks to more than anybody records."""
    monkeypatch.setattr(module, "MOST", 1 << 20)
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(bytes(4 << 20)))
    with pytest.raises(UserError, match=r"bomb\.gz: more than"):
        contents(str(tmp_path / "bomb.gz"))


def test_error_names_the_file_as_it_was_given(tmp_path: Path) -> None:
    """Not the copy."""
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"?"))
    with pytest.raises(UserError) as raised, unpacked([str(tmp_path / "a.gz")]) as (path,):
        raise UserError(f"{path}: expected a trace")
    assert str(raised.value) == f"{tmp_path / 'a.gz'}: expected a trace"


def test_standard_input_comes_once() -> None:
    """Twice is a mistake."""
    with pytest.raises(UserError, match="only once"), unpacked(["-", "-"]):
        pass
