"""The client requested an unneeded scope, and the token server refused the whole request.

Fires when: a token request that is refused names, beside what the refused request needs or its challenge asks for, a
repository that no request and no mount of the client at this registry is about; or the registry's catalog, which
nothing asks for; or the example that the challenge of the ping gives. It is certain where the same credential gets a
token without that scope.

Causes: upstream-repository (the name without the mirror's prefix), scope-of-the-ping, otherwise none.

What to do: use a version of the client that requests only what the challenge names; a mirror can serve the names
without a prefix.

Silent when: the scopes are a mount's source, or of repositories that the client works on; the request is granted; the
operation continues without it.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.answers import is_not_taken
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import challenge_for, continued_after, is_about, present
from regauth_core.conversation.exchanges import asked, bearer_challenges, realm_key, secret_of, succeeded
from regauth_core.conversation.undecided import why_undecided
from regauth_core.model import Endpoint, Exchange
from regauth_core.model.finding import Confidence, Fault, Severity
from regauth_core.protocol.registries import repository_of
from regauth_core.protocol.scope import Scope, entries
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page
from regauth_core.rules.wording import asked_text, numbers

RULE = Header(
    name="unasked-scope-refused",
    family=Family.SCOPE,
    severity=Severity.ERROR,
    fault=Fault.CLIENT,
    level=Level.MUST,
    references=(page("token", "Requesting a Token"), page("scope", "Resource Provider Use")),
    seen=("containerd/containerd#9648", "containerd/containerd#8415", "helm/helm#12449"),
    signs=signs.TOKEN,
    yields=True,
)


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match with every refused request for an unneeded scope."""
    found = [(e, extra) for e in conversation.token_exchanges if (extra := _extra(conversation, e))]
    if found and not continued_after(conversation, found[0][0]):
        yield _match(conversation, [e for e, _ in found], found[0][1])


def _extra(conversation: Conversation, exchange: Exchange) -> tuple[Scope, ...]:
    """The scopes of a refused token request that nothing at this registry is about."""
    refused = is_not_taken(exchange) or exchange.status == 500
    scopes = asked(exchange)
    if not refused or len(scopes) < 2 or not is_about(conversation, exchange):
        return ()
    extra = tuple(s for s in scopes if not _is_own(conversation, s))
    return extra if len(extra) < len(scopes) else ()


def _is_own(conversation: Conversation, scope: Scope) -> bool:
    """Whether the client requests a repository from this registry, mounts from it, or was challenged for it."""
    if scope.resource[0] == "registry":
        # The catalog and the like: only a request for it, or a challenge, is a reason to ask for that.
        return _is_for_registry(conversation, scope)
    if scope.resource[0] != "repository":
        return True
    at_registry = conversation.at_registry
    name = repository_of(conversation.registry, scope.path)
    if name is None or name in at_registry.asked:
        return True
    # The ping is about no repository: what its challenge names is an example.
    return at_registry.named.get(name, Endpoint.PING) is not Endpoint.PING


def _is_for_registry(conversation: Conversation, scope: Scope) -> bool:
    root = conversation.at_registry.conversations.get(None)
    near = [*conversation.context, *(root.requests if root is not None else ())]
    challenged = entries(text for e in near for c in bearer_challenges(e) for text in c.scopes)
    return any(s.resource == scope.resource for s in challenged) or any(
        e.target.endpoint is Endpoint.CATALOG for e in near
    )


def _match(conversation: Conversation, refused: list[Exchange], extra: tuple[Scope, ...]) -> Match:
    first = refused[0]

    names = " ".join(map(str, extra))
    without = _without(conversation, first, extra)
    cause = _cause(conversation, extra)
    proof = f" Without it the server issued a token ({without.number})." if without is not None else ""
    return Match(
        exchanges=present(challenge_for(conversation, first), without, *refused),
        cause=cause,
        title=f"the client requested an unneeded scope: {names}",
        explanation=(
            f"The token request for {asked_text(first)} was answered {first.status} ({numbers(refused)}). No request"
            f" and no challenge for a repository of {conversation.registry} is about {names}.{proof}"
        ),
        client_author=f"Request the scope of the challenge, and not {names}.",
        user=f"Use another version of the client, one that does not request {names}.",
        confidence=Confidence.HIGH if without is not None else Confidence.MEDIUM,
        because=(
            "without that scope the same server issues a token"
            if without is not None
            else "that the scope is not needed is in the capture; that it is why the server refuses is likely"
        ),
        undecided=why_undecided(conversation, first),
    )


def _without(conversation: Conversation, refused: Exchange, extra: tuple[Scope, ...]) -> Exchange | None:
    """A granted request of the same kind without the scopes in question."""
    rest = {s for s in asked(refused) if s not in extra}
    return next(
        (
            a
            for a in conversation.at_registry.auth_steps
            if succeeded(a)
            and realm_key(a) == realm_key(refused)
            and secret_of(a) == secret_of(refused)
            and conversation.is_token_exchange(a)
            and asked(a)
            and set(asked(a)) <= rest
        ),
        None,
    )


def _cause(conversation: Conversation, extra: tuple[Scope, ...]) -> str | None:
    pings = entries(text for p in conversation.pings for c in bearer_challenges(p) for text in c.scopes)
    if any(s.resource in {p.resource for p in pings} for s in extra):
        return "scope-of-the-ping"
    known = conversation.at_registry.asked
    return "upstream-repository" if any(k.endswith(f"/{s.path}") for s in extra for k in known) else None
