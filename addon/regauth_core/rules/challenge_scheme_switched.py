"""The client answered the challenge, and the registry then asked for another scheme or realm.

Fires when: a request that answers a challenge as it asked is refused with 401, and that answer offers only another
scheme, or the same scheme with another owner's realm; and the request never succeeds.

Causes: layered-proxy (the two challenges alternate on one address, or headers show two servers; a proxy is at fault).

What to do: check the account's rights on the repository first; if two systems guard the same path, let only one of them
authenticate; a client may follow the new challenge once.

Silent when: the second scheme is tried and succeeds; only the scope or the error of the challenge changed; the client
chose the scheme by itself.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.answers import asks_for_login
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import present
from regauth_core.conversation.exchanges import challenge_realm, is_same_request, realm_key, usable_challenges
from regauth_core.conversation.recovery import is_final, issue_behind
from regauth_core.conversation.undecided import why_undecided
from regauth_core.model import Challenge, Exchange
from regauth_core.model.finding import Fault, Severity
from regauth_core.protocol.registries import registrable_domain
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import rfc
from regauth_core.rules.wording import numbers, reference_of, schemes, where

RULE = Header(
    name="challenge-scheme-switched",
    family=Family.REGISTRY,
    severity=Severity.WARNING,
    fault=Fault.REGISTRY,
    level=Level.INTEROP,
    references=(rfc(9110, "11.4"), rfc(9110, "11.5")),
    seen=(
        "goharbor/harbor#18856",
        "goharbor/harbor#17930",
        "distribution/distribution#397",
        "distribution/distribution#3010",
    ),
    signs=signs.REFUSED,
    yields=True,
)


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match with every answer that asks for another scheme or realm."""
    switched = [(e, before) for e in conversation.refused() if (before := _before(conversation, e)) is not None]
    if switched and not conversation.was_served_after(switched[-1][0]):
        yield _match(conversation, [e for e, _ in switched], switched[0][1])


def _before(conversation: Conversation, refused: Exchange) -> Exchange | None:
    """The 401 whose challenge the refused request answers, if the new challenge asks for something else."""
    sent = {c.scheme for c in refused.request.credentials if not c.empty}
    offered = usable_challenges(refused)
    if len(sent) != 1 or not offered or not is_final(conversation, refused):
        return None
    for earlier in reversed(conversation.context):
        if not asks_for_login(earlier) or earlier.started >= refused.started:
            continue
        asked = [
            c for c in usable_challenges(earlier) if c.kind in sent and _led_here(conversation, c, earlier, refused)
        ]
        if asked:
            return earlier if all(_is_other(c, asked) for c in offered) else None
    return None


def _led_here(conversation: Conversation, challenge: Challenge, earlier: Exchange, refused: Exchange) -> bool:
    """Whether the refused request answers the challenge: with its realm's token; for Basic, to the same request."""
    if challenge.kind == "basic":
        return is_same_request(earlier, refused)
    issue = issue_behind(conversation, refused)
    return issue is None or realm_key(issue.exchange) == challenge_realm(challenge)


def _is_other(challenge: Challenge, asked: list[Challenge]) -> bool:
    if all(challenge.kind != c.kind for c in asked):
        return True
    realm = challenge_realm(challenge)
    known = [r for c in asked if (r := challenge_realm(c)) is not None]
    if realm is None or not known:
        return False
    return all(registrable_domain(r.host) != registrable_domain(realm.host) for r in known)


def _is_layered(conversation: Conversation, switched: list[Exchange], before: Exchange) -> bool:
    """Whether two servers show: by their `Server` or `Via`, or because each scheme is answered with the other."""
    for name in ("server", "via"):
        said = {e.response.header(name) for e in (before, *switched) if e.response}
        if len(said) > 1:
            return True
    kinds = [frozenset(c.kind for c in usable_challenges(e)) for e in switched]
    return len(set(kinds)) > 1 and any(is_same_request(a, b) for a, b in zip(switched, switched[1:], strict=False))


def _account(conversation: Conversation, refused: Exchange) -> str:
    """What to look at first where an account is behind the request, up to the next sentence's first letter."""
    issue = issue_behind(conversation, refused)
    if issue is not None and issue.secret is None:
        return "L"
    what = conversation.repository or refused.origin.authority
    return f"Check that the account may use {what}, which is the usual reason; else l"


def _match(conversation: Conversation, switched: list[Exchange], before: Exchange) -> Match:
    first = switched[0]
    layered = _is_layered(conversation, switched, before)
    host = first.origin.authority
    new, old = schemes(first), schemes(before)
    turn = f"{old} was asked for" if new != old else "Another realm was named"
    return Match(
        exchanges=present(before, *switched),
        fault=Fault.PROXY if layered else None,
        cause="layered-proxy" if layered else None,
        title=f"{reference_of(conversation)} answers the right scheme with another challenge",
        explanation=(
            f"{turn} ({before.number}) and the client answered that. {where(first)} was refused anyway, and the"
            f" 401 asks for {new} ({numbers(switched)})."
            + (" Two systems seem to answer at one address." if layered else "")
        ),
        client_author=(
            f"Stop where the challenges of {where(first)} take turns, and report that two systems seem to ask."
            if layered
            else f"Follow the new challenge of {where(first)} once, or start again without the token."
        ),
        user=(
            f"Let only one of the systems behind /v2/ of {host} read the Authorization header: the proxy in front or"
            " the registry."
            if layered
            else f"{_account(conversation, first)}ook for two systems behind /v2/ of {host} that both read the"
            " Authorization header, and keep one."
        ),
        because="the first challenge, the answer to it and the second challenge are in the capture",
        undecided=why_undecided(conversation, first, issue_behind(conversation, first)),
    )
