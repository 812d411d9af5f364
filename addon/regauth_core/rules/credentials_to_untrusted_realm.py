"""A password or refresh token was sent to a realm that nothing connects with the registry.

Fires when: a token request with such a secret goes to an address of a private network, of this machine or of a cloud's
metadata service, and the registry's name is not one of these; or over plain http to another host; or to another domain,
to which the token server had redirected it. Info where it is only another public domain.

What to do: check whether the token host belongs to the registry, and change the password if it does not; a client
should send secrets to trusted realms only.

Silent when: the realm is on the registry's host or domain and uses https; the pair of registry and realm is a known
one; the exchange is anonymous; the registry itself is private.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import challenge_for, is_about, present
from regauth_core.conversation.exchanges import realm_key, secret_of
from regauth_core.model import Exchange
from regauth_core.model.finding import Fault, Severity
from regauth_core.protocol.registries import is_internal, is_private, is_test_name, is_usual_realm
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import rfc
from regauth_core.rules.wording import where

RULE = Header(
    name="credentials-to-untrusted-realm",
    family=Family.LEAK,
    severity=Severity.ERROR,
    fault=Fault.CLIENT,
    level=Level.INTEROP,
    references=(rfc(9110, "11.5"), rfc(9110, "17.16.1")),
    seen=(
        "google/go-containerregistry#2193",
        "CVE-2026-33540 (GHSA-3p65-76g6-3w7r)",
        "CVE-2026-48978 (GHSA-xf85-363p-868w)",
        "GHSA-28r5-37g7-p6mp",
        "devcontainers/cli PR#1276",
    ),
    signs=signs.TOKEN,
    at_once=True,
    stands_alone=True,
)

_METADATA = frozenset({"metadata.google.internal", "metadata", "instance-data"})


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match if the newest exchange sends a secret to an unrelated host."""
    exchange = conversation.latest
    if exchange is None or secret_of(exchange) is None or exchange.origin.host == conversation.origin.host:
        return
    if not conversation.is_token_exchange(exchange):
        return
    sender = _sent_by(conversation, exchange)
    if sender is None or not is_about(conversation, exchange):
        return
    suspicion = _suspicion(conversation, exchange, sender)
    if suspicion is None:
        return
    reason, severity = suspicion
    registry, realm = conversation.origin.authority, exchange.origin
    yield Match(
        exchanges=present(sender, exchange),
        severity=severity,
        title=f"the credentials for {registry} were sent to {realm}",
        explanation=(
            f"An answer ({sender.number}) sent the client to {realm} for a token. That {reason}; the client sent it a"
            f" password or refresh token with {where(exchange)} ({exchange.number})."
        ),
        client_author=(
            f"For a public registry such as {registry}, send secrets to https realms on public addresses only, and"
            " drop them when a token server redirects elsewhere."
        ),
        user=f"Check that {realm.authority} belongs to {registry}; if it does not, change the password.",
        because="the answer that named the realm and the request with the secret are in the capture",
        rests_on_absence=False,
    )


def _sent_by(conversation: Conversation, exchange: Exchange) -> Exchange | None:
    """The answer that sent the client there: a challenge, or a redirect of another token request."""
    naming = conversation.client_state.named.get(realm_key(exchange))
    if naming is not None and conversation.is_token_exchange(naming.exchange):
        return naming.exchange
    return challenge_for(conversation, exchange)


def _suspicion(conversation: Conversation, exchange: Exchange, sender: Exchange) -> tuple[str, Severity] | None:
    registry, realm = conversation.origin, exchange.origin
    if is_internal(registry.host):
        return None
    if is_private(realm.host) or realm.host in _METADATA:
        return "is a private address, and the registry is not", Severity.ERROR
    if realm.scheme == "http" and sender.origin.scheme == "https":
        return "is another host, over plain http", Severity.ERROR
    usual = is_usual_realm(conversation.registry, realm.host)
    if conversation.is_token_exchange(sender):
        if usual or is_usual_realm(sender.origin.host, realm.host):
            return None
        return "is a host of another domain, to which a token server had redirected it", Severity.ERROR
    if usual or is_test_name(realm.host):
        # Nobody owns a name for tests, so it has no other owner.
        return None
    return "is not in the registry's domain", Severity.INFO
