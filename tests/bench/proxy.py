"""What the addon costs: plain mitmdump beside mitmdump with the addon, in turns, in one run.

    python tests/bench/proxy.py                 # 512 MiB blobs, 3 rounds, http and https
    python tests/bench/proxy.py --mebibytes 32 --requests 500 --rounds 1 --http-only

Small requests are `GET /v2/` with a tiny answer over kept connections. Blobs go through plain mitmdump with
`stream_large_bodies`, or it would hold them whole and the comparison would flatter us. Every value is the best of all
rounds; CPU time and memory are the proxy's own.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from regauth_core.edge.commands.certificates import Certificates

ROOT = Path(__file__).parent.parent.parent
MEBIBYTE = 1024 * 1024
HOST = "localhost"
BLOB = "/v2/foo/blobs/sha256:" + "ab" * 32
UPLOAD = "/v2/foo/blobs/uploads/1"
TICKS = os.sysconf("SC_CLK_TCK")
MITMDUMP = [sys.executable, "-c", "from mitmproxy.tools.main import mitmdump; mitmdump()", "-q"]
PLAIN = ["--set", "stream_large_bodies=1m"]
ADDON = ["-s", str(ROOT / "addon" / "regauth.py")]


async def serve(port: int, tls: ssl.SSLContext | None, blob: int) -> None:
    """A registry that knows one blob and takes any upload."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        piece = bytes(256 * 1024)
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                break
            length = next(
                (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
            )
            while length:
                length -= len(await reader.read(min(length, len(piece))))
            if head.startswith(b"GET " + BLOB.encode()):
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % blob)
                for _ in range(0, blob, len(piece)):
                    writer.write(piece)
                    await writer.drain()
            else:
                status = b"202 Accepted" if head.startswith(b"PATCH") else b"200 OK"
                kind = b"Content-Type: application/json\r\nDocker-Distribution-Api-Version: registry/2.0\r\n"
                writer.write(b"HTTP/1.1 " + status + b"\r\n" + kind + b"Content-Length: 2\r\n\r\n{}")
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", port, ssl=tls, limit=MEBIBYTE)
    async with server:
        await server.serve_forever()


@dataclass
class Measured:
    """One kind of proxy: its best values."""

    name: str
    options: Sequence[str]
    best: dict[str, float] = field(default_factory=dict)

    def note(self, what: str, value: float, *, less_is_better: bool = False) -> None:
        """Keep the value if it is the best so far."""
        choose: Callable[[float, float], float] = min if less_is_better else max
        self.best[what] = choose(value, self.best.get(what, value))


