"""Runs regauth where the made-up names of the registries mean the loopback ports on which they are.

As a program it is `regauth`, with the tap of the clients' tests in its proxy where REGAUTH_TAP names a file. As a
script of mitmdump's (`-s tests/registries/resolved.py`) it changes nothing but names. REGAUTH_TEST_NAMES has them:
``registry.test:443=20001,registry.test:80=20002``.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Any

_resolve = socket.getaddrinfo


def _local(host: Any, port: Any, *arguments: Any, **named: Any) -> list[Any]:
    """In the place of `socket.getaddrinfo`."""
    local = _NAMES.get(f"{host.decode() if isinstance(host, bytes) else host}:{port}")
    if local is None:
        return list(_resolve(host, port, *arguments, **named))
    return list(_resolve("127.0.0.1", int(local), *arguments, **named))


def main() -> int:
    """Run `regauth`."""
    tests = Path(__file__).resolve().parents[1]
    sys.path[:1] = [str(tests), str(tests.parent / "addon")]
    if "REGAUTH_TAP" not in os.environ:
        from regauth_core import cli

        return cli.main()
    from clients import tap

    return int(tap.main())


_NAMES = dict(pair.split("=") for pair in os.environ["REGAUTH_TEST_NAMES"].split(","))
socket.getaddrinfo = _local

if __name__ == "__main__":
    sys.exit(main())
