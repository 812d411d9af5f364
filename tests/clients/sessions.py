"""Clients at work behind regauth: `regauth run`, mitmdump with the addon, and the daemons that some clients need."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import STDOUT
from typing import Any, Final

from clients.processes import ended, killed_if_left, start, status_of, wait_until
from clients.programs import BASIC, PASSWORD, ROOT, SYSTEM_PATH, Place, path_of
from kit.canaries import leaks
from regauth_core.edge.commands.authority import certificate

_TAP: Final = Path(__file__).with_name("tap.py")
_ENDINGS: Final = (".json", ".md", ".trace")


@dataclass(frozen=True, slots=True)
class Told:
    """What regauth told of a session, and how that ended."""

    status: int
    output: str
    """All that was printed; of `regauth run` the client's complaints too."""
    reports: Mapping[str, str]
    """By the ending of the file's name."""
    secrets: tuple[str, ...]
    """All that must not be told."""

    @property
    def document(self) -> dict[str, Any]:
        """The findings and what belongs to them."""
        document: dict[str, Any] = json.loads(self.reports[".json"])
        return document

    @property
    def findings(self) -> list[tuple[str, ...]]:
        """Of each finding its rule, severity, fault, confidence, cause and repository."""
        keys = ("rule", "severity", "fault", "confidence", "cause", "repository")
        return [tuple(finding[key] for key in keys) for finding in self.document["findings"]]

    @property
    def doubts(self) -> list[Any]:
        """What is undecided, and the notes."""
        return [*self.document["undecided"], *self.document["notes"]]

    def leaks(self) -> list[str]:
        """The secrets that were told, and where."""
        told = {"output": self.output, **self.reports}
        return [f"{where}: {leak}" for where, text in told.items() for leak in leaks(text, self.secrets)]


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a session, all in one directory."""

    directory: Path

    @property
    def output(self) -> Path:
        """What was printed."""
        return self.directory / "output"

    @property
    def tap(self) -> Path:
        """The secrets that went by."""
        return self.directory / "secrets"

    def report(self, ending: str) -> str:
        """The report, or the trace, whose name has this ending."""
        return str(self.directory / f"told{ending}")

    def told(self, status: int) -> Told:
        """What the files hold at the end."""
        tapped = self.tap.read_text("utf-8").splitlines() if self.tap.exists() else []
        reports = {ending: Path(self.report(ending)) for ending in _ENDINGS}
        return Told(
            status,
            self.output.read_text("utf-8"),
            {ending: file.read_text("utf-8") for ending, file in reports.items() if file.exists()},
            tuple(dict.fromkeys([PASSWORD, BASIC, *(json.loads(line) for line in tapped)])),
        )


def _made(directory: Path) -> Files:
    directory.mkdir()
    return Files(directory)


def _scenario_file(scenario: str | Path) -> str:
    """The file of a shipped scenario, by its name, or of another one."""
    return str(scenario if isinstance(scenario, Path) else ROOT / "scenarios" / f"{scenario}.yaml")


def run(command: Sequence[str], scenario: str | Path, place: Place, state_home: Path, *options: str) -> Told:
    """`regauth run` with the command against the scenario; below `state_home` it keeps its authority."""
    files = _made(place.directory / "regauth")
    regauth = [
        *(sys.executable, str(_TAP), "run", "--scenario", _scenario_file(scenario), "--trace", files.report(".trace")),
        *("-o", files.report(".json"), "-o", files.report(".md"), *options, "--", *command),
    ]
    environment = {**place.environment, "XDG_STATE_HOME": str(state_home), "REGAUTH_TAP": str(files.tap)}
    with files.output.open("wb") as output:
        process = start(regauth, environment, stderr=output)
    return files.told(ended(process))


class Mitmdump:
    """A mitmdump with the addon from a bare checkout, playing a scenario."""

    def __init__(self, scenario: str, directory: Path, authority_dir: Path, *settings: str) -> None:
        """Start it; `settings` are further options of the addon's, such as ``regauth_quiet_time=1``."""
        self._files = _made(directory)
        self._certificate = str(certificate(authority_dir))
        all_settings = [
            *(f"confdir={authority_dir}", "flow_detail=0", f"regauth_scenario={_scenario_file(scenario)}"),
            *(f"regauth_trace={self._files.report('.trace')}", f"regauth_report={self._files.report('.json')}"),
            *(f"regauth_report={self._files.report('.md')}", *settings),
        ]
        command = [
            *(str(Path(sys.executable).with_name("mitmdump")), "--listen-host", "127.0.0.1", "--listen-port", "0"),
            *("-s", "addon/regauth.py", "-s", str(_TAP)),
            *(word for setting in all_settings for word in ("--set", setting)),
        ]
        environment = {
            **{"PATH": SYSTEM_PATH, "HOME": str(directory)},
            **{"PYTHONUNBUFFERED": "1", "REGAUTH_TAP": str(self._files.tap)},
        }
        with self._files.output.open("wb") as output:
            self._process = start(command, environment, directory=ROOT, stdout=output, stderr=STDOUT)
        self._port = self.wait_for(r"listening at \S*:(\d+)")[1]

    @property
    def variables(self) -> dict[str, str]:
        """What routes a client through it and makes the client trust it."""
        return {
            **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY"), f"http://127.0.0.1:{self._port}"),
            **dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"), self._certificate),
        }

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Wait until it has printed what matches `pattern`."""

        def found() -> re.Match[str] | None:
            return re.search(pattern, self._files.output.read_text("utf-8"))

        wait_until(lambda: found() is not None or self._process.poll() is not None, self._files.output)
        match = found()
        assert match is not None, self._files.output.read_text("utf-8")
        return match

    def stop(self) -> Told:
        """End it as Ctrl-C does; what it told."""
        self._process.send_signal(signal.SIGINT)
        return self._files.told(ended(self._process))

    def __enter__(self) -> Mitmdump:
        return self

    def __exit__(self, *_: object) -> None:
        with killed_if_left(self._process):
            pass


@contextlib.contextmanager
def dockerd(place: Place, variables: Mapping[str, str]) -> Iterator[list[str]]:
    """A docker daemon with the graph-driver store, whose environment has `variables`; the words that call it."""
    daemon, docker = docker_commands(place)
    with _daemon(daemon, {**place.environment, **variables}, [*docker, "version"], place):
        yield docker


def docker_commands(place: Place) -> tuple[list[str], list[str]]:
    """How to start a docker daemon that keeps to the place and lets the machine's network be, and how to call it."""
    directory = place.directory / "dockerd"
    directory.mkdir()
    (directory / "daemon.json").write_text("{}", "utf-8")
    host = f"unix://{directory}/socket"
    daemon = [
        *(
            path_of("dockerd") or "dockerd",
            "--config-file",
            f"{directory}/daemon.json",
            "--pidfile",
            f"{directory}/pid",
        ),
        *("--data-root", f"{directory}/data", "--exec-root", f"{directory}/exec", "--host", host),
        *("--storage-driver=vfs", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--bridge=none"),
    ]
    return daemon, [path_of("docker") or "docker", "--host", host]


@contextlib.contextmanager
def containerd(place: Place) -> Iterator[str]:
    """A containerd for `ctr`, which asks the registry by itself and keeps there what it gets; the daemon's socket."""
    directory = place.directory / "containerd"
    directory.mkdir()
    socket = f"{directory}/socket"
    (directory / "config.toml").write_text(
        f'version = 2\nroot = "{directory}/root"\nstate = "{directory}/state"\n'
        'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
        f'[grpc]\naddress = "{socket}"\n',
        "utf-8",
    )
    daemon = [path_of("containerd") or "containerd", "--config", f"{directory}/config.toml"]
    with _daemon(daemon, place.environment, [path_of("ctr") or "ctr", "--address", socket, "version"], place):
        yield socket


@contextlib.contextmanager
def _daemon(
    command: Sequence[str], environment: Mapping[str, str], sign: Sequence[str], place: Place
) -> Iterator[None]:
    """A daemon that runs while inside; it is ready when the command `sign` succeeds, and must end well."""
    log = place.directory / "daemon.log"
    with log.open("wb") as output:
        process = start(command, environment, stdout=output, stderr=STDOUT)
    with killed_if_left(process):
        wait_until(lambda: status_of(sign, place.environment) == 0, log)
        yield
        process.terminate()
        assert ended(process) == 0, log.read_text("utf-8", "replace")[-2000:]
