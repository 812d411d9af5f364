"""The challenge asks for a scope that does not cover the request.

Fires when: a Bearer challenge for a repository names no scope, or only other repositories, or lacks the action that the
method needs, or breaks the grammar of scopes; or that of the catalog names a repository; the client asked for just
that; and the token server refused it, or the request was refused with the token, or every request costs a 401 and a
token exchange. Info where the client got through at no extra cost.

Causes: missing, other-repository, other-action, malformed, no-repository (the request is for none),
ping-names-repository (the ping was refused with a fresh token).

What to do: correct the registry's path method or the rewriting proxy; where the challenge has no scope, a client can
derive it from the path.

Silent when: the ping is answered once there is a token; the name has a host or a port in front; there is an additional
scope, such as a mount's source; the scope is a service's opaque word; the actions are vendor-specific.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from regauth_core.conversation import signs
from regauth_core.conversation.answers import is_turned_away
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import present
from regauth_core.conversation.exchanges import IssuedToken, asked, bearer_challenges, error_of, succeeded
from regauth_core.conversation.recovery import is_final, is_foreign, issue_behind
from regauth_core.conversation.undecided import why_undecided
from regauth_core.model import Endpoint, Exchange
from regauth_core.model.finding import Confidence, Fault, Severity
from regauth_core.protocol.scope import Scope, covered, entries, needed
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page
from regauth_core.rules.wording import asked_text, numbers, reference_of, where

RULE = Header(
    name="challenge-scope-wrong",
    family=Family.REGISTRY,
    severity=Severity.WARNING,
    fault=Fault.REGISTRY,
    level=Level.MUST,
    references=(page("scope", "Resource Provider Use"),),
    seen=(
        "oras-project/oras-go#650",
        "containerd/containerd#6339",
        "containerd/containerd#3556",
        "regclient/regclient PR#28",
    ),
    signs=signs.REFUSED,
    yields=True,
    counts_anyway=True,
)

_COSTLY = 3
_ACTIONS = {"GET": "pull", "HEAD": "pull", "POST": "push", "PUT": "push", "PATCH": "push"}
_USER = {
    "missing": (
        "Have the challenge of {host} name a scope, here {derived}: see the settings of its token server, and the proxy"
        " that may rewrite its challenges."
    ),
    "other-repository": (
        "Correct how {host} derives the repository from the path (repository path method, rewrite rules of the reverse"
        " proxy), or update the registry."
    ),
    "other-action": (
        "Update {host}, or correct what writes its challenges: they have to name what a {method} takes, here {derived}."
    ),
    "malformed": (
        "Correct what writes the challenges of {host}, the registry or the proxy in front of it: a scope is written"
        " type:name:actions, here {derived}."
    ),
    "no-repository": (
        "Update {host}, or correct what writes its challenges: its catalog is not in any repository and takes"
        " {derived}."
    ),
}
"""What its operator can do, by cause."""
_USUAL = frozenset({"pull", "push", "delete", "*"})


@dataclass(frozen=True, slots=True)
class _Wrong:
    refused: Exchange
    cause: str
    scopes: tuple[Scope, ...]


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match for the first challenge that misled the client."""
    wrong = [w for e in conversation.refused() if (w := _wrong(conversation, e)) is not None]
    for one in wrong:
        again = _refused_again(conversation, one) or _refused_token(conversation, one)
        if again:
            yield _match(conversation, one, again, None)
            return
    pings = _pings(conversation)
    if pings:
        yield _ping_match(conversation, pings)
        return
    costly = _costly(conversation, wrong)
    if costly:
        yield _match(conversation, wrong[0], costly, Severity.WARNING)
    elif through := [w for w in wrong if w.cause != "missing" and conversation.succeeded_later(w.refused)]:
        yield _match(conversation, through[0], [w.refused for w in through], Severity.INFO)


def _pings(conversation: Conversation) -> list[Exchange]:
    """The pings that were refused with a token because their challenge asks for a repository, which a ping does"
    " not concern."""
    return [
        e
        for e in conversation.refused()
        if e.target.endpoint is Endpoint.PING
        and issue_behind(conversation, e) is not None
        and any(s.resource[0] == "repository" for c in bearer_challenges(e) for s in entries(c.scopes))
        and error_of(e) != "invalid_token"
        and is_final(conversation, e)
    ]


def _ping_match(conversation: Conversation, pings: list[Exchange]) -> Match:
    first = pings[0]
    host = first.origin.authority
    issue = issue_behind(conversation, first)
    scopes = entries(text for c in bearer_challenges(first) for text in c.scopes)
    said = " ".join(map(str, scopes))
    broken = "" if all(s.well_formed for s in scopes) else ", which is not even well-formed,"
    return Match(
        exchanges=present(issue.exchange if issue is not None else None, *pings),
        severity=Severity.ERROR,
        cause="ping-names-repository",
        title=f"the ping of {host} asks for a repository's scope",
        explanation=(
            f"{where(first)} was sent with a fresh token and answered 401 ({numbers(pings)}); the challenge asks for"
            f" {said}{broken} and the request names no repository. No client can log in this way."
        ),
        client_author="At the ping, request a token without scope, and report that the registry refused it.",
        user=f"Update or correct {host}: its ping must accept any valid token.",
        because="the token, the ping and its challenge are in the capture",
        undecided=why_undecided(conversation, first, issue),
    )


