"""Looks up credentials in the sources that the user named, and nowhere else, for the authenticator and for `whoami`.

The rules are in `auth.keychain`; here are the files, helpers, variables and the terminal. Secrets live in memory only.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from regauth_core.bounded import Bounded
from regauth_core.credentials import keychain
from regauth_core.credentials.authfile import Pair, Tool
from regauth_core.credentials.locations import Locations, places
from regauth_core.credentials.login import Login
from regauth_core.credentials.login_parsing import identified, login_of, login_of_text
from regauth_core.credentials.lookup import Answer, Found, Looked, Lookup, LookupResult, Question, WantsHelper
from regauth_core.credentials.registry_names import registry_name
from regauth_core.edge.credentials import terminal
from regauth_core.edge.credentials.credential_files import read_file
from regauth_core.edge.credentials.helpers import FRESH, SECONDS, Helpers
from regauth_core.edge.credentials.sources import (
    FileSource,
    NamedSource,
    PromptSource,
    SecretFileSource,
    Source,
    ToolSource,
    VariableSource,
    sources_of,
)
from regauth_core.edge.errors import UserError, where_it_failed
from regauth_core.edge.files import shortened
from regauth_core.model import Origin
from regauth_core.report.text import visible

__all__ = ["Keyring", "Source", "sources_of"]

_REMEMBERED: Final = 4096


@dataclass(frozen=True, slots=True)
class _Known:
    found: Found
    until: float


class Keyring:
    """The credentials of `sources`, looked up when they are needed. For one event loop.

    Where several sources know a registry: those that name it go first, the longest namespace before the shorter, then
    the others in the order in which they were given.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        environment: Mapping[str, str],
        *,
        complain: Callable[[str], None] = lambda line: None,
        clock: Callable[[], float] = time.monotonic,
        seconds: float = SECONDS,
    ) -> None:
        """`complain` gets each thing that went wrong once, as a line without secrets; `seconds` is a helper's limit."""
        self._sources = tuple(sources)
        self._environment = environment
        self._complain = complain
        self._clock = clock
        self._helpers = Helpers(environment, clock=clock, seconds=seconds)
        self._places = _places(environment)
        self._typed: dict[PromptSource, Login] = {}
        self._known: Bounded[tuple[str, str], _Known] = Bounded(_REMEMBERED)
        self._turns: Bounded[tuple[str, str], asyncio.Lock] = Bounded(_REMEMBERED)
        self._complained: set[str] = set()
        self._key = secrets.token_bytes(32)

    def prompt(self, ask: Callable[[str], Pair] = terminal.ask) -> None:
        """Let a person type what ``prompt:`` sources want; each is asked for once. Raises `UserError`."""
        for source in self._sources:
            if not isinstance(source, PromptSource) or source in self._typed:
                continue
            user, secret = ask(str(source.namespace))
            login = login_of((user, secret)) if user else login_of(None, registry_token=secret)
            if login is None:
                raise UserError(
                    f"prompt:{source.namespace}: expected a user and a password, or a token that can be sent"
                )
            self._typed[source] = login

    async def login_for(self, origin: Origin, repository: str | None) -> Found:
        """The login for a repository of the registry at `origin`, and where it was looked for. Never raises.

        What is found holds for a minute. Where a helper must be asked it may take the helper's time limit.
        """
        key = (registry_name(origin), repository or "")
        turn = self._turns.get(key)
        if turn is None:
            turn = self._turns[key] = asyncio.Lock()
        # Many requests for one repository come at once, and one lookup does for all of them.
        async with turn:
            known = self._known.get(key)
            if known is None or self._clock() >= known.until:
                known = self._known[key] = _Known(await self._looked_up(*key), self._clock() + FRESH)
            return known.found

    def find(self, origin: Origin, repository: str | None) -> Login | None:
        """What `login_for` found last for the same registry and repository, however long ago. Looks nowhere."""
        known = self._known.get((registry_name(origin), repository or ""))
        return known.found.login if known else None

    async def login_of_tool(self, tool: Tool, host: str, repository: str) -> Found:
        """What `tool` would send to the registry `host` (as it is typed), whatever the sources are."""
        return self._named(await self._driven(keychain.find(tool, self._places, host, repository)), host)

    async def _looked_up(self, registry: str, repository: str) -> Found:
        try:
            return await self.look_up(registry, repository)
        except Exception as error:
            # A fault of ours must not become one of the traffic.
            self._say(f"internal error: {where_it_failed(error)}; nothing is sent; please report")
            return Found(login=None, looked=())

    async def look_up(self, registry: str, repository: str) -> Found:
        """The same for a registry by its name (see `registry_name`), without what is remembered."""
        looked: list[Looked] = []
        for source in self._in_order(registry, repository):
            found = await self._in(source, registry, repository)
            looked += found.looked
            if found.login is not None:
                break
        else:
            found = Found(login=None, looked=())
        for each in looked:
            self._report(each)
        return self._named(Found(login=found.login, looked=tuple(looked)), registry)

    def _in_order(self, registry: str, repository: str) -> Iterator[Source]:
        named = [
            source
            for source in self._sources
            if isinstance(source, NamedSource) and source.namespace.covers(registry, repository)
        ]
        yield from sorted(named, key=lambda source: -len(source.namespace.prefix))
        yield from (source for source in self._sources if not isinstance(source, NamedSource))

    async def _in(self, source: Source, registry: str, repository: str) -> Found:
        if isinstance(source, ToolSource):
            return await self._driven(keychain.find(source.tool, self._places, registry, repository))
        if isinstance(source, FileSource):
            return await self._driven(keychain.find_in_file(source.path, source.kind, registry, repository))
        if isinstance(source, PromptSource):
            return _told("the terminal", source, self._typed.get(source) or "nothing was typed yet")
        if isinstance(source, SecretFileSource):
            answer = await asyncio.to_thread(read_file, source.path)
            text = answer.failure or "does not exist" if answer.text is None else login_of_text(answer.text)
            return _told(source.path, source, text)
        return _told(",".join(source.variables), source, self._from_variables(source))

    def _from_variables(self, source: VariableSource) -> Login | str:
        values = [self._environment.get(name, "") for name in source.variables]
        if len(values) == 1:
            return login_of_text(values[0])
        return login_of((values[0], values[1])) or "do not hold a user and password that can be sent"

    async def _driven(self, lookup: Lookup) -> Found:
        """Answer the questions of `lookup` until it ends."""
        try:
            question = next(lookup)
            while True:
                question = lookup.send(await self._answer(question))
        except StopIteration as end:
            found: Found = end.value
            return found

    async def _answer(self, question: Question) -> Answer:
        if isinstance(question, WantsHelper):
            return await self._helpers.ask(question.name, question.server)
        return await asyncio.to_thread(read_file, question.path)

    def _named(self, found: Found, registry: str) -> Found:
        if found.login is None:
            return found
        return replace(found, login=identified(found.login, registry, self._key))

    def _report(self, looked: Looked) -> None:
        if looked.outcome in (LookupResult.FAILED, LookupResult.MALFORMED):
            # A helper's key is the server that it was asked for: that came with the traffic.
            key = f"{looked.key} " if looked.key and not looked.source.startswith("docker-credential-") else ""
            self._say(f"{shortened(looked.source, self._environment)}: {key}{looked.note}")

    def _say(self, line: str) -> None:
        if line not in self._complained and len(self._complained) < _REMEMBERED:
            self._complained.add(line)
            self._complain(visible(f"credentials: {line}", 400))


def _told(where: str, source: NamedSource, login: Login | str) -> Found:
    """The end of a lookup in a source that has one login, or why it has none."""
    key = f"for {source.namespace}"
    if isinstance(login, str):
        return Found(login=None, looked=(Looked(source=where, key=key, outcome=LookupResult.MALFORMED, note=login),))
    return Found(login=login, looked=(Looked(source=where, key=key, outcome=LookupResult.MATCHED),))


def _places(environment: Mapping[str, str]) -> Locations:
    home = environment.get("HOME") or str(Path.home())
    return places(environment, home=home, user=os.getuid(), is_linux=sys.platform.startswith("linux"))
