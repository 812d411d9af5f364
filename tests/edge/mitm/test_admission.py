"""The proxy of `regauth run` is for the command alone: strangers get no answer from it, and no line in a report."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest

from kit.canaries import leaks
from kit.proxy import running
from kit.somebody import NOBODY, TUNNEL, asked_as
from regauth_core.edge.commands.reference_clients import ANSWERS_CHALLENGE, LOGIN
from regauth_core.edge.commands.reference_clients import __name__ as clients_module

SECRET: Final = "wonder-land"
OPTIONS: Final = ("--scenario", "per-repository-basic", "--inject", "fill", "--credentials", "env:registry.test=PW")
URL: Final = "https://registry.test/v2/foo/tags/list"
PLAIN: Final = "http://registry.test/v2/foo/tags/list"
TAGS: Final = ["1.0", "latest"]
STARTED: Final = (sys.executable, "-m", "regauth_core", "run", *OPTIONS, "-o", "report.json", "--")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")


class Run:
    """A `regauth run` whose command waits, and says what its environment is."""

    def __init__(self, process: subprocess.Popen[str], directory: Path) -> None:
        assert process.stdout is not None
        self.process = process
        self.directory = directory
        self.url, self.authority = process.stdout.readline().split()
        parts = urlsplit(self.url)
        self.port = int(parts.port or 0)
        self.login = f"{parts.username}:{parts.password}"

    def stop(self) -> tuple[str, dict[str, object]]:
        """End the command; what was said of it, and the report."""
        _, said = self.process.communicate("\n", timeout=30)
        return said, json.loads((self.directory / "report.json").read_text())


@contextlib.contextmanager
def run_of(environment: dict[str, str], directory: Path, script: str = "read line") -> Iterator[Run]:
    """A `regauth run` while inside."""
    process = subprocess.Popen(  # noqa: S603
        [*STARTED, "sh", "-c", f'echo "$HTTPS_PROXY $SSL_CERT_FILE"; {script}'],
        env={**environment, "PW": f"alice:{SECRET}", LOGIN: f"alice:{SECRET}"},
        cwd=directory,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield Run(process, directory)
    finally:
        process.kill()
        process.wait()


STRANGERS: Final = [
    (NOBODY, URL, ""),
    (NOBODY, URL, "regauth:guessed"),
    (NOBODY, "https://elsewhere.example/", ""),
    (NOBODY, PLAIN, "any:"),
    (NOBODY, "http://mitm.it/", ""),
    (0, URL, ""),
    (0, PLAIN, "regauth:"),
]


@needs_root
def test_strangers_get_no_answer_and_no_line(command_environment: dict[str, str], tmp_path: Path) -> None:
    """Of whatever user: processes that the command did not start, without the command's password."""
    with run_of(command_environment, tmp_path) as run:
        found = [asked_as(user, run.port, Path(run.authority), url, login) for user, url, login in STRANGERS]
        said, report = run.stop()
    assert [status for status, _ in found] == [407] * len(STRANGERS)
    assert [body == TUNNEL for _, body in found] == [url.startswith("https:") for _, url, _ in STRANGERS]
    assert (report["exchanges"], report["findings"], report["clients"]) == (0, [], [])
    assert [word for word in ("registry.test", "elsewhere", "mitm.it", "python") if word in said] == []
    assert "without the password in its HTTPS_PROXY" in " ".join(said.split())


@needs_root
@pytest.mark.parametrize("user", [NOBODY, 0])
def test_password_is_enough(command_environment: dict[str, str], tmp_path: Path, user: int) -> None:
    """For daemons that have it in their environment, and for what the command starts as another user."""
    with run_of(command_environment, tmp_path) as run:
        found = asked_as(user, run.port, Path(run.authority), URL, run.login)
        said, report = run.stop()
    assert (found[0], json.loads(found[1])["tags"]) == (200, TAGS)
    assert report["exchanges"] == 1
    password = run.login.partition(":")[2]
    texts = [said, *(path.read_text() for path in tmp_path.iterdir())]
    assert [leak for text in texts for leak in leaks(text, (password, SECRET))] == []


@pytest.mark.parametrize(
    "script",
    [
        "{client}",
        "sh -c 'sh -c \"{client}\"; :'; :",
        "({client}) & wait",
    ],
)
def test_started_processes_need_no_password(command_environment: dict[str, str], tmp_path: Path, script: str) -> None:
    """Some clients take host and port of a proxy's URL, and no more."""
    client = f"{sys.executable} -m {clients_module} {ANSWERS_CHALLENGE} registry.test/foo"
    bare = 'HTTPS_PROXY="http://127.0.0.1:${HTTPS_PROXY##*:}"; export HTTPS_PROXY; '
    with run_of(command_environment, tmp_path, bare + script.format(client=client)) as run:
        _, report = run.stop()
    assert run.process.returncode == 0
    assert report["exchanges"] == 2


