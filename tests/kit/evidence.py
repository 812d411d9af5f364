"""What the exchanges that a finding cites must show, by its rule: one row for each rule."""

from __future__ import annotations

from collections.abc import Callable

from kit.case import Case
from kit.wire_facts import Fact

Predicate = Callable[[Case], bool]


def _any(test: Callable[[Fact], bool]) -> Predicate:
    return lambda case: any(test(f) for f in case.cited)


def _status(*statuses: int) -> Predicate:
    return _any(lambda f: f.status in statuses)


def _both(*tests: Predicate) -> Predicate:
    return lambda case: all(test(case) for test in tests)


def _either(*tests: Predicate) -> Predicate:
    return lambda case: any(test(case) for test in tests)


def _challenged(*schemes: str) -> Predicate:
    return _any(lambda f: f.status in (401, 403) and (bool(f.schemes & set(schemes)) if schemes else bool(f.schemes)))


def _token(case: Case) -> bool:
    return any(f.tokens for f in case.cited)


def _asks_token(case: Case) -> bool:
    return any(case.is_token_request(f) for f in case.cited)


def _is_final(case: Case) -> bool:
    """What failed last among the evidence was not had later by the same client."""
    last = [f for f in case.refused if not case.is_token_request(f)]
    return not last or not case.is_served_later(last[-1])


_FAILED = _any(lambda f: f.is_refused)
_BASIC = _any(lambda f: f.login is not None)
_SECRET = _any(lambda f: bool(f.secrets))
_BEARER = _any(lambda f: f.bearer is not None)
_ANONYMOUS = _any(lambda f: f.is_anonymous)
_REFUSED = _status(401, 403)
_CREDENTIAL = _any(lambda f: f.has_authorization or bool(f.secrets))


def _sends_nothing_since(case: Case) -> bool:
    return case.sends_nothing_since


def _two_hosts(case: Case) -> bool:
    return len({f.origin for f in case.cited}) > 1


def _names_another(case: Case) -> bool:
    """An answer to the client names the origin that one of the evidence goes to."""
    for naming in case.mine:
        said = " ".join([v for _, v in naming.wire.response_headers] + [naming.body])
        if any(f.wire.host in said and f.origin != naming.origin for f in case.cited):
            return True
    return False


