"""Answers out of turn: what a scenario's `steps` say of the next request."""

from __future__ import annotations

from regauth_core.model import Endpoint
from regauth_core.simulate.message import Answer
from regauth_core.simulate.policy import Step


class Steps:
    """Steps, and how often each has been taken."""

    def __init__(self, steps: tuple[Step, ...]) -> None:
        """In the order in which they are used up."""
        self._steps = steps
        self._left = [step.times for step in steps]

    def take(self, endpoint: Endpoint | None) -> Answer | None:
        """The answer of the first step that is left and is for `endpoint`; `None`: answer as usual.

        A request that is answered as usual because a step says so uses that step up as well.
        """
        for index, step in enumerate(self._steps):
            if step.endpoints and endpoint not in step.endpoints:
                continue
            if step.always or self._left[index] > 0:
                self._left[index] -= 1
                return self._answer(step)
        return None

    @staticmethod
    def _answer(step: Step) -> Answer | None:
        if step.status is None:
            return None
        headers = tuple((header.name, header.value) for header in step.headers)
        return Answer(status=step.status, headers=headers, body=step.body.encode("utf-8", "replace"))
