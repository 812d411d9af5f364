"""An https answer of the registry names its own host with an http URL.

Fires when: an https answer names, as realm, `Location` or next page, an http URL of the same host or domain, and the
client goes there or gives up because of it.

Severity: error where what follows fails or the client stops; warning where the client corrects the URL to https, or
follows it and succeeds.

Causes: realm, location (of an upload), link (to a next page), redirect.

What to do: report it to the operator: the reverse proxy must pass on the scheme and host that the client used, or the
registry needs its external URL in its settings; a client should never go from https to http.

Silent when: https was never used; the URL is not used and nothing depends on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from regauth_core.conversation import signs
from regauth_core.conversation.answers import is_turned_away
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import continued_after, present
from regauth_core.conversation.exchanges import realm_key, succeeded
from regauth_core.conversation.undecided import why_undecided
from regauth_core.model import Endpoint, Exchange, Link
from regauth_core.model.finding import Confidence, Fault, Severity
from regauth_core.protocol.registries import registrable_domain
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page, rfc
from regauth_core.rules.wording import subject, where

RULE = Header(
    name="https-downgrade",
    family=Family.LEAK,
    severity=Severity.ERROR,
    fault=Fault.CONFIGURATION,
    level=Level.SHOULD,
    references=(rfc(9110, "17.16.1"), page("oci", "Pushing a blob")),
    seen=(
        "goharbor/harbor#3114",
        "goharbor/harbor#19787",
        "distribution/distribution#1177",
        "moby/moby#43159",
        "artifact-keeper/artifact-keeper PR#316",
    ),
    signs=signs.NAMES_URL | signs.REFUSED,
    counts_anyway=True,
)


_SCHEME = "Let the reverse proxy of {host} send X-Forwarded-Proto and Host to the registry, or set the registry's"
_ADVICE = {
    "realm": (
        "Set the realm to https where {host} or its proxy has it as a setting; else let the reverse proxy send"
        " X-Forwarded-Proto and Host to the registry",
        "Do not send a login to an http realm that {host} names over https; report the realm.",
    ),
    "location": (
        f"{_SCHEME} external URL to https",
        "Do not leave https for the Location of an upload once it was used with {host}.",
    ),
    "link": (
        f"{_SCHEME} external URL to https, since its lists name their next page with http",
        "Take the path and the query of a next page from its link, and stay with https at {host}.",
    ),
    "redirect": (
        "Look for the redirect to http in the settings of {host} and of the proxy in front of it; a registry that"
        " makes it needs X-Forwarded-Proto and Host from that proxy",
        "Do not follow a redirect of {host} from https to http; report its URL.",
    ),
}
"""What its operator can do, without the full stop, and what the client's author can, by cause."""


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match for the first http URL of each kind that had a consequence."""
    seen: set[str] = set()
    for exchange in conversation.context:
        for cause, link in _downgrades(exchange):
            if cause not in seen and (match := _match(conversation, exchange, cause, link)) is not None:
                seen.add(cause)
                yield match


def _downgrades(exchange: Exchange) -> Iterator[tuple[str, Link]]:
    response = exchange.response
    if response is None or exchange.origin.scheme != "https":
        return
    named = [("realm", c.realm_link) for c in response.challenges if c.realm_link is not None]
    how = "redirect" if 300 <= response.status < 400 else "location"
    for cause, link in (*named, (how, response.location), ("link", response.next_page)):
        if link is None or link.origin is None or link.origin.scheme != "http":
            continue
        if registrable_domain(link.origin.host) == registrable_domain(exchange.origin.host):
            yield cause, link


def _match(conversation: Conversation, exchange: Exchange, cause: str, link: Link) -> Match | None:
    later = [e for e in conversation.steps if e.started >= exchange.started and e is not exchange]
    followed = next((e for e in later if _is_at(e, link)), None)
    corrected = next((e for e in later if _is_corrected(e, link)), None)
    ended = not later and exchange in conversation.steps and cause != "link"
    stopped = ended and not _is_excused(conversation, exchange)
    if followed is None and corrected is None and not stopped:
        return None
    next_step = followed or corrected
    what = (
        f"the client followed it with {where(followed)} ({followed.number}, answered {followed.status or 'not at all'})"
        if followed is not None
        else f"the client asked it over https instead ({corrected.number})"
        if corrected is not None
        else "the client stopped there"
    )
    host = exchange.origin.authority
    user, author = (text.format(host=host) for text in _ADVICE[cause])
    return Match(
        exchanges=present(exchange, next_step),
        severity=_severity(conversation, exchange, followed, corrected),
        cause=cause,
        title=f"{host} answers an https request with an http URL of itself",
        explanation=(
            f"The answer to {where(exchange)} ({exchange.number}) names {link.text.partition('?')[0]} as its {cause},"
            f" and {what}."
        ),
        client_author=author,
        user=f"{user}; then try {subject(conversation)} again.",
        confidence=Confidence.HIGH if next_step is not None else Confidence.MEDIUM,
        because=(
            "the URL and what the client did with it are in the capture"
            if next_step is not None
            else "the client stopped right after that answer, and may have had another reason"
        ),
        undecided=why_undecided(conversation, exchange) if next_step is None else None,
    )


def _is_at(exchange: Exchange, link: Link) -> bool:
    return exchange.origin == link.origin and realm_key(exchange).path == link.path


def _is_corrected(exchange: Exchange, link: Link) -> bool:
    origin = link.origin
    return (
        origin is not None
        and exchange.origin.scheme == "https"
        and exchange.origin.host == origin.host
        and realm_key(exchange).path == link.path
    )


def _is_excused(conversation: Conversation, exchange: Exchange) -> bool:
    """Whether the client stopped for another reason: an open ping misled it, or it went on elsewhere."""
    ping = conversation.ping_before(exchange)
    misled = exchange.target.endpoint is not Endpoint.PING and ping is not None and succeeded(ping)
    return misled or continued_after(conversation, exchange) or bool(conversation.responses_to(exchange))


def _severity(
    conversation: Conversation, exchange: Exchange, followed: Exchange | None, corrected: Exchange | None
) -> Severity:
    success = continued_after(conversation, exchange)
    if followed is not None and not succeeded(followed) and not success:
        reachable = conversation.is_token_exchange(followed) and is_turned_away(followed)
        return Severity.INFO if reachable else Severity.ERROR
    if followed is None and corrected is None:
        return Severity.ERROR
    # Where something else fails afterwards, that is what to report.
    return Severity.WARNING if success else Severity.INFO
