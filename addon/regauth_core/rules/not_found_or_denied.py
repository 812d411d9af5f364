"""It is not there, or it is not for this client: the answer does not say which.

Fires when: a request with a proper credential, or one that nobody asked for a credential, ends in 401, 403 or 404, the
client gets nothing else of the repository afterwards, and nothing else explains it. It blames nobody.

What to do: check the spelling before the credentials; a client should say that it is missing or not allowed.

Silent when: it was a probe (referrers, a signature, whether a blob is there already); the operation goes on; the
answer says why it refuses.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.answers import asks_for_login, is_missing
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.exchanges import bearer, is_anonymous, is_write
from regauth_core.conversation.recovery import is_final, is_probe
from regauth_core.conversation.refusal import accepted_elsewhere, left_out, reasons_of, states
from regauth_core.model import Endpoint, Exchange
from regauth_core.model.finding import Confidence, Fault, Severity
from regauth_core.model.stated_reasons import EXPLAINING, StatedReason
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import rfc
from regauth_core.rules.logins import served
from regauth_core.rules.wording import numbers, subject, where

RULE = Header(
    name="not-found-or-denied",
    family=Family.REGISTRY,
    severity=Severity.INFO,
    fault=Fault.UNKNOWN,
    level=Level.INFO,
    references=(rfc(9110, "15.5.4"), rfc(9110, "15.5.5")),
    seen=("distribution/distribution#1291", "moby/moby#17721", "containers/skopeo#2589"),
    signs=signs.REFUSED | signs.DENIED | signs.NOT_FOUND,
)

_RESOURCES = frozenset({Endpoint.MANIFEST, Endpoint.BLOB, Endpoint.TAGS, Endpoint.CATALOG, Endpoint.UPLOAD_START})


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match with the refusals at the end of the conversation."""
    ended = [e for e in conversation.refused(401, 403, 404) if _is_final(conversation, e)]
    if ended and not conversation.was_served_after(ended[0]):
        yield _match(conversation, ended)


def _is_final(conversation: Conversation, refused: Exchange) -> bool:
    target = refused.target
    if target.endpoint not in _RESOURCES or is_probe(refused):
        return False
    if target.endpoint is Endpoint.BLOB and refused.request.method == "HEAD":
        return False
    if is_anonymous(refused) and asks_for_login(refused):
        return False
    if left_out(conversation, refused) is not None:
        return False
    if is_write(refused) and states(refused, StatedReason.UNKNOWN_NAME):
        # A push is to make what is not there: that it cannot is a failure, and the answer says why.
        return False
    if _is_brought(conversation, refused):
        # A token from nowhere is in question before the name is.
        return False
    # An answer that says why does not stand for two different things.
    if EXPLAINING.union({StatedReason.INVALID_TOKEN, StatedReason.EXPIRED}).intersection(reasons_of(refused)):
        return False
    empty = any(c.empty for c in refused.request.credentials)
    return not empty and is_final(conversation, refused) and not _found(conversation, refused)


def _is_brought(conversation: Conversation, refused: Exchange) -> bool:
    """Whether a token was sent that was not issued in the capture and was accepted nowhere in it."""
    token = bearer(refused)
    if token is None or token.empty or is_missing(refused):
        return False
    return conversation.issue_of(token) is None and accepted_elsewhere(conversation, refused) is None


def _found(conversation: Conversation, refused: Exchange) -> bool:
    if any(e.started >= refused.started for e in conversation.repeats_of(refused)):
        return True
    # What somebody can read without a login is neither missing nor closed.
    reads = conversation.trace_state.anonymous_reads
    return refused.request.method in ("GET", "HEAD") and (conversation.registry, conversation.repository) in reads


def _match(conversation: Conversation, ended: list[Exchange]) -> Match:
    last = ended[-1]
    is_unknown = states(last, StatedReason.UNKNOWN_NAME)
    what = (
        "The answer says that there is no such repository; some registries say so of what is private as well."
        if is_unknown
        else "Registries answer alike for what is private and for what is not there, so this does not show which it is."
    )
    with_what = "without a credential" if is_anonymous(last) else "with a credential"
    return Match(
        exchanges=tuple(ended),
        title=f"{subject(conversation)}: missing, or no access",
        explanation=(f"{where(last)} was sent {with_what} and answered {last.status} ({numbers(ended)}). {what}"),
        client_author=f'Say "missing or no access" for {where(last)}, and not more.',
        user=_user(conversation, last),
        confidence=Confidence.LOW,
        because="the same answer stands for two different things",
    )


def _user(conversation: Conversation, last: Exchange) -> str:
    there = served(conversation)
    if there is not None:
        return (
            f"{conversation.repository} is there ({there.number}): see whether {last.target.reference or 'this'} is,"
            " before you doubt the credentials."
        )
    if conversation.repository is not None and is_anonymous(last):
        return (
            f"Check the spelling of {conversation.repository}, and whether the client has a login for"
            f" {conversation.registry}: it sent none."
        )
    if conversation.repository is not None and is_write(last):
        return (
            f"See whether the login may write to {conversation.repository} at {conversation.registry}, then whether the"
            " name is right."
        )
    if conversation.repository is not None:
        return f"Check the spelling of {conversation.repository} before you doubt the credentials."
    return (
        f"Not every registry offers this, and most that do want an administrator: ask who runs {last.origin.authority}."
    )
