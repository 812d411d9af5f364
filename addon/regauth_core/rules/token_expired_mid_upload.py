"""The token expired during an upload, and the upload failed.

Fires when: a token was accepted at the beginning of an upload and gets 401 for one of its later requests, the token had
expired when that request ended, and neither that upload nor a new one is completed.

What to do: let tokens live longer than the upload of the largest layer takes; a client should renew its token before it
closes an upload.

Silent when: a renewed token completes the upload; the token had not expired: then look at its scope, or at the host
that it was sent to.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import life_ends, present
from regauth_core.conversation.exchanges import bearer, error_of, succeeded
from regauth_core.conversation.undecided import why_undecided
from regauth_core.model import Endpoint, Exchange
from regauth_core.model.finding import Confidence, Fault, Severity
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page
from regauth_core.rules.wording import reference_of, where

RULE = Header(
    name="token-expired-mid-upload",
    family=Family.TOKEN_LIFE,
    severity=Severity.ERROR,
    fault=Fault.CONFIGURATION,
    level=Level.INTEROP,
    references=(page("token", "Token Response Fields"),),
    seen=("moby/moby#33558", "docker/buildx#324", "cesanta/docker_auth#240", "distribution/distribution#1616"),
    signs=signs.REFUSED,
)


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match with every upload during which its token expired."""
    cut = [e for e in conversation.refused() if e.target.endpoint is Endpoint.UPLOAD and _outlived(conversation, e)]
    if not cut:
        return
    refused = cut[0]
    token = bearer(refused)
    issue = conversation.issue_of(token)
    life = f"{issue.ended - issue.began:.0f} s" if issue is not None else "the time it states"
    yield Match(
        exchanges=present(issue.exchange if issue else None, *cut),
        title=f"the token expired during an upload to {reference_of(conversation)}",
        explanation=(
            f"The upload was begun with a token that lives {life}. When {where(refused)} ended ({refused.number}), the"
            " token had expired, the registry answered 401, and the upload was not completed."
        ),
        client_author=(
            "Renew the token before the closing PUT when it is about to expire: after a PATCH that PUT has no body"
            f" and can be sent again; {conversation.origin.authority} refused it here."
        ),
        user=(
            f"Let tokens for {conversation.origin.authority} live longer than the upload of the"
            " largest layer takes; its"
            " token server sets that."
        ),
        confidence=Confidence.HIGH if error_of(refused) == "invalid_token" else Confidence.MEDIUM,
        because=(
            "the registry says that the token is invalid"
            if error_of(refused) == "invalid_token"
            else "the token had expired when the request ended; the answer does not say why it refuses"
        ),
        undecided=why_undecided(conversation, refused, issue),
    )


def _outlived(conversation: Conversation, refused: Exchange) -> bool:
    token = bearer(refused)
    end = life_ends(conversation, token) if token is not None else None
    if token is None or end is None or refused.finished <= end or _is_completed(conversation, refused):
        return False
    return any(
        succeeded(e) and (earlier := bearer(e)) is not None and earlier.fingerprint == token.fingerprint
        for e in conversation.steps
        if e.target.endpoint in (Endpoint.UPLOAD_START, Endpoint.UPLOAD) and e.started <= refused.started
    )


def _is_completed(conversation: Conversation, refused: Exchange) -> bool:
    later = [e for e in conversation.steps if e.started >= refused.started and e is not refused and succeeded(e)]
    restarted = any(e.target.endpoint is Endpoint.UPLOAD_START for e in later)
    return any(
        e.request.method == "PUT"
        and (
            e.target.endpoint is Endpoint.MANIFEST
            or (e.target.endpoint is Endpoint.UPLOAD and (restarted or e.target.reference == refused.target.reference))
        )
        for e in later
    )
