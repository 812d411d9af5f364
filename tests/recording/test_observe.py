"""Observing: nothing secret gets into an exchange, and all that rules need does."""

from __future__ import annotations

import json
import re
import time
from base64 import b64encode
from dataclasses import replace
from operator import attrgetter

import msgspec
import pytest

from kit.canaries import CORPUS, Planted, leaks
from kit.messages import CHALLENGE, MANIFEST, REALM, SCOPE, asked, basic, form, jwt, wire
from kit.tables import plain, redactor
from regauth_core.model import (
    Access,
    Challenge,
    Change,
    ChangeKind,
    CredentialFlaw,
    Endpoint,
    Exchange,
    Failure,
    FailureKind,
    Holder,
    RegistryError,
    Response,
    Signature,
    TokenAnswer,
    TokenRequest,
)
from regauth_core.recording.observe import MAX_ANSWER_TEXT, MAX_ERROR_TEXT, MAX_HEADERS, Wire, observe


def seen(held: Wire) -> Exchange:
    return observe(held, redactor())


def answer(held: Wire) -> Response:
    response = seen(held).response
    assert response is not None
    return response


def refused(body: str | bytes, **error: str) -> Response:
    return answer(wire(status=401, answer=body, headers=tuple(error.items())))


@pytest.mark.parametrize("planted", CORPUS, ids=attrgetter("id"))
def test_no_planted_secret_survives_observation(planted: Planted) -> None:
    """The allow-list alone keeps every planted secret out of an exchange, however it is printed."""
    exchange = seen(planted.wire)
    assert leaks(repr(exchange), planted.secrets) == []
    assert leaks(msgspec.json.encode(exchange).decode(), planted.secrets) == []


@pytest.mark.parametrize("planted", CORPUS, ids=attrgetter("id"))
def test_what_a_diagnosis_needs_survives(planted: Planted) -> None:
    """Digests, scopes, services, error codes, life times and claims are still there."""
    shown = msgspec.json.encode(seen(planted.wire)).decode()
    assert [word for word in planted.kept if word not in shown] == []


def test_the_parts_of_an_exchange_are_where_they_belong() -> None:
    """Numbers, times, sizes, connection and sender are taken over as they are."""
    held = replace(
        wire(MANIFEST + "?ns=docker.io", body=b"abc", answer="{}"),
        number=7,
        label="first",
        process=12,
        program="skopeo",
        address="10.0.0.9",
        connection="c-1",
        http_version="HTTP/1.1",
        tls_version="TLSv1.3",
        alpn="http/1.1",
        alpn_offers=("h2", "http/1.1"),
        changes=((ChangeKind.CREDENTIALS_ADDED, "credentials filled in"),),
    )
    exchange = seen(held)
    assert (exchange.number, exchange.started, exchange.first_byte, exchange.ended) == (
        7,
        held.started,
        held.first_byte,
        held.ended,
    )
    assert (exchange.request.method, exchange.request.size) == ("GET", 3)
    assert exchange.changes == (Change(ChangeKind.CREDENTIALS_ADDED, exchange.changes[0].text),)
    assert exchange.changes[0].text == "credentials filled in"
    assert (exchange.sender.label, exchange.sender.process, exchange.sender.program) == ("first", 12, "skopeo")
    assert (exchange.sender.address, exchange.sender.user_agent) == ("10.0.0.9", "skopeo/1.14.0")
    assert exchange.connection.alpn_offers == ("h2", "http/1.1")
    assert (exchange.connection.tls_version, exchange.connection.http_version) == ("TLSv1.3", "HTTP/1.1")
    assert (exchange.target.endpoint, exchange.target.mirror_of) == (Endpoint.MANIFEST, "docker.io")


def test_an_exchange_without_an_answer_says_why() -> None:
    """No response is not an empty response."""
    exchange = seen(wire(status=None, failure=(FailureKind.CONNECT, "connection refused")))
    assert (exchange.response, exchange.failure) == (None, Failure(FailureKind.CONNECT, exchange.failure.text))  # type: ignore[union-attr]
    assert exchange.status == 0


# Credentials.


