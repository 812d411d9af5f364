"""Which checks of a scenario a client met, by what was recorded of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from regauth_core.model import Endpoint, Exchange
from regauth_core.simulate.checks import CheckName
from regauth_core.simulate.policy import Scenario

_MOST = 8
"""Times that one request may be sent."""
_UPLOADS = (Endpoint.UPLOAD, Endpoint.UPLOAD_START)


def failed(scenario: Scenario, exchanges: Sequence[Exchange]) -> tuple[CheckName, ...]:
    """Those checks of `scenario` that `exchanges`, all of one client at its hosts, do not meet."""
    return tuple(name for name in scenario.checks if not _JUDGES[name](scenario, exchanges))


def _hosts(scenario: Scenario) -> set[str]:
    token = {scenario.token.host} if scenario.token else set()
    return {host.partition(":")[0] for host in {scenario.registry.host, *token}}


def _of_registry(scenario: Scenario, exchange: Exchange) -> bool:
    return exchange.origin.host == scenario.registry.host.partition(":")[0] and exchange.request.token is None


def _key(exchange: Exchange) -> tuple[str, str]:
    return exchange.request.method, exchange.request.url


def _sent(exchange: Exchange) -> tuple[str, ...]:
    return tuple(credential.fingerprint for credential in exchange.request.credentials)


def _goal(scenario: Scenario, exchanges: Sequence[Exchange]) -> bool:
    client = scenario.client
    if client is None:
        return True
    method, endpoint = {
        "tags": ("GET", Endpoint.TAGS),
        "pull": ("GET", Endpoint.BLOB),
        "push": ("PUT", Endpoint.MANIFEST),
        "mount": ("PUT", Endpoint.MANIFEST),
    }[client.action]
    hits = [e for e in exchanges if e.request.method == method and e.target.endpoint is endpoint]
    if any(200 <= e.status < 300 for e in hits):
        return True
    # A blob that was fetched from where the registry sent the client.
    places = {str(e.response.location.text) for e in hits if e.response is not None and e.response.location is not None}
    return any(e.request.url in places and 200 <= e.status < 300 for e in exchanges)


def _challenge(scenario: Scenario, exchanges: Sequence[Exchange]) -> bool:
    for place, exchange in enumerate(exchanges):
        if exchange.status != 401 or exchange.target.repository is None or exchange.request.credentials:
            continue
        if exchange.response is None or not any(challenge.usable for challenge in exchange.response.challenges):
            continue
        later = exchanges[place + 1 :]
        if not any(e.request.credentials and e.target.repository == exchange.target.repository for e in later):
            return False
    return True


def _ping(scenario: Scenario, exchanges: Sequence[Exchange]) -> bool:
    return any(exchange.target.repository is not None for exchange in exchanges)


def _home(scenario: Scenario, exchanges: Sequence[Exchange]) -> bool:
    home = _hosts(scenario)
    return not any(e.request.credentials or _has_secret(e) for e in exchanges if e.origin.host not in home)


def _has_secret(exchange: Exchange) -> bool:
    return exchange.request.token is not None and exchange.request.token.secret is not None


def _no_http(scenario: Scenario, exchanges: Sequence[Exchange]) -> bool:
    return not any(e.request.credentials or _has_secret(e) for e in exchanges if e.origin.scheme == "http")


def _proxy(scenario: Scenario, exchanges: Sequence[Exchange]) -> bool:
    asked = {_key(e) for e in exchanges if e.status == 407}
    return not any(_key(e) in asked and e.request.credentials for e in exchanges)


def _not_repeated(scenario: Scenario, exchanges: Sequence[Exchange]) -> bool:
    refused = Counter((_key(e), _sent(e)) for e in exchanges if e.status in (401, 403) and e.request.credentials)
    return all(count == 1 for count in refused.values())


def _bounded(scenario: Scenario, exchanges: Sequence[Exchange]) -> bool:
    return all(count <= _MOST for count in Counter(map(_key, exchanges)).values())


def _offered(exchanges: Sequence[Exchange], name: str) -> set[str]:
    """Values of the parameter `name` of Bearer challenges."""
    return {
        value
        for e in exchanges
        if e.response is not None
        for challenge in e.response.challenges
        if challenge.kind == "bearer" and (value := challenge.parameter(name)) and e.target.repository is not None
    }


def _tokens(exchanges: Sequence[Exchange]) -> list[Exchange]:
    return [e for e in exchanges if e.request.token is not None]


def _scope(scenario: Scenario, exchanges: Sequence[Exchange]) -> bool:
    asked = {
        one for e in _tokens(exchanges) if e.request.token for text in e.request.token.scopes for one in text.split()
    }
    return all(set(scope.split()) <= asked for scope in _offered(exchanges, "scope"))


def _service(scenario: Scenario, exchanges: Sequence[Exchange]) -> bool:
    offered = _offered(exchanges, "service")
    return all(e.request.token is not None and e.request.token.service in offered for e in _tokens(exchanges))


def _used(scenario: Scenario, exchanges: Sequence[Exchange]) -> bool:
    issued = [
        e.response.token.fingerprints for e in exchanges if e.response is not None and e.response.token is not None
    ]
    sent = {fingerprint for e in exchanges if _of_registry(scenario, e) for fingerprint in _sent(e)}
    return bool(issued) and all(sent & set(fingerprints) for fingerprints in issued if fingerprints)


def _renewed(scenario: Scenario, exchanges: Sequence[Exchange]) -> bool:
    for place, exchange in enumerate(exchanges):
        response = exchange.response
        errors = [c.parameter("error") for c in response.challenges] if response is not None else []
        if exchange.status == 401 and "invalid_token" in errors and _sent(exchange):
            later = exchanges[place + 1 :]
            if not any(e.target.repository and _sent(e) and _sent(e) != _sent(exchange) for e in later):
                return False
    return True


def _not_expired(scenario: Scenario, exchanges: Sequence[Exchange]) -> bool:
    ends: dict[str, float] = {}
    for e in exchanges:
        token = e.response.token if e.response is not None else None
        if token is not None and token.expires_in is not None:
            ends.update(dict.fromkeys(token.fingerprints, e.finished + token.expires_in))
    return not any(e.started > ends.get(fingerprint, e.started) for e in exchanges for fingerprint in _sent(e))


def _not_empty(scenario: Scenario, exchanges: Sequence[Exchange]) -> bool:
    bearers = (c for e in exchanges for c in e.request.credentials if c.scheme == "bearer")
    issued = {f for e in exchanges if e.response and e.response.token for f in e.response.token.fingerprints}
    return all(c.fingerprint in issued for c in bearers)


def _by_get(scenario: Scenario, exchanges: Sequence[Exchange]) -> bool:
    refused = [i for i, e in enumerate(exchanges) if e.request.method == "POST" and e.request.token and e.status >= 400]
    return all(any(e.request.method == "GET" and e.request.token for e in exchanges[i + 1 :]) for i in refused)


def _mount(scenario: Scenario, exchanges: Sequence[Exchange]) -> bool:
    asked = [i for i, e in enumerate(exchanges) if e.target.mount is not None and e.status != 201]
    return all(any(e.request.method == "PUT" and e.status == 201 for e in exchanges[i + 1 :]) for i in asked)


def _location(scenario: Scenario, exchanges: Sequence[Exchange]) -> bool:
    places = {
        str(e.response.location.text).partition("?")[0]
        for e in exchanges
        if e.target.endpoint in _UPLOADS and e.response is not None and e.response.location is not None
    }
    parts = (e for e in exchanges if e.target.endpoint is Endpoint.UPLOAD)
    return all(e.request.url.partition("?")[0] in places for e in parts)


def _retry_after(scenario: Scenario, exchanges: Sequence[Exchange]) -> bool:
    for place, exchange in enumerate(exchanges):
        text = exchange.response.header("retry-after") if exchange.response is not None else None
        if text is None or not text.isdecimal():
            continue
        later = (e.started for e in exchanges[place + 1 :] if _key(e) == _key(exchange))
        again = next(later, None)
        if again is not None and again < exchange.finished + min(int(text), 3600):
            return False
    return True


def _retried(scenario: Scenario, exchanges: Sequence[Exchange]) -> bool:
    counts = Counter(_key(e) for e in exchanges)
    return all(counts[_key(e)] > 1 for e in exchanges if e.status >= 500 and e.request.method in ("GET", "HEAD"))


_JUDGES: Final[dict[CheckName, Callable[[Scenario, Sequence[Exchange]], bool]]] = {
    CheckName.GOAL_REACHED: _goal,
    CheckName.CHALLENGE_ANSWERED: _challenge,
    CheckName.PING_NOT_DECISIVE: _ping,
    CheckName.CREDENTIALS_STAY_HOME: _home,
    CheckName.NO_PASSWORD_OVER_HTTP: _no_http,
    CheckName.NO_PASSWORD_TO_PROXY_CHALLENGE: _proxy,
    CheckName.REFUSED_NOT_REPEATED: _not_repeated,
    CheckName.ATTEMPTS_BOUNDED: _bounded,
    CheckName.SCOPE_FROM_CHALLENGE: _scope,
    CheckName.SERVICE_FROM_CHALLENGE: _service,
    CheckName.TOKEN_USED: _used,
    CheckName.TOKEN_RENEWED: _renewed,
    CheckName.EXPIRED_TOKEN_NOT_SENT: _not_expired,
    CheckName.EMPTY_TOKEN_NOT_SENT: _not_empty,
    CheckName.TOKEN_ASKED_BY_GET: _by_get,
    CheckName.MOUNT_FALLS_BACK: _mount,
    CheckName.LOCATION_FOLLOWED: _location,
    CheckName.RETRY_AFTER_KEPT: _retry_after,
    CheckName.SERVER_ERROR_RETRIED: _retried,
}
