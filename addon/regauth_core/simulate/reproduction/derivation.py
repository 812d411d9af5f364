"""A scenario out of a capture: a policy is guessed, tried with the capture's own requests, and mended where it fails.

Pure: exchanges go in, a scenario comes out. Time and memory are in proportion to the exchanges, of which a bounded
number is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, islice

from regauth_core.model import Exchange
from regauth_core.redaction.redactor import Redactor
from regauth_core.simulate.message import Asked
from regauth_core.simulate.policy import AnswerStep, Scenario
from regauth_core.simulate.registry import Registry
from regauth_core.simulate.reproduction.comparison import differences, played
from regauth_core.simulate.reproduction.guess import Guess, guess
from regauth_core.simulate.reproduction.logins import Logins
from regauth_core.simulate.reproduction.recorded import allowed_step, request_of, step_of
from regauth_core.simulate.reproduction.requests import RecordedClient
from regauth_core.simulate.reproduction.surroundings import Surroundings, surroundings_of
from regauth_core.simulate.steps import credential_of

MAX_EXCHANGES = 3_000
"""Of one capture; the later ones are left out."""
MAX_STEPS = 300
"""Recorded answers of one scenario."""
_ROUNDS = 5
_SECRET = b"of a rehearsal: it signs nothing that is kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivation:
    """A scenario and how far it goes."""

    scenario: Scenario
    logins: Logins
    """Which secrets of the capture those of the scenario stand for."""
    assumed: tuple[str, ...]
    """What the capture does not show."""
    unexpressed: tuple[tuple[int, str], ...]
    """Exchanges that would go another way, by number, with the reason."""
    left_out: int = 0
    """Exchanges that were not looked at."""


def derive(exchanges: Iterable[Exchange], *, name: str) -> Derivation | None:
    """The scenario called `name` whose registry behaves as the one in `exchanges`; `None` where there is none."""
    stream = iter(exchanges)
    held = tuple(islice(stream, MAX_EXCHANGES))
    left_out = sum(1 for _ in stream)
    places = surroundings_of(held)
    if places is None:
        return None
    first = guess(held, places, name=name)
    forced: set[int] = set()
    verbatim: set[int] = set()
    scenario = first.scenario
    wrong: dict[int, tuple[str, ...]] = {}
    dropped: set[int] = set()
    for _ in range(_ROUNDS):
        tries = list(_tried(held, scenario, first.logins))
        wrong = {attempt.exchange.number: attempt.wrong for attempt in tries if attempt.wrong}
        # What an allowance did not mend is answered as it was recorded.
        verbatim |= wrong.keys() & forced
        forced |= wrong.keys()
        answers, dropped = _answers(tries, forced, verbatim, places)
        if answers == scenario.answers:
            break
        scenario = replace(first.scenario, answers=answers)
    else:
        tries = list(_tried(held, scenario, first.logins))
        wrong = {attempt.exchange.number: attempt.wrong for attempt in tries if attempt.wrong}
    return Derivation(
        scenario=scenario,
        logins=first.logins,
        assumed=first.assumed,
        unexpressed=tuple(sorted(_unexpressed(held, first, wrong, dropped))),
        left_out=left_out,
    )


@dataclass(frozen=True, slots=True)
class _Attempt:
    exchange: Exchange
    asked: Asked
    wrong: tuple[str, ...]


def _tried(exchanges: Sequence[Exchange], scenario: Scenario, logins: Logins) -> Iterator[_Attempt]:
    """Each request of the capture at `scenario`, and in what the answer differs."""
    registry = Registry(scenario, secret=_SECRET)
    client = RecordedClient(logins)
    redactor = Redactor(_SECRET)
    for exchange in exchanges:
        asked = client.asked(exchange)
        if exchange.response is None:
            continue
        answer = registry.answer(asked, exchange.started)
        wrong = differences(exchange, played(exchange, asked, answer, redactor), answer)
        client.learn(exchange, asked, answer)
        yield _Attempt(exchange, asked, wrong)


def _answers(
    tries: Sequence[_Attempt], forced: set[int], verbatim: set[int], places: Surroundings
) -> tuple[tuple[AnswerStep, ...], set[int]]:
    """Steps for the exchanges in `forced`, and those that no step can stand for."""
    groups: dict[tuple[str, str], list[tuple[int, AnswerStep | None]]] = {}
    dropped: set[int] = set()
    for attempt in tries:
        stored = places.blobs is not None and attempt.asked.host == places.blobs != places.registry.host
        step = None
        if attempt.exchange.number in forced:
            if attempt.exchange.number not in verbatim and not stored:
                step = allowed_step(attempt.exchange, attempt.asked)
            step = step or step_of(attempt.exchange, attempt.asked, stored=stored)
            if step is None:
                dropped.add(attempt.exchange.number)
        key = (request_of(attempt.asked, stored=stored), credential_of(attempt.asked))
        groups.setdefault(key, []).append((attempt.exchange.number, step))
    steps: list[AnswerStep] = []
    # What is said of one request comes before what is said of many.
    for (request, credential), entries in sorted(groups.items(), key=lambda group: group[0][0].count("*")):
        found = list(_runs(request, credential, entries))
        if len(steps) + len(found) > MAX_STEPS:
            dropped.update(number for number, step in entries if step is not None)
            continue
        steps += found
    return tuple(steps), dropped


def _runs(request: str, credential: str, entries: Sequence[tuple[int, AnswerStep | None]]) -> Iterator[AnswerStep]:
    """The answers to one kind of request, equal ones in a row as one; what comes after the last one is as usual."""
    if all(step is None for _, step in entries):
        return
    runs = [(step, len(list(run))) for step, run in groupby(entries, key=lambda entry: entry[1])]
    for index, (step, count) in enumerate(runs):
        is_last = index == len(runs) - 1
        if step is None:
            if not is_last:
                yield AnswerStep(request=request, credential=credential, times=count)  # type: ignore[arg-type]
        elif is_last:
            yield replace(step, always=True)
        else:
            yield replace(step, times=count)


def _unexpressed(
    exchanges: Sequence[Exchange], first: Guess, wrong: dict[int, tuple[str, ...]], dropped: set[int]
) -> Iterator[tuple[int, str]]:
    refused = set(first.scenario.unreachable)
    for exchange in exchanges:
        number = exchange.number
        if exchange.response is None:
            failure = exchange.failure
            if failure is not None and f"{exchange.origin.host}:{exchange.origin.port}" not in refused:
                yield number, f"it has no answer ({failure.kind})"
        elif number in dropped:
            yield number, "its answer cannot be written as a step"
        elif number in wrong:
            yield number, f"another {', '.join(wrong[number])}"
