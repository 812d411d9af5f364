"""Whether a request is understood in full: only then may a credential be added to it.

What registry clients send is known, and listed here: methods, paths and parameters of the API (OCI distribution
specification, "Endpoints"; containerd's `ns`), and how header fields look. Servers read whatever else is sent in more
than one way: some decode a name or a path once more, take the last of two values or a field of a form, obey fields that
name another method or path, fold underscores, or take a control character for the end of a line. What a credential
may be used for is decided from one reading, so there must not be another.
"""

from __future__ import annotations

import re
from collections.abc import Set
from typing import Final
from urllib.parse import unquote_plus

from regauth_core.auth.messages import ClientRequest
from regauth_core.auth.required_access import METHODS, RequiredAccess
from regauth_core.model import Endpoint
from regauth_core.model.withheld import Withheld
from regauth_core.protocol import target

# Greedy: what follows the name is read from the end.
_NAME: Final = r"/v2/(?P<name>[A-Za-z0-9_.:\-]++(?:/[A-Za-z0-9_.:\-]++)*)"
# Signs that no server gives a meaning to; some clients encode those that mean something elsewhere in a URL.
_SEGMENT: Final = r"(?:[A-Za-z0-9._~:@+=,!$'()*&\-]|%(?:2[14678BCbc]|3[AaDd]|40|7[Ee]))++"
_SEGMENTS: Final = rf"{_SEGMENT}(?:/{_SEGMENT}){{0,7}}+/?"
_READS: Final = frozenset({"GET", "HEAD"})
_GRAMMAR: Final = {
    Endpoint.PING: (r"/v2/?", _READS),
    Endpoint.CATALOG: (r"/v2/_catalog/?", _READS),
    Endpoint.TAGS: (rf"{_NAME}/tags/list/?", _READS),
    Endpoint.MANIFEST: (rf"{_NAME}/manifests/{_SEGMENT}", _READS | {"PUT", "DELETE"}),
    Endpoint.REFERRERS: (rf"{_NAME}/referrers/{_SEGMENT}", _READS),
    # Some registries have their upload sessions below another word than the specification's.
    Endpoint.BLOB: (rf"{_NAME}/blobs/{_SEGMENTS}", _READS | {"DELETE", "PATCH", "PUT"}),
    Endpoint.UPLOAD_START: (rf"{_NAME}/blobs/uploads/?", frozenset({"POST"})),
    Endpoint.UPLOAD: (rf"{_NAME}/blobs/uploads/{_SEGMENTS}", _READS | {"DELETE", "PATCH", "PUT"}),
}
_PATHS: Final = {endpoint: (re.compile(path, re.ASCII), methods) for endpoint, (path, methods) in _GRAMMAR.items()}

