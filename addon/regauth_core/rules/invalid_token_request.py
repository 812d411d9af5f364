"""Something in the token request is a placeholder for a value that the client did not have.

Fires when: the request is refused, or its token is refused at the registry, and a value in it cannot be meant.

Causes: placeholder-service (a `service` such as ``None``, ``null`` or nothing, where the challenge names none),
empty-scope (an empty `scope` for an operation on a repository), invalid-name (the repository's name has a leading or
doubled slash, upper case, or is empty: a variable in somebody's configuration was).

What to do: look for an empty variable in the image's name; a client should leave out a parameter for which it has no
value, and check the reference before it asks.

Silent when: the request succeeds; a login asks for no scope.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.answers import is_error, is_limited
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import challenge_for, continued_after, is_about, present, uses
from regauth_core.conversation.exchanges import asked, bearer_challenges, refuses, secret_of
from regauth_core.conversation.refusal import states
from regauth_core.model import Exchange
from regauth_core.model.finding import Confidence, Fault, Severity
from regauth_core.model.stated_reasons import StatedReason
from regauth_core.protocol.scope import entries
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page
from regauth_core.rules.wording import numbers

RULE = Header(
    name="invalid-token-request",
    family=Family.EXCHANGE,
    severity=Severity.ERROR,
    fault=Fault.CLIENT,
    level=Level.MUST,
    references=(page("token", "Query Parameters"), page("scope", "Resource Scope Grammar")),
    seen=(
        "quay/quay PR#1603",
        "apple/containerization PR#901",
        "oras-project/oras-dotnet PR#273",
        "heroku/docker-registry-client PR#28",
        "GoogleContainerTools/kaniko#702",
    ),
    signs=signs.TOKEN,
    yields=True,
)

_PLACEHOLDERS = frozenset({"none", "null", "undefined", "nil", "<nil>"})


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match for each kind of empty value that made an exchange fail."""
    found: dict[str, list[Exchange]] = {}
    for exchange in conversation.token_exchanges:
        cause = _cause(conversation, exchange)
        if cause is not None and is_about(conversation, exchange) and _is_in_vain(conversation, exchange):
            found.setdefault(cause, []).append(exchange)
    for cause, exchanges in found.items():
        yield _match(conversation, cause, exchanges)


def _cause(conversation: Conversation, exchange: Exchange) -> str | None:
    token = exchange.request.token
    if token is None:
        return None
    if any(s.resource[0] == "repository" and _is_no_name(s.path) for s in asked(exchange)):
        return None if _is_told(conversation, exchange) else "invalid-name"
    if token.service is not None and _is_placeholder(conversation, exchange, token.service):
        return "placeholder-service"
    blank = bool(token.scopes) and not asked(exchange)
    return "empty-scope" if blank and _is_for_repository(conversation, exchange) else None


def _is_told(conversation: Conversation, exchange: Exchange) -> bool:
    """Whether the challenge itself asks for that (challenge-scope-wrong)."""
    challenge = challenge_for(conversation, exchange)
    told = {str(s) for c in (bearer_challenges(challenge) if challenge is not None else ()) for s in entries(c.scopes)}
    return all(str(s) in told for s in asked(exchange))


def _is_no_name(name: str) -> bool:
    return not name or name != name.lower() or "//" in name or name.startswith("/") or name.endswith("/")


def _is_placeholder(conversation: Conversation, exchange: Exchange, service: str) -> bool:
    challenge = challenge_for(conversation, exchange)
    challenges = challenge.response.challenges if challenge and challenge.response else ()
    if any(c.parameter("service") for c in challenges):
        return False
    if service:
        return service.lower() in _PLACEHOLDERS
    # Some clients always send the parameter; an empty one explains a refused password only if the answer says so.
    return challenge is not None and (secret_of(exchange) is None or states(exchange, StatedReason.INVALID_SERVICE))


def _is_for_repository(conversation: Conversation, exchange: Exchange) -> bool:
    return conversation.repository is not None or bool(_served(conversation, exchange))


def _served(conversation: Conversation, exchange: Exchange) -> list[Exchange]:
    answer = exchange.response.token if exchange.response else None
    return [e for e in uses(conversation, answer.fingerprints) if e.target.repository] if answer else []


def _is_in_vain(conversation: Conversation, exchange: Exchange) -> bool:
    if is_error(exchange) and not is_limited(exchange):
        return True
    served = _served(conversation, exchange)
    return bool(served) and all(refuses(e) for e in served)


_TITLED = {
    "placeholder-service": "a placeholder as service",
    "empty-scope": "an empty scope",
    "invalid-name": "an invalid scope",
}


_ADVICE = {
    "placeholder-service": (
        "Use another version of the client; if you run the registry, a `service` in its challenge helps as well.",
        "Leave `service` out of the request to {host} where no challenge names one.",
    ),
    "empty-scope": (
        "No setting of {host} is at fault; use another version of the client.",
        "Take the scope from the challenge, or from the path that was refused, before asking {host} for a token.",
    ),
    "invalid-name": (
        "A variable in the image's name seems to be empty, and another name or registry was asked: check it.",
        "Check the name of the repository in the reference before asking {host} anything.",
    ),
}
"""What the user and the client's author can do, by cause."""


def _match(conversation: Conversation, cause: str, exchanges: list[Exchange]) -> Match:
    first = exchanges[0]
    served = _served(conversation, first)
    token = first.request.token
    value = {
        "placeholder-service": f"service={(token.service if token else None) or ''}",
        "empty-scope": "an empty scope",
        "invalid-name": " ".join(str(s) for s in asked(first)),
    }[cause]
    empty = cause == "placeholder-service" and not (token and token.service)
    user, author = (text.format(host=first.origin.authority) for text in _ADVICE[cause])
    return Match(
        exchanges=present(challenge_for(conversation, first), *exchanges, *served),
        severity=Severity.INFO if continued_after(conversation, first) else None,
        fault=Fault.CONFIGURATION if cause == "invalid-name" else None,
        cause=cause,
        title=(
            f"the token request to {first.origin.authority} has {_TITLED[cause] if not empty else 'an empty service'}"
        ),
        explanation=(
            f"The request ({numbers(exchanges)}) carries {value}, which names nothing that exists. It was answered"
            f" {first.status}{', and the registry refused its token' if served else ''}."
        ),
        client_author=author,
        user=user,
        confidence=Confidence.MEDIUM if empty or served else Confidence.HIGH,
        because=(
            "the value is empty and the request failed, but the answer does not say why"
            if empty
            else "the token was given and refused later"
            if served
            else "the value cannot be meant, and the request was refused"
        ),
    )
