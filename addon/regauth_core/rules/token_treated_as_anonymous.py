"""Fresh tokens do not seem to arrive: the registry answers as if none had been sent.

Fires when: two or more tokens, each fresh and sufficient for the request, get exactly the challenge that came before
any token was sent, without an `error` in it. Low confidence where the tokens cannot be read.

What to do: check that every proxy in front of the registry forwards the Authorization header, then that the registry
trusts its token server; a client should stop after one renewal.

Silent when: there is one refusal only; the token grants less than is needed; wrong clocks explain it (clock-skew); a
later try succeeds.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.answers import asks_for_login
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.exchanges import IssuedToken, bearer, error_of, is_anonymous
from regauth_core.conversation.recovery import at_home
from regauth_core.conversation.undecided import why_undecided
from regauth_core.model import Exchange
from regauth_core.model.finding import Confidence, Fault, Severity
from regauth_core.protocol.scope import covered, needed
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import rfc
from regauth_core.rules.wording import numbers, subject, where

RULE = Header(
    name="token-treated-as-anonymous",
    family=Family.PROXY,
    severity=Severity.WARNING,
    fault=Fault.PROXY,
    level=Level.MUST,
    references=(rfc(9110, "11.6.2"),),
    seen=("rpardini/docker-registry-proxy PR#180", "distribution/distribution PR#613", "moby/moby#22503"),
    signs=signs.REFUSED,
    yields=True,
)


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match with every request whose token does not seem to have arrived."""
    asked = {_challenges(e) for e in conversation.context if asks_for_login(e) and is_anonymous(e)}
    lost = [
        (e, issue)
        for e in conversation.refused()
        if (issue := _good_token(conversation, e)) is not None and error_of(e) is None and _challenges(e) in asked
    ]
    tokens = {t.fingerprint for e, _ in lost if (t := bearer(e)) is not None}
    if len(tokens) < 2:
        return
    first, issue = lost[0]
    refused = [e for e, _ in lost]
    readable = all(i.granted is not None for _, i in lost)
    host = first.origin.authority
    yield Match(
        exchanges=tuple(refused),
        title=f"{host} answers a fresh token as if none had been sent",
        explanation=(
            f"{where(first)} was sent with {len(tokens)} tokens that are sufficient for {subject(conversation)}"
            f" ({numbers(refused)}), and each time the answer was the challenge that a request without a token gets."
        ),
        client_author=f"Stop after one renewal: another token for {host} does not help.",
        user=(
            f"Look for a reverse or caching proxy in front of {host} and let it forward Authorization for /v2/; if"
            f" there is no proxy, see whether {host} trusts the key and the issuer of its token server. It is not the"
            " password."
        ),
        confidence=Confidence.MEDIUM if readable else Confidence.LOW,
        because=(
            "the tokens list what was requested"
            if readable
            else "the tokens cannot be read, so they may grant less than was requested"
        ),
        undecided=why_undecided(conversation, first, issue),
    )


def _good_token(conversation: Conversation, refused: Exchange) -> IssuedToken | None:
    issue = conversation.issue_of(bearer(refused))
    if issue is None or refused.started > issue.ended or conversation.succeeded_later(refused):
        return None
    if issue.granted is None and issue.secret is None:
        # An anonymous token that cannot be read most likely has no rights.
        return None
    need = at_home(conversation, needed(refused.request.method, refused.target))
    held = issue.granted if issue.granted is not None else issue.asked
    return issue if need and covered(need, at_home(conversation, held)) else None


def _challenges(exchange: Exchange) -> tuple[tuple[str | None, ...], ...]:
    """What an answer asks for, in a form that can be compared."""
    challenges = exchange.response.challenges if exchange.response else ()
    return tuple((c.kind, *(c.parameter(name) for name in ("realm", "service", "scope", "error"))) for c in challenges)
