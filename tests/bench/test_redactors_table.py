"""The README's table of redactors is what the script prints."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench import redactors

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TOLD = [line for line in README.splitlines() if line.startswith("| ")]
# Packages are not installed with the tests; the versions in their rows say with what they were measured.
OWN = [one for one in redactors.redactors(sys.executable) if one.name.split()[0] not in redactors.PACKAGES]


@pytest.mark.parametrize("one", OWN, ids=lambda one: str(one.name))
def test_row_is_in_the_readme(one: redactors.Redactor) -> None:
    """As it is computed now."""
    assert redactors.row(one) in TOLD


@pytest.mark.parametrize("name", redactors.PACKAGES)
def test_package_has_a_row(name: str) -> None:
    """With a version, which no row without a measurement has."""
    (row,) = [line for line in TOLD if line.startswith(f"| {name} ")]
    assert row.split(" | ")[1] == "the package"


def test_nothing_leaks_from_ours() -> None:
    """All thirty are safe."""
    (ours,) = [one for one in OWN if one.name == "regauth"]
    assert redactors.row(ours).startswith(f"| regauth | `regauth report` | {len(redactors.REQUIRED)} | none |")
