"""Which credential answers a registry's challenges: a token before a password, one that is held before a new one."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from regauth_core.auth.budget import Budget
from regauth_core.auth.messages import Authorization, ClientRequest, Flow, Lock, Scheme
from regauth_core.auth.offers import Offer, Offers
from regauth_core.auth.reasons import StopReason
from regauth_core.auth.registry_memory import LoginTurn, RegistryMemory
from regauth_core.auth.required_access import RequiredAccess
from regauth_core.auth.settings import AuthSettings
from regauth_core.auth.token_cache import Audience, TokenCache, TokenKey
from regauth_core.auth.token_fetch import TokenFetch
from regauth_core.auth.token_request import TokenOrder
from regauth_core.auth.trust import Trust, TrustDecision
from regauth_core.credentials.login import Login
from regauth_core.protocol.scope import Scope, merged


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedState:
    """What all requests share."""

    trust: Trust
    settings: AuthSettings
    tokens: TokenCache
    memory: RegistryMemory


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizedRequest:
    """A request that may have a credential, and whose."""

    request: ClientRequest
    required: RequiredAccess
    login: Login


class CredentialChooser:
    """Finds credentials for one errand."""

    def __init__(self, state: SharedState, authorized: AuthorizedRequest, budget: Budget) -> None:
        self._state = state
        self._request, self._required, self._login = authorized.request, authorized.required, authorized.login
        self._budget = budget

    def likely(self, offers: Offers) -> Flow[Authorization | None]:
        """What is probably wanted, `offers` being of another time, and costs nothing; yields nothing."""
        worked = self._state.memory.worked(self._request.origin, self._required.repository)
        return (yield from self._first(offers, worked, is_sure=False, extra=()))

    def wanted(self, offers: Offers, extra: tuple[Scope, ...] = ()) -> Flow[Authorization | None]:
        """What answers `offers`; a token is fetched for its scopes, the request's and `extra` together."""
        return (yield from self._first(offers, None, is_sure=True, extra=extra))

    @property
    def is_proven(self) -> bool:
        """The login is known to be right."""
        return self._state.memory.is_proven(self._login.id, self._request.origin)

    def is_refused(self) -> bool:
        """Whether the login was refused a moment ago; then the reasons say so."""
        reason = self._state.memory.refusal(self._login.id, self._request.origin, self._required, self._budget.now)
        if reason is not None and reason not in self._budget.reasons:
            self._budget.refuse(reason, StopReason.RECENTLY_REFUSED)
        return reason is not None

    def _first(
        self, offers: Offers, worked: Scheme | None, *, is_sure: bool, extra: tuple[Scope, ...]
    ) -> Flow[Authorization | None]:
        self._budget.offered = offers.schemes
        if not offers.all:
            self._budget.refuse(StopReason.UNSUPPORTED_SCHEME)
        for scheme in sorted(offers.schemes, key=lambda each: (each is not worked, each is not Scheme.BEARER)):
            if self.is_refused():
                break
            if scheme is Scheme.BASIC:
                found = self._basic(is_sure=is_sure)
            else:
                found = yield from self._bearer(offers, is_sure=is_sure, extra=extra)
            if found is not None:
                return found
        return None

    def _basic(self, *, is_sure: bool) -> Authorization | None:
        if not self._login.has_pair:
            self._note_unfit()
            return None
        return self._direct(Scheme.BASIC, self._login.basic(), is_sure=is_sure)

    def _direct(self, scheme: Scheme, value: str, *, is_sure: bool) -> Authorization | None:
        # Of many requests at once with a wrong password, each would try it; those that are answered take turns.
        if not (is_sure or self.is_proven):
            return None
        return Authorization(scheme=scheme, value=value, is_direct=True)

    def _note_unfit(self) -> None:
        # What was tried first tells more.
        if not self._budget.reasons:
            self._budget.refuse(StopReason.LOGIN_DOES_NOT_FIT)

    def _bearer(self, offers: Offers, *, is_sure: bool, extra: tuple[Scope, ...]) -> Flow[Authorization | None]:
        if self._login.registry_token:
            return self._direct(Scheme.BEARER, f"Bearer {self._login.registry_token}", is_sure=is_sure)
        if self._login.is_anonymous and not self._state.settings.anonymous:
            self._note_unfit()
            return None
        for offer in offers.of(Scheme.BEARER):
            realm = self._state.trust.realm(offer.realm, registry=self._request.origin, path=offers.path)
            if realm.reason is not None:
                self._budget.refuse(realm.reason)
            elif is_sure:
                return (yield from self._token(offer, realm, extra))
            else:
                return self._held(self._audience(offer, realm), self._required.scopes)
        return None

    def _audience(self, offer: Offer, realm: TrustDecision) -> Audience:
        return Audience(
            registry=self._request.origin,
            realm=realm.url,
            service=offer.service,
            login=self._login.id,
            client="" if self._state.settings.shared else self._request.client,
        )

    def _held(self, audience: Audience, required: tuple[Scope, ...]) -> Authorization | None:
        """A token of the cache that this request has not tried."""
        # The last sending that is left is for a fresh token.
        if self._budget.is_last_send:
            return None
        held = self._state.tokens.find(audience, required, self._budget.now)
        if held is None or (value := f"Bearer {held.token}") in self._budget.values:
            return None
        return Authorization(scheme=Scheme.BEARER, value=value, scopes=held.scopes)

    def _token(self, offer: Offer, realm: TrustDecision, extra: tuple[Scope, ...]) -> Flow[Authorization | None]:
        audience = self._audience(offer, realm)
        scopes = merged([*offer.scopes, *extra, *self._required.wish])
        key = TokenKey(audience, frozenset(scopes))
        found = self._held(audience, scopes)
        if found is not None or not self._may_fetch(key):
            return found
        is_safe = self.is_proven or self._login.is_anonymous
        turn: Hashable = key if is_safe else LoginTurn(self._login.id, self._request.origin)
        self._budget.now = (yield Lock(key=turn)).at
        # Whoever had the turn before may have got the token, or have been refused.
        found = self._held(audience, scopes)
        if found is not None or self.is_refused() or not self._may_fetch(key):
            return found
        return (
            yield from self._fetched(
                TokenOrder(
                    key=key,
                    realm=realm,
                    scopes=scopes,
                    named=offer.scopes,
                    login=self._login,
                    settings=self._state.settings,
                    refresh_token=self._state.tokens.refresh_token(audience),
                    turn=turn,
                )
            )
        )

    def _may_fetch(self, key: TokenKey) -> bool:
        failure = self._state.tokens.failure(key, self._budget.now)
        if failure is not None:
            self._budget.refuse(failure)
        elif not self._budget.may_fetch(key):
            self._budget.refuse(StopReason.LIMIT)
        else:
            return True
        return False

    def _fetched(self, order: TokenOrder) -> Flow[Authorization | None]:
        tokens, budget = self._state.tokens, self._budget
        budget.fetches += 1
        budget.keys.add(order.key)
        exchange = TokenFetch(order, self._state.trust)
        issued = yield from exchange.fetch()
        budget.now = exchange.at
        budget.tried += exchange.tried
        budget.notes += exchange.notes
        if exchange.is_refresh_refused:
            tokens.keep_refresh_token(order.key.audience, None)
        if issued is None:
            self._note_failure(order, exchange)
            return None
        if exchange.is_secret_accepted:
            self._state.memory.prove(self._login.id, self._request.origin)
        if issued.refresh_token is not None:
            tokens.keep_refresh_token(order.key.audience, issued.refresh_token)
        value = f"Bearer {issued.token}"
        if value in budget.values:
            budget.refuse(StopReason.TOKEN_REPEATED)
            return None
        tokens.keep(order.key, order.scopes, issued)
        return Authorization(scheme=Scheme.BEARER, value=value, scopes=order.scopes, is_fresh=True)

    def _note_failure(self, order: TokenOrder, exchange: TokenFetch) -> None:
        reason = exchange.reason or StopReason.TOKEN_SERVER_FAILED
        if exchange.is_secret_refused:
            # A secret that works elsewhere is not wrong: it is what was asked for that was refused.
            refused = StopReason.TOKEN_REFUSED if self.is_proven else StopReason.TOKEN_CREDENTIALS_REFUSED
            self._state.memory.refuse(self._login.id, self._request.origin, self._required, refused, self._budget.now)
            reason = refused
        self._budget.refuse(reason)
        self._state.tokens.fail(order.key, reason, self._budget.now)
