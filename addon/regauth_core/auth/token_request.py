"""How a token is asked for: one order, and the requests by which it can be put.

Distribution token specification ("Requesting a Token"; "OAuth2 Token Authentication"), RFC 6749 sections 4.3 and 6.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from urllib.parse import urlencode

from regauth_core.auth.messages import Headers, Scheme
from regauth_core.auth.settings import AuthSettings
from regauth_core.auth.token_cache import TokenKey
from regauth_core.auth.trust import TrustDecision
from regauth_core.credentials.login import Login
from regauth_core.model import Origin
from regauth_core.protocol.scope import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenHttpRequest:
    """One request for a token."""

    method: str
    path: str = field(repr=False)
    """In origin form, with the query."""
    authorization: str | None = field(default=None, repr=False)
    form: bytes = field(default=b"", repr=False)
    carries: Scheme | None = None
    """`BASIC` where a secret of the login goes out, in the header or in the form."""

    @property
    def headers(self) -> Headers:
        """All headers that it needs."""
        found = [("Accept", "application/json")]
        if self.authorization is not None:
            found.append(("Authorization", self.authorization))
        if self.form:
            found.append(("Content-Type", "application/x-www-form-urlencoded"))
        return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenOrder:
    """A token that is wanted."""

    key: TokenKey
    realm: TrustDecision
    """Accepted."""
    scopes: tuple[Scope, ...] = field(repr=False)
    """What to ask for: the key's, as spelled."""
    named: tuple[Scope, ...] = field(repr=False)
    """What the challenge itself named."""
    login: Login
    settings: AuthSettings
    refresh_token: str | None = field(default=None, repr=False)
    """One that this token server gave."""
    turn: Hashable = field(repr=False)

    @property
    def registry(self) -> Origin:
        """Whom the token is for."""
        return self.key.audience.registry

    @property
    def is_wide(self) -> bool:
        """More is asked for than the challenge named, and what it named might do by itself.

        A token for nothing opens nothing: where the challenge named no scope, a second try would only cost a try.
        """
        return bool(self.named) and frozenset(self.scopes) != frozenset(self.named)

    def by_get(self, login: Login, scopes: tuple[Scope, ...]) -> TokenHttpRequest:
        """By GET, the realm's own query kept, one `scope` for each entry, with Basic if `login` has a pair."""
        service = self.key.audience.service
        pairs = [("service", service)] if service is not None else []
        pairs += [("scope", str(scope)) for scope in scopes]
        pairs += [("account", login.user)] if login.user else []
        pairs += [("client_id", self.settings.client_id)]
        pairs += [("offline_token", "true")] if self.settings.offline else []
        path = self.realm.path
        sign = "" if path.endswith(("?", "&")) else "&" if "?" in path else "?"
        return TokenHttpRequest(
            method="GET",
            path=path + sign + _encoded(pairs),
            authorization=login.basic() if login.has_pair else None,
            carries=Scheme.BASIC if login.has_pair else None,
        )

    def by_password(self, scopes: tuple[Scope, ...], *, posts: bool) -> TokenHttpRequest:
        """With user and password: by POST, or else by GET."""
        login = self.login
        if not posts:
            return self.by_get(login, scopes)
        pair = [("username", login.user), ("password", login.password)]
        return self._by_form([("grant_type", "password"), *pair], scopes)

    def by_refresh_token(self, token: str) -> TokenHttpRequest:
        """By POST, with an identity token or one that the token server gave."""
        return self._by_form([("grant_type", "refresh_token"), ("refresh_token", token)], self.scopes)

    def _by_form(self, secret: list[tuple[str, str]], scopes: tuple[Scope, ...]) -> TokenHttpRequest:
        service = self.key.audience.service
        pairs = [*secret, *([("service", service)] if service is not None else [])]
        pairs += [("client_id", self.settings.client_id)]
        pairs += [("scope", " ".join(map(str, scopes)))] if scopes else []
        pairs += [("access_type", "offline")] if self.settings.offline else []
        form = _encoded(pairs).encode("ascii")
        return TokenHttpRequest(method="POST", path=self.realm.path, form=form, carries=Scheme.BASIC)


def _encoded(pairs: list[tuple[str, str]]) -> str:
    return urlencode(pairs, errors="surrogateescape")
