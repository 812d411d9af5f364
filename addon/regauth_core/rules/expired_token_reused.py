"""An expired token is used, refused, and not replaced.

Fires when: a request with a Bearer token past its stated life (`expires_in`, else the `exp` inside, else a minute) gets
401, no new token is requested, and the client stops or sends the same token again. It is certain where the token had
worked before, or where the answer says ``invalid_token``.

What to do: try again, or extend the life of tokens; a client should drop a token that a 401 refuses, and observe its
expiry.

Silent when: a new exchange follows the 401; the registry still accepts the old token; it was refused before its end,
which has other reasons; what failed was an upload that had begun with it (token-expired-mid-upload).
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import changed_credential, continued_after, life_ends, present, renewals
from regauth_core.conversation.exchanges import bearer, error_of
from regauth_core.conversation.undecided import why_undecided
from regauth_core.model import Credential, Endpoint, Exchange
from regauth_core.model.finding import Confidence, Fault, Severity
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page, rfc
from regauth_core.rules.wording import numbers, where

RULE = Header(
    name="expired-token-reused",
    family=Family.TOKEN_LIFE,
    severity=Severity.ERROR,
    fault=Fault.CLIENT,
    level=Level.SHOULD,
    references=(page("token", "Token Response Fields"), rfc(9110, "15.5.2")),
    seen=(
        "containerd/containerd#6377",
        "containerd/containerd#8388",
        "NVIDIA/enroot#278",
        "awslabs/soci-snapshotter#686",
    ),
    signs=signs.REFUSED,
)


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match for each token that was kept after it expired."""
    kept: dict[str, list[Exchange]] = {}
    for refused in conversation.refused():
        token = bearer(refused)
        if token is not None and refused.target.endpoint is not Endpoint.UPLOAD and _is_dead(conversation, refused):
            kept.setdefault(token.fingerprint, []).append(refused)
    for same_token in kept.values():
        yield _match(conversation, same_token, bearer(same_token[0]))


def _is_dead(conversation: Conversation, refused: Exchange) -> bool:
    token = bearer(refused)
    end = life_ends(conversation, token) if token is not None else None
    if end is None or refused.started <= end or error_of(refused) == "insufficient_scope":
        return False
    return not (
        renewals(conversation, refused)
        or changed_credential(conversation, refused)
        or conversation.succeeded_later(refused)
    )


def _match(conversation: Conversation, refused: list[Exchange], token: Credential | None) -> Match:
    first = refused[0]
    issue = conversation.issue_of(token)
    end = life_ends(conversation, token) if token is not None else None
    worked = conversation.at_registry.accepted.get(token.fingerprint) if token is not None else None
    said = error_of(first) == "invalid_token"
    late = first.started - (end if end is not None else first.started)
    again = f" and sent again ({numbers(refused[1:])})" if refused[1:] else ""
    return Match(
        exchanges=present(issue.exchange if issue else None, *refused),
        severity=Severity.INFO if continued_after(conversation, refused[-1]) else None,
        title=f"the client kept using an expired token at {first.origin.authority}",
        explanation=(
            f"{where(first)} was sent {late:.0f} s after the token expired, refused with 401 ({first.number})"
            f"{again}. The client did not request a new token."
        ),
        client_author=(
            f"Record when each token of {first.origin.authority} expires, and drop it on any 401 that refuses it: then"
            " request"
            " a new one and repeat the request."
        ),
        user=f"Try again. If it recurs, let tokens of {first.origin.authority} live longer, or pull less in parallel.",
        confidence=Confidence.HIGH if worked is not None or said else Confidence.MEDIUM,
        because=(
            "the same token had been accepted before"
            if worked is not None
            else "the registry says that the token is invalid"
            if said
            else "the token had expired, but it is not known to have worked before"
        ),
        undecided=why_undecided(conversation, first, issue),
    )
