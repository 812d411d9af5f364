"""Scenario files on disk."""

from __future__ import annotations

from pathlib import Path

from regauth_core.edge.trouble import Trouble
from regauth_core.simulate.document import TEXT_LIMIT
from regauth_core.simulate.scenario import Scenario, ScenarioError, read


def scenario_at(path: Path) -> Scenario:
    """The scenario in the file `path` (UTF-8). Raises `Trouble` where it cannot be read or is none."""
    try:
        with path.open("rb") as file:
            # Four bytes are the most that UTF-8 has for a character.
            data = file.read(4 * TEXT_LIMIT + 1)
        return read(data.decode(), str(path))
    except OSError as error:
        raise Trouble(f"{path}: cannot be read: {error.strerror or type(error).__name__}") from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Trouble(f"{path}:{line}: expected UTF-8") from None
    except ScenarioError as error:
        raise Trouble(str(error)) from None
