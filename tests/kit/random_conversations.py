"""Conversations of any plausible sequence, for property tests."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

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
