"""The client or the registry uses the old v1 protocol.

Fires when: the client requests ``/v1/`` after ``/v2/`` on that host gave 401 or 404; or v1's scheme `Token` or header
`X-Docker-Token` is used. Warning where a v2 path gets `Token`, or where the 401 lacked
`Docker-Distribution-Api-Version`, which made the client try ``/v1/``.

Causes: version-header-missing (then a proxy removed the header), otherwise none.

What to do: update the client, or have the proxy add the version header; a client should no longer use the old protocol.

Silent when: that header is missing and it has no effect.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.answers import asks_for_login, is_error, is_missing
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import continued_after, present
from regauth_core.model import Endpoint, Exchange
from regauth_core.model.finding import Fault, Severity
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page
from regauth_core.rules.wording import numbers, where

RULE = Header(
    name="legacy-v1-fallback",
    family=Family.PROXY,
    severity=Severity.INFO,
    fault=Fault.CLIENT,
    level=Level.INFO,
    references=(page("api", "API Version Check"),),
    seen=("moby/moby PR#14046", "distribution/distribution#2660", "moby/moby#17169"),
    signs=signs.LEGACY,
)


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match for the old scheme, and one for the fallback to /v1/."""
    old = [e for e in conversation.steps if _has_token_scheme(e)]
    if old:
        on_v2 = [e for e in old if e.target.endpoint not in (Endpoint.V1, Endpoint.ELSEWHERE)]
        yield _old_scheme(conversation, on_v2 or old, is_v2=bool(on_v2))
    legacy = [e for e in conversation.steps if e.target.endpoint is Endpoint.V1 and e not in old]
    before = _sent_there(conversation, legacy[0]) if legacy else None
    if before is not None:
        yield _fallback(conversation, before, legacy)


def _has_token_scheme(exchange: Exchange) -> bool:
    if any(c.scheme == "token" for c in exchange.request.credentials):
        return True
    return exchange.target.endpoint is Endpoint.V1 and exchange.request.header("x-docker-token") is not None


def _sent_there(conversation: Conversation, legacy: Exchange) -> Exchange | None:
    """The answer of /v2/ after which the client went to /v1/."""
    refused = [
        e
        for e in conversation.context
        if asks_for_login(e)
        or is_missing(e)
        and e.target.endpoint is Endpoint.PING
        and e.started <= legacy.started
        and e.origin.host == legacy.origin.host
    ]
    return refused[-1] if refused else None


def _old_scheme(conversation: Conversation, old: list[Exchange], *, is_v2: bool) -> Match:
    first = old[0]
    heavy = is_v2 and not continued_after(conversation, old[-1])
    return Match(
        exchanges=tuple(old),
        severity=Severity.WARNING if heavy else None,
        title=f"the client uses v1 authentication with {first.origin.authority}",
        explanation=(
            f"{where(first)} ({numbers(old)}) carried a token in the form of the v1 protocol"
            f"{', on a v2 path, where no registry reads it' if is_v2 else ''}; the answer was {first.status}."
        ),
        client_author="Drop the v1 protocol: on /v2/ paths only Basic and Bearer are understood.",
        user=f"Update the client that contacts {first.origin.authority}.",
        rests_on_absence=heavy,
    )


def _fallback(conversation: Conversation, before: Exchange, legacy: list[Exchange]) -> Match:
    response = before.response
    unmarked = asks_for_login(before) and response is not None
    unmarked = unmarked and response is not None and response.header("docker-distribution-api-version") is None
    failed = not continued_after(conversation, legacy[-1]) and all(is_error(e) or not e.status for e in legacy)
    heavy = unmarked and failed
    host = before.origin.authority
    return Match(
        exchanges=present(before, *legacy),
        severity=Severity.WARNING if heavy else None,
        fault=Fault.PROXY if unmarked else None,
        cause="version-header-missing" if unmarked else None,
        title=f"the client fell back to the v1 protocol at {host}",
        explanation=(
            f"/v2/ was answered {before.status} ({before.number})"
            f"{' without the header that marks a v2 registry' if unmarked else ''}, and the client requested"
            f" {where(legacy[0])} next ({numbers(legacy)})."
        ),
        client_author=(
            "Drop v1: a 401 of /v2/ is a challenge to be answered, whatever headers it lacks."
            if unmarked
            else f"Drop v1: report that /v2/ of {host} was answered {before.status}, and stop there."
            if is_missing(before)
            else "Drop v1: a 401 of a v2 registry is a challenge to be answered."
        ),
        user=(
            f"Have the proxy in front of {host} send the header Docker-Distribution-Api-Version (registry/2.0), or"
            " update the client."
            if unmarked
            else f"Check the name and the port of {host}, and that the proxy in front of it forwards /v2/."
            if is_missing(before)
            else "Update the client; nothing has to be changed at the registry for this."
        ),
    )
