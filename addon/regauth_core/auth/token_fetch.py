"""One token fetch, with the fall-backs that token servers make necessary.

Distribution token specification ("Requesting a Token"; "OAuth2 Token Authentication"), RFC 6749 sections 4.3 and 6.
A password goes out a second time only where the server may have refused the scopes and not the password: when more was
asked for than the registry's challenge named.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from regauth_core.auth import issued_token
from regauth_core.auth.issued_token import FetchedToken
from regauth_core.auth.messages import Flow, Purpose, Received, Send, Tried
from regauth_core.auth.reasons import Note, StopReason
from regauth_core.auth.settings import MOST_HOPS, MOST_TOKEN_REQUESTS
from regauth_core.auth.token_request import TokenHttpRequest, TokenOrder
from regauth_core.auth.trust import Trust, TrustDecision
from regauth_core.credentials.login import ANONYMOUS
from regauth_core.model import Origin
from regauth_core.model.withheld import Withheld

_NOT_THERE: Final = (404, 405)
_NO_OAUTH2: Final = (404, 405, 501)
_REDIRECTS: Final = (301, 302, 303, 307, 308)
_PICKY: Final = (400, 401, 403)


class TokenFetch:
    """Fetches one token. Afterwards its fields say what came of it."""

    def __init__(self, order: TokenOrder, trust: Trust) -> None:
        self._order = order
        self._trust = trust
        self.tried: list[Tried] = []
        self.notes: list[Note] = []
        self.reason: StopReason | Withheld | None = None
        """Why there is no token."""
        self.at = 0.0
        """When the last answer came."""
        self.is_secret_refused = False
        """A secret of the login was sent, and that is what the token server refused."""
        self.is_secret_accepted = False
        """The token was given to a secret of the login."""
        self.is_refresh_refused = False
        """The refresh token that the token server had given is of no more use."""
        self._sent: set[tuple[Origin, TokenHttpRequest]] = set()

    def fetch(self) -> Flow[FetchedToken | None]:
        """The token; yields token requests only, each to a place that trust accepts."""
        order = self._order
        if order.refresh_token is not None:
            given = yield from self._refreshed(order.refresh_token)
            if given is not None and (found := self._read(given)):
                return found
            self.is_refresh_refused, self.reason = True, None
            self.notes.append(Note.REFRESH_TOKEN_REFUSED)
        if order.login.identity_token:
            answer = yield from self._refreshed(order.login.identity_token)
            if answer is None or answer.status not in _NO_OAUTH2:
                return self._concluded(answer, secret=True)
            self.notes.append(Note.NO_OAUTH2)
            if not (order.login.has_pair or order.settings.anonymous):
                self.reason = StopReason.TOKEN_REFUSED
                return None
        if order.login.has_pair:
            return (yield from self._with_password())
        answer = yield from self._asked(order.by_get(ANONYMOUS, order.scopes))
        return self._concluded(answer, secret=False)

    def _refreshed(self, token: str) -> Flow[Received | None]:
        return (yield from self._asked(self._order.by_refresh_token(token)))

    def _with_password(self) -> Flow[FetchedToken | None]:
        order = self._order
        posts = order.registry in order.settings.oauth_first
        answer = yield from self._asked(order.by_password(order.scopes, posts=posts))
        if answer is not None and answer.status in (_NO_OAUTH2 if posts else _NOT_THERE):
            if posts:
                self.notes.append(Note.NO_OAUTH2)
            posts = not posts
            answer = yield from self._asked(order.by_password(order.scopes, posts=posts))
        if answer is not None and answer.status in _PICKY and order.is_wide:
            answer = yield from self._asked(order.by_password(order.named, posts=posts))
            if answer is not None and _is_good(answer):
                self.notes.append(Note.SCOPES_NARROWED)
        return self._concluded(answer, secret=True)

    def _asked(self, question: TokenHttpRequest) -> Flow[Received | None]:
        """The answer behind all redirects; `None`, with the reason, where none can be had."""
        place = self._order.realm
        for _ in range(MOST_HOPS + 1):
            origin = place.origin
            if origin is None or (origin, question) in self._sent or len(self._sent) == MOST_TOKEN_REQUESTS:
                break
            self._sent.add((origin, question))
            answer = yield self._send(question, origin)
            self.at = answer.at
            self.tried.append(
                Tried(purpose=Purpose.TOKEN, origin=origin, scheme=question.carries, status=answer.status)
            )
            if answer.origin not in (None, origin):
                self.reason = StopReason.FOREIGN_ANSWER
                return None
            if answer.status not in _REDIRECTS:
                return answer
            found = self._redirected(answer, question, place)
            if found is None:
                return None
            question, place = found
        self.reason = StopReason.TOKEN_REDIRECT
        return None

    def _send(self, question: TokenHttpRequest, origin: Origin) -> Send:
        return Send(
            purpose=Purpose.TOKEN,
            method=question.method,
            origin=origin,
            path=question.path,
            headers=question.headers,
            body=question.form,
            turn=self._order.turn,
        )

    def _redirected(
        self, answer: Received, question: TokenHttpRequest, place: TrustDecision
    ) -> tuple[TokenHttpRequest, TrustDecision] | None:
        """What to ask next and where; `None`, with the reason, where a redirect must not be followed."""
        location = next(iter(answer.values("location")), "")
        onward = self._trust.realm(location, registry=self._order.registry, base=place.origin, path=question.path)
        downgraded = place.origin is not None and place.origin.scheme == "https" and onward.url.startswith("http:")
        if onward.reason is not None or downgraded:
            self.reason = onward.reason or Withheld.PLAIN_HTTP
            return None
        moved = onward.origin != place.origin
        # RFC 9110 section 15.4: only 307 and 308 repeat a POST as it is; a form holds a secret and stays where it is.
        if question.method == "POST" and (moved or answer.status not in (307, 308)):
            self.reason = StopReason.TOKEN_REDIRECT
            return None
        if moved and question.authorization is not None:
            self.notes.append(Note.CREDENTIALS_DROPPED)
            question = replace(question, authorization=None, carries=None)
        return replace(question, path=onward.path), onward

    def _concluded(self, answer: Received | None, *, secret: bool) -> FetchedToken | None:
        """The token of the last answer, or the reason why there is none."""
        if answer is None:
            return None
        if _is_good(answer):
            found = self._read(answer)
            self.is_secret_accepted = secret and found is not None and self.tried[-1].scheme is not None
            return found
        carried = secret and self.tried[-1].scheme is not None
        if carried and (answer.status == 401 or (answer.status == 400 and b'"invalid_grant"' in answer.body[:4096])):
            self.is_secret_refused = True
            self.reason = StopReason.TOKEN_CREDENTIALS_REFUSED
        elif 400 <= answer.status < 500 and answer.status not in (408, 429):
            self.reason = StopReason.TOKEN_REFUSED
        else:
            self.reason = StopReason.TOKEN_SERVER_FAILED
        return None

    def _read(self, answer: Received) -> FetchedToken | None:
        found = issued_token.read(answer.body, answer.at) if _is_good(answer) else None
        if found is None:
            self.reason = StopReason.TOKEN_UNUSABLE
        elif found.differ:
            self.notes.append(Note.TOKENS_DIFFER)
        return found


def _is_good(answer: Received) -> bool:
    return 200 <= answer.status < 300
