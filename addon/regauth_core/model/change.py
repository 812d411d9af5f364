"""What the proxy or regauth changed about an exchange, as a kind; the words are for people alone."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final


class ChangeKind(StrEnum):
    """What was changed, and by whom."""

    CREDENTIALS_ADDED = "credentials-added"
    """regauth added a credential to the request."""
    CREDENTIALS_REPLACED = "credentials-replaced"
    """regauth put a credential in the place of the client's."""
    CREDENTIALS_REMOVED = "credentials-removed"
    """regauth took its credential out again before anything was sent."""
    COOKIE_REMOVED = "cookie-removed"
    """regauth kept a cookie from the client."""
    ANSWER_REPLACED = "answer-replaced"
    """regauth answered a challenge in the client's place."""
    SENT_BACK = "sent-back"
    """regauth redirected the client to where it had been."""
    CHALLENGE_ADDED = "challenge-added"
    """regauth added a challenge to a ping."""
    PING_REFUSED = "ping-refused"
    """regauth made the 200 of a ping a 401."""
    EXPECT_ANSWERED = "expect-answered"
    """The proxy answered ``Expect: 100-continue`` itself."""
    PROTOCOL_CHANGED = "protocol-changed"
    """The proxy spoke another version of HTTP to the server than the client spoke."""
    UNSENT = "unsent"
    """The proxy found no connection for the request, which the client could not send."""
    AUTHORIZATION_ADDED = "authorization-added"
    """Something else on the way added an Authorization header."""
    OTHER = "other"

    @property
    def is_ours(self) -> bool:
        """Whether regauth itself changed what the client or the server gets."""
        return self in _OURS

    @property
    def adds_credentials(self) -> bool:
        """Whether there is a credential in the request that the client did not send."""
        return self in (ChangeKind.CREDENTIALS_ADDED, ChangeKind.AUTHORIZATION_ADDED)


_OURS: Final = frozenset(
    {
        ChangeKind.CREDENTIALS_ADDED,
        ChangeKind.CREDENTIALS_REPLACED,
        ChangeKind.CREDENTIALS_REMOVED,
        ChangeKind.COOKIE_REMOVED,
        ChangeKind.ANSWER_REPLACED,
        ChangeKind.SENT_BACK,
        ChangeKind.CHALLENGE_ADDED,
        ChangeKind.PING_REFUSED,
    }
)
# Closed: these are the sentences of files from before there were kinds. What regauth says today stands elsewhere.
_FORMER: Final = (
    ("regauth put ", ChangeKind.CREDENTIALS_REPLACED),
    ("regauth took it out again", ChangeKind.CREDENTIALS_REMOVED),
    ("regauth kept from the client a cookie", ChangeKind.COOKIE_REMOVED),
    ("regauth answered ", ChangeKind.ANSWER_REPLACED),
    ("regauth sent the client here again", ChangeKind.SENT_BACK),
    ("regauth added to this ping", ChangeKind.CHALLENGE_ADDED),
    ("regauth made the 200 of this ping", ChangeKind.PING_REFUSED),
    ("regauth added ", ChangeKind.CREDENTIALS_ADDED),
    ("the proxy answered 'Expect: ", ChangeKind.EXPECT_ANSWERED),
    ("the proxy spoke HTTP/", ChangeKind.PROTOCOL_CHANGED),
    ("the client could not send this request", ChangeKind.UNSENT),
)


def former_kind(text: str) -> ChangeKind:
    """The kind of a change of which a file from before there were kinds has the words only."""
    known = next((kind for beginning, kind in _FORMER if text.startswith(beginning)), None)
    if known is not None:
        return known
    return ChangeKind.AUTHORIZATION_ADDED if "uthorization" in text else ChangeKind.OTHER


def with_kinds(exchange: Any) -> Any:
    """An exchange as JSON, whose changes may be words alone, as traces once had them, with the kinds of its changes."""
    changes = exchange.get("changes") if isinstance(exchange, dict) else None
    if not isinstance(changes, list) or not any(isinstance(one, str) for one in changes):
        return exchange
    typed = [{"kind": former_kind(one), "text": one} if isinstance(one, str) else one for one in changes]
    return {**exchange, "changes": typed}
