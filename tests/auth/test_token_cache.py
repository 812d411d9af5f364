"""The token cache."""

from __future__ import annotations

import pytest

from kit.play import NOW, REGISTRY
from regauth_core.auth.issued_token import FetchedToken
from regauth_core.auth.reasons import StopReason
from regauth_core.auth.token_cache import MOST_TOKENS, Audience, TokenCache, TokenKey
from regauth_core.model import Origin
from regauth_core.protocol.scope import Scope, entries


def audience(
    login: str = "alice",
    realm: str = "https://auth.r.test/t",
    service: str | None = "s",
    client: str = "",
    registry: Origin = REGISTRY,
) -> Audience:
    """Whom a token is between."""
    return Audience(registry=registry, realm=realm, service=service, login=login, client=client)


def held(*scopes: str, tokens: TokenCache | None = None, to: Audience | None = None, life: float = 100.0) -> TokenCache:
    """A cache in which each of `scopes` has a token of the same name."""
    tokens = tokens or TokenCache()
    for text in scopes:
        asked = entries([text])
        tokens.keep(
            TokenKey(to or audience(), frozenset(asked)), asked, FetchedToken(token=text, starts=NOW, life=life)
        )
    return tokens


def found(tokens: TokenCache, *required: str, to: Audience | None = None, now: float = NOW) -> str | None:
    """The token that is found for a need."""
    token = tokens.find(to or audience(), [Scope.read(text) for text in required], now)
    return token.token if token else None


@pytest.mark.parametrize(
    ("required", "token"),
    [
        (["repository:a:pull"], "repository:a:pull"),
        (["repository:a:push,pull"], "repository:a:pull,push"),
        (["repository:a:push"], "repository:a:pull,push"),
        (["repository:a:pull", "repository:b:pull"], "repository:a:* repository:b:pull"),
        (["repository:b:pull"], "repository:a:* repository:b:pull"),
        (["repository:a:delete"], "repository:a:* repository:b:pull"),
        (["repository:c:pull"], None),
        (["registry:catalog:*"], None),
        ([], "repository:a:pull"),
    ],
)
def test_smallest_sufficient_token(required: list[str], token: str | None) -> None:
    """A token serves every need that its scopes cover; of several, the one that was asked for the least."""
    tokens = held("repository:a:* repository:b:pull", "repository:a:pull,push", "repository:a:pull")
    assert found(tokens, *required) == token


@pytest.mark.parametrize(
    "other",
    [
        audience(login="bob"),
        audience(realm="https://auth.r.test/t?x"),
        audience(service=None),
        audience(client="c2"),
        audience(registry=Origin("https", "r.test", 5000)),
    ],
)
def test_token_serves_one_audience(other: Audience) -> None:
    """Another registry, realm, service, login or client never gets it."""
    assert found(held("repository:a:pull"), "repository:a:pull", to=other) is None


def test_token_is_not_used_shortly_before_its_end() -> None:
    """The margin of renewal is the cache's."""
    tokens = held("repository:a:pull", life=100.0)
    assert found(tokens, "repository:a:pull", now=NOW + 89.9) is not None
    assert found(tokens, "repository:a:pull", now=NOW + 90) is None


def test_refused_token_is_gone_wherever_it_was() -> None:
    """Eviction is by the token."""
    tokens = TokenCache()
    for name in ("a", "b"):
        asked = entries([f"repository:{name}:pull"])
        tokens.keep(TokenKey(audience(), frozenset(asked)), asked, FetchedToken(token="same", starts=NOW, life=100.0))
    tokens.evict("same")
    assert found(tokens, "repository:a:pull") is None
    assert found(tokens, "repository:b:pull") is None


def test_failure_is_remembered_for_five_seconds() -> None:
    """Long enough for requests at the same time, too short to matter to anybody who tries again."""
    tokens, key = TokenCache(), TokenKey(audience(), frozenset())
    tokens.fail(key, StopReason.TOKEN_SERVER_FAILED, NOW)
    assert tokens.failure(key, NOW + 4.9) is StopReason.TOKEN_SERVER_FAILED
    assert tokens.failure(key, NOW + 5) is None
    tokens.fail(key, StopReason.TOKEN_SERVER_FAILED, NOW)
    tokens.keep(key, (), FetchedToken(token="t", starts=NOW, life=9.0))
    assert tokens.failure(key, NOW) is None


def test_cache_is_bounded_and_silent() -> None:
    """Memory does not grow with the number of repositories, and nothing of it is shown."""
    tokens = held(*(f"repository:r{n}:pull" for n in range(MOST_TOKENS + 9)))
    assert found(tokens, "repository:r0:pull") is None
    assert found(tokens, f"repository:r{MOST_TOKENS + 8}:pull") is not None
    assert repr(tokens) == f"Tokens({MOST_TOKENS} held)"


def test_refresh_token_is_kept_for_its_audience() -> None:
    """It goes back to the token server that gave it, for the same registry and login."""
    tokens = TokenCache()
    tokens.keep_refresh_token(audience(), "r1")
    assert tokens.refresh_token(audience()) == "r1"
    assert tokens.refresh_token(audience(login="bob")) is None
    tokens.keep_refresh_token(audience(), None)
    assert tokens.refresh_token(audience()) is None
