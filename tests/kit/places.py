"""One secret, put at any place of an exchange where wire text can stand."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import quote, quote_plus

from kit.messages import wire
from regauth_core.model import ChangeKind, FailureKind
from regauth_core.recording.observe import Wire

_PATHS = {
    "path": "/auth/{}/x",
    "tag": "/v2/team/app/manifests/{}",
    "upload": "/v2/team/app/blobs/uploads/{}",
    "query name": "/v2/team/app/tags/list?{}=1",
    "query value": "/v2/team/app/tags/list?x={}",
    "scope": "/token?scope=repository:{}:pull",
    "service": "/token?service={}",
}
_REQUEST_FIELDS = {
    "request header name": ("{}", "x"),
    "request header": ("X-Something", "{}"),
    "user agent": ("User-Agent", "tool/1.0 {}"),
    "authorization": ("Authorization", "Bearer {}"),
    "scheme": ("Authorization", "{} abc"),
    "cookie": ("Cookie", "a={}"),
    "cookie name": ("Cookie", "{}=a"),
    "host header": ("Host", "a.test:{}"),
}
_RESPONSE_FIELDS = {
    "challenge": ("WWW-Authenticate", "Negotiate {}"),
    "challenge scheme": ("WWW-Authenticate", '{} realm="x"'),
    "realm": ("WWW-Authenticate", 'Bearer realm="https://a.test/{}"'),
    "realm of Basic": ("WWW-Authenticate", 'Basic realm="{}"'),
    "parameter": ("WWW-Authenticate", 'Bearer realm="https://a.test/t",{}="{}",service="{}",error="{}"'),
    "response header": ("X-Something", "{}"),
    "digest": ("Docker-Content-Digest", "{}"),
    "upload id": ("Docker-Upload-UUID", "{}"),
    "location": ("Location", "/x/{}?{}={}"),
    "location of upload": ("Location", "/v2/team/app/blobs/uploads/{}?_state={}"),
    "link": ("Link", "</x?a={}>; rel=next; title={}"),
    "user information": ("Location", "https://{}:{}@a.test/"),
    "no url": ("Location", "data:{}"),
}
_BODIES: dict[str, object] = {
    "token": {"token": "{}"},
    "nested": {"a": [{"{}": "{}"}]},
    "error": {"errors": [{"code": "X", "message": "bad {}!"}]},
    "error code": {"errors": [{"code": "{}", "message": ""}]},
    "error detail": {"errors": [{"code": "X", "detail": [{"Type": "{}", "Name": "a", "Action": "{}"}]}]},
    "error text": {"details": "bad {}"},
}
_OTHERS = ("form", "form name", "page", "failure", "change", "label", "program", "protocol")

PLACES = (*_PATHS, *_REQUEST_FIELDS, *_RESPONSE_FIELDS, *_BODIES, *_OTHERS)


def planted(place: str, secret: str) -> Wire:
    """An exchange with `secret` at `place`."""
    if place in _PATHS:
        return wire(_PATHS[place].format(quote(secret)), status=401)
    if place in _REQUEST_FIELDS:
        name, value = _REQUEST_FIELDS[place]
        return wire("/v2/", (name.format(secret), value.replace("{}", secret)))
    if place in _RESPONSE_FIELDS:
        name, value = _RESPONSE_FIELDS[place]
        return wire(status=401, headers=((name, value.replace("{}", secret)),))
    if place in _BODIES:
        body = json.dumps(_BODIES[place]).replace("{}", json.dumps(secret)[1:-1])
        return wire("/token", status=200 if place in ("token", "nested") else 401, answer=body)
    return _other(place, secret)


def _other(place: str, secret: str) -> Wire:
    changed = {
        "failure": replace(wire(status=None), failure=(FailureKind.CONNECT, f"no {secret}")),
        "change": replace(wire(), changes=((ChangeKind.OTHER, f"set {secret}"),)),
        "label": replace(wire(), label=secret),
        "program": replace(wire(), program=secret),
        "protocol": replace(wire(), alpn=secret, alpn_offers=(secret,), http_version=secret, tls_version=secret),
        "page": wire(status=500, answer=f"<html><p>{secret}</html>"),
    }
    if place in changed:
        return changed[place]
    form = f"grant_type=password&password={quote_plus(secret)}" if place == "form" else f"scope=a&{secret}=1"
    return wire("/token", method="POST", body=form.encode())
