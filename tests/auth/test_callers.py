"""For whom credentials may be used: the decision, and what a user may say about it."""

from __future__ import annotations

import os
import pwd
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mitmproxy.addons.proxyauth import ProxyAuth
from mitmproxy.test import taddons

from regauth_core.auth.callers import Addressed, Caller, Callers, is_of_page
from regauth_core.edge.errors import UserError
from regauth_core.edge.mitm.callers import callers, untold
from regauth_core.model.withheld import Withheld

OWN = Callers(own=1000)
CALLER = Caller(address="127.0.0.1", user=1000, host="registry.test")
MACHINE = Withheld.OTHER_MACHINE

CLIENTS: dict[str, tuple[dict[str, Any], dict[str, Any], Withheld | None]] = {
    "own": ({}, {}, None),
    "own over IPv6": ({"address": "::1"}, {}, None),
    "own over IPv4 in IPv6": ({"address": "::ffff:127.0.0.1"}, {}, None),
    "another": ({"user": 1001}, {}, Withheld.OTHER_USER),
    "another over IPv6": ({"address": "::1", "user": 1001}, {}, Withheld.OTHER_USER),
    "root": ({"user": 0}, {}, Withheld.OTHER_USER),
    "root, named": ({"user": 0}, {"users": frozenset({0})}, None),
    "another than the named": ({"user": 1001}, {"users": frozenset({0})}, Withheld.OTHER_USER),
    "any": ({"user": 1001}, {"any_user": True}, None),
    "not to be told": ({"user": None}, {}, Withheld.UNKNOWN_USER),
    "not to be told, root named": ({"user": None}, {"users": frozenset({0})}, Withheld.UNKNOWN_USER),
    "not to be told, any": ({"user": None}, {"any_user": True}, None),
    "a system without numbers": ({"user": None}, {"own": None}, Withheld.UNKNOWN_USER),
    "not to be told, with the password": ({"user": None, "has_password": True}, {}, None),
    "another with the password": ({"user": 1001, "has_password": True}, {}, Withheld.OTHER_USER),
    "elsewhere with the password": ({"address": "192.0.2.7", "user": None, "has_password": True}, {}, MACHINE),
    "of the command": ({"user": 1001, "is_admitted": True}, {}, None),
    "elsewhere": ({"address": "192.0.2.7", "user": None}, {}, MACHINE),
    "elsewhere, any user here": ({"address": "192.0.2.7", "user": None}, {"any_user": True}, MACHINE),
    "elsewhere with a number": ({"address": "192.0.2.7"}, {}, MACHINE),
    "elsewhere, named": ({"address": "192.0.2.7", "user": None}, {"addresses": frozenset({"192.0.2.7"})}, None),
    "elsewhere in IPv6, named": (
        {"address": "::ffff:192.0.2.7", "user": None},
        {"addresses": frozenset({"192.0.2.7"})},
        None,
    ),
    "of the command, elsewhere": ({"address": "192.0.2.7", "is_admitted": True}, {}, None),
    "nowhere": ({"address": ""}, {}, MACHINE),
    "nonsense": ({"address": "localhost"}, {}, MACHINE),
}


@pytest.mark.parametrize(("caller", "given", "reason"), CLIENTS.values(), ids=CLIENTS)
def test_credentials_are_for_their_user(caller: dict[str, Any], given: dict[str, Any], reason: Withheld | None) -> None:
    """Processes of one user over loopback, the command's, and whom the user adds; a password where none is told."""
    assert reason is replace(OWN, **given).objection(replace(CALLER, **caller))


NAMES: dict[str, tuple[tuple[str, ...], bool]] = {
    "localhost": (("localhost:5001",), True),
    "in any case": (("LocalHost:5001",), True),
    "fully qualified": (("localhost.:5001",), True),
    "below localhost": (("registry.localhost",), True),
    "address": (("127.0.0.1:5001",), True),
    "another loopback address": (("127.1.2.3",), True),
    "IPv6": (("[::1]:5001",), True),
    "where it arrived": (("192.0.2.1:5001",), True),
    "another address": (("192.0.2.2:5001",), False),
    "the registry": (("registry.test",), True),
    "the registry, any port": (("registry.test:5001",), True),
    "named": (("mirror.corp:5001",), True),
    "rebound": (("evil.example:5001",), False),
    "below a name": (("evil.mirror.corp",), False),
    "a name that begins like it": (("localhost.evil.example",), False),
    "a number for the address": (("127.1:5001",), False),
    "a number": (("2130706433",), False),
    "every address": (("0.0.0.0:5001",), False),
    "a user before it": (("evil.example@localhost",), False),
    "a path behind it": (("localhost/evil.example",), False),
    "one of two": (("localhost", "evil.example"), False),
    "the target of two": (("evil.example", "localhost"), False),
    "in the handshake": (("localhost:5001", "localhost", "evil.example"), False),
    "nobody": (("",), False),
    "not known": ((), False),
}


