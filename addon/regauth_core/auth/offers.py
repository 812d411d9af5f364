"""What an answer offers to accept: its Basic and Bearer challenges, reduced to what answering them takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from regauth_core.auth.messages import Received, Scheme
from regauth_core.protocol import challenge
from regauth_core.protocol.scope import Scope, entries

MAX_OFFERS: Final = 8
MAX_SCOPES: Final = 32
"""Entries of one challenge's scope that are asked for."""
MAX_TEXT: Final = 4096
"""Characters of a realm, a service, or a scope."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One challenge that can be answered (RFC 7617 section 2; distribution token specification, "How to authenticate").

    It holds wire text and is never shown.
    """

    scheme: Scheme
    realm: str = field(default="", repr=False)
    service: str | None = field(default=None, repr=False)
    scopes: tuple[Scope, ...] = field(default=(), repr=False)
    """Of Bearer, in order and as spelled; entries without actions ask for nothing and are left out."""
    error: str = field(default="", repr=False)
    """In lower case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """All challenges of one answer."""

    all: tuple[Offer, ...] = ()
    """Those that can be answered, in order."""
    path: str = field(default="/v2/", repr=False)
    """The request that was answered: relative realms start there."""
    is_silent: bool = True
    """No challenge of any scheme could be read."""

    def of(self, scheme: Scheme) -> tuple[Offer, ...]:
        """The challenges of one scheme."""
        return tuple(offer for offer in self.all if offer.scheme is scheme)

    @property
    def schemes(self) -> tuple[Scheme, ...]:
        """The schemes that can be answered, in order."""
        return tuple(dict.fromkeys(offer.scheme for offer in self.all))

    @property
    def lacks_scope(self) -> bool:
        """It says that the token allows too little (RFC 6750 section 3.1)."""
        return any(offer.error == "insufficient_scope" for offer in self.of(Scheme.BEARER))

    def about(self, required: Iterable[Scope]) -> Offers:
        """The same for another request of the same registry, whose scopes are `required`; others are left out."""
        resources = {scope.resource for scope in required}
        kept = tuple(
            replace(offer, error="", scopes=tuple(s for s in offer.scopes if s.opaque or s.resource in resources))
            for offer in self.all
        )
        return replace(self, all=kept)


def offers_of(received: Received, path: str) -> Offers:
    """The challenges of the answer to a request for `path`; never raises."""
    reading = challenge.read(received.values("www-authenticate"))
    found = [_offer(each) for each in reading.challenges]
    supported = [offer for offer in found if offer is not None][:MAX_OFFERS]
    return Offers(all=tuple(supported), path=path, is_silent=not reading.challenges)


def is_refusal(received: Received) -> bool:
    """Whether an answer is to be answered: a 401, or a 403 that asks for a token that allows more."""
    return received.status == 401 or (received.status == 403 and offers_of(received, "/").lacks_scope)


def _offer(raw: challenge.RawChallenge) -> Offer | None:
    if raw.scheme.lower() == Scheme.BASIC:
        return Offer(scheme=Scheme.BASIC)
    if raw.scheme.lower() != Scheme.BEARER:
        return None
    service = raw.parameter("service")
    scopes = entries([(raw.parameter("scope") or "")[:MAX_TEXT]])
    return Offer(
        scheme=Scheme.BEARER,
        # Cut off it would be another place; too long it is none.
        realm=realm if len(realm := raw.parameter("realm") or "") <= MAX_TEXT else "",
        service=service[:MAX_TEXT] if service is not None else None,
        scopes=tuple(scope for scope in scopes if scope.opaque or scope.actions)[:MAX_SCOPES],
        error=(raw.parameter("error") or "")[:64].lower(),
    )
