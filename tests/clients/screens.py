"""The last six lines of `regauth run` for every client in every situation, as one text.

`python -m clients.screens [SITUATION…]` (in `tests/`, with `addon` on the path) prints the table; the golden file of it
is to be read from top to bottom by a person: does each screen name the right culprit and the next command?
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from clients.programs import PASSWORD, USER, path_of
from regauth_core.edge.commands.certificates import Certificates

ROOT: Final = Path(__file__).resolve().parents[2]
CLIENTS: Final = ("skopeo", "podman", "docker", "oras", "crane", "regctl", "curl")
KINDS: Final = ("skopeo", "docker", "oras", "curl")
"""One of each library for registries."""
_LINES: Final = 6
_AT_ONCE: Final = 4
"""Clients that run beside each other; some do nothing but wait."""
_HERE: Final = "127.1"
"""An address of this machine that no client takes for one: Go would go past the proxy to it, and docker trust it."""
_FAILING: Final = "errors-after-login"
_PINGING: Final = "errors-after-ping"
"""The same for clients that learn from the ping that they have to log in."""
_PING_FIRST: Final = frozenset({"skopeo", "podman", "docker", "crane", "curl"})
_SCENARIOS: Final = Path(__file__).with_name("scenarios")
_COMMANDS: Final[Mapping[str, str]] = {
    "skopeo": "skopeo list-tags{creds} docker://{host}/foo",
    "podman": "podman pull -q{creds} {host}/foo:latest",
    "docker": "docker manifest inspect {host}/foo:latest",
    "oras": "oras repo tags{creds} {host}/foo",
    "crane": "crane ls {host}/foo",
    "regctl": "regctl tag ls {host}/foo",
    "curl": "curl -fsS{creds} https://{host}/v2/foo/tags/list",
}
_CREDS: Final[Mapping[str, str]] = {
    "skopeo": " --creds {user}:{password}",
    "podman": " --creds {user}:{password}",
    "oras": " -u {user} -p {password}",
    "curl": " -u {user}:{password}",
}
_DISTRUST: Final[Mapping[str, tuple[str, str]]] = {
    # what is put behind the client's name, and what before the command
    "skopeo": ("", "env SSL_CERT_FILE=/dev/null SSL_CERT_DIR=/var/empty "),
    "podman": ("", "env SSL_CERT_FILE=/dev/null SSL_CERT_DIR=/var/empty "),
    "docker": ("", "env SSL_CERT_FILE=/dev/null SSL_CERT_DIR=/var/empty "),
    "oras": ("", "env SSL_CERT_FILE=/dev/null SSL_CERT_DIR=/var/empty "),
    "crane": ("", "env SSL_CERT_FILE=/dev/null SSL_CERT_DIR=/var/empty "),
    "regctl": ("", "env SSL_CERT_FILE=/dev/null SSL_CERT_DIR=/var/empty "),
    "curl": ("--capath /var/empty", ""),
}
_NOTHING: Final[Mapping[str, str]] = {
    "skopeo": "skopeo --version",
    "podman": "podman --version",
    "docker": "docker --version",
    "oras": "oras version",
    "crane": "crane version",
    "regctl": "regctl version",
    "curl": "curl --version",
}
_UNCHECKED: Final[dict[str, str]] = {
    "skopeo": "--tls-verify=false",
    "podman": "--tls-verify=false",
    "oras": "--insecure",
    "crane": "--insecure",
    "curl": "-k",
    "docker": "--insecure",
    "regctl": "--host reg={host},tls=insecure",
}


@dataclass(frozen=True, slots=True)
class Situation:
    """What a client meets."""

    name: str
    host: str = "registry.test"
    scenario: str = ""
    """Played inside regauth; empty where a real host is asked."""
    login: str = PASSWORD
    """The password that the client has; empty where it has none."""
    serves: str = ""
    """The scenario that is served at ``host:PORT``."""
    prefix: str = ""
    kind: str = ""


SITUATIONS: Final = (
    Situation("the seed bug", scenario="per-repository-basic"),
    Situation("wrong password", scenario="everything-basic", login="wrong-pass"),
    Situation("not logged in", scenario="everything-basic", login=""),
    Situation("all is right", scenario="everything-basic"),
    Situation("errors after the login", scenario=_FAILING),
    Situation("unreachable host", host="registry.invalid"),
    Situation("unknown authority upstream", host=_HERE, serves="everything-basic"),
    Situation("client distrusts the proxy", scenario="everything-basic", kind="distrust"),
    Situation("localhost", host="localhost", serves="everything-basic", kind="unchecked"),
    Situation("docker CLI", kind="daemon"),
    Situation("no traffic", kind="nothing"),
    Situation("cut short", host=_HERE, kind="silent", prefix="timeout 5 "),
)


def table(names: Sequence[str] = (), clients: Sequence[str] = CLIENTS) -> str:
    """The screens of these situations (all unless named) and clients, as `parts` takes them apart."""
    told: list[str] = []
    wanted = [situation for situation in SITUATIONS if not names or situation.name in names]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        screens = {(one, client): pool.submit(_screen, one, client) for one in wanted for client in clients}
    for situation in wanted:
        told.append(f"{'=' * 8} {situation.name} {'=' * 8}")
        for client in clients:
            screen = screens[situation, client].result()
            if screen:
                told += ["", f"--- {client}", *screen]
        told.append("")
    return "\n".join(told)


def parts(text: str) -> dict[str, str]:
    """A table's screens by the name of their situation."""
    found: dict[str, str] = {}
    for part in re.split(r"(?m)^(?=={8} )", text):
        if part:
            found[part.splitlines()[0].strip("= ")] = part.rstrip("\n") + "\n"
    return found