@pytest.mark.parametrize(("names", "is_fine"), NAMES.values(), ids=NAMES)
def test_reverse_proxy_must_be_addressed_by_a_name_that_is_its_own(names: tuple[str, ...], is_fine: bool) -> None:
    """Anything else may be a web page's that had its name pointed here."""
    addressed = Addressed(names=names, here="192.0.2.1", registry="registry.test")
    allowed = replace(OWN, names=frozenset({"mirror.corp"}))
    reason = allowed.objection(replace(CALLER, addressed=addressed))
    assert reason is (None if is_fine else Withheld.OTHER_NAME)


FIELDS: dict[str, tuple[tuple[tuple[str, str], ...], Withheld | None]] = {
    "a registry client": ((("User-Agent", "docker/27.0 go/go1.22"), ("Accept", "*/*")), None),
    "none": ((), None),
    "Origin": ((("Origin", "https://evil.example"),), Withheld.WEB_PAGE),
    "Origin of nobody": ((("origin", "null"),), Withheld.WEB_PAGE),
    "Origin of the registry": ((("Origin", "https://registry.test"),), Withheld.WEB_PAGE),
    "Sec-Fetch-Site": ((("Sec-Fetch-Site", "same-origin"),), Withheld.WEB_PAGE),
    "Sec-Fetch-Dest in lower case": ((("sec-fetch-dest", "image"),), Withheld.WEB_PAGE),
    "Sec-Fetch-Mode": ((("Sec-Fetch-Mode", "cors"), ("User-Agent", "client/1")), Withheld.WEB_PAGE),
    "Sec-Fetch-Mode alone": ((("Sec-Fetch-Mode", "cors"),), Withheld.WEB_PAGE),
    "fetch of node": ((("sec-fetch-mode", "cors"), ("user-agent", "node")), None),
    "fetch of older node": ((("sec-fetch-mode", "cors"), ("user-agent", "undici")), None),
    "node with a site": (
        (("Sec-Fetch-Mode", "cors"), ("Sec-Fetch-Site", "cross-site"), ("User-Agent", "node")),
        Withheld.WEB_PAGE,
    ),
    "node with another agent": (
        (("Sec-Fetch-Mode", "cors"), ("User-Agent", "node"), ("User-Agent", "x")),
        Withheld.WEB_PAGE,
    ),
    "client hints": ((("Sec-CH-UA", '"Chromium"'),), Withheld.WEB_PAGE),
    "prefetch": ((("Sec-Purpose", "prefetch"),), Withheld.WEB_PAGE),
    "preflight": ((("Access-Control-Request-Method", "GET"),), Withheld.WEB_PAGE),
    "preflight for a field": ((("access-control-request-headers", "authorization"),), Withheld.WEB_PAGE),
    "preflight for the network": ((("Access-Control-Request-Private-Network", "true"),), Withheld.WEB_PAGE),
    "a browser's name": ((("User-Agent", "Mozilla/5.0 (X11; Linux x86_64)"),), Withheld.WEB_PAGE),
    "a browser's name in odd case": ((("User-Agent", " mozilla/5.0"),), Withheld.WEB_PAGE),
    "the second name is a browser's": (
        (("User-Agent", "client/1"), ("User-Agent", "Mozilla/5.0")),
        Withheld.WEB_PAGE,
    ),
    "led from itself": ((("Referer", "https://registry.test/v2/foo/manifests/1"),), None),
    "led from itself in any case": ((("Referer", "http://REGISTRY.test:80/"),), None),
    "led from a path": ((("Referer", "/v2/"),), None),
    "no Referer": ((("Referer", ""),), None),
    "led from elsewhere": ((("Referer", "https://evil.test/v2/foo/manifests/1"),), Withheld.LED_ELSEWHERE),
    "led from elsewhere as a user": ((("Referer", "https://registry.test@evil.test/"),), Withheld.LED_ELSEWHERE),
    "led from a path elsewhere": ((("Referer", "//evil.test/"),), Withheld.LED_ELSEWHERE),
    "led from who knows where": ((("Referer", "https://[evil/"),), Withheld.LED_ELSEWHERE),
    "led from a page without a host": ((("Referer", "about:blank"),), Withheld.LED_ELSEWHERE),
}


