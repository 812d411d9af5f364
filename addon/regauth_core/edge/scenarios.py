"""Scenario files on disk."""

from __future__ import annotations

from pathlib import Path

import regauth_core
from regauth_core.edge.errors import UserError
from regauth_core.simulate.document import TEXT_LIMIT
from regauth_core.simulate.scenario import Scenario, ScenarioError, read


def scenario_at(path: Path) -> Scenario:
    """The scenario in the file `path` (UTF-8). Raises `UserError` where it cannot be read or is none."""
    try:
        with path.open("rb") as file:
            # Four bytes are the most that UTF-8 has for a character.
            data = file.read(4 * TEXT_LIMIT + 1)
        return read(data.decode(), str(path))
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or type(error).__name__}") from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UserError(f"{path}:{line}: expected UTF-8") from None
    except ScenarioError as error:
        raise UserError(str(error)) from None


_PACKAGE = Path(regauth_core.__file__).parent


# Inside the package when it is installed, beside it in a checkout.
_SHIPPED = (_PACKAGE / "scenarios", _PACKAGE.parent.parent / "scenarios")


def scenario_path(name: str) -> Path:
    """The scenario file called `name`: a path, or the name of a shipped scenario such as ``per-repository-basic``.

    Raises `UserError` where there is neither.
    """
    given = Path(name).expanduser()
    if given.is_file():
        return given
    if given.name == name:
        for directory in _SHIPPED:
            shipped = directory / (name if name.endswith(".yaml") else f"{name}.yaml")
            if shipped.is_file():
                return shipped
    raise UserError(f"{name}: no such scenario file; shipped scenarios: {', '.join(shipped_scenarios()) or 'none'}")


def shipped_scenarios() -> tuple[str, ...]:
    """The names of the scenarios that come with regauth."""
    return tuple(sorted({path.stem for directory in _SHIPPED for path in directory.glob("*.yaml")}))
