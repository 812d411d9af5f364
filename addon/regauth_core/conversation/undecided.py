"""Why a capture cannot decide what a client did not do, as a reason and a sentence for `Match.undecided`.

Everything here is a pure question; nothing changes what it is asked about.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation.conversation import Conversation, EndedBy
from regauth_core.conversation.exchanges import IssuedToken, bearer, usable_challenges
from regauth_core.model import Exchange, FailureKind
from regauth_core.model.finding import Reason

_OF_BEFORE = frozenset({Reason.CAPTURE_STARTS_LATE, Reason.TOKEN_HOST_OUTSIDE_CAPTURE})


def why_undecided(
    conversation: Conversation, refused: Exchange, issue: IssuedToken | None = None
) -> tuple[Reason, str] | None:
    """Why nothing can be said about what the client did not do after `refused`; `None` where something can.

    `issue` is that of the token in question. Where it is known, it does not matter that the capture begins late.
    """
    reason = _reason(conversation, refused)
    is_known = issue is not None and reason is not None and reason[0] is Reason.CAPTURE_STARTS_LATE
    return None if is_known else reason


def why_undecided_afterwards(conversation: Conversation, refused: Exchange) -> tuple[Reason, str] | None:
    """`why_undecided`, where it does not matter what the client held before the capture began."""
    reason = _reason(conversation, refused)
    return None if reason is not None and reason[0] in _OF_BEFORE else reason


def _reason(conversation: Conversation, refused: Exchange) -> tuple[Reason, str] | None:
    if conversation.over is EndedBy.CUT:
        return Reason.CAPTURE_CUT, "the capture breaks off before the conversation was over"
    for exchange in (*conversation.context, *conversation.at_registry.auth_steps):
        if exchange.response is None and exchange.started >= refused.started:
            if exchange.failure is None or exchange.failure.kind is FailureKind.NOT_RECORDED:
                return Reason.CAPTURE_CUT, f"the answer to exchange {exchange.number} is not in the capture"
            if exchange.failure.kind is FailureKind.CLIENT_ABORTED:
                return Reason.ABORTED, f"the client broke off exchange {exchange.number} before it had the answer"
    if refused.failure is not None and refused.failure.kind is FailureKind.CLIENT_ABORTED:
        return Reason.ABORTED, f"the client broke off exchange {refused.number} before it had read the answer"
    if conversation.over is EndedBy.STOPPED:
        return Reason.QUIET_TIME_NOT_REACHED, "the recording was stopped while the client might still have answered"
    first = conversation.client_state.first
    if first is not None and _carries_unknown_token(conversation, [first]):
        return Reason.CAPTURE_STARTS_LATE, f"the client already held a token when the capture began ({first.number})"
    if any(c.kind == "bearer" for c in usable_challenges(refused)) and _carries_unknown_token(
        conversation, conversation.requests
    ):
        return Reason.TOKEN_HOST_OUTSIDE_CAPTURE, "the client uses tokens whose issue is not in the capture"
    return None


def _carries_unknown_token(conversation: Conversation, exchanges: Iterable[Exchange]) -> bool:
    return any(
        (token := bearer(e)) is not None and not token.empty and conversation.issue_of(token) is None for e in exchanges
    )
