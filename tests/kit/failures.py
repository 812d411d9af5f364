"""Every way in which one request may fail: by status, by whom, at which endpoint, with which credential.

`python -m kit.failures` (in `tests/`, with `addon` on the path as well) prints what is said of each, alike ones as one
line.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from kit.notation import read
from regauth_core.model.finding import Diagnosis

STATUSES = (*map(str, range(400, 600)), "refused", "tls")
"""Each status of an error, a connection that was refused, and a handshake that failed."""
_BLOB = "sha256:" + 64 * "a"
_ENDPOINTS = {
    "ping": "GET /v2/",
    "catalog": "GET /v2/_catalog",
    "tags": "GET /v2/foo/tags/list",
    "manifest": "GET /v2/foo/manifests/1",
    "manifest put": "PUT /v2/foo/manifests/1",
    "manifest delete": "DELETE /v2/foo/manifests/1",
    "blob": f"GET /v2/foo/blobs/{_BLOB}",
    "upload start": "POST /v2/foo/blobs/uploads/",
    "upload": "PATCH /v2/foo/blobs/uploads/u1",
    "referrers": f"GET /v2/foo/referrers/{_BLOB}",
    "storage": "GET https://store.test/foo?signature=1",
    "token": "GET https://auth.test/token?service=s&scope=repository:foo:pull",
    "token login": "GET https://auth.test/token?service=s&account=alice",
    "token form": "POST https://auth.test/token",
}
_CREDENTIALS = {"nothing": "-", "password": "basic(alice)", "token": "bearer(t1)"}
_CHALLENGE = 'challenge Bearer {realm},service="s"'
_ISSUE = "GET {realm}?service=s&scope=repository:foo:pull,push basic(alice) -> 200 token t1 expires_in=300"
_FORM = "  form grant_type=password&service=s&client_id=c&username=alice&password=alice-password-1"


@dataclass(frozen=True, slots=True)
class Case:
    """One request that fails, with what came before it."""

    endpoint: str
    sent: str
    status: str
    text: str
    """In the notation of `kit.notation`."""

    def diagnosis(self) -> Diagnosis:
        """What is said about it."""
        return read(self.text, f"{self.endpoint} {self.sent} {self.status}").diagnosis()


def cases() -> Iterator[Case]:
    """All of them."""
    for endpoint in _ENDPOINTS:
        for sent in _CREDENTIALS:
            for status in STATUSES:
                text = _text(endpoint, sent, status)
                if text is not None:
                    yield Case(endpoint, sent, status, text)


def _text(endpoint: str, sent: str, status: str) -> str | None:
    lines = []
    is_token = endpoint.startswith("token")
    if is_token and sent == "token":
        return None
    if is_token:
        lines.append(f"GET /v2/ - -> 401 {_CHALLENGE}")
    if endpoint == "storage":
        if sent != "nothing":
            return None
        lines.append("GET /v2/foo/blobs/" + _BLOB + " - -> 307 location https://store.test/foo?signature=1")
    if sent == "token":
        lines += [f"GET /v2/ - -> 401 {_CHALLENGE}", _ISSUE]
    lines.append(f"{_ENDPOINTS[endpoint]} {_CREDENTIALS[sent] if endpoint != 'token form' else '-'} -> {status}")
    if endpoint == "token form":
        if sent == "nothing":
            return None
        lines.append(_FORM)
    return "\n".join(lines)


def _said(case: Case) -> str:
    found = case.diagnosis()
    findings = " + ".join(
        f"{f.rule}[{f.cause or ''}] {f.severity} {f.fault} {f.confidence}: {f.advice.user}" for f in found.findings
    )
    undecided = " + ".join(f"undecided {u.rule} {u.reason}" for u in found.undecided)
    ends = ", ".join(f"{o.kind} {o.end}" for o in found.operations)
    return " | ".join(filter(None, [findings, undecided, ends]))


def _main() -> None:
    for (endpoint, sent), some in groupby(cases(), lambda c: (c.endpoint, c.sent)):
        print(f"\n## {endpoint}, sent: {sent}")
        told: dict[str, list[str]] = {}
        for case in some:
            told.setdefault(_said(case), []).append(case.status)
        for said, statuses in told.items():
            shown = " ".join(statuses) if len(statuses) < 25 else f"{' '.join(statuses[:20])} … ({len(statuses)})"
            print(f"- {shown}\n    {said}")


if __name__ == "__main__":
    _main()
