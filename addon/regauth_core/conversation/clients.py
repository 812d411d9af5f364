"""Which exchanges come from one client, and which engine is behind it."""

from __future__ import annotations

from collections.abc import Hashable

from regauth_core.conversation.engines import engine_of
from regauth_core.model import Exchange, Sender
from regauth_core.model.finding import Client

MOST_CLIENTS = 10_000
"""How many clients are told apart; the traffic of further ones is put under the last."""


def key_of(sender: Sender) -> tuple[Hashable, ...]:
    """What tells this sender from others: its label, else its process, else its address with its user agent."""
    if sender.label is not None:
        return ("label", sender.label)
    if sender.process is not None:
        return ("process", sender.process, sender.program)
    return ("address", sender.address, sender.user_agent)


class Clients:
    """Gives each sender the identifier of its client and remembers what is known about that client."""

    def __init__(self) -> None:
        self._ids: dict[tuple[Hashable, ...], str] = {}
        self._known: dict[str, Client] = {}
        self._recent: tuple[Sender | None, str] = (None, "")

    def identifier(self, sender: Sender) -> str:
        """``c1``, ``c2``, … in order of appearance."""
        if sender is self._recent[0]:
            return self._recent[1]
        key = key_of(sender)
        found = self._ids.get(key)
        if found is None:
            found = f"c{min(len(self._ids) + 1, MOST_CLIENTS)}"
            if len(self._ids) < MOST_CLIENTS:
                self._ids[key] = found
            process = f"{sender.program} ({sender.process})" if sender.process is not None else None
            self._known.setdefault(
                found, Client(id=found, user_agent=sender.user_agent, engine=None, process=process or sender.label)
            )
        self._recent = (sender, found)
        return found

    def learn(self, identifier: str, exchange: Exchange) -> None:
        """Note what the exchange tells about its client: the engine's marks, a first user agent."""
        known = self._known[identifier]
        if known.engine is not None:
            return
        engine = engine_of(exchange)
        agent = known.user_agent or exchange.sender.user_agent
        if engine is not None or agent != known.user_agent:
            self._known[identifier] = Client(id=identifier, user_agent=agent, engine=engine, process=known.process)

    def client(self, identifier: str) -> Client:
        """What is known about the client so far."""
        return self._known[identifier]

    def all(self) -> tuple[Client, ...]:
        """Every client, in order of appearance."""
        return tuple(self._known.values())
