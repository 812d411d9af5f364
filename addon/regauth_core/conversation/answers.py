"""What the status of an answer means: one question each, so that no rule reads a status for itself.

RFC 9110 section 15, RFC 6585. An exchange without an answer is none of these.
"""

from __future__ import annotations

from regauth_core.model import Exchange


def is_given(exchange: Exchange) -> bool:
    """2xx: what was asked for, or that it was done."""
    return 200 <= exchange.status < 300


def leads_on(exchange: Exchange) -> bool:
    """3xx: the client is sent elsewhere."""
    return 300 <= exchange.status < 400


def is_error(exchange: Exchange) -> bool:
    """4xx or 5xx."""
    return exchange.status >= 400


def is_server_error(exchange: Exchange) -> bool:
    """5xx: the server's own trouble."""
    return exchange.status >= 500


def asks_for_login(exchange: Exchange) -> bool:
    """401: a credential is wanted, or another one."""
    return exchange.status == 401


def is_denied(exchange: Exchange) -> bool:
    """403: no credential is asked for."""
    return exchange.status == 403


def is_turned_away(exchange: Exchange) -> bool:
    """401 or 403: for who it is, or for what it may not do."""
    return asks_for_login(exchange) or is_denied(exchange)


def is_bad_request(exchange: Exchange) -> bool:
    """400: the request was not understood, by what the status says."""
    return exchange.status == 400


def is_not_taken(exchange: Exchange) -> bool:
    """400, 401 or 403: what a token server answers to a request that it refuses."""
    return is_bad_request(exchange) or is_turned_away(exchange)


def is_missing(exchange: Exchange) -> bool:
    """404."""
    return exchange.status == 404


def asks_for_proxy_login(exchange: Exchange) -> bool:
    """407: a proxy on the way wants a login."""
    return exchange.status == 407


def is_too_large(exchange: Exchange) -> bool:
    """413, 414 or 431: a body, an address or a header is."""
    return exchange.status in (413, 414, 431)


def is_limited(exchange: Exchange) -> bool:
    """429."""
    return exchange.status == 429
