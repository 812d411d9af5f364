"""Real clients at real registries, with regauth's hand in it: each mode of `--inject`."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from clients.programs import Place
from clients.sessions import Told
from regauth_core.simulate.image import digest, image
from registries import sessions
from registries.calls import Call, secrets_of
from registries.ground import REGISTRY, Login
from registries.layers import write_image
from registries.servers import Registry
from registries.test_reading_and_writing import IGNORED, IGNORED_LOGIN_UNKNOWN, PING_FIRST, failure, summary

pytestmark = pytest.mark.registries

ASKED_LATE: Final = (("nginx", "foo"), ("mixed", "alice/app"))
"""Where the ping is open and a repository is not."""
CORRECT: Final = ("ctr", "oras", "regctl")
"""They answer whatever challenge they get."""
CHANGED: Final = "changed some exchanges"


def with_login(mode: str, call: Call, login: Login, *more: str) -> tuple[str, ...]:
    """The options for a mode that has credentials of its own, out of a file."""
    return "--inject", mode, "--credentials", str(call.given(login)), *more


def notes_of(told: Told) -> list[str]:
    """The notes on what regauth changed, or left."""
    return [note for note in told.document["notes"] if "regauth_inject" in note]


def verification(told: Told) -> dict[str, Any]:
    """That of the only finding."""
    (finding,) = told.document["findings"]
    proof: dict[str, Any] = finding["verification"]
    return proof


@pytest.mark.parametrize(("kind", "repository"), ASKED_LATE)
@pytest.mark.parametrize("client", PING_FIRST)
def test_fill_lets_ping_first_clients_read(
    client: str, kind: str, repository: str, registries: Callable[[str], Registry], place: Place, state_home: Path
) -> None:
    """Clients that would not answer the challenge get the image, and the report says that there was a hand in it."""
    registry = registries(kind)
    call = Call.made(place, None)
    told = sessions.read(client, repository, registry, call, state_home, *with_login("fill", call, registry.login))
    assert (told.status, summary(told)) == (0, []), told.output
    (note,) = notes_of(told)
    assert CHANGED in note
    everything = told.output + "".join(told.reports.values())
    assert not [secret for secret in secrets_of(registry.login) if secret in everything]
    assert told.leaks() == []


@pytest.mark.parametrize(("kind", "repository"), [*ASKED_LATE, ("nginx", "baz")])
@pytest.mark.parametrize("client", ["skopeo", "podman", "buildah", "dockerd"])
def test_fill_lets_ping_first_clients_write(
    client: str, kind: str, repository: str, registries: Callable[[str], Registry], place: Place, state_home: Path
) -> None:
    """The same for all the requests of an upload, once writing is allowed."""
    registry = registries(kind)
    call = Call.made(place, None)
    options = with_login("fill", call, registry.login, "--allow", "push")
    told = sessions.write(client, repository, registry, call, state_home, *options)
    assert (told.status, summary(told)) == (0, []), told.output
    assert (len(notes_of(told)), told.leaks()) == (1, [])


@pytest.mark.parametrize("client", ["oras", "ctr", "regctl", "skopeo"])
def test_fill_asks_once_for_an_image_of_many_layers(
    client: str, registries: Callable[[str], Registry], place: Place, state_home: Path
) -> None:
    """Layers that are fetched at once share a token, and each is fetched once; only the ping has one of its own."""
    registry, repository = registries("token"), "alice/layers"
    write_image(registry, repository, 64)
    before = registry.logged()
    call = Call.made(place, None)
    told = sessions.read(client, repository, registry, call, state_home, *with_login("fill", call, registry.login))
    assert (told.status, summary(told)) == (0, []), told.output
    requests, exchanges = (now - then for now, then in zip(registry.logged(), before, strict=True))
    own = told.document["exchanges"]
    assert own >= 65
    assert requests - own <= 2
    assert exchanges <= 2


@pytest.mark.parametrize(
    "command",
    [
        ("crane", "copy", f"{REGISTRY}/alice/app:latest", f"{REGISTRY}/alice/copied-by-crane:latest"),
        ("oras", "copy", f"{REGISTRY}/alice/app:latest", f"{REGISTRY}/alice/copied-by-oras:latest"),
        ("regctl", "image", "copy", f"{REGISTRY}/alice/app:latest", f"{REGISTRY}/alice/copied-by-regctl:latest"),
    ],
    ids=lambda command: command[0],
)
def test_fill_mounts_from_another_repository(
    command: tuple[str, ...], registries: Callable[[str], Registry], place: Place, state_home: Path
) -> None:
    """The token for a mount is for both repositories, so that no blob is sent twice."""
    registry = registries("token")
    call = Call.made(place, None)
    options = with_login("fill", call, registry.login, "--allow", "push")
    told = sessions.run(list(command), registry, call, state_home, *options)
    assert (told.status, summary(told), told.leaks()) == (0, [], []), told.output
    name = command[-1].removeprefix(f"{REGISTRY}/").partition(":")[0]
    started = re.findall(rf'"POST /v2/{name}/blobs/uploads/(\S*) HTTP/[0-9.]+" (20.) ', registry.log.read_text())
    assert [("mount=" in query, status) for query, status in started] == [(True, "201")] * 2


@pytest.mark.parametrize(("kind", "repository"), ASKED_LATE)
@pytest.mark.parametrize(
    "command",
    [("oras", "blob", "fetch", "--output", "-"), ("crane", "blob"), ("regctl", "blob", "get")],
    ids=lambda command: command[0],
)
def test_fill_lets_a_client_begin_with_a_blob(
    command: tuple[str, ...],
    kind: str,
    repository: str,
    registries: Callable[[str], Registry],
    place: Place,
    state_home: Path,
) -> None:
    """The first request that the registry gets is for something large, and nothing is known of what it wants."""
    registry = registries(kind)
    call = Call.made(place, None)
    layer = f"{REGISTRY}/{repository}@{digest(image(repository).layer)}"
    if command[0] == "regctl":
        layer = layer.replace("@", " ")
    options = with_login("fill", call, registry.login)
    told = sessions.run([*command, *layer.split()], registry, call, state_home, *options)
    assert (told.status, summary(told), told.leaks()) == (0, [], []), told.output


@pytest.mark.parametrize("mode", ["fill", "verify"])
@pytest.mark.parametrize(("kind", "repository"), [("nginx", "foo"), ("token", "alice/app")])
@pytest.mark.parametrize("client", [*CORRECT, "crane"])
def test_correct_clients_lose_nothing(
    client: str,
    kind: str,
    repository: str,
    mode: str,
    registries: Callable[[str], Registry],
    place: Place,
    state_home: Path,
) -> None:
    """Those that succeed by themselves still do, though regauth's credentials are for reading only."""
    registry = registries(kind)
    call = Call.made(place, registry.login)
    told = sessions.write(client, repository, registry, call, state_home, *with_login(mode, call, registry.login))
    assert (told.status, summary(told), told.leaks()) == (0, [], []), told.output


