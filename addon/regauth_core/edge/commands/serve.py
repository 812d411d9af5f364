"""`regauth serve`: a simulated registry on a real port, http and https side by side."""

from __future__ import annotations

import errno
import os
import secrets
import signal
import socket
import socketserver
import sys
import threading
import time
from pathlib import Path
from typing import Any, TextIO

from regauth_core.edge.commands.certificates import Certificates
from regauth_core.edge.commands.listener import BODY_LIMIT, Handler
from regauth_core.edge.errors import UserError
from regauth_core.edge.scenarios import scenario_at
from regauth_core.simulate.registry import Answer, Asked, Registry

_TLS_HANDSHAKE = b"\x16"
"""The first byte of a TLS connection (RFC 8446 section 5.1)."""
_PATIENCE = 10.0
"""Seconds for the first byte and for the handshake."""
_CONNECTIONS = 64
_ROOM = 4 * BODY_LIMIT
"""Bytes of bodies that all connections together may hold."""


class _Listener(socketserver.ThreadingTCPServer):
    """A thread for each connection; which protocol it speaks is told by its first byte."""

    allow_reuse_address = os.name == "posix"
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, registry: Registry, certificates: Certificates, address: tuple[str, int]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._registry = registry
        self._tls = certificates.context
        self._lock = threading.Lock()
        self._room = _ROOM
        self._free = threading.BoundedSemaphore(_CONNECTIONS)
        self._open: set[Any] = set()
        super().__init__(address, Handler)

    def answer(self, asked: Asked) -> Answer:
        """The registry's answer, one request after the other."""
        with self._lock:
            return self._registry.answer(asked, time.time())

    def reserve(self, size: int) -> bool:
        """Makes room for `size` bytes; `False` where there is none."""
        with self._lock:
            if size > self._room:
                return False
            self._room -= size
            return True

    def release(self, size: int) -> None:
        """Gives room back."""
        with self._lock:
            self._room += size

    def process_request(self, request: Any, client_address: Any) -> None:
        """A thread for the connection, or none where there are too many."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError:
            # The system has no thread left.
            self._free.release()
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """All of a connection."""
        connection = request
        try:
            connection.settimeout(_PATIENCE)
            if connection.recv(1, socket.MSG_PEEK) == _TLS_HANDSHAKE:
                connection = self._tls.wrap_socket(connection, server_side=True)
            with self._lock:
                self._open.add(connection)
            super().process_request_thread(connection, client_address)
        except (OSError, ValueError):
            # Gone before it said anything, or no handshake that could be understood.
            self.shutdown_request(connection)
        finally:
            with self._lock:
                self._open.discard(connection)
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is ignored; anything else is a defect, reported without wire text."""
        error = sys.exception()
        if not isinstance(error, OSError):
            print(f"regauth: a request could not be answered ({type(error).__name__})", file=sys.stderr)

    def close_connections(self) -> None:
        """Ends every connection, so that its thread ends."""
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


class Server:
    """A registry on a port. The registry is asked by one thread at a time."""

    def __init__(self, registry: Registry, *, host: str, port: int, confdir: Path) -> None:
        """Listens at once, and answers after `start`. `port` 0 takes a free one; `confdir` is the authority's place.

        Raises `UserError` where the address or the directory cannot be used.
        """
        names = (host, "localhost", "127.0.0.1", "::1", *registry.hosts)
        self.certificates = Certificates(confdir, [name for name in names if name not in ("", "0.0.0.0", "::")])  # noqa: S104
        try:
            self._listener = _Listener(registry, self.certificates, (host, port))
        except OSError as error:
            raise UserError(f"{host}:{port}: {_reason(error)}") from None
        except OverflowError:
            raise UserError(f"--port {port}: expected a number from 0 to 65535") from None
        self.port = int(self._listener.server_address[1])
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.1,), daemon=True)

    def start(self) -> None:
        """Begins to answer, in its own threads."""
        self._thread.start()

    def stop(self) -> None:
        """Closes the port and every connection."""
        if self._thread.is_alive():
            self._listener.shutdown()
            self._thread.join()
        self._listener.server_close()
        self._listener.close_connections()


def serve(scenario_path: Path, *, host: str, port: int, confdir: Path, out: TextIO) -> int:
    """Plays the scenario in the file until SIGINT or SIGTERM, then returns 0. Prints to `out` how to reach it.

    Raises `UserError` where the file, the address or `confdir` cannot be used.
    """
    registry = Registry(scenario_at(scenario_path), secret=secrets.token_bytes(32))
    server = Server(registry, host=host, port=port, confdir=confdir)
    ended = threading.Event()
    before = {number: signal.signal(number, lambda *_: ended.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    server.start()
    try:
        out.write(_screen(server, registry, scenario_path, host))
        out.flush()
        while not ended.wait(1):
            # In turns, because Windows does not interrupt a wait without an end.
            continue
    finally:
        server.stop()
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0


def _screen(server: Server, registry: Registry, path: Path, host: str) -> str:
    scenario = registry.scenario
    name = f"[{host}]" if ":" in host else "localhost" if host in ("127.0.0.1", "0.0.0.0") else host  # noqa: S104
    place = f"{name}:{server.port}"
    user = next(iter(scenario.users), None)
    login = f"{user.name}:{user.password}" if user else ""
    authority = server.certificates.authority
    first = next(iter(scenario.registry.repositories), None)
    repository = first.name if first else "foo"
    with_login = f" -u {login}" if login else ""
    with_creds = f" --creds {login}" if login else ""
    lines = [
        f"{scenario.id}: {scenario.title}",
        "",
        f"  address     https://{place}  and  http://{place}, until Ctrl-C",
        f"  authority   {authority}",
        *(f"  user        {known.name}, password {known.password}" for known in scenario.users),
        "",
        "Ask it:",
        f"  curl --cacert {authority} -i https://{place}/v2/",
        f"  curl --cacert {authority} -i{with_login} https://{place}/v2/{repository}/tags/list",
        "",
        "Point a client at it:",
        f"  SSL_CERT_FILE={authority} skopeo inspect{with_creds} docker://{place}/{repository}:latest",
        f"  REQUESTS_CA_BUNDLE={authority} for clients in Python, certs.d/{place}/ca.crt for daemons",
        "",
    ]
    if len(registry.hosts) > 1:
        lines += [
            f"At {name}, {', '.join(registry.hosts)} are served as one host. To keep them apart:",
            f"  regauth run --scenario {path} -- skopeo inspect{with_creds} docker://{registry.hosts[-1]}/{repository}:latest",
            "",
        ]
    return "\n".join(lines)


def _reason(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "the port is in use; choose another with --port, or 0 for a free one"
    return f"cannot listen there: {error.strerror or type(error).__name__}"
