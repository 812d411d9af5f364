"""The token server of a capture as a policy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import Any, cast, get_args

from regauth_core.model import Exchange, Fingerprint
from regauth_core.simulate.policy import Grant, Grants, Spread, TokenPolicy
from regauth_core.simulate.reproduction.logins import Logins, is_for_nobody
from regauth_core.simulate.reproduction.surroundings import Surroundings, named

_REFUSALS = frozenset(status for status in get_args(Grant) if isinstance(status, int))


def owners_of(exchanges: Sequence[Exchange], logins: Logins) -> dict[Fingerprint, str | None]:
    """For whom each token was issued; `None`: for nobody in particular."""
    owners: dict[Fingerprint, str | None] = {}
    for exchange in exchanges:
        answer = exchange.response.token if exchange.response else None
        if answer is None:
            continue
        name = None if is_for_nobody(exchange) else _asker(exchange, logins, owners)
        held = [*answer.fingerprints, *([answer.refresh_token] if answer.refresh_token else [])]
        owners.update(dict.fromkeys(held, name))
    return owners


def _asker(exchange: Exchange, logins: Logins, owners: dict[Fingerprint, str | None]) -> str | None:
    asked = exchange.request.token
    secrets = [credential.fingerprint for credential in exchange.request.credentials]
    secrets += [asked.secret] if asked is not None and asked.secret is not None else []
    for secret in secrets:
        user = logins.user(secret)
        if user is not None:
            return user.name
        if secret in owners:
            return owners[secret]
    return None


def way_of(exchange: Exchange) -> str:
    """How a token was asked for: the name of a field of `Grants`."""
    asked = exchange.request.token
    if exchange.request.method == "POST":
        return "refresh_token" if asked is not None and asked.grant == "refresh_token" else "password"
    return "basic" if exchange.request.credentials else "anonymous"


def token_policy(
    exchanges: Sequence[Exchange],
    places: Surroundings,
    logins: Logins,
    registry_dates: Sequence[float],
    *,
    required: bool,
) -> TokenPolicy | None:
    """The policy behind `exchanges`, all with the token server; `None` where there is none that can be written.

    `registry_dates`: the seconds by which the registry's clock, in its answers, was ahead of the recorder's.
    """
    if places.token is None:
        return None
    origin, path = places.token
    registry = places.registry.host
    answers = [(e, e.response.token) for e in exchanges if e.response is not None and e.response.token is not None]
    good = [answer for _, answer in answers if answer.is_json and answer.fingerprints]
    first = good[0] if good else None
    lives = Counter(answer.expires_in for answer in good)
    life = lives.most_common(1)[0][0] if lives else 300
    fields = Counter((answer.token is not None, answer.access_token is not None) for answer in good)
    ahead = _clock_ahead(exchanges, registry_dates)
    return TokenPolicy(
        clock_ahead=ahead,
        # The registry took them, whatever its clock.
        lifetime=int(life or 60) - ahead if ahead < 0 else None,
        host=named(origin, places.registry),
        scheme=Spread.SAME if origin.scheme == places.registry.scheme else Spread(origin.scheme),
        path=path,
        service=places.service if places.service != registry else None,
        grants=_grants(exchanges, logins),
        field=_FIELDS[fields.most_common(1)[0][0]] if fields else "both",
        kind="opaque" if good and all(answer.claims is None for answer in good) else "jwt",
        expires_in="absent" if life is None else int(life),
        issued_at=first is None or first.issued_at is not None,
        required=required,
        wrong_password=_wrong_password(exchanges, logins),
    )


def dates_of(exchanges: Sequence[Exchange]) -> list[float]:
    """The seconds by which the `Date` of each answer is ahead of the recorder's clock."""
    return [e.response.date - e.started for e in exchanges if e.response is not None and e.response.date is not None]


def _clock_ahead(exchanges: Sequence[Exchange], registry_dates: Sequence[float]) -> int:
    """By `Date` where both have it, else by `issued_at` where that is far from the truth."""
    dates = dates_of(exchanges)
    if dates and registry_dates:
        ahead = median(dates) - median(registry_dates)
        return round(ahead) if abs(ahead) > 2 else 0
    issued = [
        e.response.token.issued_at - e.started
        for e in exchanges
        if e.response is not None and e.response.token is not None and e.response.token.issued_at is not None
    ]
    ahead = median(issued) if issued else 0.0
    return round(max(min(ahead, 10_000_000.0), -10_000_000.0)) if abs(ahead) > 60 else 0


_FIELDS: dict[tuple[bool, bool], Any] = {
    (True, True): "both",
    (True, False): "token",
    (False, True): "access_token",
}


def _grants(exchanges: Sequence[Exchange], logins: Logins) -> Grants:
    said: dict[str, list[int]] = {}
    for exchange in exchanges:
        secrets = {credential.fingerprint for credential in exchange.request.credentials}
        asked = exchange.request.token
        secrets |= {asked.secret} if asked is not None and asked.secret is not None else set()
        if exchange.status and not secrets & logins.refused:
            said.setdefault(way_of(exchange), []).append(exchange.status)
    refused = {
        way: cast("Grant", statuses[0])
        for way, statuses in said.items()
        if len(set(statuses)) == 1 and statuses[0] in _REFUSALS
    }
    # POST refused whatever the password is no answer to the password.
    posts = {e.status for e in exchanges if e.request.method == "POST"}
    if len(posts) == 1 and posts <= {404, 405, 501}:
        refused["password"] = cast("Grant", posts.pop())
    return Grants(**refused)


def _wrong_password(exchanges: Sequence[Exchange], logins: Logins) -> Any:
    for exchange in exchanges:
        asked = exchange.request.token
        secrets = {credential.fingerprint for credential in exchange.request.credentials}
        secrets |= {asked.secret} if asked is not None and asked.secret is not None else set()
        if secrets & logins.refused:
            if is_for_nobody(exchange):
                return "anonymous"
            if exchange.status in (401, 403):
                return exchange.status
    return 401
