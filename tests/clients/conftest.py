"""What a test of a real client is given."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from clients.programs import Place


@pytest.fixture
def place() -> Iterator[Place]:
    """A directory of the client's own, with its credentials. Its name is short: podman wants that, and sockets do."""
    with tempfile.TemporaryDirectory(prefix="regauth-", ignore_cleanup_errors=True) as name:
        yield Place.made(Path(name) / "client")
