"""`regauth whoami` tells which credential would be sent, where it was looked for, and what the tools differ in."""

from __future__ import annotations

import io
import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.canaries import opaque, password
from kit.credential_files import HUB, auth, auths
from kit.credential_helpers import installed
from regauth_core.edge.commands.whoami import whoami
from regauth_core.edge.errors import UserError
from regauth_core.protocol.reference import NamedRepository, named

SECRET = password("whoami")
AZURE = "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize(
    ("text", "host", "repository"),
    [
        ("alpine", "docker.io", "library/alpine"),
        ("alpine:3.20", "docker.io", "library/alpine"),
        ("team/app", "docker.io", "team/app"),
        ("docker.io/alpine", "docker.io", "library/alpine"),
        ("docker.io", "docker.io", ""),
        ("docker.io/", "docker.io", ""),
        ("index.docker.io/team/app", "docker.io", "team/app"),
        ("index.docker.io", "docker.io", ""),
        ("registry-1.docker.io/team/app", "registry-1.docker.io", "team/app"),
        ("docker://quay.io/team/app:1.0", "quay.io", "team/app"),
        ("quay.io", "quay.io", ""),
        ("localhost", "localhost", ""),
        ("localhost:5000", "localhost:5000", ""),
        ("localhost/app", "localhost", "app"),
        ("r.test:5000/a/b/c:tag", "r.test:5000", "a/b/c"),
        ("R.test/app", "R.test", "app"),
        ("[::1]:5000/app", "[::1]:5000", "app"),
        ("[::1]", "[::1]", ""),
        (f"r.test/app@sha256:{'a' * 64}", "r.test", "app"),
        (f"r.test/app:1@sha256:{'a' * 64}", "r.test", "app"),
    ],
)
def test_name_of_an_image(text: str, host: str, repository: str) -> None:
    """Names mean what they mean to docker, and a host alone is the registry."""
    assert named(text) == NamedRepository(host, repository)


NO_NAMES = [
    "",
    "/",
    "https://r.test/app",
    "r.test/App",
    "r.test//app",
    "r.test/app:",
    "r.test/-",
    f"u:{SECRET}@r.test/x",
]


@pytest.mark.parametrize(
    "text", [*NO_NAMES, "r.test/" + "a" * 2000, "Alpine", "r.test:port/app", "r.test/a b", "a:b:c"]
)
def test_what_is_no_name_is_trouble_that_does_not_repeat_it(text: str) -> None:
    """One line that says what was expected."""
    with pytest.raises(UserError, match=r"^whoami: expected an image such as .*$") as caught:
        whoami(text, None, [], {}, io.StringIO())
    assert "swordfish" not in str(caught.value)


@given(st.text() | st.text("aA.:/@[]0-_", max_size=20))
def test_no_name_raises(text: str) -> None:
    """Any text is a name or none."""
    found = named(text)
    assert found is None or found.host


class Told:
    """What a call printed, with its exit status."""

    def __init__(
        self, directory: Path, reference: str, as_: str | None = None, *sources: str, **variables: str
    ) -> None:
        out = io.StringIO()
        environment = {
            "HOME": str(directory),
            "PATH": f"{directory}:/usr/bin:/bin",
            "XDG_RUNTIME_DIR": str(directory / "run"),
            **variables,
        }
        self.status = whoami(reference, as_, sources, environment, out)
        self.text = out.getvalue()

    def __contains__(self, text: str) -> bool:
        """Whether `text` is in what was printed, however it is broken into lines."""
        return text in " ".join(self.text.split())


