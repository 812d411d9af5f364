"""The registry refuses an expired token with a status that does not ask the client to renew it.

Fires when: a Bearer token that had worked and is now older than its life gets 400, 403 or 404 with the code ``DENIED``
or ``UNAUTHORIZED``, and the client does not request a new token.

What to do: run the client again for now; the registry should answer 401 to an expired token; a client may renew its
token once after such a refusal.

Silent when: the token had not expired; the body gives another code, so something else is wrong with the request; a new
exchange follows.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.answers import is_missing
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import changed_credential, continued_after, life_ends, present, renewals
from regauth_core.conversation.exchanges import bearer, has_refusing_code
from regauth_core.conversation.undecided import why_undecided
from regauth_core.model import Exchange
from regauth_core.model.finding import Fault, Severity
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import rfc
from regauth_core.rules.wording import subject, where

RULE = Header(
    name="expired-token-wrong-status",
    family=Family.TOKEN_LIFE,
    severity=Severity.WARNING,
    fault=Fault.REGISTRY,
    level=Level.MUST,
    references=(rfc(6750, "3.1"), rfc(9110, "11.4")),
    seen=("oras-project/oras-go#1227",),
    signs=signs.DENIED | signs.NOT_FOUND,
)


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match with every request that was refused with the wrong status."""
    refused = [e for e in conversation.refused(400, 403, 404) if _is_late(conversation, e)]
    if not refused:
        return
    first = refused[0]
    issue = conversation.issue_of(bearer(first))
    yield Match(
        exchanges=present(issue.exchange if issue else None, *refused),
        severity=Severity.INFO if continued_after(conversation, refused[-1]) else None,
        title=f"{first.origin.authority} answers {first.status} instead of 401 to an expired token",
        explanation=(
            f"{where(first)} ({first.number}) carried a token that had worked and has since expired. The answer is"
            f' {first.status} instead of 401 with error="invalid_token", and no new token was requested for'
            f" {subject(conversation)}."
        ),
        client_author=(
            f"When a token has expired, let a {first.status} of {first.origin.authority} lead to one renewal as well."
        ),
        user="Run the client again. The registry's operator should let it answer 401 to expired tokens.",
        because="the token had been accepted before and had expired, and the error code is about rights",
        undecided=why_undecided(conversation, first, issue),
    )


def _is_late(conversation: Conversation, refused: Exchange) -> bool:
    token = bearer(refused)
    if (
        token is None
        or not has_refusing_code(refused)
        or conversation.succeeded_later(refused)
        and not is_missing(refused)
    ):
        return False
    end = life_ends(conversation, token)
    if end is None or refused.started <= end or token.fingerprint not in conversation.at_registry.accepted:
        return False
    return not renewals(conversation, refused) and not changed_credential(conversation, refused)
