"""What a test against real registries is given."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clients.programs import Place
from registries.ground import require_programs
from registries.servers import KINDS, Ground, Registry


@pytest.fixture(scope="session")
def ground() -> Iterator[Ground]:
    """What the registries of this session share."""
    require_programs()
    with tempfile.TemporaryDirectory(prefix="regauth-") as name:
        yield Ground(Path(name))


@pytest.fixture(scope="session")
def registries(ground: Ground) -> Iterator[Callable[[str], Registry]]:
    """The registry of a kind, started when it is first asked for."""
    running: dict[str, Registry] = {}
    with contextlib.ExitStack() as stack:

        def registry(kind: str) -> Registry:
            if kind not in running:
                running[kind] = stack.enter_context(KINDS[kind](ground))
            return running[kind]

        yield registry


@pytest.fixture
def place() -> Iterator[Place]:
    """A directory of the client's own. Its name is short: podman wants that, and sockets do."""
    with tempfile.TemporaryDirectory(prefix="regauth-", ignore_cleanup_errors=True) as name:
        yield Place.made(Path(name) / "client")