def test_daemon_of_the_command_needs_the_password_alone(command_environment: dict[str, str], tmp_path: Path) -> None:
    """It is nobody's descendant any more, and the variables of its environment are still there."""
    client = f"{sys.executable} -m {clients_module} {ANSWERS_CHALLENGE} registry.test/foo"
    script = f"(setsid sh -c 'sleep 0.3; {client} >done 2>&1; touch over' &); while ! test -e over; do sleep 0.1; done"
    with run_of(command_environment, tmp_path, script) as run:
        _, report = run.stop()
    assert report["exchanges"] == 2
    assert "tags of foo: 1.0, latest" in (tmp_path / "done").read_text()


def test_refusal_asks_for_the_password(command_environment: dict[str, str], tmp_path: Path) -> None:
    """Some clients send one only then; on the same connection, and its refusals are no findings."""
    with run_of(command_environment, tmp_path) as run:
        connection = http.client.HTTPConnection("127.0.0.1", run.port, timeout=20)
        connection.request("GET", PLAIN, headers={"Host": "registry.test"})
        refused = connection.getresponse()
        refused.read()
        proof = {"Proxy-Authorization": "basic  " + b64encode(run.login.encode()).decode()}
        connection.request("GET", PLAIN, headers={"Host": "registry.test", **proof})
        answered = connection.getresponse()
        answered.read()
        connection.close()
        said, report = run.stop()
    assert (refused.status, refused.getheader("Proxy-Authenticate")) == (407, 'Basic realm="regauth run"')
    assert answered.status in (200, 401)
    assert report["exchanges"] == 1
    assert "refused" not in said


def test_strangers_body_is_not_held(command_environment: dict[str, str], tmp_path: Path) -> None:
    """The connection of a stranger who sends much, or without end, is closed."""
    with run_of(command_environment, tmp_path) as run:
        for head in (b"Content-Length: 999999999", b"Transfer-Encoding: chunked"):
            with socket.create_connection(("127.0.0.1", run.port), timeout=20) as client:
                client.sendall(b"PUT http://registry.test/v2/ HTTP/1.1\r\nHost: registry.test\r\n" + head + b"\r\n\r\n")
                assert client.recv(1024) == b""
        run.stop()


def test_password_goes_nowhere(command_environment: dict[str, str], authority_dir: Path, tmp_path: Path) -> None:
    """Neither to plain http servers nor to the proxy that is gone on through, which has one of its own."""
    passed = []

    class Watching:
        name = "test-watching"

        def requestheaders(self, flow: object) -> None:
            passed.append(dict(flow.request.headers))  # type: ignore[attr-defined]

    with running(authority_dir, regauth_scenario="per-repository-basic") as corporate:
        corporate.background._master.addons.chain.insert(0, Watching())  # type: ignore[union-attr]
        environment = {
            **command_environment,
            "HTTPS_PROXY": f"http://build:corp-pw-1x@127.0.0.1:{corporate.port}",
            "SSL_CERT_FILE": str(corporate.authority),
        }
        url = "http://registry.test/v2/bar/tags/list"
        script = f"""import os, urllib.request as u
for _ in range(2): u.build_opener(u.ProxyHandler({{'http': os.environ['HTTP_PROXY']}})).open('{url}').read()"""
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "regauth_core", "run", "--", sys.executable, "-c", script],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        corporate.stop()
    assert done.returncode == 0, done.stderr
    sent = [headers.get("Proxy-Authorization") for headers in passed]
    assert sent == ["Basic " + b64encode(b"build:corp-pw-1x").decode()] * 2


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
@pytest.mark.parametrize("url", [URL, "http://registry.test/v2/bar/tags/list"])
def test_curl_is_admitted(command_environment: dict[str, str], tmp_path: Path, url: str) -> None:
    """By what stands in its variables; a daemon of it, too."""
    script = f"(setsid curl -s -o got {url} &); while ! test -s got; do sleep 0.1; done"
    with run_of(command_environment, tmp_path, script) as run:
        _, report = run.stop()
    assert json.loads((tmp_path / "got").read_text())["tags"] == TAGS
    assert report["exchanges"] == 1


def test_label_is_none(command_environment: dict[str, str], tmp_path: Path) -> None:
    """The user name of that URL tells no clients apart."""
    client = f"{sys.executable} -m {clients_module} {ANSWERS_CHALLENGE} registry.test/foo"
    with run_of(command_environment, tmp_path, client) as run:
        said, report = run.stop()
    assert not re.search(r"\bregauth \(", said)
    clients = report["clients"]
    assert isinstance(clients, list)
    assert [client.get("label") for client in clients] == [None]
