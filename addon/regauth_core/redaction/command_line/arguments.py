"""The arguments of one program: what of them may be shown, by the grammar of its command line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from regauth_core.redaction.command_line.argument_values import HIDDEN, Values
from regauth_core.redaction.command_line.client_options import UNKNOWN, ClientGrammar, Positional, Value, is_secret_name
from regauth_core.redaction.command_line.shell_words import Word

_TRUTH = frozenset({"true", "false", "1", "0", "yes", "no", "auto", "always", "never", "missing"})
# An image may be called by one word behind these.
_IMAGE_COMMANDS = frozenset(
    {"pull", "push", "run", "ls", "inspect", "manifest", "digest", "tags", "tag", "list", "image", "images", "scan",
     "search", "save", "rmi", "export", "validate"}
)  # fmt: skip
_LOGINS = frozenset({"login", "logout", "auth", "docker-login"})
_DURATION = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,3})?[smhd]?")
_LOGIN_OPTIONS = {"p": Value.CREDENTIAL, "u": Value.PAIR}
_PUBLISHING = frozenset({"run", "create"})
_CREDENTIALS = frozenset({Value.PAIR, Value.USER, Value.CREDENTIAL, Value.GUARDED, Value.HEADER})


class Reading(Protocol):
    """What reading arguments needs of the command line that they stand in."""

    def command(self, words: Sequence[Word]) -> list[str]:
        """What to show of a simple command."""
        ...

    def note(self, words: Sequence[Word]) -> None:
        """Remember what is a secret among words that are hidden."""
        ...

    def substituted(self, word: Word) -> None:
        """Remember what the command substitutions of a secret print."""
        ...


class Arguments:
    """The arguments of one program, read by its grammar."""

    def __init__(
        self,
        grammar: ClientGrammar,
        values: Values,
        reading: Reading,
    ) -> None:
        self._client = grammar
        self._values = values
        self._reading = reading
        self._commands: list[str] = []
        self._places = 0
        self._pieces: list[str] = []
        self._expected: Value | None = None
        self._doubtful = False
        """Whether the next word may be the value of an option that is not known."""
        self._is_behind_credential = False
        """Whether the next word may be the rest of a credential with a blank that nobody quoted."""

    def shown(self, words: Sequence[Word]) -> list[str]:
        """What to show of the arguments."""
        ended = False
        for at, word in enumerate(words):
            if self._expected is not None and self._value(word):
                continue
            # Options behind `--` are another program's, or meant as options.
            if self._is_last() or (ended and word.text.startswith("-") and self._client.starts is None):
                self._reading.note(words[at:])
                self._pieces.append(HIDDEN)
                break
            if self._client.starts == self._places and (ended or not word.text.startswith("-")):
                return self._pieces + self._reading.command(words[at:])
            if not ended and word.text == "--":
                ended = True
                self._pieces.append("--")
            elif not ended and word.text.startswith("-") and len(word.text) > 1:
                self._option(word)
            else:
                self._place(word)
        return self._pieces

    def _is_last(self) -> bool:
        """Whether another program's arguments begin here, as behind the image of ``docker run``."""
        return self._places > 0 and not self._client.runs.isdisjoint(self._commands)

    def _value(self, word: Word) -> bool:
        """Take `word` as the value of the option before it, unless it is an option itself."""
        kind, self._expected = self._expected or Value.HIDDEN, None
        looks_like_option = word.text.startswith("-") and len(word.text) > 1
        if looks_like_option and kind not in _CREDENTIALS:
            return False
        self._doubtful = looks_like_option
        self._is_behind_credential = kind in _CREDENTIALS
        if looks_like_option and self._kind(word.text.lstrip("-")) is not None:
            self._pieces.append(HIDDEN)
        else:
            self._pieces.append(self._shown(word, kind))
        return True

    def _shown(self, word: Word, kind: Value) -> str:
        if kind in _CREDENTIALS:
            self._reading.substituted(word)
        return self._values.shown(word, kind)

    def _option(self, word: Word) -> None:
        was_doubtful = self._doubtful
        self._doubtful = self._is_behind_credential = False
        dashes = "--" if word.text.startswith("--") else "-"
        name, equals, value = word.text[len(dashes) :].partition("=")
        kind = self._kind(name)
        is_long = len(name) > 1 and (dashes == "--" or kind is not None or not self._client.grouped)
        if dashes == "-" and len(name) == 1:
            is_long = equals == "=" or not value
        if was_doubtful and dashes == "-" and kind is None:
            self._unknown(word, name, value, has_value=False)
        elif not is_long:
            self._group(word)
        elif kind is None or (dashes == "--" and len(name) == 1):
            self._unknown(word, name, value, has_value=equals == "=")
        elif not equals:
            self._pieces.append(f"{dashes}{name}")
            self._expected = None if kind is Value.NONE else kind
        elif kind is Value.NONE:
            self._pieces.append(f"{dashes}{name}={value if value in _TRUTH else HIDDEN}")
        else:
            shown = self._shown(_behind(word, len(dashes) + len(name) + 1), kind)
            self._pieces.append(f"{dashes}{name}={shown}")

    def _kind(self, name: str) -> Value | None:
        if name in _LOGIN_OPTIONS and not _LOGINS.isdisjoint(self._commands):
            return _LOGIN_OPTIONS[name]
        if name == "p" and not _PUBLISHING.isdisjoint(self._commands):
            return Value.PORTS
        return self._client.options.get(name)

    def _unknown(self, word: Word, name: str, value: str, *, has_value: bool) -> None:
        self._pieces.append(HIDDEN)
        if has_value:
            self._values.note(value, is_sure=is_secret_name(name))
        elif is_secret_name(name):
            self._expected = Value.CREDENTIAL
        else:
            self._doubtful = True

    def _group(self, word: Word) -> None:
        """``-sSfL`` and ``-ualice:…``: flags, and at the end an option with its value."""
        text = word.text
        for at in range(1, len(text)):
            kind = self._kind(text[at])
            if kind is Value.NONE:
                continue
            if kind is None:
                self._unknown(word, text[1:], "", has_value=False)
            elif at + 1 == len(text):
                self._pieces.append(text)
                self._expected = kind
            else:
                self._stuck(word, at + 1, kind)
            return
        self._pieces.append(text)

    def _stuck(self, word: Word, at: int, kind: Value) -> None:
        equals = "=" if word.text.startswith("=", at) else ""
        if kind is Value.PLAIN and not equals and is_secret_name(word.text[1:]):
            kind = Value.HIDDEN
        self._pieces.append(f"{word.text[:at]}{equals}{self._shown(_behind(word, at + len(equals)), kind)}")
        # `-pass WORD` of a program that writes long options with one hyphen
        self._doubtful = kind in _CREDENTIALS and word.text[2:].isalpha() and is_secret_name(word.text[1:])

    def _place(self, word: Word) -> None:
        if self._doubtful:
            self._doubtful = False
            self._reading.note([word])
            self._pieces.append(HIDDEN)
            return
        if not self._places and word.text in self._client.commands and not (self._commands and self._client is UNKNOWN):
            self._commands.append(word.text)
            self._pieces.append(word.text)
            return
        self._places += 1
        self._pieces.append(self._placed(word))

    def _placed(self, word: Word) -> str:
        is_rest, self._is_behind_credential = self._is_behind_credential, False
        if self._client.place is not Positional.REFERENCE:
            self._values.note(word.text, is_sure=self._client.place is Positional.SECRET or "login" in self._commands)
            return HIDDEN
        if not _LOGINS.isdisjoint(self._commands):
            if self._places == 1:
                return self._values.host(word)
            self._values.note(word.text, is_sure=True)
            return HIDDEN
        if self._client.starts is not None and _DURATION.fullmatch(word.text):
            return word.text
        may_be_bare = not is_rest and self._places == 1 and not _IMAGE_COMMANDS.isdisjoint(self._commands)
        return self._values.reference(word, may_be_bare=may_be_bare)


def _behind(word: Word, at: int) -> Word:
    """The value in `word` that begins at `at`, in front of which nothing is a variable."""
    return Word(word.text[at:], word.shape[at:], word.variables, word.scripts)
