"""A derived scenario as the text of a file, with what was assumed and what is missing in comments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from regauth_core.model import Exchange
from regauth_core.simulate.reproduction.derivation import Derivation, derive
from regauth_core.simulate.scenario import ScenarioError, read
from regauth_core.simulate.written import written

_SHOWN = 20
"""Exchanges that are named one by one."""
_COLUMNS = 100


def scenario_text(exchanges: Iterable[Exchange], name: str) -> tuple[str, Derivation] | None:
    """The scenario called `name` of `exchanges`; `None` where they hold nothing that a scenario can express."""
    derivation = derive(exchanges, name=name)
    if derivation is None:
        return None
    text = written(derivation.scenario, {"": list(_remarks(derivation)), "answers": [_ANSWERS]})
    try:
        read(text, "<derived>")
    except ScenarioError:
        return None
    return text, derivation


_ANSWERS = "Answers that follow from nothing above, as they were recorded."


def missing(derivation: Derivation) -> list[str]:
    """What the scenario does not express, a line for each exchange; the last one counts the rest."""
    found = [f"exchange {number}: {reason}" for number, reason in derivation.unexpressed]
    lines = found[:_SHOWN]
    if len(found) > _SHOWN:
        lines.append(f"and {len(found) - _SHOWN} more exchanges")
    if derivation.left_out:
        lines.append(f"the last {derivation.left_out} exchanges were not looked at")
    return lines


def _remarks(derivation: Derivation) -> Iterator[str]:
    user = derivation.scenario.users[0]
    yield "Made by regauth of a capture: a registry that behaves as the one in it did."
    client = derivation.scenario.client
    if client is not None and client.password:
        yield f"Log in as {client.user} with the password {client.password}. It is refused, as the one in it was;"
        yield f"{user.password} is taken."
    else:
        yield f"Its secrets are invented. Log in as {user.name} with the password {user.password}."
    if derivation.assumed:
        yield "Assumed, because the capture does not show it:"
        yield from (f"- {line}"[:_COLUMNS] for line in derivation.assumed[:_SHOWN])
    lines = missing(derivation)
    if lines:
        yield "Not expressed:"
        yield from (f"- {line}"[:_COLUMNS] for line in lines)
