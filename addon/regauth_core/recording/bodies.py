"""Reads the few bodies of which something is kept: token requests, token answers, errors, links of foreign layers.

Distribution token specification ("Token Response Fields"; the "oauth" document), RFC 6749 section 5, OCI distribution
specification ("Error Codes"), OCI image specification ("Image Manifest", `urls` of a descriptor). Bodies of blobs and
configurations are never kept, of a manifest only the URLs of its layers. Nothing here raises on wire input.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import unquote_plus

from regauth_core.model import (
    Access,
    Claims,
    Link,
    RegistryError,
    Safe,
    TokenAnswer,
    TokenRequest,
)
from regauth_core.model.stated_reasons import MAX_TEXT, StatedReason, stated
from regauth_core.protocol import json_value, references
from regauth_core.protocol import token_answer as token_answers
from regauth_core.protocol.jwt import RawAccess, access, decode
from regauth_core.redaction import allow_list, positions
from regauth_core.redaction.redactor import Redactor

MAX_BODY: Final = 256 * 1024
"""Bytes of a body that is read; of a larger one only its size is known."""
MAX_ERRORS: Final = 20
MAX_LINKS: Final = 100
MAX_FIELDS: Final = 64
"""Parameters of a token request, and fields of an answer that are searched for secrets."""

_SECRETS = ("password", "refresh_token", "client_secret", "assertion", "subject_token", "access_token", "code")
_TOKEN_QUERY = frozenset({"scope", "service", "account", "offline_token"})
_PART_NAME = re.compile(r'[; ]name="?([^"\n;]{1,256})', re.I)


def json_of(body: bytes | None) -> object:
    """The JSON value of a body, at most `MAX_BODY` long; `None` for anything else."""
    return json_value.json_of(body, MAX_BODY)


def claims_of(token: str, redactor: Redactor) -> Claims | None:
    """The redacted claims of a JWT; `None` for an opaque token."""
    if not token.startswith("ey"):
        return None
    known = redactor.seen.claims
    return known[token] if token in known else known.keep(token, _claims(token, redactor), len(token))


def _claims(token: str, redactor: Redactor) -> Claims | None:
    raw = decode(token)
    if raw is None:
        return None
    return Claims(
        issuer=redactor.place(raw.issuer) if raw.issuer else None,
        audience=tuple([redactor.place(name) for name in raw.audience]),
        expires=raw.expires,
        not_before=raw.not_before,
        issued=raw.issued,
        subject=redactor.fingerprint(raw.subject, "user") if raw.subject else None,
        nobody=raw.nobody,
        access=None if raw.access is None else accesses(raw.access, redactor),
    )


def accesses(entries: tuple[RawAccess, ...], redactor: Redactor) -> tuple[Access, ...]:
    """Redacted entries, those of one resource next to each other made one."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for entry in entries:
        found.setdefault((entry.kind, entry.name), {}).update(dict.fromkeys(entry.actions))
    return tuple(
        Access(redactor.word(kind), redactor.resource(kind, name), tuple(map(redactor.word, actions)))
        for (kind, name), actions in found.items()
    )


def token_request(pairs: list[tuple[str, str]], redactor: Redactor) -> TokenRequest:
    """The token request that the decoded parameters of a query or form spell."""
    values: dict[str, str] = {}
    for key, value in pairs:
        values.setdefault(key, value)

    def kept(name: str) -> Safe | None:
        return redactor.text(values[name]) if name in values else None

    held = [(name, values[name]) for name in _SECRETS if values.get(name)]
    secrets = [redactor.fingerprint(value, "pw" if name == "password" else "tok") for name, value in held]
    # A parameter that no token server knows may still hold a secret, by itself or in JSON: it might be echoed.
    for key, value in pairs:
        if key not in allow_list.KEPT_QUERY:
            for secret in positions.of_pair(key, value):
                redactor.remember(secret)
    account = values.get("account") or values.get("username")
    return TokenRequest(
        grant=kept("grant_type"),
        service=redactor.place(values["service"]) if "service" in values else None,
        scopes=tuple(redactor.requested_scopes(value) for key, value in pairs if key == "scope"),
        account=redactor.fingerprint(account, "user") if account else None,
        client_id=kept("client_id"),
        offline=values.get("offline_token", "").lower() in ("true", "1") or values.get("access_type") == "offline",
        secret=secrets[0] if secrets else None,
    )


def asked_by_query(query: str, redactor: Redactor) -> TokenRequest | None:
    """The token request in the query of a GET; `None` if nothing in it speaks of a token."""
    pairs = parameters(query)
    return token_request(pairs, redactor) if any(key in _TOKEN_QUERY for key, _ in pairs) else None


def asked_by_body(body: bytes, redactor: Redactor) -> TokenRequest | None:
    """The token request in the form (or JSON object) of a POST; `None` if nothing in it speaks of a token."""
    if len(body) > MAX_BODY:
        return None
    if body.lstrip()[:1] == b"{":
        value = json_of(body)
        fields = value if isinstance(value, dict) else {}
        pairs = [(key, held) for key, held in list(fields.items())[:MAX_FIELDS] if isinstance(held, str)]
    else:
        text = body.decode("utf-8", "surrogateescape")
        pairs = _multipart(text) if text.startswith("--") else parameters(text)
    wanted = _TOKEN_QUERY.union(("grant_type", "username", "password", "refresh_token"))
    return token_request(pairs, redactor) if any(key in wanted for key, _ in pairs) else None


