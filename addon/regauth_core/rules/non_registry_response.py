"""The answer comes from a login page, a filter or a proxy, not from the registry.

Fires when: a request below `/v2/` is redirected to a login page, or answered by an HTML page with 200, 403 or 5xx, and
the client never gets from the registry what it asked for.

What to do: exclude the registry's paths and its token server from the single sign-on or filter; a client should report
the content type instead of accepting a page as an answer.

Silent when: a blob is redirected to a storage; the registry's version header is missing and nothing else; errors are
JSON; a later attempt succeeds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import present
from regauth_core.conversation.exchanges import link_address, realm_key
from regauth_core.conversation.recovery import is_foreign, is_needless, is_sound, is_told_by_repositories
from regauth_core.conversation.undecided import why_undecided_afterwards
from regauth_core.model import Endpoint, Exchange, Link
from regauth_core.model.finding import Fault, Severity
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page, rfc
from regauth_core.rules.wording import reference_of, where

RULE = Header(
    name="non-registry-response",
    family=Family.REGISTRY,
    severity=Severity.ERROR,
    fault=Fault.PROXY,
    level=Level.MUST,
    references=(page("oci", "Determining Support"), rfc(9110, "15.5.2")),
    seen=("Joxit/docker-registry-ui#415", "containers/skopeo#1300"),
    signs=signs.PAGE | signs.NAMES_URL,
)

_WORDS = re.compile(r"[a-z0-9]+")
_LOGIN_PATHS = frozenset(
    {"adfs", "authorize", "cas", "idp", "login", "oauth", "oauth2", "openid", "saml", "saml2", "signin", "sign", "sso"}
)
_LOGIN_HOSTS = frozenset({"accounts", "adfs", "auth", "cas", "idp", "login", "signin", "sso"})


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match with every answer that did not come from the registry."""
    strange = [e for e in conversation.requests if _is_strange(e) and not is_foreign(conversation, e)]
    strange = [e for e in strange if not is_needless(conversation, e)]
    if not strange or _got_through(conversation, strange[0]) or is_told_by_repositories(conversation, strange):
        return
    ping = conversation.ping_before(strange[0])
    first = [ping] if ping is not None and ping not in strange and _is_strange(ping) else []
    yield _match(conversation, [*first, *strange])


def _is_strange(exchange: Exchange) -> bool:
    response = exchange.response
    if response is None or exchange.target.endpoint is Endpoint.V1:
        return False
    if response.location is not None and 300 <= response.status < 400:
        return _is_login(response.location, exchange)
    paged = response.status in (200, 403) or response.status >= 500
    # A blob may be a page itself.
    is_blob = exchange.target.endpoint is Endpoint.BLOB and response.status == 200
    return response.is_html and paged and not is_blob


def _is_login(link: Link, exchange: Exchange) -> bool:
    if link.origin is None:
        return False
    path = set(_WORDS.findall(link.path.lower()))
    host = set(_WORDS.findall(link.origin.host)) if link.origin.host != exchange.origin.host else set()
    return bool(path & _LOGIN_PATHS or (host & _LOGIN_HOSTS and exchange.target.endpoint is not Endpoint.BLOB))


def _got_through(conversation: Conversation, strange: Exchange) -> bool:
    return any(e.started >= strange.started and is_sound(e) and not _is_strange(e) for e in conversation.requests)


def _match(conversation: Conversation, strange: list[Exchange]) -> Match:
    first = strange[0]
    link = first.response.location if first.response else None
    there = {link_address(e.response.location) for e in strange if e.response and e.response.location}
    followed = [e for e in conversation.steps if realm_key(e) in there]
    what = (
        f"redirected to {link.text.partition('?')[0]}, which is a login page"
        if link is not None
        else f"answered {first.status} with an HTML page"
    )
    words = first.response.text if first.response else None
    quoted = f' It begins: "{words[:120]}".' if words else ""
    return Match(
        exchanges=present(*strange, *followed),
        title=f"the answer for {reference_of(conversation)} is not a registry's",
        explanation=f"{where(first)} was {what} ({first.number}); a registry answers in JSON.{quoted}",
        client_author=(
            f"Do not accept a page as a registry's answer: show status {first.status} and content type of"
            f" {where(first)}."
        ),
        user=(
            f"Try again later; if it stays, ask the operator of {first.origin.authority}: the page comes from a proxy"
            " that did not reach the registry."
            if first.status >= 500
            else f"Ask the operator of {first.origin.authority} to exclude /v2/ and the token path from single sign-on"
            " and filters."
        ),
        because="the answer and the end of the conversation are in the capture",
        undecided=why_undecided_afterwards(conversation, first),
    )
