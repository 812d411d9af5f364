"""Spots of a document as values of the classes that describe them.

The classes say everything: a field's type is what its key may hold, a default makes the key optional, and marks in
`Annotated` narrow it. So a scenario's vocabulary is written down once, in `policy`.
"""

from __future__ import annotations

import re
from dataclasses import MISSING, dataclass, fields, is_dataclass
from enum import StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from regauth_core.simulate.document import Spot, nearest

_NUMBER = re.compile(r"-?[0-9]{1,9}")
_LINE_LIMIT = 2_000
_PROSE_LIMIT = 100_000


@dataclass(frozen=True, slots=True)
class Matching:
    """The text matches `pattern` as a whole; `words` describe it to a person."""

    pattern: str
    words: str


@dataclass(frozen=True, slots=True)
class Between:
    """The number is neither smaller nor larger."""

    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Prose:
    """The text may have several lines."""


@dataclass(frozen=True, slots=True)
class Keyed:
    """A tuple that is written as a mapping: the key fills the entry's field `name`, the value its other fields.

    Where the entry has only one other field, the value fills that directly: ``alice: [pull]``.
    """


def typed(kind: Any, spot: Spot) -> Any:
    """The value at `spot` as a `kind`: a data class of this vocabulary or a type that one of its fields has.

    Raises `ScenarioError` where the file says something else.
    """
    marks: tuple[Any, ...] = ()
    if get_origin(kind) is Annotated:
        kind, *rest = get_args(kind)
        marks = tuple(rest)
    if get_origin(kind) in (Union, UnionType):
        return _either(get_args(kind), spot)
    if get_origin(kind) is tuple:
        entry = get_args(kind)[0]
        if any(isinstance(mark, Keyed) for mark in marks):
            return tuple(_keyed(entry, name, value) for name, value in spot.entries().items())
        return tuple(typed(entry, item) for item in spot.items())
    if is_dataclass(kind):
        return _object(kind, spot.entries(), spot)
    return _scalar(kind, marks, spot)


def _either(kinds: tuple[Any, ...], spot: Spot) -> Any:
    """A union means that the key may be left out (`None`), or that a number in quotes is a text (`int | str`)."""
    if int in kinds and str in kinds:
        return spot.text() if spot.quoted or not _NUMBER.fullmatch(spot.text()) else int(spot.text())
    (kind,) = (kind for kind in kinds if kind is not NoneType)
    return typed(kind, spot)


def _object(kind: Any, entries: dict[str, Spot], spot: Spot) -> Any:
    hints = get_type_hints(kind, include_extras=True)
    for key, value in entries.items():
        if key not in hints:
            known = sorted(hints)
            raise value.wrong(f"unknown key{nearest(key, known) or ', expected one of ' + ', '.join(known)}")
    for field in fields(kind):
        if field.name not in entries and field.default is MISSING:
            raise spot.wrong(f"expected the key {field.name!r}, which is missing")
    return kind(**{key: typed(hints[key], value) for key, value in entries.items()})


def _keyed(kind: Any, name: str, spot: Spot) -> Any:
    hints = get_type_hints(kind, include_extras=True)
    key = typed(hints.pop("name"), spot.named(name))
    if len(hints) == 1:
        (only,) = hints
        return kind(name=key, **{only: typed(hints[only], spot)})
    entries = spot.entries()
    if "name" in entries:
        raise entries["name"].wrong("the name is the key before the colon")
    return _object(kind, {"name": spot.named(name), **entries}, spot)


def _scalar(kind: Any, marks: tuple[Any, ...], spot: Spot) -> Any:
    text = spot.text()
    if get_origin(kind) is Literal:
        return _chosen({str(value): value for value in get_args(kind)}, text, spot)
    if issubclass(kind, StrEnum):
        return _chosen({member.value: member for member in kind}, text, spot)
    if kind is bool:
        return _chosen({"true": True, "false": False}, text, spot)
    if kind is int:
        return _number(marks, text, spot)
    return _text(marks, text, spot)


def _chosen(choices: dict[str, Any], text: str, spot: Spot) -> Any:
    if text not in choices:
        raise spot.expected(f"one of {', '.join(choices)}" if len(choices) > 1 else next(iter(choices)))
    return choices[text]


def _number(marks: tuple[Any, ...], text: str, spot: Spot) -> int:
    bounds = next((mark for mark in marks if isinstance(mark, Between)), Between(0, 999_999_999))
    if not _NUMBER.fullmatch(text) or spot.quoted or not bounds.least <= int(text) <= bounds.most:
        raise spot.expected(f"a number from {bounds.least} to {bounds.most}")
    return int(text)


def _text(marks: tuple[Any, ...], text: str, spot: Spot) -> str:
    if not text and not spot.quoted:
        raise spot.expected("a text")
    prose = any(isinstance(mark, Prose) for mark in marks)
    if not prose and "\n" in text:
        raise spot.wrong("expected one line")
    if len(text) > (_PROSE_LIMIT if prose else _LINE_LIMIT):
        raise spot.wrong(f"expected at most {_PROSE_LIMIT if prose else _LINE_LIMIT} characters, got {len(text)}")
    for mark in marks:
        if isinstance(mark, Matching) and not re.fullmatch(mark.pattern, text):
            raise spot.expected(mark.words)
    return text