def _multipart(text: str) -> list[tuple[str, str]]:
    """Names and values of a form as `multipart/form-data` (RFC 7578), at most `MAX_FIELDS` of them."""
    boundary = text.partition("\n")[0].rstrip("\r")
    pairs: list[tuple[str, str]] = []
    for part in text.split(boundary, MAX_FIELDS)[1 : MAX_FIELDS + 1]:
        head, _, value = part.replace("\r\n", "\n").partition("\n\n")
        if name := _PART_NAME.search(head):
            pairs.append((name[1], value.removesuffix("\n")))
    return pairs


def parameters(text: str) -> list[tuple[str, str]]:
    """Decoded names and values of a query or form, at most `MAX_FIELDS` of them; bytes that are not UTF-8 survive."""
    pairs = (piece.partition("=") for piece in text.split("&", MAX_FIELDS)[:MAX_FIELDS])
    return [(_plain(name), _plain(value)) for name, _, value in pairs]


def _plain(text: str) -> str:
    return unquote_plus(text, errors="surrogateescape") if "%" in text or "+" in text else text


def token_answer(value: object, redactor: Redactor) -> TokenAnswer:
    """What the JSON value of a 2xx answer says about a token."""
    raw = token_answers.read(value)
    if raw is None:
        return TokenAnswer(is_json=False)
    remember_secrets(value, redactor)
    claimed = next(iter(raw.tokens), None)
    return TokenAnswer(
        token=redactor.fingerprint(raw.token) if raw.token else None,
        access_token=redactor.fingerprint(raw.access_token) if raw.access_token else None,
        refresh_token=redactor.fingerprint(raw.refresh_token) if raw.refresh_token else None,
        expires_in=raw.expires_in,
        issued_at=raw.issued_at,
        scope=redactor.scopes(raw.scope) if raw.scope is not None else None,
        empty="" in (raw.token, raw.access_token),
        claims=claims_of(claimed, redactor) if claimed is not None else None,
        mistyped=raw.mistyped,
    )


def _lower(value: Mapping[str, object]) -> dict[str, object]:
    """The fields by name in lower case; as for most clients, a name spelled in lower case wins."""
    fields: dict[str, object] = {}
    for key, held in value.items():
        if key.islower() or key.lower() not in value:
            fields[key[:64].lower()] = held
    return fields


def remember_secrets(value: object, redactor: Redactor) -> None:
    """Let the sweep look for every string in `value` whose name says that it is a secret, however deep it lies."""
    for secret in positions.of_json(value):
        redactor.remember(secret)


def remember_sent(body: bytes, redactor: Redactor) -> None:
    """Let the sweep look for what the names in a request's body say is a secret: form, JSON, XML."""
    if len(body) > MAX_BODY:
        return
    value = json_of(body)
    if isinstance(value, dict | list):
        remember_secrets(value, redactor)
        return
    text = body.decode("utf-8", "surrogateescape")
    for name, held in _multipart(text) if text.startswith("--") else ():
        for secret in positions.of_pair(name, held):
            redactor.remember(secret)
    for secret in positions.of_body(text):
        redactor.remember(secret)


def stated_reasons(body: bytes, value: object) -> tuple[StatedReason, ...]:
    """Why an answer refuses, by its body as it came; `value` is its JSON, `None` where it is none."""
    if value is None:
        return stated([body[:MAX_TEXT].decode("utf-8", "replace")])
    texts: list[str] = []
    waiting = [value]
    for _ in range(4 * MAX_FIELDS):
        if not waiting:
            break
        held = waiting.pop()
        if isinstance(held, dict):
            waiting += list(held.values())[:MAX_FIELDS]
        elif isinstance(held, list):
            waiting += held[:MAX_FIELDS]
        elif isinstance(held, str):
            texts.append(held[:MAX_TEXT])
    return stated(texts)


def errors_of(value: object, redactor: Redactor) -> tuple[RegistryError, ...]:
    """The errors in the JSON value of an answer, in whatever form registries and token servers use."""
    remember_secrets(value, redactor)
    return tuple(_error(entry, redactor) for entry in _entries(value))


def _entries(value: object) -> list[Mapping[str, object]]:
    """Objects that each describe one error."""
    if isinstance(value, dict):
        inner = value.get("errors", value.get("Errors"))
        if inner:
            return _entries(inner)
        if isinstance(value.get("error"), dict):
            return _entries(value["error"])
        return [value] if value else []
    if isinstance(value, list):
        told = (entry for entry in value[:MAX_ERRORS] if isinstance(entry, dict | str))
        return [entry if isinstance(entry, dict) else {"message": entry} for entry in told]
    return [{"message": value}] if isinstance(value, str) else []


def _error(entry: Mapping[str, object], redactor: Redactor) -> RegistryError:
    fields = _lower(entry)
    texts = [_first(fields, "message", "error_description", "msg", "description", "title", "reason")]
    for name in ("detail", "details"):
        texts.append(_first(fields, name))
    code = _first(fields, "code", "error", "status", "errorcode")
    told = ": ".join(dict.fromkeys(text for text in texts if text))
    return RegistryError(
        code=redactor.word(code), message=redactor.text(told), needs=accesses(access(fields.get("detail")), redactor)
    )


def _first(fields: Mapping[str, object], *names: str) -> str:
    """The first of these fields that holds text or a number."""
    held = (fields.get(name) for name in names)
    return next((str(value) for value in held if isinstance(value, str | int) and value != ""), "")


def layer_links(body: bytes | None, resolve: Callable[[str], Link]) -> tuple[Link, ...]:
    """The `urls` of a manifest's descriptors, at most `MAX_LINKS`; nothing else of the manifest is looked at."""
    urls = references.layers(body) or () if body is not None else ()
    return tuple(map(resolve, urls[:MAX_LINKS]))
