"""What an exchange shows at a glance. A rule names the signs it needs, and is asked only where one of them was seen."""

from __future__ import annotations

from regauth_core.model import Endpoint, Exchange, Holder

# Plain integers: they are joined for every exchange, and an IntFlag costs a hundred times as much there.
REFUSED = 1 << 0
"""A 401."""
DENIED = 1 << 1
"""A 403, or a 400."""
NOT_FOUND = 1 << 2
SERVER_ERROR = 1 << 3
NO_ANSWER = 1 << 4
TOKEN = 1 << 5
"""A request for a token."""
MOUNT = 1 << 6
NAMES_URL = 1 << 7
"""The answer names another URL: redirect, upload session, next page, foreign layer, realm on http."""
ELSEWHERE = 1 << 8
"""A request that is neither for a registry nor for a token."""
LIMITED = 1 << 9
PROXY_AUTHENTICATION = 1 << 10
ODD_CREDENTIAL = 1 << 11
"""Empty, damaged, double, very long, of an unknown scheme, or not what its user name promises."""
OPEN_CHALLENGE = 1 << 12
"""A challenge on an answer that refuses nothing."""
PLAIN_HTTP = 1 << 13
LEGACY = 1 << 14
IMPROPER_PATH = 1 << 15
PAGE = 1 << 16
"""An HTML answer, or a ping that is answered other than 200 or 401."""
CREDENTIAL = 1 << 17
"""Some credential was sent."""
TOO_LARGE = 1 << 18
WITHHELD = 1 << 19
"""Credentials of regauth's own were kept from it."""

_BY_STATUS = {
    401: REFUSED,
    403: DENIED,
    400: DENIED | TOO_LARGE,
    404: NOT_FOUND,
    405: NOT_FOUND,
    407: PROXY_AUTHENTICATION,
    413: TOO_LARGE,
    414: TOO_LARGE,
    429: LIMITED,
    431: TOO_LARGE,
}


def signs_of(exchange: Exchange) -> int:
    """The signs of one exchange, joined."""
    request, response, target = exchange.request, exchange.response, exchange.target
    found = _of_request(exchange)
    if response is None:
        return found | NO_ANSWER
    status = response.status
    found |= _BY_STATUS.get(status, SERVER_ERROR if status >= 500 else 0)
    if response.challenges and status not in (401, 407):
        found |= OPEN_CHALLENGE
    if response.location or response.next_page or response.layer_links:
        found |= NAMES_URL
    if response.is_html or (target.endpoint is Endpoint.PING and status not in (200, 401)):
        found |= PAGE
    if response.token is not None or request.token is not None:
        found |= TOKEN
    return found


def _of_request(exchange: Exchange) -> int:
    request, target = exchange.request, exchange.target
    found = WITHHELD if exchange.withheld is not None else 0
    if exchange.origin.scheme == "http":
        found |= PLAIN_HTTP
    if request.token is not None:
        found |= TOKEN
        if request.token.secret:
            found |= CREDENTIAL
    if target.endpoint is Endpoint.ELSEWHERE and request.token is None:
        found |= ELSEWHERE
    elif target.endpoint is Endpoint.V1:
        found |= LEGACY
    if target.mount is not None:
        found |= MOUNT
    if not target.proper:
        found |= IMPROPER_PATH
    if request.credentials:
        found |= CREDENTIAL | _of_credentials(exchange)
    return found


def _of_credentials(exchange: Exchange) -> int:
    sent = exchange.request.credentials
    first = sent[0]
    odd = len(sent) > 1 or first.flaws or first.empty or first.size > 4096 or first.holder is not Holder.ORDINARY
    found = ODD_CREDENTIAL if odd or first.scheme not in ("basic", "bearer") else 0
    return found | (LEGACY if first.scheme == "token" else 0)
