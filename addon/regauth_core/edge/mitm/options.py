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
from regauth_core.auth.callers import Callers
from regauth_core.auth.permissions import Action, Permit, Permits
from regauth_core.auth.settings import AuthSettings
from regauth_core.auth.trust import Trust
from regauth_core.edge.credentials.sources import EXPECTED
from regauth_core.edge.errors import UserError, unknown_word
from regauth_core.edge.files import check_writable
from regauth_core.edge.mitm.callers import callers
from regauth_core.edge.mitm.inject_mode import Inject
from regauth_core.edge.mitm.shim import ShimTarget
from regauth_core.edge.outputs.report_file import ReportFile, report_file
from regauth_core.edge.scenarios import scenario_at, scenario_path
from regauth_core.model.finding import Severity
from regauth_core.protocol.target import origin_of
from regauth_core.simulate.scenario import Scenario

PREFIX: Final = "regauth_"
QUIET_TIME: Final = 30.0
_LONGEST_QUIET: Final = 86_400.0
_ENDINGS: Final = ", ".join(report.ENDINGS)
_REPOSITORY = re.compile(r"(?:[a-z0-9][a-z0-9._-]{0,254}(?:/[a-z0-9][a-z0-9._-]{0,254}){0,15})?")
_HOST = re.compile(r"(?:\*\.)?(?:\[[0-9a-f:.]+\]|[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?)(?::[0-9]{1,5})?")


class Anonymize(StrEnum):
    """Which names are replaced by pseudonyms."""

    HOSTS = "hosts"
    REPOSITORIES = "repositories"
    USERS = "users"


