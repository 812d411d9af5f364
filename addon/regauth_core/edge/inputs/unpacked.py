"""Files as they are named on a command line: ``-`` is standard input, and what is compressed is unpacked."""

from __future__ import annotations

import contextlib
import gzip
import sys
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import Final

from regauth_core.edge.errors import UserError
from regauth_core.edge.files import reason

_GZIP: Final = b"\x1f\x8b"
"""RFC 1952 section 2.3.1."""
_STDIN: Final = "standard input"
_CHUNK: Final = 1 << 20
MOST: Final = 4 << 30
"""Bytes that a copy may have."""


@contextlib.contextmanager
def unpacked(names: Sequence[str]) -> Iterator[list[Path]]:
    """Files to read, and to read again, for the time inside. Raises `UserError`.

    What is compressed by gzip, and what can be read only once (a pipe, ``-`` for standard input), is copied to a
    private directory. Errors name the file as it was given.
    """
    if names.count("-") > 1:
        raise UserError("-: standard input can be read only once")
    with tempfile.TemporaryDirectory(prefix="regauth-") as directory:
        copies: dict[str, str] = {}
        paths = []
        for number, name in enumerate(names):
            path = _usable(name, Path(directory) / str(number))
            if str(path) != name:
                copies[str(path)] = _STDIN if name == "-" else name
            paths.append(path)
        try:
            yield paths
        except UserError as error:
            text = str(error)
            for copy, name in copies.items():
                text = text.replace(copy, name)
            raise UserError(text, status=error.status) from None


def _usable(name: str, directory: Path) -> Path:
    """The file `name` itself, or a copy of what it holds in `directory`."""
    path = Path(name)
    try:
        if name == "-":
            return _copy(_standard_input(), directory, _STDIN, name)
        if not path.exists() or path.is_dir():
            return path
        with path.open("rb") as file:
            if path.is_file() and not _is_packed(file):
                return path
            return _copy(file, directory, path.name.removesuffix(".gz"), name)
    except OSError as error:
        raise UserError(f"{name}: {reason(error)}") from None


def _standard_input() -> BufferedReader:
    stream = getattr(sys.stdin, "buffer", None)
    return stream if isinstance(stream, BufferedReader) else BufferedReader(BytesIO(stream.read() if stream else b""))


def _is_packed(file: BufferedReader) -> bool:
    return file.peek(len(_GZIP)).startswith(_GZIP)


def _copy(file: BufferedReader, directory: Path, called: str, name: str) -> Path:
    """Of a compressed file that breaks off, what there is: whoever reads it says so."""
    directory.mkdir()
    copy = directory / called
    size = 0
    with copy.open("wb") as target:
        source = gzip.GzipFile(fileobj=file, mode="rb") if _is_packed(file) else file
        with contextlib.suppress(EOFError, zlib.error, gzip.BadGzipFile):
            while data := source.read1(_CHUNK):
                size += len(data)
                if size > MOST:
                    raise UserError(f"{name}: more than {MOST >> 30} GiB")
                target.write(data)
    return copy
