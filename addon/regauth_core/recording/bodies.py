"""Reads the few bodies of which something is kept: token requests, token answers, errors, links of foreign layers.

Distribution token specification ("Token Response Fields"; the "oauth" document), RFC 6749 section 5, OCI distribution
specification ("Error Codes"), OCI image specification ("Image Manifest", `urls` of a descriptor). Bodies of blobs and
configurations are never kept, of a manifest only the URLs of its layers. Nothing here raises on wire input.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import unquote_plus

import msgspec

from regauth_core.model import (
    Access,
    Claims,
    Fingerprint,
    Link,
    RegistryError,
    Safe,
    TokenAnswer,
    TokenField,
    TokenRequest,
)
from regauth_core.model.stated_reasons import MAX_TEXT, StatedReason, stated
from regauth_core.protocol.jwt import RawAccess, access, decode, seconds
from regauth_core.redaction import allow_list, positions
from regauth_core.redaction.redactor import Redactor

MAX_BODY: Final = 256 * 1024
"""Bytes of a body that is read; of a larger one only its size is known."""
MAX_ERRORS: Final = 20
MAX_LINKS: Final = 100
_TOKEN_FIELDS: Final = ("token", "access_token", "refresh_token")
MAX_FIELDS: Final = 64
"""Parameters of a token request, and fields of an answer that are searched for secrets."""

_SECRETS = ("password", "refresh_token", "client_secret", "assertion", "subject_token", "access_token", "code")
_TOKEN_QUERY = frozenset({"scope", "service", "account", "offline_token"})
_PART_NAME = re.compile(r'[; ]name="?([^"\n;]{1,256})', re.I)
_RFC3339 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,12})?(Z|[+-][0-9]{2}:[0-9]{2})")
_ISO_FRACTION = re.compile(r"(\.[0-9]{1,6})[0-9]*")


def json_of(body: bytes | None) -> object:
    """The JSON value of a body in any UTF, with or without a byte order mark; `None` for anything else."""
    if not body or len(body) > MAX_BODY:
        return None
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, ValueError):
        pass
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


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
    if not isinstance(value, dict):
        return TokenAnswer(is_json=False)
    remember_secrets(value, redactor)
    fields = _lower(value)
    tokens = {name: held for name in _TOKEN_FIELDS if isinstance(held := fields.get(name), str)}

    def printed(name: str) -> Fingerprint | None:
        return redactor.fingerprint(tokens[name]) if tokens.get(name) else None

    usable = tokens.get("access_token") or tokens.get("token") or ""
    scope = fields.get("scope")
    return TokenAnswer(
        token=printed("token"),
        access_token=printed("access_token"),
        refresh_token=printed("refresh_token"),
        expires_in=seconds(fields.get("expires_in")),
        issued_at=_moment(fields.get("issued_at")),
        scope=redactor.scopes(scope) if isinstance(scope, str) else None,
        empty="" in (tokens.get("token"), tokens.get("access_token")),
        claims=claims_of(usable, redactor) if usable else None,
        mistyped=tuple(field for field in TokenField if not _is_typed(field, fields.get(field))),
    )


def _is_typed(field: TokenField, value: object) -> bool:
    """Whether a field of a token answer is absent or of the type that clients decode it as.

    Distribution token specification ("Token Response Fields"): strings, an integer, a time as in RFC 3339.
    """
    if value is None:
        return True
    if field is TokenField.EXPIRES_IN:
        return isinstance(value, int) and not isinstance(value, bool)
    if field is TokenField.ISSUED_AT:
        return isinstance(value, str) and _RFC3339.fullmatch(value[:64]) is not None
    return isinstance(value, str)


def speaks_of_token(value: object) -> bool:
    """Whether a JSON value has a token field at its top."""
    return isinstance(value, dict) and any(name in value for name in ("token", "access_token", "Token", "AccessToken"))


def _lower(value: Mapping[str, object]) -> dict[str, object]:
    """The fields by name in lower case; as for most clients, a name spelled in lower case wins."""
    fields: dict[str, object] = {}
    for key, held in value.items():
        if key.islower() or key.lower() not in value:
            fields[key[:64].lower()] = held
    return fields


def _moment(value: object) -> float | None:
    """RFC 3339, with as many digits of a second as Go prints."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        moment = datetime.fromisoformat(_ISO_FRACTION.sub(r"\1", value.strip()))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


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


def layer_links(value: object, resolve: Callable[[str], Link]) -> tuple[Link, ...]:
    """The `urls` of a manifest's layers; nothing else of the manifest is looked at."""
    return tuple(resolve(url) for url, _ in zip(_layer_urls(value), range(MAX_LINKS), strict=False))


def _layer_urls(value: object) -> Iterator[str]:
    layers = value.get("layers") if isinstance(value, dict) else None
    for layer in layers if isinstance(layers, list) else []:
        urls = layer.get("urls") if isinstance(layer, dict) else None
        yield from (url for url in (urls if isinstance(urls, list) else []) if isinstance(url, str))
