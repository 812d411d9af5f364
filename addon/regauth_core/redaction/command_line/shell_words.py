"""Reads the script of a POSIX shell or bash: simple commands, their words and redirections, and what stands between.

Loops and conditions are read as commands between reserved words. Whatever else a shell knows (functions, arrays,
``case``, process substitution) is not understood, and then nothing of the script is. Time is linear in the script.
See POSIX.1-2024, Shell Command Language, sections 2.2 to 2.10.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

MAX_SCRIPT: Final = 16_384
"""Characters of a script that is read."""

UNKNOWN: Final = "\0"
"""Stands in a word for what only the shell knows, such as the output of a command."""

_OPERATOR = re.compile(r"&&|\|\||\|&|[|;&()](?!;)")
_REDIRECTION = re.compile(r"[0-9]{0,2}(<<<|<<-|<<|&>>|&>|>>|>\||>&|<&|<>|[<>])(?!\()")
_VARIABLE = re.compile(r"\$(?:([A-Za-z_][A-Za-z0-9_]*+)|[0-9@*#?!$\-])")
_BRACED = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*+)\}")
_PLAIN = re.compile(r"[^ \t\n\\'\"$`|&;()<>]++")
_DOUBLE = re.compile(r"[^\\\"$`]++")
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{1,4})|([0-7]{1,3})|(.))", re.DOTALL)
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "e": "\x1b", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_DOCUMENT = re.compile(r"<<(?!<)")
_PART = re.compile(r"""[^\\'"`()<$]++|\\.|'[^']*+'|\$\(|[()"$]|<<<|<""", re.DOTALL)
_QUOTED_PART = re.compile(r"""[^\\"`$]++|\\.|\$\(|["$]""", re.DOTALL)


@dataclass(frozen=True, slots=True, repr=False)
class Word:
    """A word as the program gets it.

    `text` has variables as they are written and `UNKNOWN` for every other expansion; in `shape` each variable is an
    ``x``. `scripts` are those of its command substitutions.
    """

    text: str
    shape: str
    variables: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Redirection:
    """`operator` with its number, such as ``2>``, and the file, or the text that the program reads."""

    operator: str
    target: Word

    @property
    def is_text(self) -> bool:
        """Whether the program reads the target itself: a here-document or a here-string."""
        return "<<" in self.operator


@dataclass(frozen=True, slots=True, repr=False)
class Command:
    """A simple command, its assignments among the words."""

    words: tuple[Word, ...]
    redirections: tuple[Redirection, ...]


def literal(text: str) -> Word:
    """The word of an argument vector: nothing in it is expanded."""
    return Word(text, text)


def parsed(script: str) -> tuple[Command | str, ...] | None:
    """Commands and the operators between them (a line's end is ``;``); `None` for what is not understood."""
    if len(script) > MAX_SCRIPT or UNKNOWN in script:
        return None
    try:
        return _Reader(script).commands()
    except ValueError:
        return None


class _Reader:
    """Reads one script from left to right; raises `ValueError` for what it does not understand."""

    def __init__(self, script: str) -> None:
        self._script = script
        self._at = 0
        self._items: list[tuple[list[Word], list[Redirection]] | str] = []
        self._words: list[Word] = []
        self._redirections: list[Redirection] = []
        self._awaited: list[tuple[list[Redirection], int, str, bool, bool]] = []

    def commands(self) -> tuple[Command | str, ...]:
        depth = 0
        while (sign := self._blank_skipped()) != "":
            if sign == "\n":
                self._at += 1
                self._documents()
                self._end(";")
            elif sign == "#":
                self._at = self._find("\n")
            elif found := _REDIRECTION.match(self._script, self._at):
                self._redirection(found)
            elif found := _OPERATOR.match(self._script, self._at):
                self._at = found.end()
                if found.group() == "(" and self._words:
                    raise ValueError("a function or an array")
                depth += {"(": 1, ")": -1}.get(found.group(), 0)
                if depth < 0:
                    raise ValueError("closed and not opened")
                self._end(found.group())
            elif sign in "|&;()<>":
                raise ValueError("an operator that is not known")
            else:
                self._words.append(self._word())
        self._documents()
        self._end("")
        if depth:
            raise ValueError("opened and not closed")
        return tuple(item if isinstance(item, str) else Command(tuple(item[0]), tuple(item[1])) for item in self._items)

    def _blank_skipped(self) -> str:
        while self._script.startswith((" ", "\t", "\\\n"), self._at):
            self._at += 2 if self._script[self._at] == "\\" else 1
        return self._script[self._at : self._at + 1]

    def _find(self, sign: str) -> int:
        found = self._script.find(sign, self._at)
        return len(self._script) if found < 0 else found

    def _end(self, operator: str) -> None:
        if self._words or self._redirections:
            self._items.append((self._words, self._redirections))
            self._words, self._redirections = [], []
        elif operator == ";" and (not self._items or isinstance(self._items[-1], str)):
            return
        if operator:
            self._items.append(operator)

    def _redirection(self, found: re.Match[str]) -> None:
        self._at = found.end()
        if self._blank_skipped() in ("", "\n"):
            raise ValueError("a redirection without a target")
        start = self._at
        target = self._word()
        if found[1] in ("<<", "<<-"):
            quoted = re.search(r"[\\'\"]", self._script[start : self._at]) is not None
            self._awaited.append((self._redirections, len(self._redirections), target.text, quoted, found[1] == "<<-"))
        self._redirections.append(Redirection(found.group(), target))

    def _documents(self) -> None:
        """Take the texts of the here-documents, which begin behind the line's end."""
        for redirections, place, delimiter, is_quoted, is_indented in self._awaited:
            lines: list[str] = []
            is_continued = False
            while self._at < len(self._script):
                end = self._find("\n")
                line = self._script[self._at : end]
                self._at = end + 1
                if not is_continued and (line.lstrip("\t") if is_indented else line) == delimiter:
                    break
                is_continued = line.endswith("\\") and not is_quoted
                lines.append(line)
            redirections[place] = Redirection(redirections[place].operator, literal("\n".join(lines)))
        self._awaited = []

    def _word(self) -> Word:
        reader = _WordReader(self._script, self._at)
        word = reader.read()
        if reader.at == self._at:
            raise ValueError("not a word")
        self._at = reader.at
        return word


class _WordReader:
    """Reads one word: quotes are taken away, variables kept, other expansions replaced."""

    def __init__(self, script: str, at: int) -> None:
        self._script = script
        self.at = at
        self._text: list[str] = []
        self._shape: list[str] = []
        self._variables: list[str] = []
        self._scripts: list[str] = []

    def read(self) -> Word:
        while self.at < len(self._script):
            sign = self._script[self.at]
            if found := _PLAIN.match(self._script, self.at):
                self._add(found.group(), found.end())
            elif sign == "\\":
                self._escaped()
            elif sign == "'":
                self._single()
            elif sign == '"':
                self._double()
            elif sign in "$`":
                self._expansion(quoted=False)
            else:
                break
        return Word("".join(self._text), "".join(self._shape), tuple(self._variables), tuple(self._scripts))

    def _add(self, text: str, end: int, shape: str | None = None) -> None:
        self._text.append(text)
        self._shape.append(text if shape is None else shape)
        self.at = end

    def _escaped(self) -> None:
        following = self._script[self.at + 1 : self.at + 2]
        self._add("" if following == "\n" else following, self.at + 2)

    def _single(self) -> None:
        end = self._script.find("'", self.at + 1)
        if end < 0:
            raise ValueError("a quote is open")
        self._add(self._script[self.at + 1 : end], end + 1)

    def _double(self) -> None:
        self.at += 1
        while not self._script.startswith('"', self.at):
            if self.at >= len(self._script):
                raise ValueError("a quote is open")
            if found := _DOUBLE.match(self._script, self.at):
                self._add(found.group(), found.end())
            elif self._script[self.at] == "\\":
                following = self._script[self.at + 1 : self.at + 2]
                kept = "" if following in ('"', "\\", "$", "`", "\n") else "\\"
                self._add(kept + ("" if following == "\n" else following), self.at + 2)
            else:
                self._expansion(quoted=True)
        self.at += 1

    def _expansion(self, *, quoted: bool) -> None:
        script, at = self._script, self.at
        if script[at] == "`":
            end = _closed_backquote(script, at + 1)
            self._scripts.append(re.sub(r"\\([`\\$])", r"\1", script[at + 1 : end]))
            self._add(UNKNOWN, end + 1)
        elif script.startswith("$((", at):
            self._add(UNKNOWN, _closed(script, at + 2))
        elif script.startswith("$(", at):
            end = _closed(script, at + 2)
            self._scripts.append(script[at + 2 : end - 1])
            self._add(UNKNOWN, end)
        elif script.startswith("$'", at) and not quoted:
            self._ansi()
        elif script.startswith('$"', at) and not quoted:
            self.at += 1
        elif found := _BRACED.match(script, at) or _VARIABLE.match(script, at):
            self._variables.append(found[1] or "")
            self._add(found.group(), found.end(), "x")
        elif script.startswith("${", at):
            end = script.find("}", at)
            if end < 0 or re.search(r"[\"'`\\]|\$[({]", script[at + 2 : end]):
                raise ValueError("an expansion that is not read")
            self._add(UNKNOWN, end + 1)
        else:
            self._add("$", at + 1)

    def _ansi(self) -> None:
        found = re.compile(r"\$'((?:[^\\']++|\\.)*+)'", re.DOTALL).match(self._script, self.at)
        if found is None:
            raise ValueError("a quote is open")
        self._add(_ESCAPE.sub(_unescaped, found[1]), found.end())


def _unescaped(found: re.Match[str]) -> str:
    for digits, base in ((found[1], 16), (found[2], 16), (found[3], 8)):
        if digits:
            return chr(int(digits, base))
    return _CONTROLS.get(found[4], found[4])


def _closed_backquote(script: str, at: int) -> int:
    while at < len(script) and script[at] != "`":
        at += 2 if script[at] == "\\" else 1
    if at >= len(script):
        raise ValueError("a quote is open")
    return at


def _closed(script: str, at: int) -> int:
    """The place behind the parenthesis that closes the one in front of `at`."""
    stack = ["("]
    while stack:
        if at >= len(script) or (stack[-1] == "(" and _DOCUMENT.match(script, at)):
            # A here-document may hold a parenthesis.
            raise ValueError("a substitution that is not read")
        sign = script[at]
        if sign == "`":
            at = _closed_backquote(script, at + 1) + 1
            continue
        found = (_QUOTED_PART if stack[-1] == '"' else _PART).match(script, at)
        if found is None:
            raise ValueError("a quote is open")
        at = found.end()
        part, is_quoted = found.group(), stack[-1] == '"'
        if part == "$(" or (part == "(" and not is_quoted):
            stack.append("(")
        elif part == (stack[-1] if is_quoted else ")"):
            stack.pop()
        elif part == '"':
            stack.append(part)
    return at
