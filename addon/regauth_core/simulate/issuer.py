"""The token server: a request for a token is answered as the scenario says (distribution token specification).

GET with or without Basic, POST with the grants `password` and `refresh_token` (distribution, "OAuth2 Token
Authentication").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from regauth_core.simulate.access import basic_user, identified_user, known_user, split
from regauth_core.simulate.message import Answer, Asked, WantedAccess, json_answer, refusal
from regauth_core.simulate.policy import Grants, Scenario, TokenPolicy, User
from regauth_core.simulate.tokens import Grant, IssuedTokens

ISSUED = re.compile(r"\{issued(?: ([^{}\r\n]{1,1000}))?\}")
"""Stands for a token in the body of a step, perhaps with what it is for."""
_DEFAULT_LIFETIME = 60
"""Seconds, where the answer names none (distribution token specification, "Token Response Fields")."""
_SCOPES = 32
"""The most scope entries of one request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    grant: str
    """The name of a field of `Grants`."""
    user: User | None
    is_refused: bool
    """A credential is there, and is not right."""
    service: str
    scopes: tuple[str, ...]
    wants_refresh: bool


class Issuer:
    """The token server of one scenario."""

    def __init__(self, scenario: Scenario, policy: TokenPolicy, tokens: IssuedTokens) -> None:
        """`policy` is the scenario's; `tokens` is shared with the registry, which checks what is issued here."""
        self._scenario = scenario
        self._policy = policy
        self._tokens = tokens

    @property
    def service(self) -> str:
        """Its name for the registry."""
        return self._policy.service or self._scenario.registry.host

    def answer(self, asked: Asked, now: float) -> Answer:
        """The answer to a request for a token."""
        if asked.method not in ("GET", "POST"):
            return self._refused(405, "ask for a token with GET or POST")
        request = self._read(asked)
        if request is None:
            return json_answer(400, {"error": "unsupported_grant_type"})
        status = getattr(self._policy.grants, request.grant)
        if status != "served":
            return self._refused(int(status), "this way to ask for a token is not offered")
        if request.is_refused and self._policy.wrong_password != "anonymous":  # noqa: S105  (no password)
            return self._refused(self._policy.wrong_password, "incorrect username or password")
        return self._granted(request, now)

    def _read(self, asked: Asked) -> _Request | None:
        if asked.method == "POST":
            return self._read_form(asked)
        values = asked.all("authorization")
        scheme, rest = split(values[0]) if values else ("", "")
        user = basic_user(self._scenario, rest) if scheme == "basic" else None
        return _Request(
            grant="basic" if values else "anonymous",
            user=user,
            is_refused=bool(values) and user is None,
            service=next(iter(asked.query("service")), ""),
            scopes=asked.query("scope"),
            wants_refresh=asked.query("offline_token") == ("true",),
        )

    def _read_form(self, asked: Asked) -> _Request | None:
        def field(name: str) -> str:
            return next(iter(asked.form(name)), "")

        grant = field("grant_type")
        if grant == "password":
            user = known_user(self._scenario, field("username"), field("password"))
        elif grant == "refresh_token":
            name = self._tokens.refreshed(field("refresh_token"))
            user = self._scenario.user(name) if name else identified_user(self._scenario, field("refresh_token"))
        else:
            return None
        return _Request(
            grant=grant,
            user=user,
            is_refused=user is None,
            service=field("service"),
            scopes=asked.form("scope"),
            wants_refresh=field("access_type") == "offline" or grant == "refresh_token",
        )

    def token(self, asked: Asked, now: float, scopes: str | None = None) -> str:
        """A token for `scopes`, or of what `asked` wants and may have, whatever else the policy says."""
        request = self._read(asked)
        if request is None:
            return ""
        access = self._allowed(request) if scopes is None else _needs(scopes)[:_SCOPES]
        return self._tokens.issue(self._grant(request, access, now))

    def _grant(self, request: _Request, access: list[WantedAccess], now: float) -> Grant:
        there = now + self._policy.clock_ahead
        return Grant(
            issuer=self._policy.host,
            subject=request.user.name if request.user else "",
            audience=request.service or self.service,
            access=tuple(access),
            not_before=int(there),
            expires=int(there) + self._lifetime,
        )

    def _allowed(self, request: _Request) -> list[WantedAccess]:
        name = request.user.name if request.user else None
        return [allowed for need in _wanted(request) if (allowed := self._narrowed(name, need))]

    def _granted(self, request: _Request, now: float) -> Answer:
        wanted = _wanted(request)
        granted = self._allowed(request)
        if granted != wanted and self._policy.narrow != "intersect":
            return refusal(self._policy.narrow, "DENIED", "the requested access is not allowed", tuple(wanted))
        there = now + self._policy.clock_ahead
        grant = self._grant(request, granted, now)
        body = self._token_fields(grant)
        if self._policy.expires_in != "absent":
            body["expires_in"] = self._policy.expires_in
        if self._policy.issued_at:
            body["issued_at"] = datetime.fromtimestamp(int(there), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        if request.user and request.wants_refresh and self._policy.grants.refresh_token == Grants().refresh_token:
            body["refresh_token"] = self._tokens.refresh_token(request.user.name)
        if request.grant in ("password", "refresh_token"):
            body["scope"] = " ".join(need.scope for need in granted)
        return json_answer(200, body).with_headers(("Cache-Control", "no-store"))

    def _token_fields(self, grant: Grant) -> dict[str, Any]:
        token = self._tokens.issue(grant)
        match self._policy.field:
            case "both":
                return {"token": token, "access_token": token}
            case "both-different":
                return {"token": token, "access_token": self._tokens.issue(grant)}
            case "neither":
                return {}
            case name:
                return {name: token}

    def _narrowed(self, user: str | None, need: WantedAccess) -> WantedAccess | None:
        """What `user` gets of `need`."""
        if need.kind == "registry":
            policy = self._scenario.registry.catalog
            may = policy == "anybody" or (policy == "users" and user is not None)
            return need if need.name == "catalog" and may else None
        repository = self._scenario.repository(need.name) if need.kind == "repository" else None
        if repository is None:
            return None
        everything = ("pull", "push", "delete") if "*" in need.actions else need.actions
        actions = tuple(action for action in everything if repository.allows(user, action))
        return WantedAccess(name=need.name, actions=actions) if actions else None

    @property
    def _lifetime(self) -> int:
        said = self._policy.expires_in
        if self._policy.lifetime is not None:
            return self._policy.lifetime
        return said if isinstance(said, int) and said > 0 else _DEFAULT_LIFETIME

    def _refused(self, status: int, message: str) -> Answer:
        answer = refusal(status, "UNAUTHORIZED" if status in (401, 403) else "UNSUPPORTED", message)
        if status == 401:
            return answer.with_headers(("WWW-Authenticate", f'Basic realm="{self._policy.host}"'))
        return answer.with_headers(("Allow", "GET, POST")) if status == 405 else answer


def _wanted(request: _Request) -> list[WantedAccess]:
    return [need for text in request.scopes for need in _needs(text)][:_SCOPES]


def _needs(text: str) -> list[WantedAccess]:
    """The entries of a `scope` parameter. A name may hold colons: it ends at the last one."""
    found = []
    for entry in text.split():
        kind, _, rest = entry.partition(":")
        name, colon, actions = rest.rpartition(":")
        if colon:
            found.append(
                WantedAccess(kind=kind, name=name, actions=tuple(action for action in actions.split(",") if action))
            )
    return found
