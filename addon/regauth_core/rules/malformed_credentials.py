"""The Authorization header encodes malformed credentials.

Fires when: Basic credentials are refused, and what they decode to holds a control character such as a newline, has no
colon, or is not base64 at all. Warning, with less confidence, where it is merely not UTF-8, or where the `account` of a
token request names another user than the header: some servers accept both.

What to do: store the secret again without a trailing newline, and with its special characters quoted; a client should
check for control characters before it sends anything.

Silent when: it is accepted; the password holds colons.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.answers import is_bad_request
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import continued_after, is_about
from regauth_core.conversation.exchanges import basic, refuses
from regauth_core.model import CredentialFlaw, Exchange
from regauth_core.model.finding import Confidence, Fault, Severity
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import rfc
from regauth_core.rules.wording import numbers, where

RULE = Header(
    name="malformed-credentials",
    family=Family.CREDENTIALS,
    severity=Severity.ERROR,
    fault=Fault.CONFIGURATION,
    level=Level.MUST,
    references=(rfc(7617, "2"), rfc(7617, "2.1")),
    seen=("charmed-kubernetes/bundle#384", "sonatype/nexus-public#227"),
    signs=signs.ODD_CREDENTIAL | signs.TOKEN,
)

_SAID = {
    CredentialFlaw.CONTROL_CHARACTER: "holds a control character, such as a trailing newline",
    CredentialFlaw.NO_COLON: "has no colon between user name and password",
    CredentialFlaw.NOT_BASE64: "is not base64",
    CredentialFlaw.NOT_UTF8: "is not UTF-8",
}


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match with every refused request whose credential is malformed in the same way."""
    found: dict[str, list[Exchange]] = {}
    for exchange in conversation.steps:
        said = _damage(exchange) if refuses(exchange) or is_bad_request(exchange) else None
        if said is not None and is_about(conversation, exchange):
            found.setdefault(said, []).append(exchange)
    for said, refused in found.items():
        yield _match(conversation, said, refused)


def _damage(exchange: Exchange) -> str | None:
    credential = basic(exchange)
    if credential is None:
        return None
    found = next((text for flaw, text in _SAID.items() if flaw in credential.flaws), None)
    account = exchange.request.token.account if exchange.request.token else None
    if found is None and account is not None and credential.user is not None and account != credential.user:
        return "names another user than the account parameter of the same request"
    return found


def _match(conversation: Conversation, said: str, refused: list[Exchange]) -> Match:
    first = refused[0]
    host = first.origin.authority
    sure = any(said == _SAID[flaw] for flaw in _SAID if flaw is not CredentialFlaw.NOT_UTF8)
    severity = None if sure else Severity.WARNING
    return Match(
        exchanges=tuple(refused),
        severity=Severity.INFO if continued_after(conversation, refused[-1]) else severity,
        title=f"the credential that was sent to {host} is malformed",
        explanation=(
            f"{where(first)} ({numbers(refused)}) carried Basic credentials; what they encode {said}. The answer was"
            f" {first.status}."
        ),
        client_author=f"Before sending anything to {host}, reject control characters and what cannot be encoded.",
        user=(
            f"Store the secret for {host} again without a trailing newline (printf, echo -n), and quote it to keep the"
            " shell from expanding a $."
        ),
        confidence=Confidence.HIGH if sure else Confidence.LOW,
        because=(
            "the header itself is malformed" if sure else "some servers accept this, and the password may be wrong"
        ),
    )
