"""Command lines: shown as one would type them, without their secrets."""

from __future__ import annotations

import pytest

from kit.canaries import leaks
from kit.tables import plain, redactor, table


@pytest.mark.parametrize(("argv", "shown"), table("commands.yaml"))
def test_command_lines_show_placeholders_for_secrets(argv: list[str], shown: str) -> None:
    """A command line can be typed again after filling in the placeholders."""
    assert plain(redactor().command(argv)) == shown
    assert "swordfish" not in redactor().command(argv)


@pytest.mark.parametrize("argv", [["--creds", "alice:sword-fish"], ["--password=sword-fish"], ["-p", "sword-fish"]])
def test_secrets_of_the_command_line_are_swept_elsewhere(argv: list[str]) -> None:
    """What the client was given on its command line may come back in its own output."""
    one = redactor()
    one.command(["tool", *argv])
    assert leaks(one.sweep("error: cannot log in with sword-fish")[0], ("sword-fish",)) == []


@pytest.mark.parametrize("argv", [["-u", "administrator"], ["mkdir", "-p", "/var/lib/data"], ["-p", "8080:8080"]])
def test_what_is_no_secret_is_not_swept_elsewhere(argv: list[str]) -> None:
    """Names, paths and ports that stand where others put a password must stay readable in the output."""
    one = redactor()
    one.command(argv)
    text = "administrator may write /var/lib/data on 8080:8080"
    assert one.sweep(text) == (text, 0)


def test_a_long_command_line_is_cut() -> None:
    """Thousands of arguments are no help."""
    assert redactor().command(["x"] * 1000).endswith("x …")
