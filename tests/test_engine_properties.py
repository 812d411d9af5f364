"""What must hold for every conversation, whatever is in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from kit.talk import read
from regauth_core.diagnosis import Diagnoser
from regauth_core.model import Diagnosis, Ending, Exchange, Finding

DIGEST = "sha256:" + "a" * 64
TARGETS = (
    ("GET", "/v2/"),
    ("GET", "/v2/{repo}/manifests/1"),
    ("HEAD", "/v2/{repo}/manifests/1"),
    ("GET", f"/v2/{{repo}}/blobs/{DIGEST}"),
    ("GET", "/v2/{repo}/tags/list"),
    ("POST", "/v2/{repo}/blobs/uploads/"),
    ("POST", f"/v2/{{repo}}/blobs/uploads/?mount={DIGEST}&from=base"),
    ("PUT", "/v2/{repo}/manifests/1"),
    ("GET", "{realm}?service=s&scope=repository:{repo}:pull"),
    ("GET", "{realm}?service=s&scope=repository:{repo}:pull,push"),
    ("GET", "{realm}?service=s"),
    ("POST", "{realm}"),
    ("GET", "https://blobs.test/layer?X-Amz-Signature=0123456789abcdef"),
    ("GET", "http://registry.test/v2/{repo}/manifests/1"),
)
CREDENTIALS = ("-", "-", "basic({who})", "bearer({who}t1)", "bearer({who}t2)", "raw(Basic Og==)", "both({who},{who}t1)")
ANSWERS = (
    "200",
    "202 location /v2/{repo}/blobs/uploads/1",
    "307 location https://blobs.test/layer?X-Amz-Signature=0123456789abcdef",
    '401 challenge Basic realm="r"',
    '401 challenge Bearer {{realm}},service="s",scope="repository:{repo}:pull"',
    '401 challenge Bearer {{realm}},service="s",scope="repository:{repo}:pull,push",error="insufficient_scope"',
    '401 challenge Bearer {{realm}},service="s",error="invalid_token"',
    '401 challenge Negotiate | challenge Basic realm="r"',
    "401",
    "403 error DENIED no",
    "404 error NAME_UNKNOWN no",
    "429 error TOOMANYREQUESTS slow",
    "500",
    "200 token {who}t1 expires_in=300",
    "200 token {who}t2 expires_in=5 access=repository:{repo}:pull sub=",
    "200 html",
    "lost",
    "refused",
    "aborted",
)


@st.composite
def lines(draw: st.DrawFn, who: str, repositories: Sequence[str]) -> list[str]:
    """What one client, known by its process, might say and hear."""
    found = []
    for _ in range(draw(st.integers(1, 7))):
        method, target = draw(st.sampled_from(TARGETS))
        named = {"repo": draw(st.sampled_from(repositories)), "who": who}
        asked = target.replace("{repo}", named["repo"])
        credential = draw(st.sampled_from(CREDENTIALS)).format(**named)
        answer = draw(st.sampled_from(ANSWERS)).format(**named)
        found.append(f"[{who}] {method} {asked} {credential} -> {answer}\n  process {len(who) * 7 + ord(who[0])} {who}")
        if draw(st.integers(0, 9)) == 0:
            found.append(f"+{draw(st.sampled_from([1, 20]))}s")
    return found


def exchanges(text: Iterable[str]) -> list[Exchange]:
    """What the core sees of such lines."""
    return list(read("\n".join(text), "generated").exchanges())


def diagnosis(seen: Iterable[Exchange], ending: Ending = Ending.GONE) -> Diagnosis:
    """What is said of exchanges that came one by one."""
    diagnoser = Diagnoser()
    for exchange in seen:
        diagnoser.add(exchange)
    return diagnoser.finish(ending)


def told(findings: Iterable[Finding]) -> set[tuple[object, ...]]:
    """Findings without the client's number."""
    return {(f.rule, f.severity, f.fault, f.cause, f.registry, f.repository, f.exchanges) for f in findings}


@settings(max_examples=300, deadline=None)
@given(lines("one", ["alpha", "beta"]), lines("two", ["gamma", "delta"]), st.randoms(use_true_random=False))
def test_interleaving_changes_nothing(first: list[str], second: list[str], random: object) -> None:
    """Each of two clients gets the findings that it gets alone, however their conversations interleave."""
    one, two, both = [x for x in first if x[0] != "+"], [x for x in second if x[0] != "+"], []
    while one or two:
        both.append((one if one and (not two or random.random() < 0.5) else two).pop(0))  # type: ignore[attr-defined]
    seen = exchanges(both)
    together = diagnosis(seen)
    for client in together.clients:
        alone = diagnosis(e for e in seen if e.sender.user_agent == client.user_agent)
        assert told(alone.findings) == told(f for f in together.findings if f.client == client.id)


@settings(max_examples=300, deadline=None)
@given(lines("one", ["alpha", "beta"]), st.data())
def test_cut_accuses_nobody(text: list[str], data: st.DataObject) -> None:
    """A capture that breaks off gives no warning or error that the whole capture would not give."""
    seen = exchanges(text)
    cut = diagnosis(seen[: data.draw(st.integers(0, len(seen)))], Ending.CUT)
    whole = {(f.rule, f.repository) for f in diagnosis(seen).findings}
    assert {(f.rule, f.repository) for f in cut.findings if f.severity != "info"} <= whole


@settings(max_examples=300, deadline=None)
@given(lines("one", ["alpha", "beta"]), st.randoms(use_true_random=False), st.sampled_from(Ending))
def test_any_order_is_taken(text: list[str], random: object, ending: Ending) -> None:
    """Exchanges that come out of order, or twice, raise nothing, and every finding points to exchanges that came."""
    seen = exchanges(text)
    random.shuffle(seen)  # type: ignore[attr-defined]
    found = diagnosis([*seen, *seen[:1]], ending)
    numbers = {e.number for e in seen}
    shown = [f.exchanges for f in found.findings] + [u.exchanges for u in found.undecided]
    assert all(evidence and set(evidence) <= numbers for evidence in shown)
