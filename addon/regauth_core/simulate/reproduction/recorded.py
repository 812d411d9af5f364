"""A recorded answer as a step of a scenario."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

from regauth_core.model import Endpoint, Exchange, Response, TokenAnswer, TokenField
from regauth_core.model.stated_reasons import phrase_of, stated
from regauth_core.simulate.message import Asked
from regauth_core.simulate.policy import AnswerHeader, AnswerStep
from regauth_core.simulate.reproduction.challenging import lines_of
from regauth_core.simulate.steps import credential_of

_KEPT = (
    "age",
    "content-type",
    "docker-distribution-api-version",
    "link",
    "location",
    "proxy-authenticate",
    "retry-after",
    "server",
    "via",
)
"""Fields that a client or a finding reads."""
_SESSION = re.compile(r"(/blobs/uploads/)[^/]+$")
_DIGEST = re.compile(r"(?<=/)[A-Za-z0-9+._-]{1,32}:[0-9A-Za-z]{1,128}$")
_STRANGE = re.compile(r"[\s?#]+|[^\x21-\x7e]+")
_MAX_LINE = 1_900
_MAX_PATH = 1_000


def request_of(asked: Asked, *, stored: bool) -> str:
    """The pattern of a step for requests like `asked`; `stored`: at a blob store, whose paths are not known before."""
    origin = f"{asked.method} {asked.scheme}://{asked.authority}"
    if stored:
        return f"{origin}/*"
    path = _SESSION.sub(r"\1*", asked.path.partition("?")[0])
    path = _STRANGE.sub("*", _DIGEST.sub("*", path))
    return f"{origin}{path[:_MAX_PATH]}{'*' if len(path) > _MAX_PATH else ''}"


def allowed_step(exchange: Exchange, asked: Asked) -> AnswerStep | None:
    """A step that serves requests like `asked` where `exchange` was served; `None` for another answer."""
    if exchange.target.repository is None or not 200 <= exchange.status < 300:
        return None
    credential: Any = credential_of(asked)
    return AnswerStep(request=request_of(asked, stored=False), credential=credential, allowed=True)


def step_of(exchange: Exchange, asked: Asked, *, stored: bool) -> AnswerStep | None:
    """The answer of `exchange` for requests like `asked`; `None` where it cannot be written."""
    response = exchange.response
    if response is None or not 200 <= response.status <= 599 or not re.fullmatch("[A-Z]{1,16}", asked.method):
        return None
    headers: dict[str, str] = {}
    for name, value in response.headers:
        if name.lower() in _KEPT and name.lower() not in map(str.lower, headers) and value:
            headers[name] = value
    lines = lines_of(response)
    if any(len(text) > _MAX_LINE or not _is_sendable(text) for text in (*headers.values(), *lines)):
        return None
    return AnswerStep(
        request=request_of(asked, stored=stored),
        credential=credential_of(asked),  # type: ignore[arg-type]
        status=response.status,
        headers=tuple(AnswerHeader(name=name, value=value) for name, value in headers.items()),
        challenge=lines,
        body=_body(exchange, response),
    )


def _is_sendable(text: str) -> bool:
    return not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or 0xD800 <= ord(c) < 0xE000 for c in text)


def _body(exchange: Exchange, response: Response) -> str:
    if response.token is not None:
        return _token_body(response.token)
    if response.layer_links:
        return json.dumps({"schemaVersion": 2, "layers": [{"urls": [str(link.text) for link in response.layer_links]}]})
    if response.errors:
        errors = [_error(error) for error in response.errors]
        # Words by which a reason was read, where they are not shown.
        lost = [phrase_of(one) for one in response.stated if one not in stated([str(errors)])]
        if lost:
            errors[0]["message"] = " ".join([str(errors[0].get("message", "")), *lost]).strip()
        return json.dumps({"errors": errors})
    lost = [phrase_of(one) for one in response.stated if one not in stated([response.text or ""])]
    text = " ".join([response.text or "", *lost]).strip()
    if response.is_html:
        return f"<html><body>{text}</body></html>"
    if not text and response.status == 200 and exchange.target.endpoint not in (Endpoint.ELSEWHERE, Endpoint.BLOB):
        return "{}"
    return text if _is_sendable(text) else ""


def _error(error: Any) -> dict[str, object]:
    entry: dict[str, object] = {}
    if error.code:
        entry["code"] = str(error.code)
    if error.message:
        entry["message"] = str(error.message)
    if error.needs:
        entry["detail"] = [
            {"Type": need.kind, "Name": need.name, "Action": action} for need in error.needs for action in need.actions
        ]
    return entry


def _issued(token: TokenAnswer) -> str:
    """The placeholder of a token with the same rights."""
    access = token.claims.access if token.claims is not None else None
    if access is None:
        return "{issued}"
    scopes = " ".join(f"{entry.kind}:{entry.name}:{','.join(entry.actions)}" for entry in access)
    return f"{{issued {scopes or '-'}}}"


def _token_body(token: TokenAnswer) -> str:
    if not token.is_json:
        return "<html><body>login</body></html>"
    fields: dict[str, object] = {}
    if token.token or token.empty:
        fields["token"] = _issued(token) if token.token else ""
    if token.access_token:
        fields["access_token"] = _issued(token)
    if token.refresh_token:
        fields["refresh_token"] = "refresh-{issued}"
    for field in token.mistyped:
        fields[field.value] = "soon" if field is TokenField.EXPIRES_IN else 1
    if token.expires_in is not None:
        whole = int(token.expires_in) if token.expires_in == int(token.expires_in) else token.expires_in
        fields["expires_in"] = str(whole) if TokenField.EXPIRES_IN in token.mistyped else whole
    if token.issued_at is not None:
        fields["issued_at"] = datetime.fromtimestamp(token.issued_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if token.scope is not None:
        fields["scope"] = str(token.scope)
    return json.dumps(fields)