@pytest.mark.parametrize(
    ("value", "holder", "flaws"),
    [
        (basic("alice", "swordfish"), Holder.ORDINARY, ()),
        (basic("alice", "with:colon"), Holder.ORDINARY, ()),
        (basic("alice", ""), Holder.ORDINARY, ()),
        ("Og==", Holder.EMPTY, ()),
        (basic("<token>", "refresh"), Holder.IDENTITY_TOKEN, ()),
        (basic("AWS", "x"), Holder.AWS, ()),
        (basic("_json_key", "{}"), Holder.GOOGLE, ()),
        (basic("oauth2accesstoken", "x"), Holder.GOOGLE, ()),
        (basic("00000000-0000-0000-0000-000000000000", "x"), Holder.AZURE, ()),
        (basic("alice", "swordfish\n"), Holder.ORDINARY, (CredentialFlaw.CONTROL_CHARACTER,)),
        (b64encode(b"alice:caf\xe9").decode(), Holder.ORDINARY, (CredentialFlaw.NOT_UTF8,)),
        (b64encode(b"swordfish").decode(), Holder.ORDINARY, (CredentialFlaw.NO_COLON,)),
        (basic("alice", "swordfishes").rstrip("="), Holder.ORDINARY, (CredentialFlaw.NOT_BASE64,)),
        ("alice:swordfish", Holder.ORDINARY, (CredentialFlaw.NOT_BASE64,)),
    ],
)
def test_basic_is_decoded_with_its_flaws(value: str, holder: Holder, flaws: tuple[CredentialFlaw, ...]) -> None:
    """Who it belongs to and what is wrong with it can be told without showing it."""
    (credential,) = seen(wire(MANIFEST, ("Authorization", f"Basic {value}"))).request.credentials
    assert (credential.scheme, credential.holder, credential.flaws) == ("basic", holder, flaws)
    assert credential.size == len(f"Basic {value}")
    assert credential.fingerprint.startswith("pw:")
    assert credential.empty == (holder is Holder.EMPTY)


def test_equal_users_and_passwords_have_equal_fingerprints() -> None:
    """The same password is recognised in Basic and in a form, the same user in Basic and in `account`."""
    one = redactor()
    (sent,) = observe(wire(MANIFEST, ("Authorization", "Basic " + basic("alice", "p%3a"))), one).request.credentials
    posted = observe(form("grant_type=password&username=alice&password=p%253a"), one).request.token
    got = observe(wire("/token?account=alice&service=s"), one).request.token
    assert posted is not None
    assert got is not None
    assert (sent.user, sent.password) == (posted.account, posted.secret)
    assert sent.user == got.account


@pytest.mark.parametrize(
    ("lines", "schemes"),
    [
        (["Bearer a"], ["bearer"]),
        (["Bearer\ta"], ["bearer"]),
        (["Bearer a", "Basic YTpi"], ["bearer", "basic"]),
        (["Bearer a, Basic YTpi"], ["bearer", "basic"]),
        (["Bearer a,Bearer b , Basic YTpi"], ["bearer", "bearer", "basic"]),
        (['Digest username="a", realm="b, c", response="d"'], ["digest"]),
        (["AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=c"], ["aws4-hmac-sha256"]),
        (["Bearer"], ["bearer"]),
        ([""], [""]),
    ],
)
def test_every_credential_of_a_request_is_seen(lines: list[str], schemes: list[str]) -> None:
    """Two lines, or two schemes joined by a comma, are two credentials; a comma inside one is none."""
    exchange = seen(wire(MANIFEST, *(("Authorization", line) for line in lines)))
    assert [credential.scheme for credential in exchange.request.credentials] == schemes


def test_a_scheme_without_a_value_is_empty() -> None:
    """`Authorization: Bearer` identifies nobody."""
    (credential,) = seen(wire(MANIFEST, ("Authorization", "Bearer "))).request.credentials
    assert credential.empty


def test_a_jwt_shows_the_claims_that_explain_a_decision() -> None:
    """Issuer, audience, times and access; the subject as a fingerprint only."""
    (credential,) = seen(wire(MANIFEST, ("Authorization", "Bearer " + jwt("x", sub="alice")))).request.credentials
    claims = credential.claims
    assert claims is not None
    assert (claims.issuer, claims.audience) == ("auth.registry.test", ("registry.test",))
    assert (claims.expires, claims.not_before, claims.issued) == (1700000300.0, 1700000000.0, 1700000000.0)
    assert claims.access is not None
    assert [(entry.kind, entry.name, entry.actions) for entry in claims.access] == [
        ("repository", "team/app", ("pull", "push"))
    ]
    assert plain(f"<{claims.subject}>") == "<user>"


