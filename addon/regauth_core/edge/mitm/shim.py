"""The shim: a ping that says what the registry asks of a repository, so that ping-first clients use what they hold.

Holds no secret, and so it is for every client. containers/image reads a challenge on a ping of any status; docker's
graph-driver store and go-containerregistry read it on a 401.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mitmproxy import http

from regauth_core.auth.messages import Purpose, Send
from regauth_core.bounded import Bounded
from regauth_core.conversation import engines
from regauth_core.edge.inputs.flows import FlowNotes
from regauth_core.edge.mitm.notes import Notes
from regauth_core.edge.mitm.subrequests import RequestSender, origin_connected
from regauth_core.model import ChangeKind, Endpoint, Origin
from regauth_core.protocol import challenge
from regauth_core.recording.traffic import Destination

_REMEMBERED: Final = 1000
_ON_SUCCESS: Final = frozenset({engines.CONTAINERS_IMAGE})
_ON_REFUSAL: Final = frozenset({engines.DOCKER_DISTRIBUTION, engines.GO_CONTAINERREGISTRY})
_KEPT: Final = ("realm", "service")


@dataclass(frozen=True, slots=True)
class ShimTarget:
    """A registry whose ping may be rewritten, and a repository that is asked for the challenge."""

    host: str
    """``HOST`` or ``HOST:PORT``, in lower case."""
    repository: str | None = None

    def covers(self, origin: Origin) -> bool:
        """Whether `origin` is meant; without a port any is."""
        host = f"[{origin.host}]" if ":" in origin.host else origin.host
        return self.host in (host, f"{host}:{origin.port}")


class Shim:
    """Rewrites pings of the registries that are named, and of no other."""

    def __init__(self, named: Sequence[ShimTarget], sender: RequestSender) -> None:
        self._named = tuple(named)
        self._sender = sender
        self._known: Bounded[Origin, tuple[str, ...]] = Bounded(_REMEMBERED)
        self._asked: Bounded[Origin, bool] = Bounded(_REMEMBERED)

    async def prepare(self, flow: http.HTTPFlow, place: Destination, notes: Notes) -> None:
        """Before a ping: find out what a named repository asks for, once."""
        origin = origin_connected(flow)
        if place.endpoint is not Endpoint.PING or origin in self._known or origin in self._asked:
            return
        one = next((each for each in self._named if each.covers(origin) and each.repository), None)
        if one is None or not flow.live:
            return
        self._asked[origin] = True
        path = f"/v2/{one.repository}/tags/list"
        asked = Send(purpose=Purpose.PROBE, method="GET", origin=origin, path=path, is_body_wanted=False)
        answer = await self._sender.send(flow, asked)
        self._learn(origin, answer.values("www-authenticate") if answer.status == 401 else ())

    def on_response_headers(self, flow: http.HTTPFlow) -> None:
        """The head of the answer is there: nothing of it is changed yet."""

    def on_error(self, flow: http.HTTPFlow) -> None:
        """The exchange broke off: nothing of it was changed."""

    async def on_response(self, flow: http.HTTPFlow, place: Destination, notes: Notes, number: int) -> None:
        """After an answer: learn from a refusal, or add to a ping what was learnt."""
        response, origin = flow.response, origin_connected(flow)
        if response is None or not any(each.covers(origin) for each in self._named):
            return
        lines = response.headers.get_all("www-authenticate")
        if response.status_code == 401:
            self._learn(origin, lines)
        is_open = place.endpoint is Endpoint.PING and response.status_code == 200 and not lines
        if not is_open or "authorization" in flow.request.headers:
            return
        engine = _engine(flow)
        if engine not in _ON_SUCCESS | _ON_REFUSAL:
            return
        known = self._known.get(origin)
        if known is None:
            host = notes.redactor.host_name(origin.host)
            notes.note(
                f"regauth_inject=shim did not change the ping of {host}: it has seen no challenge from there yet; "
                "name a repository that asks for authentication, as HOST/REPOSITORY, or try again"
            )
            return
        _rewrite(flow, response, known, refuse=engine in _ON_REFUSAL)
        notes.note(
            "regauth_inject=shim changed the registry's ping, which can hide a client bug; record with "
            "regauth_inject=off to see what the client does by itself"
        )

    def _learn(self, origin: Origin, lines: Sequence[str]) -> None:
        found = tuple(filter(None, (_of_ping(each) for each in challenge.read(lines).challenges)))
        if found:
            self._known[origin] = found


def _rewrite(flow: http.HTTPFlow, response: http.Response, lines: Sequence[str], *, refuse: bool) -> None:
    response.headers.set_all("WWW-Authenticate", lines)
    if refuse:
        response.status_code, response.reason = 401, "Unauthorized"
        kind = ChangeKind.PING_REFUSED
        what = (
            "regauth changed the 200 of this ping to a 401 with the challenge that the registry sends for a repository"
        )
    else:
        kind = ChangeKind.CHALLENGE_ADDED
        what = "regauth added to this ping the challenge that the registry sends for a repository"
    FlowNotes(flow).changed(kind, what)
    flow.marked = flow.marked or ":key:"
    flow.comment = flow.comment or "changed by regauth"


def _engine(flow: http.HTTPFlow) -> str | None:
    headers = flow.request.headers
    if found := engines.engine_of_agent(headers.get("user-agent", "")):
        return found
    return engines.CONTAINERS_IMAGE if "docker-distribution-api-version" in headers else None


def _of_ping(one: challenge.RawChallenge) -> str | None:
    """The challenge without what concerns one repository; `None` for schemes that registry clients do not speak."""
    scheme = one.scheme.capitalize()
    if scheme not in ("Basic", "Bearer"):
        return None
    given = [(name, value) for name in _KEPT if (value := one.parameter(name)) is not None]
    if scheme == "Bearer" and not one.parameter("realm"):
        return None
    quoted = ((name, value.replace("\\", "\\\\").replace('"', '\\"')) for name, value in given)
    return f"{scheme} " + ",".join(f'{name}="{value}"' for name, value in quoted) if given else f'{scheme} realm=""'
