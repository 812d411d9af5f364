"""A registry redirected the client to another registry, whose challenge was not answered.

Fires when: a redirect leads from a registry's path to the same kind of path of another registry, which answers 401 with
a usable challenge, and the client neither contacts that challenge's token server nor sends a credential there.

Causes: token-lost (the client had sent a token with the request that was redirected), bearer-unanswered,
login-under-another-name (only Basic is offered: a login would be stored under the first registry's name, and a client
is right not to send it to another host).

What to do: name the second registry in the reference, or log in to it, or let the first one proxy the requests; a
client should answer the Bearer challenge of the host that it was redirected to.

Silent when: the redirect leads to a storage; the challenge gets an answer, successful or not; the request succeeds
later.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.conversation import Conversation, NamedUrl
from regauth_core.conversation.evidence import present
from regauth_core.conversation.exchanges import is_anonymous, leads_to_registry, realm_key, usable_challenges
from regauth_core.conversation.refusal import was_served
from regauth_core.conversation.undecided import why_undecided
from regauth_core.model import Exchange
from regauth_core.model.finding import Confidence, Fault, Severity
from regauth_core.protocol.registries import registry_of
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page, rfc
from regauth_core.rules.wording import numbers, where

RULE = Header(
    name="redirected-challenge-unanswered",
    family=Family.UNANSWERED,
    severity=Severity.ERROR,
    fault=Fault.CLIENT,
    level=Level.INTEROP,
    references=(rfc(9110, "15.4"), page("token", "How to authenticate")),
    seen=("containrrr/watchtower#257", "docker/for-mac#7658", "google/go-containerregistry#2333"),
    signs=signs.REFUSED,
)


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match with every refusal to which a redirect had led."""
    led = [(e, n) for e in conversation.refused() if (n := _leading(conversation, e)) is not None]
    left = [(e, n) for e, n in led if not _is_overcome(conversation, e, n) and not _is_answered(conversation, e)]
    if left:
        yield _match(conversation, [e for e, _ in left], left[0][1])


def _leading(conversation: Conversation, refused: Exchange) -> NamedUrl | None:
    """The redirect that led a request here from another registry."""
    if not usable_challenges(refused) or not is_anonymous(refused):
        return None
    naming = conversation.client_state.named.get(realm_key(refused))
    if naming is None or not leads_to_registry(naming.exchange):
        return None
    return naming if registry_of(naming.exchange.origin) != registry_of(refused.origin) else None


def _is_overcome(conversation: Conversation, refused: Exchange, naming: NamedUrl) -> bool:
    """Whether the same was got later, here or from the registry that redirected the client."""
    if conversation.succeeded_later(refused) or refused.withheld is not None:
        return True
    return any(was_served(e) and not leads_to_registry(e) for e in conversation.repeats_of(naming.exchange))


def _is_answered(conversation: Conversation, refused: Exchange) -> bool:
    if any(conversation.is_token_exchange(a) for a in conversation.responses_to(refused)):
        return True
    here = registry_of(refused.origin)
    return any(registry_of(a.origin) == here and a.request.credentials for a in conversation.auth_steps_since(refused))


def _match(conversation: Conversation, refused: list[Exchange], naming: NamedUrl) -> Match:
    first, redirect = refused[0], naming.exchange
    there, here = first.origin.authority, redirect.origin.authority
    is_bearer = any(c.kind == "bearer" for c in usable_challenges(first))
    had_token = any(c.scheme == "bearer" for c in redirect.request.credentials)
    cause = "login-under-another-name" if not is_bearer else "token-lost" if had_token else "bearer-unanswered"
    what = "a Bearer challenge" if is_bearer else "a Basic challenge"
    sent = f" The token that {redirect.number} carried was not sent." if cause == "token-lost" else ""
    return Match(
        exchanges=present(redirect, *refused),
        fault=Fault.CLIENT if is_bearer else Fault.CONFIGURATION,
        cause=cause,
        title=f"{here} redirects to {there}, whose challenge was not answered",
        explanation=(
            f"{where(redirect)} was redirected to {there} ({redirect.number}), which answered 401 with {what}"
            f" ({numbers(refused)}). The client sent {there} nothing.{sent}"
        ),
        client_author=(
            f"A token of {here} is not for {there}: request another from the token server that the challenge of {there}"
            " names, with the login for that host."
            if cause == "token-lost"
            else f"Answer the challenge of the host that was reached ({there}) like any registry's, with its own token"
            " server and its own login."
            if is_bearer
            else f"Report that {here} redirects to {there}, and that no credentials were sent to {there}."
        ),
        user=(
            f"Name {there} in the reference instead of {here}, or use a client that answers challenges after a"
            " redirect."
            if is_bearer
            else f"Logins are stored by host name: log in to {there} and name it in the reference, or let {here} proxy"
            f" the requests to {there}. The login for {here} must not be sent to {there}."
        ),
        confidence=Confidence.MEDIUM,
        because=(
            f"the redirect and the challenge are in the capture; whether {there} would have accepted an answer is not"
        ),
        undecided=why_undecided(conversation, first),
    )