# mitmproxy drops an addon silently when an int or bool option has a bad value, so everything is text (or a list of
# texts) and is read here.
_OPTIONS: Final[tuple[tuple[str, Any, Any, str], ...]] = (
    ("trace", str, "", "File to which every exchange is appended as it ends, redacted, mode 0600."),
    (
        "report",
        Sequence[str],
        [],
        f"Report file to write at the end; may be given several times. The ending picks the format: {_ENDINGS}.",
    ),
    (
        "hosts",
        Sequence[str],
        [],
        "Registries to watch, as HOST, HOST:PORT or *.DOMAIN. Default: every host that speaks /v2/. The token servers "
        "and blob hosts that a watched registry names are watched too.",
    ),
    (
        "quiet_time",
        str,
        f"{QUIET_TIME:g}",
        "Seconds without another request from the client after which an unanswered challenge counts as ignored.",
    ),
    (
        "inject",
        str,
        Inject.OFF.value,
        "What to do about challenges: off (watch only); verify (send what a correct client would have sent, beside the "
        "client); fill (answer them for clients that send no credentials); override (also for clients that send some); "
        "shim (add the challenge of a repository to the ping of the registries in regauth_shim).",
    ),
    (
        "credentials",
        Sequence[str],
        [],
        f"Where credentials come from, one source each time: {EXPECTED}. Nothing is read unless this is set.",
    ),
    (
        "clients",
        Sequence[str],
        [],
        "Clients that regauth may use credentials for, in addition to your own processes over loopback. ADDRESS: every "
        "client on that machine. user:NAME or uid:NUMBER: processes of this user, and all that they serve (uid:0 for "
        "root's dockerd: everyone who may use docker). any-user: every user of this machine. name:HOST: clients that "
        "address a reverse proxy by this name, web pages of that name included. browser: every web page that a "
        "browser behind the proxy shows.",
    ),
    (
        "allow",
        Sequence[str],
        [],
        "What the credentials may be used for: pull, push or delete, each optionally limited to a place as in "
        "push:HOST/NAMESPACE. Default: pull.",
    ),
    (
        "trust",
        Sequence[str],
        [],
        "Where credentials may be sent beyond the safe default: http (plain http registries), unverified (with "
        "ssl_insecure), any-https (token servers on any public host), or https://HOST of a token server.",
    ),
    (
        "manner",
        Sequence[str],
        [],
        "How challenges are answered: refusal-403 (pass on a final refusal as 403, for clients that retry a 401 "
        "forever), oauth-first:HOST (ask the token server of this registry by POST first), offline (ask for a refresh "
        "token).",
    ),
    (
        "shim",
        Sequence[str],
        [],
        "Registries whose ping inject=shim rewrites, as HOST or HOST:PORT. With /REPOSITORY, that repository is asked "
        "once for its challenge.",
    ),
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
        "A scenario file, or the name of a shipped one: play that registry instead of contacting one.",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The options, read and checked."""

    trace: Path | None = None
    reports: tuple[ReportFile, ...] = ()
    hosts: tuple[str, ...] = ()
    quiet_time: float = QUIET_TIME
    anonymize: frozenset[Anonymize] = frozenset()
    scenario: Scenario | None = None
    scenario_name: str | None = None
    """How it can be asked for: its own name, or that of the file of which it was made."""
    inject: Inject = Inject.OFF
    credentials: tuple[str, ...] = ()
    callers: Callers = Callers()
    trust: Trust = Trust()
    auth_settings: AuthSettings = AuthSettings()
    shim: tuple[ShimTarget, ...] = ()


def declare(loader: Loader) -> None:
    """Add the options to mitmproxy's."""
    for name, kind, default, help_text in _OPTIONS:
        loader.add_option(f"{PREFIX}{name}", kind, default, help_text)


def settings_of(options: Any) -> Settings:
    """What mitmproxy's `options` say. Raises `UserError`, naming the option and what it takes."""
    mode = inject("regauth_inject", options.regauth_inject)
    check_mode("regauth_", mode, options.regauth_credentials, options.regauth_shim)
    return Settings(
        inject=mode,
        credentials=tuple(options.regauth_credentials),
        callers=callers(options.regauth_clients),
        trust=trust("regauth_trust", options.regauth_trust, permits("regauth_allow", options.regauth_allow)),
        auth_settings=auth_settings_of("regauth_manner", options.regauth_manner),
        shim=tuple(shim("regauth_shim", text) for text in options.regauth_shim),
        trace=writable("regauth_trace", options.regauth_trace) if options.regauth_trace else None,
        reports=tuple(report_file("regauth_report", name) for name in options.regauth_report),
        hosts=tuple(host("regauth_hosts", text, domains=True) for text in options.regauth_hosts),
        quiet_time=quiet_time("regauth_quiet_time", options.regauth_quiet_time),
        anonymize=anonymize("regauth_anonymize", options.regauth_anonymize),
        scenario=(scenario := _scenario(options.regauth_scenario)),
        scenario_name=_scenario_name(options.regauth_scenario, scenario),
    )


def unknown(deferred: Sequence[str]) -> tuple[str, ...]:
    """Of the option names that no addon took, those that begin with our prefix: one complaint each."""
    names = [f"{PREFIX}{name}" for name, *_ in _OPTIONS]
    return tuple(
        f"{name}: unknown option; expected one of {', '.join(names)}" for name in deferred if name.startswith(PREFIX)
    )


def quiet_time(name: str, text: str) -> float:
    """Seconds, more than 0 and at most a day; `name` is the option's, for errors. Raises `UserError`."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= _LONGEST_QUIET:
        raise UserError(f"{name}: expected seconds between 0 and {_LONGEST_QUIET:g}, found {text!r}")
    return seconds


def anonymize(name: str, texts: Sequence[str]) -> frozenset[Anonymize]:
    """What to anonymize, of texts that may each name several things joined by commas. Raises `UserError`."""
    words = [word.strip() for text in texts for word in text.split(",")]
    for word in words:
        if word not in Anonymize.__members__.values():
            raise unknown_word(name, word, Anonymize)
    return frozenset(Anonymize(word) for word in words)


def severity(name: str, text: str) -> Severity:
    """How bad a finding is. Raises `UserError`."""
    if text not in Severity.__members__.values():
        raise unknown_word(name, text, Severity)
    return Severity(text)


def inject(name: str, text: str) -> Inject:
    """What to do to the traffic. Raises `UserError`."""
    if text not in Inject.__members__.values():
        raise unknown_word(name, text, Inject)
    return Inject(text)


def check_mode(prefix: str, mode: Inject, credentials: Sequence[str], named: Sequence[str]) -> None:
    """Whether the mode has what it needs; `prefix` is that of the options' names. Raises `UserError`."""
    if mode in (Inject.VERIFY, Inject.FILL, Inject.OVERRIDE) and not credentials:
        raise UserError(f"{prefix}inject: {mode} needs {prefix}credentials: {EXPECTED}")
    if mode is Inject.SHIM and not named:
        raise UserError(
            f"{prefix}inject: {mode} needs {prefix}shim: HOST/REPOSITORY, whose challenge is added to the ping"
        )


def permits(name: str, texts: Sequence[str]) -> Permits:
    """What may be done with credentials, of texts that may each join several actions by commas. Raises `UserError`."""
    found = []
    for word in (word.strip() for text in texts for word in text.split(",")):
        permit = Permit.read(word)
        if permit is None:
            expected = f"{', '.join(Action)}, or one of them with :HOST or :HOST/NAMESPACE"
            raise UserError(f"{name}: expected {expected}, found {word!r}")
        found.append(permit)
    return Permits(tuple(found))


def trust(name: str, texts: Sequence[str], permits: Permits) -> Trust:
    """What the user allows. Raises `UserError`."""
    words = [text.strip() for text in texts]
    realms = [origin_of(word) for word in words if "://" in word]
    for word in words:
        if word not in ("http", "unverified", "any-https") and ("://" not in word or origin_of(word) is None):
            raise UserError(f"{name}: expected http, unverified, any-https or https://HOST, found {word!r}")
    return Trust(
        allow_http="http" in words,
        allow_unverified="unverified" in words,
        any_public_https="any-https" in words,
        trusted_realms=frozenset(realm for realm in realms if realm is not None),
        permits=permits,
    )


def auth_settings_of(name: str, texts: Sequence[str]) -> AuthSettings:
    """How challenges are answered. Raises `UserError`."""
    plain, first = set(), set()
    for word in (text.strip() for text in texts):
        kind, colon, host = word.partition(":")
        origin = origin_of(f"https://{host}") if colon and _HOST.fullmatch(host.lower()) else None
        if word in ("refusal-403", "offline"):
            plain.add(word)
        elif kind == "oauth-first" and origin is not None:
            first.add(origin)
        else:
            raise UserError(f"{name}: expected refusal-403, offline or oauth-first:HOST, found {word!r}")
    return AuthSettings(
        is_refusal_final="refusal-403" in plain, offline="offline" in plain, oauth_first=frozenset(first)
    )


def shim(name: str, text: str) -> ShimTarget:
    """A registry, perhaps with a repository. Raises `UserError`."""
    host, _, repository = text.strip().partition("/")
    if not _HOST.fullmatch(host.lower()) or host.startswith("*") or not _REPOSITORY.fullmatch(repository):
        raise UserError(f"{name}: expected HOST, HOST:PORT or either with /REPOSITORY, found {text!r}")
    return ShimTarget(host.lower(), repository or None)


def writable(name: str, text: str) -> Path:
    """A file that can be written. Raises `UserError`."""
    path = Path(text).expanduser()
    try:
        check_writable(path)
    except UserError as error:
        raise UserError(f"{name}: {error}") from None
    return path


def host(name: str, text: str, *, domains: bool = False) -> str:
    """A host, perhaps with a port; with `domains` all of a domain too. Raises `UserError`."""
    found = text.strip().lower().rstrip("/")
    if not _HOST.fullmatch(found) or (found.startswith("*") and not domains):
        expected = "HOST, HOST:PORT or *.DOMAIN" if domains else "HOST or HOST:PORT"
        raise UserError(f"{name}: expected {expected}, found {text!r}")
    return found


def _scenario_name(given: str, scenario: Scenario | None) -> str | None:
    if scenario is None:
        return None
    # Not the path, which may say whose home it is.
    path = Path(given)
    return scenario.id if path.stem == scenario.id else path.name


def _scenario(name: str) -> Scenario | None:
    try:
        return scenario_at(scenario_path(name)) if name else None
    except UserError as error:
        raise UserError(f"regauth_scenario: {error}") from None
