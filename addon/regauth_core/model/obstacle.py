"""What kept requests of the watched command from being seen, or from reaching the registry."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ObstacleKind(StrEnum):
    """Which way requests were lost."""

    PROXY_DISTRUSTED = "proxy-distrusted"
    """The client does not trust regauth's authority. Without regauth it may work."""
    REGISTRY_UNKNOWN = "registry-unknown"
    """regauth does not trust the registry's certificate, and what the client trusts could not be read. As above."""
    REGISTRY_DISTRUSTED = "registry-distrusted"
    """The client does not trust the registry's certificate, with regauth or without."""
    NO_SUCH_NAME = "no-such-name"
    REFUSED = "refused"
    """The port is closed."""
    TIMED_OUT = "timed-out"
    UNREACHABLE = "unreachable"
    OWN_PROXY = "own-proxy"
    """The user's own proxy, in front of the network, cannot be reached."""
    LOOPBACK = "loopback"
    """Go programs send requests to loopback addresses directly."""
    DAEMON = "daemon"
    """A daemon, which the command asks, sends the requests."""
    STRIPPED = "stripped"
    """The command takes the proxy's variables away."""
    OTHERS = "others"
    """Requests came, but nothing shows that they are the command's."""
    NOTHING = "nothing"
    """No request came, for a reason that is not known."""

    @property
    def is_regauths(self) -> bool:
        """Whether the command may work without regauth."""
        return self in (ObstacleKind.PROXY_DISTRUSTED, ObstacleKind.REGISTRY_UNKNOWN)

    @property
    def is_networks(self) -> bool:
        """Whether no registry was reached, with regauth or without."""
        return self in _NETWORK


_NETWORK = frozenset(
    {
        ObstacleKind.REGISTRY_DISTRUSTED,
        ObstacleKind.NO_SUCH_NAME,
        ObstacleKind.REFUSED,
        ObstacleKind.TIMED_OUT,
        ObstacleKind.UNREACHABLE,
        ObstacleKind.OWN_PROXY,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """One of them, for a person; nothing of it is unredacted."""

    kind: ObstacleKind
    place: str
    """Host and port as one has to type them; a program or an option where it is no host's."""
    title: str
    """In one line, without a full stop."""
    advice: str
    """What to do, in one sentence; may be empty."""
    command: str | None = None
    """A shell line that helps, to paste."""
