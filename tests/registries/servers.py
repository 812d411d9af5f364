"""The registries: Debian's, with passwords, with tokens, and behind nginx, each as long as a `with` lasts.

They differ in who has to say who they are, and where they are asked:

========= ============= ==================== =============================================================
kind      ``/v2/``      asks                 for
========= ============= ==================== =============================================================
htpasswd  asks          Basic                everything
token     asks          Bearer               everything; a token server gives alice what is below ``alice/``
nginx     open          Basic, from nginx    ``foo``, and writing to ``baz``; ``bar`` is open
mixed     open          Bearer               all but ``public/``, which is open to read and closed to write
========= ============= ==================== =============================================================
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from subprocess import STDOUT
from typing import Final

from clients.processes import killed_if_left, start, wait_until
from clients.programs import SYSTEM_PATH
from registries.ground import (
    REGISTRY,
    TOKEN_SERVER,
    Login,
    Pair,
    free_port,
    password_file,
    program,
    server_certificate,
    signing_certificate,
    write_private,
)
from registries.seed import REPOSITORIES, LocalConnection, push

_SERVICE: Final = "Real registry"
_ISSUER: Final = "Real token server"


@dataclass(frozen=True, slots=True)
class Registry:
    """A running registry."""

    kind: str
    ports: Mapping[tuple[str, int], int]
    """On which loopback port that is served which a client finds under a made-up name and a port of its own."""
    authority: Path
    """The certificate that whoever connects has to trust, in PEM."""
    login: Login
    """Whom the registry knows: alice."""
    other: Login
    """The other whom it knows: bob."""
    log: Path
    """What the servers said."""

    def requests(self) -> int:
        """How many requests an nginx in front has answered; 0 where there is none."""
        file = self.log.with_name("requests")
        return len(file.read_bytes().splitlines()) if file.exists() else 0

    def logged(self) -> tuple[int, int]:
        """How many requests the registry has answered, and how many its token server was asked."""
        log = self.log.read_bytes()
        requests = re.findall(rb'"(?:GET|HEAD|POST|PATCH|PUT|DELETE) /v2/', log)
        return len(requests), len(re.findall(rb"msg=(?:getToken|postToken) ", log))

    @property
    def names(self) -> str:
        """The ports as text, for `resolved`."""
        return ",".join(f"{host}:{port}={local}" for (host, port), local in self.ports.items())


class Ground:
    """What all the registries of a session share: logins, certificates, and images to begin with."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.alice, self.bob = Login.made("alice"), Login.made("bob")
        self.passwords = password_file(directory / "htpasswd", [self.alice, self.bob])
        self.authority, self.server = server_certificate(directory)
        self.signing = signing_certificate(directory)
        self._images = directory / "images"
        with _directory("open") as scratch, _open_registry(scratch, self._images) as socket_path:
            for repository in REPOSITORIES:
                with contextlib.closing(LocalConnection(socket_path)) as connection:
                    push(connection, repository)

    def storage(self, directory: Path) -> Path:
        """A registry's own copy of the images, below `directory`."""
        return Path(shutil.copytree(self._images, directory / "storage"))

    def registry(self, kind: str, log: Path, ports: Mapping[tuple[str, int], int]) -> Registry:
        """The description of a registry that runs."""
        return Registry(kind, ports, self.authority, self.alice, self.bob, log)


@contextlib.contextmanager
def htpasswd(ground: Ground) -> Iterator[Registry]:
    """A registry that wants a password for everything."""
    with _directory("htpasswd") as directory:
        port = free_port()
        auth = {"htpasswd": {"realm": _SERVICE, "path": str(ground.passwords)}}
        with _docker_registry(directory, ground.storage(directory), _tls(port, ground.server), auth):
            _wait_for_port(port, directory)
            yield ground.registry("htpasswd", _log(directory), {(REGISTRY, 443): port})


@contextlib.contextmanager
def token(ground: Ground) -> Iterator[Registry]:
    """A registry that wants a token for everything, and the server that gives tokens."""
    with _directory("token") as directory:
        port, token_port = free_port(), free_port()
        http = _tls(port, ground.server)
        with (
            _token_server(directory, token_port, ground),
            _docker_registry(directory, ground.storage(directory), http, _token_auth(ground)),
        ):
            _wait_for_port(port, directory)
            ports = {(REGISTRY, 443): port, (TOKEN_SERVER, 443): token_port}
            yield ground.registry("token", _log(directory), ports)


@contextlib.contextmanager
def nginx(ground: Ground) -> Iterator[Registry]:
    """An open registry behind an nginx that asks for a password by repository, with https and plain http."""
    asks = f'auth_basic "Restricted"; auth_basic_user_file {ground.passwords};'
    with _directory("nginx") as directory, _open_registry(directory, ground.storage(directory)) as backend:
        to_it = f"proxy_pass http://unix:{backend}:;"
        locations = f"""
            location /v2/ {{ {to_it} }}
            location /v2/foo/ {{ {asks} {to_it} }}
            location /v2/bar/ {{ {to_it} }}
            location /v2/baz/ {{ limit_except GET {{ {asks} }} {to_it} }}
        """
        with _nginx(directory, locations, ground.server) as (port, plain):
            ports = {(REGISTRY, 443): port, (REGISTRY, 80): plain}
            yield ground.registry("nginx", _log(directory), ports)