_DIGEST: Final = r"[A-Za-z0-9+._\-]{1,64}:[A-Za-z0-9=_\-]{1,512}"
_COMPONENT: Final = r"(?!\.{1,2}(?:/|\Z))[A-Za-z0-9_.:\-]{1,255}"
_REPOSITORY: Final = rf"(?:{_COMPONENT}(?:/{_COMPONENT}){{0,63}})?"
_ANY: Final = r"[ -~]{0,8192}"
_PARAMETERS: Final = {
    name: re.compile(value, re.ASCII)
    for name, value in {
        "n": r"-?[0-9]{0,12}",
        "last": _ANY,
        "ns": r"[A-Za-z0-9._:\[\]/\-]{0,255}",
        "artifactType": r"[A-Za-z0-9._/+ \-]{0,255}",
        "digest": r"[A-Za-z0-9+._:=\-]{0,600}",
        "digest-algorithm": r"[A-Za-z0-9+._\-]{0,64}",
        "mount": rf"{_DIGEST}|[A-Za-z0-9._\-]{{0,128}}",
        "from": _REPOSITORY,
        # The registry of the source, which go-containerregistry adds to a mount.
        "origin": r"[A-Za-z0-9.\-]{0,253}(?::[0-9]{1,5})?",
        "_state": _ANY,
    }.items()
}
_OPAQUE: Final = re.compile(_ANY, re.ASCII)
_OF_ENDPOINT: Final = {
    Endpoint.PING: frozenset({"ns"}),
    Endpoint.CATALOG: frozenset({"n", "last", "ns"}),
    Endpoint.TAGS: frozenset({"n", "last", "ns"}),
    Endpoint.MANIFEST: frozenset({"ns"}),
    Endpoint.REFERRERS: frozenset({"n", "last", "ns", "artifactType", "digest"}),
    Endpoint.BLOB: frozenset({"ns", "digest", "_state"}),
    Endpoint.UPLOAD_START: frozenset({"mount", "from", "origin", "digest", "digest-algorithm", "ns"}),
    Endpoint.UPLOAD: frozenset({"digest", "_state", "ns"}),
}
_PARAMETER_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]{0,63}", re.ASCII)
_PARAMETER_VALUE: Final = re.compile(r"(?:[A-Za-z0-9._~:@/,+=*!$'()\[\]\-]|%[0-9A-Fa-f]{2})*+", re.ASCII)

