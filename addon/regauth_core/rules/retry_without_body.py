"""The client repeated an upload request with a credential but without its body.

Fires when: a request that uploads something gets 401, and the client's next request to the same URL, now with a
credential, is shorter and is refused for it.

What to do: use another client or version; its author should authenticate on the empty request that begins an upload, or
send the body again when it repeats the request.

Silent when: the first request had no body either, such as the PUT that closes an upload; the repetition continues an
upload at an offset; a later repetition succeeds.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.answers import asks_for_login, is_error, is_limited
from regauth_core.conversation.conversation import Conversation
from regauth_core.model import Exchange
from regauth_core.model.finding import Fault, Severity
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page, rfc
from regauth_core.rules.wording import where

RULE = Header(
    name="retry-without-body",
    family=Family.CREDENTIALS,
    severity=Severity.ERROR,
    fault=Fault.CLIENT,
    level=Level.MUST,
    references=(rfc(9110, "15.5.2"), page("token", "Requesting a Token")),
    seen=("heroku/docker-registry-client PR#60",),
    signs=signs.REFUSED,
)


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match for each request whose repetition lost its body."""
    for refused in conversation.refused():
        repeated = _emptied(conversation, refused) if refused.request.size else None
        if repeated is None or conversation.succeeded_later(refused):
            continue
        yield Match(
            exchanges=(refused, repeated),
            title=f"the client repeated {refused.request.method} to {refused.origin.authority} without its body",
            explanation=(
                f"{where(refused)} with {refused.request.size} bytes was answered 401 ({refused.number}). Its"
                f" repetition with credentials has {repeated.request.size} bytes and was answered {repeated.status}"
                f" ({repeated.number})."
            ),
            client_author=(
                "Authenticate on the empty POST that begins an upload, or rewind the body before sending it to"
                f" {refused.origin.authority} again."
            ),
            user="Use a client that sends the body again. The fault is not in the image.",
        )


def _emptied(conversation: Conversation, refused: Exchange) -> Exchange | None:
    if refused.request.method not in ("PUT", "PATCH", "POST"):
        return None
    return next(
        (
            e
            for e in conversation.repeats_of(refused)
            if e.request.credentials
            and e.request.size < refused.request.size
            and is_error(e)
            and not asks_for_login(e)
            and not is_limited(e)
            and e.request.header("content-range") is None
        ),
        None,
    )
