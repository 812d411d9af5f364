"""The token server that the challenge names cannot be reached.

Fires when: a request to the realm ends without an answer (no connection, no TLS, an unknown name), or a proxy answers
502 or 504 in its place, and no later request to it succeeds. It is certain where the realm is a loopback address or a
container's name, or lacks the registry's port.

What to do: make the realm reachable from the client, mostly by letting the reverse proxy forward the Host header with
its port; a client should print the realm in its error.

Silent when: the client never tried it; a retry succeeds; the token server itself answers 503.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import challenge_for, continued_after, is_about, present
from regauth_core.conversation.exchanges import realm_key
from regauth_core.conversation.undecided import why_undecided
from regauth_core.model import Exchange, FailureKind
from regauth_core.model.finding import Confidence, Fault, Severity
from regauth_core.protocol.registries import is_loopback
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page
from regauth_core.rules.wording import numbers

RULE = Header(
    name="realm-unreachable",
    family=Family.EXCHANGE,
    severity=Severity.ERROR,
    fault=Fault.CONFIGURATION,
    level=Level.MUST,
    references=(page("token", "How to authenticate"),),
    seen=("cesanta/docker_auth#390", "podman-container-tools/podman#14144"),
    signs=signs.NO_ANSWER | signs.SERVER_ERROR,
)

_UNANSWERED = frozenset({FailureKind.CONNECT, FailureKind.TLS, FailureKind.SERVER_ABORTED})


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match with every request to a realm that does not answer."""
    dead = [e for e in conversation.token_exchanges if _is_dead(conversation, e) and is_about(conversation, e)]
    if not dead or _answers_later(conversation, dead[0]):
        return
    first = dead[0]
    oddity = _oddity(conversation, first)
    how = f"was answered {first.status}" if first.status else "got no answer"
    yield Match(
        exchanges=present(challenge_for(conversation, first), *dead),
        severity=Severity.INFO if continued_after(conversation, first) else None,
        title=f"the token server {first.origin} cannot be reached",
        explanation=(
            f"The challenge of {conversation.origin.authority} names {first.origin} as its token server; the request to"
            f" it {how} ({numbers(dead)})."
            f"{f' {oddity}.' if oddity else ''}"
        ),
        client_author=f"Print the realm ({first.origin}) in the error, not only that the login failed.",
        user=(
            f"The registry must name a realm that clients can reach: check {first.origin}, and let the reverse proxy"
            " forward the Host header with its port."
        ),
        confidence=Confidence.HIGH if oddity else Confidence.MEDIUM,
        because=oddity or "the failure may have been temporary",
        undecided=why_undecided(conversation, first),
    )


def _is_dead(conversation: Conversation, exchange: Exchange) -> bool:
    """Whether nobody was reached; a gateway's error counts where the address is one that cannot be reached."""
    if exchange.response is not None:
        return _is_unanswered(exchange) and _oddity(conversation, exchange) is not None
    return _is_unanswered(exchange)


def _is_unanswered(exchange: Exchange) -> bool:
    if exchange.response is not None:
        return exchange.response.status in (502, 504)
    return exchange.failure is not None and exchange.failure.kind in _UNANSWERED


def _answers_later(conversation: Conversation, dead: Exchange) -> bool:
    key = realm_key(dead)
    return any(
        e.started > dead.started and realm_key(e) == key and e.response is not None and not _is_unanswered(e)
        for e in (*conversation.steps, *conversation.at_registry.auth_steps)
    )


def _oddity(conversation: Conversation, dead: Exchange) -> str | None:
    realm, registry = dead.origin, conversation.origin
    if is_loopback(realm.host) and not is_loopback(registry.host):
        return f"{realm.authority} is the client's own machine, not the registry's"
    if "." not in realm.host and ":" not in realm.host and "." in registry.host:
        return f"{realm.authority} is a name that resolves only in the registry's own network"
    if realm.host == registry.host and realm.port != registry.port:
        return f"the registry is at port {registry.port}, the realm that it names at port {realm.port}"
    return None
