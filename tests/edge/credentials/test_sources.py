"""What may be said of where credentials come from, and what a mistake in it is answered with."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kit.canaries import password
from regauth_core.credentials.authfile import Tool
from regauth_core.credentials.registry_names import Namespace
from regauth_core.edge.credentials.sources import (
    FileSource,
    PromptSource,
    SecretFileSource,
    ToolSource,
    VariableSource,
    sources_of,
)
from regauth_core.edge.errors import UserError

SECRET = password("sources")
ENVIRONMENT = {"RT": f"a:{SECRET}", "RU": "a", "RP": SECRET, "EMPTY": ""}


def test_sources_are_read_in_order(tmp_path: Path) -> None:
    """Each form gives its source; nothing is opened yet."""
    file = tmp_path / "auth.json"
    file.touch(mode=0o000)
    texts = [
        "docker",
        "containers",
        str(file),
        f"docker:{file}",
        f"containers:{file}",
        "env:r.test=RT",
        "env:r.test:5000/team=RU,RP",
        f"file:r.test={file}",
        "prompt:r.test",
    ]
    assert sources_of("--credentials", texts, ENVIRONMENT) == (
        ToolSource(Tool.DOCKER),
        ToolSource(Tool.CONTAINERS),
        FileSource(str(file)),
        FileSource(str(file), Tool.DOCKER),
        FileSource(str(file), Tool.CONTAINERS),
        VariableSource(Namespace(registry="r.test"), ("RT",)),
        VariableSource(Namespace(registry="r.test:5000", prefix="team"), ("RU", "RP")),
        SecretFileSource(Namespace(registry="r.test"), str(file)),
        PromptSource(Namespace(registry="r.test")),
    )


def test_home_is_the_users(tmp_path: Path) -> None:
    """A tilde means the home of whoever asks."""
    (tmp_path / "auth.json").touch()
    (source,) = sources_of("c", ["~/auth.json"], {"HOME": str(tmp_path)})
    assert source == FileSource(str(tmp_path / "auth.json"))


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("R.test", "r.test"),
        ("r.test:443", "r.test"),
        ("r.test:80", "r.test"),
        ("r.test/", "r.test"),
        ("r.test/team/app", "r.test/team/app"),
        ("docker.io", "docker.io"),
        ("index.docker.io", "docker.io"),
        ("registry-1.docker.io/library", "docker.io/library"),
        ("docker.io:5000", "docker.io:5000"),
        ("[::1]:5000", "[::1]:5000"),
        ("localhost:5000", "localhost:5000"),
    ],
)
def test_names_of_one_registry_are_one(host: str, name: str) -> None:
    """Spellings of one registry give one name."""
    (source,) = sources_of("c", [f"prompt:{host}"], {})
    assert isinstance(source, PromptSource)
    assert str(source.namespace) == name


@pytest.mark.parametrize(
    ("name", "covered"),
    [
        (("r.test", "team"), True),
        (("r.test", "team/app"), True),
        (("r.test", "teams"), False),
        (("r.test", ""), False),
        (("x.test", "team"), False),
    ],
)
def test_a_namespace_is_whole_components(name: tuple[str, str], covered: bool) -> None:
    """A source for a namespace holds for the repositories in it."""
    assert Namespace(registry="r.test", prefix="team").covers(*name) is covered


MISTAKES = [
    ("", "expected a file that exists, or docker, containers"),
    ("dokcer", "expected a file that exists, or docker, containers"),
    (f"a:{SECRET}", "expected a file that exists, or docker, containers"),
    ("env", "expected a file that exists, or docker, containers"),
    (".", "it is a directory"),
    ("x\0y", "it does not exist"),
    ("x" * 5000, "it does not exist"),
    ("docker:/none/config.json", "docker: expected a file that exists"),
    ("env:r.test", "expected env:HOST=VARIABLE"),
    ("env:=RT", "expected HOST, HOST:PORT or HOST/NAMESPACE after env:"),
    ("env:https://r.test=RT", "expected HOST, HOST:PORT or HOST/NAMESPACE after env:"),
    ("env:r.test=", "expected env:HOST=VARIABLE"),
    (f"env:r.test=a:{SECRET}", "env:r.test=…: expected the name of a variable"),
    ("env:r.test=swordfish", "env:r.test=…: the variable is not set or empty"),
    ("env:r.test=EMPTY", "env:r.test=…: the variable is not set or empty"),
    ("env:r.test=RU,swordfish", "env:r.test=…: variable 2 is not set or empty"),
    ("env:r.test=RU,RP,RT", "env:r.test=…: expected the name of a variable"),
    (f"env:a:{SECRET}@r.test=RT", "expected HOST, HOST:PORT or HOST/NAMESPACE after env:"),
    ("file:r.test", "expected file:HOST=PATH"),
    (f"file:r.test=a:{SECRET}", "file:r.test=…: expected a file that exists; it does not exist"),
    ("file:r.test=/", "file:r.test=…: expected a file that exists; it is a directory"),
    ("prompt:", "expected HOST, HOST:PORT or HOST/NAMESPACE after prompt:"),
    (f"prompt:a:{SECRET}@r.test", "expected HOST, HOST:PORT or HOST/NAMESPACE after prompt:"),
]


@pytest.mark.parametrize(("text", "expected"), MISTAKES, ids=range(len(MISTAKES)))
def test_mistake_is_told_in_one_line_without_quoting(text: str, expected: str) -> None:
    """The line names the option and what was expected; a secret in a wrong place is not repeated."""
    with pytest.raises(UserError) as caught:
        sources_of("--credentials", [text], ENVIRONMENT)
    line = str(caught.value)
    assert line.startswith("--credentials: ")
    assert expected in line
    assert "\n" not in line
    assert "swordfish" not in line


def test_mistake_among_several_is_numbered() -> None:
    """One sees which of several it was."""
    with pytest.raises(UserError, match=re.escape("regauth_credentials: entry 2: expected env:HOST=VARIABLE")):
        sources_of("regauth_credentials", ["docker", "env:r.test"], {})


ASKING = """
import os, sys
if len(sys.argv) > 1:
    os.open(sys.argv[1], os.O_RDWR)  # of a session's leader it becomes the terminal
