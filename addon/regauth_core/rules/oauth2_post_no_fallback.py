"""The token server knows only GET, the client asked by POST and left it at that.

Fires when: a POST with `grant_type` to the realm is not taken (404, 405, 501, but also 400, 401 or 403), and no GET of
this client goes there. For 404 the specification names the GET outright; the other statuses are what such servers
answer in practice.

What to do: use a client that tries the GET form too, or let a server without OAuth2 answer such a POST with 404; a
client should try GET once before it gives up.

Silent when: a GET follows or went before; the server is known to take the POST, because it gave a token for one or its
error is one of OAuth2's own: then it refuses the credential (credentials-rejected).
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import challenge_for, continued_after, is_about, present
from regauth_core.conversation.exchanges import realm_key, succeeded
from regauth_core.conversation.refusal import states
from regauth_core.conversation.undecided import why_undecided
from regauth_core.model import Exchange
from regauth_core.model.finding import Confidence, Fault, Severity
from regauth_core.model.stated_reasons import StatedReason
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page
from regauth_core.rules.wording import numbers

RULE = Header(
    name="oauth2-post-no-fallback",
    family=Family.EXCHANGE,
    severity=Severity.ERROR,
    fault=Fault.CLIENT,
    level=Level.SHOULD,
    references=(page("oauth", "Getting a token"),),
    seen=(
        "containerd/cri#610",
        "containerd/containerd PR#4983",
        "go-gitea/gitea PR#28457",
        "microsoft/vscode-docker#2735",
        "moby/buildkit PR#3117",
    ),
    signs=signs.TOKEN,
    yields=True,
)

_NOT_TAKEN = (400, 401, 403, 404, 405, 501)
_SPEAKS_OAUTH = (
    StatedReason.INVALID_CREDENTIALS,
    StatedReason.INVALID_SCOPE,
    StatedReason.UNAUTHORIZED_CLIENT,
)


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match with every POST after which the GET is missing."""
    refused = [
        e
        for e in conversation.token_exchanges
        if e.request.method == "POST" and e.status in _NOT_TAKEN and _has_grant(e) and is_about(conversation, e)
    ]
    if not refused or _tries_get(conversation, refused[0]) or _takes_post(conversation, refused):
        return
    first = refused[0]
    host = first.origin.authority
    certain = first.status in (404, 405, 501)
    judged = "The password was not judged." if certain else "The password may be right: nothing shows that it was read."
    yield Match(
        exchanges=present(challenge_for(conversation, first), *refused),
        severity=Severity.INFO if continued_after(conversation, first) else None,
        title=f"{host} does not take POST, and the client did not try GET",
        explanation=(
            f"The client asked {host} for a token by POST and was answered {first.status} ({numbers(refused)})."
            " Many token servers know only the GET form; the client gave up without sending one."
        ),
        client_author=f"After a {first.status} to the POST ask {host} once more by GET, with Basic credentials.",
        user=(
            f"{judged} Use a client that falls back to GET; the operator of {host} can help by answering the POST with"
            " 404."
        ),
        confidence=Confidence.HIGH if certain else Confidence.MEDIUM,
        because=(
            f"{first.status} says that the server has no such endpoint"
            if certain
            else f"{first.status} may also refuse the credential, and no GET shows which it is"
        ),
        undecided=why_undecided(conversation, first),
    )


def _has_grant(exchange: Exchange) -> bool:
    return exchange.request.token is not None and exchange.request.token.grant is not None


def _tries_get(conversation: Conversation, refused: Exchange) -> bool:
    key = realm_key(refused)
    return any(
        e.request.method == "GET" and realm_key(e) == key
        for e in (*conversation.at_registry.auth_steps, *conversation.steps)
    )


def _takes_post(conversation: Conversation, refused: list[Exchange]) -> bool:
    key = realm_key(refused[0])
    accepted = (e for e in conversation.at_registry.auth_steps if e.request.method == "POST" and realm_key(e) == key)
    return any(succeeded(e) for e in accepted) or any(states(e, *_SPEAKS_OAUTH) for e in refused)
