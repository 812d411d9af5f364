"""The client sends one repository's token to another repository and stops at the refusal.

Fires when: a Bearer token whose exchange named only other repositories is refused here with 401 or 403, no token is
requested for this repository afterwards, and the request does not succeed later. Info where the client gets something
else of this repository anyway.

What to do: use one run of the client for each repository; its author should keep tokens by origin and scope, and answer
the new challenge.

Silent when: a token for this repository is requested next; the exchange named several repositories including this one;
the registry accepts the token; the exchange that issued it is not in the capture; the challenge itself named the other
repository, which is the registry's mistake.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import changed_credential, continued_after, renewals, repositories
from regauth_core.conversation.exchanges import IssuedToken, bearer, refuses
from regauth_core.conversation.undecided import why_undecided
from regauth_core.model import Exchange
from regauth_core.model.finding import Confidence, Fault, Severity
from regauth_core.protocol.scope import entries
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page
from regauth_core.rules.wording import asked_text, numbers, reference_of, where

RULE = Header(
    name="token-wrong-repository",
    family=Family.TOKEN_LIFE,
    severity=Severity.ERROR,
    fault=Fault.CLIENT,
    level=Level.MUST,
    references=(page("token", "How to authenticate"), page("scope", "Resource Provider Use")),
    seen=("oras-project/oras-py#133", "opentofu/opentofu#3316", "oras-project/oras-java#17"),
    signs=signs.REFUSED | signs.DENIED,
    yields=True,
)


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match with every request that was refused because its token is for another repository."""
    if conversation.repository is None:
        return
    wrong = [
        (e, issue) for e in conversation.requests if refuses(e) and (issue := _foreign(conversation, e)) is not None
    ]
    if wrong:
        yield _match(conversation, [e for e, _ in wrong], wrong[0][1])


def _foreign(conversation: Conversation, refused: Exchange) -> IssuedToken | None:
    """Where the token comes from, if it was requested only for other repositories and the refusal is final."""
    token = bearer(refused)
    issue = conversation.issue_of(token)
    if issue is None or conversation.succeeded_later(refused):
        return None
    names = repositories(issue.asked, conversation.registry)
    if not names or conversation.repository in names or names & _sent_for(conversation):
        return None
    if renewals(conversation, refused) or changed_credential(conversation, refused):
        return None
    return issue


def _sent_for(conversation: Conversation) -> frozenset[str]:
    """The repositories that challenges of this conversation ask for."""
    scopes = (s for e in conversation.steps if e.response for c in e.response.challenges for s in c.scopes)
    return repositories(entries(scopes), conversation.registry)


def _match(conversation: Conversation, refused: list[Exchange], issue: IssuedToken) -> Match:
    granted = issue.granted
    said = conversation.repository in _sent_for(conversation)
    named = granted is not None and bool(repositories(granted, conversation.registry))
    return Match(
        exchanges=(issue.exchange, *refused),
        severity=Severity.INFO if continued_after(conversation, refused[-1]) else None,
        title=f"a token for another repository was sent for {reference_of(conversation)}",
        explanation=(
            f"The token was requested for {asked_text(issue.exchange)} ({issue.exchange.number}). The client sent it"
            f" with {where(refused[0])} as well ({numbers(refused)}), was refused with {refused[0].status}, and"
            " requested no"
            f" token that names {conversation.repository}."
        ),
        client_author=(
            f"Cache tokens by registry and scope: for {conversation.repository} answer the new challenge instead"
            " of sending the token of another repository."
        ),
        user=f"Run the client once for each repository: {conversation.repository} then gets its own token.",
        confidence=Confidence.HIGH if said or named else Confidence.MEDIUM,
        because=(
            "the challenge asks for this repository"
            if said
            else "the token itself names the repositories that it covers"
            if named
            else "the token cannot be read and the challenge names no repository; only what it was requested for"
            " is known"
        ),
        undecided=why_undecided(conversation, refused[0], issue),
    )