@pytest.mark.parametrize(("headers", "reason"), FIELDS.values(), ids=FIELDS)
def test_pages_and_who_was_led_elsewhere_get_nothing(
    headers: tuple[tuple[str, str], ...], reason: Withheld | None
) -> None:
    """A browser is its user's process and sends what any page wants; and a client says where it got a URL."""
    assert reason is OWN.objection(replace(CALLER, headers=headers))
    assert reason is OWN.objection(replace(CALLER, headers=headers, user=None, is_admitted=True))
    assert is_of_page(headers) == (reason is Withheld.WEB_PAGE)


def test_pages_may_be_allowed() -> None:
    """By an option that says so, for the same user alone."""
    page = replace(CALLER, headers=(("Origin", "https://ui.test"), ("Referer", "https://ui.test/")))
    assert replace(OWN, browser=True).objection(page) is None
    assert replace(OWN, browser=True).objection(replace(page, user=0)) is Withheld.OTHER_USER


def test_client_of_a_reverse_proxy_was_led_by_that() -> None:
    """It follows a redirect to the name by which it knows the proxy."""
    addressed = Addressed(names=("localhost:5001",), here="127.0.0.1", registry="registry.test")
    caller = replace(CALLER, addressed=addressed, headers=(("Referer", "http://localhost:5001/v2/"),))
    assert OWN.objection(caller) is None


def test_what_a_user_allows_is_read() -> None:
    """All kinds, one each."""
    root = pwd.getpwuid(0).pw_name
    texts = ["192.0.2.7", "::ffff:192.0.2.8", f"user:{root}", "uid:12", "name:Mirror.corp", "name:a.test:5001"]
    found = callers([*texts, " any-user", "browser "])
    assert found == Callers(
        own=os.geteuid(),
        users=frozenset({0, 12}),
        any_user=True,
        addresses=frozenset({"192.0.2.7", "192.0.2.8"}),
        names=frozenset({"mirror.corp", "a.test"}),
        browser=True,
    )
    assert callers([]) == Callers(own=os.geteuid())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("build-7", "expected ADDRESS, user:NAME, uid:NUMBER, any-user, name:HOST or browser, found 'build-7'"),
        ("127.0.0.1", "127.0.0.1 is this machine"),
        ("::1", "::1 is this machine"),
        ("::ffff:127.0.0.1", "is this machine"),
        ("localhost", "expected ADDRESS"),
        ("user:no such user", "unknown user 'no such user'"),
        ("user:\0", "unknown user"),
        ("uid:alice", "expected uid:NUMBER"),
        ("uid:-1", "expected uid:NUMBER"),
        ("uid:", "expected uid:NUMBER"),
        ("name:", "expected name:HOST"),
        ("name:*", "expected name:HOST"),
        ("name:a/b", "expected name:HOST"),
        ("Browser", "expected ADDRESS"),
        ("", "expected ADDRESS"),
    ],
)
def test_what_cannot_be_allowed_is_said(text: str, said: str) -> None:
    """In one line that names the option."""
    with pytest.raises(UserError, match="^regauth_clients: [^\n]*$") as found:
        callers([text])
    assert said in str(found.value)


def test_machine_that_tells_no_users_is_complained_about(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With what to do about it, unless that was done; a file of many users' passwords says nothing of one's own."""
    users = tmp_path / "users"
    users.write_text("")
    monkeypatch.setattr("regauth_core.edge.mitm.callers.tells_users", lambda: False)
    with taddons.context(ProxyAuth()) as context:
        found = untold(OWN)
        assert found is not None
        assert "proxyauth=NAME:PASSWORD" in found
        assert "regauth_clients=any-user" in found
        assert untold(replace(OWN, any_user=True)) is None
        for wanted in ("any", f"@{users}"):
            context.options.update(proxyauth=wanted)
            assert untold(OWN) is not None
        context.options.update(proxyauth="build:x")
        assert untold(OWN) is None
