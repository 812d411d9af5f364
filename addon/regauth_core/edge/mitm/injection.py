"""What regauth itself does about challenges: credentials added in the client's place.

The record stays the client's: an added header is taken out again before the exchange is recorded, and the exchange says
what was changed. Secrets are in memory and on the wire, and nowhere else.

How it works. All decisions are the authenticator's (`auth.authenticator`), which sends nothing. `RequestSender.drive`
runs its generators with requests of mitmproxy's own. This module is the seam between them and a flow, hook by hook:

- `prepare` (request head). Who sent it (`caller_of`), what is asked for, and whether credentials may be used at all:
  three objections, each its own word in `model.withheld`: the caller is not the user's, the request is not
  understood in full, or its connection may hold the rest of another request. In `fill` and `override` the
  authenticator may then add an `Authorization`, as the first field: what a server might take for the end of the
  head must not stand before it.
- `complete` (request body is there). Some requests turn out only now to have a body, trailers, or a neighbour on the
  connection. If that makes the request unclear, the header is removed again before anything is sent.
- `on_response_headers`. A cookie that the registry gives to a request with our credentials would let the client
  go on as that user; it is removed.
- `on_response` (response is complete). The client's own header fields are put back first, whatever happens next. In
  `verify` the refusal is kept for a proof. In the other modes the authenticator may answer it: the better answer
  replaces the registry's in the flow, or the client is sent to the same URL again (`sent_back`) where an answer cannot
  be replaced because its body must be streamed.
- `note_leads` (every answer that a client is about to get, also ours). A redirect, an upload location, a link or a
  layer URL may lead the client to a registry that it would not have asked by itself; such requests get nothing for an
  hour (`auth.leads`). It is noted at the response head, before the client can follow it.
- `Verifier.prove` (a finding is certain, `verify`). The refused request is sent once more, as a correct client would
  have sent it, and the result is attached to the finding. Only reads, once for a client and repository.

Why so careful: a program that can reach the proxy can try to have a credential used, read back or sent elsewhere. The
checks are made on what will be sent, not on what the client seems to mean, and a request that is not understood gets
nothing.

Not certain, and decided as said here:

- Over HTTP/2 with streamed bodies a request's head goes out before it is known whether a body follows. A `GET` with a
  body that nothing announced can then already carry a credential.
- Where the machine does not say whose process a client is, what leads one client elsewhere counts for every client at
  its address.
- Sending a client back needs a client that follows redirects to the same URL; one that does not gets the 307.
  One that had been given credentials from the start is sent back once a minute at most (`_CIRCLE`).
- A client whose ping was answered with our credentials takes the registry for open, and may then send its own login in
  a scheme that it would not have chosen. Its requests are marked (`is_misled`): the authenticator may use that login
  for what the registry really asks for.
- What other addons do behind this one (`map_remote`, `modify_headers`) is not seen; there is a warning about it.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Final

from mitmproxy import http

from regauth_core.auth.authenticator import Authenticator, may_be_manifest
from regauth_core.auth.callers import Caller, Callers
from regauth_core.auth.messages import Authorization, AuthResult, ClientRequest, Received
from regauth_core.auth.reasons import StopReason
from regauth_core.auth.required_access import required_access_of
from regauth_core.auth.settings import AuthSettings
from regauth_core.auth.trust import Trust
from regauth_core.auth.verification import objection
from regauth_core.bounded import Bounded
from regauth_core.edge.credentials.keyring import Keyring
from regauth_core.edge.inputs.flows import FlowNotes, plain_body
from regauth_core.edge.mitm.connections import Connections
from regauth_core.edge.mitm.inject_mode import Inject
from regauth_core.edge.mitm.notes import Notes
from regauth_core.edge.mitm.own_credentials import OwnCredentials, name_of, note_setting
from regauth_core.edge.mitm.subrequests import RequestSender, origin_connected
from regauth_core.edge.mitm.translation import address_of, client_request, received_of, response_of, sent_back
from regauth_core.edge.mitm.verifier import Verifier
from regauth_core.model import ChangeKind, Endpoint, Origin
from regauth_core.model.withheld import Withheld
from regauth_core.protocol.references import MAX_MANIFEST
from regauth_core.recording.traffic import Destination, destination_of

_Change = tuple[ChangeKind, str]
_REMEMBERED: Final = 1000
_CIRCLE: Final = 60.0
"""Seconds for which a client is not sent to the same place a second time."""
_COME_AGAIN: Final = "regauth redirected the client to the same URL to stream the authorized answer"
_UPSTREAM_SAID: Final = "regauth answered the registry's {status} for the client"

# What is no fault of anything and needs no word.
_QUIET: Final = frozenset(
    {
        StopReason.CLIENT_AUTHORIZED,
        StopReason.NO_LOGIN,
        StopReason.NO_REFUSAL,
        StopReason.NOT_A_READ,
        StopReason.RECENTLY_REFUSED,
        Withheld.OUTSIDE_API,
    }
)


@dataclass(slots=True)
class _Pending:
    """What is needed of a request until its answer has come."""

    request: ClientRequest
    caller: Caller
    objection: Withheld | None
    """Why no credentials may be used for the client."""
    before: AuthResult | None = None
    own: tuple[tuple[bytes, bytes], ...] | None = field(default=None, repr=False)
    """The client's own header fields, where they were changed."""


