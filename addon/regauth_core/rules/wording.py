"""Phrases that the texts of findings share."""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.exchanges import asked
from regauth_core.model import Exchange, Origin
from regauth_core.protocol.registries import DOCKER_HUB, registry_of


def where(exchange: Exchange) -> str:
    """Method and URL of a request without its query."""
    return f"{exchange.request.method} {exchange.request.url.partition('?')[0]}"


def subject(conversation: Conversation) -> str:
    """The repository, or the registry, that a conversation is about, for an explanation."""
    if conversation.repository is None:
        return str(conversation.origin)
    return f"repository {conversation.repository} at {conversation.origin}"


def reference_of(conversation: Conversation) -> str:
    """The same in short, as an image reference writes it: ``registry.test/foo``."""
    host = str(conversation.origin).partition("://")[2]
    return host if conversation.repository is None else f"{host}/{conversation.repository}"


def numbers(exchanges: Iterable[Exchange]) -> str:
    """The numbers of the exchanges: ``3, 4 and 7``; of more than six, ``3 to 12``."""
    shown = [str(n) for n in sorted({e.number for e in exchanges})]
    if len(shown) > 6:
        return f"{shown[0]} to {shown[-1]}"
    return " and ".join(part for part in (", ".join(shown[:-1]), *shown[-1:]) if part)


def asked_text(exchange: Exchange) -> str:
    """The scopes of a token request, or ``no scope``."""
    return " ".join(str(s) for s in asked(exchange)) or "no scope"


def login_to(origin: Origin) -> str:
    """What the user of a registry is to do to log in, with the name under which clients keep Docker Hub's login."""
    if registry_of(origin) == DOCKER_HUB:
        return "Log in to Docker Hub (the login is kept under https://index.docker.io/v1/)"
    return f"Log in to {origin.host}"


def schemes(exchange: Exchange) -> str:
    """The schemes that an answer offers: ``Basic and Bearer``."""
    challenges = exchange.response.challenges if exchange.response else ()
    return " and ".join(dict.fromkeys(c.scheme for c in challenges))
