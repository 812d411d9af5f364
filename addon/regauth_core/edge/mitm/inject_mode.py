"""What regauth may do about challenges."""

from __future__ import annotations

from enum import StrEnum


class Inject(StrEnum):
    """What the addon does to the traffic."""

    OFF = "off"
    VERIFY = "verify"
    """What a correct client would have sent is tried beside the client."""
    FILL = "fill"
    """Challenges are answered for clients that bring no credentials."""
    OVERRIDE = "override"
    """The same, also in the place of what clients bring."""
    SHIM = "shim"
    """Pings say what repositories ask for; no credentials are used."""
