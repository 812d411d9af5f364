"""Who may do what with a repository, as far as a capture shows it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from regauth_core.model import Endpoint, Exchange, Fingerprint
from regauth_core.simulate.grammar import NAME_GRAMMAR, TAG_GRAMMAR
from regauth_core.simulate.policy import Action, Repository, Rights
from regauth_core.simulate.reproduction.logins import Logins

MAX_REPOSITORIES = 200
MAX_NAMES = 50
"""Tags and digests of one repository."""
_NAME = re.compile(NAME_GRAMMAR)
_TAG = re.compile(TAG_GRAMMAR)
_DIGEST = re.compile("[A-Za-z0-9+._-]{1,32}:[0-9A-Za-z]{1,128}")
_ACTIONS = {action.value: action for action in Action}
_CONTENT = (Endpoint.MANIFEST, Endpoint.BLOB)


@dataclass(slots=True)
class _Seen:
    allowed: dict[str | None, set[Action]] = field(default_factory=dict)
    refused: dict[str | None, set[Action]] = field(default_factory=dict)
    tags: dict[str, bool] = field(default_factory=dict)
    """Whether it was there when it was first asked for."""
    digests: dict[str, bool] = field(default_factory=dict)
    asked_for: list[str] = field(default_factory=list)
    """Tags that nobody was let through to."""

    def note(self, user: str | None, actions: Iterable[Action], *, allowed: bool) -> None:
        (self.allowed if allowed else self.refused).setdefault(user, set()).update(actions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The repositories of a capture, and what was assumed about them."""

    repositories: tuple[Repository, ...]
    assumed: tuple[str, ...]


def repositories_of(exchanges: Sequence[Exchange], logins: Logins, owners: Mapping[Fingerprint, str | None]) -> Found:
    """The repositories that `exchanges` with registry and token server are about. `owners`: whose each token is."""
    seen: dict[str, _Seen] = {}
    for exchange in exchanges:
        name = exchange.target.repository
        if name is None or not _NAME.fullmatch(name) or (name not in seen and len(seen) >= MAX_REPOSITORIES):
            continue
        _note(seen.setdefault(name, _Seen()), exchange, logins, owners)
    _note_grants(exchanges, owners, seen)
    _note_sources(exchanges, seen)
    for asked_for in _asked_for(exchanges):
        if len(seen) < MAX_REPOSITORIES:
            seen.setdefault(asked_for, _Seen())
    assumed: list[str] = []
    repositories = tuple(_repository(name, held, logins, assumed) for name, held in seen.items())
    return Found(repositories=repositories, assumed=tuple(assumed))


def action_of(exchange: Exchange) -> tuple[Action, ...]:
    """What a request does with its repository."""
    method, endpoint = exchange.request.method, exchange.target.endpoint
    if endpoint not in (Endpoint.UPLOAD, Endpoint.UPLOAD_START):
        if method in ("GET", "HEAD"):
            return (Action.PULL,)
        if method == "DELETE":
            return (Action.DELETE,)
    return (Action.PULL, Action.PUSH)


def identity(exchange: Exchange, logins: Logins, owners: Mapping[Fingerprint, str | None]) -> tuple[bool, str | None]:
    """Whether what the request carries is good for anything, and for whom (`None`: nobody in particular)."""
    if not exchange.request.credentials:
        return True, None
    credential = exchange.request.credentials[0]
    if credential.scheme == "basic":
        user = logins.user(credential.fingerprint)
        return user is not None, user.name if user else None
    owner = logins.by_token.get(credential.fingerprint)
    if owner is not None:
        return True, owner.name
    return credential.fingerprint in owners, owners.get(credential.fingerprint)


def _note(held: _Seen, exchange: Exchange, logins: Logins, owners: Mapping[Fingerprint, str | None]) -> None:
    valid, user = identity(exchange, logins, owners)
    status, actions = exchange.status, action_of(exchange)
    reached = 200 <= status < 400 or status in (404, 405, 416) or (status == 400 and not exchange.target.proper)
    if valid and status:
        if reached:
            held.note(user, actions, allowed=True)
        elif status in (401, 403):
            held.note(user, actions, allowed=False)
    reference, endpoint = exchange.target.reference, exchange.target.endpoint
    if endpoint not in _CONTENT or reference is None:
        return
    writes = exchange.request.method not in ("GET", "HEAD")
    names = held.digests if exchange.target.is_digest or endpoint is Endpoint.BLOB else held.tags
    if 200 <= status < 400 and len(names) < MAX_NAMES:
        names.setdefault(reference, not writes)
    elif status == 404:
        names.setdefault(reference, False)
    elif names is held.tags and not writes:
        held.asked_for.append(reference)


