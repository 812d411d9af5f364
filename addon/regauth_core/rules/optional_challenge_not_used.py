"""A 200 carried a challenge, and the client stayed anonymous although it has credentials.

Fires when: the ping, the catalogue or a list of tags was answered 200 with WWW-Authenticate, the client is known to
have credentials, and every request that it sent this registry from then on was anonymous and succeeded. After a ping at
least one request must have followed.

What to do: log in explicitly if a listing looks short; a client could send its credentials when a successful answer
carries a challenge.

Silent when: it is not known whether the client has credentials; a later request is refused, which is a finding of
another rule.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.exchanges import is_anonymous, succeeded, usable_challenges
from regauth_core.model import Endpoint, Exchange
from regauth_core.model.finding import Fault, Severity
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import rfc
from regauth_core.rules.wording import schemes, where

RULE = Header(
    name="optional-challenge-not-used",
    family=Family.UNANSWERED,
    severity=Severity.INFO,
    fault=Fault.UNKNOWN,
    level=Level.INFO,
    references=(rfc(9110, "11.6.1"),),
    seen=("project-zot/zot#3869",),
    signs=signs.OPEN_CHALLENGE,
)

_INVITING = frozenset({Endpoint.PING, Endpoint.CATALOG, Endpoint.TAGS})


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match with the first successful answer whose challenge was not used."""
    if not conversation.holds_credentials or conversation.signs & signs.REFUSED:
        return
    for exchange in conversation.requests:
        invites = exchange.target.endpoint in _INVITING and succeeded(exchange) and is_anonymous(exchange)
        if invites and usable_challenges(exchange) and _stayed_anonymous(conversation, exchange):
            yield _match(exchange)
            return


def _stayed_anonymous(conversation: Conversation, exchange: Exchange) -> bool:
    at_registry = conversation.at_registry
    if any(a.started >= exchange.started for a in at_registry.auth_steps):
        return False
    if any(c.signs & signs.REFUSED for c in at_registry.conversations.values()):
        return False
    last = at_registry.last_request
    followed = last is not None and last.number != exchange.number and last.started >= exchange.started
    return followed or exchange.target.endpoint is not Endpoint.PING


def _match(exchange: Exchange) -> Match:
    host = exchange.origin.authority
    return Match(
        exchanges=(exchange,),
        title=f"{host} offered a login, and the client stayed anonymous",
        explanation=(
            f"{where(exchange)} ({exchange.number}) was answered {exchange.status} with a challenge"
            f" ({schemes(exchange)}). The client has credentials and sent none from then on."
        ),
        client_author=f"Send the credentials for {host} when a successful answer carries a challenge.",
        user=f"If a listing of {host} looks short, log in explicitly.",
        because="the challenge and every later request are in the capture",
    )
