"""Scripts of a shell: read as the shell reads them, or not at all."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regauth_core.redaction.command_line.shell_words import MAX_SCRIPT, UNKNOWN, Command, parsed

Tree = list[str | list[str]]


def words(script: str) -> Tree | None:
    """Commands as lists of their words, operators as they are, targets of redirections behind the words."""
    items = parsed(script)
    return None if items is None else [item if isinstance(item, str) else _flat(item) for item in items]


def _flat(command: Command) -> list[str]:
    return [word.text for word in command.words] + [f"{one.operator}{one.target.text}" for one in command.redirections]


READ: dict[str, Tree] = {
    "a b  c": [["a", "b", "c"]],
    "a 'b  c' \"d 'e'\" f\\ g": [["a", "b  c", "d 'e'", "f g"]],
    "a | b && c || d; e & f": [["a"], "|", ["b"], "&&", ["c"], "||", ["d"], ";", ["e"], "&", ["f"]],
    "a\n\n b # it's a comment\nc": [["a"], ";", ["b"], ";", ["c"]],
    "a b\\\n c": [["a", "b", "c"]],
    "(a; b) | c": ["(", ["a"], ";", ["b"], ")", "|", ["c"]],
    "a 2>/dev/null >&2 <in": [["a", "2>/dev/null", ">&2", "<in"]],
    "a <<<'b c'": [["a", "<<<b c"]],
    "a <<EOF | b\nc d\nEOF\ne": [["a", "<<c d"], "|", ["b"], ";", ["e"]],
    "a <<-'E' ; b <<F\n\tc\n\tE\n$(x\nF\nd": [["a", "<<-\tc"], ";", ["b", "<<$(x"], ";", ["d"]],
    "a <<E\nb\\\nE\nc": [["a", "<<b\\\nE\nc"], ";"],
    "a $B ${C}d \"$E\" '$F'": [["a", "$B", "${C}d", "$E", "$F"]],
    "a $(b $(c) ')' \")\") `d \\` e` f": [["a", UNKNOWN, UNKNOWN, "f"]],
    "a x${B:-c}y $((1 + 2))": [["a", f"x{UNKNOWN}y", UNKNOWN]],
    "a $'b\\'c\\x41\\n'": [["a", "b'cA\n"]],
    "a ''": [["a", ""]],
    "": [],
}


@pytest.mark.parametrize(("script", "expected"), READ.items())
def test_words_are_those_that_a_shell_gives_to_the_program(script: str, expected: Tree) -> None:
    """Quotes are gone, variables stay, other expansions are not known."""
    assert words(script) == expected


@pytest.mark.parametrize(
    "script",
    [
        "a 'b", 'a "b', "a `b", "a $(b", "a ${b", "(a", "a)", "f() { a; }", "A=(b c)", "diff <(a) >(b)", "a >", "a <<",
        "case a in b) c;; esac", "a $(b <<E\n)\nE\n)", 'a ${b:-"c}"}', "a\0b", "a" * (MAX_SCRIPT + 1),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_not_read_in_part(script: str) -> None:
    """Half a script read wrongly would show a secret as a word."""
    assert parsed(script) is None


def test_variables_and_substitutions_are_named() -> None:
    """Where a variable stood is not forgotten, nor what a substitution ran."""
    items = parsed("a x$B$(c 'd')`e \\`f\\``")
    assert items is not None
    assert isinstance(items[0], Command)
    word = items[0].words[1]
    assert (word.shape, word.variables, word.scripts) == (f"xx{UNKNOWN}{UNKNOWN}", ("B",), ("c 'd'", "e `f`"))


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=1, max_size=5))
def test_quoted_words_come_back(argv: list[str]) -> None:
    """What another library quotes for a shell is read as it was."""
    assert words(shlex.join(argv)) == [argv]


@given(st.text("ab'\"\\$`(){}<>|&;\n #=E-"))
def test_no_script_raises(script: str) -> None:
    """Any text is a script, or is not understood."""
    parsed(script)
