"""The token server granted less than was requested, and the missing part was needed.

Fires when: a token that was requested with credentials lists less than was requested, or the registry answers
``insufficient_scope`` to a token that cannot be read, and a request that needs the missing part is refused.

Fault: the credentials where the account lacks the right; the token server where it drops entries of a list.

Causes: one-of-several-scopes (only the first or the last entry is granted), push-without-pull, catalog
(``registry:catalog:*`` is not granted; info).

What to do: give the account the right that is missing; a client should not repeat the request, because the answer will
be the same.

Silent when: nothing was refused afterwards; the operation continued; the token cannot be read and nothing mentions its
scope; the token was requested anonymously.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import present
from regauth_core.conversation.exchanges import IssuedToken
from regauth_core.conversation.recovery import is_final, issue_behind, lost_on_the_way
from regauth_core.conversation.undecided import why_undecided
from regauth_core.model import Endpoint, Exchange
from regauth_core.model.finding import Confidence, Fault, Severity
from regauth_core.protocol.scope import Scope
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page
from regauth_core.rules.logins import served
from regauth_core.rules.wording import asked_text, numbers, reference_of, where

RULE = Header(
    name="token-scope-reduced",
    family=Family.SCOPE,
    severity=Severity.WARNING,
    fault=Fault.TOKEN_SERVER,
    level=Level.INTEROP,
    references=(page("token", "Requesting a Token"), page("jwt", "access")),
    seen=(
        "estesp/manifest-tool#53",
        "distribution/distribution#2932",
        "SUSE/Portus#1134",
        "goharbor/harbor#7898",
        "Azure/acr#751",
    ),
    signs=signs.REFUSED | signs.DENIED,
    yields=True,
)


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match with every refusal of the first such token."""
    found = [(e, lost) for e in conversation.refused(401, 403) if (lost := _lost(conversation, e))]
    if found:
        refused, lost = found[0]
        issue = issue_behind(conversation, refused)
        if issue is not None:
            yield _match(conversation, issue, lost, [e for e, _ in found])


def _lost(conversation: Conversation, refused: Exchange) -> tuple[Scope, ...]:
    issue = issue_behind(conversation, refused)
    if issue is None or issue.secret is None or not is_final(conversation, refused):
        return ()
    return lost_on_the_way(conversation, refused, issue)


def _cause(issue: IssuedToken, refused: Exchange) -> str | None:
    if refused.target.endpoint is Endpoint.CATALOG:
        return "catalog"
    granted = issue.granted
    if granted is None:
        return None
    names = list(dict.fromkeys(s.resource for s in issue.asked))
    kept = {s.resource for s in granted if s.actions}
    if len(names) > 1 and len(kept) == 1 and kept <= {names[0], names[-1]}:
        return "one-of-several-scopes"
    return "push-without-pull" if any("push" in s.actions and "pull" not in s.actions for s in granted) else None


def _grant(conversation: Conversation, wanted: str, *, is_read: bool) -> str:
    """What to do about a right that is missing; of a token that nobody can read, it is known by the refusal alone."""
    pushes = ", pull together with push" if "push" in wanted else ""
    if is_read or conversation.repository is None or served(conversation) is not None:
        return f"The login lacks this right: have {wanted} granted{pushes}."
    return (
        f"Check the spelling of {conversation.repository}; if it is right, the login lacks this right: have {wanted}"
        f" granted{pushes}."
    )


def _match(conversation: Conversation, issue: IssuedToken, lost: tuple[Scope, ...], refused: list[Exchange]) -> Match:
    first = refused[0]
    cause = _cause(issue, first)
    granted = issue.granted
    server = issue.exchange.origin.authority
    wanted = " ".join(map(str, lost))
    got = (
        "a token that cannot be read"
        if granted is None
        else f"a token for {' '.join(map(str, granted))}"
        if granted
        else "a token that grants nothing"
    )
    lesser = cause == "catalog" or conversation.was_served_after(refused[-1])
    return Match(
        exchanges=present(issue.exchange, *refused),
        severity=Severity.INFO if lesser else None,
        fault=None if cause in ("one-of-several-scopes", "push-without-pull") else Fault.CREDENTIALS,
        cause=cause,
        title=f"the token grants less than requested for {reference_of(conversation)}",
        explanation=(
            f"The client asked {server} for {asked_text(issue.exchange)} and got {got} ({issue.exchange.number})."
            f" {where(first)}, which needs {wanted}, was refused with {first.status} ({numbers(refused)})."
        ),
        client_author=f"Do not repeat the exchange for {wanted}: the same request gets the same answer.",
        user=(
            f"Name a repository instead of listing the catalog of {first.origin.authority}."
            if cause == "catalog"
            else f"{server} drops entries of the list: report it to its operator, and request one repository at a time."
            if cause == "one-of-several-scopes"
            else _grant(conversation, wanted, is_read=granted is not None)
        ),
        confidence=Confidence.MEDIUM if granted is None else Confidence.HIGH,
        because=(
            "what the token grants is known only from the registry's refusal"
            if granted is None
            else "what was requested, what the token lists and the refusal are in the capture"
        ),
        undecided=why_undecided(conversation, first, issue),
    )
