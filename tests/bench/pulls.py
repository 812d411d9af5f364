"""How much is asked for one pull: by clients that have the password, and by the same clients where regauth has it.

Against Debian's registry with tokens of a real token server. Requests are those that the registry logs, exchanges those
that the token server logs; the client's own requests are what went through the proxy, without regauth's.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from clients.programs import Place, path_of
from registries import sessions
from registries.calls import Call
from registries.layers import write_image
from registries.servers import Registry

CLIENTS: Final = ("oras", "ctr", "skopeo")


@dataclass(frozen=True, slots=True)
class Asked:
    """What one pull asked for."""

    requests: int
    exchanges: int
    own: int
    """The client's own requests, those for tokens included."""


def asked(client: str, repository: str, registry: Registry, state_home: Path, *, fill: bool) -> Asked:
    """What a pull by `client` asks for; with `fill` the client has no password."""
    with tempfile.TemporaryDirectory(prefix="regauth-", ignore_cleanup_errors=True) as name:
        call = Call.made(Place.made(Path(name) / "client"), None if fill else registry.login)
        options = ("--inject", "fill", "--credentials", str(call.given(registry.login))) if fill else ()
        before = registry.logged()
        told = sessions.read(client, repository, registry, call, state_home, *options)
    if told.status:
        raise SystemExit(f"{client}: {told.output}")
    requests, exchanges = (now - then for now, then in zip(registry.logged(), before, strict=True))
    return Asked(requests, exchanges, int(told.document["exchanges"]))


def table(registry: Registry, layers: int) -> None:
    """Print a row for each client, by itself and with regauth in its place."""
    repository = "alice/layers"
    write_image(registry, repository, layers)
    print(f"one pull of {layers} layers        requests  token exchanges  requests of the client's own")
    with tempfile.TemporaryDirectory() as state_home:
        for client in CLIENTS:
            if path_of(client) is None:
                print(f"{client}: not installed")
                continue
            first = 0
            for title, fill in ((f"{client}, by itself", False), (f"{client}, fill", True)):
                found = asked(client, repository, registry, Path(state_home), fill=fill)
                first = first or found.requests
                ratio = found.requests / first
                print(f"{title:27} {found.requests:6} ({ratio:.2f}x) {found.exchanges:12} {found.own:15}")
