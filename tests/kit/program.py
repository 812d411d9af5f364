"""A program that is started, watched and ended."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[2]


RUN = "import sys; from mitmproxy.tools.main import {tool}; {tool}(sys.argv[1:])"


class Program:
    """mitmdump (or mitmweb) with the script, as a program of its own."""

    def __init__(self, script: Path, confdir: Path, environment: dict[str, str], tool: str, options: list[str]) -> None:
        self.out = confdir.parent / f"{tool}.out"
        self.err = confdir.parent / f"{tool}.err"
        arguments = ["--listen-host", "127.0.0.1", "-p", "0", "--set", f"confdir={confdir}", "-s", str(script)]
        with self.out.open("w") as out, self.err.open("w") as err:
            self.process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-c", RUN.format(tool=tool), *arguments, *options],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=confdir.parent,
            )
        self.port = int(self.wait_for(r"proxy listening at 127\.0\.0\.1:([0-9]+)\.\s")[1])

    def printed(self) -> str:
        """All that it printed up to now."""
        return self.out.read_text() + self.err.read_text()

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Wait until it has printed what matches."""
        deadline = time.monotonic() + 30
        while (found := re.search(pattern, self.printed())) is None:
            assert self.process.poll() is None, self.printed()
            assert time.monotonic() < deadline, self.printed()
            time.sleep(0.05)
        return found

    def ask(self, path: str, **headers: str) -> int:
        """One plain request to the scenario's registry through it; the status."""
        proxies = urllib.request.ProxyHandler({"http": f"http://127.0.0.1:{self.port}"})
        request = urllib.request.Request(f"http://registry.test{path}", headers=headers)  # noqa: S310
        try:
            with urllib.request.build_opener(proxies).open(request, timeout=20) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            error.close()
            return error.code

    def visit(self, *paths: str, **headers: str) -> None:
        """The same from a program of its own, which has ended when this returns."""
        script = (
            "import json, sys, urllib.request as u\n"
            "port, headers, *paths = sys.argv[1:]\n"
            "opener = u.build_opener(u.ProxyHandler({'http': 'http://127.0.0.1:' + port}))\n"
            "for path in paths:\n"
            "    try:\n"
            "        opener.open(u.Request('http://registry.test' + path, headers=json.loads(headers))).read()\n"
            "    except u.HTTPError as error:\n"
            "        error.read()\n"
        )
        client = [sys.executable, "-c", script, str(self.port), json.dumps(headers), *paths]
        subprocess.run(client, check=True, timeout=20)  # noqa: S603

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal; the exit status."""
        self.process.send_signal(number)
        return self.process.wait(20)