# Token requests and answers.

TOKENS = ("token", "access_token", "refresh_token")


def test_a_token_request_by_get_is_read_from_its_query() -> None:
    """Several scopes stay several."""
    query = f"service=registry.test&scope={SCOPE}&scope=aws&account=alice&client_id=docker&offline_token=true"
    token = seen(wire(f"/token?{query}", host="auth.test")).request.token
    assert token is not None
    assert (token.service, token.scopes, token.client_id, token.offline) == (
        "registry.test",
        (SCOPE, "aws"),
        "docker",
        True,
    )
    assert (token.grant, token.secret) == (None, None)
    assert token.account is not None


def test_a_token_request_by_post_is_read_from_its_form() -> None:
    """The secret is known by its fingerprint alone."""
    body = "grant_type=refresh_token&refresh_token=sword-fish&service=registry.test&access_type=offline"
    token = seen(form(f"{body}&scope=a+b&client_id=oras-go")).request.token
    assert token is not None
    assert (token.grant, token.service, token.scopes, token.offline) == (
        "refresh_token",
        "registry.test",
        ("a b",),
        True,
    )
    assert token.secret is not None


@pytest.mark.parametrize("path", ["/v2/", MANIFEST + "?scope=a", "/x", "/x?y=1", "/v2/team/app/tags/list?service=a"])
def test_other_requests_ask_for_no_token(path: str) -> None:
    """A registry's own paths ask for no token, whatever their query says."""
    assert seen(wire(path)).request.token is None


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ('{"token":"a"}', {"token": True}),
        ('{"access_token":"a","expires_in":300}', {"access_token": True, "expires_in": 300.0}),
        ('{"token":"a","access_token":"a","refresh_token":"b"}', {"token": True, "refresh_token": True}),
        ('{"token":"a","expires_in":"60"}', {"expires_in": 60.0}),
        ('{"token":"a","expires_in":null}', {"expires_in": None}),
        ('{"token":"a","expires_in":1e400}', {"expires_in": None}),
        ('{"token":"a","issued_at":"2023-11-14T22:13:20.123456789Z"}', {"issued_at": 1700000000.123456}),
        ('{"token":"a","issued_at":"2023-11-15T00:13:20+02:00"}', {"issued_at": 1700000000.0}),
        ('{"token":"a","issued_at":"yesterday"}', {"issued_at": None}),
        ('{"token":"a","scope":"repository:a:pull"}', {"scope": "repository:a:pull"}),
        ('{"token":""}', {"empty": True, "token": False}),
        ('{"Token":"a"}', {"token": True}),
        ("{}", {"is_json": True, "token": False}),
        ("[]", {"is_json": False}),
        ("<html>", {"is_json": False}),
        ("", {"is_json": False}),
        ("\ufeff" + '{"token":"a"}', {"token": True}),
    ],
)
def test_token_answers_are_read_as_servers_write_them(body: str, fields: dict[str, object]) -> None:
    """Numbers as strings, missing fields, empty tokens, and answers that are none."""
    token = answer(asked(body)).token
    assert token is not None
    for name, value in fields.items():
        got = getattr(token, name)
        assert (got is not None if name in TOKENS else got) == value


def test_a_token_in_an_answer_shows_what_was_asked() -> None:
    """A request without any parameter is one for a token if a token comes back."""
    exchange = seen(wire("/login", host="auth.test", answer='{"token":"a"}'))
    assert exchange.request.token == TokenRequest()
    assert answer(wire("/config", host="auth.test", answer='{"tokens":1}')).token is None
    assert answer(wire(MANIFEST, answer='{"token":"a"}')).token is None


def test_an_answer_that_was_not_kept_says_nothing() -> None:
    """Unknown is not the same as "no JSON"."""
    assert answer(replace(asked(b""), response_body=None)).token is None
    assert answer(asked(b"")).token == TokenAnswer(is_json=False)


