"""A lookup of credentials: what it asks of the world, what it has looked at, and what came of it.

A lookup is a generator that never reads anything: it yields a `Question` and is sent the `Answer`. So one description
of a tool's rules serves the proxy, `whoami` and the tests.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, TypeAlias, TypeVar

from regauth_core.credentials import authfile_parser
from regauth_core.credentials.authfile import NOT_BASE64, AuthFile, Entry, Pair, Tool, auths_key
from regauth_core.credentials.locations import AUTH_CONFIG
from regauth_core.credentials.login import Login
from regauth_core.credentials.registry_names import same_registry

T = TypeVar("T")

HELPER_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""What may follow ``docker-credential-``: nothing that leads to another directory."""

_MOST_TOLD: Final = 32
"""Entries of one file that are shown as skipped or broken."""


class LookupResult(StrEnum):
    """What came of looking at one place."""

    MATCHED = "matched"
    MISSING = "not there"
    """The file or variable does not exist."""
    ABSENT = "no entry"
    EMPTY = "empty entry"
    """There is an entry, with nothing in it that the tool reads."""
    MALFORMED = "malformed"
    UNKNOWN = "not known"
    """The helper has nothing for this server."""
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """One place that was looked at. Holds no secret, but names of files and registries."""

    source: str
    """A file's path, a variable's name, or a helper's program."""
    key: str = ""
    """Where in it, such as ``auths["r.test"]``."""
    outcome: LookupResult
    note: str = ""
    """Why, as a clause; may be empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The end of a lookup."""

    login: Login | None
    looked: tuple[Looked, ...]
    """In the order in which the places were looked at."""
    is_refused: bool = False
    """The tool itself gets nothing: it refuses a file or gives up, where we left out what is broken."""

    @property
    def matched(self) -> Looked | None:
        """Where the login was found."""
        return next((each for each in reversed(self.looked) if each.outcome is LookupResult.MATCHED), None)


@dataclass(frozen=True, slots=True)
class WantsFile:
    """A question: what is in the file at `path`? Answered by `FileAnswer`."""

    path: str


@dataclass(frozen=True, slots=True)
class WantsHelper:
    """A question: what does ``docker-credential-NAME get`` say of `server`? Answered by `HelperAnswer`."""

    name: str
    server: str


@dataclass(frozen=True, slots=True)
class FileAnswer:
    """`text` is `None` where there is no such file, or where `failure` says why it could not be read."""

    text: str | None = field(default=None, repr=False)
    failure: str = ""


@dataclass(frozen=True, slots=True)
class HelperAnswer:
    """`pair` is `None` where the helper knows nothing, or where `failure` says what went wrong (without its words)."""

    pair: Pair | None = field(default=None, repr=False)
    failure: str = ""


Question: TypeAlias = WantsFile | WantsHelper
Answer: TypeAlias = FileAnswer | HelperAnswer
Asking: TypeAlias = Generator[Question, Answer, T]
Lookup: TypeAlias = Asking[Found]


