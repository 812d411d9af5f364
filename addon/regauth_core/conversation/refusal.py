"""What a refused or failed request was, as one value: what was sent with it, from where, whether it fits, what came.

Each question is a function by itself, and each is asked of one exchange of a conversation. Nothing here changes what
it is asked about, and no rule has to read a status, a header or a body for these questions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import life_ends
from regauth_core.conversation.exchanges import (
    IssuedToken,
    basic,
    bearer,
    error_of,
    is_anonymous,
    refuses,
    secret_of,
    succeeded,
)
from regauth_core.model import Endpoint, Exchange, FailureKind, Fingerprint, Holder
from regauth_core.model.finding import Place
from regauth_core.model.stated_reasons import EXPLAINING, StatedReason
from regauth_core.protocol.registries import registry_of
from regauth_core.protocol.scope import Scope, covered, needed


class Sent(StrEnum):
    """What the request carried to say who asks."""

    NOTHING = "nothing"
    EMPTY = "empty"
    """A header that names nobody."""
    PASSWORD = "password"
    """Basic, or the fields of a form."""
    REFRESH_TOKEN = "refresh-token"
    TOKEN = "token"
    """Bearer."""
    OTHER = "other"


class Fit(StrEnum):
    """Whether a token fits the request that it was sent with, by all that can be read."""

    FITS = "fits"
    EXPIRED = "expired"
    TOO_NARROW = "too-narrow"
    FOREIGN = "foreign"
    """It was fetched for another registry."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """All that is known of one request that was refused or failed."""

    exchange: Exchange
    place: Place
    sent: Sent
    issue: IssuedToken | None
    """Where its Bearer token was issued, if the capture shows it."""
    home: str | None
    """The registry for which its credential was fetched, or which accepted it."""
    fit: Fit
    age: float | None
    """Seconds since its token was issued, by the capture's own clock."""
    accepted: Exchange | None
    """An exchange in which the same credential was good enough, before or after."""
    demanded: tuple[str, ...]
    """The schemes that the answer asks for, in lower case."""
    error: str | None
    """The `error` of its challenge."""
    reasons: tuple[StatedReason, ...]
    left_out: Exchange | None
    """Where the client had got a token, or had been let in with a password, that would have fitted, if it sent nothing
    with the request."""
    is_unasked: bool
    """A password came along that nothing in the capture had asked for or accepted, and the answer is 400, or a refusal
    of what can be read without a login."""

    @property
    def explains(self) -> StatedReason | None:
        """The stated reason beside which nothing about passwords or spelling can be said."""
        return next((one for one in self.reasons if one in EXPLAINING), None)


def refusal(conversation: Conversation, exchange: Exchange) -> Refusal:
    """What is known of `exchange`, a request of `conversation` that did not get what it asked for."""
    return Refusal(
        exchange=exchange,
        place=place_of(conversation, exchange),
        sent=sent_with(exchange),
        issue=conversation.issue_of(bearer(exchange)),
        home=home_of(conversation, exchange),
        fit=fit_of(conversation, exchange),
        age=age_of(conversation, exchange),
        accepted=accepted_elsewhere(conversation, exchange),
        demanded=demanded_by(exchange),
        error=error_of(exchange),
        reasons=reasons_of(exchange),
        left_out=left_out(conversation, exchange),
        is_unasked=is_unasked(conversation, exchange),
    )


def place_of(conversation: Conversation, exchange: Exchange) -> Place:
    """Who was asked: the registry, a token server, or somebody to whom an answer had sent the client."""
    if conversation.is_token_exchange(exchange):
        return Place.TOKEN_SERVER
    if exchange.target.endpoint is Endpoint.ELSEWHERE:
        return Place.ELSEWHERE
    return Place.REGISTRY


def sent_with(exchange: Exchange) -> Sent:
    """What the request carried."""
    held = [c for c in exchange.request.credentials if not c.empty]
    form = exchange.request.token
    if any(c.scheme == "bearer" for c in held):
        return Sent.TOKEN
    for one in held:
        if one.scheme == "basic":
            return Sent.REFRESH_TOKEN if one.holder is Holder.IDENTITY_TOKEN else Sent.PASSWORD
    if form is not None and form.secret:
        return {"refresh_token": Sent.REFRESH_TOKEN, "access_token": Sent.OTHER}.get(form.grant or "", Sent.PASSWORD)
    if held:
        return Sent.OTHER
    return Sent.EMPTY if exchange.request.credentials else Sent.NOTHING


