"""The JSON Schema of scenario files, for editors; made of the classes that also read them."""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from regauth_core.simulate.policy import Scenario
from regauth_core.simulate.typed import Between, Keyed, Matching

_TEXT = ["string", "number", "boolean"]
"""What stands without quotes is a text to regauth, whatever it is to an editor."""


def schema() -> dict[str, Any]:
    """The JSON Schema of a scenario (draft 2020-12)."""
    definitions: dict[str, Any] = {}
    top = _object(Scenario, definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "regauth.scenario/1",
        **top,
        "$defs": dict(sorted(definitions.items())),
    }


def _object(kind: Any, definitions: dict[str, Any], *, left_out: str = "") -> dict[str, Any]:
    hints = get_type_hints(kind, include_extras=True)
    needed = [field.name for field in fields(kind) if field.default is MISSING and field.name != left_out]
    return {
        "type": "object",
        "description": (kind.__doc__ or "").strip().partition("\n")[0],
        "properties": {name: _type(hint, definitions) for name, hint in hints.items() if name != left_out},
        **({"required": needed} if needed else {}),
        "additionalProperties": False,
    }


def _type(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    marks: tuple[Any, ...] = ()
    if get_origin(kind) is Annotated:
        kind, *rest = get_args(kind)
        marks = tuple(rest)
    if get_origin(kind) in (Union, UnionType):
        inner = [one for one in get_args(kind) if one is not NoneType]
        return _type(inner[0], definitions) if len(inner) == 1 else {"type": ["integer", "string"]}
    if get_origin(kind) is tuple:
        entry = get_args(kind)[0]
        if any(isinstance(mark, Keyed) for mark in marks):
            return {"type": "object", "additionalProperties": _keyed(entry, definitions)}
        return {"type": "array", "items": _type(entry, definitions)}
    if is_dataclass(kind):
        name = str(getattr(kind, "__name__", ""))
        if name not in definitions:
            definitions[name] = {}
            definitions[name] = _object(kind, definitions)
        return {"$ref": f"#/$defs/{name}"}
    return _scalar(kind, marks)


def _keyed(entry: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    """The value behind a name."""
    hints = get_type_hints(entry, include_extras=True)
    others = [hint for name, hint in hints.items() if name != "name"]
    return _type(others[0], definitions) if len(others) == 1 else _object(entry, definitions, left_out="name")


def _scalar(kind: Any, marks: tuple[Any, ...]) -> dict[str, Any]:
    if get_args(kind):
        return {"enum": list(get_args(kind))}
    if issubclass(kind, StrEnum):
        return {"enum": [member.value for member in kind]}
    if kind is bool:
        return {"type": "boolean"}
    if kind is int:
        bounds = next((mark for mark in marks if isinstance(mark, Between)), Between(0, 999_999_999))
        return {"type": "integer", "minimum": bounds.least, "maximum": bounds.most}
    pattern = next((mark.pattern for mark in marks if isinstance(mark, Matching)), None)
    return {"type": _TEXT, **({"pattern": f"^(?:{pattern})$"} if pattern else {})}