def _wrong(conversation: Conversation, refused: Exchange) -> _Wrong | None:
    challenges = bearer_challenges(refused)
    if not challenges or is_foreign(conversation, refused):
        return None
    scopes = entries(text for c in challenges for text in c.scopes)
    if any(_is_malformed(s) for s in scopes):
        cause: str | None = "malformed"
    elif refused.target.repository is not None:
        cause = _cause(refused, scopes)
    else:
        is_catalog = refused.target.endpoint is Endpoint.CATALOG
        cause = "no-repository" if is_catalog and scopes and all(map(_is_for_repository, scopes)) else None
    return _Wrong(refused, cause, scopes) if cause is not None else None


def _is_malformed(scope: Scope) -> bool:
    """Whether it is no resource scope and no service's word: one colon, or a name with an empty part."""
    if scope.opaque:
        return ":" in scope.spelled
    return _is_for_repository(scope) and not all(scope.name.split("/"))


def _is_for_repository(scope: Scope) -> bool:
    return scope.resource[0] == "repository"


def _cause(refused: Exchange, scopes: tuple[Scope, ...]) -> str | None:
    if not scopes:
        return "missing"
    named = [s for s in scopes if s.resource[0] == "repository"]
    name = str(refused.target.repository)
    own = [s for s in named if s.path == name or s.name.endswith(f"/{name}") or s.path == f"library/{name}"]
    if not named:
        return None
    if not own:
        return "other-repository"
    actions = frozenset().union(*(s.actions for s in own))
    action = _ACTIONS.get(refused.request.method)
    is_usual = actions <= _USUAL and "*" not in actions
    return "other-action" if is_usual and action is not None and action not in actions else None


def _did_as_told(exchange: Exchange, one: _Wrong) -> bool:
    """Whether a token request asks for no more than the wrong challenge says, which is not enough."""
    need = needed(one.refused.request.method, one.refused.target)
    told = {s.resource for s in one.scopes}
    return {s.resource for s in asked(exchange)} <= told and not covered(need, asked(exchange))


def _refused_again(conversation: Conversation, one: _Wrong) -> list[Exchange]:
    """The request, before or again, where it was refused with a token for what the challenge says."""
    return [
        e
        for e in (one.refused, *conversation.repeats_of(one.refused))
        if is_turned_away(e)
        and error_of(e) != "invalid_token"
        and (issue := issue_behind(conversation, e)) is not None
        and _did_as_told(issue.exchange, one)
        and is_final(conversation, e)
    ]


def _refused_token(conversation: Conversation, one: _Wrong) -> list[Exchange]:
    """The token requests for just what the challenge says that the token server refused, where that is no scope."""
    if one.cause != "malformed" or not is_final(conversation, one.refused):
        return []
    told = {str(s) for s in one.scopes}
    return [
        e
        for e in conversation.responses_to(one.refused)
        if conversation.is_token_exchange(e) and not succeeded(e) and e.response is not None
        if {str(s) for s in asked(e)} == told
    ]


def _costly(conversation: Conversation, wrong: list[_Wrong]) -> list[Exchange]:
    """The refusals that each cost an exchange for one and the same scope, if there are several."""
    paid: list[Exchange] = []
    kinds: set[frozenset[Scope]] = set()
    since = 0.0
    for one in wrong:
        if one.refused.started < since:
            continue
        after = [x for x in conversation.token_exchanges if x.started >= one.refused.finished and succeeded(x)]
        if not after:
            break
        since = after[0].finished
        kinds.add(frozenset(asked(after[0])))
        paid.append(one.refused)
    return paid if len(paid) >= _COSTLY and len(kinds) == 1 else []


def _match(conversation: Conversation, one: _Wrong, shown: list[Exchange], severity: Severity | None) -> Match:
    first = one.refused
    said = " ".join(map(str, one.scopes))
    what = {
        "missing": "names no scope",
        "other-repository": f"names {said}, which is another repository",
        "other-action": f"names {said}, which lacks {_ACTIONS.get(first.request.method)}",
        "malformed": f"names {said}, which is not a scope",
        "no-repository": f"names {said}, and the request is for no repository",
    }[one.cause]
    issue = issue_behind(conversation, shown[-1])
    again = "" if shown[-1] is first or conversation.is_token_exchange(shown[-1]) else " again"
    came = {
        None: f"The client asked for that{_of(issue)} and was refused{again} ({numbers(shown)}).",
        Severity.WARNING: f"Each request costs a 401 and a token exchange ({numbers(shown)}).",
        Severity.INFO: "The registry let the client in anyway.",
    }[severity]
    derived = " ".join(str(s) for s in needed(first.request.method, first.target)) or "none"
    return Match(
        exchanges=present(first, *shown),
        severity=severity,
        cause=one.cause,
        title=f"the challenge of {reference_of(conversation)} asks for the wrong scope",
        explanation=f"{where(first)} was answered 401 ({first.number}) with a challenge that {what}. {came}",
        client_author=(
            f"Where a challenge has no fitting scope, derive {derived} from the path, and cache the token"
            " under the requested scope."
        ),
        user=_USER[one.cause].format(host=first.origin.authority, method=first.request.method, derived=derived),
        confidence=Confidence.MEDIUM if severity is Severity.WARNING else Confidence.HIGH,
        because=(
            "a client that keeps no tokens would cause the same"
            if severity is Severity.WARNING
            else "the challenge, the token request that follows it and what came of it are in the capture"
        ),
        undecided=None if severity is Severity.INFO else why_undecided(conversation, first, issue),
    )


def _of(issue: IssuedToken | None) -> str:
    return f" ({asked_text(issue.exchange)}, {issue.exchange.number})" if issue is not None else ""
