"""The README's table of redactors is what `tests/bench/redactors.py` prints."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench import redactors

README = Path(__file__).parents[2] / "README.md"


def table() -> dict[str, str]:
    """The rows of the README's table by the first cell, without the version of a package."""
    rows = (line for line in README.read_text("utf-8").splitlines() if line.startswith("| ") and line.count("|") == 6)
    return {row.split("|")[1].strip(): row for row in rows}


@pytest.fixture(scope="module")
def compared() -> list[redactors.Redactor]:
    """All redactors; no packages are looked for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(redactors, "package", lambda name, _: redactors.Redactor(name, "the package", None))
        return redactors.redactors(sys.executable)


def test_readme_has_a_row_for_every_redactor(compared: list[redactors.Redactor]) -> None:
    """In the order in which they are printed; a package with the version that was measured."""
    head, rule, *names = table()
    assert (head, rule) == ("Redactor", "---")
    shown = [name.rpartition(" ")[0] if name.rpartition(" ")[0] in redactors.PACKAGES else name for name in names]
    assert shown == [one.name for one in compared]


@pytest.mark.parametrize("name", redactors.PACKAGES)
def test_readme_row_of_a_package_has_a_version(name: str) -> None:
    """Packages are not installed with the tests; no row without a measurement has a version."""
    (row,) = [row for first, row in table().items() if first.startswith(f"{name} ")]
    assert row.split(" | ")[1] == "the package"


def test_readme_rows_are_what_the_script_prints(compared: list[redactors.Redactor]) -> None:
    """Of all that can be run without another package, ours among them."""
    rows = table()
    assert [rows[one.name] for one in compared if one.redact is not None] == [
        redactors.row(one) for one in compared if one.redact is not None
    ]


def test_nothing_of_ours_leaks(compared: list[redactors.Redactor]) -> None:
    """Thirty of thirty."""
    assert "| 30 | none |" in redactors.row(compared[-1])
