"""Who accounts for what failed: the finding of a rule, an undecided case, or, where there is neither, the last rule.

Operations are put together when a conversation is over. Whether a failure has an account is decided when its client
has nothing more to say anywhere: until then another conversation may explain it, or get over it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from regauth_core.bounded import Bounded
from regauth_core.conversation.conversation import ClientState, Conversation
from regauth_core.conversation.operations import OperationBuilder, attempts, end_of
from regauth_core.conversation.refusal import place_of, reasons_of, sent_with, was_served
from regauth_core.model import Exchange
from regauth_core.model.finding import End, Operation, Severity
from regauth_core.model.stated_reasons import EXPLAINING
from regauth_core.rules.base import Match, Rule

MOST_OPERATIONS = 500
"""Failures that are listed, and others that are listed."""
MOST_PENDING = 128
"""Failures of one client that wait for their account."""
_MOST_NUMBERS = 100


@dataclass(frozen=True, slots=True)
class _Failure:
    conversation: Conversation
    attempt: OperationBuilder
    siblings: tuple[OperationBuilder, ...]
    end: End


def ends(conversation: Conversation) -> tuple[tuple[OperationBuilder, End], ...]:
    """The operations of a conversation that is over, and how each of them ended."""
    found = tuple(attempts(conversation))
    return tuple((attempt, end_of(conversation, attempt, found)) for attempt in found)


def weighed(rule: Rule, match: Match, ended: Sequence[tuple[OperationBuilder, End]]) -> Match:
    """`match`; an info where it is about failures that the client got over, every one."""
    if rule.stands_alone or rule.counts_anyway or not rule.accounts or match.undecided is not None:
        return match
    failed = {e.number for e in match.exchanges if not was_served(e)}
    about = [end for attempt, end in ended if any(e.number in failed for e in attempt.exchanges)]
    is_overcome = bool(about) and all(end in (End.SUCCEEDED, End.NEEDLESS) for end in about)
    return replace(match, severity=Severity.INFO) if is_overcome else match


class Accounts:
    """The failures of a trace, each with what explains it."""

    def __init__(self) -> None:
        self._explained: Bounded[int, str] = Bounded(20_000)
        """The number of an exchange to the rule whose finding has it as evidence."""
        self._pending: dict[str, deque[_Failure]] = {}
        self._failures: list[Operation] = []
        self._others: list[Operation] = []
        self._left_out = 0

    @property
    def operations(self) -> tuple[Operation, ...]:
        """What the clients wanted, as it came to its end."""
        both = [*self._failures, *self._others]
        return tuple(sorted(both, key=lambda o: o.exchanges[:1]))

    @property
    def left_out(self) -> int:
        """How many operations are not listed."""
        return self._left_out

    def close(
        self,
        conversation: Conversation,
        ended: Sequence[tuple[OperationBuilder, End]],
        told: Sequence[tuple[Rule, Match]],
    ) -> None:
        """A conversation is over, its operations `ended` like this, and this is said about it."""
        found = tuple(attempt for attempt, _ in ended)
        failures = []
        for attempt, end in ended:
            if end.is_failure:
                failures.append(_Failure(conversation, attempt, found, end))
            else:
                self._list(self._others, _operation(conversation, attempt, end, None))
        self.explain(told, failures)
        waiting = self._pending.setdefault(conversation.client_state.identifier, deque())
        waiting.extend(failures)

    def explain(self, told: Sequence[tuple[Rule, Match]], failures: Sequence[_Failure] = ()) -> None:
        """Take what is said; a weighty finding accounts for the failures that look like its evidence as well."""
        for rule, match in told:
            if not rule.accounts:
                continue
            numbers = {e.number for e in match.exchanges}
            for number in numbers:
                self._note(number, rule)
            severity = match.severity or rule.severity
            if rule.stands_alone or severity is Severity.INFO:
                continue
            deciding = [(f, f.attempt.deciding(f.conversation)) for f in failures]
            kinds = {_kind(f.conversation, e) for f, e in deciding if e.number in numbers}
            for failure, exchange in deciding:
                if _kind(failure.conversation, exchange) in kinds or _is_root_of(numbers, failure, exchange):
                    self._note(exchange.number, rule)

    def _note(self, number: int, rule: Rule) -> None:
        if number not in self._explained:
            self._explained[number] = rule.name

    def take_back(self, conversation: Conversation, rule: Rule, match: Match) -> None:
        """What a match had said is wrong: the failures that it accounted for were none, and what came later tells."""
        numbers = {e.number for e in match.exchanges}
        for number in numbers:
            self._explained.pop(number, None)
        client = conversation.client_state.identifier
        waiting = self._pending.get(client, deque())
        kept = [f for f in waiting if not (f.conversation is conversation and _is_of(numbers, f))]
        waiting.clear()
        waiting.extend(kept)
        self._failures = [
            o
            for o in self._failures
            if not (o.client == client and o.account == rule.name and numbers.intersection(o.exchanges))
        ]

    def is_full(self, client_state: ClientState) -> bool:
        """Whether too many failures of the client wait: the older ones have to be taken before it is gone."""
        return len(self._pending.get(client_state.identifier, ())) > MOST_PENDING

    def waits_for(self, conversation: Conversation) -> bool:
        """Whether a failure of the conversation waits for its account: its exchanges are still needed."""
        waiting = self._pending.get(conversation.client_state.identifier, ())
        return any(failure.conversation is conversation for failure in waiting)

    def take_unaccounted(
        self, client_state: ClientState, keep: int = 0
    ) -> list[tuple[Conversation, tuple[Exchange, ...]]]:
        """The client has nothing more to say: by conversation, what decided the failures that nothing accounts for.

        Each conversation of which a failure was taken is there, with nothing where all of them have an account. The
        last `keep` of the client's failures go on waiting.
        """
        found: dict[int, tuple[Conversation, list[Exchange]]] = {}
        waiting = self._pending.get(client_state.identifier, deque())
        taken = [waiting.popleft() for _ in range(len(waiting) - keep)]
        if not waiting:
            self._pending.pop(client_state.identifier, None)
        for failure in taken:
            conversation, attempt = failure.conversation, failure.attempt
            unaccounted = found.setdefault(id(conversation), (conversation, []))[1]
            end = end_of(conversation, attempt, failure.siblings)
            if not end.is_failure or _is_served_since(conversation, attempt):
                self._list(self._others, _operation(conversation, attempt, End.NEEDLESS, None))
                continue
            deciding = attempt.deciding(conversation)
            account = self._explained.get(deciding.number)
            if account is None:
                unaccounted.append(deciding)
                account = FALLBACK
            self._list(self._failures, _operation(conversation, attempt, failure.end, account))
        return [(conversation, tuple(exchanges)) for conversation, exchanges in found.values()]

    def _list(self, where: list[Operation], operation: Operation) -> None:
        if len(where) < MOST_OPERATIONS:
            where.append(operation)
        else:
            self._left_out += 1


FALLBACK = "refused-unexplained"
"""The rule that accounts for what no other rule does."""


def _is_of(numbers: set[int], failure: _Failure) -> bool:
    return failure.attempt.deciding(failure.conversation).number in numbers


def _is_root_of(numbers: set[int], failure: _Failure, deciding: Exchange) -> bool:
    """Whether the evidence is an earlier failure of the same operation, and the last answer gives no reason itself."""
    if any(reason in EXPLAINING for reason in reasons_of(deciding)):
        return False
    return any(e.number in numbers and not was_served(e) for e in failure.attempt.exchanges)


def _kind(conversation: Conversation, exchange: Exchange) -> tuple[object, ...]:
    """What is equal for failures that have one reason."""
    return (exchange.origin, exchange.status, place_of(conversation, exchange), sent_with(exchange))


def _is_served_since(conversation: Conversation, attempt: OperationBuilder) -> bool:
    """Whether a later conversation of the same client about the same repository got something."""
    if conversation.repository is None:
        return False
    last = attempt.exchanges[-1]
    reads = (conversation.trace_state.anonymous_reads, conversation.trace_state.authorized_reads)
    found: Iterable[Exchange | None] = (r.get((conversation.registry, conversation.repository)) for r in reads)
    own = {e.number for e in conversation.steps}
    identifier = conversation.trace_state.clients.identifier
    return any(
        e is not None
        and e.started > last.finished
        and e.number not in own
        and identifier(e.sender) == conversation.client_state.identifier
        for e in found
    )


def _operation(conversation: Conversation, attempt: OperationBuilder, end: End, account: str | None) -> Operation:
    last = attempt.deciding(conversation)
    return Operation(
        kind=attempt.kind,
        client=conversation.client_state.identifier,
        registry=str(conversation.origin),
        repository=conversation.repository,
        exchanges=tuple(e.number for e in attempt.exchanges[-_MOST_NUMBERS:]),
        end=end,
        place=place_of(conversation, last),
        status=last.status or None,
        altered=any(e.is_altered for e in attempt.exchanges),
        account=account,
    )
