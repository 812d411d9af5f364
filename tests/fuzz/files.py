"""Puts odd values into saved files and reads them: flow files, traces and HAR files of other tools and of regauth.

    python tests/fuzz/files.py --seed 1 --count 5000

Every file is told in every format. It fails where an error gets out that says nothing to a person, or where a flow
takes those beside it along.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

sys.path[:0] = [str(Path(__file__).parent.parent), str(Path(__file__).parent.parent.parent / "addon")]

from mitmproxy.io import tnetstring  # noqa: E402
from mitmproxy.test import tflow  # noqa: E402

from kit.messages import CHALLENGE, wire  # noqa: E402
from regauth_core.edge.commands.diagnose import journal_of  # noqa: E402
from regauth_core.edge.errors import UserError, where_it_failed  # noqa: E402
from regauth_core.edge.mitm.recorder import Recorder  # noqa: E402
from regauth_core.edge.outputs.reports import print_summary, report_text  # noqa: E402
from regauth_core.edge.outputs.trace import TraceWriter  # noqa: E402
from regauth_core.model.journal import Ending  # noqa: E402
from regauth_core.redaction.redactor import Redactor  # noqa: E402
from regauth_core.report import ENDINGS  # noqa: E402

KINDS: Final = ("flows", "trace", "own HAR", "HAR")
_ODD: Final[list[Any]] = [
    None, True, False, 0, -1, 1, 10**30, 2**63, 1e308, -1e308, 1.5, float("nan"), float("inf"), "", "x", "\u202e", [],
    [[]], {}, {"a": 1}, [1, 2], ["a", "b"], "http", "a" * 5000, "9999-12-31T23:59:59+14:00",
    "0001-01-01T00:00:00-14:00",
]  # fmt: skip
_ODD_BYTES: Final[list[Any]] = [b"", b"\xff\xfe", [b"a", b"b"], [[b"a", b"b"]]]
_ODD_TEXT: Final[list[Any]] = ["\ud800", 10**400, -5, {"\ud800": "\udfff"}]


def _places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if place:
        yield place
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else ()
    for key, held in inner:
        yield from _places(held, (*place, key))


def _with(value: Any, place: tuple[Any, ...], odd: Any) -> Any:
    """`value` with `odd` at a place."""
    if not place:
        return odd
    if isinstance(value, dict):
        return {key: _with(held, place[1:], odd) if key == place[0] else held for key, held in value.items()}
    return [_with(held, place[1:], odd) if key == place[0] else held for key, held in enumerate(value)]


class Files:
    """Makes damaged files of one kind."""

    def __init__(self, directory: Path, chance: random.Random) -> None:
        self._directory, self._chance = directory, chance
        flow = tflow.tflow(resp=True)
        assert flow.response is not None
        flow.request.host, flow.request.path, flow.response.status_code = "registry.test", "/v2/foo/tags/list", 401
        flow.response.headers["www-authenticate"] = CHALLENGE
        flow.metadata["regauth"] = {"label": "a", "process": 3, "program": "b", "changes": ["c"], "request_size": 3}
        self._flow = flow.get_state()
        redactor = Redactor(b"k")
        (trace := directory / "whole.jsonl").unlink(missing_ok=True)
        recorder = Recorder(redactor, started=1.7e9, quiet_time=30.0, trace=TraceWriter(trace, redactor))
        date = ("Date", "Mon, 1 Jan 2024 00:00:00 GMT")
        recorder.end(wire(status=401, headers=(("WWW-Authenticate", CHALLENGE), date)))
        recorder.end(replace(wire("/v2/a/tags/list", answer="{}"), number=2))
        journal = recorder.finish(Ending.STOPPED, 1.8e9)
        self._lines = [json.loads(line) for line in trace.read_text().splitlines()]
        self._own = json.loads(report_text(journal, "x.har.json", redactor))
        entries = [{k: v for k, v in entry.items() if k != "_regauth"} for entry in self._own["log"]["entries"]]
        self._har = {"log": {"creator": {"name": "x"}, "entries": entries}}

    def _odd(self, value: Any, odds: list[Any]) -> Any:
        for _ in range(self._chance.choice((1, 1, 2, 3))):
            places = list(_places(value))
            if places:
                value = _with(value, self._chance.choice(places), self._chance.choice(odds))
        return value

    def one(self, kind: str) -> Path:
        """A file of this kind with odd values."""
        path = self._directory / "odd"
        if kind == "flows":
            whole = tnetstring.dumps(self._flow)
            path.write_bytes(whole + tnetstring.dumps(self._odd(self._flow, _ODD + _ODD_BYTES)) + whole)
        elif kind == "trace":
            lines = list(self._lines)
            at = self._chance.randrange(len(lines))
            lines[at] = self._odd(lines[at], _ODD + _ODD_TEXT)
            path.write_text("\n".join(map(json.dumps, lines)) + "\n")
        else:
            path.write_text(json.dumps(self._odd(self._own if kind == "own HAR" else self._har, _ODD + _ODD_TEXT)))
        return path


def complaint(path: Path, kind: str) -> str | None:
    """What is wrong with how the file is read and told; `None` if nothing is."""
    try:
        journal, redactor = journal_of([path])
        for ending in ENDINGS:
            report_text(journal, f"x{ending}", redactor)
        print_summary(journal, redactor, io.StringIO())
    except UserError:
        return "a flow takes all others along" if kind == "flows" else None
    except Exception as error:
        return f"{type(error).__name__} ({where_it_failed(error)})"
    if any("error in regauth" in note for note in journal.diagnosis.notes):
        return str(journal.diagnosis.notes)
    return "a flow takes others along" if kind == "flows" and len(journal.exchanges) < 2 else None


def complaints(directory: Path, seed: int, count: int) -> Iterator[str]:
    """What is wrong with `count` files of each kind."""
    chance = random.Random(seed)  # noqa: S311
    files = Files(directory, chance)
    for number in range(count):
        for kind in KINDS:
            said = complaint(path := files.one(kind), kind)
            if said is not None:
                yield f"{kind} {number}: {said}: {path.read_bytes()[:200]!r}"


def main() -> None:
    """Run, and fail if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=2000, help="files of each kind (2000)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        wrong = list(complaints(Path(name), given.seed, given.count))
    print("\n".join(wrong[:40]))
    print(f"seed {given.seed}: {given.count} files of each of {len(KINDS)} kinds, {len(wrong)} complaints")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
