"""Another machine's address, on a network of its own: what a proxy does for a client that is not on loopback.

Run by `unshare --net`, where nothing but this program is. It prints, as JSON, the statuses that clients get and whether
anything of the credentials went out, for each client address.

    python -m kit.apart DIRECTORY [ALLOWED ADDRESS]
"""

from __future__ import annotations

import fcntl
import http.client
import json
import socket
import ssl
import struct
import sys
from pathlib import Path
from typing import Any, Final

from kit.proxy import Got, Reply, Upstream, running

ELSEWHERE: Final = "192.0.2.7"
HERE: Final = "127.0.0.1"
_SET_ADDRESS, _GET_FLAGS, _SET_FLAGS, _UP = 0x8916, 0x8913, 0x8914, 0x1


def set_up_network() -> None:
    """Bring up the loopback interface, with an address of documentation (RFC 5737) beside its own (netdevice(7))."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        flags = bytearray(struct.pack("16sh14x", b"lo", 0))
        fcntl.ioctl(control, _GET_FLAGS, flags)
        (found,) = struct.unpack_from("h", flags, 16)
        fcntl.ioctl(control, _SET_FLAGS, struct.pack("16sh14x", b"lo", found | _UP))
        address = struct.pack("16sH2x4s8x", b"lo:1", socket.AF_INET, socket.inet_aton(ELSEWHERE))
        fcntl.ioctl(control, _SET_ADDRESS, address)


def answer(got: Got) -> Reply:
    """A registry that wants a password for everything."""
    if "authorization" in got.headers:
        return Reply(body=b"{}")
    return Reply(status=401, headers=[("WWW-Authenticate", 'Basic realm="r"')])


def asked(address: str, port: int, authority: Path) -> int:
    """The status that a client at `address` gets for a repository."""
    context = ssl.create_default_context(cafile=str(authority))
    connection = http.client.HTTPSConnection(address, port, timeout=20, context=context, source_address=(address, 0))
    connection.set_tunnel("registry.test", 443)
    connection.request("GET", "/v2/foo/tags/list", headers={"User-Agent": "client/1"})
    found = connection.getresponse()
    found.read()
    connection.close()
    return found.status


def main() -> None:
    """Ask from both addresses, from elsewhere first: nothing may be left over for it from the other either."""
    directory, *named = sys.argv[1:]
    set_up_network()
    upstream = Upstream(answer, Path(directory))
    options: dict[str, Any] = {
        **{"listen_host": "0.0.0.0", "regauth_inject": "fill", "regauth_clients": named},  # noqa: S104
        "regauth_credentials": ["env:registry.test=REGAUTH_TEST_LOGIN"],
    }
    told: list[dict[str, object]] = []
    with running(Path(directory), upstream=upstream, **options) as proxy:
        for address in (ELSEWHERE, HERE, ELSEWHERE):
            before = len(upstream.got)
            status = asked(address, proxy.port, proxy.authority)
            sent = ["authorization" in got.headers for got in upstream.got[before:]]
            told.append({"address": address, "status": status, "credentials": any(sent)})
        journal = proxy.stop()
    upstream.stop()
    json.dump({"told": told, "notes": journal.diagnosis.notes}, sys.stdout)


if __name__ == "__main__":
    main()
