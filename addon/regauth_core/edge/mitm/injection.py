"""What regauth itself does about challenges: credentials proved beside the client, or added in its place.

The record stays the client's: an added header is taken out again before the exchange is recorded, and the exchange says
what was changed. Secrets are in memory and on the wire, and nowhere else.

How it works. All decisions are the authenticator's (`auth.authenticator`), which sends nothing; `Sender.drive` runs its
generators with requests of mitmproxy's own. This module is the seam between them and a flow, hook by hook:

- `prepare` (request head). Who sent it (`caller_of`), what is asked for, and whether credentials may be used at all:
  three objections, each its own word in `model.withheld`: the caller is not the user's, the request is not
  understood in full, or its connection may hold the rest of another request. In `fill` and `override` the
  authenticator may then add an `Authorization`, as the first field: what a server might take for the end of the
  head must not stand before it.
- `complete` (request body is there). Some requests turn out only now to have a body, trailers, or a neighbour on the
  connection. If that makes the request unclear, the header is removed again before anything is sent.
- `answered` (response head). A cookie that the registry gives to a request with our credentials would let the client
  go on as that user; it is removed.
- `settle` (response is complete). The client's own header fields are put back first, whatever happens next. In `verify`
  the refusal is kept for a proof. In the other modes the authenticator may answer it: the better answer
  replaces the registry's in the flow, or the client is sent to the same URL again (`sent_back`) where an
  answer cannot be replaced because its body must be streamed.
- `heard` (every answer that a client is about to get, also ours). A redirect, an upload location, a link or a layer
  URL may lead the client to a registry that it would not have asked by itself; such requests get nothing for an
  hour (`auth.leads`). It is noted at the response head, before the client can follow it.
- `prove` (a finding is certain, `verify`). The refused request is sent once more, as a correct client would have sent
  it, and the result is attached to the finding. Only reads, once for a client and repository.

Why so careful: whoever can reach the proxy can try to have a credential used, read back or sent elsewhere. The checks
are made on what will be sent, not on what the client seems to mean, and a request that is not understood gets nothing.

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

import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Final

from mitmproxy import http

from regauth_core.auth.authenticator import Authenticator, may_be_manifest
from regauth_core.auth.callers import Caller, Callers
from regauth_core.auth.messages import Authorization, AuthResult, ClientRequest, Received
from regauth_core.auth.reasons import StopReason
from regauth_core.auth.required_access import need_of
from regauth_core.auth.settings import AuthSettings
from regauth_core.auth.trust import Trust
from regauth_core.auth.verification import objection
from regauth_core.bounded import Bounded
from regauth_core.credentials.login import Login
from regauth_core.credentials.lookup import Found
from regauth_core.edge.credentials.keyring import Keyring
from regauth_core.edge.files import shortened
from regauth_core.edge.inputs.flows import FlowNotes, plain_body
from regauth_core.edge.mitm.connections import Connections
from regauth_core.edge.mitm.inject_mode import Inject
from regauth_core.edge.mitm.recorder import Recorder
from regauth_core.edge.mitm.subrequests import Sender, origin_connected
from regauth_core.edge.mitm.translation import address_of, bare, client_request, received_of, response_of, sent_back
from regauth_core.model import ChangeKind, Endpoint, Origin
from regauth_core.model.finding import Finding, Proof, Verification
from regauth_core.model.finding import ProofResult as Proved
from regauth_core.model.withheld import Withheld
from regauth_core.protocol.authorization import credentials
from regauth_core.protocol.references import MAX_MANIFEST
from regauth_core.recording.traffic import Place, place_of

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
class _Kept:
    """What is needed of a request until its answer has come."""

    request: ClientRequest
    caller: Caller
    objection: Withheld | None
    """Why no credentials may be used for the client."""
    before: AuthResult | None = None
    own: tuple[tuple[bytes, bytes], ...] | None = field(default=None, repr=False)
    """The client's own header fields, where they were changed."""


@dataclass(frozen=True, slots=True)
class _Refused:
    """A refusal that may be answered later, beside the client."""

    flow: http.HTTPFlow
    request: ClientRequest
    answer: Received
    caller: Caller


