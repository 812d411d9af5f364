"""The token server received credentials and issued an anonymous token.

Fires when: an exchange with credentials gives a readable token whose `sub` is there and empty, which grants nothing or
less than was asked, and with which the registry then refuses a request. Info where the operation continues.

What to do: try the password in another way at that registry: it is probably wrong; a token server should refuse a wrong
password; a client should report that its token has no rights.

Silent when: the token cannot be read; its `sub` names a user, who then lacks the right; nothing was refused.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import continued_after
from regauth_core.conversation.exchanges import IssuedToken, bearer, refuses
from regauth_core.conversation.undecided import why_undecided
from regauth_core.model import Exchange
from regauth_core.model.finding import Confidence, Fault, Severity
from regauth_core.protocol.scope import covered
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page
from regauth_core.rules.wording import asked_text, numbers

RULE = Header(
    name="credentials-ignored-by-token-server",
    family=Family.CREDENTIALS,
    severity=Severity.WARNING,
    fault=Fault.TOKEN_SERVER,
    level=Level.INTEROP,
    references=(page("jwt", "sub"), page("token", "Requesting a Token")),
    seen=("goharbor/harbor#11632",),
    signs=signs.REFUSED | signs.DENIED,
    yields=True,
)


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match with every request that was refused with an anonymous token in spite of credentials."""
    refused = [e for e in conversation.requests if _ignored(conversation, e) is not None]
    issue = _ignored(conversation, refused[0]) if refused else None
    if issue is None or conversation.succeeded_later(refused[0]):
        return
    host = issue.exchange.origin.authority
    yield Match(
        exchanges=(issue.exchange, *refused),
        severity=Severity.INFO if continued_after(conversation, refused[0]) else None,
        title=f"{host} took the credentials and gave an anonymous token",
        explanation=(
            f"The client sent credentials with its request for {asked_text(issue.exchange)} ({issue.exchange.number})."
            f" The token names no subject and grants {'less than that' if issue.granted else 'nothing'}; with it the"
            f" registry answered {refused[0].status} ({numbers(refused)})."
        ),
        client_author="Do not report a successful login when the token has no subject and no rights.",
        user=f"The password is probably wrong, although {host} did not say so. Log in by other means to be sure.",
        confidence=Confidence.MEDIUM,
        because="the token's subject is empty, which is how servers of this kind answer a login that failed",
        undecided=why_undecided(conversation, refused[0], issue),
    )


def _ignored(conversation: Conversation, refused: Exchange) -> IssuedToken | None:
    issue = conversation.issue_of(bearer(refused)) if refuses(refused) else None
    if issue is None or issue.secret is None or issue.granted is None:
        return None
    answer = issue.exchange.response.token if issue.exchange.response else None
    claims = answer.claims if answer else None
    reduced = not issue.granted or not covered(issue.asked, issue.granted)
    return issue if claims is not None and claims.nobody and reduced else None
