"""The token server does not say properly how long its token lives, and clients guess differently.

Fires when: the answer's `expires_in` is less than 60 (zero counts), or a POST is answered without any.

Severity: info; warning where it has a price: hardly any request goes without an exchange of its own, or one is refused
once the few seconds are over.

What to do: let the token server state a life of a minute or more; a client should count sixty seconds where nothing
is said.

Silent when: it is absent from the answer to a GET, where a minute is the rule, and nothing else happens.
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
    """One match with every exchange that gave a token of no proper life."""
    short = [e for e in conversation.token_exchanges if _is_short(e) and is_about(conversation, e)]
    if not short:
        return
    refused = _refused_late(conversation, short)
    hasty = _is_renewed_each_time(conversation, short)
    host = short[0].origin.host
    life = _life(short[0])
    said = "no expires_in" if life is None else f"expires_in={life:g}"
    consequence = (
        f" A request with such a token was refused afterwards ({refused.number})."
        if refused is not None
        else f" The client asked {len(short)} times for the same token."
        if hasty
        else ""
    )
    yield Match(
        exchanges=(*short, refused) if refused is not None else tuple(short),
        severity=Severity.WARNING if hasty or refused is not None else Severity.INFO,
        title=f"the token server {host} gives tokens with {said}",
        explanation=(
            f"The answer ({short[0].number}) has {said}. Some clients then take a minute, some take it literally, some"
            f" keep the token for ever.{consequence}"
        ),
        client_author="Let no token live less than 60 s, nor one without expires_in, and count from when it came in.",
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
