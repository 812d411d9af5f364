"""What `fill` costs: requests and token exchanges for one pull, throughput and memory for a large blob.

    python tests/bench/injection.py                  # 64 layers, 1 GiB
    python tests/bench/injection.py --layers 8 --mebibytes 64

First real clients pull an image by themselves, and then without a password of their own (`pulls.py`). Then a blob is
pulled and pushed through mitmdump, plain, streaming, and with regauth's credentials.

Against Debian's registry with tokens of a real token server (`tests/registries/install`). Plain mitmdump and mitmdump
with `stream_large_bodies` get a token from the client, which asks for it by itself; under `fill` the client has no
credentials at all. Requests are those that the registry logs. Pushes are a POST, a chunked PATCH and a PUT. Peak memory
is the proxy's own (VmHWM).
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import http.client
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

ROOT: Final = Path(__file__).parent.parent.parent
sys.path[:0] = [str(ROOT / "addon"), str(ROOT / "tests")]

from bench import pulls  # noqa: E402
from registries.servers import KINDS, Ground, Registry  # noqa: E402

HOST: Final = "registry.test"
REPOSITORY: Final = "alice/bench"
PIECE: Final = bytes(1024 * 1024)
CONFIGURATIONS: Final = {
    "plain mitmdump": (),
    "mitmdump, stream_large_bodies=1m": ("--set", "stream_large_bodies=1m"),
    "regauth_inject=fill": (
        "-s",
        str(ROOT / "addon" / "regauth.py"),
        "--set",
        "regauth_inject=fill",
        "--set",
        "regauth_allow=push",
        "--set",
        f"regauth_credentials=env:{HOST}=BENCH_USER,BENCH_PASSWORD",
    ),
}


@dataclass(slots=True)
class Proxy:
    """A mitmdump of its own."""

    process: subprocess.Popen[bytes]
    port: int
    authority: Path

    def peak(self) -> float:
        """Peak memory so far, in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        return int(found[1]) / 1024 if found else 0.0

    def connect(self, host: str = HOST) -> http.client.HTTPSConnection:
        """A connection to `host` through the proxy."""
        context = ssl.create_default_context(cafile=str(self.authority))
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=600, context=context)
        connection.set_tunnel(host, 443)
        return connection


@contextlib.contextmanager
def mitmdump(registry: Registry, options: Sequence[str], directory: Path) -> Iterator[Proxy]:
    """A proxy with `options` in front of the registry while inside."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "REGAUTH_TEST_NAMES": registry.names,
        "BENCH_USER": registry.login.user,
        "BENCH_PASSWORD": registry.login.password,
        "PYTHONPATH": os.pathsep.join(sys.path[:2]),
    }
    program = [str(Path(sys.executable).parent / "mitmdump"), "-q", "--listen-host", "127.0.0.1"]
    given = ["--listen-port", str(port), "--set", f"confdir={directory}"]
    trust = ["--set", f"ssl_verify_upstream_trusted_ca={registry.authority}", "--set", "http2=false"]
    names = ["-s", str(ROOT / "tests" / "registries" / "resolved.py")]
    command = [*program, *given, *trust, *names, *options]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    proxy = Proxy(process, port, directory / "mitmproxy-ca-cert.pem")
    try:
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.05)
        yield proxy
    finally:
        process.terminate()
        process.wait()


def token(proxy: Proxy, registry: Registry) -> dict[str, str]:
    """What the client itself has to fetch where nobody does it for it."""
    connection = proxy.connect("auth." + HOST)
    pair = b64encode(f"{registry.login.user}:{registry.login.password}".encode()).decode()
    scope = f"repository:{REPOSITORY}:pull,push"
    path = f"/token/?service=Real+registry&scope={scope}"
    connection.request("GET", path, headers={"Authorization": f"Basic {pair}"})
    answer = json.load(connection.getresponse())
    connection.close()
    return {"Authorization": f"Bearer {answer.get('token') or answer['access_token']}"}


def push(proxy: Proxy, mebibytes: int, salt: bytes, headers: dict[str, str]) -> str:
    """Upload a blob; its digest."""
    digest = hashlib.sha256(salt)
    connection = proxy.connect()
    connection.request("POST", f"/v2/{REPOSITORY}/blobs/uploads/", headers={**headers, "Content-Length": "0"})
    place = _location(connection, 202)

    def pieces() -> Iterator[bytes]:
        yield salt
        for _ in range(mebibytes):
            digest.update(PIECE)
            yield PIECE

    kind = {"Content-Type": "application/octet-stream", "Transfer-Encoding": "chunked"}
    connection.request("PATCH", place, body=pieces(), headers={**headers, **kind}, encode_chunked=True)
    place = _location(connection, 202)
    name = f"sha256:{digest.hexdigest()}"
    connection.request("PUT", f"{place}&digest={name}", headers={**headers, "Content-Length": "0"})
    _location(connection, 201)
    connection.close()
    return name


def _location(connection: http.client.HTTPSConnection, expected: int) -> str:
    answer = connection.getresponse()
    answer.read()
    if answer.status != expected:
        raise SystemExit(f"expected {expected}, got {answer.status}")
    parts = urlsplit(answer.headers["Location"])
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def pull(proxy: Proxy, name: str, headers: dict[str, str]) -> int:
    """Fetch a blob; its bytes."""
    connection = proxy.connect()
    connection.request("GET", f"/v2/{REPOSITORY}/blobs/{name}", headers=headers)
    answer = connection.getresponse()
    size = 0
    while piece := answer.read(1024 * 1024):
        size += len(piece)
    connection.close()
    if answer.status != 200:
        raise SystemExit(f"expected 200, got {answer.status}")
    return size


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mebibytes", type=int, default=1024, help="size of the blob (1024)")
    parser.add_argument("--layers", type=int, default=64, help="layers of the image (64)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "registry").mkdir(mode=0o700)
        with KINDS["token"](Ground(Path(name) / "registry")) as registry:
            pulls.table(registry, given.layers)
            print()
            throughput(registry, Path(name), given.mebibytes)


def throughput(registry: Registry, directory: Path, size: int) -> None:
    """Print a line for each configuration and direction."""
    first: dict[str, float] = {}
    print(f"{size} MiB                            MiB/s  of plain   peak RSS MiB  requests")
    for number, (title, options) in enumerate(CONFIGURATIONS.items()):
        for what in ("push", "pull"):
            with mitmdump(registry, options, directory / f"proxy{number}") as proxy:
                headers = {} if "fill" in title else token(proxy, registry)
                before, _ = registry.logged()
                begin = time.monotonic()
                if what == "push":
                    blob = push(proxy, size, title.encode(), headers)
                else:
                    pull(proxy, blob, headers)
                speed = size / (time.monotonic() - begin)
                first.setdefault(what, speed)
                asked = registry.logged()[0] - before
                ratio = speed / first[what]
                print(f"{title:33} {what} {speed:6.0f} {ratio:8.2f}x {proxy.peak():12.0f} {asked:9}")


if __name__ == "__main__":
    main()
