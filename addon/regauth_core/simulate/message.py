"""What a simulated registry is asked and what it answers: plain values, without sockets."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, unquote

_PARAMETERS = 64
"""The most query or form parameters that are read."""
_UNSENDABLE = re.compile(r"[\r\n\0]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request as it arrived."""

    method: str
    """In upper case."""
    scheme: str
    """``http`` or ``https``."""
    host: str
    """In lower case, without the port and without brackets."""
    port: int
    path: str
    """The target in origin form (RFC 9112 section 3.2.1), with the query, as it was spelled."""
    headers: tuple[tuple[str, str], ...] = ()
    """In order, duplicates kept; bytes that are no UTF-8 as surrogates."""
    body: bytes = b""

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of the header `name` (lower case)."""
        return tuple(value for key, value in self.headers if key.lower() == name)

    @property
    def route(self) -> str:
        """The path without the query, percent signs resolved."""
        return unquote(self.path.partition("?")[0])

    @property
    def authority(self) -> str:
        """Host and port as a URL has them; the scheme's own port is left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == {"https": 443, "http": 80}.get(self.scheme) else f"{host}:{self.port}"

    def query(self, name: str) -> tuple[str, ...]:
        """Every value of the query parameter `name`; empty where the query is unreadable."""
        return _parameters(self.path.partition("?")[2], name)

    def form(self, name: str) -> tuple[str, ...]:
        """Every value of the form field `name` in the body; empty where the body is not a form."""
        return _parameters(self.body.decode("utf-8", "replace"), name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer. An answer to HEAD has no body, and in `headers` the length that a GET would have had."""

    status: int
    """100 to 599."""
    headers: tuple[tuple[str, str], ...] = ()
    """In order, duplicates kept; no value holds a line break."""
    body: bytes = b""

    def with_headers(self, *headers: tuple[str, str]) -> Answer:
        """The same answer with more headers."""
        return replace(self, headers=self.headers + headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedAccess:
    """What a request wants to do with one resource (distribution token specification, "Resource scope")."""

    kind: str = "repository"
    name: str
    actions: tuple[str, ...]

    @property
    def scope(self) -> str:
        """As a challenge spells it."""
        return f"{self.kind}:{self.name}:{','.join(self.actions)}"


def json_answer(status: int, value: object, content_type: str = "application/json") -> Answer:
    """An answer whose body is `value` as JSON."""
    return Answer(status=status, headers=(("Content-Type", content_type),), body=json.dumps(value).encode())


def refusal(status: int, code: str, message: str, needs: tuple[WantedAccess, ...] = ()) -> Answer:
    """An error as registries write it (OCI distribution specification, "Error Codes"); `needs` become its detail."""
    detail = [
        {"Type": need.kind, "Class": "", "Name": need.name, "Action": action}
        for need in needs
        for action in need.actions
    ]
    return json_answer(status, {"errors": [{"code": code, "message": message, "detail": detail or None}]})


def finished(answer: Answer, method: str) -> Answer:
    """`answer` ready to be sent: with its length (RFC 9110 section 8.6), without a body for HEAD, 1xx, 204 and 304."""
    headers = tuple((name, _UNSENDABLE.sub(" ", value)) for name, value in answer.headers)
    if answer.status < 200 or answer.status in (204, 304):
        return replace(answer, headers=headers, body=b"")
    if not any(name.lower() == "content-length" for name, _ in headers):
        headers += (("Content-Length", str(len(answer.body))),)
    return replace(answer, headers=headers, body=b"" if method == "HEAD" else answer.body)


def _parameters(text: str, name: str) -> tuple[str, ...]:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_PARAMETERS)
    except ValueError:
        return ()
    return tuple(value for key, value in pairs if key == name)
