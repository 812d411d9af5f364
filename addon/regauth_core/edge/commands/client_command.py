"""What a command line says about its client, and the environment that routes it through the proxy."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Final

from regauth_core.edge.commands.authority import TRUST_VARIABLES, bundled_files

PROXY_VARIABLES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
# ALL_PROXY would lead round us where a program prefers it.
_BYPASS_VARIABLES: Final = ("NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy")

# How each registry client says its version. Only these are asked: an unknown program may take the words for an order.
_VERSION_ARGUMENTS: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(("skopeo", "podman", "buildah", "docker", "nerdctl", "ctr", "crictl", "buildctl"), ("--version",)),
    **dict.fromkeys(("oras", "crane", "gcrane", "regctl", "regsync", "helm", "cosign", "notation"), ("version",)),
    **dict.fromkeys(("curl", "wget", "umoci", "dxf"), ("--version",)),
}

# Options that can mean nothing else, whatever the program.
_PLAIN = re.compile(
    r"--(?:src-|dest-)?(?:creds|username|password|password-stdin|authfile|registry-token|identity-token|"
    r"identity-token-stdin|access-token|access-token-stdin|credentials|registry-config|oauth2-bearer|"
    r"http-user|http-password|netrc|netrc-file)(?:=.+)?",
    re.DOTALL,
)
# `-u` and `--user` are credentials to these; elsewhere they may be a number of a user, or no buffering.
_USER_OPTION: Final = frozenset({"oras", "ctr", "crane", "gcrane", "regctl", "helm", "curl", "wget", "dxf", "nerdctl"})
_SHORT_USER = re.compile(r"-u.*|--user(?:=.+)?|--pass(?:=.+)?", re.DOTALL)
_LOGIN: Final = frozenset({"docker", "podman", "skopeo", "buildah", "nerdctl"})
_AUTHORIZATION = re.compile(r"(?:(?:-H|--header)=?)?\s*authorization\s*:.+", re.DOTALL | re.IGNORECASE)
_LOOPBACK = re.compile(
    r"(?:[a-z+-]{1,20}://)?(?:[^/@\s]{0,200}@)?((?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?)(?:/.*)?",
    re.DOTALL,
)
_SHELLS: Final = frozenset({"sh", "bash", "dash", "zsh", "ash", "ksh"})


def shows_credentials(command: Sequence[str]) -> bool:
    """Whether the command line says that the client has credentials, such as ``--creds alice:…``."""
    words = list(script_words(command))
    names = [PurePath(word).name for word in words]
    short = next((name for name in names if name in _USER_OPTION), None)
    if any(_PLAIN.fullmatch(word) or _AUTHORIZATION.fullmatch(word) for word in words):
        return True
    if short is not None and any(_SHORT_USER.fullmatch(word) for word in words[names.index(short) + 1 :]):
        return True
    login = any(name in _LOGIN for name in names) and "login" in words
    return login and any(re.fullmatch(r"-[up].*", word, re.DOTALL) for word in words)


def script_words(command: Sequence[str]) -> Iterator[str]:
    """The words of the command line; where it is a shell's, those of the script behind ``-c`` too."""
    yield from command
    if command and PurePath(command[0]).name in _SHELLS:
        for before, word in zip(command, command[1:], strict=False):
            if re.fullmatch(r"-[a-z]*c", before):
                try:
                    yield from shlex.split(word, comments=True)
                except ValueError:  # an open quote: no shell would run it either
                    yield from word.split()


def loopback_place(command: Sequence[str]) -> str | None:
    """The first loopback host that the command names as an image's or a URL's, with its port if that is given."""
    for word in list(script_words(command))[1:]:
        # Behind an option's name too; an address without a port and a path is mostly something else.
        found = _LOOPBACK.fullmatch(word.partition("=")[2] if word.startswith("--") and "=" in word else word)
        if found is not None and (":" in found[1].removeprefix("[::1]") or "/" in word):
            return found[1]
    return None


def version_command(command: Sequence[str]) -> tuple[str, ...] | None:
    """What to run to learn the client's version; `None` for programs that are not known to have a harmless way."""
    arguments = _VERSION_ARGUMENTS.get(PurePath(command[0]).name)
    return (command[0], *arguments) if arguments else None


def routed(environment: Mapping[str, str], proxy: str, bundle: Path) -> dict[str, str]:
    """`environment` with the variables that send a program through `proxy` (a URL) and make it trust `bundle` (PEM).

    Other variables that name a file whose certificates are in the bundle, such as AWS_CA_BUNDLE, name the bundle too.
    """
    merged = set(bundled_files(environment))
    kept = {
        name: str(bundle) if value in merged else value
        for name, value in environment.items()
        if name not in _BYPASS_VARIABLES
    }
    return kept | dict.fromkeys(PROXY_VARIABLES, proxy) | dict.fromkeys(TRUST_VARIABLES, str(bundle))


def unrouted(environment: Mapping[str, str]) -> dict[str, str]:
    """`environment` without any proxy."""
    return {k: v for k, v in environment.items() if k not in (*_BYPASS_VARIABLES, *PROXY_VARIABLES)}


def upstream_proxy(environment: Mapping[str, str]) -> str | None:
    """The proxy that programs with this environment use for https, as a URL; `None` where they use none."""
    value = environment.get("HTTPS_PROXY") or environment.get("https_proxy") or ""
    if not value:
        return None
    return value if "://" in value else f"http://{value}"
