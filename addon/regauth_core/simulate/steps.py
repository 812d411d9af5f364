"""Answers out of turn: what a scenario's `steps` and `answers` say of the next request."""

from __future__ import annotations

from regauth_core.model import Endpoint
from regauth_core.simulate.access import split
from regauth_core.simulate.message import Answer, Asked
from regauth_core.simulate.policy import AnswerStep

_NAMED = ("basic", "bearer")


class Steps:
    """Steps, and how often each has been taken."""

    def __init__(self, steps: tuple[AnswerStep, ...]) -> None:
        """In the order in which they are used up."""
        self._steps = steps
        self._left = [step.times for step in steps]

    def take(self, asked: Asked, endpoint: Endpoint | None) -> AnswerStep | None:
        """The first step that is left and is for `asked` at `endpoint`; `None`: answer as usual.

        A request that is answered as usual because a step says so uses that step up as well.
        """
        for index, step in enumerate(self._steps):
            if (step.always or self._left[index] > 0) and _is_for(step, asked, endpoint):
                self._left[index] -= 1
                return step if step.status is not None or step.allowed else None
        return None


def answer_of(step: AnswerStep) -> Answer:
    """The answer that `step`, which has a status, stands for, without its challenges."""
    headers = tuple((header.name, header.value) for header in step.headers)
    return Answer(status=step.status or 200, headers=headers, body=step.body.encode("utf-8", "replace"))


def credential_of(asked: Asked) -> str:
    """What `asked` identifies itself with, as a step names it."""
    values = asked.all("authorization")
    if not values:
        return "none"
    scheme, _ = split(values[0])
    return scheme if scheme in _NAMED else "other"


def _is_for(step: AnswerStep, asked: Asked, endpoint: Endpoint | None) -> bool:
    if step.endpoints and endpoint not in step.endpoints:
        return False
    if step.credential is not None and step.credential != credential_of(asked):
        return False
    return step.request is None or fits(step.request, asked)


def fits(pattern: str, asked: Asked) -> bool:
    """Whether `asked` is a request like `pattern`: a method and a URL without a query, ``*`` for any text."""
    text = f"{asked.method} {asked.scheme}://{asked.authority}{asked.path.partition('?')[0]}"
    first, *rest = pattern.split("*")
    if not rest:
        return text == first
    if not text.startswith(first):
        return False
    at = len(first)
    *middle, last = rest
    for piece in middle:
        # The first place is the best one: whatever fits after a later one fits after this one.
        at = text.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    return text.endswith(last) and len(text) - len(last) >= at
