"""Every failure has one account: whatever is asked, sent and answered, something is said of it."""

from __future__ import annotations

from collections.abc import Iterator
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.notation import read
from kit.random_conversations import lines
from regauth_core.diagnosis.diagnoser import Diagnoser
from regauth_core.model import Endpoint
from regauth_core.model.finding import Diagnosis, Finding, Severity
from regauth_core.model.journal import Ending
from regauth_core.protocol.target import read as target_of

DIGEST = "sha256:" + "a" * 64
REGISTRY = {
    "ping": "GET /v2/",
    "catalog": "GET /v2/_catalog",
    "tags": "GET /v2/foo/tags/list",
    "manifest": "GET /v2/foo/manifests/1",
    "manifest by HEAD": "HEAD /v2/foo/manifests/1",
    "manifest of a digest": f"GET /v2/foo/manifests/{DIGEST}",
    "manifest pushed": "PUT /v2/foo/manifests/1",
    "manifest deleted": "DELETE /v2/foo/manifests/1",
    "blob": f"GET /v2/foo/blobs/{DIGEST}",
    "blob by HEAD": f"HEAD /v2/foo/blobs/{DIGEST}",
    "upload begun": "POST /v2/foo/blobs/uploads/",
    "mount": f"POST /v2/foo/blobs/uploads/?mount={DIGEST}&from=bar",
    "upload": "PATCH /v2/foo/blobs/uploads/u1",
    "upload ended": f"PUT /v2/foo/blobs/uploads/u1?digest={DIGEST}",
    "referrers": f"GET /v2/foo/referrers/{DIGEST}",
    "extension": "GET /v2/_ext/discover",
}
SENT = {"nothing": "-", "a password": "basic(alice)", "a token": "bearer(t1)"}
STATUSES = [*map(str, range(400, 600)), "refused", "tls"]
ISSUE = "GET {realm}?service=s&scope=repository:foo:pull,push basic(alice) -> 200 token t1 expires_in=300\n"
ASKED_FIRST = 'GET /v2/foo/manifests/1 - -> 401 challenge Bearer {realm},service="s",scope="repository:foo:pull"\n'
AT_TOKEN_SERVER = {
    "nothing": ("GET {realm}?service=s&scope=repository:foo:pull -", ""),
    "a password": ("GET {realm}?service=s&scope=repository:foo:pull basic(alice)", ""),
    "a form": ("POST {realm} -", "\n  form grant_type=password&service=s&username=alice&password=wonder-land-1"),
}


def _registry_talks(name: str) -> Iterator[tuple[str, str, str]]:
    """What was sent, the status, and the conversation."""
    for sent, credential in SENT.items():
        before = ISSUE if sent == "a token" else ""
        for status in STATUSES:
            yield sent, status, f"{before}{REGISTRY[name]} {credential} -> {status}\n"


def _token_server_talks() -> Iterator[tuple[str, str, str]]:
    for sent, (request, form) in AT_TOKEN_SERVER.items():
        for status in STATUSES:
            yield sent, status, f"{ASKED_FIRST}{request} -> {status}{form}\n"


def _unaccounted(diagnosis: Diagnosis) -> list[str]:
    """The failures that are not accounted for exactly once."""
    rules = {f.rule for f in diagnosis.findings} | {u.rule for u in diagnosis.undecided}
    wrong = []
    for operation in diagnosis.operations:
        if operation.end.is_failure and operation.account not in rules:
            wrong.append(f"{operation.kind} ended {operation.status} and is explained by {operation.account}")
    return wrong


def _sentences(findings: tuple[Finding, ...]) -> list[str]:
    return [text for f in findings for text in (f.title, f.explanation, f.advice.user, f.advice.client_author)]


