"""A registry, its token server and its blob host, as one scenario describes them.

Pure: requests, times and a secret go in, answers come out; no socket, no clock and no randomness. Not safe for several
threads at once.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from email.utils import formatdate

from regauth_core.model import Endpoint
from regauth_core.simulate.access import AccessControl, Asker, CredentialState
from regauth_core.simulate.challenges import Setting, challenge_lines
from regauth_core.simulate.endpoints import Endpoints, ranged
from regauth_core.simulate.hosts import BLOB_PATH, HostRole, Hosts
from regauth_core.simulate.issuer import ISSUED, Issuer
from regauth_core.simulate.message import Answer, Asked, WantedAccess, finished, json_answer, refusal
from regauth_core.simulate.policy import AnswerStep, Challenging, Scenario
from regauth_core.simulate.route import Route, needs, route
from regauth_core.simulate.steps import Steps, answer_of
from regauth_core.simulate.store import RegistryContent
from regauth_core.simulate.tokens import IssuedTokens

__all__ = ["ROOM", "Answer", "Asked", "Registry"]

ROOM = 64 << 20
_VERSION = ("Docker-Distribution-Api-Version", "registry/2.0")
_CODES = {401: "UNAUTHORIZED", 403: "DENIED", 404: "NAME_UNKNOWN"}
_TYPES = {"html": "text/html", "text": "text/plain"}
_MESSAGES = {401: "authentication required", 403: "requested access is denied", 404: "no such repository"}


class Registry:
    """All the hosts of one scenario."""

    def __init__(self, scenario: Scenario, *, secret: bytes, room: int = ROOM) -> None:
        """`secret` signs tokens, URLs and the names of uploads: the same one gives the same answers.

        `room`: bytes of all that clients may push.
        """
        self.scenario = scenario
        self._policy = scenario.registry
        self._places = Hosts(scenario, _derived(secret, "places"))
        store = RegistryContent(scenario, _derived(secret, "store"), room)
        self._store = store
        self._endpoints = Endpoints(self._policy, store, self._places)
        self._answers = Steps(scenario.answers)
        self._steps = Steps(self._policy.steps)
        constant = tuple((header.name, header.value) for header in self._policy.headers)
        self._marks = (*constant, _VERSION) if self._policy.version else constant
        token = scenario.token
        is_opaque, uses = (token.kind == "opaque", token.uses) if token else (False, None)
        tokens = IssuedTokens(_derived(secret, "tokens"), opaque=is_opaque, uses=uses)
        self._issuer = Issuer(scenario, token, tokens) if token else None
        self._token_steps = Steps(token.steps if token else ())
        self._service = self._issuer.service if self._issuer else self._policy.host
        self._access = AccessControl(scenario, tokens, self._service)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The host names of the scenario, without ports."""
        return self._places.hosts

    def serves(self, host: str) -> bool:
        """Whether requests to `host` (no port, any case) are for this registry: all below ``.test``, and its hosts."""
        return self._places.serves(host)

    def reaches(self, host: str, port: int) -> bool:
        """Whether a connection to `host` (no port, any case), which is not served here, may be made at `port`."""
        return self.scenario.elsewhere == "reached" and not self._places.refuses(host, port)

    def refuses(self, host: str, port: int) -> bool:
        """Whether the scenario says that nothing can be reached at `host` and `port`."""
        return self._places.refuses(host, port)

    def answer(self, asked: Asked, now: float) -> Answer:
        """The answer to one request at `now`, in seconds since the epoch. Raises nothing, whatever was asked."""
        role = self._places.role(asked)
        step = self._answers.take(asked, route(asked.route).endpoint)
        answer = self._recorded(step, asked, now) if step else self._usual(role, asked, now)
        token = self.scenario.token
        if token and token.clock_ahead:
            clock = now + (token.clock_ahead if role is HostRole.TOKEN else 0)
            answer = answer.with_headers(("Date", formatdate(clock, usegmt=True)))
        return finished(answer, asked.method)

    def _usual(self, role: HostRole, asked: Asked, now: float) -> Answer:
        match role:
            case HostRole.TOKEN if self._issuer:
                step = self._token_steps.take(asked, None)
                return self._recorded(step, asked, now) if step else self._issuer.answer(asked, now)
            case HostRole.BLOBS:
                return self._stored(asked, now)
            case HostRole.REGISTRY:
                return self._registry(asked, now).with_headers(*self._marks)
            case _:
                return refusal(404, "UNSUPPORTED", "not found")

    def _registry(self, asked: Asked, now: float) -> Answer:
        place = route(asked.route)
        step = self._steps.take(asked, place.endpoint)
        if step:
            return self._recorded(step, asked, now)
        if place.endpoint is Endpoint.V2_OTHER:
            return refusal(404, "UNSUPPORTED", "no such operation")
        if asked.method not in place.methods:
            allowed = ("Allow", ", ".join(place.methods))
            return refusal(405, "UNSUPPORTED", "method not allowed").with_headers(allowed)
        if not place.proper:
            return refusal(400, "NAME_INVALID", "invalid repository name")
        if len(asked.all("authorization")) > 1:
            return refusal(400, "UNSUPPORTED", "more than one Authorization header")
        asker = self._access.asker(asked, now)
        match place.endpoint:
            case Endpoint.PING:
                return self._ping(asked, asker)
            case Endpoint.CATALOG:
                return self._catalog(asked, place, asker)
            case _:
                return self._repository(asked, place, asker, now)

    def _recorded(self, step: AnswerStep, asked: Asked, now: float) -> Answer:
        """The answer that `step` stands for, with its challenges and its token."""
        if step.allowed:
            return self._served(asked, now)
        answer = answer_of(step)
        issuer = self._issuer
        if issuer and ISSUED.search(step.body):
            body = ISSUED.sub(lambda match: issuer.token(asked, now, match[1]), step.body)
            answer = replace(answer, body=body.encode("utf-8", "replace"))
        if not step.challenge:
            return answer
        place = route(asked.route)
        setting = self._setting(asked, needs(asked, place) if place.proper else ())
        return answer.with_headers(*(("WWW-Authenticate", setting.fill(line)) for line in step.challenge))

    def _served(self, asked: Asked, now: float) -> Answer:
        """The answer for somebody who may do everything."""
        place = route(asked.route)
        if place.endpoint is Endpoint.PING:
            return json_answer(200, {}).with_headers(*self._marks)
        if asked.method not in place.methods or self.scenario.repository(place.repository) is None:
            return refusal(404, "NAME_UNKNOWN", "no such repository").with_headers(*self._marks)
        return self._endpoints.answer(asked, place, now, may_mount=True).with_headers(*self._marks)

    def _ping(self, asked: Asked, asker: Asker) -> Answer:
        status: int = getattr(self._policy.ping, asker.standing)
        policy = self._policy.ping.challenge or self._policy.challenge
        answer = json_answer(200, {}) if status == 200 else self._denial(status, ())
        return self._challenged(answer, asked, policy, (), asker.error)

    def _catalog(self, asked: Asked, place: Route, asker: Asker) -> Answer:
        if self._policy.catalog == "nobody":
            return refusal(404, "UNSUPPORTED", "repositories are not listed")
        wanted = needs(asked, place)
        names = self._access.listed(asker, wanted[0])
        if names is None:
            return self._denied(asked, asker, self._policy.challenge, wanted)
        return self._endpoints.catalog(asked, names)

    def _repository(self, asked: Asked, place: Route, asker: Asker, now: float) -> Answer:
        deny = self._policy.deny
        repository = self.scenario.repository(place.repository)
        policy = (repository.challenge if repository else None) or self._policy.challenge
        wanted = needs(asked, place)
        rule = next((rule.rule for rule in self._policy.methods if rule.name == asked.method), "rights")
        if isinstance(rule, int):
            return self._challenged(self._denial(rule, wanted), asked, policy, wanted, None)
        if rule == "rights":
            is_refused = asker.standing is CredentialState.INVALID and deny.invalid != "ignored"
            is_visible = repository is not None or deny.hide_unknown
            lacks = not all(self._access.may(asker, need) for need in self._access.demanded(asker, wanted))
            if is_refused or (is_visible and lacks):
                return self._denied(asked, asker, policy, wanted)
        if repository is None:
            return refusal(404, "NAME_UNKNOWN", "no such repository")
        may_mount = all(self._access.may(asker, need) for need in wanted[1:])
        return self._endpoints.answer(asked, place, now, may_mount=may_mount)

    def _denied(self, asked: Asked, asker: Asker, policy: Challenging, wanted: tuple[WantedAccess, ...]) -> Answer:
        deny, error = self._policy.deny, None
        status: int = deny.anonymous
        if asker.standing is CredentialState.VALID:
            status = deny.insufficient or (401 if asker.grant else 403)
            error = "insufficient_scope" if asker.grant else None
        elif asker.standing is CredentialState.INVALID and deny.invalid != "ignored":
            status, error = deny.invalid, asker.error
        return self._challenged(self._denial(status, wanted), asked, policy, wanted, error)

    def _denial(self, status: int, wanted: tuple[WantedAccess, ...]) -> Answer:
        deny = self._policy.deny
        message = deny.message or _MESSAGES.get(status, "this is not supported")
        if deny.body == "errors":
            code = deny.code or _CODES.get(status, "UNSUPPORTED")
            return refusal(status, code, message, wanted if deny.detail else ())
        if deny.body == "empty":
            return Answer(status=status)
        text = f"<html><body>{message}</body></html>\n" if deny.body == "html" else f"{message}\n"
        return Answer(status=status, headers=(("Content-Type", _TYPES[deny.body]),), body=text.encode())

    def _challenged(
        self, answer: Answer, asked: Asked, policy: Challenging, wanted: tuple[WantedAccess, ...], error: str | None
    ) -> Answer:
        """`answer` with the `WWW-Authenticate` lines that its status carries."""
        if answer.status not in policy.statuses:
            return answer
        is_bearer = self._issuer is not None
        lines = challenge_lines(policy, self._setting(asked, wanted), bearer=is_bearer, error=error)
        return answer.with_headers(*(("WWW-Authenticate", line) for line in lines))

    def _setting(self, asked: Asked, wanted: tuple[WantedAccess, ...]) -> Setting:
        setting = Setting(
            realm=self._places.realm(asked),
            service=self._service,
            scope=" ".join(need.scope for need in wanted),
            repository=wanted[0].name if wanted else "",
            actions=",".join(wanted[0].actions) if wanted else "",
            scheme=asked.scheme,
            registry=asked.authority,
            token=self._places.token_authority(asked),
        )
        token = self.scenario.token
        return replace(setting, realm=setting.fill(token.realm)) if token and token.realm is not None else setting

    def _stored(self, asked: Asked, now: float) -> Answer:
        """The blob host's answer: the signature in the URL is all that counts."""
        name = asked.route.removeprefix(BLOB_PATH)
        if asked.method not in ("GET", "HEAD"):
            return refusal(405, "UNSUPPORTED", "method not allowed").with_headers(("Allow", "GET, HEAD"))
        # Asked by a name outside the scenario, registry and blob host are one origin: there the header may stay.
        is_apart = self.serves(asked.host)
        if is_apart and asked.all("authorization") and self._policy.blobs.authorization == "refused":
            return _xml(400, "InvalidArgument", "Only one way to authenticate is allowed")
        if not self._places.signed(asked, name, now):
            return _xml(403, "AccessDenied", "Request has expired, or its signature does not match")
        data = self._store.any_blob(name)
        return _xml(404, "NoSuchKey", "No such blob") if data is None else ranged(asked, data)


def _xml(status: int, code: str, message: str) -> Answer:
    """An error as object stores write it."""
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Answer(status=status, headers=(("Content-Type", "application/xml"),), body=text.encode())


def _derived(secret: bytes, purpose: str) -> bytes:
    return hmac.new(secret, purpose.encode(), hashlib.sha256).digest()
