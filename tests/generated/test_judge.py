"""The judge of generated secrets finds what is shown, in every spelling, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import pytest

from generated.echoes import ECHOES
from generated.exchanges import Exchange, har
from generated.judge import judged
from generated.kinds import KINDS
from generated.outputs import Shown
from generated.search import SHORTEST, Search, needles, squeezed
from generated.spellings import BEYOND, REQUIRED, SPELLINGS
from generated.story import planted, told
from generated.uses import USES

LONG_ENOUGH = [kind for kind in KINDS if len(squeezed(KINDS[kind](Random(1)))) >= SHORTEST]  # noqa: S311
DIFFERENT = ("hyphened words", "Chinese", "weak, eight", "digits", "GitHub", "UUID", "hexadecimal, 32", "base64 key")
PAIR = "base64 of user and password"


def _made(kind: str, seed: int = 1) -> str:
    return KINDS[kind](Random(seed))  # noqa: S311


def _search(secret: str, planted_as: str = "") -> Search:
    return Search([*needles(0, secret, planted_as or secret, "other")])


def _finds(secret: str, text: str) -> bool:
    return any(_search(secret).hits(text))


@pytest.mark.parametrize("kind", LONG_ENOUGH)
def test_a_secret_is_found_in_every_spelling(kind: str) -> None:
    secret = _made(kind)
    search = _search(secret)
    # In base64 six signs at an odd place are too few to be told from chance.
    spelled = {name: spell(secret) for name, spell in REQUIRED.items() if len(secret) > 8 or "base64" not in name}
    shown = {name: f'"message": "denied: {text} is wrong"' for name, text in spelled.items()}
    assert [name for name, text in shown.items() if not any(search.hits(text))] == []


@pytest.mark.parametrize("spelling", BEYOND)
def test_a_spelling_that_is_not_undone_is_found_as_it_was_planted(spelling: str) -> None:
    secret = _made("hyphened words")
    text = BEYOND[spelling](secret)
    assert any(_search(secret, text).hits(f"denied: {text}"))


@pytest.mark.parametrize("kind", DIFFERENT)
def test_another_secret_is_not_taken_for_it(kind: str) -> None:
    others = [_made(other, 2) for other in DIFFERENT]
    assert not _finds(
        _made(kind), " ".join([*others, *(spell(other) for other in others for spell in REQUIRED.values())])
    )


def test_a_short_secret_is_found_with_its_user_alone() -> None:
    secret = _made("five signs")
    assert _finds(secret, f"Basic {REQUIRED[PAIR](secret)}")
    assert not _finds(secret, f"denied: {secret}")


@pytest.mark.parametrize("pieces", [("first half of it", 0, 0.5), ("all but the ends", 0.1, 0.9)])
def test_a_part_of_a_secret_is_found(pieces: tuple[str, float, float]) -> None:
    secret = _made("GitHub")
    begin, end = (int(part * len(secret)) for part in pieces[1:])
    assert _finds(secret, f"denied: {secret[begin:end]}…")


@pytest.mark.parametrize("width", [5, 20])
def test_a_secret_that_is_broken_over_lines_is_found(width: int) -> None:
    secret = _made("English phrase")
    lines = (secret[at : at + width] for at in range(0, len(secret), width))
    assert _finds(secret, " │\n │ ".join(lines))


def test_what_stands_around_a_find_is_shown_without_it() -> None:
    secret = _made("GitLab")
    hit = next(iter(Search([*needles(0, secret, secret, "as it is")]).hits(f"the token {secret} was refused")))
    assert (
        "the token" in hit.excerpt
        and "was refused" in hit.excerpt
        and squeezed(secret)[4:] not in squeezed(hit.excerpt)
    )


def test_every_choice_is_made_about_as_often_as_every_other() -> None:
    many = list(planted("any", 5000))
    assert {one.kind for one in many} == set(KINDS)
    assert {one.use for one in many} == set(USES)
    assert {one.echo for one in many} == set(ECHOES)
    assert {one.spelling for one in many} == set(SPELLINGS)
    assert len({(one.echo, one.spelling) for one in many}) > 4500


def _everything(exchanges: Sequence[Exchange], _: Path) -> Iterator[Shown]:
    """A program that redacts nothing."""
    yield Shown("file", har(exchanges))


def _words(exchanges: Sequence[Exchange], _: Path) -> Iterator[Shown]:
    """A program that shows nothing of the exchanges, but a word that may be somebody's secret."""
    yield Shown("words", f"{len(exchanges)} exchanges, no change, header or number")


def test_a_program_that_hides_nothing_shows_nearly_every_secret() -> None:
    many = [one for one in planted("any", 60) if one.kind not in ("five signs", "common word")]
    assert len({leak.planted.number for leak in judged(many, "any", _everything).leaks}) > 0.9 * len(many)


def test_words_that_are_shown_of_any_exchanges_are_nobodys_secret() -> None:
    assert judged(list(planted("any", 60)), "any", _words).leaks == []


def test_the_same_seed_makes_the_same_exchanges() -> None:
    first, second = (har(told(list(planted("any", 50)), "any")) for _ in range(2))
    assert first == second
