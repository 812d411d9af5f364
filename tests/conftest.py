"""Fixtures that several test files share."""

from __future__ import annotations

import fcntl
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


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """All cores for everything; no other process, so that it starts at once and a debugger works, for what is picked.

    `-n` on the command line decides for itself.
    """
    is_chosen = any(argument.startswith(("-n", "--numprocesses")) for argument in config.invocation_params.args)
    is_picked = config.args_source is config.ArgsSource.ARGS or config.option.keyword or config.option.markexpr
    return 0 if not is_chosen and (is_picked or config.option.capture == "no") else None


@pytest.fixture(autouse=True)
def one_real_client_at_a_time(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Daemons share what there is once on a machine, so that of the tests of real programs one runs at a time."""
    if not any(request.node.get_closest_marker(name) for name in ("clients", "registries")):
        yield
        return
    # All processes of a run have the directory above their own.
    with (tmp_path_factory.getbasetemp().parent / "real-clients.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


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
