"""The answer at `/v2/` is not a registry's, which misled or stopped the client.

Fires when: the last answer to the ping is neither 200 nor 401 and the client then requested no repository, at most
`/v1/`; or the ping was redirected, and the client did not answer the challenge there; or it was redirected to a URL
without a challenge, and the client then did not answer a repository's challenge.

Causes: redirected (a proxy is at fault).

What to do: check host, port and path, and that every proxy in front of the registry forwards `/v2/` unchanged; a client
should print the URL and the status.

Silent when: the client gets its repositories, or what it wants from `/v1/`; the redirect leads from http to https on
one host; a failed TLS handshake came before; the ping is rate limited, asks for a proxy's login, or refuses a
credential.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.answers import asks_for_login, is_bad_request, is_denied, is_server_error, leads_on
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import present
from regauth_core.conversation.exchanges import is_anonymous, link_address, realm_key, succeeded, usable_challenges
from regauth_core.conversation.recovery import is_unanswered
from regauth_core.conversation.undecided import why_undecided_afterwards
from regauth_core.model import Endpoint, Exchange
from regauth_core.model.finding import Fault, Severity
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page
from regauth_core.rules.wording import numbers

RULE = Header(
    name="ping-unexpected-status",
    family=Family.REGISTRY,
    severity=Severity.ERROR,
    fault=Fault.CONFIGURATION,
    level=Level.SHOULD,
    references=(page("api", "API Version Check"),),
    seen=(
        "containers/skopeo#1253",
        "GoogleContainerTools/kaniko#2416",
        "docker-archive/docker-registry#1017",
        "artifact-keeper/artifact-keeper PR#326",
    ),
    signs=signs.PAGE | signs.REFUSED,
    yields=True,
)

_ROOT = frozenset({200, 401})
_OF_OTHER_RULES = frozenset({407, 413, 414, 429, 431, 511})


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match where the ping's answer stopped or misled the client."""
    pings = [p for p in conversation.pings if p.response is not None]
    if conversation.repository is None:
        yield from _at_the_root(conversation, pings)
    else:
        yield from _led_astray(conversation, pings)


def _at_the_root(conversation: Conversation, pings: list[Exchange]) -> Iterable[Match]:
    odd = [p for p in pings if p.status not in _ROOT]
    if not odd or odd[-1].status in _OF_OTHER_RULES:
        return
    ping = odd[-1]
    followed = _followed(conversation, ping) if _redirects(ping) else []
    if any(p.started > ping.started and p not in followed for p in pings):
        return
    last = conversation.at_registry.last_repository_request
    continued = last is not None and last.started > ping.started
    continued = continued or any(succeeded(a) for a in conversation.auth_steps_since(ping))
    continued = continued or any(succeeded(e) and e.target.endpoint is Endpoint.V1 for e in conversation.steps)
    if continued or ((is_bad_request(ping) or is_denied(ping)) and not is_anonymous(ping)):
        return
    if _is_harmless(conversation, ping, followed):
        return
    yield _match(conversation, [ping, *followed], ping)


def _is_harmless(conversation: Conversation, ping: Exchange, followed: list[Exchange]) -> bool:
    """Whether the redirected ping reached a registry's root anyway, and its challenge was answered."""
    if leads_on(ping) and not _redirects(ping):
        return True
    return any(e.status == 200 and e.target.endpoint is Endpoint.PING for e in followed) or any(
        asks_for_login(e) and conversation.responded_to(e) for e in followed
    )


def _led_astray(conversation: Conversation, pings: list[Exchange]) -> Iterable[Match]:
    """The ping was redirected, got no challenge there, and the repository's own challenge stays unanswered."""
    ignored = [e for e in conversation.refused() if is_anonymous(e) and is_unanswered(conversation, e)]
    ping = next((p for p in pings if ignored and p.started < ignored[0].started and _redirects(p)), None)
    if ping is None or any(asks_for_login(p) for p in pings if ping.started < p.started < ignored[0].started):
        return
    followed = [e for e in _followed(conversation, ping) if e.started < ignored[0].started]
    if not any(usable_challenges(e) for e in followed):
        yield _match(conversation, [ping, *followed, *ignored], ping)


def _redirects(ping: Exchange) -> bool:
    """Whether the answer sends the client elsewhere than just from http to https."""
    link = ping.response.location if ping.response else None
    if not leads_on(ping) or link is None or link.origin is None:
        return False
    return not (link.origin.host == ping.origin.host and (ping.origin.scheme, link.origin.scheme) == ("http", "https"))


def _followed(conversation: Conversation, ping: Exchange) -> list[Exchange]:
    link = ping.response.location if ping.response else None
    if link is None:
        return []
    there = link_address(link)
    return [e for e in conversation.context if e.started > ping.started and realm_key(e) == there]


def _user(ping: Exchange, to: str | None) -> str:
    """What to look at; `to` is where the ping was redirected."""
    if to is not None:
        return (
            f"See what redirects /v2/ of {ping.origin.authority} to {to}, and have it forward /v2/ and everything below"
            " it to the registry, slashes unchanged; or use the registry's own host in the reference."
        )
    if is_server_error(ping) or ping.status in (408, 425):
        return (
            f"Try again later; if it stays, look at the log of {ping.origin.authority} and of the proxies in front of"
            " it. It is not about the login."
        )
    if is_denied(ping):
        return (
            f"{ping.origin.host} refuses without asking for a login: look at rules about addresses, networks and paths"
            " in front of it."
        )
    return (
        f"Check host, port and path of {ping.origin}, and forward /v2/ and everything below it to the registry, slashes"
        " unchanged."
    )


def _match(conversation: Conversation, shown: list[Exchange], ping: Exchange) -> Match:
    redirected = _redirects(ping)
    to = ping.response.location.text.partition("?")[0] if ping.response and ping.response.location else ""
    what = f"redirected to {to}" if redirected else f"answered {ping.status}"
    end = (
        "The answer there had no challenge, and what the client requested next was refused"
        if conversation.repository is not None
        else "The client requested no repository afterwards"
    )
    return Match(
        exchanges=present(*shown),
        fault=Fault.PROXY if redirected else None,
        cause="redirected" if redirected else None,
        title=f"{ping.request.url} does not answer like a registry",
        explanation=(
            f"GET {ping.request.url} ({ping.number}) was {what}; a registry answers 200, or 401 with a challenge."
            f" {end} ({numbers(shown)})."
        ),
        client_author=(
            f"Print {ping.request.url} and the status {ping.status}; never conclude from a redirected or failed ping"
            " that the registry does not require authentication."
        ),
        user=_user(ping, to if redirected else None),
        because="the ping, its answer and what the client did next are in the capture",
        undecided=why_undecided_afterwards(conversation, ping),
    )
