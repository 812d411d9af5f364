"""What is recorded and what it shows: the part that is the same for live traffic, for `run` and for `demo`."""

from __future__ import annotations

import platform
from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import Final

from mitmproxy import version

import regauth_core
from regauth_core.bounded import Bounded
from regauth_core.diagnosis.journal_builder import JournalBuilder
from regauth_core.edge.errors import where_it_failed
from regauth_core.edge.outputs.trace import TraceWriter
from regauth_core.model import Sender
from regauth_core.model.finding import Finding, Proof, TakenBack
from regauth_core.model.journal import Ending, Environment, Gone, Journal
from regauth_core.model.trace import (
    End,
    TraceEnd,
    TraceExchange,
    TraceGone,
    TraceHead,
    TraceLine,
    TraceProof,
    TraceTakenBack,
)
from regauth_core.recording.observe import Wire, observe
from regauth_core.redaction.redactor import Redactor
from regauth_core.rules import all_rules

MAX_EXCHANGES: Final = 2_000
"""Exchanges that are held for reports; of a longer recording the newest. The diagnosis and the trace see all."""
_MAX_SENDERS: Final = 1024


def environment() -> Environment:
    """Where this process runs."""
    return Environment(
        regauth=regauth_core.__version__,
        mitmproxy=version.VERSION,
        platform=f"{platform.system()} {platform.machine()}",
    )


class Recorder:
    """Takes raw messages, keeps what may be shown, and reports the findings as they become certain."""

    def __init__(
        self,
        redactor: Redactor,
        *,
        started: float,
        quiet_time: float,
        credentials_known: bool = False,
        trace: TraceWriter | None = None,
    ) -> None:
        """`started` and all other times: seconds since the epoch; `quiet_time`: seconds."""
        self.redactor = redactor
        self.environment = environment()
        all_rules()  # reads them now, so that the first request does not have to wait for it
        self._builder = JournalBuilder(
            quiet_time=quiet_time,
            credentials_known=credentials_known,
            most_exchanges=MAX_EXCHANGES,
            most_others=MAX_EXCHANGES,
            describe_error=where_it_failed,
        )
        self._begun: dict[int, Sender] = {}
        self._taken_back: list[TakenBack] = []
        self._senders: Bounded[Hashable, Sender] = Bounded(_MAX_SENDERS)
        self._trace = trace
        self._head: TraceHead | None = TraceHead(
            started=started,
            quiet_time=quiet_time,
            credentials_known=credentials_known,
            environment=self.environment,
        )

    @property
    def count(self) -> int:
        """Exchanges that were recorded."""
        return self._builder.count

    def begin(self, number: int, at: float, who: Hashable, wire: Callable[[], Wire]) -> Sender:
        """Request `number` has begun; its exchange comes to `end`. Equal `who` is the same sender.

        `wire` is called for a `who` that was not seen lately, and only the head of its request counts.
        """
        sender = self._senders.get(who)
        if sender is None:
            sender = self._senders[who] = self._sender(wire())
        self._begun[number] = sender
        self._builder.begin(sender, at)
        return sender

    def _sender(self, wire: Wire) -> Sender:
        agent = tuple(header for header in wire.request_headers if header[0].lower() == "user-agent")
        head = replace(wire, path="/v2/", request_headers=agent, request_body=None, status=None)
        return observe(head, self.redactor).sender

    def end(self, wire: Wire) -> tuple[Finding, ...]:
        """An exchange has ended; the findings that are certain now."""
        begun = self._begun.pop(wire.number, None)
        exchange = observe(wire, self.redactor)
        self._write(TraceExchange(exchange=exchange))
        if begun is not None:
            self._builder.end(begun)
        found = self._builder.add(exchange)
        for one in self._builder.taken_back():
            self._write(TraceTakenBack(taken_back=one))
            self._taken_back.append(one)
        return found

    def taken_back(self) -> tuple[TakenBack, ...]:
        """The findings that were taken back since this was called last."""
        found, self._taken_back = tuple(self._taken_back), []
        return found

    def tick(self, now: float) -> tuple[Finding, ...]:
        """Tell the time; the findings that have become certain by the passing of it."""
        return self._builder.tick(now)

    def gone(self, sender: Sender, at: float) -> tuple[Finding, ...]:
        """The client behind `sender` has ended; the findings that are certain now."""
        event = Gone(sender, at)
        self._write(TraceGone(gone=event))
        return self._builder.add(event)

    def prove(self, proof: Proof) -> None:
        """A refused exchange was sent beside the client as a correct one would have sent it."""
        self._write(TraceProof(proof=proof))
        self._builder.add(proof)

    def is_provable(self, finding: Finding) -> bool:
        """Whether such a proof would say more about `finding`, and there is none yet."""
        return self._builder.is_provable(finding)

    def note(self, text: str) -> None:
        """Something that the reader has to know about the recording; `text` holds nothing unredacted from the wire."""
        self._builder.note(text)

    def withdraw(self, text: str) -> None:
        """The note `text`, if there is one, has turned out to be wrong."""
        self._builder.withdraw(text)

    def busy(self) -> tuple[Sender, ...]:
        """Whose requests have begun and not ended."""
        return tuple(self._begun.values())

    @property
    def has_notes(self) -> bool:
        """Whether there is anything that the reader has to know about the recording."""
        return self._builder.has_notes

    def journal(self, ending: Ending = Ending.STOPPED) -> Journal:
        """All up to now, as if the recording ended so; it goes on."""
        return self._journal(ending, goes_on=True)

    def finish(self, ending: Ending, at: float) -> Journal:
        """All, now that nothing more comes; the trace is searched once more and closed."""
        if self._trace is not None and (failure := self._trace.search()) is not None:
            self.note(failure)
        journal = self._journal(ending, goes_on=False)
        if self._trace is not None:
            end = End(
                ending=ending,
                at=at,
                environment=self.environment,
                notes=journal.diagnosis.notes,
                redaction=journal.redaction,
            )
            self._write(TraceEnd(end=end))
            self._trace.close()
            self._trace = None
        return journal

    def abandon(self) -> None:
        """Nothing was recorded, and nothing will be: give the trace free."""
        if self._trace is not None:
            self._trace.close()
            self._trace = None

    def _journal(self, ending: Ending, *, goes_on: bool) -> Journal:
        return self._builder.journal(ending, self.environment, self.redactor.summary(), goes_on=goes_on)

    def _write(self, line: TraceLine) -> None:
        if self._trace is None:
            return
        if self._head is not None:
            # Not before there is something to follow it: what is told of the environment may still change.
            # Nor the command: a password in it may be known as one only once it was sent. The end tells it.
            head, self._head = replace(self._head, environment=replace(self.environment, command=None)), None
            self._write(head)
        if (failure := self._trace.write(line)) is not None:
            self.note(failure)
