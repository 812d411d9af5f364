"""Writes every secret that goes by into a file, so that a test can look for them in what regauth wrote.

As a script of mitmdump's (`-s tests/clients/tap.py`) it is an addon. As a program it is `regauth` with that addon in
its proxy; everything else is regauth's own. The file is named by REGAUTH_TAP, with one JSON string in each line.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import parse_qsl

from mitmproxy import http
from mitmproxy.tools.dump import DumpMaster


class Tap:
    """The addon."""

    def response(self, flow: http.HTTPFlow) -> None:
        """An exchange is complete."""
        with Path(os.environ["REGAUTH_TAP"]).open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(secret) + "\n" for secret in _secrets(flow))


class Tapped(DumpMaster):
    """A mitmproxy with the addon."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.addons.add(Tap())


def _secrets(flow: http.HTTPFlow) -> Iterator[str]:
    """The credentials of the request and the tokens of the answer."""
    for value in flow.request.headers.get_all("authorization"):
        yield value.partition(" ")[2]
    for name, value in parse_qsl(flow.request.get_text(strict=False) or ""):
        if name in ("password", "refresh_token"):
            yield value
    assert flow.response is not None
    if flow.response.headers.get("content-type", "").startswith("application/json"):
        body: Any = json.loads(flow.response.content or b"null")
        yield from (body[name] for name in ("token", "access_token", "refresh_token") if body and name in body)


def main() -> int:
    """Run `regauth`."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "addon"))
    from regauth_core import cli
    from regauth_core.edge.mitm import background

    with mock.patch.object(background, "DumpMaster", Tapped):
        return cli.main()


if __name__ == "__main__":
    sys.exit(main())

addons = [Tap()]
