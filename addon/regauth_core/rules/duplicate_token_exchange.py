"""The client makes the same token exchange several times in parallel.

Fires when: at least three token requests of one client with the same realm, service, scopes and credential overlap, or
begin within a second of each other, and are answered with tokens.

What to do: nothing, unless requests are limited; a client should keep one exchange in flight for each scope.

Silent when: one exchange serves many requests; a POST is followed by a GET; a try is repeated after 429 or a server
error, or after a refusal of the token.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import is_about
from regauth_core.conversation.exchanges import request_key, secret_of, succeeded
from regauth_core.model import Exchange
from regauth_core.model.finding import Fault, Severity
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page
from regauth_core.rules.wording import asked_text, numbers

RULE = Header(
    name="duplicate-token-exchange",
    family=Family.TOKEN_LIFE,
    severity=Severity.INFO,
    fault=Fault.CLIENT,
    level=Level.INTEROP,
    references=(page("token", "Requesting a Token"),),
    seen=("podman-container-tools/container-libs PR#415", "dragonflyoss/nydus#890"),
    signs=signs.TOKEN,
    accounts=False,
)

_TOGETHER = 1.0
_MANY = 3


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match for each token that was requested too often at once."""
    groups: dict[object, list[Exchange]] = {}
    for exchange in conversation.token_exchanges:
        if succeeded(exchange) and is_about(conversation, exchange):
            key = (request_key(exchange), secret_of(exchange), exchange.request.method)
            groups.setdefault(key, []).append(exchange)
    refused = [e.started for e in conversation.refused(401, 403) if e.request.credentials]
    for equal in groups.values():
        crowd = _crowd(equal, refused)
        if len(crowd) >= _MANY:
            yield _match(crowd)


def _crowd(equal: list[Exchange], refused: list[float]) -> list[Exchange]:
    """The longest run of requests each of which begins before the one before it has ended, or within the second.

    `refused` are the times of requests that were refused with a credential: what follows one is a new try.
    """
    best: list[Exchange] = []
    run: list[Exchange] = []
    for exchange in equal:
        if run and exchange.started > run[-1].finished:
            begin, end = bisect_left(refused, run[-1].finished), bisect_left(refused, exchange.started)
            if begin < end or exchange.started - run[0].started > _TOGETHER:
                run = []
        run.append(exchange)
        best = max(best, run[:], key=len)
    return best


def _match(crowd: list[Exchange]) -> Match:
    host = crowd[0].origin.authority
    return Match(
        exchanges=tuple(crowd),
        title=f"the same token was requested from {host} {len(crowd)} times at once",
        explanation=(
            f"Exchanges {numbers(crowd)} ask {host} for {asked_text(crowd[0])} with the same credential, at the same"
            " time. One answer would have served them all."
        ),
        client_author=(
            f"Keep one exchange in flight for each scope, here {asked_text(crowd[0])}; let the others wait for it."
        ),
        user=f"Harmless, except that it counts against a rate limit of {host}, if it has one.",
        rests_on_absence=False,
    )
