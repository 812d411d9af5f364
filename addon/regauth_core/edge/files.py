"""Files that regauth reads by name and writes for nobody else's eyes."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import regauth_core
from regauth_core.edge.trouble import Trouble

_PACKAGE = Path(regauth_core.__file__).parent
# Inside the package when it is installed, beside it in a checkout.
_SHIPPED = (_PACKAGE / "scenarios", _PACKAGE.parent.parent / "scenarios")


def scenario_path(name: str) -> Path:
    """The scenario file called `name`: a path, or the name of a shipped scenario such as ``per-repository-basic``.

    Raises `Trouble` where there is neither.
    """
    given = Path(name).expanduser()
    if given.is_file():
        return given
    if given.name == name:
        for directory in _SHIPPED:
            shipped = directory / (name if name.endswith(".yaml") else f"{name}.yaml")
            if shipped.is_file():
                return shipped
    raise Trouble(f"{name}: no such scenario file; shipped are {', '.join(shipped_scenarios()) or 'none'}")


def shipped_scenarios() -> tuple[str, ...]:
    """The names of the scenarios that come with regauth."""
    return tuple(sorted({path.stem for directory in _SHIPPED for path in directory.glob("*.yaml")}))


def check_writable(path: Path) -> None:
    """Raise `Trouble` now if `path` could not be written later."""
    if path.is_dir():
        raise Trouble(f"{path}: expected a file, found a directory")
    if not path.parent.is_dir():
        raise Trouble(f"{path}: the directory {path.parent} does not exist")
    if not os.access(path.parent, os.W_OK | os.X_OK) and not os.access(path, os.W_OK):
        raise Trouble(f"{path}: cannot be written")


def write_private(path: Path, text: str) -> None:
    """Replace the file at `path` by `text` in UTF-8, mode 0600; it is never seen half written. Raises `OSError`.

    What is no regular file, such as ``/dev/stdout``, is written to and stays what it is.
    """
    if path.exists() and not path.is_file():
        path.write_text(text, "utf-8")
        return
    target = path.resolve()
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")  # made with mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        Path(name).replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def reason(error: OSError) -> str:
    """The system's words for `error`, without the file's name."""
    return (error.strerror or type(error).__name__).lower()


def shortened(path: str, environment: Mapping[str, str]) -> str:
    """`path` as a person would write it, with a tilde for the home of whoever has `environment`."""
    home = (environment.get("HOME") or str(Path.home())).rstrip("/")
    return f"~{path.removeprefix(home)}" if path.startswith(f"{home}/") else path
