"""What many clients at once cost: plain mitmdump beside mitmdump with the addon, a trace and a report, in one run.

    python tests/bench/load.py                        # 50,000 exchanges of 200 clients, then odd answers
    python tests/bench/load.py --exchanges 5000 --clients 20

Every client keeps one TLS connection and pulls image after image: ping, challenge, token, manifest, blobs. One in ten
answers no challenge, so that there are thousands of findings. *Held back* is what one more client waits at the most for
its tiny answers, one after another, while somebody else gets an odd answer. Everything is on the loopback interface.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

import brotli

sys.path[:0] = [str(Path(__file__).parent.parent), str(Path(__file__).parent.parent.parent / "addon")]

from bench.proxy import HOST, MEBIBYTE, ROOT, TICKS, free_port, wait_for  # noqa: E402
from regauth_core.edge.commands.certificates import Certificates  # noqa: E402

_MITMDUMP: Final = [sys.executable, "-c", "from mitmproxy.tools.main import mitmdump; mitmdump()"]
_QUIET: Final = ["--set", "flow_detail=0"]
_END: Final = 120.0
"""Seconds after which a proxy that does not end is killed."""
_DIGEST: Final = "sha256:" + "ab" * 32
_BLOBS: Final = 4
_REPOSITORIES: Final = 200
_Headers = Sequence[tuple[str, str]]

_ODD: Final[dict[str, Callable[[], tuple[_Headers, bytes]]]] = {
    "200 Link lines of <": lambda: ([("Link", "<" * 8000 + str(i)) for i in range(200)], b"{}"),
    "200 Link lines of <a>;": lambda: ([("Link", "<a>;" * 2000 + str(i)) for i in range(200)], b"{}"),
    "one Link line of 512 KiB": lambda: ([("Link", '<a>; x="' * 65536)], b"{}"),
    "200 challenges": lambda: ([("WWW-Authenticate", 'A b="\\",' * 900 + str(i)) for i in range(200)], b"{}"),
    "200 cookies": lambda: ([("Set-Cookie", "a=b;" * 1900 + str(i)) for i in range(200)], b"{}"),
    "10,000 header lines": lambda: ([(f"X-{i}", f"a{i}.b-c:d") for i in range(10_000)], b"{}"),
    "320 MiB in brotli": lambda: ([("Content-Encoding", "br")], brotli.compress(bytes(320 * MEBIBYTE), quality=5)),
    "1 MiB of JSON": lambda: ([("Content-Type", "application/json")], b'{"errors":[' + b'{"code":"A"},' * 80_000),
    "1 MiB of words": lambda: ([("Content-Type", "text/plain")], b"password=abc token:x " * 50_000),
}
"""Answers that take long to read, or that unfold: headers and body, with status 400."""


async def serve(port: int, tls: ssl.SSLContext) -> None:
    """A registry and token server that knows every repository, and gives the odd answers."""
    issued = 0
    odd = {name: make() for name, make in _ODD.items()}

    def answer(target: str, head: bytes) -> tuple[str, _Headers, bytes]:
        nonlocal issued
        if target.startswith("/token"):
            issued += 1
            token = base64.b64encode(f"{issued:08d}-{'k' * 40}".encode()).decode()
            return "200 OK", [("Content-Type", "application/json")], f'{{"token":"{token}"}}'.encode()
        if target.startswith("/v2/odd/"):
            headers, body = odd[list(odd)[int(target.split("/")[3])]]
            return "400 Bad Request", headers, body
        if target.startswith("/v2/plain/") or b"authorization: bearer" in head.lower():
            return "200 OK", [("Docker-Content-Digest", _DIGEST)], b"{}"
        name = target.removeprefix("/v2/").partition("/manifests")[0]
        scope = f',scope="repository:{name}:pull"' if name else ""
        challenge = f'Bearer realm="https://{HOST}:{port}/token",service="{HOST}"{scope}'
        return "401 Unauthorized", [("WWW-Authenticate", challenge)], b'{"errors":[{"code":"UNAUTHORIZED"}]}'

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                break
            status, headers, body = answer(head.split(b" ", 2)[1].decode(), head)
            lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
            writer.write(f"HTTP/1.1 {status}\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", port, ssl=tls) as server:
        await server.serve_forever()


class Proxy:
    """A running mitmdump whose output goes to a file."""

    def __init__(self, options: Sequence[str], confdir: Path, output: Path) -> None:
        self.port = free_port()
        self.output = output
        trust = f"ssl_verify_upstream_trusted_ca={confdir / 'mitmproxy-ca-cert.pem'}"
        place = ["--listen-host", "127.0.0.1", "-p", str(self.port), "--set", f"confdir={confdir}", "--set", trust]
        with output.open("wb") as file:
            self.process = subprocess.Popen(  # noqa: S603
                [*_MITMDUMP, *_QUIET, *place, *options], stdin=subprocess.DEVNULL, stdout=file, stderr=file
            )
        wait_for(self.port)

    def cpu(self) -> float:
        """Seconds of CPU time that it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self, what: str = "VmHWM") -> float:
        """The most memory that it has held, in MiB; ``VmRSS``: what it holds now."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(what)) / 1024

    def end(self) -> float:
        """End it; the seconds that it takes."""
        began = time.perf_counter()
        self.process.terminate()
        try:
            self.process.wait(_END)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        return time.perf_counter() - began


class Tunnel:
    """One client's TLS connection to the registry, through the proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int, name: str) -> None:
        self._reader, self._writer, self._name, self._port = reader, writer, name, port

    async def get(self, target: str, authorization: str = "") -> bytes:
        """The body of the answer to a GET."""
        credential = f"Authorization: {authorization}\r\n" if authorization else ""
        head = f"GET {target} HTTP/1.1\r\nHost: {HOST}:{self._port}\r\nUser-Agent: {self._name}/1.0\r\n{credential}\r\n"
        self._writer.write(head.encode())
        answer = await self._reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        return await self._reader.readexactly(length)


