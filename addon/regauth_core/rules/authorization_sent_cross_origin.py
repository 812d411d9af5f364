"""The client followed an answer to another origin and took the registry's credential with it.

Fires when: a request carries a credential that the client had used at one registry, and goes to another origin which
the client knows from that registry's answers alone. What that origin answers makes no difference. Warning where only
the port differs.

Causes: redirect, upload-location, pagination-link, foreign-layer-url.

What to do: change the password if one was sent, and update the client; its author should drop the header whenever
scheme, host or port change.

Silent when: no credential is sent along; a default port is only written out; the client asked that origin by itself;
it is the realm of a challenge, or another name of the same registry; the token was issued for that origin.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.answers import asks_for_login
from regauth_core.conversation.conversation import Conversation, NamedUrl
from regauth_core.conversation.exchanges import is_anonymous, realm_key, secret_of, usable_challenges
from regauth_core.model import Exchange
from regauth_core.model.finding import Fault, Severity
from regauth_core.protocol.registries import registry_of
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page, rfc
from regauth_core.rules.logins import given_away
from regauth_core.rules.wording import where

RULE = Header(
    name="authorization-sent-cross-origin",
    family=Family.LEAK,
    severity=Severity.ERROR,
    fault=Fault.CLIENT,
    level=Level.MUST,
    references=(page("oci", "API"), rfc(9110, "15.4"), rfc(9110, "11.5")),
    seen=(
        "open-policy-agent/opa#6580",
        "oras-project/oras-java PR#334",
        "CVE-2020-15157 (GHSA-742w-89gc-8m9c)",
        "CVE-2026-50151 (GHSA-jxpm-75mh-9fp7)",
        "GHSA-vh4v-2xq2-g5cg",
        "Azure/azure-sdk-for-python PR#47390",
    ),
    signs=signs.CREDENTIAL,
    at_once=True,
    stands_alone=True,
)

_NAMED_BY = {
    "redirect": "a redirect",
    "upload-location": "the Location of an upload",
    "pagination-link": "the link to the next page",
    "foreign-layer-url": "the URL of a foreign layer",
}

_AUTHOR = {
    "redirect": "Leave Authorization out when a redirect leads from {owner} to another origin, here {other}.",
    "upload-location": (
        "Send an upload whose Location leads from {owner} to another origin, here {other}, without Authorization: its"
        " URL carries what it takes."
    ),
    "pagination-link": (
        "Take the path and the query of a next page from its link, and ask {owner} for it; ask other origins, here"
        " {other}, without Authorization or not at all."
    ),
    "foreign-layer-url": "Fetch foreign layers, here from {other}, without the Authorization of {owner}.",
}


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match if the newest exchange carries a credential away."""
    exchange = conversation.latest
    if exchange is None or not exchange.request.credentials or conversation.is_token_exchange(exchange):
        return
    naming = _naming(conversation, exchange)
    if naming is None or not _belongs(conversation, exchange, naming):
        return
    owner = naming.conversation.origin
    only_port = owner.host == exchange.origin.host
    asked = _asking(conversation, exchange)
    scheme = exchange.request.credentials[0].scheme
    yield Match(
        exchanges=(asked or naming.exchange, exchange),
        severity=Severity.WARNING if only_port else None,
        cause=naming.how,
        title=f"a credential of {owner.authority} was sent to {exchange.origin}",
        explanation=(
            f"{_NAMED_BY[naming.how].capitalize()} in an answer of {owner.authority} ({naming.exchange.number}) names"
            f" {exchange.origin}. The client sent it the {scheme.capitalize()} credential of {owner.authority} with"
            f" {where(exchange)} ({exchange.number}, answered {exchange.status or 'not at all'})."
        ),
        client_author=_AUTHOR[naming.how].format(owner=owner, other=exchange.origin),
        user=f"Update the client. {given_away(conversation, exchange, owner.authority)}",
        because="the same credential was used at both, and only the registry's answer named the other",
        rests_on_absence=False,
    )


def _naming(conversation: Conversation, exchange: Exchange) -> NamedUrl | None:
    """The answer that named the origin, if the client did not choose that by itself."""
    client_state = conversation.client_state
    contact = client_state.origins.get(exchange.origin)
    if contact is None or contact.naming is None:
        return None
    naming = client_state.named.get(realm_key(exchange)) or client_state.named_origins.get(exchange.origin)
    naming = naming or contact.naming
    if naming.exchange.origin == exchange.origin:
        naming = contact.naming
    is_own = registry_of(exchange.origin) == naming.conversation.registry
    return None if is_own or conversation.is_token_exchange(naming.exchange) else naming


def _belongs(conversation: Conversation, exchange: Exchange, naming: NamedUrl) -> bool:
    """Whether a credential of the request was the naming registry's before it came here."""
    keys = {secret_of(exchange), *(c.fingerprint for c in exchange.request.credentials if not c.empty)}
    for key in keys:
        home = conversation.client_state.home_registries.of(key)
        if home is None or home.exchange is exchange:
            continue
        own = (home.registry, registry_of(home.exchange.origin))
        if home.registry == naming.conversation.registry and registry_of(exchange.origin) not in own:
            return True
    return False


def _asking(conversation: Conversation, exchange: Exchange) -> Exchange | None:
    """The answer in which the other origin itself asked for credentials."""
    before = (e for e in conversation.steps if e.origin == exchange.origin and e.started < exchange.started)
    asking = [e for e in before if asks_for_login(e) and is_anonymous(e) and usable_challenges(e)]
    return asking[-1] if asking else None