# Errors.


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        (
            '{"errors":[{"code":"DENIED","message":"no"},{"code":"UNAUTHORIZED"}]}',
            [("DENIED", "no"), ("UNAUTHORIZED", "")],
        ),
        ('{"errors":{"code":"DENIED","message":"no"}}', [("DENIED", "no")]),
        ('{"errors":["no","never"]}', [("", "no"), ("", "never")]),
        ('{"errors":[{"status":401,"message":"Bad credentials"}]}', [("401", "Bad credentials")]),
        ('{"code":"DENIED","message":"no"}', [("DENIED", "no")]),
        ('{"details":"incorrect username or password"}', [("", "incorrect username or password")]),
        ('{"message":"no"}', [("", "no")]),
        ('{"error":"invalid_grant","error_description":"it expired"}', [("invalid_grant", "it expired")]),
        ('{"error":{"code":403,"message":"no"}}', [("403", "no")]),
        ('{"errors":[{"code":"X","message":"a","detail":"b"}]}', [("X", "a: b")]),
        ('"no"', [("", "no")]),
        ("{}", []),
        ("[[[[1]]]]", []),
        ("null", []),
    ],
)
def test_errors_are_read_in_whatever_form_they_come(body: str, errors: list[tuple[str, str]]) -> None:
    """Registries, token servers and the frameworks below them all say it in their own way."""
    assert [(error.code, error.message) for error in refused(body).errors] == errors


def test_an_error_says_what_is_missing() -> None:
    """The detail of the reference registry: one object for each action, made one entry for each resource."""
    detail = [
        {"Type": "repository", "Class": "", "Name": "team/app", "Action": "pull"},
        {"Type": "repository", "Class": "", "Name": "team/app", "Action": "push"},
        {"type": "registry", "name": "catalog", "actions": ["*"]},
    ]
    body = json.dumps({"errors": [{"code": "UNAUTHORIZED", "message": "no", "detail": detail}]})
    (error,) = refused(body).errors
    assert isinstance(error, RegistryError)
    assert [(need.kind, need.name, need.actions) for need in error.needs] == [
        ("repository", "team/app", ("pull", "push")),
        ("registry", "catalog", ("*",)),
    ]
    assert all(isinstance(need, Access) for need in error.needs)


@pytest.mark.parametrize(
    ("body", "text", "page"),
    [
        ("404 page not found\n", "404 page not found", False),
        ("<html><head><title>413</title><style>p{}</style></head><h1>Too Large</h1>", "413 Too Large", True),
        ("<!DOCTYPE html><p>a &amp; b<script>let x = 1", "a & b", True),
        ("\x1b[31mred", "\\x1b[31mred", False),
        (b"\x00\x01\x02\xff\xfe", None, False),
        (b"", None, False),
    ],
)
def test_other_error_texts_keep_their_words(body: str | bytes, text: str | None, page: bool) -> None:
    """The start of a plain or HTML text, on one line, without markup."""
    response = refused(body)
    assert (response.text, response.is_html) == (text, page)
    assert response.errors == ()


def test_a_long_error_text_is_cut_after_redaction() -> None:
    """A token that stands across the limit is not shown in half."""
    text = refused("word " * 56 + "ghp_16C7e42F292c6912E7710c838347Ae178B4a" + " word" * 90).text
    assert text is not None
    assert len(text) <= MAX_ERROR_TEXT
    assert "16C7" not in text


