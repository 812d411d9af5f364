"""Ordinary set-ups: a client gets behind `regauth run` what it gets without, and what cannot be seen is said.

The registry stands behind a proxy that plays it, with TLS by an authority that nobody knows but those who are told.
"""

from __future__ import annotations

import json
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from clients.processes import LIMIT, killed_if_left, start, wait_until
from clients.programs import PASSWORD, ROOT, USER, Place, path_of, require
from kit.proxy import running
from regauth_core.edge.commands.authority import authority, certificate

pytestmark = pytest.mark.clients

HOST = "registry.test"
LOGIN = f"{USER}:{PASSWORD}"


@dataclass(frozen=True)
class Registry:
    """A registry of a private authority, reached through a proxy in front of the network."""

    proxy: str
    authority: Path

    @property
    def way(self) -> dict[str, str]:
        """The variables of a client that needs that proxy."""
        return {"HTTPS_PROXY": self.proxy, "HTTP_PROXY": self.proxy}


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """One that wants a password for ``foo`` and none for ``bar``."""
    state = tmp_path_factory.mktemp("private")
    with (
        authority({"XDG_STATE_HOME": str(state)}) as confdir,
        running(confdir, regauth_scenario="per-repository-basic") as proxy,
    ):
        yield Registry(f"http://127.0.0.1:{proxy.port}", certificate(confdir))


@dataclass(frozen=True)
class Done:
    """What came of a command behind regauth."""

    status: int
    out: bytes
    said: str
    document: Mapping[str, Any]

    @property
    def verdict(self) -> str:
        """What came of it."""
        return str(self.document["outcome"]["verdict"])

    @property
    def title(self) -> str:
        """The verdict in one line."""
        return str(self.document["outcome"]["title"])

    @property
    def command(self) -> str:
        """What to run next."""
        return str(next(iter(self.document["outcome"]["next_commands"]), {}).get("command"))


def behind(command: Sequence[str], place: Place, state_home: Path, *options: str, **variables: str) -> Done:
    """The command behind `regauth run`."""
    report = place.directory / "report.json"
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "regauth_core", "run", "-o", str(report), *options, "--", *command],
        env={
            **place.environment,
            **variables,
            **{"XDG_STATE_HOME": str(state_home), "PYTHONPATH": str(ROOT / "addon"), "COLUMNS": "200"},
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=LIMIT,
        check=False,
    )
    document = json.loads(report.read_text("utf-8")) if report.exists() else {}
    return Done(done.returncode, done.stdout, done.stderr.decode("utf-8", "replace"), document)