from regauth_core.edge.credentials import terminal
from regauth_core.edge.errors import UserError
try:
    user, secret = terminal.ask("r.test")
except UserError as error:
    sys.exit(str(error))
print(user, len(secret))
"""


def asking(*arguments: str) -> subprocess.Popen[str]:
    """A process in a session of its own that asks for a login, and prints the user and the password's length."""
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", ASKING, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
        start_new_session=True,
    )


def test_prompt_asks_at_the_terminal_and_shows_no_password() -> None:
    """User and password are typed, whatever the standard streams are; the password is not echoed."""
    master, slave = pty.openpty()
    with asking(os.ttyname(slave)) as process:
        shown = _until(master, b"follows): ")
        os.write(master, b"alice\n")
        shown += _until(master, b"Password for r.test: ")
        os.write(master, SECRET.encode() + b"\n")
        said, complaint = process.communicate(timeout=20)
    os.set_blocking(master, False)
    with contextlib.suppress(OSError):  # nothing more was shown
        shown += os.read(master, 4096)
    os.close(master)
    os.close(slave)
    assert (said, complaint) == (f"alice {len(SECRET)}\n", "")
    assert "alice" in shown.decode()
    assert SECRET not in shown.decode()


def test_prompt_without_a_terminal_is_trouble() -> None:
    """A service has nobody to ask, and says so at once."""
    with asking() as process:
        said, complaint = process.communicate(timeout=20)
    assert (said, complaint) == ("", "prompt:r.test: there is no terminal to ask at; use env: or file: instead\n")


def test_prompt_that_is_ended_is_trouble() -> None:
    """An end of input is no user."""
    master, slave = pty.openpty()
    with asking(os.ttyname(slave)) as process:
        _until(master, b"follows): ")
        os.write(master, b"\x04")
        said, complaint = process.communicate(timeout=20)
    os.close(master)
    os.close(slave)
    assert (said, complaint) == ("", "prompt:r.test: nothing was typed\n")


def _until(master: int, end: bytes) -> bytes:
    shown = b""
    deadline = time.monotonic() + 20
    while not shown.endswith(end):
        ready, _, _ = select.select([master], [], [], max(0.0, deadline - time.monotonic()))
        assert ready, "the prompt did not come"
        shown += os.read(master, 1024)
    return shown
