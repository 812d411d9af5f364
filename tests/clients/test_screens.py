"""The last six lines for every client and situation are those of the golden file, which a person has read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from mitmproxy import version

from clients import screens
from clients.programs import require

GOLDEN = Path(__file__).parents[1] / "golden" / "screens.txt"


def test_every_screen_says_what_to_do() -> None:
    """Only where all is well no command is named."""
    told = [part.split("\n--- ")[1:] for part in screens.parts(GOLDEN.read_text("utf-8")).values()]
    assert len(told) == len(screens.SITUATIONS)
    assert [one for part in told for one in part if "nothing is wrong:" not in one and "   now: " not in one] == []


@pytest.mark.clients
@pytest.mark.parametrize("situation", screens.SITUATIONS, ids=lambda situation: situation.name)
def test_the_last_lines_name_the_culprit_and_what_to_do(situation: screens.Situation) -> None:
    """`REGAUTH_RENEW_GOLDEN=1` writes the screens of the situation anew: read them."""
    is_renewed = os.environ.get("REGAUTH_RENEW_GOLDEN") == "1"
    # What newer versions of mitmproxy may do otherwise, they do with all clients of a kind.
    clients = screens.CLIENTS if is_renewed or version.VERSION.startswith("11.") else screens.KINDS
    require(*clients)
    text = screens.table([situation.name], clients)
    parts = screens.parts(GOLDEN.read_text("utf-8"))
    if is_renewed:
        parts[situation.name] = text
        GOLDEN.write_text("\n".join(parts.values()), "utf-8")
    assert text.rstrip("\n") == screens.only(parts[situation.name], clients).rstrip("\n")
