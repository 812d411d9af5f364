"""The registry offers only schemes that registry clients do not support.

Fires when: a 401 carries challenges, none of them Basic or Bearer, and the client never gets what it asked for.

What to do: exclude the registry's paths and the token server from the filter that offers such schemes; a client should
name the schemes in its error.

Silent when: Basic or Bearer is among them, usable or broken; the client supports the offered scheme and succeeds.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.recovery import is_final, refused_alike
from regauth_core.conversation.undecided import why_undecided_afterwards
from regauth_core.model import Exchange
from regauth_core.model.finding import Fault, Severity
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import rfc
from regauth_core.rules.wording import numbers, reference_of, schemes, where

RULE = Header(
    name="no-usable-challenge",
    family=Family.REGISTRY,
    severity=Severity.WARNING,
    fault=Fault.PROXY,
    level=Level.INTEROP,
    references=(rfc(9110, "11.4"),),
    seen=("containers/skopeo#1300", "containers/skopeo#375"),
    signs=signs.REFUSED,
)

_SPOKEN = frozenset({"basic", "bearer"})


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match with every refusal that offers nothing usable."""
    refused = refused_alike(conversation, lambda e: _is_foreign_tongue(e) and is_final(conversation, e))
    if refused and not conversation.was_served_after(refused[-1]):
        yield _match(conversation, refused)


def _is_foreign_tongue(exchange: Exchange) -> bool:
    kinds = {c.kind for c in exchange.response.challenges} if exchange.response else set()
    return bool(kinds) and not kinds & _SPOKEN


def _match(conversation: Conversation, refused: list[Exchange]) -> Match:
    first = refused[0]
    offered = schemes(first)
    return Match(
        exchanges=tuple(refused),
        title=f"{reference_of(conversation)} offers only {offered}",
        explanation=(
            f"{where(first)} was answered 401 with {offered} and nothing else ({numbers(refused)}). Registry"
            " clients do not support that; it mostly comes from a single sign-on filter in front of the registry."
        ),
        client_author=f"Name the schemes that were offered ({offered}) in the error.",
        user=(
            f"Ask the operator of {first.origin.authority} to exclude /v2/ and the token path from the single sign-on"
            " filter."
        ),
        because="the answer with all its challenges is in the capture",
        undecided=why_undecided_afterwards(conversation, first),
    )
