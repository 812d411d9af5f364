"""What the pages for contributors name is there: files, classes and functions."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CORE = ROOT / "addon" / "regauth_core"
PAGES = (
    "README.md",
    "addon/regauth_core/README.md",
    "tests/README.md",
    ".github/CONTRIBUTING.md",
    ".github/SECURITY.md",
)
_NAMED = re.compile(r"`([a-z_.\-]+(?:/[A-Za-z0-9_.\-]+)*/?)(?::\s+([A-Za-z_.]+))?`")


def named(page: str) -> list[tuple[str, str]]:
    """Every path that a page names, with the name of what is in the file, if it gives one."""
    text = (ROOT / page).read_text("utf-8")
    found = [(match[1], match[2] or "") for match in _NAMED.finditer(text)]
    found = [(path, name) for path, name in found if name or path.endswith((".py", ".yaml", "/"))]
    # Of `key: value` the key is no path, and what is yours is not there yet.
    return [(path, name) for path, name in found if re.search(r"[./]", path) and "your" not in path.lower()]


def defined(file: Path) -> set[str]:
    """Functions, classes and methods of a file, methods as `Class.method`."""
    names = set()
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            methods = (n for n in node.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
            names |= {f"{node.name}.{method.name}" for method in methods}
    return names


def place_of(path: str, page: str) -> Path | None:
    """The file or folder that a page means: from the root, the core, the tests, or where the page is."""
    bases = (ROOT, CORE, ROOT / "tests", (ROOT / page).parent)
    return next((base / path for base in bases if (base / path).exists()), None)


@pytest.mark.parametrize("page", PAGES)
def test_page_names_what_is_there(page: str) -> None:
    """Each path exists, and what is said to be in a file is defined there."""
    missing = []
    for path, name in named(page):
        place = place_of(path, page)
        if place is None or (name and name not in defined(place)):
            missing.append(f"{path}: {name}" if name else path)
    assert missing == []


def test_every_promise_names_a_test() -> None:
    """Each row of SECURITY.md's tables names functions of tests; that they exist, the test above says."""
    text = (ROOT / ".github" / "SECURITY.md").read_text("utf-8")
    rows = [line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    promises = [row for row in rows if row[0].strip() not in ("promise", "---")]
    assert len(promises) > 20
    for promise, held_by in promises:
        tests = _NAMED.findall(held_by)
        assert tests, promise
        assert [name for _, name in tests if not name.startswith("test_")] == [], promise


@pytest.mark.parametrize("page", PAGES)
def test_page_links_to_what_is_there(page: str) -> None:
    """Each relative link leads to a file or folder."""
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)\)", (ROOT / page).read_text("utf-8"))
    assert [link for link in links if not ((ROOT / page).parent / link).exists()] == []
