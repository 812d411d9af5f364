"""The tools themselves, and a second implementation, find what our lookups find. What is not installed is skipped."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from kit.credential_files import CONTAINERS_CASES, DOCKER_CASES, HUB, auth, auths
from kit.credential_helpers import installed
from regauth_core.credentials.authfile import Tool
from regauth_core.credentials.login import Login
from regauth_core.edge.credentials.keyring import Keyring

CLIENTS = Path(os.environ.get("REGAUTH_CLIENTS") or Path(__file__).parents[3] / ".clients") / "bin"
SEARCHED = os.pathsep.join([str(CLIENTS), "/usr/bin", "/bin", os.environ.get("PATH", "")])
UNTOLD = (
    "several namespaced keys: the one that covers",
    "registry token",
    "registry token with a line end",
    "a user that is no text",
    "a token that is no text",
    "a user with a colon",
)
"""Where crane takes any entry, where it does not print what it finds, and what we never send."""
TOLD = [case for case in DOCKER_CASES if case[0] not in UNTOLD]
SECOND: list[tuple[dict[str, Any], str]] = [
    (auths(a="r.test"), "r.test"),
    (auths(a="https://r.test/v2/"), "r.test"),
    (auths(a="r.test:5000"), "r.test:5000"),
    (auths(a="r.test:5000"), "r.test"),
    (auths(a=HUB), "docker.io"),
    (auths(a="https://x.test"), "r.test"),
    ({"auths": {"r.test": auth("a") | {"identitytoken": "t"}}}, "r.test"),
    ({"auths": {"r.test": {}}, "credHelpers": {"r.test": "h"}}, "r.test"),
    ({"auths": {"r.test": auth("a")}, "credsStore": "h"}, "r.test"),
    ({"auths": {"r.test": {}}, "credsStore": "t"}, "r.test"),
]
"""Where docker-py is right: not for plain fields, registry tokens, broken entries and namespaced keys."""


def home_with(directory: Path, content: Any) -> dict[str, str]:
    """An environment whose docker has `content` for its file."""
    file = directory / ".docker" / "config.json"
    file.parent.mkdir()
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    installed(directory, "h", 'echo \'{"Username":"helped","Secret":"x"}\'')
    installed(directory, "t", 'echo \'{"Username":"<token>","Secret":"x"}\'')
    return {"HOME": str(directory), "PATH": f"{directory}:/usr/bin:/bin", "XDG_RUNTIME_DIR": str(directory / "run")}


def ours(tool: Tool, environment: dict[str, str], host: str, repository: str = "") -> tuple[Login | None, bool]:
    """The login that we find, and whether we say that the tool itself refuses."""
    found = asyncio.run(Keyring((), environment).login_of_tool(tool, host, repository))
    return found.login, found.is_refused


@pytest.mark.parametrize(("content", "host"), SECOND)
def test_docker_py_finds_the_same(content: Any, host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python SDK for docker reads the same file."""
    second = pytest.importorskip("docker.auth")
    environment = home_with(tmp_path, content)
    monkeypatch.setenv("PATH", environment["PATH"])
    config = second.load_config(str(tmp_path / ".docker" / "config.json"))
    theirs = config.resolve_authconfig(host) or {}
    login, _ = ours(Tool.DOCKER, environment, host)
    found = (login.user, login.password, login.identity_token) if login else ("", "", "")
    names = ("username", "password", "identitytoken")
    values = (theirs.get(name) or theirs.get(name.capitalize()) or theirs.get("IdentityToken") for name in names)
    # It gives an identity token without the user and password beside it.
    expected = tuple(str(value or "") for value in values) if not login or not login.identity_token else found
    assert found == expected
    assert bool(login and login.identity_token) == bool(theirs.get("identitytoken") or theirs.get("IdentityToken"))


@pytest.mark.clients
@pytest.mark.parametrize(("content", "name"), [case[1:3] for case in TOLD], ids=[case[0] for case in TOLD])
def test_crane_finds_the_same(content: Any, name: str, tmp_path: Path) -> None:
    """crane is built on docker's own code, and prints what it finds for a registry."""
    crane = shutil.which("crane", path=SEARCHED)
    if crane is None:
        pytest.skip("crane is not installed")
    environment = home_with(tmp_path, content)
    host = name.partition("/")[0]
    command = [crane, "auth", "get", host]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)  # noqa: S603
    login, refused = ours(Tool.CRANE, environment, host)
    if refused:
        assert "parsing config file" in run.stderr
        return
    if login is None:
        assert run.returncode != 0
        assert "not found" in run.stdout + run.stderr
        return
    told = json.loads(run.stdout)
    if login.identity_token:
        assert told == {"Username": "<token>", "Secret": login.identity_token}
    else:
        assert (told.get("Username", ""), told.get("Secret", "")) == (login.user, login.password)


@pytest.mark.clients
@pytest.mark.parametrize("program", ["skopeo", "podman"])
@pytest.mark.parametrize(
    ("content", "name"), [case[1:3] for case in CONTAINERS_CASES], ids=[case[0] for case in CONTAINERS_CASES]
)
def test_containers_tools_find_the_same(content: Any, name: str, program: str, tmp_path: Path) -> None:
    """skopeo and podman print the user that they find for a repository."""
    path = shutil.which(program, path=SEARCHED)
    if path is None:
        pytest.skip(f"{program} is not installed")
    environment = home_with(tmp_path, content) | {"XDG_RUNTIME_DIR": str(tmp_path)}
    host, _, repository = name.partition("/")
    run = subprocess.run(  # noqa: S603
        [path, "login", "--get-login", name], env=environment, capture_output=True, text=True, timeout=60
    )
    login, refused = ours(Tool.CONTAINERS, environment, host, repository)
    assert not refused
    assert (login.user if login else "") == (run.stdout.strip() if run.returncode == 0 else "")
    if not login:
        assert "not logged into" in run.stderr


@pytest.mark.clients
@pytest.mark.parametrize(
    "entry", [{"auth": "!"}, {"auth": "dTpw===="}, "text", {"auth": 1}], ids=["junk", "padding", "text", "number"]
)
def test_skopeo_gives_up_where_we_say_so(entry: Any, tmp_path: Path) -> None:
    """Where an entry that matters is no base64, or one has the wrong type, containers ends with an error."""
    path = shutil.which("skopeo", path=SEARCHED)
    if path is None:
        pytest.skip("skopeo is not installed")
    environment = home_with(tmp_path, {"auths": {"r.test/team": entry, "r.test": auth("a")}})
    command = [path, "login", "--get-login", "r.test/team/app"]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)  # noqa: S603
    assert ours(Tool.CONTAINERS, environment, "r.test", "team/app") == (None, True)
    assert run.returncode != 0
    assert "not logged into" not in run.stderr


def test_basic_value_is_what_the_file_holds(tmp_path: Path) -> None:
    """The header for Basic is the entry's own base64, foreign bytes included."""
    value = b64encode(b"us\xffer:p\xc3\xa4ss").decode()
    environment = home_with(tmp_path, {"auths": {"r.test": {"auth": value}}})
    login, _ = ours(Tool.DOCKER, environment, "r.test")
    assert login is not None
    assert login.basic() == f"Basic {value}"
