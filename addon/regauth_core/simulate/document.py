"""YAML text as a tree whose every spot can say its file, line and key.

Plain YAML only: mappings, lists and scalars. Anchors, aliases and tags are refused, and so are texts that are too long,
too deep or too large, so that reading takes time and memory in proportion to the text. Scalars stay as they are written
(``no`` is two letters and ``1.0`` three characters): what a scalar means is decided by the field that it fills.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

import yaml

TEXT_LIMIT = 1 << 20
"""Characters of one file."""
NODE_LIMIT = 20_000
"""Mappings, lists and scalars of one file."""
DEPTH_LIMIT = 16
_SHOWN = 40
_TEXT = "tag:yaml.org,2002:str"
_STANDARD = {_TEXT, "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map"}


class ScenarioError(Exception):
    """A scenario cannot be used: one line with the file, the line, the key, and what was expected."""


class _Composer(yaml.BaseLoader):
    """PyYAML's plain loader, which builds no objects and guesses no types; bounded, without anchors and aliases."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        self._nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """The next node; raises a marked error for what is not plain YAML or too large."""
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "anchor", None) is not None:
            raise yaml.MarkedYAMLError(problem="anchors and aliases are not supported", problem_mark=event.start_mark)
        self._nodes += 1
        self._depth += 1
        if self._depth > DEPTH_LIMIT or self._nodes > NODE_LIMIT:
            problem = f"deeper than {DEPTH_LIMIT} levels or more than {NODE_LIMIT} values"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """One value of the file."""

    file: str
    key: str
    """The way to it from the top, such as ``registry.repositories[0].name``; empty at the top."""
    node: yaml.Node

    @property
    def line(self) -> int:
        """From 1."""
        return int(self.node.start_mark.line) + 1

    def wrong(self, problem: str) -> ScenarioError:
        """The error for this spot; `problem` says what was expected."""
        return problem_at(self.file, self.line, self.key, problem)

    def expected(self, words: str) -> ScenarioError:
        """The error for a value that is not `words`."""
        return self.wrong(f"expected {words}, got {self._seen()}")

    def text(self) -> str:
        """The scalar as it is written; raises `ScenarioError` for a mapping, a list, or characters nobody can send."""
        if not isinstance(self.node, yaml.ScalarNode):
            raise self.expected("a single value")
        value = str(self.node.value)
        if any(ord(character) < 32 and character != "\n" or 0x7F <= ord(character) < 0xA0 for character in value):
            raise self.wrong("control characters are not allowed")
        if any(0xD800 <= ord(character) < 0xE000 for character in value):
            raise self.wrong("unpaired surrogate")
        return value

    @property
    def quoted(self) -> bool:
        """Written in quotes or as a block."""
        return isinstance(self.node, yaml.ScalarNode) and self.node.style is not None

    @property
    def is_mapping(self) -> bool:
        """Keys with values."""
        return isinstance(self.node, yaml.MappingNode)

    def items(self) -> Iterator[Spot]:
        """The entries of a list; raises `ScenarioError` for anything else."""
        if not isinstance(self.node, yaml.SequenceNode):
            raise self.expected("a list")
        for index, node in enumerate(self.node.value):
            yield Spot(file=self.file, key=f"{self.key}[{index}]", node=node)

    def entries(self) -> dict[str, Spot]:
        """The values of a mapping by their keys, in order; raises `ScenarioError` for anything else and for twins."""
        if not isinstance(self.node, yaml.MappingNode):
            raise self.expected("keys with values")
        found: dict[str, Spot] = {}
        for key_node, value_node in self.node.value:
            key = Spot(file=self.file, key=self.key, node=key_node).text()
            spot = Spot(file=self.file, key=f"{self.key}.{_shown(key)}".lstrip("."), node=value_node)
            if key in found:
                raise problem_at(self.file, key_node.start_mark.line + 1, spot.key, "duplicate key")
            found[key] = spot
        return found

    def named(self, name: str) -> Spot:
        """The key in front of this value, as a value of its own."""
        node = yaml.ScalarNode(_TEXT, name, self.node.start_mark, self.node.end_mark, style='"')
        return Spot(file=self.file, key=self.key, node=node)

    def _seen(self) -> str:
        if isinstance(self.node, yaml.ScalarNode):
            return repr(_clipped(str(self.node.value))) if self.node.value or self.quoted else "nothing"
        return "a list" if isinstance(self.node, yaml.SequenceNode) else "keys with values"


def document(text: str, file: str) -> Spot:
    """The top of the YAML in `text`; `file` is its name in errors. Raises `ScenarioError` if it is not plain YAML."""
    if len(text) > TEXT_LIMIT:
        raise ScenarioError(f"{file}: expected at most {TEXT_LIMIT} characters, got {len(text)}")
    try:
        composer = _Composer(text)
        node = composer.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise problem_at(file, line, "", f"unsupported YAML: {_clipped(error.problem or 'unreadable', 100)}") from None
    except (yaml.YAMLError, ValueError, OverflowError):
        # A character that YAML forbids, or an escape or a version number that PyYAML cannot turn into one.
        raise ScenarioError(f"{file}: unsupported YAML: a character or an escape that YAML does not allow") from None
    if node is None:
        raise problem_at(file, 1, "", "expected a scenario, got an empty file")
    _refuse_tags(node, file)
    return Spot(file=file, key="", node=node)


def problem_at(file: str, line: int, key: str, problem: str) -> ScenarioError:
    """The error for a line and a key; an empty `key` is left out."""
    return ScenarioError(f"{file}:{line}: {key}{': ' if key else ''}{problem}")


def nearest(word: str, known: list[str]) -> str:
    """``, did you mean 'x'?`` for the known word that looks like `word`, or nothing."""
    near = get_close_matches(word[:_SHOWN], known, 1)
    return f", did you mean {near[0]!r}?" if near else ""


def _refuse_tags(top: yaml.Node, file: str) -> None:
    waiting = [top]
    while waiting:
        node = waiting.pop()
        if node.tag not in _STANDARD:
            raise problem_at(
                file, node.start_mark.line + 1, "", f"unsupported YAML: the tag {_clipped(str(node.tag))!r}"
            )
        if isinstance(node, yaml.SequenceNode):
            waiting.extend(node.value)
        elif isinstance(node, yaml.MappingNode):
            waiting.extend(part for pair in node.value for part in pair)


def _shown(key: str) -> str:
    return key if key.isprintable() and 0 < len(key) <= _SHOWN else repr(_clipped(key))


def _clipped(text: str, size: int = _SHOWN) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= size else flat[: size - 1] + "…"
