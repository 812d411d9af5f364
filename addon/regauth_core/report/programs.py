"""Registry clients as one types them: what each is called, how one logs in with it, and what helps where it fails."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

from regauth_core.model.finding import Client
from regauth_core.model.journal import Journal
from regauth_core.report.text import visible

_LONGEST: Final = 40
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,39}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A registry client."""

    name: str
    login: str = ""
    """The command that logs in; ``{host}`` is the registry. Empty where there is none."""
    with_login: str = ""
    """The words that give one command a login, where there is no command for it."""
    options: tuple[str, ...] = ()
    """Options about the connection that the command for a login takes as well."""
    takes_shim: bool = False
    """It logs in by itself where the ping asks it to."""
    finder: str = ""
    """What ``regauth whoami --as`` calls the way in which it finds a login."""


_CONTAINERS: Final = ("--tls-verify", "--cert-dir", "--authfile")
_ORAS: Final = ("--plain-http", "--insecure", "--ca-file", "--registry-config")


def _containers(name: str) -> Program:
    return Program(name=name, login=f"{name} login {{host}}", options=_CONTAINERS, takes_shim=True, finder="containers")


_PROGRAMS: Final[Mapping[str, Program]] = {
    one.name: one
    for one in (
        *map(_containers, ("skopeo", "podman", "buildah")),
        Program(name="docker", login="docker login {host}", takes_shim=True, finder="docker"),
        Program(name="nerdctl", login="nerdctl login {host}", options=("--insecure-registry",), finder="docker"),
        Program(name="oras", login="oras login {host}", options=_ORAS, finder="docker"),
        Program(
            name="crane",
            login='crane auth login {host} -u "$REG_USER" --password-stdin',
            options=("--insecure",),
            takes_shim=True,
            finder="crane",
        ),
        Program(name="regctl", login="regctl registry login {host}", finder="docker"),
        Program(name="helm", login="helm registry login {host}", options=("--plain-http", "--insecure", "--ca-file")),
        Program(name="cosign", login='cosign login {host} -u "$REG_USER"', takes_shim=True, finder="crane"),
        Program(name="notation", login="notation login {host}"),
        Program(name="ctr", with_login='--user "$REG_USER"'),
        Program(name="curl", with_login='-u "$REG_USER"'),
        Program(name="wget", with_login='--user="$REG_USER" --ask-password'),
    )
}
_SAME: Final[Mapping[str, str]] = {
    "podman-remote": "podman",
    "dockerd": "docker",
    "docker-buildx": "docker",
    "buildkitd": "docker",
    "containerd": "nerdctl",
    "gcrane": "crane",
    "regsync": "regctl",
    "regbot": "regctl",
}
_SHELLS: Final = frozenset({"sh", "bash", "dash", "zsh", "ash", "ksh", "env", "sudo", "timeout", "nice", "time"})


def program(name: str) -> Program:
    """The client that is called `name`; one of which nothing is known where it is none."""
    return _PROGRAMS.get(_SAME.get(name, name)) or Program(name=name)


def words_of(journal: Journal) -> tuple[str, ...]:
    """The command that was watched, as words; empty where there was none."""
    try:
        return tuple(shlex.split(journal.environment.command or ""))
    except ValueError:  # what was redacted in it was half of a quotation
        return ()


def name_of(client: Client | None, words: Sequence[str] = ()) -> str:
    """What a client is called: by its process, by its user agent, by the command; else ``the client``."""
    process = (client.process or "").partition(" (")[0] if client is not None and "(" in (client.process or "") else ""
    agent = (client.user_agent or "").partition("/")[0] if client is not None else ""
    typed = PurePath(words[0]).name if words else ""
    for name in (process, agent, typed):
        known = PurePath(name).name
        if (known in _PROGRAMS or known in _SAME) and _NAME.fullmatch(known):
            return known
    for name in (process, typed, agent):
        if _NAME.fullmatch(name) and name not in _SHELLS and not name.startswith(("python", "Mozilla", "Go-http")):
            return visible(name, _LONGEST)
    return "the client"


def login_command(one: Program, host: str, words: Sequence[str]) -> str:
    """The shell line that logs in at `host` (with the port as one types it); empty where nothing is known.

    `words` is the user's own command, whose options about the connection are taken over.
    """
    if one.login:
        kept = _kept(one.options, words)
        line = one.login.format(host=_quoted(host))
        return " ".join([line, *kept])
    if one.with_login and words and PurePath(words[0]).name == one.name:
        return " ".join([*map(_quoted, words[:1]), one.with_login, *map(_quoted, words[1:])])
    return ""


def shell_line(words: Sequence[str]) -> str:
    """The words as one types them."""
    return " ".join(map(_quoted, words))


def _kept(options: Sequence[str], words: Sequence[str]) -> list[str]:
    kept: list[str] = []
    for place, word in enumerate(words):
        name, equals, _ = word.partition("=")
        if name not in options:
            continue
        kept.append(_quoted(word))
        following = words[place + 1 : place + 2]
        if not equals and name in ("--cert-dir", "--authfile", "--ca-file", "--registry-config") and following:
            kept += map(_quoted, following)
    return kept


def _quoted(word: str) -> str:
    """A word for a shell: variables for secrets stay variables, and the ellipsis for what was redacted stays bare."""
    if re.fullmatch(r"\$REG_USER|\$REG_PASS|\$REG_USER:\$REG_PASS", word):
        return f'"{word}"'
    return word if re.fullmatch(r"[\w@%+=:,./…-]+", word) else shlex.quote(visible(word))
