"""A client that is another user of this machine. Run by root, who becomes that user before the first connection.

    python -m kit.somebody USER PORT AUTHORITY URL [PROXY-USER:PASSWORD]

It prints, as JSON, the status and the body that it got; where it got no tunnel, the status of that and `TUNNEL`.
"""

from __future__ import annotations

import encodings.idna  # noqa: F401  (nobody may not read it where root's Python is)
import http.client
import json
import os
import ssl
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

NOBODY: Final = 65534
TUNNEL: Final = "tunnel"
ROOT: Final = Path(__file__).parent.parent.parent


def asked_as(user: int, port: int, authority: Path, url: str, login: str = "") -> tuple[int, str]:
    """What `user` gets for `url` through the proxy at `port`: status and body."""
    paths = os.pathsep.join(str(ROOT / name) for name in ("addon", "tests"))
    command = (sys.executable, "-m", "kit.somebody", str(user), str(port), str(authority), url, login)
    done = subprocess.run(  # noqa: S603
        command, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    status, body = json.loads(done.stdout)
    return status, body


def main() -> None:
    """Become that user, ask, and print."""
    user, port, authority, url, login = sys.argv[1:]
    context = ssl.create_default_context(cafile=authority)
    parts = urlsplit(url)
    proof = {"Proxy-Authorization": "Basic " + b64encode(login.encode()).decode()} if login else {}
    fields: dict[str, Any] = {"Host": parts.netloc, "User-Agent": "client/1"}
    if int(user) != os.geteuid():
        os.setgroups([])
        os.setgid(int(user))
        os.setuid(int(user))
    if parts.scheme == "https":
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            "127.0.0.1", int(port), timeout=20, context=context
        )
        connection.set_tunnel(str(parts.hostname), parts.port or 443, proof)
        target = parts.path
    else:
        connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=20)
        fields |= proof
        target = url
    try:
        connection.request("GET", target, headers=fields)
        answer = connection.getresponse()
        found = [answer.status, answer.read().decode()]
    except OSError as error:  # "Tunnel connection failed: 407 Proxy Authentication Required"
        found = [int(next((word for word in str(error).split() if word.isdecimal()), 0)), TUNNEL]
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
