"""Where the other side, or the client itself, may repeat a secret so that nothing in the place says that it is one."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from generated.exchanges import AUTH, Exchange, answered

_LABELS: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9\-.]{0,60}[A-Za-z0-9])?")
_NAME: Final = re.compile(r"[!#$%&'*+\-.^_`|~A-Za-z0-9]{1,3000}")
_UNSAFE: Final = re.compile(r"[\x00-\x20\x7f#]|[\ud800-\udfff]")
_TOKEN_PATH: Final = "/token?service=registry.test&scope=repository:team/app:pull"


@dataclass(frozen=True)
class Echo:
    """A place."""

    exchange: Callable[[str], Exchange]
    """With the text in its place."""
    takes: Callable[[str], bool] = lambda _: True
    """Whether the text can stand there."""
    folds: bool = False
    """Whether a reader of hosts makes it lower case, after which nobody can decode base64."""


def _line(text: str) -> str:
    """As a header field holds it."""
    return re.sub(r"[\r\n\x00]+", " ", text)


def _reference(text: str) -> str:
    """As a part of a URL holds it at least."""

    def escaped(found: re.Match[str]) -> str:
        code = ord(found.group())
        return f"%{code - 0xDC00 if 0xDC00 <= code < 0xDD00 else code & 0xFF:02X}"

    return _UNSAFE.sub(escaped, text)


def _string(text: str) -> str:
    """As a part of a JSON string, bytes that are no UTF-8 as they are."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _fields(status: int, *fields: tuple[str, str], body: str = "{}") -> Callable[[str], Exchange]:
    """An answer with the text in header fields."""
    return lambda text: answered(status, *((name, form.replace("{}", _line(text))) for name, form in fields), body=body)


def _url(status: int, name: str, form: str) -> Callable[[str], Exchange]:
    return lambda text: answered(status, (name, form.replace("{}", _reference(text))))


def _location_host(text: str) -> Exchange:
    return answered(307, ("Location", f"https://{text}.cdn.test/x"))


def _asked(name: str, form: str, status: int = 401) -> Callable[[str], Exchange]:
    return lambda text: Exchange(asked=((name, form.replace("{}", _line(text))),), status=status)


def _path(form: str, status: int = 404, method: str = "GET", host: str = "") -> Callable[[str], Exchange]:
    def exchange(text: str) -> Exchange:
        path = form.replace("{}", _reference(text))
        return Exchange(method, host, path, status=status) if host else Exchange(method, path=path, status=status)

    return exchange


def _json(form: str, status: int = 403, kind: str = "application/json", path: str = "") -> Callable[[str], Exchange]:
    return lambda text: answered(status, ("Content-Type", kind), body=form.replace("{}", _string(text)), path=path)


def _body(form: str, kind: str, status: int = 403) -> Callable[[str], Exchange]:
    return lambda text: answered(status, ("Content-Type", kind), body=form.replace("{}", text))


def _at_token_server(status: int, form: str) -> Callable[[str], Exchange]:
    def exchange(text: str) -> Exchange:
        body = form.replace("{}", _string(text)).encode("utf-8", "surrogateescape")
        return Exchange(
            host=AUTH, path=_TOKEN_PATH, status=status, answered=(("Content-Type", "application/json"),), got=body
        )

    return exchange


def _claims(shape: Callable[[str], dict[str, Any]]) -> Callable[[str], Exchange]:
    """A token answer whose JWT repeats the text."""

    def exchange(text: str) -> Exchange:
        clean = text.encode("utf-8", "replace").decode()
        parts = ({"alg": "none"}, {"iss": "auth.registry.test", "exp": 1800000000, **shape(clean)})
        coded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
        got = json.dumps({"token": ".".join([*coded, "c2lnbmF0dXJl"])}).encode()
        return Exchange(host=AUTH, path=_TOKEN_PATH, got=got)

    return exchange


def _entry(key: str, form: str = "{}", status: int = 403) -> Callable[[str], Exchange]:
    return lambda text: Exchange(status=status, entry={key: form.replace("{}", text)})


def _log(key: str, shape: Callable[[str], Any]) -> Callable[[str], Exchange]:
    return lambda text: Exchange(log={key: shape(text)})


