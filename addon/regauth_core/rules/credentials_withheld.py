"""regauth withheld its credentials because of where, for what or for which client they would have been sent.

Fires when: credentials were configured for the registry with fill or override, the registry refused the request, and a
rule forbade sending them: nothing connects the token server's host with the registry, or it is an address, a metadata
service or plain http; the connection is plain http or was not verified; the request names another host in its `Host`
header, its target or its TLS handshake, or has a field that would turn it into another request; servers may read the
request in different ways; another host led the client there; the request writes, and only reading was allowed; or the
credentials are not for this client: a process of another or an unknown user, a client on another machine, a browser
that shows a web page, or a client that addressed a reverse proxy by a name that regauth does not know.

Causes: not-a-url, userinfo, plain-http, metadata-address, internal-address, address-literal, unknown-host,
outside-api, unverified-connection, other-host-named, other-request-named, unclear-target, unclear-query,
unclear-field, unclear-body, unclear-connection, led-elsewhere, not-permitted, other-user, unknown-user,
other-machine, other-name, web-page.

What to do: if the host is right and the credentials are meant for it and for this client, allow it; otherwise nothing,
because regauth prevented a leak.

Silent when: the client got what it asked for, or sent its own credentials afterwards; no credentials are configured for
the host; the credentials were sent and refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from regauth_core.conversation import signs
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.exchanges import bearer, secret_of
from regauth_core.conversation.recovery import is_needless
from regauth_core.model import Exchange
from regauth_core.model.finding import Fault, Severity
from regauth_core.model.withheld import WITHHELD_BECAUSE, Withheld
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import rfc
from regauth_core.rules.wording import where

RULE = Header(
    name="credentials-withheld",
    family=Family.LEAK,
    severity=Severity.WARNING,
    fault=Fault.CONFIGURATION,
    level=Level.INFO,
    references=(rfc(9110, "11.5"), rfc(9110, "17.16.1")),
    seen=("CVE-2020-15157 (GHSA-742w-89gc-8m9c)", "google/go-containerregistry#2193"),
    signs=signs.WITHHELD,
    stands_alone=True,
)

_FAULTS: Final = {
    Withheld.NOT_A_URL: Fault.REGISTRY,
    Withheld.USERINFO: Fault.REGISTRY,
    Withheld.METADATA_ADDRESS: Fault.REGISTRY,
    Withheld.INTERNAL_ADDRESS: Fault.REGISTRY,
    Withheld.OTHER_HOST_NAMED: Fault.UNKNOWN,
    Withheld.OTHER_REQUEST_NAMED: Fault.UNKNOWN,
    Withheld.LED_ELSEWHERE: Fault.UNKNOWN,
    Withheld.WEB_PAGE: Fault.UNKNOWN,
    Withheld.UNCLEAR_TARGET: Fault.CLIENT,
    Withheld.UNCLEAR_QUERY: Fault.CLIENT,
    Withheld.UNCLEAR_FIELD: Fault.CLIENT,
    Withheld.UNCLEAR_BODY: Fault.CLIENT,
    Withheld.UNCLEAR_CONNECTION: Fault.CLIENT,
}
_ADVICE: Final = {
    Withheld.NOT_A_URL: "Ask the operator of {registry} to correct its challenge: the realm has to be the address of "
    "its token server, https:// included.",
    Withheld.USERINFO: "Ask the operator of {registry} to take the user out of the realm of its challenge; what "
    "stands before the @ can pass for the host.",
    Withheld.METADATA_ADDRESS: "Do not log in at {registry}, and report it: a cloud's metadata service is not a token "
    "server, and clients can be made to fetch secrets from it.",
    Withheld.INTERNAL_ADDRESS: "Ask the operator of {registry} for a realm with a public name: its challenge names "
    "a server of the internal network, which other clients do not reach.",
    Withheld.UNKNOWN_HOST: "If this token server is that of {registry}, allow it with regauth_trust (run: --trust) and "
    "its https://HOST; otherwise ask the operator of {registry}.",
    Withheld.ADDRESS_LITERAL: "Ask the operator of {registry} for a realm with a name in the place of its address; if "
    "the address is known to be right, allow it with regauth_trust (run: --trust) and its https://ADDRESS.",
    Withheld.OUTSIDE_API: "Ask {registry} for something below /v2/: the credentials are for its API alone.",
    Withheld.UNVERIFIED_CONNECTION: "Let mitmproxy trust the CA of {registry} "
    "(ssl_verify_upstream_trusted_ca) instead of any; or allow it with regauth_trust=unverified.",
    Withheld.OTHER_HOST_NAMED: "Address {registry} by the name that the proxy connects to.",
    Withheld.OTHER_REQUEST_NAMED: "Find out what adds X-Forwarded-Host, X-HTTP-Method-Override or the like.",
    Withheld.UNCLEAR_TARGET: "Find out why the client spells the request like this: a method is in upper case, and a "
    "path below /v2/ contains only letters, digits and . _ - :.",
    Withheld.UNCLEAR_QUERY: "Find out where the parameters come from: each may occur once, under the name that the "
    "OCI distribution specification gives it, or that {registry} itself put into a Location or Link.",
    Withheld.UNCLEAR_FIELD: "Find out what adds header fields with control characters, letters that are not ASCII, "
    "underscores in their names, or twice.",
    Withheld.UNCLEAR_BODY: "Send what is uploaded with PATCH or PUT and as Content-Type: application/octet-stream, not "
    "as a form (curl: --data-binary with -H).",
    Withheld.UNCLEAR_CONNECTION: "Find out what the client sent before on this connection.",
    Withheld.LED_ELSEWHERE: "Nothing, unless the client was meant to reach {registry}: then address it directly.",
    Withheld.NOT_PERMITTED: "If the client is meant to do this with these credentials, allow it with regauth_allow "
    "(run: --allow): push, delete, or either with :HOST/NAMESPACE.",
    Withheld.OTHER_USER: "If that user's processes are meant to use these credentials, allow it with "
    "regauth_clients=user:NAME or uid:NUMBER (a note says which; root's daemons, such as dockerd: uid:0).",
    Withheld.UNKNOWN_USER: "Give the proxy a password (mitmproxy's proxyauth=NAME:PASSWORD, and "
    "http://NAME:PASSWORD@HOST:PORT as the client's proxy); or allow it with regauth_clients=any-user, which lets "
    "every user of this machine use these credentials.",
    Withheld.OTHER_MACHINE: "If that machine is meant to use these credentials, allow it with regauth_clients=ADDRESS.",
    Withheld.OTHER_NAME: "Address the proxy as localhost, by its address or by the name of {registry}; or allow the "
    "name that clients use with regauth_clients=name:HOST.",
    Withheld.WEB_PAGE: "Ask {registry} with a registry client. To let every page that this browser shows use these "
    "credentials: regauth_clients=browser.",
}


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match for each reason, with the first refusal that the client did not overcome itself."""
    told: set[Withheld] = set()
    for exchange in conversation.steps:
        reason = exchange.withheld
        if reason is None or reason in told or _is_overcome(conversation, exchange):
            continue
        told.add(reason)
        yield _match(conversation, exchange, reason)


