"""The client keeps sending a credential that has been turned away.

Fires when: one credential is refused at least three times for one request or for one token, milliseconds or minutes
apart, while neither scope nor challenge changes. Reported beside credentials-rejected, because the client and the
owner of the login both have something to do.

Severity: warning; error where the account seems to be locked by it.

Causes: lock-out (a 429 or words about a lock follow, or then even another, good credential is turned away). Tries that
are minutes apart come from a stale secret in some automation, which is a matter of configuration.

What to do: find the sender by its user agent and correct its secret, since every try counts towards a lock-out; a
client should stop at the first refusal.

Silent when: the credentials differ; there are two tries; a try follows a 429 or a server error; a new token is sent;
an exchange that is tried by POST and by GET counts once; the credential is accepted in the end.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.answers import asks_for_login, is_turned_away
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import is_about
from regauth_core.conversation.exchanges import credential_sent, request_key, secret_of
from regauth_core.conversation.refusal import states
from regauth_core.model import Exchange, Fingerprint
from regauth_core.model.finding import Fault, Severity
from regauth_core.model.stated_reasons import LOCKING, StatedReason
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import rfc
from regauth_core.rules.wording import numbers, where

RULE = Header(
    name="refused-credential-repeated",
    family=Family.CREDENTIALS,
    severity=Severity.WARNING,
    fault=Fault.CLIENT,
    level=Level.SHOULD,
    references=(rfc(9110, "15.5.2"), rfc(9110, "15.5.4")),
    seen=(
        "GoogleContainerTools/jib PR#2261",
        "docker/hub-feedback#786",
        "docker/hub-feedback#2201",
        "goharbor/harbor#15805",
    ),
    signs=signs.CREDENTIAL,
    is_provable=True,
    beside=frozenset({"credentials-rejected"}),
)

_TOO_OFTEN = 3
_AUTOMATION = 60.0
"""Seconds between tries that no client's own loop explains."""
_LOCKED = frozenset({*LOCKING, StatedReason.RATE_LIMIT, StatedReason.SUSPENDED})


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match for each credential that was worn out on one request."""
    asked: set[tuple[Fingerprint, Hashable]] = set()
    for step in conversation.steps:
        credential = credential_sent(step)
        key = (credential, request_key(step)) if credential is not None else None
        if key is None or key in asked or not is_turned_away(step):
            continue
        asked.add(key)
        attempts = conversation.at_registry.failed_attempts.get(key, ())
        refused = _vain(conversation, attempts)
        if len(refused) >= _TOO_OFTEN and is_about(conversation, refused[-1]):
            yield _match(conversation, refused, attempts)


def _vain(conversation: Conversation, attempts: Iterable[Exchange]) -> list[Exchange]:
    """The latest refusals in a row that nothing justified."""
    posts: list[Exchange] = []
    others: list[Exchange] = []
    before: Exchange | None = None
    for one in attempts:
        is_exchange = conversation.is_token_exchange(one)
        row = posts if is_exchange and one.request.method == "POST" else others
        if not (is_turned_away(one) if is_exchange else asks_for_login(one)):
            before = one
            continue
        if row and _asks(row[-1]) != _asks(one):
            row.clear()
        if before is None or is_turned_away(before):
            row.append(one)
        before = one
    return max(others, posts, key=len)


def _asks(refused: Exchange) -> list[tuple[str, tuple[str, ...]]]:
    return [(c.kind, c.scopes) for c in refused.response.challenges] if refused.response else []


def _match(conversation: Conversation, refused: list[Exchange], attempts: Iterable[Exchange]) -> Match:
    first, last = refused[0], refused[-1]
    locked = _is_locked(conversation, refused, attempts)
    slow = last.started - first.started > _AUTOMATION
    host = first.origin.authority
    return Match(
        exchanges=tuple(refused),
        severity=Severity.ERROR if locked else None,
        fault=Fault.CONFIGURATION if slow else None,
        cause="lock-out" if locked else None,
        title=f"a credential that {host} refuses was sent {len(refused)} times",
        explanation=(
            f"{where(first)} was sent with one and the same credential in exchanges {numbers(refused)}, over"
            f" {last.started - first.started:.1f} s, and refused each time; nothing had changed in between."
        ),
        client_author=f"Stop after one refusal by {host}: only another token, scope or challenge justifies a new try.",
        user=(
            f"Find who sends it by the user agent ({first.sender.user_agent or 'none'}) and correct that secret: {host}"
            + (
                " does not take it any more for now, so wait, or have the lock lifted."
                if locked
                else " may count every try towards a lock of the account."
            )
        ),
    )


def _is_locked(conversation: Conversation, refused: list[Exchange], attempts: Iterable[Exchange]) -> bool:
    third = refused[_TOO_OFTEN - 1]
    later = [e for e in (*conversation.steps, *attempts) if e.started >= third.started]
    if any((e.status == 423 or states(e, *_LOCKED)) and e.origin == third.origin for e in later):
        return True
    accepted = conversation.at_registry.accepted
    return any(
        is_turned_away(e)
        and (other := secret_of(e)) is not None
        and other != credential_sent(third)
        and other in accepted
        and e.origin == third.origin
        and conversation.is_token_exchange(e) == conversation.is_token_exchange(third)
        for e in later
    )