@contextlib.contextmanager
def mixed(ground: Ground) -> Iterator[Registry]:
    """One name for two registries: an open one to read from, and one that wants tokens. The ping is the open one's."""
    with _directory("mixed") as directory:
        storage = ground.storage(directory)
        (directory / "private").mkdir()
        token_port, socket_path = free_port(), directory / "private" / "socket"
        with (
            _open_registry(directory, storage) as backend,
            _token_server(directory, token_port, ground),
            _docker_registry(directory / "private", storage, _local(socket_path), _token_auth(ground)),
        ):
            wait_until(socket_path.exists, _log(directory / "private"))
            to_open, to_private = (f"proxy_pass http://unix:{path}:;" for path in (backend, socket_path))
            locations = f"""
                location = /v2/ {{ {to_open} }}
                location /v2/public/ {{ limit_except GET {{ deny all; }} {to_open} }}
                location /v2/ {{ {to_private} }}
            """
            with _nginx(directory, locations, ground.server) as (port, plain):
                ports = {(REGISTRY, 443): port, (REGISTRY, 80): plain, (TOKEN_SERVER, 443): token_port}
                yield ground.registry("mixed", _log(directory), ports)


KINDS: Final[Mapping[str, Callable[[Ground], AbstractContextManager[Registry]]]] = {
    "htpasswd": htpasswd,
    "token": token,
    "nginx": nginx,
    "mixed": mixed,
}
"""How to start which registry."""


@contextlib.contextmanager
def _directory(kind: str) -> Iterator[Path]:
    """A directory with a short name, because there will be sockets in it."""
    with tempfile.TemporaryDirectory(prefix=f"regauth-{kind}-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def _log(directory: Path) -> Path:
    return directory / "log"


def _tls(port: int, pair: Pair) -> dict[str, object]:
    return {
        "addr": f"127.0.0.1:{port}",
        "tls": {"certificate": str(pair.certificate), "key": str(pair.key)},
    }


def _local(socket_path: Path) -> dict[str, object]:
    return {"net": "unix", "addr": str(socket_path)}


def _token_auth(ground: Ground) -> dict[str, object]:
    return {
        "token": {
            "realm": f"https://{TOKEN_SERVER}/token/",
            "service": _SERVICE,
            "issuer": _ISSUER,
            "rootcertbundle": str(ground.signing.certificate),
        }
    }


@contextlib.contextmanager
def _open_registry(directory: Path, storage: Path) -> Iterator[Path]:
    """A registry that lets everybody do everything; its socket."""
    socket_path = directory / "socket"
    with _docker_registry(directory, storage, _local(socket_path), {}):
        wait_until(socket_path.exists, _log(directory))
        yield socket_path


@contextlib.contextmanager
def _docker_registry(
    directory: Path, storage: Path, http: Mapping[str, object], auth: Mapping[str, object]
) -> Iterator[None]:
    configuration: dict[str, object] = {
        "version": "0.1",
        "log": {"level": "info"},
        "storage": {"filesystem": {"rootdirectory": str(storage)}, "delete": {"enabled": True}},
        "http": http,
    }
    if auth:
        configuration["auth"] = auth
    # JSON is YAML.
    file = write_private(directory / "registry.yml", json.dumps(configuration).encode())
    with _running([program("docker-registry"), "serve", str(file)], directory):
        yield


@contextlib.contextmanager
def _token_server(directory: Path, port: int, ground: Ground) -> Iterator[None]:
    command = [
        *(program("token-server"), "-addr", f"127.0.0.1:{port}", "-realm", _ISSUER, "-issuer", _ISSUER),
        *("-passwd", str(ground.passwords), "-key", str(ground.signing.key)),
        *("-tlscert", str(ground.server.certificate), "-tlskey", str(ground.server.key)),
    ]
    with _running(command, directory):
        _wait_for_port(port, directory)
        yield


@contextlib.contextmanager
def _nginx(directory: Path, locations: str, pair: Pair) -> Iterator[tuple[int, int]]:
    """An nginx with these locations; its ports for https and for plain http."""
    port, plain = free_port(), free_port()
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    scratch = "\n".join(f"{kind}_temp_path {directory}/{kind};" for kind in kinds)
    file = write_private(
        directory / "nginx.conf",
        f"""
        # One process, of whoever started it: it has to get at the registry's socket.
        daemon off;
        master_process off;
        pid {directory}/nginx.pid;
        error_log {directory}/log;
        events {{ }}
        http {{
            access_log {directory}/requests;
            {scratch}
            client_max_body_size 0;
            server {{
                listen 127.0.0.1:{port} ssl;
                listen 127.0.0.1:{plain};
                ssl_certificate {pair.certificate};
                ssl_certificate_key {pair.key};
                proxy_http_version 1.1;
                proxy_request_buffering off;
                proxy_set_header Host $http_host;
                proxy_set_header X-Forwarded-Proto $scheme;
                {locations}
            }}
        }}
        """.encode(),
    )
    with _running([program("nginx"), "-c", str(file), "-e", f"{directory}/log"], directory):
        _wait_for_port(port, directory)
        yield port, plain


@contextlib.contextmanager
def _running(command: list[str], directory: Path) -> Iterator[None]:
    """A server that runs while inside, and no longer than we do; what it says is added to the log."""
    environment = {"PATH": SYSTEM_PATH, "HOME": str(directory), "OTEL_TRACES_EXPORTER": "none"}
    with _log(directory).open("ab") as output:
        # Whoever stops the tests by force stops their servers too.
        guarded = ["setpriv", "--pdeathsig", "KILL", "--", *command]
        process = start(guarded, environment, stdout=output, stderr=STDOUT)
    with killed_if_left(process):
        yield


def _wait_for_port(port: int, directory: Path) -> None:
    def accepts() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
        return False

    wait_until(accepts, _log(directory))
