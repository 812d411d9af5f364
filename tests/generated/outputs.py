"""Everything that regauth shows of some exchanges, by its own commands, and its trace by the observing interface."""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from unittest import mock

from generated.exchanges import Exchange, entry, har
from regauth_core.cli import main
from regauth_core.edge.inputs.har import wire_of
from regauth_core.edge.mitm.recorder import Recorder
from regauth_core.edge.outputs.trace import TraceWriter
from regauth_core.model.journal import Ending
from regauth_core.redaction.redactor import Redactor
from regauth_core.report import ENDINGS
from regauth_core.report.markdown.templates import TEMPLATES

WIDTHS: Final = ("20", "40", "80", "200")
EVERY_TEMPLATE: Final = tuple(sorted(TEMPLATES))
ANONYMIZE: Final = ("--anonymize", "hosts", "--anonymize", "repositories", "--anonymize", "users")


@dataclass(frozen=True)
class Shown:
    """An output."""

    name: str
    text: str | None
    """`None` where there is none."""
    complaint: str = ""
    """Why there is none."""


def run(arguments: Sequence[str], columns: str = "80") -> tuple[int, str, str]:
    """The exit status of the command, and what it printed and complained."""
    out, complaints = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ, {"COLUMNS": columns}),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(complaints),
    ):
        status = main(arguments)
    return status, out.getvalue(), complaints.getvalue()


def reported(name: str, source: Path, *options: str) -> Iterator[Shown]:
    """All formats of a report on `source`, which is called `name`."""
    files = [source.with_name(f"report{ending}") for ending in ENDINGS]
    _, words, complaints = run(["report", str(source), *[o for file in files for o in ("-o", str(file))], *options])
    yield Shown(f"{name}: report's words", words + complaints)
    for ending, file in zip(ENDINGS, files, strict=True):
        yield _read(f"{name}: {ending}", file, complaints)


def _read(name: str, file: Path, complaints: str) -> Shown:
    if not file.exists():
        about = next((line for line in complaints.splitlines() if file.name in line), complaints[:300])
        return Shown(name, None, about.replace(str(file), file.name))
    text = file.read_text("utf-8", "surrogateescape")
    file.unlink()
    return Shown(name, text)


def templated(name: str, source: Path, templates: Sequence[str]) -> Iterator[Shown]:
    """The Markdown report by each of `templates`, without the lines that the one before had."""
    file = source.with_name("template.md")
    seen: set[str] = set()
    for template in templates:
        _, _, complaints = run(["report", str(source), "-o", str(file), "--template", template])
        one = _read(f"{name}: .md for {template}", file, complaints)
        lines = (one.text or "").splitlines(keepends=True)
        yield one if one.text is None else Shown(one.name, "".join(line for line in lines if line not in seen))
        seen.update(lines)


def diagnosed(name: str, source: Path, *options: str, columns: str = "80") -> Shown:
    """What `diagnose` prints."""
    status, text, complaints = run(["diagnose", str(source), *options], columns)
    what = "json" if options else f"terminal, {columns}"
    return Shown(f"{name}: {what}", None if status else text + complaints, complaints)


def outputs(exchanges: Sequence[Exchange], folder: Path, templates: Sequence[str] = EVERY_TEMPLATE) -> Iterator[Shown]:
    """Everything, of the Markdown reports for projects those by `templates`."""
    source = folder / "saved.har"
    source.write_text(har(exchanges))
    yield from reported("har", source)
    for width in WIDTHS:
        yield diagnosed("har", source, columns=width)
    yield diagnosed("har", source, "--format", "json")
    yield from reported("anonymized", source, *ANONYMIZE)
    yield from templated("har", source, templates)
    trace = recorded(exchanges, folder / "trace")
    yield Shown("trace", trace.read_text("utf-8", "surrogateescape"))
    yield from reported("trace", trace)
    yield diagnosed("trace", trace)
    recorded(exchanges, trace, frozenset({"hosts", "repositories", "users"}))
    yield Shown("trace, anonymized", trace.read_text("utf-8", "surrogateescape"))


def recorded(exchanges: Sequence[Exchange], trace: Path, anonymize: frozenset[str] = frozenset()) -> Path:
    """The trace of a live recording of these."""
    trace.unlink(missing_ok=True)
    redactor = Redactor(os.urandom(32), anonymize=anonymize)
    recorder = Recorder(redactor, started=1_700_000_000.0, quiet_time=30.0, trace=TraceWriter(trace, redactor))
    for number, one in enumerate(exchanges, 1):
        wire = wire_of(json.loads(json.dumps(entry(one, 1_700_000_000.0 + number))), number)
        if wire is not None:
            recorder.end(wire)
    recorder.finish(Ending.GONE, 1_700_100_000.0)
    return trace
