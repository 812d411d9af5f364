"""No text from a stranger takes long to read: the time of every expression and every reader grows with its length."""

from __future__ import annotations

import io
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from kit.messages import MANIFEST, wire
from kit.tables import redactor
from kit.worst import applied, expressions, least, texts
from regauth_core.conversation.engines import engine_of
from regauth_core.edge.commands.client_command import shows_credentials
from regauth_core.edge.inputs import har
from regauth_core.edge.inputs.captures import Captures, Kind
from regauth_core.model import Origin
from regauth_core.protocol import authorization, challenge, jwt, links, scope, target, token_answer
from regauth_core.protocol.presigned import signature
from regauth_core.recording import bodies, observe, pages
from regauth_core.recording.traffic import Watch, destination_of
from regauth_core.redaction.pseudonyms import Pseudonyms
from regauth_core.report import jsontext
from regauth_core.report import text as plain
from regauth_core.report.markdown import github

_LONG: Final = 16 * 1024
"""Characters of a text for one expression: a quadratic one needs at least 0.2 seconds for it, a linear one a thousandth
of a second."""
_LIMIT: Final = 0.15
_EXPRESSIONS: Final = expressions()

_READ: Final = 64 * 1024
"""Characters of a text for a reader, which may go over it several times."""
_READ_LIMIT: Final = 1.0
_GROWTH: Final = 10
"""So many times the time for four times the text: linear is 4, quadratic 16."""


@pytest.mark.parametrize("place", _EXPRESSIONS)
def test_every_expression_is_linear(place: str) -> None:
    """Also on texts that match in part again and again, searched for as the package does it."""
    pattern, hows = _EXPRESSIONS[place]
    for text in texts(pattern, _LONG):
        for how in hows:
            assert least(lambda how=how, text=text: applied(pattern, how, text), _LIMIT) < _LIMIT, (how, text[:60])  # type: ignore[misc]


_PIECES: Final = (
    *"<>\"\\'`,;: \t/.-=&%#@{}[]()|$aA0\u00e9\u202e\ud800",
    "<a>;", '<a>; x="', '\\"', '\\\\"', '="', 'a="b",', 'a="b\\",', "a=b,", "a=b&", "a=b;", "a b", ", ", "a , ",
    "A b, ",
    "Basic ", "Bearer a",
    "bearer realm=", "Basic YTpi, ", "%41", "%25", "%2F", "&amp;", "&#65;", "\\u0041", "\\x41", "a.",
    "a.b/", "/..", "/v2", "/v2/a/blobs/", "a:", "::", "1:", "a@", "a@b.c", "ey", "ey.", "eyJhIjoi", "--", "- ", "://",
    "http://", "http://a@", "https://a.test/?a=", "sha256:", "a-sha256:", "token=", "password: ", '"password":"', "$(",
    "<<A ",
    "-u a:", "--a=", "a1B", "aA1 ", "aB3/", "[1:", "repository:a:", "repository:a:pull ", "<script", "</",
    "<tok:", "<tok:12345678>",
    '{"a":', '{"errors":[', '[{"a":"b"},', '"entries":[', '"creator":{', "1e9", "a\n", " \n", "\t\n", "a\r\n",
    "Content-",
    "skopeo/1 (", "a/1.2 ", "-a", "_a", "a_", "..", "xn--",
)  # fmt: skip
"""What texts are made of that are hard to read."""


def _observed(name: str) -> Callable[[str], object]:
    """Reads a text as the value of a header, of the request and of an answer."""
    return lambda text: observe.observe(wire(MANIFEST, (name, text), status=401, headers=((name, text),)), redactor())


def _base64(text: str) -> str:
    return urlsafe_b64encode(text.encode("utf-8", "replace")).decode()


