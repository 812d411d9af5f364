"""Why requests of the watched command were not seen, or reached no registry, in words that lead on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final
from urllib.parse import urlsplit

from regauth_core.edge.commands.authority import TRUST_VARIABLES
from regauth_core.edge.commands.client_command import PROXY_VARIABLES, loopback_place, script_words, upstream_proxy
from regauth_core.edge.commands.command_trust import is_readable, programs, trust_options
from regauth_core.edge.commands.listeners import free_port
from regauth_core.edge.files import shortened
from regauth_core.edge.mitm.hindrances import BadHandshake, Hindrances, NoConnection
from regauth_core.model.obstacle import Obstacle, ObstacleKind
from regauth_core.redaction.redactor import Redactor

_DAEMONS: Final = {"docker": "dockerd", "nerdctl": "containerd", "crictl": "the container runtime"}
"""Commands that let a daemon send their requests."""
_SETUPS: Final = {"docker": "dockerd", "nerdctl": "containerd", "crictl": "containerd", "podman": "podman-machine"}
_VERBS: Final = frozenset({"pull", "push", "login", "build", "run", "create", "search", "compose", "buildx"})
_OWN: Final = {"docker": frozenset({"manifest", "--version", "-v", "--help", "help"})}
"""What they do by themselves."""
_STRIPPERS: Final = frozenset({"sudo", "doas", "pkexec", "su", "runuser"})
_CONTAINERS: Final = frozenset({"skopeo", "podman", "buildah"})
_HTTPS: Final = 443
_WORDS: Final = {
    ObstacleKind.NO_SUCH_NAME: "there is no host of this name",
    ObstacleKind.REFUSED: "the connection is refused",
    ObstacleKind.TIMED_OUT: "no answer (timed out)",
    ObstacleKind.UNREACHABLE: "cannot be reached",
}
_CHECKS: Final = {
    ObstacleKind.NO_SUCH_NAME: "Check the spelling of the host name.",
    ObstacleKind.REFUSED: "Check the port, and whether the registry is running.",
    ObstacleKind.TIMED_OUT: "Check host and port, and whether a firewall or a proxy is between you and it.",
    ObstacleKind.UNREACHABLE: "Check host and port, and whether this machine's network reaches it.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What happened to a command, as far as obstacles go."""

    command: Sequence[str]
    environment: Mapping[str, str]
    """The user's own, without the proxy."""
    authority: Path
    """The certificate (PEM) of regauth's authority."""
    hindrances: Hindrances
    is_seen: bool
    """A registry request was recorded."""
    others_refused: bool
    """Requests came that could not be known as the command's."""


def obstacles(situation: Situation, redactor: Redactor) -> tuple[Obstacle, ...]:
    """What was in the way, the decisive first; empty where nothing was."""
    hindrances = situation.hindrances
    unmet = (*hindrances.connections, *hindrances.unanswered)
    for host, port in [(one.host, one.port) for one in hindrances.handshakes] + [(one.host, one.port) for one in unmet]:
        redactor.requested_host(host, port)  # which a client did: so it may be shown in its command
    again = redactor.command(situation.command)
    found = [_of_handshake(one, situation, redactor, again) for one in hindrances.handshakes]
    missed = [_of_connection(one, situation, redactor, again) for one in unmet]
    # Once the registry was reached it may be anybody that the client happens to try.
    found += [one for one in missed if not situation.is_seen or one.kind is ObstacleKind.OWN_PROXY]
    if not found and not situation.is_seen:
        found.append(_of_silence(situation, redactor, again))
    return tuple(found)


def _place(redactor: Redactor, host: str, port: int) -> str:
    shown = redactor.host(host)
    shown_host = f"[{shown}]" if ":" in shown else str(shown)
    return shown_host if port == _HTTPS else f"{shown_host}:{port}"


