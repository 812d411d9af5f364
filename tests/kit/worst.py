"""Texts on which an expression or a reader works hardest: everything that it wants, again and again, and then not."""

from __future__ import annotations

import ast
import importlib
import random
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import regauth_core

_HOWS: Final = frozenset({"search", "match", "fullmatch", "sub", "subn", "split", "findall", "finditer"})
_EVERYTHING: Final = "".join(map(chr, range(0x20, 0x7F))) + "\t\n\u00e9"
_PACKAGE: Final = Path(regauth_core.__file__).parent


def expressions() -> dict[str, tuple[re.Pattern[Any], frozenset[str]]]:
    """Every compiled expression of the package by its place, with the methods by which it is used."""
    uses = {name: _uses(path) for name, path in _modules()}
    found: dict[str, tuple[re.Pattern[Any], frozenset[str]]] = {}
    for module, used in uses.items():
        for name, value in vars(importlib.import_module(module)).items():
            for number, pattern in enumerate(_patterns(value)):
                # Where it is not plain how it is used, it is searched for.
                hows = used.get(name) or set().union(*(one.get(name, set()) for one in uses.values())) or {"search"}
                found[f"{module}.{name}.{number}"] = pattern, frozenset(hows)
    return found


def _modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(_PACKAGE.rglob("*.py")):
        name = ".".join(("regauth_core", *path.relative_to(_PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
        if path.name != "__main__.py":
            yield name, path


def _patterns(value: object, depth: int = 0) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif depth < 4 and isinstance(value, dict):
        for one in value.values():
            yield from _patterns(one, depth + 1)
    elif depth < 4 and isinstance(value, list | tuple | set | frozenset):
        for one in value:
            yield from _patterns(one, depth + 1)
    elif depth < 4 and hasattr(value, "__dataclass_fields__") and not isinstance(value, type):
        for field in value.__dataclass_fields__:
            yield from _patterns(getattr(value, field, None), depth + 1)


def _uses(path: Path) -> dict[str, set[str]]:
    """How a module uses expressions, by the names that it gives them."""
    used: dict[str, set[str]] = {}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and node.attr in _HOWS:
            held = node.value
            name = held.id if isinstance(held, ast.Name) else held.attr if isinstance(held, ast.Attribute) else None
            if name is not None:
                used.setdefault(name, set()).add(node.attr)
    return used


def texts(pattern: re.Pattern[Any], size: int, most: int = 60) -> Iterator[Any]:
    """Long texts for `pattern`: pieces that match some part of it, repeated, behind and in front of others."""
    seed = pattern.pattern.encode("utf-8", "surrogatepass") if isinstance(pattern.pattern, str) else pattern.pattern
    chance = random.Random(seed)  # noqa: S311
    tree = re._parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE)  # type: ignore[attr-defined]
    parts = list(_parts(tree))
    pieces: dict[str, None] = {}
    for _ in range(200):
        pieces["".join(_sample(chance.choice(parts), chance) for _ in range(chance.choice((1, 1, 2))))[:40]] = None
    head = _sample(tree, chance)[:40]
    for piece in [one for one in pieces if one][:most]:
        whole = piece * (size // len(piece))
        for text in (whole, head[: len(head) // 2] + whole + "\0"):
            yield text.encode("utf-8") if isinstance(pattern.pattern, bytes) else text


def _parts(tree: Any) -> Iterator[Any]:
    """The tree and all trees in it."""
    yield tree
    for kind, held in tree:
        for below in _below(str(kind), held):
            yield from _parts(below)


def _below(kind: str, held: Any) -> list[Any]:
    if kind in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        return [held[2]]
    if kind == "SUBPATTERN":
        return [held[3]]
    if kind == "BRANCH":
        return list(held[1])
    if kind in ("ATOMIC_GROUP",):
        return [held]
    if kind in ("ASSERT",):
        return [held[1]]
    return []


def _sample(tree: Any, chance: random.Random) -> str:
    """A text that more or less matches `tree`."""
    return "".join(_one(str(kind), held, chance) for kind, held in tree)


def _one(kind: str, held: Any, chance: random.Random) -> str:
    if kind == "LITERAL":
        return chr(held)
    if kind == "NOT_LITERAL":
        return chance.choice([sign for sign in _EVERYTHING if ord(sign) != held])
    if kind == "ANY":
        return chance.choice(_EVERYTHING)
    if kind == "IN":
        return chance.choice(_members(held))
    if kind in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        low, high, inner = held
        return "".join(_sample(inner, chance) for _ in range(min(int(high), int(low) + chance.choice((0, 1, 3)))))
    if kind == "BRANCH":
        return _sample(chance.choice(held[1]), chance)
    below = _below(kind, held)
    return _sample(below[0], chance) if below and kind != "ASSERT" else ""


def _members(held: Any) -> str:
    """Some characters of a class."""
    chosen = ""
    for kind, one in held:
        if str(kind) == "LITERAL":
            chosen += chr(one)
        elif str(kind) == "RANGE":
            chosen += chr(one[0]) + chr(one[1] if one[1] < 0x300 else one[0])
        elif str(kind) == "CATEGORY":
            chosen += {"CATEGORY_DIGIT": "7", "CATEGORY_SPACE": " \t", "CATEGORY_WORD": "aZ_"}.get(str(one), '"/a')
    if held and str(held[0][0]) == "NEGATE":
        return "".join(sign for sign in _EVERYTHING if sign not in chosen) or "\u20ac"
    return chosen


def applied(pattern: re.Pattern[Any], how: str, text: Any) -> None:
    """Use `pattern` in one of the ways in which expressions are used."""
    if how in ("sub", "subn"):
        pattern.sub(text[:0], text)
    elif how == "finditer":
        for _ in pattern.finditer(text):
            pass
    else:
        getattr(pattern, how)(text)


def seconds(step: Callable[[], object]) -> float:
    """The processor time that `step` takes."""
    began = time.process_time()
    step()
    return time.process_time() - began


def least(step: Callable[[], object], limit: float) -> float:
    """The processor time that `step` takes: where the first time is over `limit`, the least of three."""
    first = seconds(step)
    return first if first <= limit or first > 100 * limit else min(first, seconds(step), seconds(step))
