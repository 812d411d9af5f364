"""Endings: of several the one that leaves most open."""

from __future__ import annotations

from itertools import permutations

import pytest

from regauth_core.model.journal import Ending


@pytest.mark.parametrize("endings", tuple(permutations(Ending)))
def test_the_worst_ending_does_not_depend_on_the_order(endings: tuple[Ending, ...]) -> None:
    """Every ending has its place."""
    assert Ending.worst(*endings) is Ending.CUT
    assert Ending.worst(*(one for one in endings if one is not Ending.CUT)) is Ending.STOPPED
    assert Ending.worst(*(one for one in endings if one in (Ending.GONE, Ending.CLEAN))) is Ending.CLEAN
    assert Ending.worst(endings[0]) is endings[0]