class Injector:
    """Decides with an authenticator, sends with mitmproxy, and marks what it did. For one event loop."""

    def __init__(
        self,
        mode: Inject,
        keyring: Keyring,
        trust: Trust,
        sender: RequestSender,
        *,
        auth_settings: AuthSettings,
        callers: Callers,
        caller_of: Callable[[http.HTTPFlow], Awaitable[Caller]],
    ) -> None:
        """`auth_settings` without what `mode` says; `callers`: for whom credentials may be used, and who asks."""
        self.mode = mode
        self._own_credentials = OwnCredentials(keyring)
        self._sender = sender
        self._callers = callers
        self._caller_of = caller_of
        auth_settings = replace(auth_settings, is_overriding=mode is Inject.OVERRIDE)
        self._authenticator = Authenticator(keyring, trust=trust, settings=auth_settings)
        self._pending: dict[str, _Pending] = {}
        self._misled: Bounded[tuple[str, str, Origin], bool] = Bounded(_REMEMBERED)
        self._sent_back: Bounded[tuple[str, Origin, str], float] = Bounded(_REMEMBERED)
        self.connections = Connections()
        self.verifier = Verifier(self._authenticator, self._own_credentials, sender, callers)

    # Before the request goes out

    async def prepare(self, flow: http.HTTPFlow, place: Destination, notes: Notes) -> None:
        """Add what the registry is known to want; changes nothing in mode `verify`."""
        if not flow.live or flow.response is not None:
            return
        caller = await self._caller_of(flow)
        names_proxy = caller.addressed is not None and self._callers.is_name(caller.addressed)
        request = client_request(
            flow,
            place.endpoint,
            is_misled=_who(flow) in self._misled,
            is_alone=self.connections.is_alone(flow),
            names_proxy=names_proxy,
        )
        pending = self._pending[flow.id] = _Pending(request, caller, self._callers.objection(caller))
        if self.mode is Inject.VERIFY or pending.objection is not None:
            return
        await self._own_credentials.look_up(pending.request, notes)
        pending.before = await self._sender.drive(flow, self._authenticator.preflight(pending.request, _begin(flow)))
        if pending.before.authorization is not None and self.connections.is_alone(flow):
            self._add(flow, pending, pending.before.authorization, notes)
            self._note_ping(flow, place)

    def complete(self, flow: http.HTTPFlow) -> None:
        """The request is there with its body, and goes out next, if it was not streamed.

        Only now is it known of some whether they have a body, and what else came in on the connection meanwhile.
        """
        self.connections.complete(flow)
        pending = self._pending.get(flow.id)
        if pending is None or flow.request.stream:
            return
        pending.request = replace(
            pending.request,
            has_body=pending.request.has_body or bool(flow.request.raw_content) or bool(flow.request.trailers),
            is_alone=self.connections.is_alone(flow),
        )
        if pending.own is not None and self._authenticator.objection(pending.request, _begin(flow)) is not None:
            flow.request.headers.fields, pending.own, pending.before = pending.own, None, None
            FlowNotes(flow).changed(
                ChangeKind.CREDENTIALS_REMOVED, "regauth removed it again before the request was sent"
            )

    def _add(self, flow: http.HTTPFlow, pending: _Pending, authorization: Authorization, notes: Notes) -> None:
        pending.own = flow.request.headers.fields
        others = [field for field in pending.own if field[0].lower() != b"authorization"]
        # What a server may take for the end of the head must not stand before it.
        flow.request.headers.fields = ((b"Authorization", authorization.value.encode()), *others)
        self._mark(flow, notes, _added(authorization, notes, replaced=_brings_credentials(pending)))

    # When the answer is there

    async def on_response(self, flow: http.HTTPFlow, place: Destination, notes: Notes, number: int) -> None:
        """Take out what was added, and give the client a better answer than a refusal, if there is one.

        `number` is the exchange's; nothing is raised for what the registry or the token server does.
        """
        pending = self._pending.pop(flow.id, None)
        if pending is None:
            return
        if pending.own is not None:
            flow.request.headers.fields = pending.own
        response = flow.response
        if response is None or flow.error is not None:
            return
        received = received_of(response, response.timestamp_end or _begin(flow))
        if self.mode is Inject.VERIFY:
            self.verifier.note_answer(number, flow, pending.request, received, pending.caller)
        elif pending.objection is not None:
            await self._withhold(flow, pending, pending.objection, notes)
        else:
            await self._answer(flow, pending, received, notes)
            if flow.response is not response:
                self.note_leads(flow, pending.request.process)
                self._note_ping(flow, place)

    def note_leads(self, flow: http.HTTPFlow, process: int | None, *, is_whole: bool = True) -> None:
        """Note where what the client is about to get, whomever it asked, may lead it.

        `process` is the client's, as far as it is known; `is_whole`: the body is there, unless it is streamed.
        """
        response = flow.response
        if response is None or not flow.live:
            return
        endpoint = destination_of(flow.request.method, origin_connected(flow), flow.request.path).endpoint
        request, now = replace(client_request(flow, endpoint), process=process), time.time()
        self._authenticator.note_answer(request, replace(received_of(response, now), body=b""))
        is_manifest = may_be_manifest(request, response.status_code, response.headers.get("content-type", ""))
        if is_manifest and (is_whole or response.stream):
            body = None if response.stream else plain_body(response, MAX_MANIFEST)
            self._authenticator.note_manifest(request, body, now)

    def on_response_headers(self, flow: http.HTTPFlow) -> None:
        """The head of the answer is there, before any of it goes to the client.

        A cookie of the registry for the injected credentials would let the client use them later.
        """
        pending = self._pending.get(flow.id)
        is_helped = pending is not None and pending.own is not None and flow.response is not None
        if is_helped and flow.response is not None and flow.response.headers.pop("set-cookie", None) is not None:
            FlowNotes(flow).changed(
                ChangeKind.COOKIE_REMOVED, "regauth removed Set-Cookie: the cookie belongs to the injected credentials"
            )

    def on_error(self, flow: http.HTTPFlow) -> None:
        """The exchange broke off."""
        pending = self._pending.pop(flow.id, None)
        if pending is not None and pending.own is not None:
            flow.request.headers.fields = pending.own

    async def _answer(self, flow: http.HTTPFlow, pending: _Pending, received: Received, notes: Notes) -> None:
        outcome = await self._sender.drive(flow, self._authenticator.answer(pending.request, received, pending.before))
        answer, authorization = outcome.answer, outcome.authorization
        can_be_changed = flow.response is not None and flow.response.raw_content is not None
        is_cold = pending.before is None or pending.before.authorization is None
        may_wait = outcome.is_waiting and authorization is not None and can_be_changed
        if may_wait and authorization is not None and (is_cold or self._may_come_again(pending.request, received.at)):
            name_of(authorization, notes.redactor)
            flow.response = sent_back(flow)
            self._mark(flow, notes, _answered(received.status), (ChangeKind.SENT_BACK, _COME_AGAIN))
            return
        if (answer or received).status in (401, 403):
            self._note_reasons(flow, pending, outcome, notes)
        if authorization is not None:
            name_of(authorization, notes.redactor)
        if answer is None or not can_be_changed:
            return
        flow.response = response_of(answer, flow)
        added = (
            [_added(authorization, notes, replaced=_brings_credentials(pending))] if authorization is not None else []
        )
        self._mark(flow, notes, _answered(received.status), *added)

    # Common to all

    async def _withhold(self, flow: http.HTTPFlow, pending: _Pending, reason: Withheld, notes: Notes) -> None:
        """Say that a client was refused for which credentials are held and may not be used."""
        need, response = required_access_of(pending.request.method, pending.request.path), flow.response
        is_refused = need.is_api and response is not None and response.status_code in (401, 403)
        if not is_refused or (self.mode is Inject.FILL and _brings_credentials(pending)):
            return
        if not await self._own_credentials.has_login(pending.request.origin, need.repository):
            return
        FlowNotes(flow).withheld(reason)
        note_setting(reason, pending.caller, notes)

    def _may_come_again(self, request: ClientRequest, now: float) -> bool:
        """Whether a client that was helped in vain may be sent there again; seldom, so that it goes in no circle."""
        key = request.client, request.origin, request.path
        if now < self._sent_back.get(key, 0.0):
            return False
        self._sent_back[key] = now + _CIRCLE
        return True

    def _note_reasons(self, flow: http.HTTPFlow, pending: _Pending, outcome: AuthResult, notes: Notes) -> None:
        """Say why a request was refused anyway: what was withheld is for a rule, anything else for a note."""
        reasons = dict.fromkeys((*(pending.before.reasons if pending.before is not None else ()), *outcome.reasons))
        withheld = next((reason for reason in reasons if isinstance(reason, Withheld) and reason not in _QUIET), None)
        if withheld is not None:
            FlowNotes(flow).withheld(withheld)
        host = notes.redactor.host_name(pending.request.origin.host)
        if StopReason.NO_LOGIN in reasons and not _brings_credentials(pending):
            notes.note(f"no source in regauth_credentials covers {host}")
        for reason in reasons if StopReason.RECENTLY_REFUSED not in reasons else ():
            if isinstance(reason, StopReason) and reason not in _QUIET:
                notes.note(f"regauth's credentials for {host}: {objection(reason)}")

    def _mark(self, flow: http.HTTPFlow, notes: Notes, *changes: _Change) -> None:
        for change in changes:
            FlowNotes(flow).changed(*change)
        flow.marked = flow.marked or ":key:"
        flow.comment = flow.comment or "changed by regauth"
        notes.note(
            f"regauth_inject={self.mode} changed some exchanges, which can hide a client bug; "
            "record with regauth_inject=off to see what the client does by itself"
        )

    def _note_ping(self, flow: http.HTTPFlow, place: Destination) -> None:
        """The client does not get the ping's own answer, and draws its conclusions."""
        if place.endpoint is Endpoint.PING:
            self._misled[_who(flow)] = True


def _who(flow: http.HTTPFlow) -> tuple[str, str, Origin]:
    """A client at a registry, as well as it can be told here."""
    return address_of(flow), flow.request.headers.get("user-agent", ""), origin_connected(flow)


def _brings_credentials(pending: _Pending) -> bool:
    return bool(pending.request.values("authorization"))


def _answered(status: int) -> _Change:
    return ChangeKind.ANSWER_REPLACED, _UPSTREAM_SAID.format(status=status)


def _added(authorization: Authorization, notes: Notes, *, replaced: bool) -> _Change:
    what = f"a {authorization.scheme.capitalize()} credential ({name_of(authorization, notes.redactor)})"
    if replaced:
        return ChangeKind.CREDENTIALS_REPLACED, f"regauth replaced the client's credential by {what}"
    return ChangeKind.CREDENTIALS_ADDED, f"regauth added {what}"


def _begin(flow: http.HTTPFlow) -> float:
    return flow.request.timestamp_start