def credential_of(exchange: Exchange) -> Fingerprint | None:
    """The one credential of a request by its fingerprint: the token, else the secret."""
    token = bearer(exchange)
    return token.fingerprint if token is not None and not token.empty else secret_of(exchange)


def home_of(conversation: Conversation, exchange: Exchange) -> str | None:
    """The registry that the request's credential belongs to."""
    home = conversation.client_state.home_registries.of(credential_of(exchange))
    return home.registry if home is not None else None


def fit_of(conversation: Conversation, exchange: Exchange) -> Fit:
    """Whether the request's Bearer token is in time, wide enough, and this registry's; `UNKNOWN` without one."""
    token = bearer(exchange)
    if token is None or token.empty:
        return Fit.UNKNOWN
    issue = conversation.issue_of(token)
    ends = life_ends(conversation, token)
    if ends is not None and exchange.started >= ends:
        return Fit.EXPIRED
    home = home_of(conversation, exchange)
    if home is not None and home != registry_of(exchange.origin):
        return Fit.FOREIGN
    if issue is None:
        return Fit.UNKNOWN
    need = needed(exchange.request.method, exchange.target)
    held = issue.granted if issue.granted is not None else issue.asked
    return Fit.FITS if not need or _covers(conversation, need, held) else Fit.TOO_NARROW


def _covers(conversation: Conversation, need: tuple[Scope, ...], held: tuple[Scope, ...]) -> bool:
    if covered(need, held):
        return True
    # Spellings of one repository differ: `library/foo` is `foo` at Docker Hub.
    names = {s.path.removeprefix("library/"): s for s in held}
    return all(
        (same := names.get(s.path.removeprefix("library/"))) is not None
        and ("*" in same.actions or s.actions <= same.actions)
        for s in need
    )


def age_of(conversation: Conversation, exchange: Exchange) -> float | None:
    """Seconds from the issue of the request's Bearer token to the request; `None` where the issue is not seen."""
    issue = conversation.issue_of(bearer(exchange))
    return max(0.0, exchange.started - issue.began) if issue is not None else None


def accepted_elsewhere(conversation: Conversation, exchange: Exchange) -> Exchange | None:
    """An exchange with this registry or its token server in which the same credential was good enough."""
    credential = credential_of(exchange)
    found = conversation.at_registry.accepted.get(credential) if credential is not None else None
    return found if found is not exchange else None


def password_accepted(conversation: Conversation, exchange: Exchange) -> Exchange | None:
    """The token exchange in which the password behind the request's token was accepted."""
    issue = conversation.issue_of(bearer(exchange))
    return issue.exchange if issue is not None and issue.secret is not None else None


def demanded_by(exchange: Exchange) -> tuple[str, ...]:
    """The schemes of the answer's challenges, each once."""
    challenges = exchange.response.challenges if exchange.response is not None else ()
    return tuple(dict.fromkeys(c.kind for c in challenges))


def reasons_of(exchange: Exchange) -> tuple[StatedReason, ...]:
    """Why the answer says that it refuses: by its body, then by its challenge, then by its status."""
    response = exchange.response
    if response is None:
        return ()
    found = list(response.stated)
    by_error = _BY_ERROR.get(error_of(exchange) or "")
    if by_error is not None:
        found.append(by_error)
    by_status = _BY_STATUS.get(response.status)
    if by_status is not None:
        found.append(by_status)
    return tuple(dict.fromkeys(found))


def states(exchange: Exchange, *reasons: StatedReason) -> bool:
    """Whether the answer gives one of the reasons."""
    return any(reason in reasons for reason in reasons_of(exchange))


_BY_ERROR = {"invalid_token": StatedReason.INVALID_TOKEN}
"""``insufficient_scope`` is the ordinary way to ask for a wider token, and gives no reason."""
_BY_STATUS = {
    402: StatedReason.BILLING,
    429: StatedReason.RATE_LIMIT,
    451: StatedReason.ADDRESS_RULE,
    495: StatedReason.CLIENT_CERTIFICATE,
    496: StatedReason.CLIENT_CERTIFICATE,
    497: StatedReason.PLAIN_HTTP,
}


