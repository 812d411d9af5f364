"""How fast saved traffic is diagnosed, and in how much memory: one run, everything side by side.

    python tests/bench/diagnosis.py [--sizes 20000 1000000] [--most-flows 20000]

Makes a flow file, a HAR file and a regauth trace of the same pulls, and reads each with `regauth diagnose`, the flow
file also with mitmproxy's `FlowReader` alone and with `mitmdump -nr`. Every reading is a process of its own; seconds
are its processor time, of which that for an almost empty file is taken off. Ratios are against `mitmdump -nr` and
`FlowReader` of the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from mitmproxy import connection, http, io

from regauth_core.edge.inputs.har import wire_of
from regauth_core.model.journal import Ending, Environment
from regauth_core.model.trace import End, TraceEnd, TraceHead
from regauth_core.recording.observe import observe
from regauth_core.redaction.redactor import Redactor

BEGIN = 1_750_000_000.0
REALM = "https://auth.test/token"


def pulls() -> Iterator[tuple[float, str, str, str, list[tuple[str, str]], int, list[tuple[str, str]], str]]:
    """Endless pulls: start, client, method, URL, request headers, status, answer headers, body."""
    at, pull = BEGIN, 0
    while True:
        client, name = f"containerd/1.7.{pull % 7}", f"team-{pull % 50}/app-{pull % 211}"
        token, digest = f"opaque-{pull}-0123456789abcdef0123456789abcdef", f"{pull:064x}"
        base, auth = f"https://registry.test/v2/{name}", [("Authorization", f"Bearer {token}")]
        challenge = f'Bearer realm="{REALM}",service="registry.test",scope="repository:{name}:pull"'
        steps = [
            ("HEAD", f"{base}/manifests/1.{pull}", [], 401, [("WWW-Authenticate", challenge)], ""),
            (
                "GET",
                f"{REALM}?service=registry.test&scope=repository%3A{name.replace('/', '%2F')}%3Apull",
                [],
                200,
                [("Content-Type", "application/json")],
                json.dumps({"token": token, "expires_in": 300}),
            ),
            ("HEAD", f"{base}/manifests/1.{pull}", auth, 200, [("Docker-Content-Digest", f"sha256:{digest}")], ""),
            ("GET", f"{base}/manifests/sha256:{digest}", auth, 200, [("Content-Type", "application/json")], ""),
            (
                "GET",
                f"{base}/blobs/sha256:{digest}",
                auth,
                307,
                [("Location", f"https://blobs.test/{digest}?X-Amz-Signature={digest}")],
                "",
            ),
            ("GET", f"https://blobs.test/{digest}?X-Amz-Signature={digest}", [], 200, [], ""),
        ]
        for method, url, headers, status, answer, body in steps:
            at += 0.01
            yield (
                at,
                client,
                method,
                url,
                [("Host", url.split("/")[2]), ("User-Agent", client), *headers],
                status,
                answer,
                body,
            )
        pull += 1


def entry(
    at: float, method: str, url: str, sent: list[tuple[str, str]], status: int, got: list[tuple[str, str]], body: str
) -> dict[str, object]:
    """One exchange as a HAR entry."""
    return {
        "startedDateTime": datetime.fromtimestamp(at, UTC).isoformat(),
        "time": 5.0,
        "request": {
            "method": method,
            "url": url,
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "queryString": [],
            "headersSize": -1,
            "bodySize": 0,
            "headers": [{"name": n, "value": v} for n, v in sent],
        },
        "response": {
            "status": status,
            "statusText": "",
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": len(body),
            "headers": [{"name": n, "value": v} for n, v in got],
            "content": {"size": len(body), "mimeType": "application/json", "text": body},
        },
        "cache": {},
        "timings": {"send": 0, "wait": 4, "receive": 1},
    }


def write(folder: Path, count: int, with_flows: bool) -> dict[str, Path]:
    """The same `count` exchanges in every format."""
    paths = {"har": folder / f"{count}.har", "trace": folder / f"{count}.jsonl"}
    redactor, encode = Redactor(b"b" * 32), msgspec.json.encode
    flows = (folder / f"{count}.flows").open("wb") if with_flows else None
    with paths["har"].open("w") as har, paths["trace"].open("wb") as trace:
        har.write('{"log": {"version": "1.2", "creator": {"name": "bench", "version": "1"}, "entries": [\n')
        head = TraceHead(
            started=BEGIN, quiet_time=30, credentials_known=False, environment=Environment(regauth="bench")
        )
        trace.write(encode(head) + b"\n")
        for number, (at, _, method, url, sent, status, got, body) in zip(range(1, count + 1), pulls(), strict=False):
            one = entry(at, method, url, sent, status, got, body)
            har.write(("" if number == 1 else ",\n") + json.dumps(one))
            wire = wire_of(one, number)
            assert wire is not None
            trace.write(encode({"exchange": observe(wire, redactor)}) + b"\n")
            if flows is not None:
                io.FlowWriter(flows).add(flow(at, method, url, sent, status, got, body))
        har.write("\n]}}")
        end = End(ending=Ending.GONE, at=BEGIN + count, environment=Environment(regauth="bench"))
        trace.write(encode(TraceEnd(end=end)) + b"\n")
    if flows is not None:
        flows.close()
        paths["flows"] = folder / f"{count}.flows"
    return paths


def flow(
    at: float, method: str, url: str, sent: list[tuple[str, str]], status: int, got: list[tuple[str, str]], body: str
) -> http.HTTPFlow:
    """One exchange as a mitmproxy flow."""
    client = connection.Client(peername=("127.0.0.1", 50000), sockname=("127.0.0.1", 8080), timestamp_start=at)
    one = http.HTTPFlow(client, connection.Server(address=("registry.test", 443)))
    one.request = http.Request.make(method, url, b"", http.Headers([(n.encode(), v.encode()) for n, v in sent]))
    one.request.timestamp_start, one.request.timestamp_end = at, at + 0.001
    one.response = http.Response.make(status, body, http.Headers([(n.encode(), v.encode()) for n, v in got]))
    one.response.timestamp_start, one.response.timestamp_end = at + 0.004, at + 0.005
    return one


@dataclass(frozen=True, slots=True)
class Measured:
    """What one reading cost."""

    seconds: float
    mebibytes: float


def measured(command: list[str]) -> Measured:
    """Run a command by itself."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"{command}: {process.stderr.read().decode() if process.stderr else ''}")
    return Measured(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


READER = "import sys\nfrom mitmproxy import io\nfor _ in io.FlowReader(open(sys.argv[1], 'rb')).stream(): pass"


def commands(kind: str, path: Path) -> dict[str, list[str]]:
    """Who reads a file."""
    diagnose = [sys.executable, "-m", "regauth_core", "diagnose", "--format", "json", str(path)]
    found = {f"regauth diagnose, {kind}": diagnose}
    if kind == "flows":
        mitmdump = str(Path(sys.executable).with_name("mitmdump"))
        found["FlowReader alone"] = [sys.executable, "-c", READER, str(path)]
        found["mitmdump -nr"] = [mitmdump, "-q", "-nr", str(path)]
    return found


def main() -> None:
    """Make the files, read them, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--sizes", type=int, nargs="+", default=[20_000, 1_000_000])
    parser.add_argument("--most-flows", type=int, default=20_000, help="largest flow file; they take long to make")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        idle = {
            who: measured(c).seconds
            for kind, path in write(folder, 6, True).items()
            for who, c in commands(kind, path).items()
        }
        titles = ("exchanges", "seconds", "per second", "peak MiB", "of mitmdump", "of FlowReader")
        print(f"{'reader':32}" + "".join(f"{t:>{w}}" for t, w in zip(titles, (11, 9, 12, 10, 13, 15), strict=True)))
        known: dict[str, float] = {}
        for size in arguments.sizes:
            rows = [
                (who, measured(command))
                for kind, path in reversed(write(folder, size, size <= arguments.most_flows).items())
                for who, command in commands(kind, path).items()
            ]
            rates = {who: size / max(m.seconds - idle[who], 0.001) for who, m in rows}
            known |= {who: rates[who] for who in ("mitmdump -nr", "FlowReader alone") if who in rates}
            for who, m in rows:
                print(
                    f"{who:32}{size:>11,}{m.seconds - idle[who]:>9.1f}{rates[who]:>12,.0f}{m.mebibytes:>10.0f}"
                    f"{rates[who] / known['mitmdump -nr']:>13.1f}{rates[who] / known['FlowReader alone']:>15.2f}"
                )


if __name__ == "__main__":
    main()