class LookupNotes:
    """One lookup by the rules of `tool`, for a repository (may be ``""``) of a registry as the tool names it."""

    def __init__(self, tool: Tool, host: str, repository: str) -> None:
        self.tool = tool
        self.host = host
        self.name = f"{host}/{repository}" if repository else host
        self.looked: list[Looked] = []
        self._said: set[tuple[str, str]] = set()
        self._refused: set[str] = set()

    def note(self, source: str, key: str, outcome: LookupResult, note: str = "") -> None:
        """Remember what came of looking at a place."""
        self.looked.append(Looked(source=source, key=key, outcome=outcome, note=note))
        self._said.add((source, key))

    def found(self, login: Login | None) -> Found:
        """The end."""
        found = Found(login=login, looked=tuple(self.looked))
        in_variable = found.matched is not None and found.matched.source == AUTH_CONFIG
        # docker without its file still has the variable; without the variable all still have their file.
        refused = bool(self._refused - {AUTH_CONFIG}) and not (in_variable and self.tool is Tool.DOCKER)
        refused = refused or (in_variable and AUTH_CONFIG in self._refused)
        return replace(found, is_refused=refused)

    def file(self, path: str, *, legacy: bool = False) -> Asking[AuthFile | None]:
        """The file at `path`, or `None` where there is none; what of it cannot be read is noted."""
        answer = yield WantsFile(path)
        if not isinstance(answer, FileAnswer) or answer.failure:
            failure = answer.failure or "was not read"
            self.note(path, "", LookupResult.FAILED, failure + self._surrender(path))
            return AuthFile(broken=failure)
        if answer.text is None:
            self.note(path, "", LookupResult.MISSING)
            return None
        file = authfile_parser.read(answer.text, legacy=legacy)
        if file.broken:
            self.note(path, "", LookupResult.MALFORMED, file.broken + self._surrender(path))
        return file

    def helper(self, name: str, server: str) -> Asking[HelperAnswer]:
        """What a helper says, which is noted."""
        if not HELPER_NAME.fullmatch(name):
            answer = HelperAnswer(failure="not run: invalid helper name")
            self.note("docker-credential-…", server, LookupResult.FAILED, answer.failure + self._surrender(server))
            return answer
        program = f"docker-credential-{name}"
        said = yield WantsHelper(name, server)
        answer = said if isinstance(said, HelperAnswer) else HelperAnswer(failure="was not asked")
        if answer.failure:
            self.note(program, server, LookupResult.FAILED, answer.failure + self._surrender(program))
        elif answer.pair is None:
            self.note(program, server, LookupResult.UNKNOWN)
        else:
            self.note(program, server, LookupResult.MATCHED)
        return answer

    def matched(self, source: str, entry: Entry, login: Login | None) -> None:
        """Note that `entry` is the one, and what `login` it made."""
        if login:
            self.note(source, auths_key(entry.key), LookupResult.MATCHED)
        elif entry.is_empty or entry.auth == ("", ""):
            self.note(source, auths_key(entry.key), LookupResult.EMPTY)
        else:
            self.note(source, auths_key(entry.key), LookupResult.MALFORMED, "holds a credential that cannot be sent")

    def malformed(self, source: str, file: AuthFile, key: str) -> None:
        """Note that the entry `key` cannot be used."""
        place = auths_key(key)
        remark = next((remark for remark in file.remarks if remark.key == place), None)
        text = remark.text if remark else ""
        if remark and self.tool in remark.refused_by:
            text += self._refusal(source)
        elif text == NOT_BASE64:
            text += self._surrender(source)
        self.note(source, place, LookupResult.MALFORMED, text)

    def rest(self, source: str, file: AuthFile, why: str) -> None:
        """Note what of `file` was skipped: entries of the same registry, and what makes the tool refuse it."""
        refusing = {remark.key: remark.text for remark in file.remarks if self.tool in remark.refused_by}
        related = dict.fromkeys(auths_key(e.key) for e in file.entries if same_registry(e.key, self.host))
        places = [place for place in dict.fromkeys((*related, *refusing)) if (source, place) not in self._said]
        if refusing:
            self._refused.add(source)
        for place in places[:_MOST_TOLD]:
            if place in refusing:
                self.note(source, place, LookupResult.MALFORMED, refusing[place] + self._refusal(source))
            else:
                self.note(source, place, LookupResult.SKIPPED, why)
        if len(places) > _MOST_TOLD:
            self.note(source, "auths", LookupResult.SKIPPED, f"{len(places) - _MOST_TOLD} more not shown")

    def _surrender(self, source: str) -> str:
        """docker goes on with nothing, the others end with an error."""
        if self.tool is Tool.DOCKER:
            return ""
        self._refused.add(source)
        return f"; {self.tool} itself stops with an error here"

    def _refusal(self, source: str) -> str:
        self._refused.add(source)
        whole = "variable" if source == AUTH_CONFIG else "file"
        return f"; {self.tool} itself refuses the whole {whole} because of it"
