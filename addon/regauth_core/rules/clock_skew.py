"""Two of the three machines do not agree on the time, and good tokens seem too old or too new.

Fires when: a token that is seconds old is refused with 401 while its `nbf` or `iat`, or the token server's `Date`,
lies more than two seconds ahead of the registry's `Date`; or while its `exp` is already over by the registry's `Date`.
Also when `issued_at` plus `expires_in` is over before the answer arrives, and the client asks for a token before every
request.

What to do: set the clocks of token server, registry and client by NTP; a client should count a token's life from its
arrival by its own clock.

Silent when: the token's life is over by the capture's own clock; nothing is refused and nothing repeats; the difference
is a second or two; an answer came from a cache (`Age`); the registry says that rights are missing; a later try
succeeds.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from regauth_core.conversation import signs
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import is_about, uses
from regauth_core.conversation.exchanges import IssuedToken, bearer, error_of
from regauth_core.conversation.recovery import at_home
from regauth_core.conversation.refusal import states
from regauth_core.model import Exchange
from regauth_core.model.finding import Confidence, Fault, Severity
from regauth_core.model.stated_reasons import StatedReason
from regauth_core.protocol.scope import covered, needed
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page, rfc
from regauth_core.rules.wording import where

RULE = Header(
    name="clock-skew",
    family=Family.TOKEN_LIFE,
    severity=Severity.WARNING,
    fault=Fault.CONFIGURATION,
    level=Level.SHOULD,
    references=(rfc(7519, "4.1.4"), rfc(7519, "4.1.5"), rfc(7519, "4.1.6"), page("token", "Token Response Fields")),
    seen=("moby/moby#22158", "docker/hub-feedback#647", "distribution/distribution PR#1686", "cesanta/docker_auth#59"),
    signs=signs.REFUSED | signs.TOKEN,
    yields=True,
)

_YOUNG = 30.0
_TOLERATED = 2.0
_LAST_SHOWN = 250e9


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match for the refusals that the clocks explain, else one for a client that renews all the time."""
    skewed = [
        (refused, issue, reason)
        for refused in conversation.refused()
        if (issue := _fresh(conversation, refused)) is not None and (reason := _skew(refused, issue)) is not None
    ]
    if skewed:
        refused, issue, (text, confidence) = skewed[0]
        told = (
            f"{where(refused)} ({refused.number}) was refused with a token that was"
            f" {refused.started - issue.began:.0f} s old: {text}."
        )
        yield _match(conversation, (issue.exchange, *(e for e, _, _ in skewed)), told, confidence)
        return
    stale = [e for e in conversation.token_exchanges if _is_born_dead(e) and is_about(conversation, e)]
    tokens = [f for e in stale if e.response and e.response.token for f in e.response.token.fingerprints]
    if len(stale) >= 3 and len(uses(conversation, tokens)) <= 1.5 * len(stale):
        told = (
            f"By their issued_at and expires_in the tokens of {stale[0].origin.authority} are over"
            " when they arrive, and the"
            " client asks for a new one before every request."
        )
        yield _match(conversation, tuple(stale), told, Confidence.MEDIUM)


def _fresh(conversation: Conversation, refused: Exchange) -> IssuedToken | None:
    """The issue of the token that was refused, if it was seconds old and nothing else explains the refusal."""
    issue = conversation.issue_of(bearer(refused))
    if issue is None or not 0 <= refused.started - issue.began < _YOUNG or conversation.succeeded_later(refused):
        return None
    if issue.began < issue.ended <= refused.started:
        # Over by the capture's own clock, and so expired, whatever the other clocks say.
        return None
    granted = issue.granted
    need = at_home(conversation, needed(refused.request.method, refused.target))
    lacking = granted is not None and not covered(need, at_home(conversation, granted))
    cached = any(e.response is not None and e.response.header("age") for e in (refused, issue.exchange))
    return None if lacking or cached or error_of(refused) == "insufficient_scope" else issue


def _skew(refused: Exchange, issue: IssuedToken) -> tuple[str, Confidence] | None:
    """How the clocks explain the refusal, and how surely; `None` where they do not."""
    response, answer = refused.response, issue.exchange.response
    token = answer.token if answer else None
    if response is None or answer is None or token is None:
        return None
    here = response.date
    said = error_of(refused) == "invalid_token" or states(refused, StatedReason.NOT_YET_VALID, StatedReason.EXPIRED)
    claims = token.claims
    begins = max((t for t in (claims.not_before, claims.issued) if t is not None), default=None) if claims else None
    sure = Confidence.HIGH if said else Confidence.MEDIUM
    if begins is not None and begins - (here if here is not None else refused.finished) > _TOLERATED:
        whose = f"the registry's Date is {_clock(here)}" if here is not None else "by the capture's clock that is ahead"
        return f"it is valid from {_clock(begins)}, {whose}", sure if here is not None else Confidence.LOW
    ends = claims.expires if claims is not None else None
    if here is None and ends is not None and ends <= issue.began and said:
        return f"it ends at {_clock(ends)}, and by the capture's clock it came later than that", Confidence.MEDIUM
    if here is None:
        return None
    if claims is not None and claims.expires is not None and here > claims.expires:
        return f"it ends at {_clock(claims.expires)}, the registry's Date is {_clock(here)}", sure
    there = answer.date if answer.date is not None else token.issued_at
    if there is not None and said:
        ahead = (there - here) + (refused.finished - issue.exchange.finished)
        if ahead > _TOLERATED or -ahead > issue.ended - issue.began:
            return f"the token server's time is {_clock(there)}, that of the registry {_clock(here)}", sure
    return None


def _is_born_dead(exchange: Exchange) -> bool:
    answer = exchange.response.token if exchange.response else None
    if answer is None or answer.issued_at is None:
        return False
    return answer.issued_at + max(answer.expires_in or 60.0, 60.0) < exchange.finished - _TOLERATED


def _clock(moment: float | None) -> str:
    if moment is None or not 0 <= moment < _LAST_SHOWN:
        return "a time outside of any calendar"
    return datetime.fromtimestamp(moment, UTC).strftime("%H:%M:%S")


def _match(conversation: Conversation, shown: tuple[Exchange, ...], text: str, confidence: Confidence) -> Match:
    hosts = " and ".join(dict.fromkeys((shown[0].origin.authority, conversation.origin.authority)))
    return Match(
        exchanges=shown,
        title=f"the clocks of {hosts} and the client disagree",
        explanation=text,
        client_author="Count a token's life from the local time at which it arrived, not from the server's issued_at.",
        user=f"Set the clocks of {hosts} and of the client's machine by NTP, and try again.",
        confidence=confidence,
        because="the times that the two servers state differ in the direction that explains it",
    )
