"""What `regauth_credentials` and ``--credentials`` may say of where credentials come from.

- ``docker``, ``containers``: wherever these tools look. A path: that file alone, read as docker's or as containers';
  ``docker:PATH`` and ``containers:PATH`` say as whose.
- ``env:HOST=VARIABLE``, ``file:HOST=PATH``: one line, ``USER:PASSWORD``, ``<token>:TOKEN`` for an identity token, or a
  registry token (without a colon). ``env:HOST=USER_VARIABLE,PASSWORD_VARIABLE``: user and password apart.
- ``prompt:HOST``: typed at the terminal; an empty user means that a registry token follows.

HOST is ``HOST``, ``HOST:PORT`` or either with a ``/NAMESPACE``. Secrets themselves are never written here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from regauth_core.credentials.authfile import Tool
from regauth_core.credentials.registry_names import Namespace
from regauth_core.edge.errors import UserError

EXPECTED: Final = "docker, containers, a file such as auth.json, env:HOST=VARIABLE, file:HOST=PATH or prompt:HOST"

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")


@dataclass(frozen=True, slots=True)
class ToolSource:
    """Wherever a tool looks."""

    tool: Tool


@dataclass(frozen=True, slots=True)
class FileSource:
    """A file of docker's or of containers' form; `kind` is `None` where it is to be recognised."""

    path: str
    kind: Tool | None = None


@dataclass(frozen=True, slots=True)
class VariableSource:
    """One variable that holds ``USER:PASSWORD`` or a token, or two that hold user and password."""

    namespace: Namespace
    variables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SecretFileSource:
    """A file of one line, ``USER:PASSWORD`` or a token."""

    namespace: Namespace
    path: str


@dataclass(frozen=True, slots=True)
class PromptSource:
    """A person at the terminal."""

    namespace: Namespace


NamedSource: TypeAlias = VariableSource | SecretFileSource | PromptSource
Source: TypeAlias = ToolSource | FileSource | NamedSource


def sources_of(name: str, texts: Sequence[str], environment: Mapping[str, str]) -> tuple[Source, ...]:
    """The sources that `texts` ask for, in order. Reads none of them; sees whether files and variables exist.

    `name` is the option's, for errors. Raises `UserError`, which does not quote what could be a misplaced secret.
    """
    found = []
    for number, text in enumerate(texts, 1):
        where = f"{name}: " if len(texts) == 1 else f"{name}: entry {number}: "
        found.append(_source(where, text.strip(), environment))
    return tuple(found)


def _source(where: str, text: str, environment: Mapping[str, str]) -> Source:
    if text in ("docker", "containers"):
        return ToolSource(Tool(text))
    kind, colon, rest = text.partition(":")
    if colon and kind in ("docker", "containers"):
        return FileSource(_file(f"{where}{kind}: ", rest, environment), Tool(kind))
    if colon and kind == "prompt":
        return PromptSource(_namespace(where, kind, rest))
    if colon and kind in ("env", "file"):
        host, equals, value = rest.partition("=")
        if not equals or not value:
            raise UserError(f"{where}expected {kind}:HOST={'VARIABLE' if kind == 'env' else 'PATH'}")
        namespace = _namespace(where, kind, host)
        if kind == "file":
            return SecretFileSource(namespace, _file(f"{where}file:{namespace}=…: ", value, environment))
        return VariableSource(namespace, _variables(f"{where}env:{namespace}=…", value, environment))
    return FileSource(_file(where, text, environment, f", or {EXPECTED}"))


def _namespace(where: str, kind: str, text: str) -> Namespace:
    found = Namespace.read(text)
    if found is None:
        raise UserError(f"{where}{kind}: expected HOST, HOST:PORT or HOST/NAMESPACE after {kind}:")
    return found


def _variables(where: str, text: str, environment: Mapping[str, str]) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if len(names) > 2 or not all(_VARIABLE.fullmatch(name) for name in names):
        raise UserError(
            f"{where}: expected the name of a variable, or two names, of user and password, joined by a comma"
        )
    for number, name in enumerate(names, 1):
        if not environment.get(name):
            which = "the variable" if len(names) == 1 else f"variable {number}"
            raise UserError(f"{where}: {which} is not set or empty; expected a variable that holds the credentials")
    return names


def _file(where: str, text: str, environment: Mapping[str, str], otherwise: str = "") -> str:
    home = environment.get("HOME")
    path = Path(home, text[2:]) if home and text.startswith("~/") else Path(text).expanduser()
    try:
        if text and path.is_file():
            return str(path.absolute())
        is_directory = bool(text) and path.is_dir()
    except (OSError, ValueError):
        is_directory = False
    found = "it is a directory" if is_directory else "it does not exist"
    raise UserError(f"{where}expected a file that exists{otherwise}; {found}")