def directly(command: Sequence[str], place: Place, **variables: str) -> tuple[int, bytes]:
    """The same without regauth."""
    done = subprocess.run(  # noqa: S603
        command,
        env={**place.environment, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=LIMIT,
        check=False,
    )
    return done.returncode, done.stdout


def line(text: str, place: Place, registry: Registry) -> list[str]:
    """The words of a command, with the files of the registry in their places."""
    certs = place.home / "certs"
    certs.mkdir(exist_ok=True)
    (certs / "ca.crt").write_bytes(registry.authority.read_bytes())
    program, *words = text.format(certs=certs, ca=registry.authority, host=HOST, login=LOGIN, home=place.home).split()
    require(program)
    return [path_of(program) or program, *words]


TRUSTING = {
    "skopeo --cert-dir": "skopeo list-tags --cert-dir {certs} docker://{host}/bar",
    "skopeo --tls-verify=false": "skopeo list-tags --tls-verify=false docker://{host}/bar",
    "oras --ca-file": "oras repo tags --ca-file {ca} {host}/bar",
    "oras --ca-file=": "oras repo tags --ca-file={ca} {host}/bar",
    "oras --insecure": "oras repo tags --insecure {host}/bar",
    "curl --cacert": "curl -sS --cacert {ca} https://{host}/v2/bar/tags/list",
    "curl -k": "curl -sSk https://{host}/v2/bar/tags/list",
}


@pytest.mark.parametrize("command", TRUSTING.values(), ids=TRUSTING)
def test_client_that_accepts_the_certificate_gets_what_it_gets_without(
    command: str, place: Place, state_home: Path, registry: Registry
) -> None:
    """An authority that the command names, or none at all: the same answer, and nothing wrong is found."""
    words = line(command, place, registry)
    status, out = directly(words, place, **registry.way)
    done = behind(words, place, state_home, **registry.way)
    assert (status, done.status) == (0, 0), done.said
    assert done.out == out
    assert done.document["findings"] == []
    assert done.document["notes"] == []
    assert done.verdict == "ok"


def test_files_of_the_registry_s_host_are_trusted(place: Place, state_home: Path, registry: Registry) -> None:
    """As containers-certs.d(5) has it, below the home of the user."""
    words = line("skopeo list-tags docker://{host}/bar", place, registry)
    directory = place.home / ".config" / "containers" / "certs.d" / HOST
    directory.mkdir(parents=True)
    (directory / "corporate.crt").write_bytes(registry.authority.read_bytes())
    assert directly(words, place, **registry.way)[0] == 0
    done = behind(words, place, state_home, **registry.way)
    assert (done.status, done.document["exchanges"], done.document["notes"]) == (0, 2, []), done.said


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_variables_are_trusted(variable: str, place: Place, state_home: Path, registry: Registry) -> None:
    """As Go and OpenSSL read them."""
    words = line("crane ls {host}/bar", place, registry)
    value = str(registry.authority if variable == "SSL_CERT_FILE" else place.home / "certs")
    assert directly(words, place, **registry.way, **{variable: value})[0] == 0
    done = behind(words, place, state_home, **registry.way, **{variable: value})
    assert (done.status, done.document["notes"]) == (0, []), done.said


REFUSING = {
    "skopeo": ("skopeo list-tags docker://{host}/bar", "skopeo does not trust the certificate of registry.test"),
    "oras": ("oras repo tags {host}/bar", "oras does not trust the certificate of registry.test"),
    "curl": ("curl -sS https://{host}/v2/", "curl does not trust the certificate of registry.test"),
    "regctl": ("regctl tag ls {host}/bar", "regauth does not trust the certificate of registry.test"),
}


@pytest.mark.parametrize(("command", "said"), REFUSING.values(), ids=REFUSING)
def test_client_that_refuses_the_certificate_refuses_it_behind_regauth(
    command: str, said: str, place: Place, state_home: Path, registry: Registry
) -> None:
    """Nothing is sent to a registry that nobody vouches for, nobody is accused, and the way out is named."""
    words = line(command, place, registry)
    status, _ = directly(words, place, **registry.way)
    done = behind(words, place, state_home, **registry.way)
    assert done.status == status != 0
    assert (done.document["exchanges"], done.document["findings"]) == (0, [])
    assert done.title == f"{said}: its authority is not trusted"
    assert "CA.crt" in done.command
    assert done.verdict == ("regauth-in-the-way" if said.startswith("regauth") else "not-authentication")


@pytest.mark.parametrize("options", [("--registry-ca", "{ca}"), ("--insecure-registry", HOST)])
def test_trust_that_the_command_does_not_show_can_be_given(
    options: tuple[str, str], place: Place, state_home: Path, registry: Registry
) -> None:
    """For a client that was told in a file of its own."""
    words = line("regctl tag ls {host}/bar", place, registry)
    given = [option.format(ca=registry.authority) for option in options]
    done = behind(words, place, state_home, *given, **registry.way)
    assert (done.status, done.verdict) == (0, "ok"), done.said


def test_client_that_distrusts_the_proxy_is_named_with_its_option(
    place: Place, state_home: Path, registry: Registry
) -> None:
    """In a script the file stays as it is."""
    curl, *words = line("curl -sS --cacert {ca} https://{host}/v2/", place, registry)
    done = behind(["/bin/sh", "-c", " ".join([curl, *words])], place, state_home, **registry.way)
    assert done.status == 60
    assert done.title == "curl does not trust regauth's certificate for registry.test"
    assert done.document["outcome"]["advice"].startswith("--cacert says what it trusts: leave it out")
    assert done.verdict == "regauth-in-the-way"


def test_credentials_are_not_added_for_a_registry_that_nobody_vouches_for(
    place: Place, state_home: Path, registry: Registry
) -> None:
    """The client does not care who it is; regauth does."""
    words = line("curl -sSk https://{host}/v2/foo/tags/list", place, registry)
    options = ("--inject", "fill", "--credentials", f"env:{HOST}=LOGIN")
    done = behind(words, place, state_home, *options, **registry.way, LOGIN=LOGIN)
    assert b"UNAUTHORIZED" in done.out
    done = behind(words, place, state_home, *options, "--trust", "unverified", **registry.way, LOGIN=LOGIN)
    assert b"latest" in done.out, done.said


@pytest.fixture
def local(place: Place, tmp_path: Path) -> Iterator[str]:
    """A registry on this machine, without TLS; where it is."""
    log = tmp_path / "serve.log"
    command = [sys.executable, "-m", "regauth_core", "serve", "per-repository-basic", "--port", "0"]
    variables = {**place.environment, "XDG_STATE_HOME": str(tmp_path), "PYTHONPATH": str(ROOT / "addon")}
    with log.open("wb") as output:
        process = start([*command[:1], "-u", *command[1:]], variables, stdout=output)
    with killed_if_left(process):
        wait_until(lambda: b"Ctrl-C" in log.read_bytes() or process.poll() is not None, log)
        yield log.read_text("utf-8").partition("http://")[2].partition(",")[0]


LOCAL = {
    "crane": "crane ls --insecure {place}/bar",
    "skopeo": "skopeo list-tags --tls-verify=false docker://{place}/bar",
    "oras": "oras repo tags --plain-http {place}/bar",
    "regctl": "regctl tag ls {place}/bar --host reg={place},tls=disabled",
}


@pytest.mark.parametrize("command", LOCAL.values(), ids=LOCAL)
def test_registry_on_this_machine_is_recorded_as_the_note_says(
    command: str, place: Place, state_home: Path, local: str
) -> None:
    """Programs in Go go past every proxy to this machine; the line that is given to paste records them."""
    program, *words = command.format(place=local).split()
    require(program)
    done = behind([path_of(program) or program, *words], place, state_home)
    assert (done.status, done.document["exchanges"]) == (0, 0), done.said
    assert done.verdict == "inconclusive"
    shown = shlex.split(done.command)
    assert shown[:3] == ["regauth", "run", "--listen"]
    assert shown[4:6] == ["--", path_of(program)]
    done = behind(shown[5:], place, state_home, "--listen", shown[3])
    assert done.status == 0, done.said
    assert done.document["exchanges"] >= 1
    assert done.document["findings"] == []


def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_host_that_cannot_be_reached_is_named_with_the_reason(place: Place, state_home: Path) -> None:
    """No such name, a closed port, a proxy of the user's that is not there."""
    require("oras")
    oras = path_of("oras") or "oras"
    done = behind([oras, "repo", "tags", "no-such-host.invalid/foo"], place, state_home)
    assert done.title == "no-such-host.invalid: there is no host of this name"
    assert done.verdict == "not-authentication"
    port = closed_port()
    dead = {"HTTPS_PROXY": f"http://127.0.0.1:{port}", "HTTP_PROXY": f"http://127.0.0.1:{port}"}
    done = behind([oras, "repo", "tags", "registry.test/foo"], place, state_home, **dead)
    assert done.status == 1
    assert done.title == f"your proxy 127.0.0.1:{port} (HTTPS_PROXY): the connection is refused"
    assert done.verdict == "not-authentication"
