"""Makes the journal of what happened, event by event: the same for live and saved traffic, `run` and `demo`."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final, TypeVar

from regauth_core.diagnosis.diagnoser import Diagnoser
from regauth_core.model import Exchange, Sender
from regauth_core.model.finding import Diagnosis, Finding, Proof, TakenBack
from regauth_core.model.journal import Break, Capture, Ending, Environment, Event, Gone, Journal, Redaction

_MAX_NOTES: Final = 50
_T = TypeVar("_T")


class JournalBuilder:
    """Takes events in the order in which they became known; gives findings as they become certain, and the journal."""

    def __init__(
        self,
        *,
        quiet_time: float,
        credentials_known: bool = False,
        most_exchanges: int,
        most_others: int,
        describe_error: Callable[[Exception], str],
    ) -> None:
        """`quiet_time` in seconds, as for `Diagnoser`.

        At most so many exchanges, and so many of each kind of other events, are held for showing, the newest; the
        diagnosis sees all. `describe_error` says where in regauth an error of ours happened, without its words.
        """
        self.count = 0
        """Exchanges that were added."""
        self.diagnoser = Diagnoser(quiet_time=quiet_time, credentials_known=credentials_known)
        self._quiet_time = quiet_time
        self._credentials_known = credentials_known
        self._describe_error = describe_error
        self._exchanges: deque[Exchange] = deque(maxlen=most_exchanges)
        self._gone: deque[Gone] = deque(maxlen=most_others)
        self._breaks: deque[Break] = deque(maxlen=most_others)
        self._proofs: deque[Proof] = deque(maxlen=most_others)
        self._notes: dict[str, int] = {}

    def add(self, event: Event) -> tuple[Finding, ...]:
        """Something has happened; the findings that are certain now."""
        if isinstance(event, Exchange):
            self.count += 1
            self._exchanges.append(event)
            return self._examined(lambda: self.diagnoser.add(event), ())
        if isinstance(event, Gone):
            self._gone.append(event)
            return self._examined(lambda: self.diagnoser.gone(event.sender), ())
        if isinstance(event, Proof):
            self._proofs.append(event)
            self._examined(lambda: self.diagnoser.prove(event), None)
            return ()
        self._breaks.append(event)
        self._examined(lambda: self.diagnoser.finish(event.ending), None)
        return ()

    def taken_back(self) -> tuple[TakenBack, ...]:
        """The findings that were taken back since this was called last."""
        return self.diagnoser.taken_back()

    def begin(self, sender: Sender, at: float) -> None:
        """A request of `sender` has begun at the time `at`; its exchange is added when it has ended."""
        self.diagnoser.begin(sender, at)

    def end(self, sender: Sender) -> None:
        """A request that has begun has ended; its exchange is added next."""
        self.diagnoser.end(sender)

    def tick(self, now: float) -> tuple[Finding, ...]:
        """It is `now`; the findings that have become certain by the passing of time."""
        return self._examined(lambda: self.diagnoser.tick(now), ())

    def is_provable(self, finding: Finding) -> bool:
        """Whether a proof would say more about `finding`, and there is none yet."""
        return self.diagnoser.is_provable(finding)

    def note(self, text: str) -> None:
        """Something that the reader has to know about the recording; `text` holds nothing unredacted from the wire."""
        if text in self._notes or len(self._notes) < _MAX_NOTES:
            self._notes[text] = self._notes.get(text, 0) + 1

    def withdraw(self, text: str) -> None:
        """The note `text`, if there is one, has turned out to be wrong."""
        self._notes.pop(text, None)

    @property
    def has_notes(self) -> bool:
        """Whether there is anything that the reader has to know about the recording."""
        return bool(self._notes)

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """The exchanges that are held, by their numbers."""
        return tuple(sorted(self._exchanges, key=lambda exchange: exchange.number))

    def journal(
        self,
        ending: Ending,
        environment: Environment,
        redaction: Redaction | None,
        *,
        notes: Iterable[str] = (),
        goes_on: bool = False,
    ) -> Journal:
        """All of it, after which nothing may be added any more; `notes` come before those of `note`.

        With `goes_on` it is all up to now, as if it ended so, and more may come.
        """
        diagnoser = copy.deepcopy(self.diagnoser) if goes_on else self.diagnoser
        nothing = Diagnosis(clients=(), exchanges=self.count, findings=(), undecided=())
        diagnosis = self._examined(lambda: diagnoser.finish(ending), nothing)
        own = (f"{text} ({count} times)" if count > 1 else text for text, count in self._notes.items())
        return Journal(
            exchanges=self.exchanges,
            clients_of={exchange.number: diagnoser.client_of_exchange(exchange) for exchange in self._exchanges},
            diagnosis=replace(diagnosis, notes=(*diagnosis.notes, *notes, *own)),
            environment=environment,
            redaction=redaction,
            left_out=self.count - len(self._exchanges),
            capture=Capture(
                ending=ending,
                quiet_time=self._quiet_time,
                credentials_known=self._credentials_known,
                gone=tuple(self._gone),
                breaks=tuple(self._breaks),
                proofs=tuple(self._proofs),
            ),
        )

    def _examined(self, examine: Callable[[], _T], otherwise: _T) -> _T:
        """What `examine` gives. An error of ours costs no more than a part of the diagnosis, and becomes a note."""
        try:
            return examine()
        except Exception as error:
            place = self._describe_error(error)
            self.note(f"a part of the diagnosis is missing because of an error in regauth ({place})")
            return otherwise