class Injector:
    """Decides with an authenticator, sends with mitmproxy, and marks what it did. For one event loop."""

    def __init__(
        self,
        mode: Inject,
        keyring: Keyring,
        trust: Trust,
        sender: Sender,
        *,
        manner: AuthSettings,
        callers: Callers,
        caller_of: Callable[[http.HTTPFlow], Awaitable[Caller]],
    ) -> None:
        """`manner` without what `mode` says; `callers`: for whom credentials may be used; `caller_of`: who sent it."""
        self.mode = mode
        self._keyring = keyring
        self._sender = sender
        self._callers = callers
        self._caller_of = caller_of
        manner = replace(manner, is_overriding=mode is Inject.OVERRIDE)
        self._authenticator = Authenticator(keyring, trust=trust, manner=manner)
        self._kept: dict[str, _Kept] = {}
        self._proved: Bounded[tuple[str, str, str | None], bool] = Bounded(_REMEMBERED)
        self._refused: Bounded[int, _Refused] = Bounded(_REMEMBERED)
        self._misled: Bounded[tuple[str, str, Origin], bool] = Bounded(_REMEMBERED)
        self._told: Bounded[tuple[str, Origin], bool] = Bounded(_REMEMBERED)
        self._sent_back: Bounded[tuple[str, Origin, str], float] = Bounded(_REMEMBERED)
        self.connections = Connections()

    # Before the request goes out

    async def prepare(self, flow: http.HTTPFlow, place: Place, recorder: Recorder) -> None:
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
        kept = self._kept[flow.id] = _Kept(request, caller, self._callers.objection(caller))
        if self.mode is Inject.VERIFY or kept.objection is not None:
            return
        await self._look_up(kept.request, recorder)
        kept.before = await self._sender.drive(flow, self._authenticator.preflight(kept.request, _begin(flow)))
        if kept.before.authorization is not None and self.connections.is_alone(flow):
            self._add(flow, kept, kept.before.authorization, recorder)
            self._note_ping(flow, place)

    def complete(self, flow: http.HTTPFlow) -> None:
        """The request is there with its body, and goes out next, if it was not streamed.

        Only now is it known of some whether they have a body, and what else came in on the connection meanwhile.
        """
        self.connections.complete(flow)
        kept = self._kept.get(flow.id)
        if kept is None or flow.request.stream:
            return
        kept.request = replace(
            kept.request,
            has_body=kept.request.has_body or bool(flow.request.raw_content) or bool(flow.request.trailers),
            is_alone=self.connections.is_alone(flow),
        )
        if kept.own is not None and self._authenticator.objection(kept.request, _begin(flow)) is not None:
            flow.request.headers.fields, kept.own, kept.before = kept.own, None, None
            FlowNotes(flow).changed(
                ChangeKind.CREDENTIALS_REMOVED, "regauth removed it again before the request was sent"
            )

    def _add(self, flow: http.HTTPFlow, kept: _Kept, found: Authorization, recorder: Recorder) -> None:
        kept.own = flow.request.headers.fields
        others = [field for field in kept.own if field[0].lower() != b"authorization"]
        # What a server may take for the end of the head must not stand before it.
        flow.request.headers.fields = ((b"Authorization", found.value.encode()), *others)
        self._mark(flow, recorder, _added(found, recorder, replaced=_brings_credentials(kept)))

    # When the answer is there

    async def settle(self, flow: http.HTTPFlow, place: Place, recorder: Recorder, number: int) -> None:
        """Take out what was added, and give the client a better answer than a refusal, if there is one.

        `number` is the exchange's; nothing is raised for what the registry or the token server does.
        """
        kept = self._kept.pop(flow.id, None)
        if kept is None:
            return
        if kept.own is not None:
            flow.request.headers.fields = kept.own
        response = flow.response
        if response is None or flow.error is not None:
            return
        received = received_of(response, response.timestamp_end or _begin(flow))
        if self.mode is Inject.VERIFY:
            if received.status in (401, 403):
                answer = replace(received, body=b"")
                self._refused[number] = _Refused(bare(flow), kept.request, answer, kept.caller)
        elif kept.objection is not None:
            await self._withhold(flow, kept, kept.objection, recorder)
        else:
            await self._answer(flow, kept, received, recorder)
            if flow.response is not response:
                self.heard(flow, kept.request.process)
                self._note_ping(flow, place)

    def heard(self, flow: http.HTTPFlow, process: int | None, *, is_whole: bool = True) -> None:
        """What the client is about to get may lead it elsewhere, whichever host it asked.

        `process` is the client's, as far as it is known; `is_whole`: the body is there, unless it is streamed.
        """
        response = flow.response
        if response is None or not flow.live:
            return
        endpoint = place_of(flow.request.method, origin_connected(flow), flow.request.path).endpoint
        request, now = replace(client_request(flow, endpoint), process=process), time.time()
        self._authenticator.note_answer(request, replace(received_of(response, now), body=b""))
        is_manifest = may_be_manifest(request, response.status_code, response.headers.get("content-type", ""))
        if is_manifest and (is_whole or response.stream):
            body = None if response.stream else plain_body(response, MAX_MANIFEST)
            self._authenticator.note_manifest(request, body, now)

    def answered(self, flow: http.HTTPFlow) -> None:
        """The head of the answer is there, before any of it goes to the client.

        A cookie of the registry for the injected credentials would let the client use them later.
        """
        kept = self._kept.get(flow.id)
        is_helped = kept is not None and kept.own is not None and flow.response is not None
        if is_helped and flow.response is not None and flow.response.headers.pop("set-cookie", None) is not None:
            FlowNotes(flow).changed(
                ChangeKind.COOKIE_REMOVED, "regauth removed Set-Cookie: the cookie belongs to the injected credentials"
            )

    def drop(self, flow: http.HTTPFlow) -> None:
        """The exchange broke off."""
        kept = self._kept.pop(flow.id, None)
        if kept is not None and kept.own is not None:
            flow.request.headers.fields = kept.own

    async def _answer(self, flow: http.HTTPFlow, kept: _Kept, received: Received, recorder: Recorder) -> None:
        outcome = await self._sender.drive(flow, self._authenticator.answer(kept.request, received, kept.before))
        answer, found = outcome.answer, outcome.authorization
        can_be_changed = flow.response is not None and flow.response.raw_content is not None
        is_cold = kept.before is None or kept.before.authorization is None
        may_wait = outcome.is_waiting and found is not None and can_be_changed
        if may_wait and found is not None and (is_cold or self._may_come_again(kept.request, received.at)):
            _name(found, recorder)
            flow.response = sent_back(flow)
            self._mark(flow, recorder, _answered(received.status), (ChangeKind.SENT_BACK, _COME_AGAIN))
            return
        if (answer or received).status in (401, 403):
            self._tell(flow, kept, outcome, recorder)
        if found is not None:
            _name(found, recorder)
        if answer is None or not can_be_changed:
            return
        flow.response = response_of(answer, flow)
        added = [_added(found, recorder, replaced=_brings_credentials(kept))] if found is not None else []
        self._mark(flow, recorder, _answered(received.status), *added)

    # Proof

    async def prove(self, finding: Finding, recorder: Recorder) -> None:
        """Find out whether what `finding` blames the client for would have gone well; once for a conversation."""
        key = (finding.client, finding.registry, finding.repository)
        telling = self._telling(finding)
        if telling is None or key in self._proved or not recorder.is_provable(finding):
            return
        number, held = telling
        flow, request = held.flow, held.request
        if request.method not in ("GET", "HEAD"):
            return
        self._proved[key] = True
        reason = self._callers.objection(held.caller)
        if reason is not None:
            undecided = Verification(outcome=Proved.UNDECIDED, status=None, note=objection(reason))
            recorder.prove(Proof(exchange=number, at=time.time(), verification=undecided))
            _note_setting(reason, held.caller, recorder)
            return
        await self._look_up(request, recorder)
        outcome = await self._sender.drive(flow, self._authenticator.verify(request, held.answer))
        if outcome.authorization is not None:
            _name(outcome.authorization, recorder)
        found = outcome.verification
        if found is None:
            return
        is_of_login = finding.repository is not None and need_of(request.method, request.path).repository is None
        if is_of_login and found.outcome is Proved.WOULD_HAVE_WORKED:
            found = replace(found, outcome=Proved.UNDECIDED)
        recorder.prove(Proof(exchange=number, at=time.time(), verification=found))

    def _telling(self, finding: Finding) -> tuple[int, _Refused] | None:
        """The refusal whose proof tells most of `finding`, and the number of the exchange that it is a proof for.

        A repository's before a ping's; where `finding` rests on a token server's answer, the one that led there.
        """
        refused = {number: self._refused[number].request for number in finding.exchanges if number in self._refused}
        needs = {number: need_of(request.method, request.path) for number, request in refused.items()}
        asked = [number for number, need in needs.items() if need.is_api]
        best = next((number for number in asked if needs[number].repository is not None), next(iter(asked), None))
        if best is not None:
            return best, self._refused[best]
        for held in reversed(list(self._refused.values())):
            if self._callers.objection(held.caller) is not None:
                continue
            repository = need_of(held.request.method, held.request.path).repository
            is_its = repository is not None and repository == finding.repository
            if is_its and str(held.request.origin) == finding.registry and finding.exchanges:
                return finding.exchanges[0], held
        return None

    # Common to all

    async def _withhold(self, flow: http.HTTPFlow, kept: _Kept, reason: Withheld, recorder: Recorder) -> None:
        """Say that a client was refused for which credentials are held and may not be used."""
        need, response = need_of(kept.request.method, kept.request.path), flow.response
        is_refused = need.is_api and response is not None and response.status_code in (401, 403)
        if not is_refused or (self.mode is Inject.FILL and _brings_credentials(kept)):
            return
        if (await self._keyring.login_for(kept.request.origin, need.repository)).login is None:
            return
        FlowNotes(flow).withheld(reason)
        _note_setting(reason, kept.caller, recorder)

    async def _look_up(self, request: ClientRequest, recorder: Recorder) -> None:
        need = need_of(request.method, request.path)
        if not (need.is_api or need.is_unclear):
            return
        for origin in dict.fromkeys((request.origin, *filter(None, request.named))):
            found = await self._keyring.login_for(origin, need.repository)
            if found.login is not None:
                _remember(found.login, recorder)
                self._tell_source(found, origin, recorder)

    def _tell_source(self, found: Found, origin: Origin, recorder: Recorder) -> None:
        """Note once where a login comes from: "which credential was it" is half of many a riddle."""
        where = found.matched
        if where is None or found.login is None or (found.login.id, origin) in self._told:
            return
        self._told[found.login.id, origin] = True
        place = f"{shortened(where.source, os.environ)} {where.key}".strip()
        host = recorder.redactor.host_name(origin.host)
        recorder.note(recorder.redactor.own_text(f"regauth's credentials for {host} are those of {place}"))

    def _may_come_again(self, request: ClientRequest, now: float) -> bool:
        """Whether a client that was helped in vain may be sent there again; seldom, so that it goes in no circle."""
        key = request.client, request.origin, request.path
        if now < self._sent_back.get(key, 0.0):
            return False
        self._sent_back[key] = now + _CIRCLE
        return True

    def _tell(self, flow: http.HTTPFlow, kept: _Kept, outcome: AuthResult, recorder: Recorder) -> None:
        """Say why a request was refused all the same: what was kept back is for a rule, anything else for a note."""
        reasons = dict.fromkeys((*(kept.before.reasons if kept.before is not None else ()), *outcome.reasons))
        withheld = next((one for one in reasons if isinstance(one, Withheld) and one not in _QUIET), None)
        if withheld is not None:
            FlowNotes(flow).withheld(withheld)
        host = recorder.redactor.host_name(kept.request.origin.host)
        if StopReason.NO_LOGIN in reasons and not _brings_credentials(kept):
            recorder.note(f"no source in regauth_credentials covers {host}")
        for reason in reasons if StopReason.RECENTLY_REFUSED not in reasons else ():
            if isinstance(reason, StopReason) and reason not in _QUIET:
                recorder.note(f"regauth's credentials for {host}: {objection(reason)}")

    def _mark(self, flow: http.HTTPFlow, recorder: Recorder, *changes: _Change) -> None:
        for change in changes:
            FlowNotes(flow).changed(*change)
        flow.marked = flow.marked or ":key:"
        flow.comment = flow.comment or "changed by regauth"
        recorder.note(
            f"regauth_inject={self.mode} changed some exchanges, which can hide a client bug; "
            "record with regauth_inject=off to see what the client does by itself"
        )

    def _note_ping(self, flow: http.HTTPFlow, place: Place) -> None:
        """The client does not get the ping's own answer, and draws its conclusions."""
        if place.endpoint is Endpoint.PING:
            self._misled[_who(flow)] = True