def only(part: str, clients: Sequence[str]) -> str:
    """A situation's part of the table, with these clients alone."""
    head, *of_clients = re.split(r"(?m)^(?=--- )", part)
    return head + "".join(one for one in of_clients if one.split(maxsplit=2)[1] in clients)


def _screen(situation: Situation, client: str) -> list[str]:
    if path_of(client) is None:
        return ["(not installed)"]
    if situation.kind == "daemon" and client != "docker":
        return []
    with tempfile.TemporaryDirectory(prefix="regauth-", ignore_cleanup_errors=True) as name:
        home = Path(name)
        with _listening(situation, home) as port:
            host = f"{situation.host}:{port}" if port else situation.host
            _login(situation, host, home)
            command = _command(situation, client, host, home)
            name_of_scenario = (
                _PINGING if client in _PING_FIRST and situation.scenario == _FAILING else situation.scenario
            )
            scenario = ["--scenario", str(_scenario(name_of_scenario))] if name_of_scenario else []
            output = _run([*scenario, "--", *command], home)
    return [_normalised(line, name, port) for line in output.splitlines()[-_LINES:]]


def _scenario(name: str) -> Path:
    own = _SCENARIOS / f"{name}.yaml"
    return own if own.exists() else Path(name)


def _command(situation: Situation, client: str, host: str, home: Path) -> list[str]:
    if situation.kind == "nothing":
        return _NOTHING[client].split()
    if situation.kind == "daemon":
        return ["docker", "pull", "registry.test/foo:latest"]
    creds = _CREDS.get(client, "").format(user=USER, password=situation.login) if situation.login else ""
    line = _COMMANDS[client].format(creds=creds, host=host, home=home)
    words = (situation.prefix + line).split()
    at = words.index(client) + 1
    if situation.kind == "distrust":
        option, before = _DISTRUST[client]
        words[at:at] = option.split()
        words = before.split() + words
    if situation.kind in ("unchecked", "silent"):
        place = at + _subcommand(client, words[at:])
        words[place:place] = _UNCHECKED[client].format(host=host).split()
    return words


def _subcommand(client: str, words: Sequence[str]) -> int:
    """How many words stand before the options of the client's subcommand."""
    names = {"skopeo": "list-tags", "podman": "pull", "oras": "tags", "docker": "inspect", "crane": "ls"}
    return words.index(names[client]) + 1 if client in names else 0


