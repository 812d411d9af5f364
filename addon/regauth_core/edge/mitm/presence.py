"""Which clients are still there: a client has gone when every process behind it has ended."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field

from regauth_core.conversation.clients import key_of
from regauth_core.edge.mitm.processes import Process
from regauth_core.model import Sender


@dataclass(slots=True)
class _Client:
    sender: Sender
    processes: set[Process] = field(default_factory=set)
    unseen: bool = False
    """Some request came from no process that can be watched."""


class Presence:
    """Remembers the processes of each client until they have ended."""

    def __init__(self) -> None:
        self._clients: dict[Hashable, _Client] = {}
        self._strangers = False

    def seen(self, sender: Sender, process: Process | None) -> None:
        """A request of `sender` came from `process`; `None` where that is not known."""
        if process is None and sender.label is None:
            self._strangers = True
            return
        client = self._clients.setdefault(key_of(sender), _Client(sender))
        if process is None:
            client.unseen = True
        else:
            client.processes.add(process)

    def processes(self) -> tuple[Process, ...]:
        """Every process that was alive when it was last asked."""
        return tuple({process for client in self._clients.values() for process in client.processes})

    def ended(self, dead: set[Process], busy: Iterable[Sender] = ()) -> tuple[Sender, ...]:
        """These processes have ended; the clients that have gone with them.

        Of the `busy` a request is still on its way, and they are asked for again.
        """
        waiting = {key_of(sender) for sender in busy}
        gone = []
        for key, client in list(self._clients.items()):
            if key in waiting:
                continue
            if client.processes and not client.unseen and client.processes <= dead:
                gone.append(client.sender)
                del self._clients[key]
            else:
                client.processes -= dead
        return tuple(gone)

    @property
    def everybody_gone(self) -> bool:
        """Whether no client is left that could send anything."""
        return not self._clients and not self._strangers
