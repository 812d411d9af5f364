"""The authenticator: what a correct registry client does about challenges, as flows that never send.

A flow is a generator. It yields a `Send` or a `Turn`, is sent a `Received`, and returns an `ProofResult`::

    step = next(flow)
    while True:
        step = flow.send(perform(step))     # until StopIteration, whose value is the outcome

Limits of one request: 4 sendings to the registry with the client's own, 2 token fetches, 1 probe; no `Authorization`
value goes to the registry twice. A login that was refused is not tried again for a minute.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from itertools import count
from typing import Final

from regauth_core.auth.attempt import Attempt
from regauth_core.auth.choice import AuthorizedRequest, SharedState
from regauth_core.auth.leads import Leads
from regauth_core.auth.messages import AuthResult, ClientRequest, Flow, Purpose, Received, Scheme, Send, Used
from regauth_core.auth.offers import Offers, is_refusal, offers_of
from regauth_core.auth.reasons import StopReason
from regauth_core.auth.registry_memory import RegistryMemory
from regauth_core.auth.required_access import RequiredAccess, required_access_of
from regauth_core.auth.settings import AuthSettings
from regauth_core.auth.token_cache import TokenCache
from regauth_core.auth.trust import Trust
from regauth_core.auth.verification import verification
from regauth_core.bounded import Bounded
from regauth_core.credentials.login import Login, Logins
from regauth_core.model import Endpoint, Holder
from regauth_core.model.withheld import Withheld
from regauth_core.protocol import authorization
from regauth_core.protocol.links import linked
from regauth_core.protocol.references import ANYWHERE, Lead, followed, layers

_MOST_OWN: Final = 1000
_MOST_REFERENCES: Final = 64
"""Lines of one answer that are looked at; one that has more leads anywhere."""
_NAMES_A_HOST: Final = re.compile(r"[^ -~]|[:/\\]")
_MANIFEST: Final = re.compile(r"manifest|image\.index|oci\.artifact", re.IGNORECASE | re.ASCII)
_READS: Final = ("GET", "HEAD")


class Authenticator:
    """Answers challenges with the logins it can look up; remembers tokens and what it learnt, in memory only."""

    def __init__(self, logins: Logins, *, trust: Trust, settings: AuthSettings) -> None:
        self._logins = logins
        self._memory = RegistryMemory()
        self._leads = Leads()
        self._own: Bounded[str, str] = Bounded(_MOST_OWN)
        self._names = count(1)
        self._is_overriding = settings.is_overriding
        self._state = SharedState(trust=trust, settings=settings, tokens=TokenCache(), memory=self._memory)

    def __repr__(self) -> str:
        return f"Authenticator({self._state.tokens!r}, {self._memory!r})"

    def preflight(self, request: ClientRequest, now: float) -> Flow[AuthResult]:
        """Before `request` is sent: `ProofResult.authorization` is what to set, or `None` to send it unchanged.

        Sends nothing for a request that can be sent again; for any other it may probe the registry and fetch a token.
        `now` is in seconds since the epoch.
        """
        own = self._own_login(
            request, self._memory.offers(request.origin, required_access_of(request.method, request.path))
        )
        attempt = self._admitted(request, now, Used(values=_brought(request)), own, is_overriding=self._is_overriding)
        if isinstance(attempt, AuthResult):
            return attempt
        yield from attempt.prepare()
        return attempt.outcome()

    def answer(self, request: ClientRequest, received: Received, before: AuthResult | None = None) -> Flow[AuthResult]:
        """After the registry's answer to `request`, to be called for every answer: `ProofResult.answer` replaces it.

        `before` is what `preflight` returned for this request. Only refusals of requests that can be sent again are
        answered, so most flows end at once.
        """
        self.note_answer(request, received)
        used = before.used if before is not None else Used(values=_brought(request))
        own = self._own_login(request, offers_of(received, request.path))
        used = _sent_once(used, before)
        attempt = self._admitted(request, received.at, used, own, is_overriding=self._is_overriding)
        if isinstance(attempt, AuthResult):
            return attempt
        if is_refusal(received):
            yield from attempt.answer_refusal(received, before.authorization if before is not None else None)
        outcome = self._finished(attempt.outcome())
        if outcome.answer is not None:
            self.note_answer(request, outcome.answer)
        return outcome

    def verify(self, request: ClientRequest, received: Received) -> Flow[AuthResult]:
        """Beside the client: what comes of answering the refusal `received` as a correct client would.

        `AuthResult.verification` is set, and `AuthResult.answer` is not: the client keeps its own. Only GET and HEAD
        are sent, and after a 401 or 403 only.
        """
        outcome = yield from self._verified(request, received)
        is_ping = required_access_of(request.method, request.path).repository is None
        return replace(outcome, answer=None, verification=verification(outcome, is_ping=is_ping))

    def _verified(self, request: ClientRequest, received: Received) -> Flow[AuthResult]:
        if request.method not in _READS:
            return AuthResult(reasons=(StopReason.NOT_A_READ,))
        if received.status not in (401, 403):
            return AuthResult(reasons=(StopReason.NO_REFUSAL,))
        used = Used(sends=1, values=_brought(request))
        attempt = self._admitted(request, received.at, used, None, is_overriding=True)
        if isinstance(attempt, AuthResult):
            return attempt
        attempt.is_body_wanted = False
        yield from attempt.answer_refusal(received, None)
        return attempt.outcome()

    def authorize(self, request: ClientRequest, now: float) -> Flow[AuthResult]:
        """The whole of it, for a client that cannot send requests itself: preflight, the request itself, answer.

        `ProofResult.answer` is what came last.
        """
        before = yield from self.preflight(request, now)
        found = before.authorization
        headers = request.headers
        if found is not None:
            own = [pair for pair in headers if pair[0].lower() != "authorization"]
            headers = (("Authorization", found.value), *own)
        received = yield Send(
            purpose=Purpose.REQUEST,
            method=request.method,
            origin=request.origin,
            path=request.path,
            headers=headers,
            body=request.body or b"",
        )
        after = yield from self.answer(request, received, before)
        return replace(after, answer=after.answer or received, tried=(*before.tried, *after.tried))

    def note_answer(self, request: ClientRequest, received: Received) -> None:
        """Remember whom the head of the answer leads where; to be called for all answers, to every client.

        Whatever its status: what some clients follow is not what others do.
        """
        found = [followed(text, base=request.origin, path=request.path) for text in received.values("location")]
        for line in received.values("link")[:_MOST_REFERENCES]:
            urls = linked(line)
            if urls is None:
                found.append(ANYWHERE)
            else:
                found += [followed(url, base=request.origin, path=request.path) for url in urls]
        for offer in offers_of(received, request.path).of(Scheme.BEARER):
            if _NAMES_A_HOST.search(offer.realm):
                found.append(followed(offer.realm, base=request.origin, path=request.path))
        if max(len(found), len(received.values("link"))) > _MOST_REFERENCES:
            found = [ANYWHERE]
        self._note_leads(request, found, received.at)

    def note_manifest(self, request: ClientRequest, body: bytes | None, now: float) -> None:
        """The answer to `request` may be a manifest (see `may_be_manifest`); `body` is decoded, `None` if not known."""
        urls = layers(body) if body is not None else None
        found = [ANYWHERE] if urls is None else [followed(url, base=request.origin, path=request.path) for url in urls]
        self._note_leads(request, found, now)

    def _note_leads(self, request: ClientRequest, leads: list[Lead], now: float) -> None:
        if not leads:
            return
        # Whoever was led astray leads astray.
        by = None if self._was_led(request, now) else request.origin
        for lead in leads:
            self._leads.note(request.client, request.process, lead, by, now)
            if lead.origin == request.origin and lead.path is not None and by is not None:
                self._memory.note_parameters(request.origin, lead.path, request.path)

    def _was_led(self, request: ClientRequest, now: float) -> bool:
        return self._leads.is_led(request.client, request.process, request.origin, request.path, now)

    def _admitted(
        self, request: ClientRequest, now: float, used: Used, own: Login | None, *, is_overriding: bool
    ) -> Attempt | AuthResult:
        """The request with its login, or why it gets none. `own` is the client's, if that is to be used."""
        required = required_access_of(request.method, request.path)
        is_asked = required.is_api or required.is_unclear
        login = own or (self._logins.find(request.origin, required.repository) if is_asked else None)
        reason = self._objection(request, required, login, now, is_overriding=is_overriding or own is not None)
        if own is not None and reason is Withheld.NOT_PERMITTED:
            # What the client may do with its own login is for the registry to say.
            reason = None
        if reason is not None or login is None:
            return AuthResult(login=login.id if login else None, reasons=(reason or StopReason.NO_LOGIN,), used=used)
        return Attempt(self._state, AuthorizedRequest(request=request, required=required, login=login), now, used)

    def objection(self, request: ClientRequest, now: float) -> Withheld | None:
        """Why a credential that was found for `request` must not go out with it after all."""
        distrust = self._state.trust.request(request, self._memory.parameters(request.origin))
        return distrust or (Withheld.LED_ELSEWHERE if self._was_led(request, now) else None)

    def _objection(
        self, request: ClientRequest, required: RequiredAccess, login: Login | None, now: float, *, is_overriding: bool
    ) -> Withheld | StopReason | None:
        distrust = self._state.trust.request(request, self._memory.parameters(request.origin))
        if distrust is Withheld.OUTSIDE_API or self._memory.is_realm(request.origin, request.path):
            return Withheld.OUTSIDE_API
        if login is None:
            # Somebody else who goes by the name of a registry whose credentials are held is worth a word.
            named = (self._logins.find(origin, required.repository) for origin in request.named if origin is not None)
            is_spoofed = distrust is Withheld.OTHER_HOST_NAMED and any(named)
            return Withheld.OTHER_HOST_NAMED if is_spoofed else StopReason.NO_LOGIN
        if not is_overriding and _brought(request):
            return StopReason.CLIENT_AUTHORIZED
        if distrust is None and self._was_led(request, now):
            return Withheld.LED_ELSEWHERE
        return distrust or (None if self._may(request, required) else Withheld.NOT_PERMITTED)

    def _may(self, request: ClientRequest, required: RequiredAccess) -> bool:
        """Whether what the request does may be helped, in each repository that it touches."""
        allow, origin = self._state.trust.permits.allow, request.origin
        sources = [
            scope.name for scope in required.scopes if scope.kind == "repository" and scope.name != required.repository
        ]
        read = [*sources, None] if required.mounts_any else sources
        return allow(request.method, origin, required.repository) and all(allow("GET", origin, name) for name in read)

    def _own_login(self, request: ClientRequest, offers: Offers | None) -> Login | None:
        """The login that a misled client brings in a scheme of its own choice, where the registry wants another.

        go-containerregistry sends Basic to every registry whose ping is open; had it seen the ping's challenge, it
        would have asked for a token with the same login.
        """
        if self._is_overriding or not request.is_misled or offers is None or not offers.all:
            return None
        for each in (each for value in request.values("authorization") for each in authorization.credentials(value)):
            if each.pair is None or each.holder is Holder.EMPTY or Scheme.BASIC in offers.schemes:
                continue
            name = self._own.get(each.value)
            if name is None:
                name = self._own[each.value] = f"client-{next(self._names)}"
            with suppress(ValueError):
                return Login.of_pair(name, *each.pair)
        return None

    def _finished(self, outcome: AuthResult) -> AuthResult:
        """With a final 401 made a 403 if that is wanted."""
        answer = outcome.answer
        if answer is None or answer.status != 401 or not self._state.settings.is_refusal_final:
            return outcome
        return replace(outcome, answer=replace(answer, status=403))


def _brought(request: ClientRequest) -> frozenset[str]:
    """The client's own `Authorization` values, without those that could identify nobody (``Basic Og==``)."""
    sent = (each for value in request.values("authorization") for each in authorization.credentials(value))
    # Schemes are compared without case (RFC 9110 section 11.1); here they are spelled as the authenticator spells them.
    return frozenset(
        f"{each.scheme.capitalize()} {each.value}" for each in sent if each.value and each.holder is not Holder.EMPTY
    )


def _sent_once(used: Used, before: AuthResult | None) -> Used:
    """After the client's request went out with what `before` had found for it."""
    found = before.authorization if before is not None else None
    values = used.values if found is None else used.values | {found.value}
    return replace(used, sends=used.sends + 1, values=values)


def may_be_manifest(request: ClientRequest, status: int, content_type: str) -> bool:
    """Whether the client may take the body of an answer for a manifest, wherever it got it from."""
    if request.method.upper() != "GET" or not 200 <= status < 300:
        return False
    if required_access_of("GET", request.path).endpoint is Endpoint.MANIFEST:
        return True
    return any(_MANIFEST.search(text) for text in (content_type, *request.values("accept")))