EVIDENCE: dict[str, Predicate] = {
    "authorization-sent-cross-origin": _both(_CREDENTIAL, _names_another),
    "authorization-too-large": _both(_status(400, 413, 414, 431), _any(lambda f: len(str(f.wire)) > 0)),
    "bearer-at-token-endpoint": _both(_BEARER, _asks_token),
    "challenge-hidden-by-403": _both(_status(403), _ANONYMOUS),
    "challenge-ignored": _both(_challenged(), _ANONYMOUS, _is_final, _sends_nothing_since),
    "challenge-misparsed": _both(_any(lambda f: bool(f.schemes)), _any(lambda f: bool(f.query or f.form))),
    "challenge-not-retried": _both(_either(_challenged(), _status(400, 403)), _is_final),
    "challenge-scheme-switched": _both(_challenged(), _is_final),
    "challenge-scope-not-requested": _both(_any(lambda f: "bearer" in f.schemes), _asks_token),
    "challenge-scope-wrong": _challenged("bearer"),
    "clock-skew": _token,
    "credentials-ignored-by-token-server": _both(_token, _SECRET, _FAILED),
    "credentials-over-http": _both(_CREDENTIAL, _any(lambda f: f.wire.scheme == "http" and not f.is_anonymous)),
    "credentials-rejected": _both(_any(lambda f: bool(f.secrets) and f.status in (400, 401, 403)), _is_final),
    "credentials-required": _both(_REFUSED, _any(lambda f: not f.secrets)),
    "credentials-sent-to-wrong-host": _CREDENTIAL,
    "credentials-to-untrusted-realm": _both(_SECRET, _two_hosts),
    "credentials-withheld": _any(lambda f: f.wire.withheld is not None),
    "duplicate-authorization": _any(lambda f: len(f.credentials) > 1 or "," in str(f.request_header("authorization"))),
    "duplicate-scope": _both(_asks_token, _FAILED),
    "empty-basic-credentials": _any(lambda f: (f.request_header("authorization") or "").endswith("Og==")),
    "expired-token-reused": _both(_BEARER, _REFUSED, _is_final),
    "expired-token-wrong-status": _both(_BEARER, _status(400, 403, 404), _is_final),
    "foreign-scope-requested": _asks_token,
    "fresh-token-refused": _both(_token, _any(lambda f: f.bearer is not None and f.status in (401, 403)), _is_final),
    "head-get-mismatch": _both(_REFUSED, _any(lambda f: f.wire.method == "HEAD"), _any(lambda f: f.is_served)),
    "https-downgrade": _any(
        lambda f: f.wire.scheme == "https" and any("http://" in v for _, v in f.wire.response_headers)
    ),
    "identity-token-misused": _CREDENTIAL,
    "invalid-token-request": _asks_token,
    "legacy-v1-fallback": _any(lambda f: f.path.startswith("/v1/") or any(s == "token" for s, _ in f.credentials)),
    "malformed-challenge": _any(lambda f: f.status == 401 and bool(f.response_headers("www-authenticate"))),
    "malformed-credentials": _both(_any(lambda f: f.has_authorization), _FAILED),
    "missing-challenge": _any(lambda f: f.status == 401 and not f.challenges),
    "mount-no-fallback": _any(lambda f: "mount" in f.query and f.status >= 400),
    "no-usable-challenge": _any(lambda f: bool(f.schemes) and not f.schemes & {"basic", "bearer"}),
    "non-digest-blob-path": _both(_CREDENTIAL, _any(lambda f: "/blobs/" in f.path)),
    "non-registry-response": _any(
        lambda f: 300 <= f.status < 400 or "html" in "".join(f.response_headers("content-type")) or "<" in f.body
    ),
    "oauth2-post-no-fallback": _any(lambda f: f.wire.method == "POST" and f.is_refused),
    "ping-401-treated-as-fatal": _any(lambda f: f.is_ping and f.status == 401),
    "ping-unexpected-status": _any(lambda f: f.is_ping and f.status not in (200, 401)),
    "presigned-url-refused": _both(_two_hosts, _any(lambda f: f.status in (301, 302, 303, 307, 308)), _FAILED),
    "proxy-auth-required": _status(407),
    "rate-limited": _status(403, 429, 503),
    "realm-unreachable": _any(lambda f: f.status == 0 or f.status >= 500),
    "redirected-challenge-unanswered": _both(_challenged(), _any(lambda f: 300 <= f.status < 400), _two_hosts),
    "refused-credential-repeated": lambda case: sum(not f.is_anonymous and f.is_refused for f in case.cited) >= 3,
    "refused-unexplained": _either(_FAILED, _any(lambda f: f.status != 0)),
    "relative-location-wrong-base": _both(_two_hosts, _any(lambda f: bool(f.response_headers("location")))),
    "retry-without-body": _both(_status(401), _any(lambda f: f.wire.request_size > 0)),
    "scope-list-encoding": _asks_token,
    "scope-too-small": _both(_FAILED, _is_final),
    "supported-challenge-skipped": _challenged(),
    "token-expired-mid-upload": _both(_FAILED, _any(lambda f: "uploads" in f.path)),
    "token-not-used": _both(_token, _any(lambda f: f.bearer is None and f.is_refused)),
    "token-scope-reduced": _both(_token, _BEARER, _REFUSED, _is_final),
    "token-server-rejects-subset": _both(_asks_token, _FAILED),
    "token-shared-between-identities": _both(_token, _BEARER),
    "token-treated-as-anonymous": _both(_BEARER, _challenged()),
    "token-wrong-repository": _both(_BEARER, _REFUSED, _is_final),
    "unasked-scope-refused": _both(_asks_token, _FAILED),
    "unusable-token-response": _any(lambda f: 200 <= f.status < 300),
    "wrong-scheme-sent": _both(_any(lambda f: bool(f.credentials) and f.is_refused), _is_final),
    # Never above info.
    "duplicate-token-exchange": lambda case: len(case.cited) > 1,
    "mirror-challenge-unanswered": _both(_challenged(), _two_hosts),
    "mount-scope-missing": _any(lambda f: "mount" in f.query or "from" in f.query),
    "not-found-or-denied": _status(401, 403, 404),
    "optional-challenge-not-used": _any(lambda f: f.is_served and bool(f.schemes)),
    "short-or-missing-expiry": _token,
}
"""What the exchanges that a finding cites must show, by its rule."""
