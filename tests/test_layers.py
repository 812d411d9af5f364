"""Data flows one way: a module imports only from rings before its own, and only the edge touches the world."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

CORE = Path(__file__).parent.parent / "addon" / "regauth_core"
RINGS = (
    {"model", "bounded", "distrust", "reasons"},
    {"challenge", "scope", "links", "target", "references", "clauses", "registries", "memo"},
    {
        "policy",
        "positions",
        "prose",
        "claims",
        "signatures",
        "fingerprints",
        "aliases",
        "vocabulary",
        "looks",
        "requested",
        "urls",
        "spellings",
        "sweep",
        "unescaping",
        "fields",
        "shell_words",
        "client_options",
        "program_options",
        "argument_values",
        "arguments",
        "commandline",
        "authorization",
    },
    {"redact"},
    {"bodies", "pages", "observe", "renaming", "environment", "tally"},
    {"engines", "signs"},
    {"clients", "homes"},
    {"conversation"},
    {"evidence"},
    {"refusals", "refusal"},
    {"operations", "unexplained"},
    {"rules"},
    {"tracking", "verdict", "manual", "accounts"},
    {"diagnosis", "outcome"},
    {"report"},
    {"auth"},
    {"simulate"},
    {"edge"},
    {"cli", "__main__"},
)
PLACE = {name: number for number, ring in enumerate(RINGS) for name in ring}
WORLD = {
    "asyncio",
    "mitmproxy",
    "os",
    "random",
    "secrets",
    "socket",
    "ssl",
    "subprocess",
    "threading",
    "time",
    "urllib.request",
}
MODULES = [path for path in sorted(CORE.rglob("*.py")) if path != CORE / "__init__.py"]


def part(path: Path) -> str:
    """The ring's name for a file: its package, or itself."""
    return path.relative_to(CORE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            if node.module == "regauth_core":
                yield from (f"regauth_core.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(CORE)))
def test_imports_point_inwards(path: Path) -> None:
    """A module knows its own ring's package and the rings before it."""
    own = part(path)
    used = {name.split(".")[1] for name in imports(path) if name.startswith("regauth_core.")} - {"__version__"}
    beyond = {name for name in used if name != own and PLACE[name] > PLACE[own]}
    assert beyond == set()


@pytest.mark.parametrize(
    "path",
    [p for p in MODULES if part(p) not in ("edge", "cli", "__main__")],
    ids=lambda path: str(path.relative_to(CORE)),
)
def test_core_does_not_touch_the_world(path: Path) -> None:
    """No file, socket, clock, process, randomness or mitmproxy outside the edge."""
    assert {name for name in imports(path) if name in WORLD or name.split(".")[0] in WORLD} == set()
    assert not any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "open"
        for node in ast.walk(ast.parse(path.read_text()))
    )


def test_only_redact_mints_safe_text() -> None:
    """`Safe(...)` is called in one module."""
    calling = {
        part(path)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Safe"
    }
    assert calling == {"redact"}
