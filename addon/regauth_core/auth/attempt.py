"""One request of a client on its way through the registry's refusals.

    COLD ── refused ──► CHOOSE: Bearer, then Basic ──► token, from the cache or fetched ──► sent again
                          ▲                                                                    │
                          └── the token was an old one, or more scope is asked for ── refused ─┘

Everything else ends it: the client gets the last answer of the registry.

How it works. An attempt sends nothing. Its methods are generators: they yield what should be sent or waited for
(`Send`, `Lock`) and are resumed with what came of it, so that the same code runs in mitmproxy, in tests and by hand.

`prepare` runs before the request goes out. A request that can be sent again (its body is empty or held) gets only what
is at hand: a token of the cache, a login that this registry has accepted before. It may as well be refused first, as
the distribution token specification has it: the refusal says what is wanted. A request whose body is streamed has
one chance, so the registry is asked first with `GET /v2/`, and a token fetched for what the request needs.

`answer_refusal` runs when the registry has refused. Its loop is the drawing above, and four questions decide each turn:

1. Is there something to answer? A refusal without a challenge is answered by what the registry asked for before at
   this repository, or by what its ping asks for.
2. Was it what we sent that was refused? A token that was refused is removed from the cache. One that came out of
   the cache may simply be old: once more with a fresh one. A fresh one that was refused for lack of scope is asked
   for again with the scope of both. A fresh one refused otherwise ends it, and so does a refused login.
3. May it be sent again? Each request has a budget (`Budget`): so many sends, token fetches and probes, whatever the
   registry answers. No value is sent twice for one request.
4. Whose turn is it? A login that has not been accepted here yet is tried by one request at a time (`LoginTurn`);
   the others wait and use the result. So a wrong password is sent once, not by forty parallel blobs, and locks
   no account.

If the body is gone, a `HEAD` of the same path is sent in its place, only to see whether the credential is accepted. If
it is, the attempt ends with `is_waiting`: the caller may send the client back to the same URL, and prepares its next
request with what was found.

Not certain, and decided as said here:

- Below 400, and 404, count as accepted: registries check rights before they look for what is asked. A few answer 404
  for what one may not see; then a login is taken for proven that is not, which costs one refused request later.
- A guess (what was set before this registry asked this request for anything) that is refused under another scheme
  proves nothing about the login: the loop goes on with the scheme that is asked for now.
- 401 and 403 are read by what they say, not by their numbers (`offers`): registries mix them up.
- A proxy between may answer in the registry's place. It is not recognised here; an answer from another origin is.
- Times are those of the answers (`Budget.now`), not a clock's: a slow answer can make a token look younger than it is,
  by that answer's time.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace

from regauth_core.auth.budget import Budget
from regauth_core.auth.choice import AuthorizedRequest, CredentialChooser, SharedState
from regauth_core.auth.issued_token import grants_less
from regauth_core.auth.messages import (
    Authorization,
    AuthResult,
    Flow,
    Lock,
    Purpose,
    Received,
    Scheme,
    Send,
    Tried,
    Used,
)
from regauth_core.auth.offers import Offers, is_refusal, offers_of
from regauth_core.auth.reasons import StopReason
from regauth_core.auth.registry_memory import LoginTurn, ProbeTurn
from regauth_core.protocol.scope import Scope, covered

_OWN = ("authorization", "proxy-authorization")


class Attempt:
    """The state of one request. `used` is what it has used up of its limits before."""

    def __init__(self, state: SharedState, authorized: AuthorizedRequest, now: float, used: Used) -> None:
        self._memory, self._tokens = state.memory, state.tokens
        self._request, self._required, self._login = authorized.request, authorized.required, authorized.login
        self._budget = Budget(now, used)
        self._choice = CredentialChooser(state, authorized, self._budget)
        self._extra: tuple[Scope, ...] = ()
        """What tokens that did not suffice were asked for."""
        self._answer: Received | None = None
        self._authorization: Authorization | None = None
        self._is_waiting = False
        self.is_body_wanted = True

    def outcome(self) -> AuthResult:
        """What came of it up to now."""
        outcome = self._budget.outcome(self._login.id, self._answer, self._authorization)
        return replace(outcome, is_waiting=self._is_waiting)

    def prepare(self) -> Flow[None]:
        """Find what the request should carry from the start.

        For a request that can be sent again that is only what is at hand: it may as well be refused first, as the
        distribution token specification has it. For any other the registry is asked, and a token fetched.
        """
        offers = self._memory.offers(self._request.origin, self._required)
        if self._can_resend:
            self._authorization = (yield from self._choice.likely(offers)) if offers is not None else None
            return
        offers = offers if offers is not None else (yield from self._probed())
        found = (yield from self._choice.wanted(offers)) if offers is not None else None
        # Of many at once each would try it; a refused one can still be helped, and then they take turns.
        is_early = found is not None and self._is_untried(found) and self._request.is_repeatable
        self._authorization = None if is_early else found

    def answer_refusal(self, refused: Received, sent: Authorization | None) -> Flow[None]:
        """Answer `refused`, the answer to the request with `sent`."""
        if refused.origin not in (None, self._request.origin):
            self._budget.refuse(StopReason.FOREIGN_ANSWER)
            return
        offers = self._read(refused)
        known: Offers | None = offers
        if offers.is_silent:
            known = self._memory.offers(self._request.origin, self._required) or (yield from self._probed())
        if known is None:
            self._budget.refuse(StopReason.NO_CHALLENGE)
            return
        is_guess = True
        while self._goes_on(sent, known, offers, is_guess=is_guess):
            sent = yield from self._choice.wanted(known, self._extra)
            if sent is None:
                return
            if not self._can_resend and not self._is_untried(sent):
                self._wait_for_client(sent)
                return
            reply = yield from self._resent(sent)
            if reply is None:
                return
            if self._can_resend:
                self._answer, self._authorization = reply, sent
            offers = self._read(reply)
            if not is_refusal(reply):
                self._accepted(sent, reply)
                if not self._can_resend and not self._is_untried(sent):
                    self._wait_for_client(sent)
                return
            known, is_guess = offers if offers.all else known, False

    @property
    def _can_resend(self) -> bool:
        return self._request.body is not None

    def _is_untried(self, found: Authorization) -> bool:
        return found.is_direct and not self._choice.is_proven

    def _wait_for_client(self, found: Authorization) -> None:
        self._authorization, self._is_waiting = found, True

    def _read(self, answer: Received) -> Offers:
        offers = offers_of(answer, self._request.path)
        self._memory.note(self._request.origin, self._required.repository, offers)
        return offers

    def _goes_on(self, sent: Authorization | None, known: Offers, offers: Offers, *, is_guess: bool) -> bool:
        """Whether the refusal of `sent` can be answered; what was refused is remembered.

        `offers` are the refusal's own, `known` what is taken for them where it has none. `is_guess`: `sent` was set
        before this registry had asked this request for anything.
        """
        if sent is not None:
            if sent.scheme is Scheme.BEARER:
                self._tokens.evict(_credential(sent))
            asks_otherwise = is_guess and known.all and not known.of(sent.scheme)
            if not asks_otherwise and not self._is_worth_more(sent, offers):
                return False
        can_go_again = self._can_resend or self._request.is_repeatable
        if not (can_go_again and self._budget.may_send):
            self._budget.refuse(StopReason.LIMIT if can_go_again else StopReason.BODY_GONE)
            return False
        return True

    def _is_worth_more(self, sent: Authorization, offers: Offers) -> bool:
        """Whether the same scheme may be tried with another token."""
        budget = self._budget
        if sent.is_direct:
            reason = StopReason.LOGIN_NOT_ALLOWED if self._choice.is_proven else StopReason.CREDENTIALS_REFUSED
            self._memory.refuse(self._login.id, self._request.origin, self._required, reason, budget.now)
            budget.refuse(reason)
            return False
        wanted = [scope for offer in offers.of(Scheme.BEARER) for scope in offer.scopes]
        if offers.lacks_scope and not covered(wanted, sent.scopes):
            self._extra = sent.scopes
            return True
        if not sent.is_fresh:
            return True
        less = offers.lacks_scope or grants_less(_credential(sent), self._required.scopes)
        reason = StopReason.INSUFFICIENT_SCOPE if less else StopReason.TOKEN_REJECTED
        self._memory.refuse_access(self._login.id, self._request.origin, self._required, reason, budget.now)
        budget.refuse(reason)
        return False

    def _accepted(self, sent: Authorization, reply: Received) -> None:
        origin = self._request.origin
        if reply.status < 400 or reply.status == 404:
            self._memory.note_worked(origin, self._required.repository, sent.scheme)
        if not sent.is_direct:
            return
        if reply.status < 400 or reply.status == 404:
            self._memory.prove(self._login.id, origin)
        elif not self._choice.is_proven:
            self._memory.refuse_access(
                self._login.id, origin, self._required, StopReason.TRIED_IN_VAIN, self._budget.now
            )

    def _resent(self, sent: Authorization) -> Flow[Received | None]:
        """The registry's answer to the request with `sent`; `None`, with the reason, where there is none.

        Of what cannot be sent in the client's place, only the head of the answer is asked for.
        """
        budget = self._budget
        if sent.value in budget.values:
            budget.refuse(StopReason.CREDENTIALS_REFUSED)
            return None
        turn: Hashable = None
        if sent.is_direct and not self._choice.is_proven:
            turn = LoginTurn(self._login.id, self._request.origin)
            budget.now = (yield Lock(key=turn)).at
            if self._choice.is_refused():
                return None
            turn = None if self._choice.is_proven else turn
        budget.sends += 1
        budget.values.add(sent.value)
        kept = tuple(pair for pair in self._request.headers if pair[0].lower() not in _OWN)
        answer = yield Send(
            purpose=Purpose.REQUEST,
            method=self._request.method if self._can_resend else "HEAD",
            origin=self._request.origin,
            path=self._request.path,
            headers=(("Authorization", sent.value), *kept),
            body=self._request.body or b"",
            turn=turn,
            is_body_wanted=self.is_body_wanted,
        )
        return self._heard(answer, Purpose.REQUEST, sent.scheme)

    def _probed(self) -> Flow[Offers | None]:
        """What the registry's ping asks of a client without credentials."""
        budget, origin = self._budget, self._request.origin
        if not budget.may_probe:
            return None
        turn = ProbeTurn(origin)
        budget.now = (yield Lock(key=turn)).at
        if not self._memory.was_probed(origin, budget.now):
            budget.probes += 1
            answer = yield Send(
                purpose=Purpose.PROBE, method="GET", origin=origin, path="/v2/", turn=turn, is_body_wanted=False
            )
            self._memory.note_probe(origin, answer.at)
            heard = self._heard(answer, Purpose.PROBE, None)
            # Some registries say what they want with a 200, too.
            if heard is not None and heard.status in (200, 401):
                self._memory.note(origin, None, offers_of(heard, "/v2/"))
        return self._memory.offers(origin, self._required)

    def _heard(self, answer: Received, purpose: Purpose, scheme: Scheme | None) -> Received | None:
        budget, origin = self._budget, self._request.origin
        budget.now = answer.at
        budget.tried.append(Tried(purpose=purpose, origin=origin, scheme=scheme, status=answer.status))
        if answer.status == 0:
            budget.refuse(StopReason.UNREACHABLE)
        elif answer.origin is not None and answer.origin != origin:
            budget.refuse(StopReason.FOREIGN_ANSWER)
        else:
            return answer
        return None


def _credential(sent: Authorization) -> str:
    return sent.value.partition(" ")[2]
