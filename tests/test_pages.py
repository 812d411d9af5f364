"""What the pages for contributors name is there: files, classes and functions."""

from __future__ import annotations

import argparse
import ast
import keyword
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import pytest

from regauth_core import cli
from regauth_core.edge.inputs.captures import EXPECTED, Kind
from regauth_core.edge.mitm import options
from regauth_core.report import ENDINGS
from regauth_core.report.formats import FORMATS
from regauth_core.report.markdown.templates import TEMPLATES

ROOT = Path(__file__).parents[1]
CORE = ROOT / "addon" / "regauth_core"
PAGES = (
    "README.md",
    "addon/regauth_core/README.md",
    "tests/README.md",
    ".github/CONTRIBUTING.md",
    ".github/SECURITY.md",
)
HELD = (
    "addon/regauth_core/README.md",
    "tests/README.md",
    ".github/CONTRIBUTING.md",
)
"""Pages of which every name of the code has to be right."""
_NAME = re.compile(r"`([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)(?:\([^`]*\))?`")
_SOURCES = sorted(path for folder in ("addon", "tests") for path in (ROOT / folder).rglob("*.py"))
_NAMED = re.compile(r"`([a-z_.\-]+(?:/[A-Za-z0-9_.\-]+)*/?)(?::\s+([A-Za-z_.]+))?`")


def named(page: str) -> list[tuple[str, str]]:
    """Every path that a page names, with the name of what is in the file, if it gives one."""
    text = (ROOT / page).read_text("utf-8")
    found = [(match[1], match[2] or "") for match in _NAMED.finditer(text)]
    found = [(path, name) for path, name in found if name or path.endswith((".py", ".yaml", "/"))]
    # Of `key: value` the key is no path, and what is yours is not there yet.
    return [(path, name) for path, name in found if re.search(r"[./]", path) and "your" not in path.lower()]


def defined(file: Path) -> set[str]:
    """Functions, classes, constants, methods and fields of a file, the last two as `Class.name`."""
    return names_in(ast.parse(file.read_text("utf-8")))


def names_in(tree: ast.Module) -> set[str]:
    """The same for a module that is read already."""
    names = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            methods = (n for n in node.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
            names |= {f"{node.name}.{method.name}" for method in methods}
            names |= {f"{node.name}.{field}" for field in assigned(node.body)}
    return names | assigned(tree.body)


def assigned(body: Iterable[ast.stmt]) -> set[str]:
    """The names that get a value among these statements."""
    targets = [t for node in body if isinstance(node, ast.Assign) for t in node.targets]
    targets += [node.target for node in body if isinstance(node, ast.AnnAssign)]
    return {target.id for target in targets if isinstance(target, ast.Name)}


@lru_cache(1)
def names_of_the_code() -> tuple[frozenset[str], frozenset[str]]:
    """What the code defines, members as `Class.name`; and every single name in it, of modules as well."""
    there: set[str] = set()
    used: set[str] = set()
    for path in _SOURCES:
        tree = ast.parse(path.read_text("utf-8"))
        there |= names_in(tree)
        used |= {path.stem, path.parent.name}
        for node in ast.walk(tree):
            match node:
                case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name) | ast.keyword(arg=str(name)):
                    used.add(name)
    return frozenset(there), frozenset(used | {name.rpartition(".")[2] for name in there})


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
    assert missing == [], f"{page} names what is not there"


@pytest.mark.parametrize("page", HELD)
def test_page_uses_names_of_the_code(page: str) -> None:
    """A class, function, field or option in code font is one; `Class.name` is defined in that class."""
    there, used = names_of_the_code()
    named = [n for n in _NAME.findall((ROOT / page).read_text("utf-8")) if not n.endswith((".py", ".yaml"))]
    # Environment variables stand in texts, and a word in small letters may be anything that somebody types.
    named = [
        n
        for n in named
        if not n.startswith("REGAUTH_") and not keyword.iskeyword(n) and ("." in n or "_" in n or n != n.lower())
    ]
    assert [n for n in named if not (n in there if is_member(n) else n.rpartition(".")[2] in used)] == []


def is_member(name: str) -> bool:
    """Whether it is `Class.name`."""
    return name[0].isupper() and "." in name


@pytest.mark.parametrize(("folder", "shown"), [("kit", "| `kit/{}` |"), ("fuzz", "`tests/fuzz/{}`")])
def test_each_module_is_on_the_page_of_the_tests(folder: str, shown: str) -> None:
    """And each that is named is there, by `test_page_names_what_is_there`."""
    page = (ROOT / "tests" / "README.md").read_text("utf-8")
    modules = [path.name for path in (ROOT / "tests" / folder).glob("*.py") if path.name != "__init__.py"]
    assert [name for name in sorted(modules) if shown.format(name) not in page] == [], "missing in tests/README.md"


def test_each_folder_is_on_the_page_of_the_tests() -> None:
    """Those with the name of a folder of the package are one row."""
    page = (ROOT / "tests" / "README.md").read_text("utf-8")
    own = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and not path.name.startswith((".", "_"))}
    own -= {path.name for path in CORE.iterdir()}
    assert [name for name in sorted(own) if f"| `{name}/` |" not in page] == [], "missing in tests/README.md"


def test_readme_has_a_row_for_each_option() -> None:
    """What the addon takes is in the table."""
    rows = set(re.findall(r"^\| `(regauth_[a-z_]+)` \|", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE))
    options_there = {f"{options.PREFIX}{name}" for name, *_ in options._OPTIONS}
    assert sorted(options_there - rows) == [], "options of edge/mitm/options.py without a row in README.md"
    assert sorted(rows - options_there) == [], "rows of README.md that are not an option"


def help_of(command: str) -> str:
    """What `regauth COMMAND --help` prints, on one line."""
    (commands,) = (a for a in cli._parser()._actions if isinstance(a, argparse._SubParsersAction))
    return " ".join(commands.choices[command].format_help().split())


@pytest.mark.parametrize("command", ["run", "report"])
def test_each_format_of_reports_is_named(command: str) -> None:
    """In the help and in the README."""
    words = help_of(command).replace(",", " ").split()
    names = [one.names[0] for one in FORMATS]
    assert [name for name in names if name not in words] == [], "formats that `_REPORT` in cli.py lacks"
    readme = (ROOT / "README.md").read_text("utf-8")
    assert [ending for ending in ENDINGS if f"`{ending}`" not in readme] == [], "endings that README.md lacks"


@pytest.mark.parametrize("command", ["diagnose", "report", "scenario"])
def test_each_kind_of_saved_file_is_named(command: str) -> None:
    """In the help and in the README."""
    assert EXPECTED in help_of(command), "`_CAPTURE` in cli.py does not say what edge/inputs/captures.py reads"
    readme = " ".join((ROOT / "README.md").read_text("utf-8").split())
    assert [f"{kind}s" for kind in Kind if f"{kind}s" not in readme] == [], "kinds that README.md lacks"


def test_each_issue_form_is_named() -> None:
    """In the help and in the README."""
    words = help_of("report").replace(",", " ").split()
    assert [name for name in TEMPLATES if name not in words] == [], "forms that `_TEMPLATES` in cli.py lacks"
    readme = (ROOT / "README.md").read_text("utf-8")
    assert [name for name in TEMPLATES if f"`{name}`" not in readme] == [], "forms that README.md lacks"


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
