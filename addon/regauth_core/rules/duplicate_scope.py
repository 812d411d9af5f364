"""A token request splits one repository's actions over two entries, and only one of them counts.

Fires when: a token request carries two entries of one type and name with different actions, and afterwards a request is
refused for an action that was asked for: the token does not list it, or the refusal says that the scope is not enough.

What to do: update the token server or the client; a client should join the actions of one repository into one entry.

Silent when: the entries are for different repositories, as for a mount; what was asked for succeeds.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import present
from regauth_core.conversation.exchanges import IssuedToken
from regauth_core.conversation.recovery import is_final, issue_behind, lost_on_the_way
from regauth_core.conversation.undecided import why_undecided
from regauth_core.model import Exchange
from regauth_core.model.finding import Fault, Severity
from regauth_core.protocol.scope import Scope, merged
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page
from regauth_core.rules.wording import asked_text, numbers, where

RULE = Header(
    name="duplicate-scope",
    family=Family.SCOPE,
    severity=Severity.WARNING,
    fault=Fault.CLIENT,
    level=Level.SHOULD,
    references=(page("scope", "Authorization Server Use"),),
    seen=("helm/helm#12121", "helm/helm PR#31129"),
    signs=signs.REFUSED | signs.DENIED,
)


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match with every refusal of the first such token."""
    refused = [e for e in conversation.refused(401, 403) if _fits(conversation, e)]
    if refused:
        issue = issue_behind(conversation, refused[0])
        same = [e for e in refused if issue is not None and issue_behind(conversation, e) == issue]
        if issue is not None and not conversation.was_served_after(same[-1]):
            yield _match(conversation, issue, same)


def doubled(scopes: Iterable[Scope]) -> tuple[str, ...]:
    """The resources, as spelled, that are named more than once with different actions."""
    found: dict[tuple[str, str], set[frozenset[str]]] = {}
    for scope in scopes:
        if not scope.opaque:
            found.setdefault((scope.kind, scope.name), set()).add(scope.actions)
    return tuple(f"{kind}:{name}" for (kind, name), actions in found.items() if len(actions) > 1)


def _fits(conversation: Conversation, refused: Exchange) -> bool:
    issue = issue_behind(conversation, refused)
    if issue is None or not doubled(issue.asked) or not is_final(conversation, refused):
        return False
    if issue.granted is not None and not issue.granted:
        return False  # a server that grants nothing at all did not fail on one entry
    return bool(lost_on_the_way(conversation, refused, issue))


def _match(conversation: Conversation, issue: IssuedToken, refused: list[Exchange]) -> Match:
    names = ", ".join(doubled(issue.asked))
    server = issue.exchange.origin.authority
    granted = issue.granted
    got = f" {server} granted {' '.join(map(str, granted)) or 'nothing'}." if granted is not None else ""
    return Match(
        exchanges=present(issue.exchange, *refused),
        title=f"{server} honours only one of two entries for {names}",
        explanation=(
            f"The client asked for {asked_text(issue.exchange)} ({issue.exchange.number}).{got} {where(refused[0])} was"
            f" then refused with {refused[0].status} ({numbers(refused)})."
        ),
        client_author=(
            f"Merge the actions on one repository before requesting a token: {' '.join(map(str, merged(issue.asked)))}."
        ),
        user=f"Update the client, or the token server at {server}.",
        because="the duplicate entry, what was granted for it and the refusal are in the capture",
        undecided=why_undecided(conversation, refused[0], issue),
    )
