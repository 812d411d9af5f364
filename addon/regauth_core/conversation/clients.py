"""Which exchanges come from one client, and which engine is behind it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace

from regauth_core.bounded import Bounded
from regauth_core.conversation.engines import engine_of, engine_of_agent
from regauth_core.model import Exchange, Sender
from regauth_core.model.finding import Client

MOST_CLIENTS = 10_000
"""How many clients are told apart; the traffic of further ones is put under the last."""


def key_of(sender: Sender) -> tuple[Hashable, ...]:
    """What tells this sender from others.

    Under a label each program is one client, however many processes of it there are; without one, each process is.
    Where neither the label nor the process is known it is the address with the user agent.
    """
    if sender.label is not None:
        return ("label", sender.label, sender.program or _product(sender.user_agent))
    if sender.process is not None:
        return ("process", sender.process, sender.program)
    return ("address", sender.address, sender.user_agent)


def _product(user_agent: str | None) -> str | None:
    """The name with which the user agent of a registry client begins, such as ``skopeo``; `None` for any other."""
    if not user_agent or engine_of_agent(user_agent) is None:
        return None
    return user_agent.partition("/")[0].partition(" ")[0]


class Clients:
    """Gives each sender the identifier of its client and remembers what is known about that client."""

    def __init__(self) -> None:
        self._ids: dict[tuple[Hashable, ...], str] = {}
        self._known: dict[str, Client] = {}
        self._recent: tuple[Sender | None, str] = (None, "")
        self._labelled: Bounded[str, str] = Bounded(MOST_CLIENTS)
        """The client that was seen last under each label: what says nothing of its program is taken for its."""

    def identifier(self, sender: Sender) -> str:
        """``c1``, ``c2``, … in order of appearance."""
        if sender is self._recent[0]:
            return self._recent[1]
        key = key_of(sender)
        found = self._ids.get(key) or self._under_label(sender, key)
        if found is None:
            found = f"c{min(len(self._ids) + 1, MOST_CLIENTS)}"
            if len(self._ids) < MOST_CLIENTS:
                self._ids[key] = found
            process = f"{sender.program} ({sender.process})" if sender.process is not None else None
            known = Client(id=found, user_agent=sender.user_agent, engine=None, process=process, label=sender.label)
            self._known.setdefault(found, known)
        if sender.label is not None:
            self._labelled[sender.label] = found
        self._recent = (sender, found)
        return found

    def _under_label(self, sender: Sender, key: tuple[Hashable, ...]) -> str | None:
        """The client to which a sender belongs that has only its label, or that is the first to have more."""
        if sender.label is None:
            return None
        if key[-1] is None:
            return self._labelled.get(sender.label)
        # Requests that did not say which program they came from were this one's.
        found = self._ids.pop((*key[:-1], None), None)
        if found is not None:
            self._ids[key] = found
        return found

    def learn(self, identifier: str, exchange: Exchange) -> None:
        """Note what the exchange tells about its client: the engine's marks, a first user agent."""
        known = self._known[identifier]
        if known.engine is not None:
            return
        engine = engine_of(exchange)
        agent = known.user_agent or exchange.sender.user_agent
        if engine is not None or agent != known.user_agent:
            self._known[identifier] = replace(known, user_agent=agent, engine=engine)

    def client(self, identifier: str) -> Client:
        """What is known about the client so far."""
        return self._known[identifier]

    def all(self) -> tuple[Client, ...]:
        """Every client, in order of appearance."""
        return tuple(self._known.values())
