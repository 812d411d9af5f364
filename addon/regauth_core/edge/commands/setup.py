"""`regauth setup`: how a daemon that pulls by itself is sent through mitmdump, and the way back. Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from regauth_core.edge.commands.authority import system_bundle
from regauth_core.edge.errors import unknown_word
from regauth_core.edge.files import shortened

PORT: Final = 8080
"""mitmdump's own."""
_AUTHORITY: Final = "~/.mitmproxy/mitmproxy-ca-cert.pem"
_SYSTEM_UNITS: Final = "/etc/systemd/system"
_USER_UNITS: Final = "~/.config/systemd/user"
_RUNNING: Final = "/run/systemd/system"
"""Is there where systemd runs: sd_booted(3)."""
_UNIT_PLACES: Final = (_SYSTEM_UNITS, "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")


@dataclass(frozen=True, slots=True)
class _Daemon:
    """A daemon that pulls."""

    about: str
    unit: str
    program: str
    example: str
    is_users: bool = False
    """It is a unit of the user's own systemd."""


_DAEMONS: Final[Mapping[str, _Daemon]] = {
    "dockerd": _Daemon("docker pull, push, login and build", "docker", "dockerd", "docker pull …"),
    "containerd": _Daemon("Kubernetes, and ctr from 2.0 on", "containerd", "containerd", "crictl pull …"),
    "crio": _Daemon("Kubernetes and OpenShift", "crio", "crio", "crictl pull …"),
    "podman": _Daemon(
        "podman --remote, and docker's client with podman.socket", "podman", "podman", "podman --remote pull …", True
    ),
}
_MACHINE: Final = "podman-machine"
NAMES: Final = (*_DAEMONS, _MACHINE)


def setup(name: str | None, port: int, environment: Mapping[str, str], out: TextIO) -> int:
    """Print the steps for the daemon `name` to `out`, or which there are; the exit status, 0. Raises `UserError`.

    `port` is that of mitmdump.
    """
    if name is None:
        out.write(_listing())
    elif name == _MACHINE:
        out.write(_machine(port))
    elif name in _DAEMONS:
        home = Path(environment.get("HOME") or Path.home())
        daemon = _DAEMONS[name]
        is_rootless = name == "dockerd" and _unit_file(daemon, (home / ".config/systemd/user",))
        out.write(_steps(daemon, port, environment, home, is_users=daemon.is_users or is_rootless))
    else:
        raise unknown_word("setup", name, NAMES)
    return 0


def _listing() -> str:
    lines = ["regauth setup NAME prints how a daemon is sent through mitmdump, and how that is undone:", ""]
    for name, daemon in _DAEMONS.items():
        here = "   (on this machine)" if _unit_file(daemon, map(Path, _UNIT_PLACES)) else ""
        lines.append(f"  {name:15} {daemon.about}{here}")
    lines.append(f"  {_MACHINE:15} podman on macOS and Windows")
    return "\n".join((*lines, ""))


def _unit_file(daemon: _Daemon, places: Sequence[Path] | map[Path]) -> bool:
    return any((place / f"{daemon.unit}.service").exists() for place in places)


def _recording(port: int) -> list[str]:
    listen = f" --listen-port {port}" if port != PORT else ""
    return [
        "# 1. Record, in another terminal. Ctrl-C ends it and writes the report.",
        f'mitmdump -s "$(regauth addon)"{listen} --set regauth_report=report.md',
        "#    For a registry of a private authority add",
        "#    --set ssl_verify_upstream_trusted_ca=CA.crt",
        "",
    ]


def variables(port: int, bundle: str) -> tuple[str, ...]:
    """What a daemon needs in its environment, as ``NAME=VALUE``."""
    proxy = f"http://127.0.0.1:{port}"
    return (f"HTTPS_PROXY={proxy}", f"HTTP_PROXY={proxy}", "NO_PROXY=", f"SSL_CERT_FILE={bundle}")


def _steps(daemon: _Daemon, port: int, environment: Mapping[str, str], home: Path, *, is_users: bool) -> str:
    sudo, systemctl = ("", "systemctl --user") if is_users else ("sudo ", "sudo systemctl")
    units = _USER_UNITS if is_users else _SYSTEM_UNITS
    folder = f"{units}/{daemon.unit}.service.d"
    bundle = f"{home}/.config/regauth-ca.pem" if is_users else "/etc/regauth-ca.pem"
    shown = shortened(bundle, environment)
    system = system_bundle(environment)
    certificates = f"{system} {_AUTHORITY}" if system else _AUTHORITY
    lines = [
        *_recording(port),
        f"# 2. Send {daemon.program} through it, and let it trust mitmproxy's authority.",
        f"cat {certificates} | {sudo}tee {shown} >/dev/null",
    ]
    undo = [f"{sudo}rm {shown}"]
    if Path(_RUNNING).is_dir() or is_users:
        lines += [
            f"{sudo}mkdir -p {folder}",
            f"{sudo}tee {folder}/regauth.conf >/dev/null <<'END'",
            "[Service]",
            *(f"Environment={one}" for one in variables(port, bundle)),
            "END",
            f"{systemctl} daemon-reload && {systemctl} restart {daemon.unit}",
        ]
        undo = [
            f"{sudo}rm {folder}/regauth.conf {shown}",
            f"{systemctl} daemon-reload && {systemctl} restart {daemon.unit}",
        ]
    else:
        lines += [
            "#    systemd does not run here. Stop the daemon and start it again with",
            *(f"#      {one}" for one in variables(port, bundle)),
            "#    in its environment, for example:",
            f"sudo env {' '.join(variables(port, bundle))} {daemon.program}",
        ]
        undo += [f"#    and start {daemon.program} as before"]
    return "\n".join([*lines, "", "# 3. What fails:", daemon.example, "", "# 4. Undo:", *undo, ""])


def _machine(port: int) -> str:
    anchor = "/etc/pki/ca-trust/source/anchors/regauth.pem"
    proxy = f"http://127.0.0.1:{port}"
    return "\n".join(
        [
            *_recording(port),
            "# 2. Send the machine through it (podman hands it this proxy under the",
            "#    name host.containers.internal), and let it trust mitmproxy's authority.",
            f"podman machine ssh sudo tee {anchor} < {_AUTHORITY} >/dev/null",
            "podman machine ssh sudo update-ca-trust",
            f"podman machine stop && HTTPS_PROXY={proxy} HTTP_PROXY={proxy} podman machine start",
            "",
            "# 3. What fails:",
            "podman pull …",
            "",
            "# 4. Undo:",
            f"podman machine ssh 'sudo rm {anchor} && sudo update-ca-trust'",
            "podman machine stop && podman machine start",
            "",
        ]
    )