def _many(name: str) -> Callable[[str], object]:
    """Reads two hundred lines of one header at once, as the proxy does."""

    def read(text: str) -> object:
        lines = [text[: len(text) // 32] + str(number) for number in range(200)]
        place = destination_of("GET", Origin("https", "a.test", 443), MANIFEST)
        named = {other: lines if name == other else [] for other in ("WWW-Authenticate", "Location", "Link")}
        Watch().learn(place, *named.values())
        return observe.observe(wire(MANIFEST, status=401, headers=tuple((name, line) for line in lines)), redactor())

    return read


def _swept(text: str) -> object:
    held = redactor()
    for secret in ("Tannenbaum-Leiter-77", "aaaaaaaa", "<a>;<a>;", "YTpiYTpi", "        a", "\\\\\\\\\\\\"):
        held.remember(secret)
    return held.sweep(text)


def _renamed(text: str) -> object:
    names = Pseudonyms(frozenset({"hosts", "repositories", "users"}))
    for name in ("a", "a.a", "registry.test"):
        names.host(name)
    for name in ("a/a", "a.b/a.b", "team/app"):
        names.repository(name)
    names.user("a b")
    return names.swept(names.replaced(text))


def _learnt(text: str) -> object:
    place = destination_of("GET", Origin("https", "a.test", 443), f"/v2/{text}")
    watch = Watch()
    watch.learn(place, [text], [text], [text])
    return watch.role_of(place)


def _entries(text: str) -> object:
    entries = har.HarEntries(io.StringIO(text))
    try:
        return [har.wire_of(entry, 1) for entry in entries]
    except har.Damaged as damage:
        return damage


_READERS: Final[Mapping[str, Callable[[str], object]]] = {
    **{
        f"header {name}": _observed(name)
        for name in (
            "Authorization", "Cookie", "Set-Cookie", "WWW-Authenticate", "Link", "Location", "User-Agent", "Server",
            "Date", "Content-Type", "X-Registry-Config", "X-Anything", "Docker-Upload-UUID", "Warning", "Host", "ETag",
        )
    },
    **{
        f"many of {name}": _many(name)
        for name in ("WWW-Authenticate", "Link", "Location", "Set-Cookie", "Server", "X-Anything")
    },
    "address": lambda text: observe.observe(wire(f"/v2/{text}?{text}"), redactor()),
    "token query": lambda text: observe.observe(wire(f"/token?service=a&scope={text}&{text}"), redactor()),
    "host": lambda text: (redactor().host(text), redactor().origin("https", text, 443)),
    "challenges": lambda text: challenge.read([text]),
    "credentials": authorization.credentials,
    "claims": lambda text: jwt.decode(f"{text}.{_base64(text)}.{text}"),
    "scope": lambda text: [scope.entries([text]), redactor().scopes(text), scope.entries(f"repository:{text}:pull")],
    "links": lambda text: [links.following(text), links.linked(text)],
    "target": lambda text: [destination_of("GET", Origin("https", "a.test", 443), text), target.origin_of(f"https://{text}")],
    "absolute": lambda text: target.absolute(text, scheme="https", host="a.test", port=443, path=f"/{text}"),
    "url": lambda text: [redactor().url(text), redactor().url(f"https://a.test/{text}")],
    "signature": lambda text: signature(f"https://a.test/?{text}"),
    "words": lambda text: [redactor().text(text), redactor().place(text), redactor().user(text)],
    "prose": lambda text: redactor().prose(text),
    "JSON": lambda text: [bodies.json_of(text.encode("utf-8", "replace"))],
    "error": lambda text: observe.observe(wire(status=500, answer=text.encode("utf-8", "replace")), redactor()),
    "errors": lambda text: observe.observe(
        wire(status=500, answer=json.dumps({"errors": [{"code": text, "message": text, "detail": text}]})), redactor()
    ),
    "token answer": lambda text: [token_answer.read({"token": text, "issued_at": text, "expires_in": text})],
    "page": lambda text: pages.error_text(text.encode("utf-8", "replace"), markup=True),
    "form": lambda text: bodies.asked_by_body(f"grant_type=password&{text}".encode("utf-8", "replace"), redactor()),
    "multipart": lambda text: bodies.asked_by_body(f"--a\r\n{text}".encode("utf-8", "replace"), redactor()),
    "sweep": _swept,
    "names": _renamed,
    "watch": _learnt,
    "script": lambda text: redactor().command(["sh", "-c", text]),
    "command": lambda text: redactor().command(["curl", "-u", text, f"--a={text}", text]),
    "credentials of a command": lambda text: shows_credentials(["sh", "-c", text[: _READ // 4]]),
    "engine": lambda text: engine_of(observe.observe(wire("/v2/", ("User-Agent", text)), redactor())),
    "HAR": lambda text: [_entries(text), _entries('{"log":{"creator":{' + text)],
    "HAR entries": lambda text: _entries('{"log":{"entries":[' + text),
    "visible": lambda text: [plain.visible(text), jsontext.encode(text)],
    "Markdown": lambda text: [github.span(text), github.prose(text), github.cell(text)],
}  # fmt: skip


@pytest.mark.parametrize("name", _READERS)
def test_every_reader_is_linear(name: str) -> None:
    """Headers, URLs, bodies, files and command lines of 64 kB of what is hardest to read."""
    read = _READERS[name]
    read("a" * 100)  # what is made at the first use
    for piece in _PIECES:
        text = piece * (_READ // len(piece))
        quarter = least(lambda text=text: read(text[: len(text) // 4]), 0.0)  # type: ignore[misc]
        if quarter < _READ_LIMIT / 16:
            continue  # The whole text is within the limit even if the time grows with the square of its length.
        taken = least(lambda text=text: read(text), _READ_LIMIT)  # type: ignore[misc]
        assert taken < _READ_LIMIT, (taken, piece)
        assert taken < _GROWTH * quarter, (taken, quarter, piece)


_STARTS: Final = {
    Kind.TRACE: b'{"schema":"regauth.trace/1"',
    Kind.FLOWS: b"999999:",
    Kind.HAR: b'{"log":{"entries":[',
}
"""What makes a file one of each kind."""


def test_every_kind_of_file_is_timed() -> None:
    """None is left out below."""
    assert set(Kind) - set(_STARTS) == set(), "kinds of edge/inputs/captures.py without a row in _STARTS"


@pytest.mark.parametrize("start", _STARTS.values(), ids=_STARTS)
@pytest.mark.parametrize("piece", [b"{", b"[", b'{"a":', b"\n", b'"', b"\\", b"9:", b"\xff", b"1:a,"])
def test_every_file_is_read_in_linear_time(start: bytes, piece: bytes, tmp_path: Path) -> None:
    """Damaged from the first byte on, in whatever way."""
    file = tmp_path / "file"

    def read() -> Any:
        try:
            return list(Captures([file], redactor()))
        except Exception as error:
            return error

    file.write_bytes(start + piece * (1_000_000 // len(piece)))
    assert least(read, 2.0) < 2.0
