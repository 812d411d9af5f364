"""The registry serves GET and refuses HEAD of the same URL, or the reverse.

Fires when: HEAD of a URL is refused with 401, 403 or 405 and GET of it with the same credential (or none) succeeds, or
the reverse. Warning where the refusal came last and made the client fail.

What to do: update the registry; a client can try GET where HEAD was refused.

Silent when: the second request carries another credential: then the client only authenticated.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

from regauth_core.conversation import signs
from regauth_core.conversation.answers import is_given, leads_on
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.exchanges import realm_key, succeeded
from regauth_core.conversation.recovery import is_foreign
from regauth_core.conversation.undecided import why_undecided
from regauth_core.model import Exchange
from regauth_core.model.finding import Fault, Severity
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import rfc
from regauth_core.rules.wording import where

RULE = Header(
    name="head-get-mismatch",
    family=Family.REGISTRY,
    severity=Severity.INFO,
    fault=Fault.REGISTRY,
    level=Level.SHOULD,
    references=(rfc(9110, "9.3.2"),),
    seen=("goharbor/harbor PR#14768", "distribution/distribution#1485"),
    signs=signs.REFUSED | signs.DENIED | signs.NOT_FOUND,
)

_REFUSING = (401, 403, 405)
_MOST = 64
"""Requests of each kind that are compared."""


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match for the first pair that differs."""
    own = [e for e in conversation.requests if not is_foreign(conversation, e)]
    heads = [e for e in own if e.request.method == "HEAD"][:_MOST]
    gets = [e for e in own if e.request.method == "GET"][:_MOST]
    for head, get in product(heads, gets):
        one, other = (head, get) if head.status in _REFUSING else (get, head)
        if one.status in _REFUSING and (is_given(other) or leads_on(other)) and _is_alike(one, other):
            yield _match(conversation, one, other)
            return


def _is_alike(one: Exchange, other: Exchange) -> bool:
    sent = [{c.fingerprint for c in e.request.credentials} for e in (one, other)]
    return realm_key(one) == realm_key(other) and sent[0] == sent[1]


def _match(conversation: Conversation, refused: Exchange, served: Exchange) -> Match:
    failed = refused.started > served.started and not any(
        succeeded(e) and e.request.method == refused.request.method for e in conversation.repeats_of(refused)
    )
    return Match(
        exchanges=(refused, served),
        severity=Severity.WARNING if failed else None,
        title=f"{refused.request.method} and {served.request.method} of one URL are authorized differently",
        explanation=(
            f"{where(refused)} was answered {refused.status} ({refused.number});"
            f" {served.request.method} of the same URL, with the same credential or none, was answered"
            f" {served.status} ({served.number})."
        ),
        client_author=(
            f"Where {where(refused)} is refused, try GET."
            if refused.request.method == "HEAD"
            else f"Do not conclude from an answered HEAD that {where(refused)} is allowed."
        ),
        user=f"Update the registry at {refused.origin.authority}: it authorizes {refused.request.method} differently.",
        because="both requests with their credentials are in the capture",
        undecided=why_undecided(conversation, refused) if failed else None,
    )
