"""The HTML report in a real browser: no script of the data runs, no request leaves, arrows open their exchanges."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from kit import journals
from regauth_core.model.journal import Journal
from regauth_core.report.html import page as html

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


def _shown(journal: Journal, tmp_path: Path, fragment: str = "", *options: str) -> str:
    """The page as the browser has it after its scripts ran."""
    page = tmp_path / "report.html"
    page.write_text(html.render(journal), encoding="utf-8")
    command = [
        str(CHROMIUM),
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--host-resolver-rules=MAP * ~NOTFOUND",
        f"--user-data-dir={tmp_path / 'profile'}",
        "--virtual-time-budget=2000",
        *options,
        "--dump-dom",
        f"{page.as_uri()}{fragment}",
    ]
    done = subprocess.run(command, capture_output=True, timeout=120, check=True)  # noqa: S603  our own command
    return done.stdout.decode()


def _title(source: str) -> str:
    found = re.search(r"<title>(.*?)</title>", source)
    return found[1] if found else ""


def test_hostile_data_runs_nothing_and_asks_nobody(tmp_path: Path) -> None:
    """The title stays ours, our script runs, and the browser's log knows no host of the data."""
    log = tmp_path / "net.json"
    source = _shown(journals.hostile(), tmp_path, "", f"--log-net-log={log}", "--net-log-capture-mode=Everything")
    assert _title(source).startswith("regauth: it worked, but ")
    assert ">15 of 15<" in source
    assert "attacker.test" not in log.read_text(encoding="utf-8", errors="replace")


def test_an_arrow_opens_its_exchange(tmp_path: Path) -> None:
    """The address that an arrow leads to opens that exchange and no other."""
    source = _shown(journals.token_exchange(), tmp_path, "#x4")
    assert re.findall(r'<details [^>]*data-number="(\d+)"[^>]* open', source) == ["4"]


@pytest.mark.parametrize("make", [journals.per_repository, journals.thousand])
def test_filters_appear_with_the_script(make: Callable[[], Journal], tmp_path: Path) -> None:
    """Without a script the filters are hidden; the script, which the policy lets run, shows them."""
    assert re.search(r'<form id="filters" hidden', html.render(make()))
    assert re.search(r'<form id="filters">', _shown(make(), tmp_path))