class Proxy:
    """A running mitmdump."""

    def __init__(self, options: Sequence[str], confdir: Path) -> None:
        self.port = free_port()
        trust = f"ssl_verify_upstream_trusted_ca={confdir / 'mitmproxy-ca-cert.pem'}"
        place = ["--listen-host", "127.0.0.1", "-p", str(self.port), "--set", f"confdir={confdir}", "--set", trust]
        self.process = subprocess.Popen(  # noqa: S603
            [*MITMDUMP, *place, *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(self.port)

    def cpu(self) -> float:
        """Seconds of CPU time that it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def forget_peak(self) -> None:
        """Let the peak of its memory be what it is now."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def peak(self) -> float:
        """The most memory that it has held, in MiB."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024

    def connect(self, tls: ssl.SSLContext | None, port: int) -> socket.socket:
        """A connection through it, ready for requests to the registry."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=120)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is None:
            return connection
        connection.sendall(f"CONNECT {HOST}:{port} HTTP/1.1\r\nHost: {HOST}:{port}\r\n\r\n".encode())
        read_head(connection)
        return tls.wrap_socket(connection, server_hostname=HOST)

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(30)


def free_port() -> int:
    """A port that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    """Wait until somebody listens."""
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def read_head(connection: socket.socket) -> tuple[bytes, bytes]:
    """The head of an answer and what came with it of the body."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            raise ConnectionError("the connection ended")
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    return head, rest


def ask(connection: socket.socket, target: str, times: int) -> None:
    """The same small request again and again."""
    request = f"GET {target}/v2/ HTTP/1.1\r\nHost: {HOST}\r\nUser-Agent: bench/1\r\n\r\n".encode()
    for _ in range(times):
        connection.sendall(request)
        _, rest = read_head(connection)
        while len(rest) < 2:
            rest += connection.recv(2)


def small(
    proxy: Proxy, measured: Measured, tls: ssl.SSLContext | None, port: int, connections: int, times: int
) -> None:
    """Requests per second and CPU time for each, over some connections."""
    target = "" if tls else f"http://{HOST}:{port}"
    opened = [proxy.connect(tls, port) for _ in range(connections)]
    for connection in opened:
        ask(connection, target, 3)
    used, began = proxy.cpu(), time.perf_counter()
    each = times // connections
    threads = [threading.Thread(target=ask, args=(connection, target, each)) for connection in opened]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took, done = time.perf_counter() - began, each * connections
    label = f"{'https' if tls else 'http'}, {connections} connection{'s' if connections > 1 else ''}"
    measured.note(f"requests/s, {label}", done / took)
    measured.note(f"CPU ms/request, {label}", (proxy.cpu() - used) * 1000 / done, less_is_better=True)
    for connection in opened:
        connection.close()


def blob(proxy: Proxy, measured: Measured, tls: ssl.SSLContext | None, port: int, size: int) -> None:
    """Throughput and memory of a blob, down and up."""
    target = "" if tls else f"http://{HOST}:{port}"
    scheme = "https" if tls else "http"
    head = f"Host: {HOST}\r\nUser-Agent: bench/1\r\n"
    proxy.forget_peak()
    with closing(proxy.connect(tls, port)) as connection:
        used, began = proxy.cpu(), time.perf_counter()
        connection.sendall(f"GET {target}{BLOB} HTTP/1.1\r\n{head}\r\n".encode())
        left = size - len(read_head(connection)[1])
        room = memoryview(bytearray(MEBIBYTE))
        while left:
            got = connection.recv_into(room)
            if not got:
                raise ConnectionError("the blob broke off")
            left -= got
        measured.note(f"MB/s down, {scheme}", size / (time.perf_counter() - began) / 1e6)
        measured.note(f"CPU s/GB down, {scheme}", (proxy.cpu() - used) / size * 1e9, less_is_better=True)
    measured.note(f"peak MiB, down, {scheme}", proxy.peak(), less_is_better=True)
    proxy.forget_peak()
    with closing(proxy.connect(tls, port)) as connection:
        used, began = proxy.cpu(), time.perf_counter()
        connection.sendall(f"PATCH {target}{UPLOAD} HTTP/1.1\r\n{head}Content-Length: {size}\r\n\r\n".encode())
        piece = bytes(MEBIBYTE)
        for _ in range(0, size, MEBIBYTE):
            connection.sendall(piece)
        read_head(connection)
        measured.note(f"MB/s up, {scheme}", size / (time.perf_counter() - began) / 1e6)
        measured.note(f"CPU s/GB up, {scheme}", (proxy.cpu() - used) / size * 1e9, less_is_better=True)
    measured.note(f"peak MiB, up, {scheme}", proxy.peak(), less_is_better=True)


@contextmanager
def registries(confdir: Path, size: int, schemes: Sequence[str]) -> Iterator[dict[str, int]]:
    """The server for each scheme, in a process of its own; its port."""
    ports = {scheme: free_port() for scheme in schemes}
    processes = [
        subprocess.Popen([sys.executable, __file__, "--serve", scheme, str(port), str(confdir), str(size)])  # noqa: S603
        for scheme, port in ports.items()
    ]
    try:
        for port in ports.values():
            wait_for(port)
        yield ports
    finally:
        for process in processes:
            process.terminate()
            process.wait(30)


def table(kinds: Sequence[Measured]) -> str:
    """The values side by side, with the ratio of the second to the first."""
    plain, addon = kinds
    rows = [f"{'':36}{plain.name:>12}{addon.name:>12}{'ratio':>8}"]
    for what, value in plain.best.items():
        other = addon.best[what]
        digits = 2 if "CPU" in what else 0
        rows.append(f"{what:36}{value:12.{digits}f}{other:12.{digits}f}{other / value if value else 0:8.2f}")
    return "\n".join(rows)


def main() -> None:
    """Measure and print."""
    if sys.argv[1:2] == ["--serve"]:
        scheme, listened, directory, length = sys.argv[2:]
        server_tls = Certificates(Path(directory), [HOST]).context if scheme == "https" else None
        asyncio.run(serve(int(listened), server_tls, int(length)))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mebibytes", type=int, default=512, help="size of the blob (512)")
    parser.add_argument("--requests", type=int, default=2000, help="small requests of each measurement (2000)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each proxy takes its turn (3)")
    parser.add_argument("--http-only", action="store_true", help="leave https out")
    arguments = parser.parse_args()
    schemes = ["http"] if arguments.http_only else ["http", "https"]
    kinds = [Measured("plain", PLAIN), Measured("regauth", ADDON)]
    size = arguments.mebibytes * MEBIBYTE
    with tempfile.TemporaryDirectory() as name:
        confdir = Path(name)
        client = ssl.create_default_context(cafile=str(Certificates(confdir, [HOST]).authority))
        with registries(confdir, size, schemes) as ports:
            for _ in range(arguments.rounds):
                for kind in kinds:
                    proxy = Proxy(kind.options, confdir)
                    try:
                        kind.note("peak MiB, idle", proxy.peak(), less_is_better=True)
                        for scheme, port in ports.items():
                            tls = client if scheme == "https" else None
                            for connections in (1, 16):
                                small(proxy, kind, tls, port, connections, arguments.requests)
                            blob(proxy, kind, tls, port, size)
                    finally:
                        proxy.stop()
    print(table(kinds))


if __name__ == "__main__":
    main()
