"""Fixtures that several test files share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from kit.proxy import Answerer, Upstream
from regauth_core.edge.commands.authority import authority

ROOT = Path(__file__).parent.parent

# How long an example takes says more of the machine than of the code.
hypothesis.settings.register_profile("regauth", deadline=None)
hypothesis.settings.load_profile("regauth")


@pytest.fixture(scope="session")
def state_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where regauth keeps its authority, for all tests of a session: making a key takes long."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="session")
def authority_dir(state_home: Path) -> Iterator[Path]:
    """A directory with a certificate authority."""
    with authority({"XDG_STATE_HOME": str(state_home)}) as directory:
        yield directory


@pytest.fixture
def command_environment(state_home: Path) -> dict[str, str]:
    """The environment in which a test starts regauth as a program of its own."""
    variables = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    path = os.pathsep.join([str(ROOT / "addon"), *filter(None, [os.environ.get("PYTHONPATH")])])
    return variables | {"PYTHONPATH": path, "XDG_STATE_HOME": str(state_home), "COLUMNS": "80"}


@pytest.fixture
def upstream(authority_dir: Path, request: pytest.FixtureRequest) -> Iterator[Upstream]:
    """A server whose answers are the test's parameter or come from the module's function `answer`."""
    answer: Answerer = getattr(request, "param", None) or request.module.answer
    server = Upstream(answer, authority_dir)
    yield server
    server.stop()
