"""The lines of `curl` that show the registry's side of a finding to somebody who has nothing but `curl`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from urllib.parse import quote

from regauth_core.model import Challenge, Endpoint, Exchange, Origin
from regauth_core.model.finding import Finding
from regauth_core.model.journal import Journal
from regauth_core.report import programs, wording
from regauth_core.report.text import visible

_USER = '-u "$REG_USER:$REG_PASS"'
_TOKEN = '-H "Authorization: Bearer $TOKEN"'  # noqa: S105  a placeholder
_AUTHORITIES = frozenset({"--cacert", "--ca-file", "--cert-dir", "--registry-cert"})
"""Options of clients that name what they trust."""
_READING = ("GET", "HEAD")


def lines(journal: Journal, finding: Finding) -> list[str]:
    """Shell lines, comments between them, with placeholders for every secret.

    For a refused request: the ping, the request without credentials, what answers the challenge, and the request with
    it. For anything else: the first requests of the evidence. Requests that change something are shown anonymously.
    Where the client was given an authority, curl is: `$REG_CA`.
    """
    made = _lines(journal, finding)
    if not any(word.partition("=")[0] in _AUTHORITIES for word in programs.words_of(journal)):
        return made
    return [re.sub(r"^curl ", 'curl --cacert "$REG_CA" ', line) for line in made]


def _lines(journal: Journal, finding: Finding) -> list[str]:
    numbers = set(finding.exchanges)
    told = [e for e in journal.exchanges if e.number in numbers and _is_askable(e)]
    refused = next((e for e in told if _challenge(e) is not None), None)
    if refused is None:
        return [line for exchange in told[:4] for line in _as_it_was(exchange, finding)]
    return list(_refusal(journal, refused))


def _refusal(journal: Journal, refused: Exchange) -> Iterator[str]:
    challenge = _challenge(refused)
    if refused.target.endpoint is not Endpoint.PING:
        answer = _ping(journal, refused)
        yield f"# the ping{answer}"
        yield f"curl -i {_quoted(f'{refused.origin}/v2/')}"
    yield f"# the refused request without credentials: {wording.status(refused)}, {wording.challenges(refused)}"
    yield _curl(refused)
    if challenge is None or (refused.request.method not in _READING):
        return
    if challenge.kind == "basic":
        yield "# the same request with credentials"
        yield _curl(refused, _USER)
    elif challenge.kind == "bearer" and challenge.realm_link is not None:
        yield from _exchange(refused, challenge)


def _exchange(refused: Exchange, challenge: Challenge) -> Iterator[str]:
    realm = challenge.realm_link
    if realm is None or not _is_url(realm.text):
        return
    yield "# a token, as the challenge says"
    if realm.origin is not None and realm.origin.host != refused.origin.host:
        yield "# (this is another host: leave out -u unless you trust it with the password)"
    parameters = [
        f"{name}={quote(value, safe=':/,*')}"
        for name, value in challenge.parameters
        if name in ("service", "scope") and value.isprintable()
    ]
    mark = "&" if "?" in realm.text else "?"
    yield f"curl -i {_USER} {_quoted(realm.text + mark + '&'.join(parameters) if parameters else realm.text)}"
    yield "# the same request with the token of that answer"
    yield _curl(refused, _TOKEN)


def _as_it_was(exchange: Exchange, finding: Finding) -> Iterator[str]:
    yield f"# exchange {exchange.number}: {wording.status(exchange)} {wording.challenges(exchange)}".rstrip()
    kinds = {one.scheme for one in exchange.request.credentials}
    # Who follows the report must not repeat a leak: credentials go nowhere but to the registry.
    if str(exchange.origin) != finding.registry or exchange.request.method not in _READING:
        yield _curl(exchange)
    else:
        yield _curl(exchange, _USER if "basic" in kinds else _TOKEN if "bearer" in kinds else "")


def _curl(exchange: Exchange, credential: str = "") -> str:
    method = exchange.request.method
    how = "-sS -o /dev/null -D -" if exchange.target.endpoint is Endpoint.BLOB and method == "GET" else "-i"
    asked = {"GET": "", "HEAD": "--head"}.get(method, f"-X {_quoted(method)}")
    return " ".join(word for word in ("curl", how, asked, credential, _quoted(exchange.request.url)) if word)


def _ping(journal: Journal, refused: Exchange) -> str:
    origin: Origin = refused.origin
    pings = (e for e in journal.exchanges if e.origin == origin and e.target.endpoint is Endpoint.PING)
    ping = next(pings, None)
    if ping is None:
        return ", which this client did not send"
    return f": {wording.status(ping)} {wording.challenges(ping)}".rstrip()


def _challenge(exchange: Exchange) -> Challenge | None:
    if exchange.response is None or exchange.status != 401:
        return None
    offered = exchange.response.challenges
    return next((one for one in offered if one.usable), offered[0] if offered else None)


def _is_askable(exchange: Exchange) -> bool:
    return _is_url(exchange.request.url)


def _is_url(text: str) -> bool:
    return text.startswith(("http://", "https://"))


def _quoted(text: str) -> str:
    return shlex.quote(visible(text, 1000))
