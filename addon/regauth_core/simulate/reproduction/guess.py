"""The policy that a capture suggests, before it is tried."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args, get_type_hints

from regauth_core.model import Endpoint, Exchange, Fingerprint
from regauth_core.simulate.message import Asked
from regauth_core.simulate.policy import (
    Action,
    AnswerHeader,
    Blobs,
    Challenging,
    Client,
    Denial,
    Ping,
    RegistryPolicy,
    Repository,
    Scenario,
    Spread,
    TokenPolicy,
    Uploads,
)
from regauth_core.simulate.reproduction.challenging import Lines, commonest, policy_of, templates
from regauth_core.simulate.reproduction.logins import WRONG, Logins, logins_of
from regauth_core.simulate.reproduction.requests import RecordedClient
from regauth_core.simulate.reproduction.rights import action_of, identity, repositories_of
from regauth_core.simulate.reproduction.surroundings import Surroundings, is_host, issued_in, named
from regauth_core.simulate.reproduction.tokens import dates_of, owners_of, token_policy

_PING = frozenset(get_args(get_type_hints(Ping)["anonymous"]))
_CONSTANT = ("Server", "Via")
_VERSION = "docker-distribution-api-version"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """A scenario, whose secrets stand for which of the capture, and what was assumed."""

    scenario: Scenario
    logins: Logins
    assumed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Evidence:
    """A capture, sorted."""

    places: Surroundings
    logins: Logins
    owners: Mapping[Fingerprint, str | None]
    registry: tuple[Exchange, ...]
    """Answered by the registry."""
    tokens: tuple[Exchange, ...]
    asked: Mapping[int, Asked]
    """The requests as they would be sent now, by number."""

    def standing(self, exchange: Exchange) -> str:
        """The name of a field of `Ping`."""
        if not exchange.request.credentials:
            return "anonymous"
        return "valid" if identity(exchange, self.logins, self.owners)[0] else "invalid"


def guess(exchanges: Sequence[Exchange], places: Surroundings, *, name: str) -> Guess:
    """The scenario called `name` that `exchanges` suggest."""
    logins = logins_of(exchanges, issued_in(exchanges))
    client = RecordedClient(logins)
    seen = _Evidence(
        places=places,
        logins=logins,
        owners=owners_of(exchanges, logins),
        registry=tuple(e for e in exchanges if places.is_registry(e) and e.response is not None),
        tokens=tuple(e for e in exchanges if places.is_token(e)),
        asked={e.number: client.asked(e) for e in exchanges},
    )
    found = repositories_of([*seen.registry, *seen.tokens], logins, seen.owners)
    required = _needs_token(seen, found.repositories)
    token = token_policy(seen.tokens, places, logins, dates_of(seen.registry), required=required)
    policy, assumed = _registry(seen, found.repositories, token)
    scenario = Scenario(
        schema="regauth.scenario/1",
        id=name,
        title=f"{places.registry.host} as it was captured",
        elsewhere="refused",
        users=logins.users,
        registry=policy,
        token=token,
        client=_client(seen, found.repositories),
        unreachable=places.unreachable,
    )
    return Guess(scenario=scenario, logins=logins, assumed=(*found.assumed, *assumed))


def _client(seen: _Evidence, repositories: Sequence[Repository]) -> Client | None:
    """What the client of the capture did, and as whom."""
    if not repositories:
        return None
    about = [e for e in seen.registry if e.target.repository == repositories[0].name]
    pushes = any(Action.PUSH in action_of(e) for e in about)
    lists = about and all(e.target.endpoint is Endpoint.TAGS for e in about)
    user, password = seen.logins.shown or (None, None)
    return Client(
        action="push" if pushes else "tags" if lists else "pull",
        repository=repositories[0].name,
        user=user,
        password=password if password == WRONG else None,
    )


def _needs_token(seen: _Evidence, repositories: Sequence[Repository]) -> bool:
    """Whether what a token of nobody opens is refused without one."""
    opened = {e.target.repository for e in seen.registry if e.request.credentials and e.status < 400}
    opened &= {repository.name for repository in repositories if repository.anonymous or not repository.users}
    nobodys = {fingerprint for fingerprint, owner in seen.owners.items() if owner is None}
    by_nobody = any(
        credential.fingerprint in nobodys and e.status < 400
        for e in seen.registry
        for credential in e.request.credentials
    )
    refused = any(not e.request.credentials and e.status == 401 and e.target.repository for e in seen.registry)
    return by_nobody and refused


def _registry(
    seen: _Evidence, repositories: tuple[Repository, ...], token: TokenPolicy | None
) -> tuple[RegistryPolicy, list[str]]:
    assumed: list[str] = []
    has_token = token is not None
    said = {e.number: lines for e in seen.registry if (lines := templates(e, seen.asked[e.number], seen.places))}
    refusals = [e for e in seen.registry if e.status == 401]
    pings = [e for e in refusals if e.target.endpoint is Endpoint.PING]
    others = [e for e in refusals if e.target.endpoint is not Endpoint.PING]
    of_pings = commonest(said.get(e.number, ()) for e in pings)
    of_others = commonest(said.get(e.number, ()) for e in others)
    main = policy_of(of_others if of_others is not None else _scoped(of_pings), has_token=has_token)
    if of_others is None and of_pings is None:
        assumed.append("what a challenge looks like: the capture has no challenge")
        main = Challenging()
    ping = _ping(seen, assumed)
    if of_pings is not None and policy_of(of_pings, has_token=has_token) != main:
        ping = replace(ping, challenge=policy_of(of_pings, has_token=has_token))
    main = replace(main, statuses=_carrying(seen.registry))
    required = bool(token and token.required)
    policy = RegistryPolicy(
        host=named(seen.places.registry, seen.places.registry),
        ping=ping,
        repositories=tuple(_own_challenge(r, others, said, main, has_token=has_token) for r in repositories),
        deny=_denial(seen, required=required),
        challenge=main,
        accepts=_accepted(seen, has_token=has_token),
        blobs=_blobs(seen),
        uploads=_uploads(seen),
        headers=_constant(seen.registry),
        version=any(e.response is not None and e.response.header(_VERSION) for e in seen.registry),
    )
    return policy, assumed


def _scoped(lines: Lines | None) -> Lines:
    """The lines of a ping as those of a repository."""
    return tuple(
        f'{line},scope="{{scope}}"' if line.startswith("Bearer ") and "scope=" not in line else line
        for line in lines or ()
    )


def _ping(seen: _Evidence, assumed: list[str]) -> Ping:
    statuses: dict[str, Counter[int]] = {}
    for exchange in seen.registry:
        if exchange.target.endpoint is Endpoint.PING and exchange.status in _PING:
            statuses.setdefault(seen.standing(exchange), Counter())[exchange.status] += 1
    found: dict[str, Any] = {name: counts.most_common(1)[0][0] for name, counts in statuses.items()}
    if "anonymous" not in found:
        assumed.append(
            "the ping asks for a login: it was not sent without one"
            if found
            else "the ping asks for a login: none was sent"
        )
    elif found["anonymous"] == 200 and "invalid" not in found:
        found["invalid"] = 200
    return Ping(**found)


def _own_challenge(
    repository: Repository,
    refusals: Iterable[Exchange],
    said: Mapping[int, Lines],
    main: Challenging,
    *,
    has_token: bool,
) -> Repository:
    lines = commonest(said.get(e.number, ()) for e in refusals if e.target.repository == repository.name)
    if lines is None:
        return repository
    own = replace(policy_of(lines, has_token=has_token), statuses=main.statuses)
    return repository if own == main else replace(repository, challenge=own)


def _carrying(exchanges: Iterable[Exchange]) -> tuple[int, ...]:
    """The statuses all of whose answers carry a challenge."""
    carrying: dict[int, bool] = {}
    for exchange in exchanges:
        response = exchange.response
        if response is not None and response.status >= 200:
            has = any(name.lower() == "www-authenticate" for name, _ in response.headers)
            carrying[response.status] = carrying.get(response.status, True) and has
    return tuple(sorted({401, *(status for status, all_do in carrying.items() if all_do)}))


def _denial(seen: _Evidence, *, required: bool) -> Denial:
    statuses: dict[str, Counter[int]] = {}
    refused: list[Exchange] = []
    for exchange in seen.registry:
        if exchange.target.repository is None or exchange.status not in (400, 401, 403, 404):
            continue
        standing = seen.standing(exchange)
        if exchange.status in (401, 403) or (exchange.status == 400 and standing == "invalid"):
            statuses.setdefault(standing, Counter())[exchange.status] += 1
            refused.append(exchange)
    found: dict[str, Any] = {name: counts.most_common(1)[0][0] for name, counts in statuses.items()}
    if "valid" in found:
        status = found.pop("valid")
        found |= {"insufficient": status} if status != 400 else {}
    if found.get("anonymous") == 400:
        del found["anonymous"]
    bodies = Counter(
        _body(e) for e in [*refused, *(e for e in seen.registry if e.status == 401)] if e.request.method != "HEAD"
    )
    if not bodies:
        return Denial(**found)
    body, code, message, detail = bodies.most_common(1)[0][0]
    return Denial(**found, body=body, code=code, message=message, detail=detail)


def _body(exchange: Exchange) -> tuple[Any, str | None, str | None, bool]:
    response = exchange.response
    if response is None:
        return "errors", None, None, True
    if response.errors:
        error = response.errors[0]
        usual = {401: "UNAUTHORIZED", 403: "DENIED", 404: "NAME_UNKNOWN"}.get(response.status)
        code = (
            str(error.code)
            if error.code and error.code != usual and re.fullmatch("[A-Za-z0-9_-]{1,64}", error.code)
            else None
        )
        return "errors", code, None, bool(error.needs)
    if response.is_html:
        return "html", None, _line(response.text), True
    return ("text", None, _line(response.text), True) if response.text else ("empty", None, None, True)


def _line(text: str | None) -> str | None:
    return " ".join(text.split())[:300] or None if text and text.isprintable() else None


def _accepted(seen: _Evidence, *, has_token: bool) -> Any:
    if not has_token:
        return None
    basic = any(
        credential.scheme == "basic" and e.status < 400
        for e in seen.registry
        for credential in e.request.credentials
        if e.target.repository is not None
    )
    return ("basic", "bearer") if basic else None


def _blobs(seen: _Evidence) -> Blobs:
    host = seen.places.blobs
    if host is None or not is_host(host):
        return Blobs()
    redirects = [
        e
        for e in seen.registry
        if e.target.endpoint is Endpoint.BLOB and e.response is not None and e.response.location is not None
    ]
    first = redirects[0]
    origin = first.response.location.origin if first.response and first.response.location else None
    if origin is None or first.status not in (301, 302, 303, 307, 308):
        return Blobs()
    refuses = any(
        seen.asked[e.number].host == host and e.request.credentials and e.status == 400
        for e in [*seen.registry, *seen.tokens]
    )
    status: Any = first.status
    link = first.response.location if first.response else None
    ends = link.signed.ends if link is not None and link.signed is not None else None
    return Blobs(
        mode="redirect",
        lifetime=600 if ends is None else int(ends - int(first.started)),
        status=status,
        host=named(origin, seen.places.registry),
        scheme=Spread.SAME if origin.scheme == seen.places.registry.scheme else Spread(origin.scheme),
        authorization="refused" if refuses else "ignored",
    )


def _uploads(seen: _Evidence) -> Uploads:
    links = [
        e.response.location
        for e in seen.registry
        if e.response is not None
        and e.response.location is not None
        and e.status in (201, 202)
        and Action.PUSH in action_of(e)
    ]
    if not links:
        return Uploads()
    link = links[0]
    origin = link.origin
    host = None
    if origin is not None and origin.host == seen.places.uploads and is_host(origin.host):
        host = named(origin, seen.places.registry)
    same = origin is None or origin.scheme == seen.places.registry.scheme
    return Uploads(
        location="relative" if link.relative else "absolute",
        host=host,
        scheme=Spread.SAME if same or origin is None else Spread(origin.scheme),
        checked=False,
    )


def _constant(exchanges: Sequence[Exchange]) -> tuple[AnswerHeader, ...]:
    """What stands in every answer."""
    found = []
    for name in _CONSTANT:
        values = {e.response.header(name.lower()) for e in exchanges if e.response is not None}
        if len(values) == 1 and (value := values.pop()):
            found.append(AnswerHeader(name=name, value=str(value)))
    return tuple(found)