_TOKEN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-]{0,127}+", re.ASCII)
_PRINTED: Final = re.compile(r"[ -~]*+", re.ASCII)
_VISIBLE: Final = re.compile(r"[!-~]++", re.ASCII)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
_NOT_A_LETTER: Final = re.compile(r"[^a-z0-9]++")
_STEERING: Final = ("method", "override", "rewrite", "original", "forwarded")
"""What the names of fields hold by which some servers take a request for another one."""
_STEERING_WORDS: Final = ("host", "url", "uri", "path", "verb")
"""The same of shorter words, at either end of a word."""
_HARMLESS: Final = frozenset({"host", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-port"})
_ONCE: Final = frozenset(
    {"host", "content-length", "content-type", "content-range", "transfer-encoding", "range", "connection"}
)
_CONNECTION: Final = frozenset({"keep-alive", "close", "te"})
_MEDIA_TYPE: Final = re.compile(
    r"(?P<type>[a-z0-9.+\-]{1,127}+/[a-z0-9.+_\-]{1,127}+)(?: ?; ?[a-z0-9_\-]{1,64}+=\"?[a-z0-9._/+\-]{1,127}+\"?)*+",
    re.ASCII | re.IGNORECASE,
)
_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def may_have_body(method: str) -> bool:
    """Whether every server expects that a body may follow (RFC 9110 section 9.3)."""
    return method in _WITH_BODY


def is_delimited(request: ClientRequest) -> bool:
    """Whether every server finds the same end of the request, and so the same beginning of the one after it.

    One that is not may leave the beginning of another request behind on its connection, which would swallow the next.
    """
    if not all(map(_VISIBLE.fullmatch, (request.method, request.path, *(name for name, _ in request.headers)))):
        return False
    if any(map(_CONTROL.search, (*(value for _, value in request.headers), *request.other_names))):
        return False
    lengths, codings = request.values("content-length"), request.values("transfer-encoding")
    is_framed = codings in ((), ("chunked",)) and len(lengths) + len(codings) <= 1
    is_counted = all(length.isascii() and length.isdigit() for length in lengths)
    is_switching = bool(request.values("upgrade") or request.values("http2-settings") or request.values("trailer"))
    is_expected = not request.has_body or may_have_body(request.method)
    return is_framed and is_counted and is_expected and not is_switching


def objection(request: ClientRequest, required: RequiredAccess, named: Set[str] = frozenset()) -> Withheld | None:
    """Why the request may be read otherwise; `None` if it is understood.

    `named` are the parameters that the registry itself has put into the URLs that it gave its clients.
    """
    if not request.is_alone:
        return Withheld.UNCLEAR_CONNECTION
    if not (required.is_api and required.endpoint in _PATHS and _is_target_clear(request, required)):
        return Withheld.UNCLEAR_TARGET
    if not _is_query_clear(request.path, required.endpoint, named):
        return Withheld.UNCLEAR_QUERY
    if any(_is_steering(name) for name, _ in request.headers if name.lower() not in _HARMLESS):
        return Withheld.OTHER_REQUEST_NAMED
    if not _are_fields_clear(request):
        return Withheld.UNCLEAR_FIELD
    if not _is_body_clear(request):
        return Withheld.UNCLEAR_BODY
    return None if is_delimited(request) else Withheld.UNCLEAR_FIELD


def _is_target_clear(request: ClientRequest, required: RequiredAccess) -> bool:
    pattern, methods = _PATHS[required.endpoint]
    found = pattern.fullmatch(request.path.partition("?")[0])
    if found is None or request.method not in methods or request.method not in METHODS:
        return False
    return "name" not in pattern.groupindex or found["name"] == required.repository


def _is_query_clear(path: str, endpoint: Endpoint, named: Set[str]) -> bool:
    query = path.partition("?")[2]
    pairs = [pair.partition("=") for pair in query.split("&", target.MAX_QUERY)] if query else []
    known = _OF_ENDPOINT[endpoint]
    names = {name.casefold().replace("-", "_") for name, _, _ in pairs}
    # What stands behind the characters and parameters that are read is not read.
    if len(names) != len(pairs) or len(pairs) > target.MAX_QUERY or len(path) > target.MAX_URL:
        return False
    for name, equals, value in pairs:
        is_expected = name in known or (name in named and name not in _PARAMETERS)
        if not (equals and is_expected and _PARAMETER_VALUE.fullmatch(value)):
            return False
        if not _PARAMETERS.get(name, _OPAQUE).fullmatch(unquote_plus(value, errors="surrogateescape")):
            return False
    return True


def parameters(url: str) -> list[str]:
    """The names of the parameters of a URL that may be told apart from all others by their spelling."""
    query = url.partition("?")[2].partition("#")[0]
    names = (pair.partition("=")[0] for pair in query.split("&", target.MAX_QUERY)[: target.MAX_QUERY])
    return [name for name in names if _PARAMETER_NAME.fullmatch(name) and not _is_steering(name)]


def _is_steering(name: str) -> bool:
    """Whether a name speaks of another method, place or path, however it is folded (CGI and WSGI fold)."""
    words = _NOT_A_LETTER.split(name.lower())
    whole = "".join(words)
    is_about = any(part.startswith(_STEERING_WORDS) or part.endswith(_STEERING_WORDS) for part in words)
    return is_about or any(word in whole for word in _STEERING)


def _are_fields_clear(request: ClientRequest) -> bool:
    if not all(_TOKEN.fullmatch(name) and _PRINTED.fullmatch(value) for name, value in request.headers):
        return False
    if any(len(request.values(name)) > 1 for name in _ONCE):
        return False
    options = {word.strip(" ").lower() for line in request.values("connection") for word in line.split(",")}
    expected = {value.lower() for value in request.values("expect")}
    return options <= _CONNECTION and expected <= {"100-continue"}


def _is_body_clear(request: ClientRequest) -> bool:
    if request.method in ("GET", "HEAD", "DELETE"):
        return not request.has_body
    types = [_MEDIA_TYPE.fullmatch(value) for value in request.values("content-type")]
    if any(found is None or _is_form(found["type"].lower()) for found in types):
        return False
    if request.method != "POST" or not request.has_body:
        return True
    # Without a type some servers take it for a form.
    return bool(types) and any(pair.startswith("digest=") for pair in request.path.partition("?")[2].split("&"))


def _is_form(media_type: str) -> bool:
    """Servers look for parameters in such a body."""
    return media_type.startswith(("multipart/", "message/")) or "form" in media_type.partition("/")[2]
