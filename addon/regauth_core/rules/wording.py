"""Phrases that the texts of findings share."""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.engines import CONTAINERS_IMAGE
from regauth_core.conversation.exchanges import asked
from regauth_core.model import Exchange
from regauth_core.protocol.registries import DOCKER_HUB


def where(exchange: Exchange) -> str:
    """Method and URL of a request without its query."""
    return f"{exchange.request.method} {exchange.request.url.partition('?')[0]}"


def subject(conversation: Conversation) -> str:
    """The repository, or the registry, that a conversation is about, for an explanation."""
    place = DOCKER_HUB if conversation.registry == DOCKER_HUB else str(conversation.origin)
    return place if conversation.repository is None else f"repository {conversation.repository} at {place}"


def reference_of(conversation: Conversation) -> str:
    """The same in short, as an image reference writes it: ``registry.test/foo``."""
    registry = conversation.registry
    return registry if conversation.repository is None else f"{registry}/{conversation.repository}"


def numbers(exchanges: Iterable[Exchange]) -> str:
    """The numbers of the exchanges: ``3, 4 and 7``; of more than six, ``3 to 12``."""
    shown = [str(n) for n in sorted({e.number for e in exchanges})]
    if len(shown) > 6:
        return f"{shown[0]} to {shown[-1]}"
    return " and ".join(part for part in (", ".join(shown[:-1]), *shown[-1:]) if part)


def asked_text(exchange: Exchange) -> str:
    """The scopes of a token request, or ``no scope``."""
    return " ".join(str(s) for s in asked(exchange)) or "no scope"


def login_key(conversation: Conversation) -> str:
    """The name under which the client keeps a login for the registry; what is typed after ``login`` is `registry`.

    Docker keeps Docker Hub's under the address of the first protocol, and so does what reads Docker's configuration;
    the library of skopeo and podman keeps it under ``docker.io`` (containers-auth.json(5)).
    """
    if conversation.registry != DOCKER_HUB or conversation.client_state.engine == CONTAINERS_IMAGE:
        return conversation.registry
    return "https://index.docker.io/v1/"


def schemes(exchange: Exchange) -> str:
    """The schemes that an answer offers: ``Basic and Bearer``."""
    challenges = exchange.response.challenges if exchange.response else ()
    return " and ".join(dict.fromkeys(c.scheme for c in challenges))
