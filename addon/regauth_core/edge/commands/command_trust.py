"""Which certificates the watched command trusts, by its words, its environment and the files that its program reads."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final

import certifi

from regauth_core.edge.commands.authority import bundled_files
from regauth_core.edge.commands.client_command import script_words
from regauth_core.edge.errors import UserError
from regauth_core.edge.files import reason
from regauth_core.edge.mitm.upstream_trust import UpstreamTrust, certificate_files, read_certificates

# Options whose file is all that the program trusts.
_ONLY_FILE: Final[Mapping[str, tuple[str, ...]]] = {
    "curl": ("--cacert",),
    "oras": ("--ca-file", "--from-ca-file", "--to-ca-file"),
    "helm": ("--ca-file",),
    "ctr": ("--tlscacert",),
    "cosign": ("--registry-cacert",),
    "wget": ("--ca-certificate",),
}
# The same for a directory; the file names in it are hashes, and no file can be added to it.
_ONLY_DIRECTORY: Final[Mapping[str, tuple[str, ...]]] = {"curl": ("--capath",), "wget": ("--ca-directory",)}
# Options whose directory has certificates beside the system's.
_BESIDE: Final[Mapping[str, tuple[str, ...]]] = dict.fromkeys(
    ("skopeo", "podman", "buildah"), ("--cert-dir", "--src-cert-dir", "--dest-cert-dir")
)
# Who reads certs.d: containers-certs.d(5), and "Verify repository client with certificates" of docker.
_CONTAINERS: Final = ("/etc/containers/certs.d", "/etc/docker/certs.d")
_HOST_DIRECTORIES: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(("skopeo", "podman", "buildah"), _CONTAINERS),
    **dict.fromkeys(("docker", "regctl", "regsync", "nerdctl"), ("/etc/docker/certs.d",)),
}
_OF_HOME: Final = ".config/containers/certs.d"
_FILES_OF_THEIRS: Final = frozenset({"docker", "regctl", "regsync", "nerdctl", "helm", "cosign"})
"""Clients that can be given certificates in files which are not read here."""
_BY_ENVIRONMENT: Final = frozenset({"crane", "gcrane"})
"""Clients that trust what their environment says, and nothing else."""
_MAX_FILE: Final = 16 * 1024 * 1024
_KNOWN: Final = frozenset({*_ONLY_FILE, *_BESIDE, *_HOST_DIRECTORIES, *_BY_ENVIRONMENT})


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustOption:
    """An option of the command that says what it trusts."""

    name: str
    value: str
    place: int | None
    """Which word of the command ends in the value; `None` where that is inside a shell's script."""
    is_all: bool
    """Nothing else is trusted."""
    is_directory: bool


def programs(command: Sequence[str]) -> tuple[str, ...]:
    """The registry clients among the words of `command`, each once."""
    return tuple(dict.fromkeys(n for word in script_words(command) if (n := PurePath(word).name) in _KNOWN))


def is_readable(command: Sequence[str]) -> bool:
    """Whether all that the command trusts was read: its words are one known client's, which keeps it nowhere else."""
    names = programs(command)
    return bool(names) and PurePath(command[0]).name in _KNOWN and _FILES_OF_THEIRS.isdisjoint(names)


def trust_options(command: Sequence[str]) -> tuple[TrustOption, ...]:
    """The options of `command` that name certificates, in the order in which they stand there."""
    return (*_options(command, inside=False), *_options(tuple(script_words(command))[len(command) :], inside=True))


def _options(words: Sequence[str], *, inside: bool) -> Iterable[TrustOption]:
    names = [PurePath(word).name for word in words]
    for at, word in enumerate(words):
        name, equals, value = word.partition("=")
        if not name.startswith("--"):
            continue
        # The nearest client in front of it is the one that reads it.
        program = next((one for one in reversed(names[:at]) if one in _KNOWN), "")
        is_file = name in _ONLY_FILE.get(program, ())
        is_directory = name in _ONLY_DIRECTORY.get(program, ())
        if not (is_file or is_directory or name in _BESIDE.get(program, ())):
            continue
        place = at if equals else at + 1
        value = value if equals else "".join(words[place : place + 1])
        if value:
            yield TrustOption(
                name=name,
                value=value,
                place=None if inside else place,
                is_all=is_file or is_directory,
                is_directory=not is_file,
            )


