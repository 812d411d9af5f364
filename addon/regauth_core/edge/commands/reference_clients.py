"""Two small registry clients for `regauth demo`: one with the bug that the demo is about, one without.

``python -m regauth_core.edge.commands.reference_clients trusts-ping registry.test/foo``. The login comes in the
environment, as ``REGAUTH_DEMO_LOGIN=user:password``: everybody can read a command line. They go through the proxy of
HTTPS_PROXY and trust what SSL_CERT_FILE holds.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import ssl
import sys
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from regauth_core.protocol import challenge

LOGIN: Final = "REGAUTH_DEMO_LOGIN"
TRUSTS_PING: Final = "trusts-ping"
ANSWERS_CHALLENGE: Final = "answers-challenge"
_TIMEOUT: Final = 20.0
_MAX_BODY: Final = 1024 * 1024


class _Registry:
    """One registry behind the proxy; a connection for each request, as many clients do it."""

    def __init__(self, host: str, agent: str, environment: Mapping[str, str]) -> None:
        self._host = host
        self._agent = agent
        self._proxy = urlsplit(environment.get("HTTPS_PROXY", ""))
        self._tls = ssl.create_default_context(cafile=environment.get("SSL_CERT_FILE"))

    def get(self, path: str, authorization: str | None) -> tuple[int, list[str], bytes]:
        """Status, challenges and body of the answer."""
        if self._proxy.hostname:
            proxy = (self._proxy.hostname, self._proxy.port or 8080)
            connection = http.client.HTTPSConnection(*proxy, timeout=_TIMEOUT, context=self._tls)
            connection.set_tunnel(self._host, 443, {"User-Agent": self._agent, **self._proxy_authorization()})
        else:
            connection = http.client.HTTPSConnection(self._host, timeout=_TIMEOUT, context=self._tls)
        try:
            headers = {"User-Agent": self._agent} | ({"Authorization": authorization} if authorization else {})
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.headers.get_all("WWW-Authenticate") or [], answer.read(_MAX_BODY)
        finally:
            connection.close()

    def _proxy_authorization(self) -> dict[str, str]:
        user, password = self._proxy.username, self._proxy.password
        return {"Proxy-Authorization": _basic(f"{user}:{password or ''}")} if user else {}


def trusts_ping(registry: _Registry, repository: str, login: str) -> str:
    """BUG: whether to authenticate is decided by the ping, once for the whole registry; no later 401 changes it."""
    status, challenges, _ = registry.get("/v2/", None)
    authorization = _basic(login) if status == 401 and _wants_basic(challenges) else None
    return _tags(*registry.get(f"/v2/{repository}/tags/list", authorization))


def answers_challenge(registry: _Registry, repository: str, login: str) -> str:
    """Authenticates wherever it is asked to (RFC 9110 section 15.5.2)."""
    registry.get("/v2/", None)
    path = f"/v2/{repository}/tags/list"
    answer = registry.get(path, None)
    if answer[0] == 401 and _wants_basic(answer[1]):
        answer = registry.get(path, _basic(login))
    return _tags(*answer)


def _wants_basic(lines: Sequence[str]) -> bool:
    return any(each.scheme.lower() == "basic" for each in challenge.read(lines).challenges)


def _basic(login: str) -> str:
    return "Basic " + base64.b64encode(login.encode()).decode("ascii")


def _tags(status: int, _: Sequence[str], body: bytes) -> str:
    if status == 401:
        raise PermissionError("invalid username/password")
    if status != 200:
        raise OSError(f"unexpected status {status}")
    tags = json.loads(body).get("tags") or []
    return ", ".join(str(tag) for tag in tags)


_CLIENTS: Final = {TRUSTS_PING: trusts_ping, ANSWERS_CHALLENGE: answers_challenge}


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """List the tags of a repository; the exit status."""
    if len(arguments) != 2 or arguments[0] not in _CLIENTS or "/" not in arguments[1]:
        print(f"expected one of {', '.join(_CLIENTS)}, then HOST/REPOSITORY", file=sys.stderr)
        return 2
    name, target = arguments
    host, _, repository = target.partition("/")
    try:
        tags = _CLIENTS[name](_Registry(host, f"{name}/1.0", environment), repository, environment.get(LOGIN, ""))
    except (OSError, ValueError, http.client.HTTPException) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    print(f"{name}: tags of {repository}: {tags}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
