"""The first example of the README does what it shows."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from clients.processes import LIMIT
from clients.programs import ROOT, SYSTEM_PATH, Place, require
from clients.test_clients import directory_of_regauth

pytestmark = pytest.mark.clients


def test_first_example_works_as_printed(place: Place, state_home: Path) -> None:
    """Copied as it stands; an ellipsis is any text, as a time is."""
    require("skopeo")
    example = (ROOT / "README.md").read_text("utf-8").split("```\n")[1]
    command, _, shown = example.removeprefix("$ ").partition("\n")
    directory = directory_of_regauth(place)
    path = os.pathsep.join([str(directory), SYSTEM_PATH])
    done = subprocess.run(
        shlex.split(command),
        env={**place.environment, "PATH": path, "XDG_STATE_HOME": str(state_home), "COLUMNS": "80"},
        executable=str(directory / "regauth"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=LIMIT,
        check=False,
    )
    assert done.stdout == b""
    lines = [".*".join(map(re.escape, line.split("…"))) for line in shown.splitlines()]
    # skopeo changes its words from version to version; regauth's are exact.
    ours = "\n".join(lines[lines.index("") :])
    assert re.search(rf"{ours}\n\Z", done.stderr.decode()) is not None, done.stderr.decode()