def _is_overcome(conversation: Conversation, refused: Exchange) -> bool:
    if conversation.succeeded_later(refused) or is_needless(conversation, refused):
        return True
    return any(_is_own(conversation, step) for step in conversation.auth_steps_since(refused))


def _is_own(conversation: Conversation, step: Exchange) -> bool:
    """Whether the client sends its own secret, or a token that may have been issued for one; not an anonymous token."""
    if secret_of(step) is not None:
        return True
    issue = conversation.issue_of(bearer(step))
    return bearer(step) is not None and (issue is None or issue.secret is not None)


def _match(conversation: Conversation, exchange: Exchange, reason: Withheld) -> Match:
    registry, named = conversation.origin.authority, _realms(exchange)
    return Match(
        exchanges=(exchange,),
        cause=reason.value,
        fault=_FAULTS.get(reason),
        title=f"regauth withheld credentials for {registry}: {reason.value.replace('-', ' ')}",
        explanation=(
            f"{where(exchange)} ({exchange.number}) was answered {exchange.status}{named}. regauth has credentials"
            f" that may fit and did not send them, because {WITHHELD_BECAUSE[reason]}. The client got the refusal"
            " unchanged."
        ),
        client_author="Nothing: regauth was to authenticate in the client's place, and did not.",
        user=_advice(reason, exchange).format(registry=registry),
        because="regauth itself made this decision",
    )


def _realms(exchange: Exchange) -> str:
    challenges = exchange.response.challenges if exchange.response is not None else ()
    found = [str(each.realm_link.text) for each in challenges if each.realm_link is not None and each.realm_link.text]
    return f" with the realm {', '.join(found[:3])}" if found else ""


def _advice(reason: Withheld, exchange: Exchange) -> str:
    if reason is not Withheld.PLAIN_HTTP:
        return _ADVICE[reason]
    if exchange.origin.scheme == "https":
        return "Ask the operator of {registry} to put the token server behind https."
    return "Use https with {registry}; on your own network, regauth_trust=http (run: --trust http) allows this."
