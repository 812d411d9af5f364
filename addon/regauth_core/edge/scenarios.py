"""Scenarios on disk: files, shipped ones, and captures and reports whose registry can be played once more."""

from __future__ import annotations

import html
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import msgspec

import regauth_core
from regauth_core.edge.errors import UserError
from regauth_core.edge.inputs.captures import Captures, kind_of
from regauth_core.model import Exchange
from regauth_core.redaction.redactor import Redactor
from regauth_core.simulate.document import TEXT_LIMIT
from regauth_core.simulate.reproduction.derivation import Derivation
from regauth_core.simulate.reproduction.description import scenario_text
from regauth_core.simulate.scenario import Scenario, ScenarioError, read

MAX_REPORT = 64 << 20
"""Bytes of a report in which a scenario is looked for."""
_SNIFFED = 4096
_FENCE = re.compile(r"(`{3,})yaml[ \t]*")
_PAGE = re.compile(rb"\s*<(?:!doctype|html)\b", re.IGNORECASE)
_PRE = re.compile(r'<pre id="scenario">([^<]*)</pre>')
_MARK = "schema: regauth.scenario/"
_FINDINGS = b'"regauth.findings/'


class _Report(msgspec.Struct):
    scenario: str | None = None


def scenario_at(path: Path) -> Scenario:
    """The scenario in the file `path`: written there, carried by a report, or made of a capture.

    Raises `UserError`, one line, where the file cannot be read or is none of these.
    """
    start = _start(path)
    if kind_of(start) is not None and not _is_findings(start):
        text, _ = captured_scenario(path)
        return _read(text, f"{path} as a scenario")
    return _read(_carried(path, start), str(path))


def captured_scenario(
    path: Path, *, name: str = "captured", anonymize: frozenset[str] = frozenset()
) -> tuple[str, Derivation]:
    """The scenario called `name` of the capture in the file `path`, as text, and how far it goes.

    `anonymize` is as for `Redactor`. Raises `UserError` where the file holds no registry's traffic.
    """
    captures = Captures([path], Redactor(secrets.token_bytes(32), anonymize=anonymize))
    made = scenario_text((event for event in captures if isinstance(event, Exchange)), name)
    if made is None:
        raise UserError(f"{path}: no traffic of a registry that a scenario can express")
    return made


def is_capture(path: Path) -> bool:
    """Whether the file holds traffic, or a report that carries a scenario, rather than a scenario alone."""
    start = _start(path)
    return kind_of(start) is not None or bool(_PAGE.match(start)) or path.suffix.lower() == ".md"


def carried_scenario(path: Path) -> str | None:
    """The text of the scenario that the report in the file `path` carries; `None` where it is no such report."""
    start = _start(path)
    if kind_of(start) is not None and not _is_findings(start):
        return None
    return _carried(path, start)


def _is_findings(start: bytes) -> bool:
    return _FINDINGS in start


def _start(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_SNIFFED)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or type(error).__name__}") from None


def _carried(path: Path, start: bytes) -> str:
    """The text of a scenario, behind as many empty lines as stand above it in the file."""
    is_report = _is_findings(start) or bool(_PAGE.match(start)) or path.suffix.lower() == ".md"
    # Four bytes are the most that UTF-8 has for a character.
    text = _text(path, MAX_REPORT if is_report else 4 * TEXT_LIMIT + 1)
    if not is_report:
        return text
    if _is_findings(start):
        try:
            found = msgspec.json.decode(text, type=_Report).scenario
        except (msgspec.MsgspecError, RecursionError):
            raise UserError(f"{path}: a report of findings that cannot be read") from None
    elif _PAGE.match(start):
        match = _PRE.search(text)
        found = "\n" * text.count("\n", 0, match.start()) + html.unescape(match[1]) if match else None
    else:
        found = next(_blocks(text), None)
    if found is None:
        raise UserError(f"{path}: the report carries no scenario; use the trace it was made of")
    return found


def _blocks(text: str) -> Iterator[str]:
    """The fenced blocks of Markdown that hold a scenario."""
    lines = text.split("\n")
    begin, ticks = -1, ""
    for number, line in enumerate(lines):
        stripped = line.rstrip()
        match = _FENCE.fullmatch(stripped)
        if begin < 0 and match:
            begin, ticks = number + 1, match[1]
        elif begin >= 0 and stripped == ticks:
            block = lines[begin:number]
            if any(one.startswith(_MARK) for one in block):
                yield "\n" * begin + "\n".join(one.rstrip("\r") for one in block) + "\n"
            begin = -1


def _text(path: Path, most: int) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(most)
        return data.decode()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or type(error).__name__}") from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UserError(f"{path}:{line}: expected UTF-8") from None


def _read(text: str, name: str) -> Scenario:
    try:
        return read(text, name)
    except ScenarioError as error:
        raise UserError(str(error)) from None


_PACKAGE = Path(regauth_core.__file__).parent


# Inside the package when it is installed, beside it in a checkout.
_SHIPPED = (_PACKAGE / "scenarios", _PACKAGE.parent.parent / "scenarios")


def scenario_path(name: str) -> Path:
    """The file called `name`: a path, or the name of a shipped scenario such as ``per-repository-basic``.

    Raises `UserError` where there is neither.
    """
    given = Path(name).expanduser()
    if given.is_file():
        return given
    if given.name == name:
        for directory in _SHIPPED:
            shipped = directory / (name if name.endswith(".yaml") else f"{name}.yaml")
            if shipped.is_file():
                return shipped
    raise UserError(f"{name}: no such scenario, capture or report; regauth scenarios lists the shipped scenarios")


def shipped_scenarios() -> tuple[str, ...]:
    """The names of the scenarios that come with regauth."""
    return tuple(sorted({path.stem for directory in _SHIPPED for path in directory.glob("*.yaml")}))
