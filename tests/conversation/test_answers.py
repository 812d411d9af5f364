"""What a status means: a table of all of them."""

from __future__ import annotations

import pytest

from kit.notation import read
from regauth_core.conversation import answers
from regauth_core.model import Exchange

QUESTIONS = {
    answers.is_given: set(range(200, 300)),
    answers.leads_on: set(range(300, 400)),
    answers.is_error: set(range(400, 600)),
    answers.is_server_error: set(range(500, 600)),
    answers.asks_for_login: {401},
    answers.is_denied: {403},
    answers.is_turned_away: {401, 403},
    answers.is_bad_request: {400},
    answers.is_not_taken: {400, 401, 403},
    answers.is_missing: {404},
    answers.asks_for_proxy_login: {407},
    answers.is_too_large: {413, 414, 431},
    answers.is_limited: {429},
}


def answered(status: int | str) -> Exchange:
    """An exchange that was answered so."""
    return next(read(f"GET /v2/ - -> {status}", "one").exchanges())


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.__name__)
def test_question_is_about_these_statuses_alone(question: object) -> None:
    """Each question is true of its own statuses, and of no exchange without an answer."""
    assert callable(question)
    found = {status for status in range(200, 600) if question(answered(status))}
    assert found == QUESTIONS[question]
    assert not any(question(answered(lost)) for lost in ("lost", "refused", "tls", "aborted"))
