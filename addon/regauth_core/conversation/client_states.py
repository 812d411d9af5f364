"""The clients of a trace, by what they are recognised by. The idle ones are forgotten where there are too many."""

from __future__ import annotations

from regauth_core.bounded import Bounded
from regauth_core.conversation.clients import key_of
from regauth_core.conversation.conversation import ClientState, TraceState
from regauth_core.model import Exchange, Sender

MOST_REMEMBERED = 2000
"""How many clients without an open conversation are remembered."""


class ClientStates:
    """The state of each client, which is made when it is first asked for."""

    def __init__(self, trace_state: TraceState) -> None:
        self._trace_state = trace_state
        self._states: dict[str, ClientState] = {}
        self._attributed: Bounded[int, str] = Bounded(20_000)

    def of(self, sender: Sender) -> ClientState:
        """The client behind a sender."""
        return self.by_identifier(self._trace_state.clients.identifier(sender))

    def by_identifier(self, identifier: str) -> ClientState:
        """The client of this identifier (`Clients.identifier`)."""
        state = self._states.get(identifier)
        if state is None:
            state = self._states[identifier] = ClientState(identifier, self._trace_state)
            if len(self._states) > MOST_REMEMBERED:
                self._forget()
        return state

    def _forget(self) -> None:
        idle = [key for key, state in self._states.items() if not state.open and not state.in_flight]
        newest = next(reversed(self._states))
        for key in idle[: len(self._states) // 2]:
            if key != newest:
                del self._states[key]

    def attribute(self, exchange: Exchange, state: ClientState) -> None:
        """The exchange is this client's."""
        if state.first is None:
            state.first = exchange
        self._attributed[exchange.number] = state.identifier
        self._trace_state.clients.learn(state.identifier, exchange)

    def identifier_of(self, exchange: Exchange) -> str:
        """The client that an exchange was attributed to; before that, the one behind its sender."""
        return self._attributed.get(exchange.number) or self._trace_state.clients.identifier(exchange.sender)

    def address_of(self, identifier: str) -> str | None:
        """The address of a client that is recognised by it; `None` where something better is known."""
        first = self.by_identifier(identifier).first
        return first.sender.address if first is not None and key_of(first.sender)[0] == "address" else None