def test_a_page_that_is_cut_off_leaves_no_half_of_a_secret() -> None:
    """The limit may fall into the middle of a token."""
    for room in (5, 9, 20):
        page = "<html>" + "<i>" * ((16 * 1024 - 6 - 5 - room) // 3) + "word ghp_16C7e42F292c6912E7710c838347Ae178B4a"
        assert "ghp" not in (refused(page).text or "")


def test_html_is_told_by_its_type_or_its_beginning() -> None:
    """A login page with status 200 is HTML too."""
    assert answer(wire(answer="x", headers=(("content-type", "text/html; charset=utf-8"),))).is_html
    assert answer(wire(answer="\n  <HTML>")).is_html
    assert not answer(wire(answer='{"a":"<html>"}')).is_html


# Challenges and links.


def test_challenges_are_read_from_every_line() -> None:
    """Bearer with its realm as a link, Basic with its realm as text."""
    lines = (("WWW-Authenticate", CHALLENGE), ("www-authenticate", 'Basic realm="Registry Realm"'))
    bearer, other = answer(wire(status=401, headers=lines)).challenges
    assert (bearer.kind, bearer.scopes, bearer.parameter("service")) == ("bearer", (SCOPE,), "registry.test")
    assert bearer.realm_link is not None
    assert (bearer.realm_link.text, str(bearer.realm_link.origin)) == (REALM, "https://auth.registry.test")
    assert (other.kind, other.parameter("realm"), other.realm_link, other.line) == ("basic", "Registry Realm", None, 1)


def test_a_relative_realm_is_resolved_anew_for_each_request() -> None:
    """Two registries may send the same line and mean two token servers."""
    one = redactor()
    line = (("WWW-Authenticate", 'Bearer realm="/token"'),)
    found: list[Challenge] = []
    for host in ("a.test", "b.test"):
        response = observe(wire(status=401, host=host, headers=line), one).response
        assert response is not None
        found += response.challenges
    assert [str(challenge.realm_link and challenge.realm_link.origin) for challenge in found] == [
        "https://a.test",
        "https://b.test",
    ]


@pytest.mark.parametrize(
    ("lines", "unreadable"), [([], False), ([""], False), ([",;"], True), (["Basic realm=x", "==="], True)]
)
def test_an_unreadable_challenge_is_told_from_none(lines: list[str], unreadable: bool) -> None:
    """An empty line is no challenge; a line of rubbish is one that nobody can read."""
    response = answer(wire(status=401, headers=tuple(("WWW-Authenticate", line) for line in lines)))
    assert response.unreadable_challenge == unreadable


AMZ = "X-Amz-Date=20231114T221320Z&X-Amz-Signature=a"


@pytest.mark.parametrize(
    ("query", "signed"),
    [
        (f"{AMZ}&X-Amz-Expires=60", Signature(begins=1700000000.0, ends=1700000060.0)),
        (f"{AMZ}&X-Amz-Expires=soon", Signature(begins=1700000000.0)),
        (
            "X-Goog-Date=20231114T221320Z&X-Goog-Expires=60&X-Goog-Signature=a",
            Signature(begins=1700000000.0, ends=1700000060.0),
        ),
        ("Expires=1700000060&Signature=a&Key-Pair-Id=b", Signature(ends=1700000060.0)),
        ("AWSAccessKeyId=b&Expires=1700000060&Signature=a", Signature(ends=1700000060.0)),
        (
            "st=2023-11-14T22%3A13%3A20Z&se=2023-11-14T22:14:20Z&sig=a",
            Signature(begins=1700000000.0, ends=1700000060.0),
        ),
        ("verify=1700000000-abc", Signature(begins=1700000000.0)),
        ("sig=a", Signature()),
        ("expires=1700000060", None),
        ("", None),
    ],
)
def test_a_signed_url_tells_its_life(query: str, signed: Signature | None) -> None:
    """S3, Google Cloud Storage, CloudFront, Azure and the network of Docker Hub."""
    location = answer(wire(status=307, headers=(("Location", f"https://store.test/x?{query}"),))).location
    assert location is not None
    assert location.signed == signed


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ('</v2/_catalog?n=2&last=b>; rel="next"', "https://registry.test/v2/_catalog?n=2&last=b"),
        ("<https://other.test/x>;rel=next", "https://other.test/x"),
        ('</a>; rel="prev", </b>; title="x, y"; rel="first next"', "https://registry.test/b"),
        ('</a>; rel="nextish"', None),
        ("</a>", None),
        ("", None),
    ],
)
def test_the_link_to_the_next_page_is_found(link: str, target: str | None) -> None:
    """Among several links, quoted or not, and on another host if so it says."""
    found = answer(wire("/v2/_catalog", headers=(("Link", link),))).next_page
    assert (found.text if found else None) == target


def test_of_a_manifest_only_the_urls_of_layers_are_kept() -> None:
    """Foreign layers name hosts of their own; nothing else of the manifest is looked at."""
    layers = [{"urls": ["https://foreign.test/x?token=abc", 7]}, {"urls": 1}, {}, 5, {"urls": ["http://b.test/"]}]
    manifest = {"layers": layers, "annotations": {"a": "sword-fish"}, "errors": [{"code": "X"}], "token": "a"}
    exchange = seen(wire(answer=json.dumps(manifest)))
    assert exchange.response is not None
    assert [plain(link.text) for link in exchange.response.layer_links] == [
        "https://foreign.test/x?token=<tok>",
        "http://b.test/",
    ]
    assert "sword-fish" not in repr(exchange)
    assert (exchange.response.errors, exchange.response.token) == ((), None)