def _of_handshake(one: BadHandshake, situation: Situation, redactor: Redactor, again: str) -> Obstacle:
    place = _place(redactor, one.host, one.port)
    if one.registry is None:
        return _proxy_distrusted(place, situation, redactor)
    if is_readable(situation.command):
        client = programs(situation.command)[0]
        command = f"SSL_CERT_FILE=CA.crt regauth run -- {again}"
        if client in _CONTAINERS:
            directory = f"~/.config/containers/certs.d/{place}"
            command = f"mkdir -p {directory} && cp CA.crt {directory}/"
        return Obstacle(
            kind=ObstacleKind.REGISTRY_DISTRUSTED,
            place=place,
            title=f"{client} does not trust the certificate of {place}: {one.registry}",
            advice=f"It would not without regauth either. Give {client} the registry's authority (CA.crt):",
            command=command,
        )
    return Obstacle(
        kind=ObstacleKind.REGISTRY_UNKNOWN,
        place=place,
        title=f"regauth does not trust the certificate of {place}: {one.registry}",
        advice="If the command works without regauth, name the registry's authority:",
        command=f"regauth run --registry-ca CA.crt -- {again}",
    )


def _proxy_distrusted(place: str, situation: Situation, redactor: Redactor) -> Obstacle:
    file = shortened(str(situation.authority), situation.environment)
    options = [one.name for one in trust_options(situation.command) if one.is_all]
    options += [word.partition("=")[0] for word in script_words(situation.command) if _is_trust_variable(word)]
    client = next(iter(programs(situation.command)), "the client")
    if options:
        advice = f"{options[0]} says what it trusts: leave it out, or add {file} to what it names."
    else:
        advice = f"Add {file} to the certificates that it trusts."
    return Obstacle(
        kind=ObstacleKind.PROXY_DISTRUSTED,
        place=place,
        title=f"{client} does not trust regauth's certificate for {place}",
        advice=advice,
        command=_without_trust(situation.command, redactor),
    )


def _is_trust_variable(word: str) -> bool:
    name, equals, _ = word.partition("=")
    return bool(equals) and name in (*TRUST_VARIABLES, "SSL_CERT_DIR")


def _without_trust(command: Sequence[str], redactor: Redactor) -> str | None:
    """The command without what names certificates, behind regauth; `None` where it is in a script, or nothing is."""
    gone = {at for at, word in enumerate(command) if _is_trust_variable(word)}
    for one in trust_options(command):
        if one.is_all and one.place is not None:
            gone |= {one.place} if command[one.place].startswith(one.name) else {one.place - 1, one.place}
    kept = [word for at, word in enumerate(command) if at not in gone]
    if len(kept) > 1 and PurePath(kept[0]).name == "env" and PurePath(kept[1]).name in programs(command):
        del kept[0]  # nothing is left for it to do
    return f"regauth run -- {redactor.command(kept)}" if gone else None


def _of_connection(one: NoConnection, situation: Situation, redactor: Redactor, again: str) -> Obstacle:
    place = _place(redactor, one.host, one.port)
    own = upstream_proxy(situation.environment)
    parts = urlsplit(own) if own else None
    # mitmproxy goes to the user's proxy for everything.
    if parts is not None and (parts.hostname or "").lower() == one.host:
        shown = f"{redactor.host(one.host)}:{one.port}"
        return Obstacle(
            kind=ObstacleKind.OWN_PROXY,
            place=shown,
            title=f"your proxy {shown} (HTTPS_PROXY): {_WORDS[one.kind]}",
            advice="Start it, correct HTTPS_PROXY, or go without it:",
            command=f"env -u HTTPS_PROXY -u https_proxy regauth run -- {again}",
        )
    shown = redactor.host(one.host) if one.kind is ObstacleKind.NO_SUCH_NAME else place
    return Obstacle(
        kind=one.kind,
        place=place,
        title=f"{shown}: {_WORDS[one.kind]}",
        advice=_CHECKS[one.kind],
        command=f"curl -i https://{place}/v2/",
    )


