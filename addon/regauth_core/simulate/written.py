"""Scenarios as text: what `scenario.read` reads, with as few lines as a person would write."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from regauth_core.simulate.policy import Scenario
from regauth_core.simulate.typed import Keyed

_WIDTH = 110
"""Columns of a line that holds a list or a mapping whole."""
_PLAIN = re.compile(r"[A-Za-z0-9_/.][A-Za-z0-9_/.-]*")
"""What needs no quotes, wherever it stands."""

_Tree = str | list["_Tree"] | dict[str, "_Tree"]


def written(scenario: Scenario, comments: Mapping[str, Sequence[str]] | None = None) -> str:
    """`scenario` as a file, without what goes without saying.

    `comments` are lines of text by the top-level key that they stand above; those of ``""`` stand at the top.
    """
    notes = comments or {}
    lines = [*_remarks(notes.get("", ()))]
    tree = _object(scenario)
    for key, value in tree.items():
        lines += _remarks(notes.get(key, ()))
        lines += _entry(key, value, 0)
    return "\n".join(lines) + "\n"


def _remarks(texts: Sequence[str]) -> Iterator[str]:
    for text in texts:
        # A comment ends where its line does.
        yield f"# {''.join(c if c.isprintable() else '?' for c in text)}".rstrip()


def _object(value: Any) -> dict[str, _Tree]:
    hints = get_type_hints(type(value), include_extras=True)
    return {
        field.name: _value(hints[field.name], held)
        for field in fields(value)
        if (held := getattr(value, field.name)) != field.default or field.default is MISSING
    }


def _value(kind: Any, value: Any) -> _Tree:
    marks: tuple[Any, ...] = ()
    if value is not None and get_origin(kind) in (Union, UnionType) and NoneType in get_args(kind):
        (kind,) = (inner for inner in get_args(kind) if inner is not NoneType)
    if get_origin(kind) is Annotated:
        kind, *rest = get_args(kind)
        marks = tuple(rest)
    if isinstance(value, tuple):
        if any(isinstance(mark, Keyed) for mark in marks):
            return {_quoted(entry.name): _keyed(entry) for entry in value}
        inner = get_args(kind)[0] if get_args(kind) else str
        return [_value(inner, item) for item in value]
    if is_dataclass(value):
        return _object(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, int):
        return str(value)
    # Where a number and a text are possible, the quotes make the difference.
    either = kind == int | str
    return json.dumps(value) if either and value != "absent" else _quoted(str(value))


def _keyed(entry: Any) -> _Tree:
    names = [field.name for field in fields(entry) if field.name != "name"]
    if len(names) == 1:
        hints = get_type_hints(type(entry), include_extras=True)
        return _value(hints[names[0]], getattr(entry, names[0]))
    tree = _object(entry)
    del tree["name"]
    return tree


def _quoted(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def _flow(value: _Tree) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return f"[{', '.join(map(_flow, value))}]"
    return "{" + ", ".join(f"{key}: {_flow(held)}" for key, held in value.items()) + "}"


def _entry(key: str, value: _Tree, indent: int) -> Iterator[str]:
    space = " " * indent
    flow = _flow(value)
    # The parts of a file stand below each other; what is in them stands in a line where it can.
    if isinstance(value, str) or not value or (indent and len(flow) + len(key) + indent + 2 <= _WIDTH):
        yield f"{space}{key}: {flow}"
        return
    yield f"{space}{key}:"
    if isinstance(value, dict):
        for name, held in value.items():
            yield from _entry(name, held, indent + 2)
        return
    for item in value:
        text = _flow(item)
        if isinstance(item, dict) and len(text) + indent + 4 > _WIDTH:
            inner = [line for name, held in item.items() for line in _entry(name, held, indent + 4)]
            yield f"{space}  - {inner[0].lstrip()}"
            yield from inner[1:]
        else:
            yield f"{space}  - {text}"
