"""What the sentences of findings have in common."""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.exchanges import asked
from regauth_core.model import Exchange, Origin
from regauth_core.protocol.registries import DOCKER_HUB, registry_of


def where(exchange: Exchange) -> str:
    """Method and address of a request, as text names it."""
    return f"{exchange.request.method} {exchange.request.url.partition('?')[0]}"


def subject(conversation: Conversation) -> str:
    """The repository, or the registry, that a conversation is about, as text names it."""
    if conversation.repository is None:
        return str(conversation.origin)
    return f"repository {conversation.repository} at {conversation.origin}"


def numbers(exchanges: Iterable[Exchange]) -> str:
    """The numbers of the exchanges, as text lists them: ``3, 4 and 7``; of more than six, the first and last."""
    shown = [str(n) for n in sorted({e.number for e in exchanges})]
    if len(shown) > 6:
        return f"{shown[0]} to {shown[-1]}"
    return " and ".join(part for part in (", ".join(shown[:-1]), *shown[-1:]) if part)


def asked_text(exchange: Exchange) -> str:
    """The scopes of a token request as text names them."""
    return " ".join(str(s) for s in asked(exchange)) or "no scope"


def login_to(origin: Origin) -> str:
    """What the user of a registry is to do to log in, with the name under which clients keep Docker Hub's login."""
    if registry_of(origin) == DOCKER_HUB:
        return "Log in to Docker Hub (the login is kept under https://index.docker.io/v1/)"
    return f"Log in to {origin.host}"


def schemes(exchange: Exchange) -> str:
    """The schemes that an answer offers, as text names them."""
    challenges = exchange.response.challenges if exchange.response else ()
    return " and ".join(dict.fromkeys(c.scheme for c in challenges))
