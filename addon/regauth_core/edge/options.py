"""The options of the addon: what they are called, what they take, and what they mean once read."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from mitmproxy.addonmanager import Loader

from regauth_core import report
from regauth_core.edge.files import check_writable, scenario_path
from regauth_core.edge.scenario_file import scenario_at
from regauth_core.edge.trouble import Trouble
from regauth_core.model import Severity
from regauth_core.simulate.scenario import Scenario

PREFIX: Final = "regauth_"
QUIET_TIME: Final = 30.0
_LONGEST_QUIET: Final = 86_400.0
_ENDINGS: Final = ", ".join(report.ENDINGS)
_HOST = re.compile(r"(?:\*\.)?(?:\[[0-9a-f:.]+\]|[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?)(?::[0-9]{1,5})?")


class Inject(StrEnum):
    """What the addon does to the traffic."""

    OFF = "off"
    VERIFY = "verify"
    FILL = "fill"
    OVERRIDE = "override"
    SHIM = "shim"


class Anonymize(StrEnum):
    """Which names are replaced by pseudonyms."""

    HOSTS = "hosts"
    REPOSITORIES = "repositories"
    USERS = "users"


# mitmproxy drops an addon silently when an int or bool option has a bad value, so everything is text (or a list of
# texts) and is read here.
_OPTIONS: Final[tuple[tuple[str, Any, Any, str], ...]] = (
    ("trace", str, "", "File to which every exchange is written as it ends: append-only, redacted, mode 0600."),
    (
        "report",
        Sequence[str],
        [],
        f"Files to write at the end, one for each time it is given; the ending picks the format: {_ENDINGS}.",
    ),
    (
        "hosts",
        Sequence[str],
        [],
        "Registries to watch, as HOST, HOST:PORT or *.DOMAIN. Default: whatever speaks /v2/. The token servers and "
        "blob hosts that a watched registry names are watched too.",
    ),
    (
        "quiet_time",
        str,
        f"{QUIET_TIME:g}",
        "Seconds without a further request of the client after which an unanswered challenge is called ignored.",
    ),
    ("inject", str, Inject.OFF.value, "What to do to the traffic: off (watch only)."),
    ("credentials", Sequence[str], [], "Where credentials come from; nothing is read unless this is set."),
    (
        "anonymize",
        Sequence[str],
        [],
        "Replace names by stable pseudonyms: hosts, repositories, users. May be given several times.",
    ),
    (
        "scenario",
        str,
        "",
        "A scenario file, or the name of a shipped one: answer as that registry instead of contacting one.",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The options, read and checked."""

    trace: Path | None = None
    reports: tuple[Path, ...] = ()
    hosts: tuple[str, ...] = ()
    quiet_time: float = QUIET_TIME
    anonymize: frozenset[Anonymize] = frozenset()
    scenario: Scenario | None = None


def declare(loader: Loader) -> None:
    """Tell mitmproxy the options."""
    for name, kind, default, help_text in _OPTIONS:
        loader.add_option(f"{PREFIX}{name}", kind, default, help_text)


def settings_of(options: Any) -> Settings:
    """What mitmproxy's `options` say. Raises `Trouble`, naming the option and what it takes."""
    inject("regauth_inject", options.regauth_inject)
    if options.regauth_credentials:
        raise Trouble("regauth_credentials: not available yet; leave it out")
    return Settings(
        trace=writable("regauth_trace", options.regauth_trace) if options.regauth_trace else None,
        reports=tuple(report_file("regauth_report", name) for name in options.regauth_report),
        hosts=tuple(_host(text) for text in options.regauth_hosts),
        quiet_time=quiet_time("regauth_quiet_time", options.regauth_quiet_time),
        anonymize=anonymize("regauth_anonymize", options.regauth_anonymize),
        scenario=_scenario(options.regauth_scenario),
    )


def unknown(deferred: Sequence[str]) -> tuple[str, ...]:
    """Of the option names that no addon took, those that were meant for us: one complaint each."""
    known = ", ".join(f"{PREFIX}{name}" for name, *_ in _OPTIONS)
    return tuple(f"{name}: there is no such option; known are {known}" for name in deferred if name.startswith(PREFIX))


def quiet_time(name: str, text: str) -> float:
    """Seconds, more than 0 and at most a day; `name` is the option's, for errors. Raises `Trouble`."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= _LONGEST_QUIET:
        raise Trouble(f"{name}: expected seconds between 0 and {_LONGEST_QUIET:g}, found {text!r}")
    return seconds


def report_file(name: str, text: str) -> Path:
    """A report's file, whose ending says a format that exists and whose directory can be written. Raises `Trouble`."""
    path = writable(name, text)
    if not path.name.lower().endswith(report.ENDINGS):
        raise Trouble(f"{name}: {text}: expected a file name that ends in {' or '.join(report.ENDINGS)}")
    return path


def anonymize(name: str, texts: Sequence[str]) -> frozenset[Anonymize]:
    """What to anonymize, of texts that may each name several things joined by commas. Raises `Trouble`."""
    words = [word.strip() for text in texts for word in text.split(",")]
    for word in words:
        if word not in Anonymize.__members__.values():
            raise Trouble(f"{name}: expected one of {', '.join(Anonymize)}, found {word!r}")
    return frozenset(Anonymize(word) for word in words)


def severity(name: str, text: str) -> Severity:
    """How bad a finding is. Raises `Trouble`."""
    if text not in Severity.__members__.values():
        raise Trouble(f"{name}: expected one of {', '.join(Severity)}, found {text!r}")
    return Severity(text)


def inject(name: str, text: str) -> Inject:
    """What to do to the traffic. Raises `Trouble`."""
    if text not in Inject.__members__.values():
        raise Trouble(f"{name}: expected one of {', '.join(Inject)}, found {text!r}")
    if text != Inject.OFF:
        raise Trouble(f"{name}: {text} is not available yet; leave it {Inject.OFF}")
    return Inject(text)


def writable(name: str, text: str) -> Path:
    """A file that can be written. Raises `Trouble`."""
    path = Path(text).expanduser()
    try:
        check_writable(path)
    except Trouble as trouble:
        raise Trouble(f"{name}: {trouble}") from None
    return path


def _host(text: str) -> str:
    host = text.strip().lower().rstrip("/")
    if not _HOST.fullmatch(host):
        raise Trouble(f"regauth_hosts: expected HOST, HOST:PORT or *.DOMAIN, found {text!r}")
    return host


def _scenario(name: str) -> Scenario | None:
    try:
        return scenario_at(scenario_path(name)) if name else None
    except Trouble as trouble:
        raise Trouble(f"regauth_scenario: {trouble}") from None
