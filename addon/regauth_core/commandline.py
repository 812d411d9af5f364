"""What of a command line may be shown: the command as one would type it, its secrets replaced by shell variables."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from typing import Final

from regauth_core.prose import is_opaque

MAX_ARGUMENTS: Final = 200
MAX_ARGUMENT: Final = 1000
"""Characters of one argument that are shown."""
MAX_SCRIPT: Final = 4000
"""Characters of an argument with blanks."""

# Options as docker, podman, skopeo, oras, crane, regctl, helm and curl name them.
_PAIR_OPTIONS = frozenset({"creds", "credentials", "src-creds", "dest-creds", "from-creds", "to-creds", "user", "u"})
_USER_OPTIONS = frozenset({"username", "from-username", "to-username", "src-username", "dest-username"})
_SECRET_OPTIONS = frozenset({"p", "pass", "bearer", "auth"})
_HEADER_OPTIONS = frozenset({"header", "H"})
# Programs that write long options with one hyphen: not `-p` or `-u` with a value stuck to it.
_LONG_OPTIONS = frozenset(
    {
        "parallel", "path", "plain", "platform", "policy", "port", "prefix", "pretty", "print", "private", "privileged",
        "profile", "progress", "project", "provider", "proxy", "public", "pull", "push",
        "unpack", "unsafe", "untar", "update", "upgrade", "upload", "uri", "url",
    }
)
_OPTION = re.compile(r"(--?)([A-Za-z0-9][A-Za-z0-9\-]*+)(=?)", re.DOTALL)
_TELLING = re.compile(r"passw|passphrase|secret|token|credential|creds|api-?key", re.IGNORECASE)
_WITHOUT_VALUE = re.compile(r"(?:^|-)no-|-(?:stdin|file|path|dir)$")
_VARIABLE = re.compile(r"([A-Za-z_][A-Za-z0-9_]{0,63})=", re.DOTALL)
_HEADER = re.compile(r"([A-Za-z0-9\-]{1,64}):[ \t]*")
_STUCK = re.compile(r"-([up])(.+)", re.DOTALL)
_LONG = re.compile(r"-([a-z]+)")
_PATH_OR_PORT = re.compile(r"[./~].*|[0-9:.]+|[a-z][a-z+\-]*://.*", re.DOTALL)
_PATH_OR_WORD = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.\-]{0,31}:)?[A-Za-z0-9_./~@:,%+\-]*+")
_SHELL_WORD = re.compile(r"""(?:[^\s"']++|"[^"]*+"?+|'[^']*+'?+)++""")
# What is given to a program's standard input, as by `echo PASSWORD | docker login --password-stdin`.
_PIPED = re.compile(r"""(\b(?:echo|printf)[ \t]+(?:-\S+[ \t]+)*|<<<[ \t]*)("[^"]*"|'[^']*'|[^\s|;&]+)""")
_QUOTE = re.compile(r"""["']""")
_AROUND = "`;()|&{}"

PAIR: Final = "$USER:$PASS"
PASSWORD: Final = "$PASS"  # noqa: S105 - a placeholder
USER: Final = "$USER"


class CommandLine:
    """Replaces the secrets of an argument vector.

    `remember` gets each of them, `prose` cleans free text, `field` a header's value by the header's name.
    """

    def __init__(
        self,
        remember: Callable[[str], None],
        prose: Callable[[str], str],
        field: Callable[[str, str], str],
    ) -> None:
        self._remember = remember
        self._prose = prose
        self._field = field

    def shown(self, argv: Sequence[str]) -> str:
        """The command as one would type it into a shell."""
        shown: list[str] = []
        expected: Callable[[str], str] | None = None
        for argument in argv[:MAX_ARGUMENTS]:
            if expected is not None:
                shown.append(expected(argument))
                expected = None
                continue
            piece, expected = self._argument(argument)
            shown.append(piece)
        return " ".join(shown) + (" …" if len(argv) > MAX_ARGUMENTS else "")

    def _argument(self, argument: str) -> tuple[str, Callable[[str], str] | None]:
        """What to show, and what becomes of the next argument if it is this one's value."""
        option = _OPTION.match(argument)
        if option is None:
            return self._plain(argument), None
        dashes, name, equals = option.groups()
        rest = argument[option.end() :]
        handle = self._handler(name if len(name) == 1 else name.lower())
        if handle is not None:
            if equals:
                return option.group() + handle(rest), None
            if not rest:
                return argument, handle
        stuck = _STUCK.fullmatch(argument)
        if stuck and not equals and _LONG.split(argument)[1] not in _LONG_OPTIONS:
            return f"-{stuck[1]}" + (self._pair if stuck[1] == "u" else self._password)(stuck[2]), None
        if equals:
            return option.group() + self._plain(rest), None
        return self._plain(argument), None

    def _handler(self, name: str) -> Callable[[str], str] | None:
        if name in _PAIR_OPTIONS:
            return self._pair
        if name in _USER_OPTIONS:
            return self._user
        if name in _HEADER_OPTIONS:
            return self._header
        if _WITHOUT_VALUE.search(name):
            return None
        return self._password if name in _SECRET_OPTIONS or _TELLING.search(name) else None

    def _pair(self, value: str) -> str:
        user, colon, password = value.partition(":")
        if not colon:
            # A name alone is nobody's secret.
            return self._password(value) if is_opaque(value) else f'"{USER}"'
        self._remember(value)
        self._remember(password)
        return f'"{PAIR}"'

    def _user(self, value: str) -> str:
        return f'"{USER}"' if value else "''"

    def _password(self, value: str) -> str:
        # `mkdir -p /tmp/x` and `docker run -p 80:80`: hidden all the same, but not hunted for in the output.
        if not _PATH_OR_PORT.fullmatch(value):
            self._remember(value)
        return f'"{PASSWORD}"'

    def _header(self, value: str) -> str:
        field = _HEADER.match(value)
        if field is None:
            return self._plain(value)
        return shlex.quote(f"{field.group()}{self._field(field[1].lower(), value[field.end() :])}")

    def _plain(self, argument: str) -> str:
        """An argument that no option announces."""
        script = self._script(argument[:MAX_SCRIPT]) if " " in argument or "\n" in argument else None
        variable = _VARIABLE.match(argument)
        if variable and _TELLING.search(variable[1]):
            # Also where a script begins like that: its end cannot be told from the end of a pass phrase.
            return f"{variable[1]}={self._password(argument[variable.end() :])}"
        if script is not None:
            return shlex.quote(script)
        if is_opaque(argument) and _PATH_OR_WORD.fullmatch(argument) is None:
            return self._password(argument)
        kept = self._prose(argument[:MAX_ARGUMENT])
        if kept.startswith("<tok:") and kept.endswith(">"):
            return self._password(argument)
        return shlex.quote(kept)

    def _script(self, text: str) -> str:
        """Words of a shell: ``sh -c 'curl -u name:password …'`` holds a command line of its own."""
        expected: Callable[[str], str] | None = None

        def shown(word: re.Match[str]) -> str:
            nonlocal expected
            plain = _QUOTE.sub("", word.group())
            bare = plain.strip(_AROUND)
            if not bare:
                return word.group()
            if expected is not None:
                put, expected = expected(bare), None
            else:
                put, expected = self._argument(bare)
            # Quotes belong to the shell that reads the outer command line.
            return word.group() if put == shlex.quote(bare) else plain.replace(bare, _QUOTE.sub("", put))

        if "-stdin" in text:
            text = _PIPED.sub(lambda found: found[1] + self._password(_QUOTE.sub("", found[2])).strip('"'), text)
        return self._prose(_SHELL_WORD.sub(shown, text))