def wrote(path: Path, content: Any) -> Path:
    """A file with JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_one_tool(tmp_path: Path) -> None:
    """Registry and repository, every place in order with its outcome, and what is used."""
    wrote(tmp_path / ".config/containers/auth.json", {"auths": {"docker.io/team": {}}})
    wrote(tmp_path / ".docker/config.json", auths(alice=HUB) | {"credsStore": "pass"})
    told = Told(tmp_path, "team/app:1.0", "containers")
    assert told.text == (
        "registry    docker.io (asked at registry-1.docker.io)\n"
        "repository  team/app\n"
        "\n"
        "containers (skopeo, podman, buildah) looks in\n"
        "  ~/run/containers/auth.json: not there\n"
        "  ~/.config/containers/auth.json\n"
        '    credHelpers["docker.io"]: no entry\n'
        '    auths["docker.io/team/app"]: no entry\n'
        '    auths["docker.io/team"]: empty entry\n'
        "  ~/.docker/config.json\n"
        '    credHelpers["docker.io"]: no entry\n'
        '    auths["docker.io/team/app"]: no entry\n'
        '    auths["docker.io/team"]: no entry\n'
        '    auths["docker.io"]: no entry\n'
        '    auths["https://index.docker.io/v1/"]: matched\n'
        "    credsStore: skipped (containers does not read it)\n"
        "and uses user and password of alice\n"
    )
    assert told.status == 0


def test_nothing_is_found(tmp_path: Path) -> None:
    """The exit status says so too."""
    told = Told(tmp_path, "quay.io/team/app", "docker")
    assert (told.status, told.text.splitlines()[-1]) == (1, "and finds nothing: the client is anonymous")
    assert "DOCKER_AUTH_CONFIG: not set ~/.docker/config.json: not there and finds" in told


def test_three_tools_differ(tmp_path: Path) -> None:
    """Without --as all three are asked; what differs says whose credential it is, from where, and why not."""
    wrote(tmp_path / ".docker/config.json", {"auths": {"docker.io": auth("bob")}})
    told = Told(tmp_path, "alpine")
    assert told.status == 0
    differing = told.text.partition("The three differ:\n")[2]
    assert differing == (
        "  docker finds nothing: the client is anonymous\n"
        '    ~/.docker/config.json auths["docker.io"]: skipped (docker looks for\n'
        "      https://index.docker.io/v1/)\n"
        "  containers uses user and password of bob, from ~/.docker/config.json\n"
        '    auths["docker.io"]\n'
        "  crane finds nothing: the client is anonymous\n"
        '    ~/.docker/config.json auths["docker.io"]: skipped (crane looks for\n'
        "      https://index.docker.io/v1/)\n"
    )


def test_three_tools_agree(tmp_path: Path) -> None:
    """Then one line says it."""
    wrote(tmp_path / ".docker/config.json", auths(alice="r.test"))
    assert Told(tmp_path, "r.test/app").text.splitlines()[-1] == "All three find the same."
    assert Told(tmp_path, "x.test/app").text.splitlines()[-1] == "None of the three finds a credential."


def test_file_that_the_tool_refuses(tmp_path: Path) -> None:
    """The entry is found, and that docker would not get that far is said."""
    wrote(tmp_path / ".docker/config.json", {"auths": {"x.test": {"auth": SECRET}, "r.test": auth("alice")}})
    told = Told(tmp_path, "r.test/app", "docker")
    assert "docker itself refuses the whole file because of it" in told
    assert "and would use user and password of alice, but stops at the broken entry above" in told
    assert told.status == 0


@pytest.mark.parametrize(
    ("entry", "shown"),
    [
        (auth("alice"), "user and password of alice"),
        ({"identitytoken": SECRET}, "an identity token"),
        (auth("alice") | {"identitytoken": SECRET}, "an identity token, beside user and password of alice"),
        (auth(AZURE, "") | {"identitytoken": SECRET}, f"an identity token, beside user and password of {AZURE}"),
        (auth("<token>", "") | {"identitytoken": SECRET}, "an identity token"),
        ({"registrytoken": SECRET}, "a registry token"),
        (auth(opaque("user")), "user and password of a user whose name is not shown because it could be a token"),
        (auth("alice", ""), "user and password of a user whose name is not shown because it could be a token"),
        (
            auth("alice", "x-oauth-basic"),
            "user and password of a user whose name is not shown because it could be a token",
        ),
        (auth("a\x1b[31m\u202e"), r"user and password of a\x1b[31m\u202e"),
        ({"username": "", "password": SECRET}, "user and password of a user without a name"),
    ],
)
def test_kind_of_credential(tmp_path: Path, entry: dict[str, str], shown: str) -> None:
    """What is used is told by its kind and its user; a user's name that could be a secret is not."""
    wrote(tmp_path / ".docker/config.json", {"auths": {"r.test": entry}})
    told = Told(tmp_path, "r.test/app", "docker")
    assert f"and uses {shown}" in told
    assert opaque("user") not in told.text


