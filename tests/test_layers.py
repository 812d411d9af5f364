"""Imports point one way, the core does no I/O, and the page about the architecture shows what is there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

CORE = Path(__file__).parent.parent / "addon" / "regauth_core"
RINGS = (
    {"bounded"},
    {"model"},
    {"protocol"},
    {"redaction", "credentials", "report"},
    {"recording", "conversation", "auth"},
    {"rules", "simulate"},
    {"diagnosis"},
    {"edge"},
    {"cli"},
    {"__main__"},
)
EDGE = (
    {"errors"},
    {"files"},
    {"inputs", "outputs", "credentials"},
    {"scenarios"},
    {"mitm"},
    {"commands"},
)
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


def place(rings: tuple[set[str], ...]) -> dict[str, int]:
    """The number of each name's ring, the innermost 0."""
    return {name: number for number, ring in enumerate(rings) for name in ring}


def dotted(path: Path) -> str:
    """The module's name below `regauth_core`."""
    return ".".join(path.relative_to(CORE).with_suffix("").parts).removesuffix(".__init__")


NAMES = {dotted(path) for path in MODULES}


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own_imports(path: Path) -> set[str]:
    """The modules of this package that a file imports, without `regauth_core.` in front."""
    names = {name.removeprefix("regauth_core.") for name in imports(path) if name.startswith("regauth_core.")}
    return names & NAMES


def shown(path: Path) -> str:
    """The path as a test's name."""
    return str(path.relative_to(CORE))


@pytest.mark.parametrize("path", MODULES, ids=shown)
def test_imports_point_inwards(path: Path) -> None:
    """A module knows its ring's folder and the rings before it; in `edge` the same holds for the folders there."""
    rings = place(RINGS)
    own = dotted(path).split(".")
    beyond = {
        name for name in own_imports(path) if (part := name.split(".")[0]) != own[0] and rings[part] >= rings[own[0]]
    }
    assert beyond == set()
    if own[0] == "edge" and len(own) > 1:
        inner = place(EDGE)
        parts = {name.split(".")[1] for name in own_imports(path) if name.startswith("edge.")} - {own[1]}
        assert {part for part in parts if inner[part] >= inner[own[1]]} == set()


def test_no_imports_go_in_a_circle() -> None:
    """The modules can be put into an order in which each imports only earlier ones."""
    graph = {}
    for path in MODULES:
        name = dotted(path)
        # A package and what it hands on from its own modules are one.
        graph[name] = {one for one in own_imports(path) if one != name and not name.startswith(f"{one}.")}
    assert len(list(TopologicalSorter(graph).static_order())) >= len(MODULES)


@pytest.mark.parametrize(
    "path",
    [p for p in MODULES if dotted(p).split(".")[0] not in ("edge", "cli", "__main__")],
    ids=shown,
)
def test_core_does_not_touch_the_world(path: Path) -> None:
    """No file, socket, clock, process, randomness or mitmproxy outside the edge."""
    assert {name for name in imports(path) if name in WORLD or name.split(".")[0] in WORLD} == set()
    assert not any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "open"
        for node in ast.walk(ast.parse(path.read_text()))
    )


def test_only_the_redactor_makes_safe_text() -> None:
    """`Safe(...)` is called in one module."""
    calling = {
        dotted(path)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Safe"
    }
    assert calling == {"redaction.redactor"}


def test_the_page_shows_every_file() -> None:
    """The tree in `regauth_core/README.md` names each folder and module, and nothing that is not there."""
    tree = (CORE / "README.md").read_text().split("```")[1]
    named: set[str] = set()
    folders: list[tuple[int, str]] = []
    for line in tree.strip("\n").split("\n"):
        entry = re.match(r"( *)([a-z_]+/|[a-z_.]+\.py(?: [a-z_.]+\.py)*)", line)
        if entry is None:
            continue
        depth = len(entry[1])
        folders = [(size, name) for size, name in folders if size < depth]
        parent = "".join(name for _, name in folders)
        if entry[2].endswith("/"):
            folders.append((depth, entry[2]))
            named.add(parent + entry[2])
        else:
            named.update(parent + name for name in entry[2].split())
    there = {str(path.relative_to(CORE)) for path in MODULES if path.name not in ("__init__.py", "__main__.py")}
    # Of the rules each has a page: `regauth rules`.
    there = {name for name in there if not re.match(r"rules/(?!base|clauses|logins|manual|unexplained|wording)", name)}
    there |= {f"{folder}/" for path in there for folder in map(str, Path(path).parents) if folder != "."}
    assert sorted(there - named) == [], "files without a line in the tree of addon/regauth_core/README.md"
    assert sorted(named - there) == [], "lines of the tree in addon/regauth_core/README.md that show no file"


def test_the_first_sheet_is_short() -> None:
    """A newcomer sees at most sixteen entries."""
    entries = {path.name for path in CORE.iterdir() if not path.name.startswith("__")} - {".mypy_cache", "py.typed"}
    assert len(entries) <= 16, sorted(entries)
