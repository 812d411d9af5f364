"""What came of sending what a correct client would have sent, as proof, in words that name no secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from regauth_core.auth.messages import AuthResult, Purpose
from regauth_core.auth.reasons import StopReason
from regauth_core.model.finding import ProofResult, Verification
from regauth_core.model.withheld import WITHHELD_BECAUSE, Withheld

_REFUSALS: Final[Mapping[StopReason, tuple[ProofResult, str]]] = {
    StopReason.CREDENTIALS_REFUSED: (ProofResult.CREDENTIALS_REJECTED, "the registry refuses these credentials"),
    StopReason.LOGIN_NOT_ALLOWED: (
        ProofResult.INSUFFICIENT_RIGHTS,
        "the registry accepts these credentials for other requests and refuses them for this one",
    ),
    StopReason.TOKEN_CREDENTIALS_REFUSED: (
        ProofResult.CREDENTIALS_REJECTED,
        "the token server refuses these credentials",
    ),
    StopReason.TOKEN_REFUSED: (ProofResult.TOKEN_SERVER_REFUSED, "the token server gives no token for this request"),
    StopReason.TOKEN_UNUSABLE: (
        ProofResult.TOKEN_SERVER_REFUSED,
        "the token server answers with success, but without a usable token",
    ),
    StopReason.INSUFFICIENT_SCOPE: (
        ProofResult.INSUFFICIENT_RIGHTS,
        "the token server issues a token that allows less than the registry asks for",
    ),
    StopReason.TOKEN_REJECTED: (
        ProofResult.UNDECIDED,
        "the registry refuses a token that its own token server has just issued for this request",
    ),
    StopReason.TOKEN_REPEATED: (
        ProofResult.UNDECIDED,
        "the token server issues the same token again after it was refused",
    ),
    StopReason.TOKEN_REDIRECT: (ProofResult.UNDECIDED, "the token server redirects in a way that must not be followed"),
    StopReason.TOKEN_SERVER_FAILED: (ProofResult.UNDECIDED, "the token server gave no usable answer"),
}
_UNDECIDED: Final[Mapping[StopReason, str]] = {
    StopReason.NO_LOGIN: "no credentials are configured for this registry and repository",
    StopReason.NO_CHALLENGE: "the registry does not say how to authenticate",
    StopReason.UNSUPPORTED_SCHEME: "the registry asks for neither Basic nor Bearer",
    StopReason.LOGIN_DOES_NOT_FIT: "the configured credentials cannot answer this kind of challenge",
    StopReason.FOREIGN_ANSWER: "another host answered",
    StopReason.TRIED_IN_VAIN: "the registry's answer neither accepts nor refuses these credentials",
    StopReason.UNREACHABLE: "no answer came",
    StopReason.LIMIT: "the limit of attempts was reached",
    StopReason.NOT_A_READ: "only GET and HEAD requests are sent beside the client",
    StopReason.NO_REFUSAL: "the registry did not refuse the request",
}
_OTHERS: Final[Mapping[StopReason, str]] = {
    StopReason.BODY_GONE: "the request was refused after its body had been streamed, so it could not be sent again",
    StopReason.CLIENT_AUTHORIZED: "the client sent its own",
    StopReason.RECENTLY_REFUSED: "they were refused a moment ago and were not tried again",
}
_NOTHING: Final = "nothing could be tried"
_LOGIN_ONLY: Final = "; that was its ping, which shows that the login is right but not what it may do in a repository"
_AGAIN: Final = "; that was a moment ago, and they were not tried again"


def verification(outcome: AuthResult, *, is_ping: bool = False) -> Verification:
    """What `outcome`, that of a verification, proves. `status` is that of the last answer, `None` where none came.

    `is_ping`: the request concerned no repository, and says nothing about the rights in any.
    """
    last = next((tried for tried in reversed(outcome.tried) if tried.purpose is not Purpose.PROBE), None)
    status = (last.status or None) if last is not None else None
    final = next((reason for reason in reversed(outcome.reasons) if reason is not StopReason.RECENTLY_REFUSED), None)
    is_answered = last is not None and last.purpose is Purpose.REQUEST and final is not StopReason.FOREIGN_ANSWER
    if is_answered and status is not None and status != 401:
        found = _of_answer(status)
        is_login_only = is_ping and found.outcome is ProofResult.WOULD_HAVE_WORKED
        return replace(found, note=found.note + _LOGIN_ONLY) if is_login_only else found
    if isinstance(final, StopReason) and final in _REFUSALS:
        proved, note = _REFUSALS[final]
        note += _AGAIN if StopReason.RECENTLY_REFUSED in outcome.reasons else ""
        return Verification(outcome=proved, status=status, note=note)
    note = _clause(final) if final is not None else _NOTHING
    return Verification(outcome=ProofResult.UNDECIDED, status=status, note=note)


def objection(reason: Withheld | StopReason) -> str:
    """Why credentials were not sent or did not work, as a clause."""
    if isinstance(reason, StopReason) and reason in _REFUSALS:
        return _REFUSALS[reason][1]
    if isinstance(reason, StopReason) and reason in _OTHERS:
        return _OTHERS[reason]
    return _clause(reason)


def _clause(reason: Withheld | StopReason) -> str:
    return WITHHELD_BECAUSE[reason] if isinstance(reason, Withheld) else _UNDECIDED.get(reason, _NOTHING)


def _of_answer(status: int) -> Verification:
    """What the registry's answer, other than a 401, to a request with the credentials proves."""
    if status < 400:
        note = f"with these credentials the registry answers {status}"
        return Verification(outcome=ProofResult.WOULD_HAVE_WORKED, status=status, note=note)
    if status == 404:
        note = "with these credentials the registry answers 404: the resource does not exist"
        return Verification(outcome=ProofResult.WOULD_HAVE_WORKED, status=status, note=note)
    if status == 403:
        note = "the registry knows these credentials but does not allow this request"
        return Verification(outcome=ProofResult.INSUFFICIENT_RIGHTS, status=status, note=note)
    note = f"with these credentials the registry answers {status}, which says nothing about them"
    return Verification(outcome=ProofResult.UNDECIDED, status=status, note=note)