def _note_setting(reason: Withheld, caller: Caller, recorder: Recorder) -> None:
    """Say what would allow it, where that has to be found out."""
    who = {
        Withheld.OTHER_MACHINE: str(recorder.redactor.host_name(caller.address)),
        Withheld.OTHER_USER: f"uid:{caller.user}",
    }.get(reason)
    if who is not None:
        recorder.note(f"regauth's credentials are not used for {who}; regauth_clients={who} allows that")


def _who(flow: http.HTTPFlow) -> tuple[str, str, Origin]:
    """A client at a registry, as well as it can be told here."""
    return address_of(flow), flow.request.headers.get("user-agent", ""), origin_connected(flow)


def _brings_credentials(kept: _Kept) -> bool:
    return bool(kept.request.values("authorization"))


def _answered(status: int) -> _Change:
    return ChangeKind.ANSWER_REPLACED, _UPSTREAM_SAID.format(status=status)


def _added(found: Authorization, recorder: Recorder, *, replaced: bool) -> _Change:
    what = f"a {found.scheme.capitalize()} credential ({_name(found, recorder)})"
    if replaced:
        return ChangeKind.CREDENTIALS_REPLACED, f"regauth replaced the client's credential by {what}"
    return ChangeKind.CREDENTIALS_ADDED, f"regauth added {what}"


def _name(found: Authorization, recorder: Recorder) -> str:
    """The fingerprint by which the reports call what was sent; the sweep looks for it from now on."""
    for each in credentials(found.value):
        if each.pair is not None:
            recorder.redactor.remember(each.value)
            return recorder.redactor.fingerprint(each.pair[1], "pw")
        return recorder.redactor.fingerprint(each.value, "tok")
    return "nothing"


def _remember(login: Login, recorder: Recorder) -> None:
    if login.password:
        recorder.redactor.fingerprint(login.password, "pw")
    for secret in (login.identity_token, login.registry_token):
        if secret:
            recorder.redactor.remember(secret)


def _begin(flow: http.HTTPFlow) -> float:
    return flow.request.timestamp_start