def refuses_token(exchange: Exchange) -> bool:
    """Whether the answer may be about the token that was sent: 401, or a 403 or 400 in words about the token."""
    return exchange.status == 401 or (refuses(exchange) and states(exchange, StatedReason.INVALID_TOKEN))


def own_words(exchange: Exchange, most: int = 200) -> str:
    """The first words of an answer, quoted, as far as they may be shown; empty where it has none."""
    response = exchange.response
    if response is None:
        return ""
    for error in response.errors:
        told = f"{error.code}: {error.message}" if error.code and error.message else error.code or error.message
        if told:
            return _quoted(told, most)
    return _quoted(response.text, most) if response.text else ""


def _quoted(words: str, most: int) -> str:
    """Words in quotes; nothing where all of them were replaced by fingerprints."""
    shown = words[:most]
    return f'"{shown}"' if any(c.isalpha() for c in _REPLACED.sub("", shown)) else ""


def left_out(conversation: Conversation, exchange: Exchange) -> Exchange | None:
    """The exchange that shows what the client held for a request and did not send with it.

    The issue of a token that was in time, accepted, and wide enough; or where its password had been accepted: at the
    ping, below which are all repositories (RFC 7617 section 2.2), or for this very repository.
    """
    need = needed(exchange.request.method, exchange.target)
    if not is_anonymous(exchange) or not need or conversation.is_token_exchange(exchange):
        return None
    for accepted in reversed(conversation.at_registry.accepted.values()):
        if conversation.is_token_exchange(accepted):
            continue
        if basic(accepted) is not None and _is_below(exchange, accepted):
            return accepted
        issue = conversation.issue_of(bearer(accepted))
        if issue is None:
            continue
        if not issue.began <= exchange.started < issue.ended:
            continue
        if _covers(conversation, need, issue.granted if issue.granted is not None else issue.asked):
            return issue.exchange
    return None


def _is_below(exchange: Exchange, accepted: Exchange) -> bool:
    """Whether a password that was accepted earlier serves this request as well, by where the two are."""
    if accepted.finished > exchange.started or accepted.origin != exchange.origin:
        return False
    return accepted.target.endpoint is Endpoint.PING or accepted.target.repository == exchange.target.repository


def is_unasked(conversation: Conversation, exchange: Exchange) -> bool:
    """Whether a password was sent to a registry that had not asked for one and had not taken it elsewhere."""
    if basic(exchange) is None or conversation.is_token_exchange(exchange):
        return False
    if exchange.status != 400 and not (refuses(exchange) and is_public(conversation, exchange) is not None):
        return False
    if accepted_elsewhere(conversation, exchange) is not None:
        return False
    return not any(e.started < exchange.started and demanded_by(e) for e in conversation.context)


def is_public(conversation: Conversation, exchange: Exchange) -> Exchange | None:
    """An exchange in which somebody read the same repository without a login."""
    repository = conversation.repository
    if repository is None or exchange.request.method not in ("GET", "HEAD"):
        return None
    return conversation.trace_state.anonymous_reads.get((conversation.registry, repository))


def has_no_answer(exchange: Exchange) -> bool:
    """Whether the connection was refused, was not trusted, or broke; not where only the capture lacks the answer."""
    return exchange.response is None and exchange.failure is not None and exchange.failure.kind in _LOST


_REPLACED = re.compile(r"<[a-z]{1,8}:[0-9a-f]{1,16}>")
_LOST = frozenset({FailureKind.CONNECT, FailureKind.TLS, FailureKind.SERVER_ABORTED})


def was_served(exchange: Exchange) -> bool:
    """Whether the answer holds what was asked for: a success that is no page, nor a token's answer without a token."""
    response = exchange.response
    if not succeeded(exchange) or response is None or response.is_html:
        return False
    return response.token is None or bool(response.token.fingerprints) or bool(response.token.refresh_token)


def is_password_proved(conversation: Conversation, exchange: Exchange) -> bool:
    """Whether the capture shows that the user name and password behind the request are good."""
    if password_accepted(conversation, exchange) is not None:
        return True
    return basic(exchange) is not None and accepted_elsewhere(conversation, exchange) is not None
