"""The client resolved a relative Location against the wrong host.

Fires when: a request was redirected to another host, which answers with a `Location` that has no host, and the client
then sends its path to the first host, which fails.

What to do: have the registry send absolute locations; a client should resolve a location against the URL that gave the
answer.

Silent when: the first host accepts it; the `Location` is absolute.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.answers import is_error, leads_on
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.exchanges import realm_key
from regauth_core.model import Exchange
from regauth_core.model.finding import Fault, Severity
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import rfc
from regauth_core.rules.wording import where

RULE = Header(
    name="relative-location-wrong-base",
    family=Family.LEAK,
    severity=Severity.ERROR,
    fault=Fault.CLIENT,
    level=Level.MUST,
    references=(rfc(9110, "10.2.2"),),
    seen=("containerd/containerd#11949",),
    signs=signs.NAMES_URL,
    stands_alone=True,
)


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match for each relative Location that went to the wrong host."""
    redirected = {
        e.response.location.origin for e in conversation.steps if _is_redirect(e) and e.response and e.response.location
    }
    for answer in conversation.steps:
        link = answer.response.location if answer.response else None
        if link is None or not link.relative or answer.origin not in redirected:
            continue
        wrong = _misled(conversation, answer, link.path)
        if wrong is not None:
            yield _match(answer, wrong)


def _is_redirect(exchange: Exchange) -> bool:
    link = exchange.response.location if exchange.response else None
    return link is not None and leads_on(exchange) and link.origin != exchange.origin


def _misled(conversation: Conversation, answer: Exchange, path: str) -> Exchange | None:
    """The first later request for that path, if it went to another host and failed."""
    for later in conversation.steps:
        if later.started >= answer.started and later is not answer and realm_key(later).path == path:
            return later if later.origin != answer.origin and is_error(later) else None
    return None


def _match(answer: Exchange, wrong: Exchange) -> Match:
    right = answer.origin
    return Match(
        exchanges=(answer, wrong),
        title=f"a relative Location of {right.authority} was sent to {wrong.origin.authority}",
        explanation=(
            f"{right.authority} answered ({answer.number}) with a Location that has no host. The"
            f" client sent {where(wrong)}"
            f" ({wrong.number}) to {wrong.origin.authority}, which answered {wrong.status}; it"
            f" belongs to {right.authority}."
        ),
        client_author=f"Resolve a Location against the URL of the request that it answers, here one of {right}.",
        user=f"Let {right.authority} send absolute locations until the client is fixed.",
        rests_on_absence=False,
    )