@pytest.mark.parametrize(
    ("client", "kind"),
    [
        *((client, kind) for client in CORRECT for kind in ("htpasswd", "token", "mixed")),
        *(("crane", kind) for kind in ("htpasswd", "token")),
    ],
)
def test_correct_clients_read_as_before(
    client: str, kind: str, registries: Callable[[str], Registry], place: Place, state_home: Path
) -> None:
    """With credentials of their own they send what they would have sent, and regauth adds none to that."""
    registry, seen = registries(kind), []
    for mode in ("off", "fill"):
        call = Call.made(Place.made(place.directory / mode), registry.login)
        options = with_login(mode, call, registry.login)
        told = sessions.read(client, "alice/app", registry, call, state_home, *options)
        assert (told.status, summary(told), told.leaks()) == (0, [], []), told.output
        seen.append(told.document["exchanges"])
    # What regauth answers in a client's place, the client need not answer itself.
    assert seen[1] <= seen[0]


@pytest.mark.parametrize("kind", ["htpasswd", "token"])
@pytest.mark.parametrize("client", ["skopeo", "oras"])
def test_fill_for_a_client_without_credentials(
    client: str, kind: str, registries: Callable[[str], Registry], place: Place, state_home: Path
) -> None:
    """Where the ping asks as well, a client that has no password gets the image all the same."""
    registry = registries(kind)
    call = Call.made(place, None)
    told = sessions.read(client, "alice/app", registry, call, state_home, *with_login("fill", call, registry.login))
    assert (told.status, summary(told), told.leaks()) == (0, [], []), told.output


@pytest.mark.parametrize("kind", ["htpasswd", "token", "mixed"])
@pytest.mark.parametrize("client", ["skopeo", "oras", "crane"])
def test_override_replaces_a_wrong_password(
    client: str, kind: str, registries: Callable[[str], Registry], place: Place, state_home: Path
) -> None:
    """What the client sends is replaced by what is right."""
    registry = registries(kind)
    call = Call.made(place, Login.made("alice"))
    told = sessions.read(client, "alice/app", registry, call, state_home, *with_login("override", call, registry.login))
    assert (told.status, summary(told), told.leaks()) == (0, [], []), told.output
    (note,) = notes_of(told)
    assert CHANGED in note


@pytest.mark.parametrize(("kind", "repository"), ASKED_LATE)
@pytest.mark.parametrize("client", [*PING_FIRST, "crane"])
def test_shim_lets_clients_use_their_own(
    client: str, kind: str, repository: str, registries: Callable[[str], Registry], place: Place, state_home: Path
) -> None:
    """Once the ping says what the repository asks, they log in with the password that they have."""
    registry = registries(kind)
    call = Call.made(place, registry.login)
    options = ("--inject", "shim", "--shim", f"{REGISTRY}/{repository}")
    told = sessions.read(client, repository, registry, call, state_home, *options)
    assert (told.status, summary(told), told.leaks()) == (0, [], []), told.output
    (note,) = notes_of(told)
    assert "changed the registry's ping" in note


