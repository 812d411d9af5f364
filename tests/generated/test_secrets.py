"""No secret of any kind is shown, wherever it was used and however it is repeated: a bounded run of the generator.

`fuzz/known_secrets.py` makes 20,000 exchanges in the same way.
"""

from __future__ import annotations

from functools import partial

from generated import live
from generated.judge import judged
from generated.outputs import EVERY_TEMPLATE, outputs
from generated.story import planted

SEED = "bounded"


def test_no_output_shows_a_secret_that_was_used() -> None:
    figures = judged(list(planted(SEED, 100)), SEED, partial(outputs, templates=EVERY_TEMPLATE[::3]))
    assert [str(leak) for leak in figures.leaks if not leak.planted.is_beyond] == []
    assert figures.missing == []


def test_no_live_recording_shows_a_secret_that_was_used() -> None:
    figures = judged(list(planted(SEED, 60, live.can)), SEED, live.outputs)
    assert [str(leak) for leak in figures.leaks if not leak.planted.is_beyond] == []
    assert figures.missing == []
