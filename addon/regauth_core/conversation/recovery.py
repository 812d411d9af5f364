"""What became of a refused request: whether the client could do without it, whether anything was done about it.

Everything here is a pure question; nothing changes what it is asked about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import asked_other_registry
from regauth_core.conversation.exchanges import (
    IssuedToken,
    bearer,
    bearer_challenges,
    challenge_realm,
    error_of,
    is_same_request,
    realm_key,
    refuses,
    secret_of,
    usable_challenges,
)
from regauth_core.model import Endpoint, Exchange, FailureKind
from regauth_core.protocol.registries import registry_of, repository_of
from regauth_core.protocol.scope import Scope, covered, entries, needed

_SOON = 30.0
"""Seconds within which a ping belongs to the refused request before it."""
_TRIED = 60.0
"""Seconds for which a client may keep in mind that its login was refused."""


def is_sound(exchange: Exchange) -> bool:
    """A 2xx or 3xx answer that may be a registry's: no page, and no redirect to a login."""
    return 200 <= exchange.status < 400 and exchange.response is not None and not exchange.response.is_html


def is_foreign(conversation: Conversation, exchange: Exchange) -> bool:
    """Whether the answer is another host's, to which a redirect or a manifest had sent the client."""
    return registry_of(exchange.origin) != conversation.registry


def is_probe(exchange: Exchange) -> bool:
    """Whether the request only looks whether something is there that need not be: referrers, a signature, a mount."""
    target = exchange.target
    if target.endpoint is Endpoint.REFERRERS or target.mount is not None:
        return True
    is_tag = target.endpoint is Endpoint.MANIFEST and not target.is_digest
    return is_tag and (target.reference or "").startswith(("sha256-", "sha512-"))


def is_needless(conversation: Conversation, refused: Exchange) -> bool:
    """Whether the client could do without the refused request: a mirror's, or a probe's while the operation went on."""
    if asked_other_registry(conversation, refused):
        return True
    return is_probe(refused) and conversation.was_served_after(refused)


def tried_in_vain(conversation: Conversation, refused: Exchange) -> Exchange | None:
    """Where the client had just answered such a challenge and got nothing for it, so that it need not try again."""
    before = [s for s in conversation.at_registry.auth_steps if s.finished <= refused.started]
    realms = {challenge_realm(c) for c in bearer_challenges(refused)}
    offered = {c.kind for c in usable_challenges(refused)}
    for step in reversed(before):
        if refused.started - step.finished > _TRIED:
            return None
        if conversation.is_token_exchange(step):
            if realm_key(step) in realms:
                return step if _is_failed(step) and secret_of(step) is not None else None
        elif any(c.scheme in offered for c in step.request.credentials):
            is_alike = step.status == 401 or step.target.repository == refused.target.repository
            return step if refuses(step) and is_alike else None
    return None


def _is_failed(exchange: Exchange) -> bool:
    failure = exchange.failure
    return exchange.status >= 400 or (failure is not None and failure.kind is not FailureKind.NOT_RECORDED)


def is_unanswered(conversation: Conversation, refused: Exchange) -> bool:
    """Whether a 401 with a usable challenge got no answer of any kind, and the client needed one."""
    if (
        not usable_challenges(refused)
        or refused.target.endpoint is Endpoint.UPLOAD
        or is_foreign(conversation, refused)
    ):
        return False
    if conversation.succeeded_later(refused) or conversation.responded_to(refused):
        return False
    if tried_in_vain(conversation, refused) is not None:
        return False
    return not is_needless(conversation, refused)


def is_final(conversation: Conversation, refused: Exchange) -> bool:
    """Whether a refusal ended what the client wanted: never a good answer to it, and nothing made it needless."""
    if is_foreign(conversation, refused) or conversation.succeeded_later(refused):
        return False
    return not is_needless(conversation, refused)