@pytest.mark.parametrize("client", ["skopeo", "dockerd"])
def test_shim_for_writing(client: str, registries: Callable[[str], Registry], place: Place, state_home: Path) -> None:
    """The ping of one repository serves for another that only writers have to log in to."""
    registry = registries("nginx")
    call = Call.made(place, registry.login)
    options = ("--inject", "shim", "--shim", f"{REGISTRY}/foo")
    told = sessions.write(client, "baz", registry, call, state_home, *options)
    assert (told.status, summary(told), told.leaks()) == (0, [], []), told.output


@pytest.mark.parametrize("client", CORRECT)
def test_shim_leaves_others_alone(
    client: str, registries: Callable[[str], Registry], place: Place, state_home: Path
) -> None:
    """Clients that need no help get none."""
    registry = registries("nginx")
    options = ("--inject", "shim", "--shim", f"{REGISTRY}/foo")
    told = sessions.read(client, "foo", registry, Call.made(place, registry.login), state_home, *options)
    assert (told.status, summary(told), notes_of(told)) == (0, [], []), told.output


@pytest.mark.parametrize(("kind", "repository"), ASKED_LATE)
@pytest.mark.parametrize("client", PING_FIRST)
def test_verify_proves_the_clients_fault(
    client: str, kind: str, repository: str, registries: Callable[[str], Registry], place: Place, state_home: Path
) -> None:
    """The client fails as ever, and the finding says that the password would have done."""
    registry = registries(kind)
    call = Call.made(place, registry.login)
    told = sessions.read(client, repository, registry, call, state_home, *with_login("verify", call, registry.login))
    expected = IGNORED_LOGIN_UNKNOWN if (client, kind) == ("dockerd", "nginx") else IGNORED
    assert (told.status, summary(told)) == (failure(client), [expected]), told.output
    proof = verification(told)
    assert (proof["outcome"], proof["status"]) == ("would-have-worked", 200)
    assert (notes_of(told), told.leaks()) == ([], [])


@pytest.mark.parametrize(
    ("kind", "repository", "whose", "outcome"),
    [
        ("nginx", "foo", "nobody's", "credentials-rejected"),
        ("mixed", "alice/app", "nobody's", "credentials-rejected"),
        ("mixed", "alice/app", "bob's", "insufficient-rights"),
    ],
)
def test_verify_finds_the_credentials_at_fault(
    kind: str,
    repository: str,
    whose: str,
    outcome: str,
    registries: Callable[[str], Registry],
    place: Place,
    state_home: Path,
) -> None:
    """Where the password would not have done, the fault is no longer the client's."""
    registry = registries(kind)
    login = registry.other if whose == "bob's" else Login.made("alice")
    call = Call.made(place, login)
    told = sessions.read("skopeo", repository, registry, call, state_home, *with_login("verify", call, login))
    assert verification(told)["outcome"] == outcome, told.output
    (finding,) = told.document["findings"]
    assert (finding["rule"], finding["fault"]) == ("challenge-ignored", "credentials")
    assert told.leaks() == []


@pytest.mark.parametrize(
    ("repository", "outcome"), [("alice/app", "would-have-worked"), ("bob/app", "insufficient-rights")]
)
def test_verify_answers_for_a_client_without_a_login(
    repository: str, outcome: str, registries: Callable[[str], Registry], place: Place, state_home: Path
) -> None:
    """The client asked for a token without credentials; what a login would have got for the repository is proved."""
    registry = registries("token")
    call = Call.made(place, None)
    told = sessions.read("oras", repository, registry, call, state_home, *with_login("verify", call, registry.login))
    assert (verification(told)["outcome"], told.leaks()) == (outcome, []), told.output


def test_ping_alone_proves_nothing_of_a_repository(
    registries: Callable[[str], Registry], place: Place, state_home: Path
) -> None:
    """The client gives up before it asks for the repository: the login is right, and that is all."""
    registry = registries("token")
    call = Call.made(place, Login.made("alice"))
    told = sessions.read("skopeo", "bob/app", registry, call, state_home, *with_login("verify", call, registry.login))
    assert verification(told)["outcome"] == "undecided", told.output
    assert "ping" in verification(told)["note"]


@pytest.mark.parametrize("right", [True, False])
def test_verify_tries_once(right: bool, registries: Callable[[str], Registry], place: Place, state_home: Path) -> None:
    """The registry gets one request more than without, whatever comes of it."""
    registry = registries("nginx")
    call = Call.made(place, registry.login)
    told, before = [], [registry.requests()]
    login = registry.login if right else Login.made("alice")
    for options in ((), with_login("verify", call, login)):
        told.append(sessions.read("skopeo", "foo", registry, call, state_home, *options))
        before.append(registry.requests())
    plain, verified = (later - earlier for earlier, later in zip(before, before[1:], strict=False))
    assert (plain, verified) == (2, 3)
    assert told[0].document["exchanges"] == told[1].document["exchanges"] == 2
