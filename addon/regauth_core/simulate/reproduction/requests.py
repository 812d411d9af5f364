"""The requests of a capture, sent once more: with invented secrets, and tokens and URLs as they are handed out now."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from regauth_core.model import DEFAULT_PORTS, Exchange, Fingerprint
from regauth_core.simulate.message import Answer, Asked
from regauth_core.simulate.reproduction.logins import Logins

_ACCOUNT = re.compile(r"([?&]account=)[^&]*")
MAX_BODY = 64 * 1024
"""Bytes of a token server's answer that are read."""


@dataclass(frozen=True, slots=True)
class _Moved:
    query: str
    """Of the URL in the capture."""
    url: str
    """That was handed out this time."""


class RecordedClient:
    """The client of a capture once more. It follows what is answered now as it followed what was answered then."""

    def __init__(self, logins: Logins) -> None:
        self._logins = logins
        self._tokens: dict[Fingerprint, str] = {}
        self._moved: dict[str, _Moved] = {}
        self._paths: dict[str, str] = {}
        """Of upload sessions."""

    def asked(self, exchange: Exchange) -> Asked:
        """The request of `exchange` as it would be sent now."""
        scheme, host, port, path = self.place(exchange)
        headers = tuple(
            (name, value)
            for name, value in exchange.request.headers
            if name.lower() not in ("authorization", "content-length", "transfer-encoding")
        )
        sent = tuple(
            ("Authorization", self._logins.header(credential, self._tokens.get(credential.fingerprint)))
            for credential in exchange.request.credentials
        )
        return Asked(
            method=exchange.request.method.upper(),
            scheme=scheme,
            host=host,
            port=port,
            path=path,
            headers=(*headers, *sent),
            body=self._form(exchange),
        )

    def place(self, exchange: Exchange) -> tuple[str, str, int, str]:
        """Scheme, host, port and path with query of the URL that stands for the one in `exchange` now."""
        base, _, query = exchange.request.url.partition("?")
        moved = self._moved.get(base)
        if moved is None:
            # A client that sends it elsewhere, or with another scheme, still has the path from there.
            rest = exchange.request.url.partition("://")[2]
            path = self._paths.get(_path(base.partition("://")[2]))
            asked = exchange.request.token
            if path is not None:
                rest = f"host{path}{'?' + query if query else ''}"
            elif asked is not None and asked.account is not None:
                rest = _ACCOUNT.sub(rf"\g<1>{quote(self._account(exchange, asked.account))}", rest)
            return exchange.origin.scheme, exchange.origin.host, exchange.origin.port, _path(rest)
        added = query.removeprefix(moved.query).strip("&") if query.startswith(moved.query) else query
        url = moved.url + (("&" if "?" in moved.url else "?") + added if added else "")
        parts = urlsplit(url)
        port = parts.port or DEFAULT_PORTS.get(parts.scheme, 443)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        return parts.scheme, parts.hostname or exchange.origin.host, port, path or "/"

    def _account(self, exchange: Exchange, account: Fingerprint) -> str:
        named = (one for one in exchange.request.credentials if one.user == account)
        credential = next(named, None)
        if credential is not None:
            return self._logins.account(credential)
        return "somebody" if exchange.request.credentials else "user"

    def learn(self, exchange: Exchange, asked: Asked, answer: Answer) -> None:
        """Takes from `answer`, to `asked`, what stands for the tokens and URLs of the answer in `exchange`."""
        response = exchange.response
        if response is None or response.status != answer.status:
            return
        if response.token is not None and answer.status < 300:
            self._learn_tokens(exchange, answer)
        location = next((value for name, value in answer.headers if name.lower() == "location"), None)
        if response.location is not None and location is not None:
            base, _, query = response.location.text.partition("?")
            url = f"{asked.scheme}://{asked.authority}{location}" if location.startswith("/") else location
            if url.partition("?")[0] != base or url.partition("?")[2] != query:
                self._moved[base] = _Moved(query, url)
                if "/uploads/" in base:
                    self._paths[_path(base.partition("://")[2])] = _path(url.partition("?")[0].partition("://")[2])

    def _learn_tokens(self, exchange: Exchange, answer: Answer) -> None:
        recorded = exchange.response.token if exchange.response else None
        try:
            fields = json.loads(answer.body[:MAX_BODY])
        except (ValueError, RecursionError):
            return
        if recorded is None or not isinstance(fields, dict):
            return
        texts = {name: value for name, value in fields.items() if isinstance(value, str)}
        either = texts.get("token") or texts.get("access_token") or ""
        pairs = (
            (recorded.token, texts.get("token") or either),
            (recorded.access_token, texts.get("access_token") or either),
            (recorded.refresh_token, texts.get("refresh_token") or ""),
        )
        self._tokens.update({known: text for known, text in pairs if known and text})

    def _form(self, exchange: Exchange) -> bytes:
        """The form of a request for a token."""
        token = exchange.request.token
        if token is None or exchange.request.method != "POST":
            return b""
        user = self._logins.user(token.secret)
        pairs = [("grant_type", token.grant or ""), ("service", token.service or "")]
        pairs += [("scope", scope) for scope in token.scopes]
        if token.client_id:
            pairs.append(("client_id", token.client_id))
        if token.offline:
            pairs.append(("access_type", "offline"))
        if token.grant == "refresh_token":
            text = self._tokens.get(token.secret) if token.secret else None
            pairs.append(("refresh_token", text or (user.identity_token if user else None) or "unknown"))
        elif token.secret:
            name, password = (user.name, user.password) if user else ("user", "wrong")
            pairs += [("username", name), ("password", password)]
        return "&".join(f"{name}={quote(value)}" for name, value in pairs if value).encode()


def _path(rest: str) -> str:
    return "/" + rest.partition("/")[2] if "/" in rest else "/"
