"""What users read is plain English: none of the habits below occurs in it."""

from __future__ import annotations

import argparse
import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from regauth_core import cli
from regauth_core.edge.mitm import options
from regauth_core.rules import all_rules, manual

ROOT = Path(__file__).parent.parent
CORE = ROOT / "addon" / "regauth_core"
FOLDERS = (
    "auth",
    "conversation",
    "credentials",
    "diagnosis",
    "edge",
    "model",
    "recording",
    "report",
    "rules",
    "simulate",
)

HABITS: Final = {
    "say 'is not a'": r"(?<!there )\b(?:is|are|was|were) no\b(?! longer\b| more\b| one\b)",
    "say that there is no such thing by its name": r"\bthere (?:is|are|was|were) none\b",
    "name them": r"\bwho(?:m)?ever\b",
    "say, show or report": r"\b(?:tells?|told)\b",
    "begin a new sentence for the result": r"[,;:] so that\b",
    "say 'anyway'": r"\ball the same\b",
    "say 'its', or who has it": r"\bof (?:its|our|their|your|his|her) own\b|\bof (?:ours|yours|theirs)\b",
    "say 'failed'": r"\bin vain\b",
    "say 'skipped'": r"\bpass(?:ed|es|ing)? over\b",
    "say what is not recorded": r"\bnobody's business\b",
    "say 'forever'": r"\bfor ever\b",
    "say what it did": r"\ba hand in\b",
}
"""What to do instead, and a pattern for what is not written, in any case."""


def habits(text: str) -> list[str]:
    """Each habit in `text`, with the words around it."""
    line = " ".join(text.split())
    found = ((advice, match) for advice, habit in HABITS.items() for match in re.finditer(habit, line, re.IGNORECASE))
    return [f"{advice}: …{line[max(0, match.start() - 40) : match.end() + 30]}…" for advice, match in found]


def all_help(parser: argparse.ArgumentParser) -> Iterator[str]:
    """The help of a command and of those below it."""
    yield parser.format_help()
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from all_help(below)


class HelpOfOptions:
    """Takes the options as mitmproxy's loader does."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def add_option(self, name: str, kind: Any, default: Any, text: str) -> None:
        """An option."""
        self.texts.append(text)


def help_of_options() -> Iterator[str]:
    """The help of the addon's options."""
    loader = HelpOfOptions()
    options.declare(loader)  # type: ignore[arg-type]
    yield from loader.texts


def written(path: Path) -> Iterator[str]:
    """The texts in a module's code, its docstrings excepted; of formatted ones the fixed parts around ``{}``."""
    tree = ast.parse(path.read_text("utf-8"))
    passed = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if id(node) in passed and isinstance(node, ast.Constant):
            continue
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        waiting.extend(ast.iter_child_nodes(node))


def files(folder: Path, pattern: str) -> Iterator[str]:
    """The texts of files."""
    return (path.read_text("utf-8") for path in sorted(folder.glob(pattern)))


PLACES: Final[dict[str, Callable[[], Iterator[str]]]] = {
    "the README": lambda: files(ROOT, "README.md"),
    "the scenarios": lambda: files(ROOT / "scenarios", "*.yaml"),
    "the help of the commands": lambda: all_help(cli._parser()),
    "the help of the options": help_of_options,
    "the rule pages": lambda: (manual.page(rule) for rule in all_rules()),
    "the command line": lambda: written(CORE / "cli.py"),
}


@pytest.mark.parametrize("place", PLACES)
def test_what_users_read_is_plain(place: str) -> None:
    texts = list(PLACES[place]())
    assert texts
    assert [habit for text in texts for habit in habits(text)] == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_sentences_in_code_are_plain(folder: str) -> None:
    texts = {path.name: list(written(path)) for path in sorted((CORE / folder).rglob("*.py"))}
    assert any(texts.values())
    assert [f"{name}: {habit}" for name, found in texts.items() for text in found for habit in habits(text)] == []


@pytest.mark.parametrize(
    "text",
    [
        "this is no digest",
        "there is none",
        "Whoever has the password",
        "the registry told the client",
        "changed, so that nothing shows",
        "refused all the same",
        "a file of its own",
        "a client of yours",
        "tried in vain",
        "2 lines were passed over",
        "a 401 for ever",
        "had a hand in it",
    ],
)
def test_a_habit_is_found(text: str) -> None:
    assert len(habits(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "there is no terminal to ask at",
        "a token that is no longer valid",
        "log in again so that the client has the new password",
        "the client's own credentials",
        "for every client",
    ],
)
def test_plain_english_is_left_alone(text: str) -> None:
    assert habits(text) == []
