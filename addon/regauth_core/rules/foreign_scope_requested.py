"""A token request names a repository of another registry.

Fires when: a token request for one registry names a repository that the client asks of another registry, that it never
asks of this one, and that no challenge and no mount of this one names. It is reported beside whatever else is found.

What to do: note that names of private repositories were disclosed to another registry; a client should keep scope hints
for each host.

Silent when: the name is a mount's source; it is part of a longer name here, as behind a pull-through prefix; the client
uses the same name at both registries, or may still do so.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import repositories, uses
from regauth_core.conversation.exchanges import asked
from regauth_core.model import Exchange
from regauth_core.model.finding import Fault, Severity
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import rfc

RULE = Header(
    name="foreign-scope-requested",
    family=Family.SCOPE,
    severity=Severity.WARNING,
    fault=Fault.CLIENT,
    level=Level.INTEROP,
    references=(rfc(9110, "11.5"),),
    seen=("oras-project/oras-go#581", "oras-project/oras-go#1362"),
    signs=signs.TOKEN,
    accounts=False,
    stands_alone=True,
)


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match for each token request that names a foreign repository."""
    for exchange in conversation.token_exchanges:
        names = repositories(asked(exchange), conversation.registry)
        foreign = {name: first for name in sorted(names) if (first := _foreign(conversation, name)) is not None}
        # A request for several repositories belongs to a conversation of each: it is reported in the first of them.
        told_in = min(names - set(foreign) or names, default=None)
        is_here = conversation.repository == told_in or conversation.repository not in names
        if foreign and is_here and (names - set(foreign) or _is_used(conversation, exchange)):
            yield _match(conversation, exchange, foreign)


def _is_used(conversation: Conversation, exchange: Exchange) -> bool:
    """Whether the token serves something here; else the repository of the other registry may still be asked here."""
    answer = exchange.response.token if exchange.response else None
    return bool(uses(conversation, answer.fingerprints if answer else ()))


def _foreign(conversation: Conversation, name: str) -> Exchange | None:
    """The client's request for the name at another registry, if this one is unrelated to it."""
    here = conversation.at_registry
    if name in here.asked or any(_is_related(name, known) for known in (*here.asked, *here.named)):
        return None
    others = [a for a in conversation.client_state.at_registries.values() if a is not here]
    return next((a.asked[name] for a in others if name in a.asked), None)


def _is_related(name: str, known: str) -> bool:
    return name == known or name.endswith(f"/{known}") or known.endswith(f"/{name}")


def _match(conversation: Conversation, exchange: Exchange, foreign: dict[str, Exchange]) -> Match:
    told = ", ".join(foreign)
    server = exchange.origin.authority
    others = ", ".join(dict.fromkeys(first.origin.authority for first in foreign.values()))
    return Match(
        exchanges=(*foreign.values(), exchange),
        title=f"a token request to {server} names {told} of {others}",
        explanation=(
            f"The token request to {server} ({exchange.number}) names {told}. The client requests it from {others},"
            " never"
            f" from {conversation.registry}, and no challenge of {conversation.registry} names it."
        ),
        client_author=f"Keep scope hints for each host: do not send those for {others} to {server}.",
        user=f"Use another version of the client: this one discloses names of repositories at {others} to {server}.",
        because="what the client asked of either registry is in the capture",
    )
