"""The same through a real mitmdump with the addon: a server that says what it is given, a client that sends bytes."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from generated.exchanges import AUTH, REGISTRY, Exchange
from generated.outputs import Shown, diagnosed, reported
from regauth_core.report import ENDINGS

ADDON: Final = Path(__file__).parent.parent.parent / "addon" / "regauth.py"
_TIMEOUT: Final = 10.0
_LINE: Final = re.compile(r"[^\r\n\x00]*")
# Every name leads to the one server there is.
_NAMES: Final = """
class Names:
    def server_connect(self, data):
        data.server.address = ("127.0.0.1", {port})

addons = [Names()]
"""


def can(one: Exchange) -> bool:
    """Whether it can be sent."""
    fields = [part for pair in (*one.asked, *one.answered) for part in pair]
    lines = [one.method, one.path, *fields]
    return one.is_sendable and all(_LINE.fullmatch(line) and len(line) < 60_000 for line in lines)


class _Server(socketserver.ThreadingTCPServer):
    """Gives the answer that is set."""

    daemon_threads = True
    answer = b""


class _Handler(socketserver.StreamRequestHandler):
    server: _Server
    timeout = _TIMEOUT

    def handle(self) -> None:
        """One request, which is read to its end."""
        with contextlib.suppress(OSError, ValueError):
            size = 0
            while (line := self.rfile.readline(1 << 20)).strip():
                if line.lower().startswith(b"content-length:"):
                    size = int(line.partition(b":")[2])
            self.rfile.read(size)
            self.wfile.write(self.server.answer)


def outputs(exchanges: Sequence[Exchange], folder: Path) -> Iterator[Shown]:
    """What a recording of `exchanges` writes: its trace, every report, what it prints; and reports on its trace."""
    server = _Server(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        printed = _recorded([one for one in exchanges if can(one)], server, folder)
    finally:
        server.shutdown()
        server.server_close()
    yield Shown("mitmdump: terminal", printed)
    for ending in ENDINGS:
        file = folder / f"live{ending}"
        yield Shown(f"mitmdump: {ending}", file.read_text("utf-8", "surrogateescape") if file.exists() else None)
    trace = folder / "live-trace"
    yield Shown("mitmdump: trace", trace.read_text("utf-8", "surrogateescape"))
    yield from reported("mitmdump's trace", trace)
    yield diagnosed("mitmdump's trace", trace)


def _recorded(exchanges: Sequence[Exchange], server: _Server, folder: Path) -> str:
    """Send these through a mitmdump that writes to `folder`; what it printed."""
    names = folder / "names.py"
    names.write_text(_NAMES.format(port=server.server_address[1]))
    port = _free_port()
    options = [f"regauth_report={folder / f'live{ending}'}" for ending in ENDINGS]
    options += [f"regauth_trace={folder / 'live-trace'}", f"regauth_hosts={REGISTRY}", f"regauth_hosts={AUTH}"]
    options += ["flow_detail=0", f"confdir={folder / 'conf'}", "connection_strategy=lazy"]
    command = [str(Path(sys.executable).with_name("mitmdump")), "--listen-host", "127.0.0.1", "-p", str(port)]
    command += ["-s", str(ADDON), "-s", str(names), *[word for option in options for word in ("--set", option)]]
    variables = {**os.environ, "COLUMNS": "80"}
    with (folder / "printed").open("wb") as printed:
        process = subprocess.Popen(command, stdout=printed, stderr=subprocess.STDOUT, env=variables)
        try:
            _wait_for(port)
            for one in exchanges:
                server.answer = _answer(one)
                _send(port, _request(one))
        finally:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    return (folder / "printed").read_text("utf-8", "surrogateescape")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int) -> None:
    """Raises `OSError` where nothing listens within 30 seconds."""
    for _ in range(300):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise OSError("mitmdump did not start")


def _send(port: int, request: bytes) -> None:
    """Send it and wait for the end of the answer; a proxy that does not like it may say so or close."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), _TIMEOUT) as connection:
        connection.settimeout(_TIMEOUT)
        connection.sendall(request)
        while connection.recv(65536):
            pass


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _request(one: Exchange) -> bytes:
    fields = list(one.asked)
    if not any(name.lower() == "host" for name, _ in fields):
        fields.insert(0, ("Host", one.host))
    if one.sent or one.method in ("POST", "PUT", "PATCH"):
        fields.append(("Content-Length", str(len(_bytes(one.sent)))))
    fields.append(("Connection", "close"))
    head = [f"{one.method} http://{one.host}{one.path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields)]
    return _bytes("\r\n".join(head) + "\r\n\r\n" + one.sent)


def _answer(one: Exchange) -> bytes:
    fields = [*one.answered, ("Content-Length", str(len(one.got))), ("Connection", "close")]
    head = [f"HTTP/1.1 {one.status} Answer", *(f"{name}: {value}" for name, value in fields)]
    return _bytes("\r\n".join(head) + "\r\n\r\n") + one.got