def test_every_descriptor_of_a_manifest_may_have_urls() -> None:
    """Those of an index and of a configuration too, in any case, in order; in another answer they mean nothing."""
    document = json.dumps({"config": {"URLs": ["https://a.test/"]}, "manifests": [{"urls": ["https://b.test/"]}]})
    assert [plain(link.text) for link in answer(wire(answer=document)).layer_links] == [
        "https://a.test/",
        "https://b.test/",
    ]
    assert answer(wire("/v2/team/app/tags/list", answer=document)).layer_links == ()


@pytest.mark.parametrize(
    ("date", "seconds"), [("Tue, 14 Nov 2023 22:13:20 GMT", 1700000000.0), ("yesterday", None), ("", None)]
)
def test_the_date_is_read(date: str, seconds: float | None) -> None:
    """The server's clock, for faults of clocks."""
    assert answer(wire(headers=(("date", date),))).date == seconds


@pytest.mark.parametrize("number", ["443", "3f2a91c0", "123456789012"])
def test_number_of_a_connection_is_shown(number: str) -> None:
    """As browsers and proxies number them."""
    assert seen(replace(wire(), connection=number)).connection.id == number


@pytest.mark.parametrize("words", ["gnaaranhz yrvgre", "Tannenbaum", "letmein1", "a\u200bb", "1234567890123"])
def test_other_name_of_a_connection_is_a_fingerprint(words: str) -> None:
    """A HAR file's `connection` is any text; what is one connection is still seen."""
    one = redactor()
    shown = [observe(replace(wire(), connection=words), one).connection.id for _ in range(2)]
    assert shown[0] == shown[1] is not None
    assert re.fullmatch(r"<conn:[0-9a-f]{8}>", shown[0] or "")


# Bounds.


def test_headers_are_bounded_in_number_and_length() -> None:
    """A thousand fields, or one of a megabyte, do not get into the trace."""
    many = answer(wire(headers=(("X-A", "b"),) * 1000))
    assert len(many.headers) == MAX_HEADERS
    long = seen(wire("/v2/" + "a" * 100_000, ("User-Agent", "word " * 200_000), ("X-A", "b" * 1_000_000)))
    assert len(repr(long)) < 50_000


@pytest.mark.parametrize(
    "body",
    [
        b'{"errors":[{"code":"X"}]}' + b" " * 300_000,
        b"[" * 200_000,
        b"<" * 200_000,
        b"<script " * 30_000,
        b'{"errors":[' + b'{"code":"X","message":"y"},' * 5000 + b'{"code":"X"}]}',
        b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
        b"1" * 100_000,
        b'"' + b"\\u0000" * 40_000 + b'"',
    ],
)
def test_large_and_hostile_bodies_cost_little(body: bytes) -> None:
    """Nothing raises, nothing runs away, and little is kept."""
    began = time.process_time()
    response = refused(body)
    assert time.process_time() - began < 2
    assert len(repr(response)) < 100_000
    assert len(response.errors) <= 20


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("Link", "<" * 60_000),
        ("Link", "<a>;" * 15_000),
        ("Link", '<a>; rel="' * 6_000),
        ("WWW-Authenticate", "Bearer " * 9_000),
        ("Set-Cookie", "a=b;" * 15_000),
        ("Location", "https://a.test/?" + "a=b&" * 15_000),
        ("Location", "https://" + "a:" * 30_000),
        ("Server", "a=" * 30_000),
        ("Server", "a@" * 30_000),
        ("Date", "1" * 60_000),
    ],
)
def test_hostile_header_values_cost_little(field: str, value: str) -> None:
    """Every expression stops, whatever it is fed with."""
    began = time.process_time()
    answer(wire(status=401, headers=((field, value),)))
    seen(wire(MANIFEST, (field, value), ("Authorization", value)))
    assert time.process_time() - began < 2


FIELDS = {
    "values": [(f"X-{number:03}", "a b " * 999) for number in range(100)],
    "names": [(f"X-{number:03}" + "-Abc" * 998, "a b") for number in range(100)],
}


@pytest.mark.parametrize("fields", FIELDS.values(), ids=FIELDS)
def test_headers_are_bounded_in_all_their_text(fields: list[tuple[str, str]]) -> None:
    """Many long fields cost no more than few: those that come when the limit is reached are left out whole."""
    assert len(answer(wire(headers=tuple(fields))).headers) == MAX_ANSWER_TEXT // 4001
    assert len(seen(wire(MANIFEST, *fields)).request.headers) > MAX_ANSWER_TEXT // 4001
