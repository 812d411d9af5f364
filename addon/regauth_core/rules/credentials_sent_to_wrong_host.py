"""One registry's credentials were sent to another registry's host.

Fires when: the credential that serves one registry is sent to a mirror of it (the request says so with `ns`, or the
same thing is requested from that registry next); or a cloud vendor's login goes to a host outside the vendor's domains.

Causes: mirror, look-alike-host.

What to do: revoke the token or change the password, and store a separate login for the other host; a client should look
up credentials by the full name of the host that it contacts.

Silent when: the two are names of one registry; the mirror got a different credential; the client writes to the second
registry, which is then not a mirror; the host is on an internal network.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.answers import is_given, leads_on
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import asked_other_registry, is_about
from regauth_core.conversation.exchanges import basic, credential_sent, secret_of
from regauth_core.conversation.home_registries import HomeRegistry
from regauth_core.model import Exchange, Holder
from regauth_core.model.finding import Confidence, Fault, Severity
from regauth_core.protocol.registries import DOCKER_HUB, is_internal, registry_of
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page, rfc
from regauth_core.rules.wording import numbers, where

RULE = Header(
    name="credentials-sent-to-wrong-host",
    family=Family.LEAK,
    severity=Severity.ERROR,
    fault=Fault.CLIENT,
    level=Level.MUST,
    references=(rfc(9110, "11.5"), page("oci", "Registry Proxying")),
    seen=("moby/moby#42022", "containerd/containerd#4950", "CVE-2024-35192"),
    signs=signs.CREDENTIAL,
    stands_alone=True,
)

_DOMAINS = {
    Holder.AWS: ("amazonaws.com", "amazonaws.com.cn", "ecr.aws", "on.aws", "amazonaws.eu", "localstack.cloud"),
    Holder.GOOGLE: ("gcr.io", "pkg.dev", "googleapis.com", "google.com"),
    Holder.AZURE: ("azurecr.io", "azurecr.cn", "azurecr.us", "azurecr.de", "azure.com", "windows.net", "microsoft.com"),
}
_VENDORS = {
    Holder.AWS: ("Amazon's", ("amazonaws", "ecr")),
    Holder.GOOGLE: ("Google's", ("gcr", "pkg", "google")),
    Holder.AZURE: ("Azure's", ("azure",)),
}


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match for the first credential that went to a mirror, and one for a vendor's login at an unrelated host."""
    several = len(conversation.client_state.at_registries) > 1
    asked = conversation.requests if several else []
    mirrored = [(e, home) for e in asked if (home := _owner(conversation, e)) is not None]
    if mirrored:
        yield _mirror([e for e, _ in mirrored], mirrored[0][1])
    strange = [e for e in conversation.steps if _is_strange(e) and is_about(conversation, e)]
    if strange:
        yield _look_alike(strange)


def _owner(conversation: Conversation, exchange: Exchange) -> HomeRegistry | None:
    """The registry that the credential serves and where it did, if the exchange asks a mirror of that registry."""
    home = conversation.client_state.home_registries.of(credential_sent(exchange))
    if home is None or home.exchange is exchange or exchange.request.method not in ("GET", "HEAD"):
        return None
    here = registry_of(exchange.origin)
    owner = _short(home.registry)
    if owner == here or registry_of(home.exchange.origin) == here:
        return None
    named = exchange.target.mirror_of
    if named is not None:
        return home if _short(named) == owner else None
    later = [e for e in asked_other_registry(conversation, exchange) if _short(registry_of(e.origin)) == owner]
    return home if later and not (is_given(exchange) or leads_on(exchange)) and not _is_written(conversation) else None


def _short(registry: str) -> str:
    """One name for Docker Hub with its token server, else the registry's own."""
    return DOCKER_HUB if registry == DOCKER_HUB or registry.endswith("." + DOCKER_HUB) else registry


def _is_written(conversation: Conversation) -> bool:
    return any(e.request.method in ("POST", "PUT", "PATCH") for e in conversation.requests)


def _holder(exchange: Exchange) -> Holder:
    credential = basic(exchange)
    return credential.holder if credential is not None else Holder.ORDINARY


def _is_strange(exchange: Exchange) -> bool:
    domains = _DOMAINS.get(_holder(exchange))
    host = exchange.origin.host
    if domains is None or is_internal(host):
        return False
    return not any(host == domain or host.endswith("." + domain) for domain in domains)


def _mirror(mirrored: list[Exchange], home: HomeRegistry) -> Match:
    first = mirrored[0]
    host, owner = first.origin.authority, _short(home.registry)
    certain = first.target.mirror_of is not None
    return Match(
        exchanges=(home.exchange, *mirrored),
        cause="mirror",
        title=f"the credentials for {owner} were sent to the mirror {host}",
        explanation=(
            f"The credential that the client uses for {owner} ({home.exchange.number}) went to {host} with"
            f" {where(first)} ({numbers(mirrored)}), which is asked in place of {owner}."
        ),
        client_author=f"Look up credentials by the host that is contacted ({host}), not by the image name.",
        user=f"Renew the login for {owner}. Store a separate login for {host}, or use it anonymously.",
        confidence=Confidence.HIGH if certain or secret_of(first) is not None else Confidence.MEDIUM,
        because=(
            "the request itself names the registry that the host mirrors"
            if certain
            else f"the same thing is requested from {owner} right afterwards"
        ),
        rests_on_absence=False,
    )


def _look_alike(strange: list[Exchange]) -> Match:
    first = strange[0]
    host = first.origin.authority
    vendor, names = _VENDORS[_holder(first)]
    alike = any(name in host for name in names)
    return Match(
        exchanges=tuple(strange),
        cause="look-alike-host",
        title=f"a login for {vendor} registries was sent to {host}",
        explanation=(
            f"{where(first)} ({numbers(strange)}) carried a user name that only {vendor} registries use, but {host} is"
            " not in a domain of that vendor."
        ),
        client_author=(
            f"Match the whole host suffix before requesting a token from the cloud: {host} only looks like one."
        ),
        user=f"Revoke that token, unless {host} is your private endpoint.",
        confidence=Confidence.HIGH if alike else Confidence.MEDIUM,
        because=(
            "the name imitates the vendor's"
            if alike
            else "the host may be a private name for the vendor's registry; the capture does not show it"
        ),
        rests_on_absence=False,
    )