@pytest.mark.parametrize("name", REGISTRY)
def test_every_status_of_a_registry_has_an_account(name: str) -> None:
    """Each status from 400 to 599, and no answer at all, on each endpoint, with and without credentials."""
    for sent, status, text in _registry_talks(name):
        diagnosis = read(text, name).diagnosis()
        assert _unaccounted(diagnosis) == [], (sent, status)
        assert any(o.end.is_failure for o in diagnosis.operations) or _is_answer(name, sent, status), (sent, status)
        assert all(s and "None" not in s and "{" not in s for s in _sentences(diagnosis.findings)), (sent, status)


def _is_answer(name: str, sent: str, status: str) -> bool:
    """Whether such a status says that something is not there or not offered, which is no failure."""
    method, path = REGISTRY[name].split()
    about = target_of(method, path, name=lambda n: n, text=lambda t: t, host=lambda h: h)  # type: ignore[arg-type,return-value]
    reads = method in ("GET", "HEAD") and about.endpoint is not Endpoint.PING
    rare = method == "DELETE" or about.endpoint in (Endpoint.REFERRERS, Endpoint.CATALOG, Endpoint.V2_OTHER)
    if status == "404":
        return reads or method == "DELETE"
    if status in ("405", "501"):
        return rare
    # Whatever is said to a probe that nothing depends on, is no failure.
    return status == "400" and (method == "DELETE" or about.endpoint is Endpoint.REFERRERS)


def test_every_status_of_a_token_server_has_an_account() -> None:
    """Each status from 400 to 599, and no answer at all, anonymous, with Basic and with a form."""
    for sent, status, text in _token_server_talks():
        diagnosis = read(text, status).diagnosis()
        assert _unaccounted(diagnosis) == [], (sent, status)
        assert any(o.end.is_failure for o in diagnosis.operations), (sent, status)
        assert diagnosis.findings or diagnosis.undecided, (sent, status)
        assert all(s and "None" not in s and "{" not in s for s in _sentences(diagnosis.findings)), (sent, status)


@settings(max_examples=400, deadline=None)
@given(lines("c1", ("foo", "bar")))
def test_whoever_gets_nothing_gets_a_sentence(said: list[str]) -> None:
    """Whatever a client says and hears: each failure is accounted for, and one at the end is never passed over."""
    talk = read("\n".join(said), "generated")
    diagnosis = talk.diagnosis()
    assert _unaccounted(diagnosis) == []
    seen = list(talk.exchanges())
    last = seen[-1]
    got = any(200 <= e.status < 400 or e.status == 404 for e in seen)
    is_refused = last.status in (401, 403, 429, 500) and last.target.endpoint is not Endpoint.ELSEWHERE
    if is_refused and not got:
        assert diagnosis.findings or diagnosis.undecided


CHALLENGES = {
    "basic": 'Basic realm="r"',
    "bearer": 'Bearer {{realm}},service="s",scope="repository:{name}:{actions}"',
    "bearer without scope": 'Bearer {{realm}},service="s"',
}


