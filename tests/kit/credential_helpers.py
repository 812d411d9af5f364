"""Credential helpers for tests."""

from __future__ import annotations

from pathlib import Path

from kit.canaries import password

SECRET = password("helpers")


GOOD = f'printf \'{{"ServerURL":"%s","Username":"alice","Secret":"{SECRET}"}}\' "$(cat)"'


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """The time, in seconds."""
        return self.now


def installed(directory: Path, name: str, script: str) -> None:
    """Make a helper of a shell script."""
    file = directory / f"docker-credential-{name}"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
