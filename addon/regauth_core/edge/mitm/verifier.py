"""Proves a finding: sends beside the client, with regauth's credentials, what a correct client would have sent."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Final

from mitmproxy import http

from regauth_core.auth.authenticator import Authenticator
from regauth_core.auth.callers import Caller, Callers
from regauth_core.auth.messages import ClientRequest, Received
from regauth_core.auth.required_access import required_access_of
from regauth_core.auth.verification import objection
from regauth_core.bounded import Bounded
from regauth_core.edge.mitm.notes import Notes
from regauth_core.edge.mitm.own_credentials import OwnCredentials, name_of, note_setting
from regauth_core.edge.mitm.subrequests import RequestSender
from regauth_core.edge.mitm.translation import bare
from regauth_core.model.finding import Finding, Proof, ProofResult, Verification

_REMEMBERED: Final = 1000


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal that may be answered later, beside the client."""

    flow: http.HTTPFlow
    request: ClientRequest
    answer: Received
    """Without its body."""
    caller: Caller


class Verifier:
    """Keeps the refusals that clients got, and answers one when a finding rests on it. For one event loop."""

    def __init__(
        self, authenticator: Authenticator, own_credentials: OwnCredentials, sender: RequestSender, callers: Callers
    ) -> None:
        """`callers`: for whom credentials may be used."""
        self._authenticator = authenticator
        self._own_credentials = own_credentials
        self._sender = sender
        self._callers = callers
        self._proved: Bounded[tuple[str, str, str | None], bool] = Bounded(_REMEMBERED)
        self._refused: Bounded[int, Refused] = Bounded(_REMEMBERED)

    def note_answer(
        self, number: int, flow: http.HTTPFlow, request: ClientRequest, received: Received, caller: Caller
    ) -> None:
        """Exchange `number` has its answer; a refusal is kept."""
        if received.status in (401, 403):
            self._refused[number] = Refused(bare(flow), request, replace(received, body=b""), caller)

    async def prove(self, finding: Finding, notes: Notes) -> Proof | None:
        """Whether what `finding` blames the client for would have gone well; once for a conversation.

        `None` where that cannot be found out, or was found out before.
        """
        key = (finding.client, finding.registry, finding.repository)
        chosen = self.refusal_of(finding)
        if chosen is None or key in self._proved:
            return None
        number, refused = chosen
        flow, request = refused.flow, refused.request
        if request.method not in ("GET", "HEAD"):
            return None
        self._proved[key] = True
        reason = self._callers.objection(refused.caller)
        if reason is not None:
            undecided = Verification(outcome=ProofResult.UNDECIDED, status=None, note=objection(reason))
            note_setting(reason, refused.caller, notes)
            return Proof(exchange=number, at=time.time(), verification=undecided)
        await self._own_credentials.look_up(request, notes)
        result = await self._sender.drive(flow, self._authenticator.verify(request, refused.answer))
        if result.authorization is not None:
            name_of(result.authorization, notes.redactor)
        verification = result.verification
        if verification is None:
            return None
        is_of_login = (
            finding.repository is not None and required_access_of(request.method, request.path).repository is None
        )
        if is_of_login and verification.outcome is ProofResult.WOULD_HAVE_WORKED:
            verification = replace(verification, outcome=ProofResult.UNDECIDED)
        return Proof(exchange=number, at=time.time(), verification=verification)

    def refusal_of(self, finding: Finding) -> tuple[int, Refused] | None:
        """The refusal whose proof says most about `finding`, and the number of the exchange that it is a proof for.

        A repository's before a ping's; where `finding` rests on a token server's answer, the one that led there.
        """
        refused = {number: self._refused[number].request for number in finding.exchanges if number in self._refused}
        needs = {number: required_access_of(request.method, request.path) for number, request in refused.items()}
        asked = [number for number, need in needs.items() if need.is_api]
        best = next((number for number in asked if needs[number].repository is not None), next(iter(asked), None))
        if best is not None:
            return best, self._refused[best]
        for other in reversed(list(self._refused.values())):
            if self._callers.objection(other.caller) is not None:
                continue
            repository = required_access_of(other.request.method, other.request.path).repository
            is_its = repository is not None and repository == finding.repository
            if is_its and str(other.request.origin) == finding.registry and finding.exchanges:
                return finding.exchanges[0], other
        return None