def _login(situation: Situation, host: str, home: Path) -> None:
    folder = home / "docker"
    folder.mkdir()
    secret = b64encode(f"{USER}:{situation.login}".encode()).decode()
    auths = {host: {"auth": secret}} if situation.login else {}
    (folder / "config.json").write_text(json.dumps({"auths": auths}), "utf-8")


@contextlib.contextmanager
def _listening(situation: Situation, home: Path) -> Iterator[int]:
    """The port at which there is something, 0 where nothing has to be."""
    if situation.kind == "silent":
        context = Certificates(home / "unknown", [situation.host]).context
        with socket.create_server(("127.0.0.1", 0)) as server:
            threading.Thread(target=_say_nothing, args=(server, context), daemon=True).start()
            yield server.getsockname()[1]
            server.shutdown(socket.SHUT_RDWR)
        return
    if not situation.serves:
        yield 0
        return
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = subprocess.Popen(  # noqa: S603  (our own program)
        [sys.executable, "-m", "regauth_core", "serve", "--port", str(port), str(_scenario(situation.serves))],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_environment(home),
    )
    try:
        if process.stdout is not None:
            process.stdout.readline()
        yield port
    finally:
        process.terminate()
        process.wait(10)


def _say_nothing(server: socket.socket, context: ssl.SSLContext) -> None:
    """Take requests, with TLS and without, and answer none."""
    held = []
    with contextlib.suppress(OSError):
        while True:
            connection, _ = server.accept()
            held.append(connection)
            threading.Thread(target=_hold, args=(connection, context), daemon=True).start()


def _hold(connection: socket.socket, context: ssl.SSLContext) -> None:
    with contextlib.suppress(OSError):
        if connection.recv(1, socket.MSG_PEEK) != b"\x16":
            return
        with context.wrap_socket(connection, server_side=True) as secured:
            while secured.recv(65536):
                pass


def _environment(home: Path) -> dict[str, str]:
    # So that podman's command line has what a user types, and nothing else.
    storage = home / "storage.conf"
    storage.write_text(f'[storage]\ndriver = "vfs"\ngraphroot = "{home}/root"\nrunroot = "{home}/run"\n', "utf-8")
    settings = home / "containers.conf"
    settings.write_text(f'[engine]\ntmp_dir = "{home}/libpod"\n', "utf-8")
    folders = {str(Path(path).parent) for client in CLIENTS if (path := path_of(client)) is not None}
    return {
        "PATH": os.pathsep.join([*sorted(folders), "/usr/sbin", "/usr/bin", "/sbin", "/bin"]),
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "COLUMNS": "80",
        "DOCKER_CONFIG": str(home / "docker"),
        "CONTAINERS_STORAGE_CONF": str(storage),
        "CONTAINERS_CONF": str(settings),
        "DOCKER_HOST": f"unix://{home}/docker.sock",
        "PYTHONPATH": str(ROOT / "addon"),
    }


def _run(arguments: Sequence[str], home: Path) -> str:
    done = subprocess.run(  # noqa: S603  (our own program)
        [sys.executable, "-m", "regauth_core", "run", *arguments],
        env=_environment(home),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=90,
        check=False,
    )
    return done.stderr.decode("utf-8", "replace").rstrip()


def _normalised(line: str, home: str, port: int) -> str:
    """Without what differs from run to run: directory, port, time, numbers of processes, paths of this checkout."""
    line = line.replace(home, "~").replace(str(_SCENARIOS), "SCENARIOS")
    if port:
        line = line.replace(f":{port}", ":PORT")
    line = re.sub(r"\b\d{5}\b", "PORT", re.sub(r"\(process \d+\)|\(\d{2,}\)", "(N)", line))
    line = re.sub(r'time="[^"]{20,35}"', 'time="NOW"', line)
    return re.sub(r"×\d+", "×N", line)


if __name__ == "__main__":
    wanted = [word for word in sys.argv[1:] if word not in CLIENTS]
    print(table(wanted, [word for word in sys.argv[1:] if word in CLIENTS] or CLIENTS))