def is_told_by_repositories(conversation: Conversation, refused: list[Exchange]) -> bool:
    """Whether only the ping was refused and what came of it shows in the client's requests for repositories."""
    last = conversation.at_registry.last_repository_request
    if last is None or not all(e.target.endpoint is Endpoint.PING for e in refused):
        return False
    ping = refused[0]
    return last.started >= ping.started or (last.status in (401, 403) and ping.started - last.finished < _SOON)


def refused_alike(conversation: Conversation, fits: Callable[[Exchange], bool], *statuses: int) -> list[Exchange]:
    """The refusals (401 unless named) that `fits`, with the ping in front if it fits as well.

    Empty where only the ping fits and the client's requests for repositories tell the rest.
    """
    found = [e for e in conversation.refused(*statuses) if fits(e)]
    if not found or is_told_by_repositories(conversation, found):
        return []
    ping = conversation.ping_before(found[0])
    own = {e.number for e in found}
    alike = ping is not None and ping.number not in own and ping.status in (statuses or (401,)) and fits(ping)
    return [ping, *found] if ping is not None and alike else found


def is_challenged_elsewhere(conversation: Conversation, refused: Exchange) -> bool:
    """Whether another 401 to the same request carried a challenge."""
    return any(
        e.status == 401
        and e.response is not None
        and e.response.challenges
        and e is not refused
        and is_same_request(e, refused)
        for e in conversation.context
    )


def demanded(refused: Exchange) -> tuple[Scope, ...]:
    """What a refusal says is missing: its challenge's scope, else its errors' details, else what such a request needs.

    The last only where the challenge says ``insufficient_scope``; empty where nothing says anything.
    """
    scopes = entries(text for c in bearer_challenges(refused) for text in c.scopes)
    errors = refused.response.errors if refused.response else ()
    told = entries(f"{a.kind or 'repository'}:{a.name}:{','.join(a.actions)}" for e in errors for a in e.needs)
    if scopes or told:
        return (*scopes, *told)
    return needed(refused.request.method, refused.target) if error_of(refused) == "insufficient_scope" else ()


def names_of(conversation: Conversation, scope: Scope) -> tuple[str, str]:
    """A scope's resource by its one name at this registry, so that spellings of it compare equal."""
    kind = scope.resource[0]
    return kind, (repository_of(conversation.registry, scope.path) or "") if kind == "repository" else scope.name


def at_home(conversation: Conversation, scopes: Iterable[Scope]) -> tuple[Scope, ...]:
    """The scopes with each repository by its one name at this registry, so that they can be compared."""
    found = []
    for scope in scopes:
        kind, name = names_of(conversation, scope)
        is_same_request = scope.opaque or (kind, name) == (scope.kind, scope.name)
        found.append(scope if is_same_request else Scope(str(scope), kind, name, scope.actions))
    return tuple(found)


def issue_behind(conversation: Conversation, exchange: Exchange) -> IssuedToken | None:
    """Where the Bearer token of a request comes from, if the trace shows it."""
    return conversation.issue_of(bearer(exchange))


def lost_on_the_way(conversation: Conversation, refused: Exchange, issue: IssuedToken) -> tuple[Scope, ...]:
    """What a refused request needs, was asked for with its token, and is not in the token.

    Where the token cannot be read, a challenge that says ``insufficient_scope`` stands for it. Empty where nothing is
    lost, where the answer gives another reason, and for a mount, which may be refused at any time.
    """
    if error_of(refused) == "invalid_token" or refused.target.mount is not None:
        return ()
    need = at_home(conversation, needed(refused.request.method, refused.target) or demanded(refused))
    granted, asked = issue.granted, at_home(conversation, issue.asked)
    if granted is None:
        if error_of(refused) != "insufficient_scope":
            return ()
        return need if need and covered(need, asked) else ()
    granted = at_home(conversation, granted)
    return tuple(s for s in need if covered([s], asked) and not covered([s], granted))