def test_own_sources(tmp_path: Path) -> None:
    """With sources it tells what regauth itself would send, and looks nowhere else."""
    wrote(tmp_path / ".docker/config.json", auths(docker="r.test"))
    file = wrote(tmp_path / "auth.json", auths(file="r.test/team"))
    sources = ("env:r.test/team/app=RT", str(file))
    told = Told(tmp_path, "R.test:443/team/app", None, *sources, RT=f"env:{SECRET}")
    assert "regauth looks in RT for r.test/team/app: matched and uses user and password of env" in told
    told = Told(tmp_path, "r.test/team/other", None, *sources, RT=f"env:{SECRET}")
    assert "and uses user and password of file" in told
    assert ".docker" not in told.text


def test_helper_that_fails(tmp_path: Path) -> None:
    """Which helper, asked for what, and what went wrong, without its words."""
    wrote(tmp_path / ".docker/config.json", {"credHelpers": {"r.test": "broken"}})
    installed(tmp_path, "broken", f"echo {SECRET}; echo {SECRET} >&2; exit 1")
    told = Told(tmp_path, "r.test/app", "docker")
    assert "docker-credential-broken r.test: failed (ended with exit status 1)" in told
    assert told.status == 1


@pytest.mark.parametrize(
    ("as_", "sources", "expected"),
    [
        ("podman", [], "whoami: --as: expected one of docker, containers, crane"),
        ("docker", ["docker"], "whoami: expected --as or --credentials, not both"),
        (None, ["nowhere"], "whoami: --credentials: expected a file that exists"),
    ],
)
def test_bad_usage(as_: str | None, sources: list[str], expected: str) -> None:
    """One line that says what was expected."""
    with pytest.raises(UserError) as caught:
        whoami("r.test/app", as_, sources, {}, io.StringIO())
    assert str(caught.value).startswith(expected)


LONG = "very-long-name." * 14 + "test"


@pytest.mark.parametrize("name", ["r.test/team/app", f"{LONG}/{'team/' * 40}app", "alpine", "[::1]:5000/app"])
def test_nothing_is_wide_and_nothing_is_secret(tmp_path: Path, name: str) -> None:
    """Every line has at most 80 characters and prints, and none holds what was in the files."""
    entries: dict[str, Any] = {
        "r.test/team": auth("alice", SECRET) | {"identitytoken": SECRET},
        "r.test": {"auth": SECRET},
        f"https://u:{SECRET}@r.test/\x1b[2J\n\ud800{'x' * 300}": auth("u", SECRET),
        LONG: {"registrytoken": SECRET},
        "[::1]:5000": {"username": "u", "password": SECRET},
        HUB: [SECRET],
    }
    wrote(tmp_path / ".docker/config.json", {"auths": entries, "credHelpers": {LONG: f"../{SECRET}"}})
    wrote(tmp_path / ".config/containers/auth.json", '{"auths": "' + SECRET)
    variable = json.dumps({"auths": {"r.test": {"auth": SECRET}, LONG: auth("u", SECRET)}})
    told = Told(tmp_path, name, None, DOCKER_AUTH_CONFIG=variable)
    assert max(map(len, told.text.split("\n"))) <= 80
    assert told.text.replace("\n", "").isprintable()
    flat = "".join(told.text.split())
    assert "swordfish" not in flat
    assert b64encode(f"u:{SECRET}".encode()).decode() not in flat
