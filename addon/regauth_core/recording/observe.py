"""Turns one request and its answer, as they were on the wire, into an `Exchange` that may be shown to anybody.

The last place that sees a recorded secret. Never raises on wire input; everything is bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

from regauth_core.bounded import whole_words
from regauth_core.model import (
    Challenge,
    Change,
    ChangeKind,
    Connection,
    Credential,
    Endpoint,
    Exchange,
    Failure,
    FailureKind,
    Holder,
    Link,
    RegistryError,
    Request,
    Response,
    Safe,
    Sender,
    Target,
    TokenAnswer,
    TokenRequest,
)
from regauth_core.model.withheld import Withheld
from regauth_core.protocol import challenge, links, target
from regauth_core.protocol.authorization import RawCredential, credentials
from regauth_core.protocol.token_answer import speaks_of_token
from regauth_core.recording import bodies, pages
from regauth_core.redaction.redactor import Redactor
from regauth_core.redaction.spellings import SHORTEST

MAX_HEADERS: Final = 200
MAX_VALUE: Final = 64 * 1024
"""Characters of one header value that are read."""
MAX_TEXT: Final = 128 * 1024
"""Characters of all header fields of one request that are read, names and values."""
MAX_ANSWER_VALUE: Final = 16 * 1024
MAX_ANSWER_TEXT: Final = 32 * 1024
"""The same of an answer, which the other side may make as long as it likes, and for which all clients wait."""
MAX_PATH: Final = 16 * 1024
MAX_LINES: Final = 8
"""`Authorization` lines that are read."""
MAX_ERROR_TEXT: Final = 300
"""Characters of a plain or HTML error text that are kept."""

_MAYBE_TOKEN_SERVER = frozenset({Endpoint.ELSEWHERE, Endpoint.V2_OTHER})
_CONTENT = frozenset({Endpoint.MANIFEST, Endpoint.BLOB, Endpoint.UPLOAD, Endpoint.UPLOAD_START})
"""Bodies of requests that are content, and hold nobody's login."""
_READ = frozenset({"authorization", "content-type", "date", "link", "location", "user-agent", "www-authenticate"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """One request with its answer as it was on the wire. It holds secrets: it lives for one call, never stored."""

    number: int
    method: str
    scheme: str
    host: str
    """Without brackets and port."""
    port: int
    path: str = field(repr=False)
    """With the query, as sent."""
    user_info: str | None = field(default=None, repr=False)
    """What stood in front of the host in the URL, where it is known."""
    request_headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    request_body: bytes | None = field(default=None, repr=False)
    """`None` where it was not kept; only the bodies of token requests matter."""
    request_size: int = 0
    status: int | None = None
    """`None` where there is no answer."""
    response_headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    response_body: bytes | None = field(default=None, repr=False)
    """Content-decoded; `None` where it was not kept."""
    response_size: int = 0
    failure: tuple[FailureKind, str] | None = field(default=None, repr=False)
    started: float
    first_byte: float | None = None
    ended: float | None = None
    label: str | None = field(default=None, repr=False)
    process: int | None = None
    program: str | None = field(default=None, repr=False)
    address: str | None = field(default=None, repr=False)
    connection: str | None = field(default=None, repr=False)
    http_version: str | None = None
    tls_version: str | None = None
    alpn: str | None = None
    alpn_offers: tuple[str, ...] | None = None
    changes: tuple[tuple[ChangeKind, str], ...] = field(default=(), repr=False)
    """What was changed, with words for people."""
    withheld: Withheld | None = None


def observe(wire: Wire, redactor: Redactor) -> Exchange:
    """The exchange that `wire` shows, without any of its secrets."""
    # First of all, so that the host that was asked is the first to get a pseudonym.
    origin = redactor.origin(wire.scheme, wire.host, wire.port)
    path = whole_words(wire.path, MAX_PATH, "/?&#")
    redactor.requested_host(wire.host, wire.port)
    seen = redactor.seen
    key = wire.method, path
    about = seen.targets.get(key)
    if about is None:
        about = target.read(
            wire.method, path, name=redactor.repository, text=redactor.reference, host=redactor.place,
            session=redactor.session,
        )  # fmt: skip
        seen.targets.keep(key, about, len(path))
    sent_fields = _bounded(wire.request_headers)
    fields = _fields(sent_fields)
    # Before anything that may tell of them in a sentence.
    sent = _credentials(tuple(fields.get("authorization", ())[:MAX_LINES]), redactor)
    asked = _token_request(wire, path, about, redactor)
    if wire.request_body and about.endpoint not in _CONTENT:
        bodies.remember_sent(wire.request_body, redactor)
    if wire.user_info:
        redactor.remember_user_info(wire.user_info)
    url = redactor.address(wire.scheme, wire.host, wire.port, path)
    headers = redactor.headers(sent_fields)
    response = None if wire.status is None else _answered(wire, wire.status, path, about, asked, redactor)
    if asked is None and response is not None and response.token is not None:
        # The answer shows what the request was for.
        asked = TokenRequest()
    return Exchange(
        number=wire.number,
        sender=_sender(wire, fields.get("user-agent"), redactor),
        origin=origin,
        target=about,
        request=Request(
            method=redactor.word(wire.method),
            url=url,
            headers=headers,
            size=wire.request_size,
            target_size=len(wire.path),
            credentials=sent,
            token=asked,
        ),
        response=response,
        failure=Failure(wire.failure[0], redactor.text(wire.failure[1])) if wire.failure else None,
        started=wire.started,
        first_byte=wire.first_byte,
        ended=wire.ended,
        connection=_connection(wire, redactor),
        changes=tuple(Change(kind, redactor.own_text(text)) for kind, text in wire.changes),
        withheld=wire.withheld,
    )


def _bounded(
    headers: tuple[tuple[str, str], ...], most_value: int = MAX_VALUE, most_text: int = MAX_TEXT
) -> Sequence[tuple[str, str]]:
    """The fields that are read: the first ones, up to the one that is too many or with which the text is too long."""
    if len(headers) <= MAX_HEADERS and sum([len(name) + len(value) for name, value in headers]) <= most_value:
        return headers
    kept = [(name, whole_words(value, most_value)) for name, value in headers[:MAX_HEADERS]]
    sizes = accumulate(len(name) + len(value) for name, value in kept)
    return [pair for pair, size in zip(kept, sizes, strict=True) if size <= most_text]


def _fields(headers: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """The values of those fields that are read, in order, by name in lower case."""
    fields: dict[str, list[str]] = {}
    for name, value in headers:
        if (lower := name.lower()) in _READ:
            fields.setdefault(lower, []).append(value)
    return fields


def _sender(wire: Wire, agents: list[str] | None, redactor: Redactor) -> Sender:
    key = wire.label, wire.process, wire.program, wire.address, agents[0] if agents else None
    sender = redactor.seen.senders.get(key)
    if sender is None:
        sender = Sender(
            label=redactor.user(wire.label) if wire.label else None,
            process=wire.process,
            program=redactor.own_text(wire.program) if wire.program else None,
            address=redactor.host(wire.address) if wire.address else None,
            user_agent=redactor.header("user-agent", agents[0]) if agents else None,
        )
        redactor.seen.senders.keep(key, sender, len(agents[0]) if agents else 0)
    return sender


def _connection(wire: Wire, redactor: Redactor) -> Connection:
    key = wire.connection, wire.http_version, wire.tls_version, wire.alpn, wire.alpn_offers
    connection = redactor.seen.connections.get(key)
    if connection is None:

        def shown(text: str | None) -> Safe | None:
            return redactor.text(text) if text else None

        offers = wire.alpn_offers
        connection = Connection(
            id=redactor.connection(wire.connection) if wire.connection else None,
            http_version=shown(wire.http_version),
            tls_version=shown(wire.tls_version),
            alpn=shown(wire.alpn),
            alpn_offers=None if offers is None else tuple(map(redactor.text, offers[:16])),
        )
        redactor.seen.connections.keep(key, connection)
    return connection


def _credentials(lines: tuple[str, ...], redactor: Redactor) -> tuple[Credential, ...]:
    held = redactor.seen.credentials.get(lines)
    if held is None:
        raw = [(one, len(line)) for line in lines for one in credentials(line)]
        secrets = tuple([secret for one, _ in raw for secret in (one.value, one.pair[1] if one.pair else "")])
        held = tuple([_credential(one, size, redactor) for one, size in raw]), secrets
        redactor.seen.credentials.keep(lines, held, sum(map(len, lines)))
    else:
        redactor.touch(held[1])
    return held[0]


def _credential(raw: RawCredential, size: int, redactor: Redactor) -> Credential:
    scheme = raw.scheme.lower()
    user, password = raw.pair or ("", "")
    is_token = raw.holder is Holder.IDENTITY_TOKEN
    if 0 < len(password) < SHORTEST:
        # Too short to be looked for alone.
        redactor.remember(f"{user}:{password}")
    return Credential(
        scheme=redactor.scheme(scheme),
        fingerprint=redactor.fingerprint(raw.value, "pw" if scheme == "basic" else "tok"),
        size=size,
        holder=raw.holder,
        user=redactor.fingerprint(user, "user") if user else None,
        password=redactor.fingerprint(password, "tok" if is_token else "pw") if password else None,
        flaws=raw.flaws,
        claims=bodies.claims_of(raw.value, redactor) if scheme == "bearer" else None,
    )


def _token_request(wire: Wire, path: str, about: Target, redactor: Redactor) -> TokenRequest | None:
    if about.endpoint not in _MAYBE_TOKEN_SERVER:
        return None
    if wire.method == "POST":
        return bodies.asked_by_body(wire.request_body, redactor) if wire.request_body else None
    query = path.partition("#")[0].partition("?")[2]
    if not query:
        return None
    requests = redactor.seen.requests
    if query not in requests:
        return requests.keep(query, bodies.asked_by_query(query, redactor), len(query))
    return requests[query]


def _answered(
    wire: Wire, status: int, path: str, about: Target, asked: TokenRequest | None, redactor: Redactor
) -> Response:
    redactor.begin_answer()
    try:
        return redactor.seen.responses.alike(_response(wire, status, path, about, asked, redactor))
    finally:
        redactor.end_answer()


def _response(
    wire: Wire, status: int, path: str, about: Target, asked: TokenRequest | None, redactor: Redactor
) -> Response:
    def resolve(url: str) -> Link:
        return redactor.url(url, scheme=wire.scheme, host=wire.host, port=wire.port, path=path)

    received = _bounded(wire.response_headers, MAX_ANSWER_VALUE, MAX_ANSWER_TEXT)
    fields = _fields(received)
    body = wire.response_body
    value = bodies.json_of(body) if body and _is_read(status, about) else None
    is_page = pages.is_html(fields.get("content-type", [None])[0], body)
    errors = _errors(body, value, redactor) if status >= 400 and body and value is not None else ()
    text = _error_text(body, is_page, redactor) if status >= 400 and body and value is None else None
    is_manifest = status == 200 and about.endpoint is Endpoint.MANIFEST
    is_token = 200 <= status < 300 and about.endpoint in _MAYBE_TOKEN_SERVER and body is not None
    token: TokenAnswer | None = None
    if is_token and (asked is not None or speaks_of_token(value)):
        token = bodies.token_answer(value, redactor)
    if errors or text or token:
        redactor.count_body()
    lines = fields.get("www-authenticate")
    challenges, unreadable = _challenges(tuple(lines), resolve, redactor) if lines else ((), False)
    following = links.following(", ".join(fields["link"])) if "link" in fields else None
    return Response(
        status=status,
        headers=redactor.headers(received),
        size=wire.response_size,
        challenges=challenges,
        unreadable_challenge=unreadable,
        errors=errors,
        text=text,
        stated=bodies.stated_reasons(body, value) if status >= 400 and body else (),
        is_html=is_page,
        token=token,
        location=resolve(fields["location"][0].strip()) if "location" in fields else None,
        next_page=resolve(following) if following else None,
        layer_links=bodies.layer_links(body, resolve) if is_manifest else (),
        date=pages.seconds(fields["date"][0]) if "date" in fields else None,
    )


def _errors(body: bytes, value: object, redactor: Redactor) -> tuple[RegistryError, ...]:
    held = redactor.seen.errors.get(body)
    return redactor.seen.errors.keep(body, bodies.errors_of(value, redactor), len(body)) if held is None else held


def _is_read(status: int, about: Target) -> bool:
    """Whether something of the body may be kept if it is JSON."""
    return status >= 400 or (200 <= status < 300 and about.endpoint in _MAYBE_TOKEN_SERVER)


def _challenges(
    lines: tuple[str, ...], resolve: Callable[[str], Link], redactor: Redactor
) -> tuple[tuple[Challenge, ...], bool]:
    """The challenges of the lines, and whether there is a line from which none could be read."""
    held = redactor.seen.challenges.get(lines)
    if held is None:
        reading = challenge.read(lines)
        found = tuple([_challenge(raw, resolve, redactor) for raw in reading.challenges])
        held = found, bool(reading.unreadable)
        # What a relative realm means depends on the request.
        if not any(one.realm_link and one.realm_link.relative for one in found):
            redactor.seen.challenges.keep(lines, held, sum(map(len, lines)))
    return held


def _challenge(raw: challenge.RawChallenge, resolve: Callable[[str], Link], redactor: Redactor) -> Challenge:
    realm = raw.parameter("realm")
    return Challenge(
        scheme=redactor.challenge_scheme(raw.scheme),
        parameters=tuple(
            [(redactor.word(name), redactor.parameter(raw.scheme, name, value)) for name, value in raw.parameters]
        ),
        token68=raw.token68 is not None,
        line=raw.line,
        flaws=raw.flaws,
        realm_link=resolve(realm) if realm and raw.scheme.lower() == "bearer" else None,
    )


def _error_text(body: bytes, markup: bool, redactor: Redactor) -> Safe | None:
    # Redacted before it is cut, or half a secret might look harmless.
    words = redactor.text(pages.error_text(body, markup))
    return redactor.shortened(words, MAX_ERROR_TEXT) or None