def _matching(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: pattern.fullmatch(text) is not None


def _short(most: int) -> Callable[[str], bool]:
    return lambda text: len(text) <= most


_REALM: Final = 'Bearer realm="https://auth.registry.test/token",service="registry.test"'
_LONG: Final = "the request was refused because of the following, see there: " * 33
"""2,013 characters."""

ECHOES: Final[Mapping[str, Echo]] = {
    "error message": Echo(_json('{"errors":[{"code":"DENIED","message":"bad login alice/{}"}]}')),
    "error message, alone": Echo(_json('{"errors":[{"code":"UNAUTHORIZED","message":"{}"}]}', 401)),
    "error message, in a sentence": Echo(_json('{"errors":[{"code":"DENIED","message":"the password {} is wrong"}]}')),
    "error message, user:password": Echo(_json('{"errors":[{"code":"DENIED","message":"login as alice:{} failed"}]}')),
    "error detail": Echo(_json('{"errors":[{"code":"DENIED","message":"no","detail":{"reason":"{}"}}]}')),
    "error detail, list": Echo(_json('{"errors":[{"code":"DENIED","detail":[{"Type":"repository","Name":"{}"}]}]}')),
    "error detail, text": Echo(_json('{"errors":[{"code":"DENIED","message":"no","detail":"{}"}]}')),
    "error code": Echo(_json('{"errors":[{"code":"{}","message":"no"}]}')),
    "JSON key": Echo(_json('{"{}":"no","errors":[{"{}":1,"code":"DENIED","detail":{"{}":"x"}}]}')),
    "details": Echo(_json('{"details":"{}"}')),
    "message alone": Echo(_json('{"message":"no rights for {}"}')),
    "JSON text": Echo(_json('"{}"')),
    "JSON list": Echo(_json('["{}"]')),
    "broken JSON": Echo(_json('{"errors":[{"message":"{}')),
    "long error message": Echo(_json('{"errors":[{"code":"DENIED","message":"' + _LONG + '{}"}]}')),
    "error message near 300": Echo(_json('{"errors":[{"code":"DENIED","message":"' + _LONG[:290] + '{}"}]}')),
    "plain text": Echo(_body("denied: {}\n", "text/plain")),
    "plain text near 300": Echo(_body(_LONG[:292] + "{}", "text/plain")),
    "HTML": Echo(_body("<html><title>no</title><h1>Login {} failed</h1><p title='{}'>no</p></html>", "text/html")),
    "XML": Echo(_body('<?xml version="1.0"?><Error><Code>Denied</Code><Message>{}</Message></Error>', "text/xml")),
    "token endpoint, description": Echo(_at_token_server(401, '{"error":"invalid_grant","error_description":"{}"}')),
    "token endpoint, error": Echo(_at_token_server(401, '{"error":"{}"}')),
    "token endpoint, details": Echo(_at_token_server(401, '{"details":"incorrect login {}"}')),
    "token answer, scope": Echo(_at_token_server(200, '{"token":"none","scope":"{}"}')),
    "tags": Echo(_json('{"name":"team/app","tags":["{}"]}', 200)),
    "repositories": Echo(_json('{"repositories":["{}"]}', 200, path="/v2/_catalog")),
    "layer URL": Echo(_json('{"layers":[{"urls":["https://a.test/{}"]}]}', 200, path="/v2/team/app/manifests/1")),
    "realm": Echo(_fields(401, ("WWW-Authenticate", 'Basic realm="{}"'))),
    "realm, URL": Echo(_url(401, "WWW-Authenticate", 'Bearer realm="https://auth.registry.test/{}",service="registry.test"')),
    "realm, query": Echo(_url(401, "WWW-Authenticate", 'Bearer realm="https://auth.registry.test/token?next={}",service="s"')),
    "service": Echo(_fields(401, ("WWW-Authenticate", 'Bearer realm="https://auth.registry.test/token",service="{}"'))),
    "scope": Echo(_fields(401, ("WWW-Authenticate", _REALM + ',scope="repository:{}:pull"'))),
    "scope, actions": Echo(_fields(401, ("WWW-Authenticate", _REALM + ',scope="repository:team/app:{}"'))),
    "challenge error": Echo(_fields(401, ("WWW-Authenticate", _REALM + ',error="{}"'))),
    "challenge description": Echo(_fields(401, ("WWW-Authenticate", _REALM + ',error="x",error_description="{}"'))),
    "challenge parameter": Echo(_fields(401, ("WWW-Authenticate", _REALM + ',hint="{}"'))),
    "challenge parameter, unquoted": Echo(_fields(401, ("WWW-Authenticate", _REALM + ",hint={}"))),
    "challenge parameter's name": Echo(_fields(401, ("WWW-Authenticate", _REALM + ',{}="y"'))),
    "challenge parameter's name, alone": Echo(_fields(401, ("WWW-Authenticate", "Bearer {}"))),
    "challenge scheme": Echo(_fields(401, ("WWW-Authenticate", '{} realm="x"'))),
    "Proxy-Authenticate": Echo(_fields(407, ("Proxy-Authenticate", 'Basic realm="{}"'))),
    "Warning": Echo(_fields(403, ("Warning", '299 - "{}"'))),
    "Server": Echo(_fields(403, ("Server", "{}"))),
    "Server, version": Echo(_fields(403, ("Server", "nginx/{}"))),
    "Via": Echo(_fields(403, ("Via", "1.1 {}"))),
    "ETag": Echo(_fields(200, ("ETag", '"{}"'))),
    "Docker-Content-Digest": Echo(_fields(200, ("Docker-Content-Digest", "{}"))),
    "Docker-Content-Digest, sha256": Echo(_fields(200, ("Docker-Content-Digest", "sha256:{}"))),
    "Docker-Content-Digest, other": Echo(_fields(200, ("Docker-Content-Digest", "token:{}"))),
    "Docker-Upload-UUID": Echo(_fields(202, ("Docker-Upload-UUID", "{}"))),
    "Content-Type": Echo(_fields(403, ("Content-Type", "text/plain; charset={}"), body="no")),
    "Content-Type, subtype": Echo(_fields(403, ("Content-Type", "text/{}"), body="no")),
    "Content-Disposition": Echo(_fields(200, ("Content-Disposition", 'attachment; filename="{}"'))),
    "OCI-Subject": Echo(_fields(201, ("OCI-Subject", "{}"))),
    "RateLimit": Echo(_fields(429, ("RateLimit-Limit", "100;w={}"), ("Retry-After", "{}"))),
    "Vary": Echo(_fields(200, ("Vary", "{}"), ("Allow", "GET, {}"))),
    "unknown header": Echo(_fields(200, ("X-Request-Id", "{}"), ("X-Debug", "login {} failed"))),
    "header cut": Echo(_fields(403, ("Server", _LONG + "{}"))),
    "challenge cut": Echo(_fields(401, ("WWW-Authenticate", _REALM + ',error_description="' + _LONG + '{}"'))),
    "Warning cut": Echo(_fields(403, ("Warning", '299 - "' + "x" * 2030 + ' {}"'))),
    "claim cut": Echo(_claims(lambda text: {"aud": "x" * 1015 + " " + text})),
    "header name": Echo(lambda text: answered(403, (text, "x")), _matching(_NAME)),
    "cookie name": Echo(lambda text: answered(200, ("Set-Cookie", f"{text}=1; Path=/")), _matching(_NAME)),
    "cookie attribute": Echo(_fields(200, ("Set-Cookie", "a=1; Path=/{}; Domain={}"))),
    "Location, host": Echo(_location_host, _matching(_LABELS), True),
    "Location, path": Echo(_url(307, "Location", "https://cdn.test/x/{}")),
    "Location, path of the registry": Echo(_url(202, "Location", "/v2/team/app/blobs/uploads/{}")),
    "Location, repository": Echo(_url(307, "Location", "https://registry.test/v2/team/{}/manifests/latest")),
    "Location, query": Echo(_url(307, "Location", "https://cdn.test/x?last={}")),
    "Location, query name": Echo(_url(307, "Location", "https://cdn.test/x?{}=1")),
    "Location, fragment": Echo(_url(307, "Location", "https://cdn.test/x#{}")),
    "Location, alone": Echo(_fields(307, ("Location", "{}"))),
    "Content-Location": Echo(_url(200, "Content-Location", "/v2/team/app/manifests/{}")),
    "Link": Echo(_url(200, "Link", '</v2/team/app/tags/list?last={}&n=1>; rel="next"')),
    "Link, title": Echo(_fields(200, ("Link", '</v2/team/app/tags/list?n=1>; rel="next"; title="{}"'))),
    "claim iss": Echo(_claims(lambda text: {"iss": text})),
    "claim aud": Echo(_claims(lambda text: {"aud": ["registry.test", text]})),
    "claim sub": Echo(_claims(lambda text: {"sub": text})),
    "claim access": Echo(_claims(lambda text: {"access": [{"type": "repository", "name": text, "actions": ["pull"]}]})),
    "claim actions": Echo(_claims(lambda text: {"access": [{"type": text, "name": "team/app", "actions": [text]}]})),
    "repository": Echo(_path("/v2/team/{}/tags/list"), _short(15_000)),
    "repository, first": Echo(_path("/v2/{}/app/manifests/latest"), _short(15_000)),
    "tag": Echo(_path("/v2/team/app/manifests/{}"), _short(15_000)),
    "digest": Echo(_path("/v2/team/app/blobs/sha256:{}"), _short(15_000)),
    "upload": Echo(_path("/v2/team/app/blobs/uploads/{}", method="PATCH"), _short(15_000)),
    "path elsewhere": Echo(_path("/login/{}"), _short(15_000)),
    "path near its cut": Echo(_path("/v2/team/app/manifests/" + "x" * 2015 + "{}")),
    "query last": Echo(_path("/v2/_catalog?last={}"), _short(15_000)),
    "query other": Echo(_path("/v2/team/app/tags/list?q={}"), _short(15_000)),
    "query name": Echo(_path("/v2/team/app/tags/list?{}=1"), _short(15_000)),
    "token request, scope": Echo(_path("/token?service=s&scope=repository:{}:pull", host=AUTH), _short(15_000)),
    "token request, service": Echo(_path("/token?service={}&scope=repository:a:pull", host=AUTH), _short(15_000)),
    "token request, client_id": Echo(_path("/token?service=s&client_id={}&account={}", host=AUTH), _short(7_000)),
    "host asked": Echo(lambda text: Exchange(host=f"{text}.registry.test"), _matching(_LABELS), True),
    "Host": Echo(_asked("Host", "{}.registry.test"), folds=True),
    "User-Agent": Echo(_asked("User-Agent", "docker/24.0 {}")),
    "User-Agent, product": Echo(_asked("User-Agent", "{}/1.0 (linux)")),
    "Accept": Echo(_asked("Accept", "application/{}")),
    "Referer": Echo(lambda text: Exchange(asked=(("Referer", f"https://registry.test/{_reference(text)}"),))),
    "request header": Echo(_asked("X-Other", "{}")),
    "request header name": Echo(lambda text: Exchange(asked=((text, "x"),)), _matching(_NAME)),
    "request cookie name": Echo(lambda text: Exchange(asked=(("Cookie", f"{text}=1"),)), _matching(_NAME)),
    "credential scheme": Echo(_asked("Authorization", "{} abc")),
    "Digest user": Echo(_asked("Authorization", 'Digest username="{}", realm="r", response="00"')),
    "method": Echo(lambda text: Exchange(text), _matching(_NAME)),
    "reason phrase": Echo(_entry("response.statusText")),
    "HAR entry comment": Echo(_entry("comment")),
    "HAR error": Echo(_entry("response._error", "connection refused by {}", 0)),
    "HAR connection": Echo(_entry("connection")),
    "HAR address": Echo(_entry("serverIPAddress")),
    "HAR version": Echo(_entry("request.httpVersion", "HTTP/{}")),
    "HAR cookies": Echo(lambda text: Exchange(entry={"request.cookies": [{"name": text, "value": text}]})),
    "HAR redirect": Echo(_entry("response.redirectURL")),
    "HAR page title": Echo(_log("pages", lambda text: [{"id": "p", "title": text, "comment": text}])),
    "HAR comment": Echo(_log("comment", str)),
    "HAR creator": Echo(_log("creator", lambda text: {"name": f"tool {text}", "version": text})),
    "HAR browser": Echo(_log("browser", lambda text: {"name": text, "version": text})),
}  # fmt: skip
"""Each by name."""
