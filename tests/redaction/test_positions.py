"""Secrets that are known by where they stand: every place that says so is read, and nothing else is taken for one."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.messages import CHALLENGE, MANIFEST, wire
from kit.tables import redactor
from regauth_core.edge.inputs import har
from regauth_core.recording.observe import Wire, observe
from regauth_core.redaction import positions

PASSWORD = "tannenbaum leiter kw"
WORD = "tannenbaum-leiter-kw"


def coded(value: object) -> str:
    """JSON in base64, as docker hands it on."""
    return b64encode(json.dumps(value).encode()).decode()


def posted(body: object, *, method: str = "POST", path: str = "/v2/users/login") -> Wire:
    """A request with a body that is JSON, unless it is text."""
    raw = body if isinstance(body, str) else json.dumps(body)
    return wire(path, method=method, host="hub.test", body=raw.encode(), status=401)


def answered(*headers: tuple[str, str], body: object = None) -> Wire:
    """A refusal."""
    return wire(MANIFEST, status=401, headers=headers, answer=json.dumps(body) if body is not None else None)


PLACES: dict[str, Wire] = {
    "Docker Hub's login": posted({"identifier": "alice", "secret": WORD}),
    "login with PUT": posted({"user": "alice", "pass": WORD}, method="PUT"),
    "login with PATCH": posted({"user": "alice", "passphrase": WORD}, method="PATCH"),
    "a form": posted(f"user=alice&pass={WORD}"),
    "a form with a nested name": posted(f"login[user]=alice&login[pwd]={WORD}"),
    "a form in parts": posted(f'--b\r\nContent-Disposition: form-data; name="pass"\r\n\r\n{WORD}\r\n--b--\r\n'),
    "a form at an endpoint of the registry": posted(f"cred={WORD}", path="/v2/team/app/tags/list"),
    "lines": posted(f"user=alice\npass={WORD}\n"),
    "XML": posted(f"<login><user>alice</user><password>{WORD}</password></login>"),
    "Keystone": posted({"auth": {"identity": {"password": {"user": {"name": "alice", "password": WORD}}}}}),
    "Keystone's token": posted({"auth": {"identity": {"token": {"id": WORD}}}}),
    "a list of tokens": posted({"tokens": ["first-of-them", WORD]}),
    "a name and its value": posted([{"name": "DB_PASS", "value": WORD}]),
    "JSON in a form": posted('auth={"username":"alice","password":"' + WORD + '"}'),
    "JSON in JSON": posted({"data": json.dumps({"credential": {"value": WORD}})}),
    "a pair in base64": posted({"auths": {"a.test": {"auth": b64encode(f"alice:{WORD}".encode()).decode()}}}),
    "a URL in JSON": posted({"remote": f"https://alice:{WORD}@a.test/x"}),
    "X-Registry-Auth": wire(MANIFEST, ("X-Registry-Auth", coded({"username": "alice", "password": WORD}))),
    "X-Registry-Config": wire(MANIFEST, ("X-Registry-Config", coded({"a.test": {"password": WORD}}))),
    "JSON in a field": wire(MANIFEST, ("X-Login", json.dumps({"pass": WORD}))),
    "a URL in an unknown field": wire(MANIFEST, ("X-Original-Url", f"https://alice:{WORD}@a.test/")),
    "Referer": wire(MANIFEST, ("Referer", f"https://alice:{WORD}@a.test/")),
    "a query": wire(f"/login?pwd={WORD}", host="hub.test"),
    "Location": answered(("Location", f"https://alice:{WORD}@a.test/")),
    "a fragment": answered(("Location", f"https://a.test/#access_token={WORD}&x=1")),
    "Link": answered(("Link", f'<https://alice:{WORD}@a.test/>; rel="next"')),
    "a realm": answered(("WWW-Authenticate", f'Bearer realm="https://alice:{WORD}@a.test/t"')),
    "a realm of Basic": answered(("WWW-Authenticate", f'Basic realm="https://alice:{WORD}@a.test/t"')),
    "a message": answered(body={"errors": [{"code": "DENIED", "message": f"see https://alice:{WORD}@a.test/"}]}),
    "an answer": answered(body={"errors": [], "debug": [{"deep": {"passphrase": WORD}}]}),
}


@pytest.mark.parametrize("place", PLACES)
def test_what_stands_where_secrets_stand_is_remembered(place: str) -> None:
    """And found wherever it is echoed."""
    one = redactor()
    observe(PLACES[place], one)
    assert WORD not in one.sweep(f"bad login alice/{WORD}")[0]


def test_user_information_in_a_saved_url_is_remembered() -> None:
    """A HAR file has the URL as the client was given it."""
    entry = {
        "startedDateTime": "2026-01-01T00:00:00Z",
        "request": {"method": "GET", "url": f"https://alice:{WORD}@a.test/v2/", "headers": []},
        "response": {"status": 200, "headers": []},
    }
    read = har.wire_of(entry, 1)
    assert read is not None
    one = redactor()
    observe(read, one)
    assert WORD not in one.sweep(f"bad login alice/{WORD}")[0]
    assert WORD not in repr(read)


def test_a_secret_of_a_request_is_known_before_its_answer_is_read() -> None:
    """So that no sign in it takes the echo apart."""
    one = redactor()
    password = "Som&mer;Kx83/hfQp Lm29wz"
    body = json.dumps({"identifier": "alice", "secret": password}).encode()
    answer = wire(
        "/v2/users/login",
        method="POST",
        host="hub.test",
        body=body,
        status=302,
        headers=(("Location", f"/login?error=no {password}"), ("Set-Cookie", f"last={password}; Path=/")),
    )
    shown = repr(observe(answer, one))
    assert all(piece not in shown for piece in ("Som", "mer;", "Kx83", "hfQp", "Lm29wz"))


INNOCENT = (
    {"authors": "Jane Doe <jane@example.test>"},
    {"author": "somebody-else"},
    {"token_type": "bearer-token"},
    {"use_password": "false", "key": ""},
    {"message": "the-manifest-is-unknown"},
    {"authorization_url": "https://a.test/authorize"},
)


@pytest.mark.parametrize("value", INNOCENT, ids=str)
def test_nothing_else_is_taken_for_a_secret(value: dict[str, str]) -> None:
    """A sweep that hunts for words shreds the reports."""
    assert list(positions.of_json(value)) == []


def test_the_annotations_of_a_manifest_are_no_login() -> None:
    """What is pushed is content."""
    one = redactor()
    body = json.dumps({"annotations": {"org.test.token": "a-word-of-it"}}).encode()
    observe(wire(MANIFEST, method="PUT", body=body, status=201, headers=(("WWW-Authenticate", CHALLENGE),)), one)
    assert one.sweep("a-word-of-it")[1] == 0


@given(st.text(max_size=300))
def test_nothing_raises(text: str) -> None:
    """Whatever is on the wire."""
    for read in (positions.of_text, positions.of_form, positions.of_field, positions.of_body):
        list(read(text))
    list(positions.of_json({"password": text, "a": [text]}))


def test_reading_is_bounded() -> None:
    """JSON of any breadth and depth is read up to a bound."""
    deep: object = "x"
    for _ in range(500):
        deep = {"auth": [deep] * 3}
    assert len(list(positions.of_json(deep))) < positions.MAX_VALUES
    assert len(list(positions.of_json({"token": [str(n) for n in range(100_000)]}))) <= positions.MAX_VALUES