def _of_silence(situation: Situation, redactor: Redactor, again: str) -> Obstacle:
    """Why no request came."""
    command = situation.command
    first = PurePath(command[0]).name
    for recognise in (_stripped, _daemon):
        found = recognise(command, first, redactor)
        if found is not None:
            return found
    if (place := loopback_place(command)) is not None:
        return _loopback(place, command, redactor)
    if situation.others_refused:
        return Obstacle(
            kind=ObstacleKind.OTHERS,
            place=first,
            title="requests came that the command did not start, without the password in its HTTPS_PROXY",
            advice="If a daemon sends them for the command, give it that whole URL.",
        )
    return Obstacle(
        kind=ObstacleKind.NOTHING,
        place=first,
        title="no registry request came through the proxy",
        advice="Read what the command printed. If a daemon sends its requests, set that up:",
        command="regauth setup",
    )


def _loopback(place: str, command: Sequence[str], redactor: Redactor) -> Obstacle:
    """What a program in Go sends to this machine itself. It goes by name, so another port of it is seen."""
    host, _, port = place.rpartition(":") if not place.endswith("]") and ":" in place else (place, "", "80")
    here = f"{host}:{free_port()}"
    renamed = [re.sub(rf"(?<![\w.-]){re.escape(place)}(?![\w:])", here, word) for word in command]
    return Obstacle(
        kind=ObstacleKind.LOOPBACK,
        place=place,
        title=f"programs in Go send requests to {host} directly, past every proxy",
        advice=f"Let regauth listen there too, at {here} (if a login is needed, log in to that):",
        command=f"regauth run --listen {here.rpartition(':')[2]}={host}:{port} -- {redactor.command(renamed)}",
    )


def _stripped(command: Sequence[str], first: str, redactor: Redactor) -> Obstacle | None:
    kind = ObstacleKind.STRIPPED
    if first in _STRIPPERS:
        names = ",".join((*PROXY_VARIABLES, *TRUST_VARIABLES))
        rest = redactor.command(command[1:]) if len(command) > 1 and not command[1].startswith("-") else None
        keeping = f"regauth run -- sudo --preserve-env={names} {rest}" if first == "sudo" and rest else None
        return Obstacle(
            kind=kind,
            place=first,
            title=f"no request came: {first} takes the proxy's variables away from the command",
            advice="Let it keep them:" if keeping else f"Start regauth inside of it: {first} … regauth run -- COMMAND.",
            command=keeping,
        )
    if first == "env" and not {"-i", "-", "--ignore-environment"}.isdisjoint(command[1:]):
        kept = [word for word in command if word not in ("-i", "-", "--ignore-environment")]
        return Obstacle(
            kind=kind,
            place="env -i",
            title="no request came: env -i takes the proxy's variables away from the command",
            advice="Leave -i out:",
            command=f"regauth run -- {redactor.command(kept)}",
        )
    return None


def _daemon(command: Sequence[str], first: str, _: Redactor) -> Obstacle | None:
    is_remote = first == "podman-remote" or first == "podman" and not {"--remote", "-r"}.isdisjoint(command[1:4])
    name = "podman" if is_remote else first
    if name not in _SETUPS or name == "podman" and not is_remote:
        return None
    if name in _OWN and not _OWN[name].isdisjoint(command[1:3]):
        return None
    verb = next((word for word in command[1:] if word in _VERBS), "")
    if name == "docker" and not verb:  # such as docker manifest, which is the client's own
        return None
    daemon = _DAEMONS.get(name, "podman's service")
    return Obstacle(
        kind=ObstacleKind.DAEMON,
        place=daemon,
        title=f"no request came: {' '.join(filter(None, (name, verb)))} is done by {daemon}",
        advice="It needs the proxy in its own environment. This prints how, and how to undo it:",
        command=f"regauth setup {_SETUPS[name]}",
    )
