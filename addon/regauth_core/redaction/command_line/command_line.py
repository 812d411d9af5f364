"""What of a command line may be shown: the command as one would type it, without its secrets.

By grammar and by allow-list, since a password that was never sent cannot be known from the traffic: an argument is
shown if the program is known to read it as something harmless and it is written like that. Everything else is ``…``,
and secrets known by their place are ``$REG_USER:$REG_PASS`` and ``$REG_PASS``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from regauth_core.redaction.command_line.argument_values import HIDDEN, PASSWORD, Values, is_shown_variable, quoted
from regauth_core.redaction.command_line.arguments import Arguments
from regauth_core.redaction.command_line.client_options import Value, is_secret_name
from regauth_core.redaction.command_line.program_options import DECLARING, PRINTERS, SHELLS, is_known, program
from regauth_core.redaction.command_line.shell_words import Command, Redirection, Word, literal, parsed
from regauth_core.redaction.looks import is_opaque

MAX_ARGUMENTS: Final = 200
_FEW: Final = 3
"""Words of a text that may all be secrets."""
_MAX_DEPTH: Final = 3
"""Scripts inside scripts."""

_SHELL_SCRIPT = re.compile(r"-[a-z]{0,8}c")
_SHELL_SETTINGS = frozenset({"pipefail", "errexit", "nounset", "xtrace", "posix", "errtrace"})
_SHELL_OPTION = re.compile(r"[-+][abefhiklmnoprstuvxBCEHP]{1,12}|--(?:login|norc|noprofile|posix|verbose)")
_RESERVED = frozenset({"!", "{", "}", "if", "then", "else", "elif", "fi", "while", "until", "do", "done", "time"})
_FORMATS = re.compile(r"(?:%s|%b)(?:\\n)?")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*+\+?=")
_PROGRAM = re.compile(r"(?:~|\.{1,2})?/?[A-Za-z0-9_.+-]++(?:/[A-Za-z0-9_.+-]++)*+")
# Without a folder it may be the rest of a password with an unquoted `>`.
_FILE = re.compile(r"(?:~|\.{1,2})?/.*", re.DOTALL)
_BUSYBOX = frozenset({"sh", "ash"})
_SEPARATORS = frozenset({";", "&", "&&", "||"})
_READERS = frozenset({"login", "xargs", "read", "docker-login"})


class CommandLine:
    """Replaces the secrets of an argument vector.

    The parameters are those of `Values`.
    """

    def __init__(
        self,
        remember: Callable[[str], None],
        doubt: Callable[[str], None],
        prose: Callable[[str], str],
        field: Callable[[str, str], str],
        link: Callable[[str], str],
        is_requested: Callable[[str], bool],
    ) -> None:
        self._remember = remember
        self._doubt = doubt
        self._prose = prose
        self._field = field
        self._link = link
        self._is_requested = is_requested

    def shown(self, argv: Sequence[str]) -> str:
        """The command as one would type it into a shell."""
        found: list[str] = []
        # What is met as a secret later may stand in front of it too: the second time, `prose` knows it.
        self._reading(found.append, self._doubt).line(argv)
        for secret in dict.fromkeys(found):
            self._remember(secret)
        return self._reading(lambda _: None, lambda _: None).line(argv)

    def _reading(self, remember: Callable[[str], None], doubt: Callable[[str], None]) -> _Reading:
        return _Reading(Values(remember, doubt, self._prose, self._field, self._link, self._is_requested))


class _Reading:
    """One pass over a command line."""

    def __init__(self, values: Values) -> None:
        self._values = values
        self._depth = 0
        self._feeds = False
        """Whether a program in this pipeline reads a secret from its standard input."""

        self._is_watched = True
        """Whether the command is the first one: another may be the rest of a password with an unquoted ``&``."""

    def line(self, argv: Sequence[str]) -> str:
        words = [literal(text.replace("\0", "\ufffd")) for text in argv[:MAX_ARGUMENTS]]
        pieces = self.command(words)
        return " ".join(_joined([*pieces, *([HIDDEN] if len(argv) > MAX_ARGUMENTS else [])]))

    def command(self, words: Sequence[Word]) -> list[str]:
        """A simple command: assignments, the program, its arguments."""
        pieces: list[str] = []
        for word in words:
            if self._depth and word.text in _RESERVED:
                pieces.append(word.text)
            elif _is_assignment(word):
                pieces.append(self._assignment(word))
            else:
                break
        at = len(pieces)
        if at == len(words):
            return pieces
        name = words[at].text.rpartition("/")[2]
        rest = words[at + 1 :]
        # Behind an assignment, a word may be the rest of a value with a blank that nobody quoted.
        if not self._is_program(words[at], is_first=self._is_watched and not any(map(_is_assignment, words[:at]))):
            self.note((words[at], *rest))
            return [*pieces, HIDDEN]
        pieces.append(words[at].text)
        if name in SHELLS:
            return pieces + self._shell(rest, is_box=name == "busybox")
        if name in PRINTERS:
            return pieces + self._printed(rest, is_format=name == "printf")
        if name in DECLARING:
            return pieces + [self._assignment(word) for word in rest]
        return pieces + Arguments(program(name), self._values, self).shown(rest)

    @staticmethod
    def _is_program(word: Word, *, is_first: bool) -> bool:
        if word.variables or len(word.text) > 255 or _PROGRAM.fullmatch(word.text) is None or is_opaque(word.text):
            return False
        return is_first or is_known(word.text.rpartition("/")[2])

    def _assignment(self, word: Word) -> str:
        if is_secret_name(word.text.partition("=")[0]):
            self.substituted(word)
        if not _is_assignment(word):
            self._values.note(word.text)
            return word.text if re.fullmatch(r"[-+][a-z]{1,8}", word.text) else HIDDEN
        return self._values.setting(word)

    def note(self, words: Sequence[Word]) -> None:
        """Remember what is a secret among words that are hidden."""
        for word in words:
            self._values.note(word.text)

    def substituted(self, word: Word) -> None:
        """Remember what the command substitutions of a secret print."""
        if self._depth >= _MAX_DEPTH:
            return
        feeds, self._feeds = self._feeds, True
        for script in word.scripts:
            self._items(parsed(script) or ())
        self._feeds = feeds

    # Shells.

    def _shell(self, words: Sequence[Word], *, is_box: bool) -> list[str]:
        pieces: list[str] = []
        if is_box and words and words[0].text in _BUSYBOX:
            pieces, words = [words[0].text], words[1:]
        for at, word in enumerate(words):
            if _SHELL_SCRIPT.fullmatch(word.text) and at + 1 < len(words):
                self.note(words[at + 2 :])
                rest = [HIDDEN] if len(words) > at + 2 else []
                return [*pieces, word.text, self._script(words[at + 1]), *rest]
            if _SHELL_OPTION.fullmatch(word.text) is None and word.text not in _SHELL_SETTINGS:
                break
            pieces.append(word.text)
        self.note(words)
        return [*pieces, HIDDEN] if words else pieces

    def _script(self, word: Word) -> str:
        items = None
        if self._depth < _MAX_DEPTH and not word.variables and "\0" not in word.text:
            items = parsed(word.text)
        if items is None:
            return HIDDEN
        was_nested, self._values.is_nested = self._values.is_nested, True
        pieces = self._items(items)
        self._values.is_nested = was_nested
        return quoted(_spaced(pieces), is_nested=was_nested)

    def _items(self, items: Sequence[Command | str]) -> list[str]:
        """Commands and the operators between them."""
        pieces: list[str] = []
        feeds, watched = self._feeds, self._is_watched
        self._depth += 1
        for pipeline in _pipelines(items):
            self._feeds = feeds or any(_is_fed(item) for item in pipeline if isinstance(item, Command))
            for item in pipeline:
                if isinstance(item, str):
                    pieces.append(item)
                else:
                    self._is_watched = watched and item is items[0]
                    pieces += _joined([*self.command(item.words), *map(self._redirected, item.redirections)])
        self._feeds, self._is_watched = feeds, watched
        self._depth -= 1
        return pieces

    def _redirected(self, one: Redirection) -> str:
        if not one.is_text:
            is_shown = _FILE.fullmatch(one.target.shape) or (one.operator[-1] == "&" and one.target.text in ("1", "2"))
            return f"{one.operator}{self._values.shown(one.target, Value.PLAIN) if is_shown else HIDDEN}"
        if self._feeds:
            self.substituted(one.target)
            for line in one.target.text.split("\n"):
                self._values.note(line, is_sure=True)
        if one.operator.endswith("<<<"):
            return f"{one.operator} {PASSWORD if self._feeds else HIDDEN}"
        return f"{one.operator}EOF {HIDDEN} EOF"

    def _printed(self, words: Sequence[Word], *, is_format: bool) -> list[str]:
        """What is printed may be a password for the next program: shown are options, formats and variables."""
        pieces: list[str] = []
        hidden: list[str] = []
        for word in words:
            if self._feeds:
                self.substituted(word)
            if not hidden and re.fullmatch(r"-[neE]{1,3}|--", word.text):
                pieces.append(word.text)
            elif is_format and not hidden and _FORMATS.fullmatch(word.text) and len(words) > 1:
                pieces.append(f"'{word.text}'" if not self._values.is_nested else f'"{word.text}"')
                is_format = False
            elif word.shape == "x" and len(word.variables) == 1 and is_shown_variable(word.variables[0]):
                pieces.append(f'"{word.text}"')
            else:
                hidden.append(word.text.removesuffix("\\n"))
                pieces += [PASSWORD if self._feeds else HIDDEN] if len(hidden) == 1 else []
        if self._feeds:
            self._values.note(" ".join(hidden), is_sure=True)
            for text in hidden[1:]:
                self._values.note(text, is_sure=is_secret_name(hidden[0]) or len(hidden) <= _FEW)
        return pieces


def _is_assignment(word: Word) -> bool:
    return _ASSIGNMENT.match(word.text) is not None


def _pipelines(items: Sequence[Command | str]) -> Iterator[list[Command | str]]:
    """Parts of a script in which one program may write what another reads."""
    pipeline: list[Command | str] = []
    is_grouped = any(item == "(" or (isinstance(item, Command) and _starts_group(item)) for item in items)
    for item in items:
        pipeline.append(item)
        if not is_grouped and item in _SEPARATORS:
            yield pipeline
            pipeline = []
    yield pipeline


def _starts_group(command: Command) -> bool:
    return bool(command.words) and command.words[0].text in _RESERVED


def _is_fed(command: Command) -> bool:
    """Whether the program may read a secret from its standard input."""
    names = [word.text.rpartition("/")[2] for word in command.words]
    if not PRINTERS.isdisjoint(names[:1]):
        return False
    return any(name in _READERS or name.endswith("-stdin") or name.startswith("docker-credential-") for name in names)


def _joined(pieces: Sequence[str]) -> list[str]:
    """`pieces`, neighbours that are hidden being one."""
    return [piece for at, piece in enumerate(pieces) if piece != HIDDEN or at == 0 or pieces[at - 1] != HIDDEN]


def _spaced(pieces: Sequence[str]) -> str:
    while pieces and pieces[-1] == ";":
        pieces = pieces[:-1]
    spaced: list[str] = []
    for at, piece in enumerate(pieces):
        is_close = at == 0 or piece in (";", ")") or pieces[at - 1] == "("
        spaced.append(piece if is_close else f" {piece}")
    return "".join(spaced)