@asynccontextmanager
async def tunnel(proxy: Proxy, tls: ssl.SSLContext, port: int, name: str) -> AsyncIterator[Tunnel]:
    """A connection of the client called `name`."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port, limit=64 * MEBIBYTE)
    label = base64.b64encode(f"{name}:x".encode()).decode()
    where = f"{HOST}:{port}"
    writer.write(f"CONNECT {where} HTTP/1.1\r\nHost: {where}\r\nProxy-Authorization: Basic {label}\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    await writer.start_tls(tls, server_hostname=HOST)
    try:
        yield Tunnel(reader, writer, port, name)
    finally:
        writer.close()


async def pulls(client: Tunnel, number: int, exchanges: int, waits: list[float]) -> None:
    """So many exchanges of one client."""
    done = pull = 0

    async def get(target: str, authorization: str = "") -> bytes:
        nonlocal done
        done += 1
        began = time.perf_counter()
        body = await client.get(target, authorization)
        waits.append(time.perf_counter() - began)
        return body

    login = "Basic " + base64.b64encode(f"user-{number}:Word-{number}-of-passage".encode()).decode()
    while done < exchanges:
        name = f"team-{number}/app-{pull % _REPOSITORIES}"
        manifest = f"/v2/{name}/manifests/1.{pull}"
        pull += 1
        await get(manifest)
        if number % 10 == 0:
            continue  # it has never heard of challenges
        answer = await get(f"/token?service={HOST}&scope=repository:{name}:pull", login)
        bearer = "Bearer " + answer.decode().split('"')[3]
        await get(manifest, bearer)
        for blob in range(_BLOBS):
            await get(f"/v2/{name}/blobs/sha256:{pull:032x}{blob:032x}", bearer)


async def load(proxy: Proxy, tls: ssl.SSLContext, port: int, clients: int, exchanges: int) -> list[float]:
    """All clients at once; how long each request waited for its answer, in seconds."""
    waits: list[float] = []

    async def one(number: int) -> None:
        async with tunnel(proxy, tls, port, f"client-{number}") as client:
            await pulls(client, number, exchanges // clients, waits)

    await asyncio.gather(*map(one, range(clients)))
    return sorted(waits)


async def held_back(proxy: Proxy, tls: ssl.SSLContext, port: int) -> dict[str, float]:
    """For each odd answer the longest that somebody else waits meanwhile, in seconds."""
    longest: dict[str, float] = {}
    async with tunnel(proxy, tls, port, "evil") as evil, tunnel(proxy, tls, port, "other") as other:
        for _ in range(20):
            await other.get("/v2/plain/tags/list")
        for number, name in enumerate(_ODD):
            odd = asyncio.ensure_future(evil.get(f"/v2/odd/{number}/tags/list"))
            waits, until = [0.0], time.perf_counter() + 1.0
            while not odd.done() or time.perf_counter() < until:
                began = time.perf_counter()
                await other.get("/v2/plain/tags/list")
                waits.append(time.perf_counter() - began)
            await odd
            longest[name] = max(waits)
    return longest


@contextmanager
def registry(confdir: Path) -> Iterator[int]:
    """The server in a process of its own; its port."""
    port = free_port()
    process = subprocess.Popen([sys.executable, __file__, "--serve", str(port), str(confdir)])  # noqa: S603
    try:
        wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def measured(
    options: Sequence[str], directory: Path, tls: ssl.SSLContext, port: int, given: argparse.Namespace
) -> dict[str, float]:
    """One proxy under load, and another one with odd answers."""
    output = directory / "output"
    proxy = Proxy(options, directory, output)
    try:
        idle, used, began = proxy.memory(), proxy.cpu(), time.perf_counter()
        waits = asyncio.run(load(proxy, tls, port, given.clients, given.exchanges))
        took = time.perf_counter() - began
        found = {
            "exchanges/s": len(waits) / took,
            "CPU ms/exchange": (proxy.cpu() - used) * 1000 / len(waits),
            "ms, median": waits[len(waits) // 2] * 1000,
            "ms, 99 of 100": waits[len(waits) * 99 // 100] * 1000,
            "MiB, idle": idle,
            "MiB, after it": proxy.memory("VmRSS"),
            "MiB, peak": proxy.memory(),
        }
    finally:
        end = proxy.end()
    lines = output.read_bytes().splitlines(keepends=True)
    found |= {
        "s, the end": end,
        "kB of output": sum(map(len, lines)) / 1000,
    }
    proxy = Proxy(options, directory, output)
    try:
        found |= {f"ms, {name}": wait * 1000 for name, wait in asyncio.run(held_back(proxy, tls, port)).items()}
        found["MiB, peak of odd answers"] = proxy.memory()
    finally:
        proxy.end()
    return found


def main() -> None:
    """Measure and print."""
    if sys.argv[1:2] == ["--serve"]:
        asyncio.run(serve(int(sys.argv[2]), Certificates(Path(sys.argv[3]), [HOST]).context))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--exchanges", type=int, default=50_000, help="of all clients together (50,000)")
    parser.add_argument("--clients", type=int, default=200, help="at once (200)")
    parser.add_argument("--only", choices=("plain", "regauth"), help="leave the other one out")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        tls = ssl.create_default_context(cafile=str(Certificates(directory, [HOST]).authority))
        files = {"trace": directory / "trace.jsonl", "report": directory / "report.md"}
        addon = ["-s", str(ROOT / "addon" / "regauth.py")]
        addon += [word for kind, path in files.items() for word in ("--set", f"regauth_{kind}={path}")]
        columns = {"plain": [], "regauth": addon}
        with registry(directory) as port:
            found = {
                kind: measured(options, directory, tls, port, given)
                for kind, options in columns.items()
                if given.only in (None, kind)
            }
    print(f"{'':28}" + "".join(f"{kind:>12}" for kind in found))
    for what in next(iter(found.values())):
        print(f"{what:28}" + "".join(f"{values[what]:12.1f}" for values in found.values()))


if __name__ == "__main__":
    main()
