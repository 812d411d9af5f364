"""Findings that rest on a client's silence, and are taken back when it answers after all.

A conversation is over when nothing has come for the quiet time. Mostly that is right; but behind a prompt for a
password a client may be silent for longer, and then goes on where it stopped. So what was said because of the silence
is kept, and looked at again if the next thing that this client does at the registry is to answer: a request for a
token, or one with a credential. A client that begins anew, without a credential, has left the old request alone.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from regauth_core.conversation.conversation import Conversation, EndedBy
from regauth_core.conversation.operations import attempts, end_of
from regauth_core.model import Exchange
from regauth_core.rules.base import Match, Rule

MOST_KEPT = 128
"""Conversations that are kept, the newest."""
_MOST_LATE = 16
"""Exchanges for which what was said of one conversation is looked at again."""


@dataclass(slots=True)
class _Said:
    conversation: Conversation
    told: list[tuple[Rule, Match]]
    late: int = 0


class Refutable:
    """What was said of conversations that ended by silence."""

    def __init__(self) -> None:
        self._said: OrderedDict[int, _Said] = OrderedDict()
        self._dropped: list[Conversation] = []

    def keep(self, conversation: Conversation, told: Sequence[tuple[Rule, Match]]) -> None:
        """This is said about a conversation that is over; it is kept if an answer could refute it."""
        rests = [
            (rule, match)
            for rule, match in told
            if match.rests_on_absence and match.undecided is None and not rule.at_once
        ]
        if conversation.over is not EndedBy.QUIET or not rests:
            return
        said = self._said.setdefault(id(conversation), _Said(conversation, []))
        said.told += rests
        while len(self._said) > MOST_KEPT:
            self._dropped.append(self._said.popitem(last=False)[1].conversation)

    def holds(self, conversation: Conversation) -> bool:
        """Whether the exchanges of a conversation are still needed here."""
        return id(conversation) in self._said

    def refuted(
        self, placed: Sequence[Conversation], exchange: Exchange
    ) -> list[tuple[Conversation, list[tuple[Rule, Match]]]]:
        """What an exchange refutes, by conversation; `placed` are the conversations that it belongs to."""
        if not placed or not self._said:
            return []
        at_registry = placed[0].at_registry
        kept = [s for s in self._said.values() if s.conversation.at_registry is at_registry]
        is_answer = bool(exchange.request.credentials) or placed[0].is_token_exchange(exchange)
        about = {conversation.repository for conversation in placed}
        found = []
        for said in kept:
            conversation = said.conversation
            if conversation in placed:
                continue
            if not is_answer or said.late >= _MOST_LATE:
                self._drop(said)
                continue
            said.late += 1
            if conversation.repository in about:
                conversation.add_late(exchange)
            gone = [(rule, match) for rule, match in said.told if not _holds_still(conversation, rule, match)]
            if gone:
                found.append((conversation, gone))
                self._drop(said)
        return found

    def dropped(self) -> list[Conversation]:
        """The conversations that are needed here no more, each given once."""
        found, self._dropped = self._dropped, []
        return found

    def _drop(self, said: _Said) -> None:
        del self._said[id(said.conversation)]
        self._dropped.append(said.conversation)


def _holds_still(conversation: Conversation, rule: Rule, match: Match) -> bool:
    """Whether the rule still says this, or something of the same exchanges."""
    numbers = {e.number for e in match.exchanges}
    if rule.is_last:
        found = attempts(conversation)
        failed = {a.deciding(conversation).number for a in found if end_of(conversation, a, found).is_failure}
        return bool(numbers & failed)
    return any(numbers & {e.number for e in again.exchanges} for again in rule.matches(conversation))