def upstream_trust(
    command: Sequence[str],
    environment: Mapping[str, str],
    bundle: Path,
    *,
    authorities: Sequence[Path] = (),
    insecure: Sequence[str] = (),
    insecure_of_ours: bool = False,
) -> UpstreamTrust:
    """What the proxy has to trust in the command's place; its certificates are written to `bundle`.

    `authorities`: files that the user named beside it; `insecure` and `insecure_of_ours` as in `UpstreamTrust`.
    """
    options = trust_options(command)
    only = [one for one in options if one.is_all]
    files = [] if only else [Path(name) for name in bundled_files(environment)]
    if not only:
        for name in filter(None, environment.get("SSL_CERT_DIR", "").split(os.pathsep)):
            files += _files_in(Path(name))
    for one in options:
        files += certificate_files(Path(one.value)) if not one.is_all else _named(one)
    texts = [read_certificates(file) for file in (*files, *authorities)]
    if not any("CERTIFICATE" in text for text in texts):
        # Not even one; a client with an option that names no certificates ends by itself.
        texts = [read_certificates(Path(certifi.where()))]
    bundle.write_text("\n".join(text.rstrip("\n") for text in texts) + "\n", "utf-8")
    return UpstreamTrust(
        bundle=bundle,
        host_directories=_host_directories(command, environment),
        insecure=frozenset(name.lower() for name in insecure),
        insecure_of_ours=insecure_of_ours,
    )


def _named(option: TrustOption) -> Sequence[Path]:
    return _files_in(Path(option.value)) if option.is_directory else [Path(option.value)]


def _files_in(directory: Path) -> list[Path]:
    try:
        return sorted(file for file in directory.iterdir() if file.is_file())
    except (OSError, ValueError):
        return []


def _host_directories(command: Sequence[str], environment: Mapping[str, str]) -> tuple[Path, ...]:
    """Where the command's clients look for certificates of single hosts; everywhere if its client is not known."""
    names = programs(command)
    found = [d for name in names or _HOST_DIRECTORIES for d in _HOST_DIRECTORIES.get(name, ())]
    home = environment.get("HOME", "")
    if home and (not names or not set(names).isdisjoint(_BESIDE)):
        found.append(f"{home}/{_OF_HOME}")
    return tuple(Path(name) for name in dict.fromkeys(found))


def authority_file(name: str, text: str) -> Path:
    """A file of certificates that the user named; `name` is the option's, for errors. Raises `UserError`."""
    path = Path(text).expanduser()
    try:
        with path.open("rb") as file:
            head = file.read(_MAX_FILE)
    except OSError as error:
        raise UserError(f"{name}: {path}: {reason(error)}") from None
    if b"-----BEGIN CERTIFICATE-----" not in head:
        raise UserError(f"{name}: {path}: expected certificates in PEM")
    return path


def trusting(command: Sequence[str], authority: Path, scratch: Path) -> tuple[str, ...]:
    """`command`, where an option says that one file is all that is trusted with a file that has `authority` as well.

    The files are made in `scratch`. An option that names no readable file stays as it is, and so does a script.
    """
    words = list(command)
    for number, one in enumerate(o for o in trust_options(command) if o.is_all and not o.is_directory):
        text = read_certificates(Path(one.value))
        if one.place is None or "CERTIFICATE" not in text:
            continue
        merged = scratch / f"{number}-{PurePath(one.value).name[:100]}"
        merged.write_text(text.rstrip("\n") + "\n" + authority.read_text("ascii"), "utf-8")
        words[one.place] = words[one.place].removesuffix(one.value) + str(merged)
    return tuple(words)
