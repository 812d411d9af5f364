"""The diagnosis of a stream of exchanges: who talks with whom, which rule sees what, and when a conversation is over.

One pass in (roughly) the order of request time, a bounded amount of state, and no clock of its own: the time is what
the exchanges say, or what `Diagnoser.tick` is told.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from regauth_core.conversation.conversation import ClientState, Conversation, EndedBy
from regauth_core.conversation.tracking import Tracker
from regauth_core.diagnosis.accounts import MOST_PENDING, Accounts, ends, weighed
from regauth_core.diagnosis.refutable import Refutable
from regauth_core.diagnosis.verdicts import Verdicts
from regauth_core.model import Exchange, Sender
from regauth_core.model.finding import Diagnosis, Finding, Proof, TakenBack, Undecided
from regauth_core.model.journal import Ending
from regauth_core.rules import at_once, last, when_over

_OVER = {
    Ending.GONE: EndedBy.GONE,
    Ending.CLEAN: EndedBy.CLEAN,
    Ending.CUT: EndedBy.CUT,
    Ending.STOPPED: EndedBy.STOPPED,
}


class Diagnoser:
    """Takes exchanges as they come and says what they show."""

    def __init__(self, *, quiet_time: float = 30.0, credentials_known: bool = False) -> None:
        """`quiet_time` in seconds; `credentials_known`: the operator says that the clients hold credentials."""
        self._quiet = quiet_time
        self._tracker = Tracker(credentials_known=credentials_known)
        self._verdicts = Verdicts()
        self._accounts = Accounts()
        self._refutable = Refutable()
        self._taken_back: list[TakenBack] = []
        self._due: list[tuple[float, int, Conversation]] = []
        self._count = 0
        self._order = 0

    def begin(self, sender: Sender, at: float) -> None:
        """Live only: `sender` began a request at `at` whose exchange will be handed to `add` later."""
        self._tracker.client_state(sender).in_flight += 1

    def add(self, exchange: Exchange) -> tuple[Finding, ...]:
        """Take one exchange; give the findings that are certain now."""
        self._count += 1
        certain = list(self.tick(exchange.started))
        placed = self._tracker.add(exchange)
        self._refute([conversation for conversation, _, _ in placed], exchange)
        for conversation, signs, is_new in placed:
            if is_new:
                self._order += 1
                heapq.heappush(self._due, (conversation.last + self._quiet, self._order, conversation))
            matches = [(rule, match) for rule in at_once(signs) for match in rule.matches(conversation)]
            told = self._verdicts.chosen(conversation, matches)
            self._accounts.explain(told)
            certain += self._verdicts.take(conversation, told)
        return tuple(certain)

    def taken_back(self) -> tuple[TakenBack, ...]:
        """The findings that were taken back since this was called last."""
        found, self._taken_back = tuple(self._taken_back), []
        return found

    def end(self, sender: Sender) -> None:
        """Live only: the request that `begin` announced has ended, with or without an exchange for `add`."""
        client_state = self._tracker.client_state(sender)
        client_state.in_flight = max(0, client_state.in_flight - 1)

    def tick(self, now: float) -> tuple[Finding, ...]:
        """Tell the time; give the findings that have become certain by the passing of it."""
        certain: list[Finding] = []
        while self._due and self._due[0][0] < now:
            _, order, conversation = heapq.heappop(self._due)
            if self._tracker.is_closed(conversation):
                continue
            deadline = conversation.last + self._quiet
            if conversation.client_state.in_flight:
                deadline = max(deadline, now + 1.0)
            if deadline >= now:
                heapq.heappush(self._due, (deadline, order, conversation))
            else:
                certain += self._close([conversation], EndedBy.QUIET)
        return tuple(certain)

    def gone(self, sender: Sender) -> tuple[Finding, ...]:
        """The client behind `sender` has ended (its process is gone); give what is certain now."""
        client_state = self._tracker.client_state(sender)
        return tuple(self._close(self._tracker.open_of(client_state), EndedBy.GONE))

    def prove(self, proof: Proof) -> None:
        """Take what came of sending a refused exchange as a correct client would have sent it."""
        self._verdicts.prove(proof)

    def is_provable(self, finding: Finding) -> bool:
        """Whether such a proof would say more about `finding`, and there is none yet."""
        return self._verdicts.is_provable(finding)

    def client_of(self, sender: Sender) -> str:
        """The identifier of the client behind `sender`, such as ``c1``."""
        return self._tracker.client_state(sender).identifier

    def client_of_exchange(self, exchange: Exchange) -> str:
        """The client to which an exchange was attributed; the sender's where it was not added yet."""
        return self._tracker.client_of(exchange)

    def finish(self, ending: Ending) -> Diagnosis:
        """Nothing more comes; give everything: all findings so far and what stays undecided."""
        self._close(self._tracker.open(), _OVER[ending])
        return Diagnosis(
            clients=self._tracker.trace_state.clients.all(),
            exchanges=self._count,
            findings=self.findings,
            undecided=self.undecided,
            notes=(),
            operations=self._accounts.operations,
            operations_left_out=self._accounts.left_out,
        )

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings so far, in the order of their first exchange."""
        return self._verdicts.findings

    @property
    def undecided(self) -> tuple[Undecided, ...]:
        """All that stays undecided so far."""
        return self._verdicts.undecided

    def _refute(self, placed: Sequence[Conversation], exchange: Exchange) -> None:
        for conversation, wrong in self._refutable.refuted(placed, exchange):
            for rule, match in wrong:
                found = self._verdicts.take_back(conversation, rule, match, exchange)
                if found is not None:
                    self._accounts.take_back(conversation, rule, match)
                    self._taken_back.append(found)
        for conversation in self._refutable.dropped():
            self._release(conversation)

    def _close(self, conversations: Sequence[Conversation], over: EndedBy) -> list[Finding]:
        certain: list[Finding] = []
        for conversation in conversations:
            conversation.end(over)
            ended = ends(conversation)
            rules = when_over(conversation.signs)
            matches = [(rule, weighed(rule, match, ended)) for rule in rules for match in rule.matches(conversation)]
            told = self._verdicts.chosen(conversation, matches)
            self._accounts.close(conversation, ended, told)
            self._refutable.keep(conversation, told)
            certain += self._verdicts.take(conversation, told)
            if self._accounts.is_full(conversation.client_state):
                certain += self._explain_unaccounted(conversation.client_state, keep=MOST_PENDING // 2)
        client_states = {id(c.client_state): c.client_state for c in conversations}
        for conversation in conversations:
            self._tracker.close(conversation)
        for client_state in client_states.values():
            if not client_state.open:
                certain += self._explain_unaccounted(client_state)
        for conversation in conversations:
            self._release(conversation)
        return certain

    def _explain_unaccounted(self, client_state: ClientState, keep: int = 0) -> list[Finding]:
        """The client has no conversation left, or too many failures: account for what nothing explains."""
        certain: list[Finding] = []
        for conversation, unaccounted in self._accounts.take_unaccounted(client_state, keep):
            if unaccounted:
                conversation.unaccounted = unaccounted
                rule = last()
                matches = [(rule, match) for match in rule.matches(conversation)]
                told = self._verdicts.chosen(conversation, matches)
                self._refutable.keep(conversation, told)
                certain += self._verdicts.take(conversation, told)
            self._release(conversation)
        return certain

    def _release(self, conversation: Conversation) -> None:
        is_needed = self._accounts.waits_for(conversation) or self._refutable.holds(conversation)
        if self._tracker.is_closed(conversation) and not is_needed:
            conversation.release()
