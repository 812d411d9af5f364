"""Starts a registry by hand, and runs a command beside it.

    PYTHONPATH=addon:tests python -m registries nginx
    PYTHONPATH=addon:tests python -m registries nginx regauth run -- skopeo list-tags docker://registry.test/foo

Without a command it starts a shell. The command finds `regauth` in its PATH, with a proxy that knows where
registry.test is, and alice's password in the files that clients look into, in ALICE_PASSWORD, and in the file
ALICE_PASSWORD_FILE.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
from base64 import b64encode
from pathlib import Path

from clients.programs import SYSTEM_PATH, path_of
from registries.ground import REGISTRY, write_private
from registries.servers import KINDS, Ground, Registry


def variables(registry: Registry, directory: Path) -> dict[str, str]:
    """What a command needs, with files in `directory`."""
    login = registry.login
    basic = b64encode(f"{login.user}:{login.password}".encode()).decode()
    content = json.dumps({"auths": {REGISTRY: {"auth": basic}}}).encode()
    authfile = write_private(directory / "config.json", content)
    password = write_private(directory / "password", login.password.encode())
    program = directory / "regauth"
    resolved = shlex.quote(str(Path(__file__).with_name("resolved.py").resolve()))
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {resolved} "$@"\n', "utf-8")
    program.chmod(0o755)
    clients = Path(path_of("token-server") or ".").parent
    return {
        "REGAUTH_TEST_NAMES": registry.names,
        "SSL_CERT_FILE": str(registry.authority),
        "DOCKER_CONFIG": str(directory),
        "REGISTRY_AUTH_FILE": str(authfile),
        "ALICE_PASSWORD": login.password,
        "ALICE_PASSWORD_FILE": str(password),
        "REGISTRY_LOG": str(registry.log),
        "PATH": os.pathsep.join([str(directory), str(clients), SYSTEM_PATH, os.environ.get("PATH", "")]),
    }


def main() -> int:
    """Start the registry of the first argument, run the others; the exit status."""
    if len(sys.argv) < 2 or sys.argv[1] not in KINDS:
        print(f"expected: python -m registries {'|'.join(KINDS)} [COMMAND…]", file=sys.stderr)
        return 2
    command = sys.argv[2:] or [os.environ.get("SHELL", "/bin/sh")]
    with tempfile.TemporaryDirectory(prefix="regauth-") as name:
        directory = Path(name)
        (directory / "ground").mkdir()
        (directory / "home").mkdir(mode=0o700)
        with KINDS[sys.argv[1]](Ground(directory / "ground")) as registry:
            extra = variables(registry, directory / "home")
            return subprocess.run(command, env={**os.environ, **extra}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
