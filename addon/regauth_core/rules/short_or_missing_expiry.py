"""The token server states no usable life of its token, and clients guess differently.

Fires when: the answer's `expires_in` is less than 60 (zero counts), or the answer to a POST has none.

Severity: info; warning where it has a cost: almost every request needs a token exchange, or a request is refused once
the few seconds are over.

What to do: let the token server state a life of a minute or more; a client should assume sixty seconds where nothing is
stated.

Silent when: it is absent from the answer to a GET, where a minute is the default, and nothing else happens.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import is_about, uses
from regauth_core.conversation.exchanges import bearer, refuses
from regauth_core.model import Exchange
from regauth_core.model.finding import Fault, Severity
from regauth_core.protocol.token_answer import DEFAULT_LIFE
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page

RULE = Header(
    name="short-or-missing-expiry",
    family=Family.TOKEN_LIFE,
    severity=Severity.INFO,
    fault=Fault.TOKEN_SERVER,
    level=Level.MUST,
    references=(page("token", "Token Response Fields"), page("oauth", "Token Response Fields")),
    seen=("distribution/distribution PR#979", "regclient/regclient#189"),
    signs=signs.TOKEN,
    accounts=False,
)

_HASTY = 10.0
"""Seconds of life below which even a second exchange for the same scope is a consequence."""


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match with every exchange that gave a token without a usable life."""
    short = [e for e in conversation.token_exchanges if _is_short(e) and is_about(conversation, e)]
    if not short:
        return
    refused = _refused_late(conversation, short)
    hasty = _is_renewed_each_time(conversation, short)
    host = short[0].origin.authority
    life = _life(short[0])
    said = "no expires_in" if life is None else f"expires_in={life:g}"
    consequence = (
        f" A request with such a token was refused afterwards ({refused.number})."
        if refused is not None
        else f" The client requested the same token {len(short)} times."
        if hasty
        else ""
    )
    yield Match(
        exchanges=(*short, refused) if refused is not None else tuple(short),
        severity=Severity.WARNING if hasty or refused is not None else Severity.INFO,
        title=f"the token server {host} gives tokens with {said}",
        explanation=(
            f"The answer ({short[0].number}) has {said}. Some clients then assume a minute, some take it literally,"
            " some"
            f" keep the token forever.{consequence}"
        ),
        client_author="Assume a life of at least 60 s, also without expires_in, and count from when the token arrived.",
        user=f"Let {host} send an expires_in of 60 or more; 300 is usual.",
        because="the answer of the token server is in the capture",
        rests_on_absence=hasty or refused is not None,
    )


def _life(exchange: Exchange) -> float | None:
    answer = exchange.response.token if exchange.response else None
    return answer.expires_in if answer is not None else None


def _is_short(exchange: Exchange) -> bool:
    answer = exchange.response.token if exchange.response else None
    if answer is None or not answer.fingerprints:
        return False
    if answer.expires_in is None:
        return exchange.request.method == "POST"
    return answer.expires_in < DEFAULT_LIFE


def _refused_late(conversation: Conversation, short: list[Exchange]) -> Exchange | None:
    """A request that was refused with one of the tokens after its stated life."""
    for refused in conversation.requests:
        issue = conversation.issue_of(bearer(refused)) if refuses(refused) else None
        if issue is not None and issue.exchange in short and refused.started > issue.ended:
            return refused
    return None


def _is_renewed_each_time(conversation: Conversation, short: list[Exchange]) -> bool:
    dated = [e for e in short if _life(e) is not None]
    tokens = [f for e in dated if e.response and e.response.token for f in e.response.token.fingerprints]
    enough = 2 if all((_life(e) or 0.0) <= _HASTY for e in dated) else 3
    return len(dated) >= enough and len(uses(conversation, tokens)) <= 1.5 * len(dated)
