"""Real clients at real registries: what each does, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from clients.programs import Place
from clients.sessions import Told
from registries import sessions
from registries.calls import READING, WRITING, Call
from registries.ground import Login
from registries.servers import Registry

pytestmark = pytest.mark.registries

Finding = tuple[str, str, str, str | None]
"""Rule, severity, fault and cause."""

PING_FIRST: Final = ("skopeo", "containers-image-current", "podman", "buildah", "dockerd")
"""They take from the answer to the ping alone whether a registry wants authentication."""

IGNORED: Final = ("challenge-ignored", "error", "client", "ping-derived-auth")
IGNORED_LOGIN_UNKNOWN: Final = ("challenge-ignored", "warning", "client", "ping-derived-auth")
"""Neither the command line nor the challenge shows that the daemon was given a login."""
BASIC_FOR_BEARER: Final = ("wrong-scheme-sent", "error", "client", "ping-derived-auth")
NO_RIGHT: Final = ("token-scope-reduced", "warning", "credentials", None)
REJECTED: Final = ("credentials-rejected", "error", "credentials", None)
REPEATED: Final = ("refused-credential-repeated", "warning", "client", None)

FAILING: Final[dict[tuple[str, str, str], Finding]] = {
    **{(client, "nginx", "foo"): IGNORED for client in PING_FIRST},
    ("dockerd", "nginx", "foo"): IGNORED_LOGIN_UNKNOWN,
    **{(client, "mixed", "alice/app"): IGNORED for client in PING_FIRST},
    ("crane", "mixed", "alice/app"): BASIC_FOR_BEARER,
    **{(client, "token", "bob/app"): NO_RIGHT for client in READING},
}
"""Who fails where with alice's right password, and the one finding of it. Everything else succeeds."""

GUARDED: Final = (
    ("htpasswd", "foo"),
    ("token", "alice/app"),
    ("token", "bob/app"),
    ("nginx", "foo"),
    ("mixed", "alice/app"),
)
OPEN: Final = (("nginx", "bar"), ("mixed", "public/app"))
READ: Final = (
    *((client, *place) for place in GUARDED for client in READING),
    *((client, *place) for place in OPEN for client in ("skopeo", "dockerd", "oras")),
)
WRITTEN: Final = tuple((client, *place) for place in (("token", "alice/app"), ("nginx", "foo")) for client in WRITING)


def failure(client: str) -> int:
    """The exit status of a client that fails."""
    return 125 if client in ("podman", "buildah") else 1


def summary(told: Told) -> list[Finding]:
    """The findings without what a test has asked for itself."""
    return [(rule, severity, fault, cause) for rule, severity, fault, _, cause, _ in told.findings]


def doubts(told: Told) -> list[object]:
    """What is undecided, and the notes.

    But one: oras opens more connections than it needs and leaves them in the midst of a handshake, now and then, which
    looks as if it did not trust the authority.
    """
    return [doubt for doubt in told.doubts if "does not trust" not in str(doubt)]


@pytest.mark.parametrize(("client", "kind", "repository"), READ)
def test_reading(
    client: str, kind: str, repository: str, registries: Callable[[str], Registry], place: Place, state_home: Path
) -> None:
    """With the right password: whoever gets the image is left in peace, whoever does not gets one finding of why."""
    registry = registries(kind)
    told = sessions.read(client, repository, registry, Call.made(place, registry.login), state_home)
    expected = FAILING.get((client, kind, repository))
    assert summary(told) == ([expected] if expected else []), told.output
    assert told.status == (failure(client) if expected else 0), told.output
    assert (doubts(told), told.leaks()) == ([], [])


@pytest.mark.parametrize(("client", "kind", "repository"), WRITTEN)
def test_writing(
    client: str, kind: str, repository: str, registries: Callable[[str], Registry], place: Place, state_home: Path
) -> None:
    """It is with writing as with reading."""
    registry = registries(kind)
    told = sessions.write(client, repository, registry, Call.made(place, registry.login), state_home)
    expected = FAILING.get((client, kind, repository))
    assert summary(told) == ([expected] if expected else []), told.output
    assert told.status == (failure(client) if expected else 0), told.output
    assert told.leaks() == []


@pytest.mark.parametrize("client", ["skopeo", "dockerd"])
def test_writing_where_reading_is_open(
    client: str, registries: Callable[[str], Registry], place: Place, state_home: Path
) -> None:
    """Where only writing wants a password, ping-first clients are not able to write, and that is said."""
    registry = registries("nginx")
    told = sessions.write(client, "baz", registry, Call.made(place, registry.login), state_home)
    assert summary(told) == [IGNORED if client == "skopeo" else IGNORED_LOGIN_UNKNOWN], told.output
    assert told.status == failure(client)


@pytest.mark.parametrize(("kind", "repository"), [("htpasswd", "foo"), ("token", "alice/app"), ("nginx", "foo")])
@pytest.mark.parametrize("client", ["skopeo", "ctr", "oras", "crane"])
def test_wrong_password(
    client: str, kind: str, repository: str, registries: Callable[[str], Registry], place: Place, state_home: Path
) -> None:
    """A wrong password that was sent is told as one, and not as a fault of the client's."""
    call = Call.made(place, Login.made("alice"))
    told = sessions.read(client, repository, registries(kind), call, state_home)
    # ctr sends the refused password again, unless it is a token server that refused it.
    expected = [REJECTED, REPEATED] if client == "ctr" and kind != "token" else [REJECTED]
    assert summary(told) == ([IGNORED] if (client, kind) == ("skopeo", "nginx") else expected), told.output
    assert told.status == failure(client)
    assert (doubts(told), told.leaks()) == ([], [])