class _Correct:
    """A client that answers what it is asked, at a registry that answers."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.lines: list[str] = []
        self.kind = draw(st.sampled_from(sorted(CHALLENGES)))
        self.is_open = draw(st.booleans())
        self.authorization = "-"
        self.scopes: set[str] = set()
        self.tokens = 0

    def ask(self, request: str, answer: str, name: str, actions: str) -> None:
        """One request with all that it takes to get the answer."""
        need = f"{name}:{actions}"
        knows = self.authorization != "-" and (self.kind == "basic" or need in self.scopes)
        if (self.is_open and actions == "pull") or knows:
            self.lines.append(f"{request} {self.authorization} -> {answer}")
            return
        challenge = CHALLENGES[self.kind].format(name=name, actions=actions)
        self.lines.append(f"{request} {self.authorization} -> 401 challenge {challenge}")
        if self.kind == "basic":
            self.authorization = "basic(alice)"
        else:
            self.tokens += 1
            scope = f"&scope=repository:{name}:{actions}"
            self.lines.append(f"GET {{realm}}?service=s{scope} basic(alice) -> 200 token t{self.tokens} expires_in=300")
            self.authorization = f"bearer(t{self.tokens})"
            self.scopes = {need, f"{name}:pull"}
        self.lines.append(f"{request} {self.authorization} -> {answer}")

    def ping(self) -> None:
        """Looks what the registry wants."""
        kind = 'Basic realm="r"' if self.kind == "basic" else 'Bearer {realm},service="s"'
        self.lines.append(f"GET /v2/ - -> {'200' if self.is_open else f'401 challenge {kind}'}")

    def pull(self, name: str) -> None:
        """A tag, its manifest, its layers, and what may refer to it."""
        self.ask(f"HEAD /v2/{name}/manifests/1", "200", name, "pull")
        self.ask(f"GET /v2/{name}/manifests/{DIGEST}", "200", name, "pull")
        self.ask(f"GET /v2/{name}/blobs/{DIGEST}", self.draw(st.sampled_from(["200", STORED])), name, "pull")
        if self.lines[-1].endswith(STORED):
            self.lines.append(f"GET {STORE} - -> 200")
        if self.draw(st.booleans()):
            self.ask(f"GET /v2/{name}/referrers/{DIGEST}", self.draw(st.sampled_from(["404", "200"])), name, "pull")

    def push(self, name: str) -> None:
        """What is there is not sent again; the rest is."""
        there = self.draw(st.booleans())
        self.ask(f"HEAD /v2/{name}/blobs/{DIGEST}", "200" if there else "404", name, "pull")
        if not there:
            mounted = self.draw(st.sampled_from(["", f"?mount={DIGEST}&from={name}"]))
            place = f"/v2/{name}/blobs/uploads/u{len(self.lines)}"
            self.ask(f"POST /v2/{name}/blobs/uploads/{mounted}", f"202 location {place}", name, "pull,push")
            self.ask(f"PATCH {place}", f"202 location {place}", name, "pull,push")
            self.ask(f"PUT {place}?digest={DIGEST}", "201", name, "pull,push")
        self.ask(f"PUT /v2/{name}/manifests/1", "201", name, "pull,push")


def test_time_is_linear_in_the_failures() -> None:
    """Four times the failures take no more than ten times as long, in one conversation and in many."""
    for path in ("/v2/foo/blobs/sha256:{n:064x}", "/v2/r{n}/manifests/1"):

        def seconds(count: int, path: str = path) -> float:
            asked = (f"GET {path.format(n=n)} basic(alice) -> {(500, 403, 401)[n % 3]}" for n in range(count))
            seen = list(read("\n".join(asked), "many").exchanges())
            begin = process_time()
            diagnoser = Diagnoser()
            for exchange in seen:
                diagnoser.add(exchange)
            diagnoser.finish(Ending.GONE)
            return process_time() - begin

        assert seconds(4000) < 10 * max(seconds(1000), 0.05)


STORE = "https://store.test/layer?X-Amz-Signature=0123456789abcdef"
STORED = f"307 location {STORE}"


@st.composite
def correct_clients(draw: st.DrawFn) -> list[str]:
    """What a correct client says at some registry, and hears."""
    client = _Correct(draw)
    if draw(st.booleans()):
        client.ping()
    for _ in range(draw(st.integers(1, 3))):
        name = draw(st.sampled_from(["foo", "team/bar"]))
        (client.pull if draw(st.booleans()) else client.push)(name)
    return client.lines


@settings(max_examples=300, deadline=None)
@given(correct_clients())
def test_a_correct_client_is_left_alone(said: list[str]) -> None:
    """Nothing above info, no failure, and the verdict is that all is well."""
    diagnosis = read("\n".join(said), "generated").diagnosis()
    assert [(f.rule, f.title) for f in diagnosis.findings if f.severity is not Severity.INFO] == []
    assert [o for o in diagnosis.operations if o.end.is_failure] == []
