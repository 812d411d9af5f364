"""A storage turned down a URL that the registry had signed; the login has nothing to do with it.

Fires when: a redirect led to a signed URL, which gives 400 or 403 although no `Authorization` was sent there, and no
fresh redirect brings the client further.

Causes: expired (the URL's time was over, or the answer says so), method-differs (it was got by HEAD and used for GET,
which is the client's fault), otherwise none.

What to do: raise the life of signed URLs, or download with less parallelism; a client should ask the registry for a
new redirect instead of giving up.

Silent when: a new redirect works; a credential was sent along, which is authorization-sent-cross-origin.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.answers import is_bad_request, is_denied
from regauth_core.conversation.conversation import Conversation, NamedUrl
from regauth_core.conversation.evidence import is_served_elsewhere
from regauth_core.conversation.exchanges import realm_key, succeeded
from regauth_core.conversation.refusal import states
from regauth_core.model import Exchange
from regauth_core.model.finding import Confidence, Fault, Severity
from regauth_core.model.stated_reasons import StatedReason
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page
from regauth_core.rules.wording import numbers, where

RULE = Header(
    name="presigned-url-refused",
    family=Family.PROXY,
    severity=Severity.WARNING,
    fault=Fault.REGISTRY,
    level=Level.INFO,
    references=(page("api", "Pulling a Layer"),),
    seen=("distribution/distribution#4175", "quay/clair#1264"),
    signs=signs.ELSEWHERE,
)


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match for each redirect whose target was refused for good."""
    found: dict[int, tuple[NamedUrl, list[Exchange]]] = {}
    for exchange in conversation.elsewhere:
        naming = _signed(conversation, exchange)
        if naming is not None and not _gets_it(conversation, exchange, naming):
            found.setdefault(naming.exchange.number, (naming, []))[1].append(exchange)
    for naming, refused in found.values():
        yield _match(naming, refused)


def _signed(conversation: Conversation, exchange: Exchange) -> NamedUrl | None:
    if not (is_bad_request(exchange) or is_denied(exchange)) or exchange.request.credentials:
        return None
    naming = conversation.client_state.named.get(realm_key(exchange))
    return naming if naming is not None and naming.link.signed is not None and naming.how == "redirect" else None


def _gets_it(conversation: Conversation, refused: Exchange, naming: NamedUrl) -> bool:
    later = [e for e in conversation.steps if e.started > refused.started and succeeded(e)]
    key = realm_key(refused)
    if is_served_elsewhere(conversation, naming.exchange):
        return True
    return any(e in later for e in conversation.repeats_of(naming.exchange)) or any(realm_key(e) == key for e in later)


def _match(naming: NamedUrl, refused: list[Exchange]) -> Match:
    first = refused[0]
    cause = _cause(naming, first)
    host = first.origin.authority
    registry = naming.exchange.origin.authority
    advice = {
        "expired": f"Raise the time for which {registry} signs URLs of {host}.",
        "method-differs": "Use another version of the client; the registry and the login are not at fault.",
    }
    return Match(
        exchanges=(naming.exchange, *refused),
        fault=Fault.CLIENT if cause == "method-differs" else None,
        cause=cause,
        title=f"the storage {host} refused a URL that {registry} had signed",
        explanation=(
            f"{registry} redirected to {host} ({naming.exchange.number}); {where(first)} was answered {first.status}"
            f" ({numbers(refused)}). {registry} had let the client in: the signature in the URL is what was refused."
        ),
        client_author=(
            f"When {host} refuses, let {registry} sign again, and use a signed URL only for the method that got it."
        ),
        user=advice.get(
            cause or "", f"Let the operator of {registry} look at its storage, {host}: the login is not in question."
        ),
        confidence=Confidence.HIGH if cause else Confidence.MEDIUM,
        because="the redirect and the refusal are in the capture"
        if cause
        else "the answer does not say why it refuses",
    )


def _cause(naming: NamedUrl, refused: Exchange) -> str | None:
    ends = naming.link.signed.ends if naming.link.signed else None
    now = refused.response.date if refused.response and refused.response.date is not None else refused.started
    if states(refused, StatedReason.EXPIRED) or (ends is not None and now > ends):
        return "expired"
    if naming.exchange.request.method == "HEAD" and refused.request.method == "GET":
        return "method-differs"
    return None
