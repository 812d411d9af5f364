"""Where clients and servers put a secret that they use, by which it is known as one."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, quote_plus

from generated.exchanges import AUTH, FORM, JSON, Exchange

_TOKEN: Final = re.compile(r"[!-~]+")
_PLAIN: Final = re.compile(r"[A-Za-z0-9\-._~+/=]+")
_COOKIE: Final = re.compile(r"[!#-+\--:<-\[\]-~]+")


@dataclass(frozen=True)
class Use:
    """A place."""

    exchange: Callable[[str], Exchange]
    """With the secret in its place."""
    takes: Callable[[str], bool] = lambda _: True
    """Whether a program would put this secret there."""


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _base64(text: str) -> str:
    return base64.b64encode(_raw(text)).decode()


def _quoted(text: str) -> str:
    return quote(_raw(text), safe="")


def _plus(text: str) -> str:
    return quote_plus(_raw(text))


def _matches(pattern: re.Pattern[str], most: int = 60_000) -> Callable[[str], bool]:
    return lambda text: len(text) <= most and pattern.fullmatch(text) is not None


def _latin(text: str) -> bool:
    return not text.isascii() and all(ord(sign) < 256 for sign in text)


def _field(name: str, form: str = "{}", spell: Callable[[str], str] = str) -> Callable[[str], Exchange]:
    return lambda text: Exchange(asked=((name, form.replace("{}", spell(text))),))


def _form(form: str, spell: Callable[[str], str] = _quoted, path: str = "/token") -> Callable[[str], Exchange]:
    return lambda text: Exchange(
        "POST", AUTH, path, (("Content-Type", FORM),), form.replace("{}", spell(text)), got=b'{"token":"none"}'
    )


def _posted(
    path: str, shape: Callable[[str], object], method: str = "POST", ascii_only: bool = False
) -> Callable[[str], Exchange]:
    def exchange(text: str) -> Exchange:
        body = json.dumps(shape(text), ensure_ascii=ascii_only)
        return Exchange(method, AUTH, path, (("Content-Type", JSON),), body)

    return exchange


def _token(shape: Callable[[str], object]) -> Callable[[str], Exchange]:
    path = "/token?service=registry.test&scope=repository:team/app:pull"
    return lambda text: Exchange(
        host=AUTH, path=path, answered=(("Content-Type", JSON),), got=_raw(json.dumps(shape(text)))
    )


def _answer(status: int, name: str, form: str, spell: Callable[[str], str] = str) -> Callable[[str], Exchange]:
    return lambda text: Exchange(status=status, answered=((name, form.replace("{}", spell(text))),))


def _registry_config(text: str) -> str:
    return _base64(json.dumps({"registry.test": {"username": "alice", "password": text}}))


def _registry_auth(text: str) -> str:
    return base64.urlsafe_b64encode(_raw(json.dumps({"username": "alice", "password": text}))).decode()


def _keystone(text: str) -> object:
    user = {"name": "alice", "domain": {"name": "Default"}, "password": text}
    return {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}}


def _application_credential(text: str) -> object:
    held = {"id": "21dced0fd20347869b93710d2b98aae0", "secret": text}
    return {"auth": {"identity": {"methods": ["application_credential"], "application_credential": held}}}


_AWS: Final = "https://bucket.s3.amazonaws.com/x?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=600&X-Amz-Signature={}"

USES: Final[Mapping[str, Use]] = {
    "Basic": Use(_field("Authorization", "Basic {}", lambda text: _base64(f"alice:{text}"))),
    "Basic, lower case": Use(_field("authorization", "basic {}", lambda text: _base64(f"alice:{text}"))),
    "Basic for a token": Use(_field("Authorization", "Basic {}", lambda text: _base64(f"<token>:{text}"))),
    "Basic, OAuth name": Use(_field("Authorization", "Basic {}", lambda text: _base64(f"oauth2accesstoken:{text}"))),
    "Basic in Latin-1": Use(
        _field("Authorization", "Basic {}", lambda text: base64.b64encode(f"alice:{text}".encode("latin-1")).decode()),
        _latin,
    ),
    "Basic at the token server": Use(
        lambda text: Exchange(
            host=AUTH,
            path="/token?service=registry.test&account=alice",
            asked=(("Authorization", "Basic " + _base64(f"alice:{text}")),),
        )
    ),
    "Bearer": Use(_field("Authorization", "Bearer {}"), _matches(_PLAIN)),
    "PrivateToken": Use(_field("Authorization", "token {}"), _matches(_PLAIN)),
    "Negotiate": Use(_field("Authorization", "Negotiate {}"), _matches(_PLAIN)),
    "Proxy-Authorization": Use(_field("Proxy-Authorization", "Basic {}", lambda text: _base64(f"alice:{text}"))),
    "Proxy-Authorization, Bearer": Use(_field("Proxy-Authorization", "Bearer {}"), _matches(_PLAIN)),
    "X-Registry-Auth": Use(_field("X-Registry-Auth", "{}", _registry_auth)),
    "X-Registry-Config": Use(_field("X-Registry-Config", "{}", _registry_config)),
    "X-JFrog-Art-Api": Use(_field("X-JFrog-Art-Api"), _matches(_TOKEN)),
    "PRIVATE-TOKEN": Use(_field("PRIVATE-TOKEN"), _matches(_TOKEN)),
    "X-Auth-Token": Use(_field("X-Auth-Token"), _matches(_TOKEN)),
    "X-Amz-Security-Token": Use(_field("X-Amz-Security-Token"), _matches(_TOKEN)),
    "Cookie": Use(_field("Cookie", "lang=en; sid={}"), _matches(_COOKIE)),
    "Cookie, encoded": Use(_field("Cookie", "sid={}; lang=en", _quoted)),
    "form password": Use(_form("grant_type=password&service=registry.test&username=alice&password={}")),
    "form password, plus": Use(_form("grant_type=password&username=alice&password={}", _plus)),
    "form refresh_token": Use(_form("grant_type=refresh_token&service=registry.test&refresh_token={}")),
    "form client_secret": Use(_form("grant_type=client_credentials&client_id=app&client_secret={}")),
    "form access_token": Use(_form("grant_type=access_token&access_token={}", path="/oauth2/exchange")),
    "form pass": Use(_form("user=alice&pass={}", path="/login")),
    "form passphrase": Use(_form("user=alice&passphrase={}", path="/login")),
    "Docker Hub, password": Use(_posted("/v2/users/login", lambda text: {"username": "alice", "password": text})),
    "Docker Hub, secret": Use(_posted("/v2/auth/token", lambda text: {"identifier": "alice", "secret": text})),
    "Keystone": Use(_posted("/v3/auth/tokens", _keystone)),
    "Keystone, application": Use(_posted("/v3/auth/tokens", _application_credential, ascii_only=True)),
    "PUT": Use(_posted("/-/user/org.couchdb.user:alice", lambda text: {"name": "alice", "password": text}, "PUT")),
    "userinfo": Use(lambda text: Exchange(userinfo=f"alice:{_quoted(text)}@"), lambda text: len(text) < 3000),
    "userinfo in Location": Use(_answer(307, "Location", "https://alice:{}@blobs.test/x", _quoted)),
    "query access_token": Use(lambda text: Exchange(path=f"/v2/team/app/tags/list?access_token={_quoted(text)}")),
    "query sig": Use(lambda text: Exchange(path=f"/v2/team/app/blobs/uploads/x?sv=2020-01-01&sig={_quoted(text)}")),
    "query password": Use(lambda text: Exchange(host=AUTH, path=f"/token?account=alice&password={_quoted(text)}")),
    "answer token": Use(_token(lambda text: {"token": text, "expires_in": 300})),
    "answer access_token": Use(_token(lambda text: {"access_token": text, "token_type": "Bearer"})),
    "answer refresh_token": Use(_token(lambda text: {"access_token": "none", "refresh_token": text})),
    "answer id_token": Use(_token(lambda text: {"access_token": "none", "id_token": text})),
    "answer token, deeper": Use(_token(lambda text: {"token": "none", "data": {"Access_Token": text}})),
    "Set-Cookie": Use(_answer(200, "Set-Cookie", "sid={}; Path=/; HttpOnly", _quoted)),
    "Location, presigned": Use(_answer(307, "Location", _AWS, _quoted)),
    "Location, token": Use(_answer(307, "Location", "https://cdn.test/x?token={}", _quoted)),
    "Location, upload state": Use(_answer(202, "Location", "/v2/team/app/blobs/uploads/x?_state={}", _quoted)),
}  # fmt: skip
"""Each by name."""