def _note_grants(
    exchanges: Sequence[Exchange], owners: Mapping[Fingerprint, str | None], seen: dict[str, _Seen]
) -> None:
    """What tokens say of the rights of those for whom they were issued."""
    for exchange in exchanges:
        token = exchange.response.token if exchange.response else None
        asked = exchange.request.token
        if token is None or token.claims is None or token.claims.access is None or asked is None:
            continue
        owner = owners.get(next(iter(token.fingerprints), Fingerprint("")))
        granted = {(a.name, action) for a in token.claims.access for action in a.actions if a.kind == "repository"}
        wanted = {
            (name, action)
            for scope in asked.scopes
            for entry in scope.split()
            for kind, _, rest in [entry.partition(":")]
            for name, _, actions in [rest.rpartition(":")]
            for action in actions.split(",")
            if kind == "repository"
        }
        for name, action in sorted(granted | wanted):
            if action in _ACTIONS and _NAME.fullmatch(name) and (name in seen or len(seen) < MAX_REPOSITORIES):
                held = seen.setdefault(name, _Seen())
                held.note(owner, [_ACTIONS[action]], allowed=(name, action) in granted)


def _asked_for(exchanges: Sequence[Exchange]) -> Iterator[str]:
    """Repositories for which tokens were asked; a client that got none may have gone no further."""
    for exchange in exchanges:
        asked = exchange.request.token
        for entry in " ".join(asked.scopes).split() if asked is not None else ():
            kind, _, rest = entry.partition(":")
            name = rest.rpartition(":")[0]
            if kind == "repository" and _NAME.fullmatch(name):
                yield name


def _note_sources(exchanges: Sequence[Exchange], seen: dict[str, _Seen]) -> None:
    """Repositories that are only the source of a mount."""
    for exchange in exchanges:
        source = exchange.target.mount_from
        if source is None or not _NAME.fullmatch(source) or len(seen) >= MAX_REPOSITORIES:
            continue
        held = seen.setdefault(source, _Seen())
        if exchange.status == 201 and exchange.target.mount and _DIGEST.fullmatch(exchange.target.mount):
            held.digests.setdefault(exchange.target.mount, True)


def _repository(name: str, held: _Seen, logins: Logins, assumed: list[str]) -> Repository:
    anonymous = _sorted(held.allowed.get(None, set()) - held.refused.get(None, set()))
    users: list[Rights] = []
    for user in logins.users:
        allowed = held.allowed.get(user.name, set())
        refused = held.refused.get(user.name, set()) - allowed
        if user is logins.users[0]:
            tried = set().union(*held.allowed.values(), *held.refused.values())
            guessed = {Action.PULL, *tried} - allowed - refused - set(anonymous)
            if guessed and not (refused and not allowed):
                allowed = allowed | guessed
                words = " and ".join(_sorted(guessed))
                assumed.append(f"{user.name} may {words} {name}: nobody who may was seen")
        rights = _sorted(allowed - set(anonymous))
        if rights:
            users.append(Rights(name=user.name, actions=rights))
    tags = [tag for tag, there in held.tags.items() if there and _TAG.fullmatch(tag)]
    if not tags:
        tags = [tag for tag in dict.fromkeys(held.asked_for) if tag not in held.tags and _TAG.fullmatch(tag)][
            :MAX_NAMES
        ]
        if not tags and not held.tags:
            tags = ["latest"]
        if tags:
            assumed.append(f"{name} holds {', '.join(tags[:3])}: nobody got to see what it holds")
    digests = tuple(digest for digest, there in held.digests.items() if there and _DIGEST.fullmatch(digest))
    return Repository(name=name, anonymous=anonymous, users=tuple(users), images=tuple(tags), digests=digests)


def _sorted(actions: Iterable[Action]) -> tuple[Action, ...]:
    held = set(actions)
    return tuple(action for action in Action if action in held)
