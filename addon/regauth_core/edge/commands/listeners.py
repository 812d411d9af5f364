"""`regauth run --listen`: ports of the proxy that stand for a registry to which no proxy is used."""

from __future__ import annotations

import re
import socket
import ssl
from dataclasses import dataclass
from typing import Final

from regauth_core.edge.errors import UserError

_FORM: Final = re.compile(r"(\d{1,5})=(?:(https?)://)?(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})/?")
_PATIENCE: Final = 2.0
"""Seconds that the registry may take to show which protocol it speaks."""


@dataclass(frozen=True, slots=True)
class Listener:
    """One port, and what it stands for."""

    port: int
    scheme: str | None
    """``http`` or ``https``; `None` where that has to be found out."""
    host: str
    target: int

    def mode(self) -> str:
        """mitmproxy's name for it, after a look at what the registry speaks."""
        scheme = self.scheme or ("https" if _speaks_tls(self.host.strip("[]"), self.target) else "http")
        return f"reverse:{scheme}://{self.host}:{self.target}@127.0.0.1:{self.port}"


def listener(name: str, text: str) -> Listener:
    """What `text` means; `name` is the option's, for errors. Raises `UserError`."""
    found = _FORM.fullmatch(text.strip())
    if found is None or not 0 < int(found[1]) < 65536 or not 0 < int(found[4]) < 65536:
        raise UserError(f"{name}: expected PORT=HOST:PORT, such as 5001=localhost:5000, found {text!r}")
    return Listener(int(found[1]), found[2], found[3], int(found[4]))


def free_port() -> int:
    """A loopback port that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _speaks_tls(host: str, port: int) -> bool:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # nothing is sent
    try:
        with socket.create_connection((host, port), _PATIENCE) as plain, context.wrap_socket(plain):
            return True
    except (OSError, ValueError):
        return False
