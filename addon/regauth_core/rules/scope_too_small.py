"""The client requested a token with too little scope and did not request more after the refusal.

Fires when: a request with a Bearer token is refused with 401 or 403 for want of scope, because the challenge, the
error's detail or ``insufficient_scope`` says so, or because a write was tried with a token that was requested only for
reading; what is missing was not requested with this token, nor with any later one.

Causes: repository-name-taken-for-action (the repository's name contains the missing action as a word), pull-for-push,
fixed-scope-table (a vendor-specific action is never requested), otherwise none.

What to do: use a version that requests the missing action, or create the repository beforehand; a client should take
the scope from the refusing challenge and request a token once more.

Silent when: a wider exchange follows; the client requested enough and got less; the token names only other
repositories; it was a mount or the ping; nothing says that more would help.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from regauth_core.conversation import signs
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import present
from regauth_core.conversation.exchanges import IssuedToken, asked, error_of
from regauth_core.conversation.recovery import at_home, demanded, is_final, issue_behind, names_of
from regauth_core.conversation.undecided import why_undecided
from regauth_core.model import Endpoint, Exchange
from regauth_core.model.finding import Confidence, Fault, Severity
from regauth_core.protocol.scope import Scope, covered, needed
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page
from regauth_core.rules.wording import asked_text, numbers, reference_of, where

RULE = Header(
    name="scope-too-small",
    family=Family.SCOPE,
    severity=Severity.ERROR,
    fault=Fault.CLIENT,
    level=Level.MUST,
    references=(page("scope", "Resource Provider Use"), page("token", "Requesting a Token")),
    seen=(
        "helm/helm#32144",
        "helm/helm#30987",
        "eclipse-jkube/jkube#2419",
        "renovatebot/renovate#14708",
        "containers/image#1478",
    ),
    signs=signs.REFUSED | signs.DENIED,
    yields=True,
)

_STANDARD = frozenset({"pull", "push", "delete", "*"})
_WRITES = ("POST", "PUT", "PATCH")


@dataclass(frozen=True, slots=True)
class _Lack:
    refused: Exchange
    issue: IssuedToken
    scopes: tuple[Scope, ...]
    actions: frozenset[str]
    told: bool
    """The answer itself says what is missing."""


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match with every request whose token had been requested for too little."""
    lacks = [lack for e in conversation.refused(401, 403) if (lack := _lack(conversation, e)) is not None]
    if lacks:
        yield _match(conversation, lacks)


def _lack(conversation: Conversation, refused: Exchange) -> _Lack | None:
    issue = issue_behind(conversation, refused)
    if issue is None or refused.target.mount is not None or not is_final(conversation, refused):
        return None
    if error_of(refused) == "invalid_token" or refused.target.endpoint is Endpoint.PING:
        # The ping is about no repository: a challenge that names one for it is the registry's own mistake.
        return None
    scopes, told = demanded(refused), True
    if not scopes and refused.request.method in _WRITES:
        scopes, told = needed(refused.request.method, refused.target), False
    held = at_home(conversation, issue.asked)
    missing = tuple(s for s in at_home(conversation, scopes) if not covered([s], held))
    if not missing or not _is_near(conversation, missing, issue) or _is_asked_later(conversation, refused, missing):
        return None
    actions = frozenset().union(*(s.actions - _held(s, held) for s in missing))
    return _Lack(refused, issue, missing, actions, told)


def _held(scope: Scope, granted: Iterable[Scope]) -> frozenset[str]:
    return frozenset().union(*(s.actions for s in granted if s.resource == scope.resource))


def _is_near(conversation: Conversation, missing: tuple[Scope, ...], issue: IssuedToken) -> bool:
    """Whether the token was requested for the same repository with less, or for nothing at all."""
    known = {names_of(conversation, s) for s in issue.asked}
    return not known or any(names_of(conversation, s) in known for s in missing)


def _is_asked_later(conversation: Conversation, refused: Exchange, missing: tuple[Scope, ...]) -> bool:
    own = [x for x in conversation.token_exchanges if x.started >= refused.started]
    later = [a for a in conversation.auth_steps_since(refused) if conversation.is_token_exchange(a)]
    return any(covered(missing, at_home(conversation, asked(a))) for a in (*own, *later))


def _cause(lack: _Lack) -> str | None:
    name = str(lack.refused.target.repository or "")
    if any(action.isalpha() and action in name for action in lack.actions):
        return "repository-name-taken-for-action"
    if lack.actions - _STANDARD:
        return "fixed-scope-table"
    return "pull-for-push" if "push" in lack.actions else None


def _match(conversation: Conversation, lacks: list[_Lack]) -> Match:
    one = lacks[0]
    first, exchange = one.refused, one.issue.exchange
    wanted = " ".join(map(str, one.scopes))
    continued = conversation.was_served_after(lacks[-1].refused)
    who = "the answer asks for" if one.told else "such a request needs"
    return Match(
        exchanges=present(exchange, *(lack.refused for lack in lacks)),
        severity=Severity.INFO if continued else None,
        cause=_cause(one),
        title=f"the client requested too little scope for {reference_of(conversation)}",
        explanation=(
            f"The client asked for {asked_text(exchange)} ({exchange.number}). With that token {where(first)} was"
            f" refused with {first.status} ({numbers(lack.refused for lack in lacks)}); {who} {wanted}, and the client"
            " never requested that."
        ),
        client_author=(
            f"Take the scope from the refusing answer ({wanted}) and request a token once more; at the beginning of a"
            " push request pull,push at once."
        ),
        user=(
            f"Use a version of the client that requests {','.join(sorted(one.actions)) or wanted}"
            + (f"; creating {conversation.repository} beforehand may help." if "push" in one.actions else ".")
        ),
        confidence=Confidence.HIGH if one.told else Confidence.MEDIUM,
        because=(
            "what was requested and what the refusal asks for are in the capture"
            if one.told
            else "the refusal does not say what is missing; that a write needs push is known"
        ),
        undecided=why_undecided(conversation, first, one.issue),
    )
