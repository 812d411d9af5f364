"""Everything that regauth ever shows of some traffic, in every format, by name."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from unittest import mock
from urllib.parse import quote

from kit.canaries import CORPUS, Planted, password
from kit.messages import CHALLENGE, MANIFEST, basic, opaque, wire
from kit.saved import flow_file, har_file
from regauth_core.edge.commands.diagnose import diagnose, journal_of
from regauth_core.edge.mitm.recorder import Recorder
from regauth_core.edge.outputs.reports import print_summary, report_text
from regauth_core.edge.outputs.trace import TraceWriter
from regauth_core.model.finding import Finding
from regauth_core.model.journal import Ending, Journal
from regauth_core.recording.observe import Wire
from regauth_core.redaction.redactor import Redactor
from regauth_core.report import ENDINGS
from regauth_core.report.markdown import templates
from regauth_core.report.terminal.summary import Detail, live_line

_COLOUR = re.compile(r"\x1b\[[0-9;]*m|\x1b\]8;[^\x1b]*\x1b\\")
TERMINALS = {
    "terminal, 80": {"COLUMNS": "80"},
    "terminal, 200": {"COLUMNS": "200"},
    "terminal, 27": {"COLUMNS": "27"},
    "terminal, 80, colours": {"COLUMNS": "80", "FORCE_COLOR": "1", "TERM": "xterm-256color"},
    "terminal, 200, colours": {"COLUMNS": "200", "FORCE_COLOR": "1", "TERM": "xterm-256color"},
}


@dataclass(frozen=True)
class Story:
    """Traffic with its secrets, and what else was known where it was recorded."""

    id: str
    wires: tuple[Wire, ...] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    kept: tuple[str, ...] = ()
    command: tuple[str, ...] = field(default=(), repr=False)
    version: str | None = field(default=None, repr=False)
    scenario: str | None = field(default=None, repr=False)
    notes: tuple[str, ...] = field(default=(), repr=False)


def told(*wires: Wire) -> tuple[Wire, ...]:
    """These exchanges between a ping and a challenge that nobody answers, so that there is something to be found."""
    ping = wire("/v2/", answer="{}")
    refused = wire("/v2/team/other/tags/list", status=401, headers=(("WWW-Authenticate", CHALLENGE),))
    story = (ping, *wires, refused)
    return tuple(
        replace(one, number=place, started=(at := one.started + place), first_byte=at + 0.1, ended=at + 0.2)
        for place, one in enumerate(story, 1)
    )


def _required(planted: Planted) -> Story:
    return Story(planted.id, told(planted.wire), planted.secrets, planted.kept)


def _echoes() -> list[Story]:
    """Secrets that were seen where they belong, and come again as plain words where nothing gives them away."""
    p, auth = password, "Authorization"

    def sent(name: str) -> Wire:
        return wire(MANIFEST, (auth, "Basic " + basic("alice", p(name))))

    def echoed(name: str, **headers: str) -> Wire:
        fields = tuple((key.replace("_", "-"), value) for key, value in headers.items())
        return wire(status=403, answer=f"nobody called {p(name)} lives here", headers=fields)

    login = ("skopeo", "list-tags", "--creds", "alice:" + p("N17"), "docker://registry.test/team/app")
    helper = f"credential helper printed {p('N24')} and failed"
    return [
        Story("N16a", told(sent("N16a"), echoed("N16a")), (p("N16a"),), ("lives here",)),
        Story("N16b", told(sent("N16b"), echoed("N16b", Server=p("N16b"))), (p("N16b"),)),
        Story("N16c", told(sent("N16c"), wire(MANIFEST, ("User-Agent", p("N16c")))), (p("N16c"),)),
        Story("N16d", told(sent("N16d")), (p("N16d"),), version=f"client 1.2\nconfigured for {p('N16d')}"),
        Story("N16e", told(sent("N16e")), (p("N16e"),), notes=(f"the client said: {p('N16e')} is wrong",)),
        Story("N16f", told(sent("N16f"), wire(f"/v2/team/{p('N16f')}/tags/list")), (basic("alice", p("N16f")),)),
        Story("N17", told(sent("N17")), (p("N17"), "alice:" + p("N17")), ("skopeo list-tags",), command=login),
        Story("N17b", told(sent("N17b")), (p("N17b"),), command=("client", "--as", p("N17b"))),
        Story(
            "N17c", told(), (opaque("N17c"),), command=("sh", "-c", f"curl -u alice:{opaque('N17c')} https://x.test")
        ),
        Story("N18b", told(*_redirects()), (opaque("N18a"), opaque("N18b")), ("blobs-2.test", "blobs-3.test")),
        Story("N24", told(sent("N24")), (p("N24"),), notes=(helper,)),
        Story("D30", told(_percent("D30", 3)), (p("D30"),)),
        Story(
            "D31",
            told(),
            (p("D31"), p("D31b")),
            ("docker login",),
            command=("sh", "-c", f"echo {p('D31')} | docker login --password-stdin; docker login <<< '{p('D31b')}'"),
        ),
    ]


def _odd_forms() -> list[Story]:
    """Token requests whose secrets are not where token servers want them, and answers that repeat them."""
    names = ("user[password]", "client_assertion", "code_verifier")
    bodies = {name: f"grant_type=password&{quote(name)}={password(f'D2{n}')}" for n, name in enumerate(names)}
    part = 'Content-Disposition: form-data; name="password"'
    bodies["multipart"] = f"--xx\r\n{part}\r\n\r\n{password('D23')}\r\n--xx--\r\n"
    bodies["json in form"] = "grant_type=password&data=" + quote(json.dumps({"password": password("D24")}))
    return [
        Story(f"D2{n} {name}", told(_refused_form(body, password(f"D2{n}"))), (password(f"D2{n}"),), ("wrong",))
        for n, (name, body) in enumerate(bodies.items())
    ]


def _refused_form(body: str, echo: str) -> Wire:
    return wire(
        "/token", method="POST", host="auth.registry.test", body=body.encode(), status=401, answer=f"{echo} is wrong"
    )


def _percent(name: str, times: int) -> Wire:
    """A refusal that repeats the token, percent-encoded so many times."""
    token = echo = f"a+b/c {password(name)}"
    for _ in range(times):
        echo = quote(echo, safe="")
    return wire(MANIFEST, ("Authorization", f"Bearer {token}"), status=401, answer=f"no {echo}")


def _redirects() -> list[Wire]:
    """Three hosts, each with a signature for the next."""
    first, second = (f"https://blobs-{n}.test/data?sig={opaque(name)}" for n, name in ((2, "N18a"), (3, "N18b")))
    return [
        wire(status=307, headers=(("Location", first),)),
        wire(first.partition(".test")[2], host="blobs-2.test", status=302, headers=(("Location", second),)),
        wire(second.partition(".test")[2], ("Referer", first), host="blobs-3.test"),
    ]


ODD_FORMS: tuple[Story, ...] = tuple(_odd_forms())
STORIES: tuple[Story, ...] = (*map(_required, CORPUS), *_echoes(), *ODD_FORMS)


def recorded(story: Story, redactor: Redactor, trace: Path) -> tuple[Journal, list[str]]:
    """What a live recording shows, and the lines that were told while it went on."""
    recorder = Recorder(
        redactor, started=1.0, quiet_time=30.0, credentials_known=True, trace=TraceWriter(trace, redactor)
    )
    command = redactor.command(story.command) if story.command else None
    scenario = redactor.text(story.scenario) if story.scenario else None
    recorder.environment = replace(recorder.environment, command=command, scenario=scenario)
    findings: list[Finding] = []
    for one in story.wires:
        findings += recorder.end(one)
    for note in story.notes:
        recorder.note(redactor.text(note))
    version = redactor.text(story.version) if story.version else None
    if story.command:
        command = redactor.command(story.command)
    recorder.environment = replace(recorder.environment, client_version=version, command=command)
    journal = recorder.finish(Ending.GONE, 1700000100.0)
    lines = findings or journal.diagnosis.findings
    return journal, [redactor.sweep(f"regauth: {live_line(finding)}")[0] for finding in lines]


def outputs(story: Story, folder: Path, anonymize: frozenset[str] = frozenset()) -> Iterator[tuple[str, str]]:
    """Name and text of everything that is shown: live, from the trace, and from files that other programs saved."""
    redactor = Redactor(os.urandom(32), anonymize=anonymize)
    journal, lines = recorded(story, redactor, folder / "trace")
    yield "live lines", "\n".join(lines)
    yield "trace", (folder / "trace").read_text()
    yield from _reports("live", journal, redactor)
    yield from _reports("trace", *journal_of([folder / "trace"], anonymize=anonymize))
    if anonymize:
        return
    (folder / "saved.flows").write_bytes(flow_file(story.wires))
    yield from _diagnosed("flows", folder / "saved.flows")
    (folder / "saved.har").write_text(har_file(story.wires))
    yield from _diagnosed("har", folder / "saved.har")


def _reports(source: str, journal: Journal, redactor: Redactor) -> Iterator[tuple[str, str]]:
    for ending in ENDINGS:
        yield f"{ending} of {source}", report_text(journal, f"x{ending}", redactor)
    for template in sorted(templates.TEMPLATES)[:2]:
        yield f".md for {template} of {source}", report_text(journal, "x.md", redactor, template)
    for name, variables in TERMINALS.items():
        yield f"{name} of {source}", printed(journal, redactor, variables)


def printed(journal: Journal, redactor: Redactor, variables: dict[str, str]) -> str:
    """The summary in a terminal, as it is and without its colours."""
    file = io.StringIO()
    with mock.patch.dict(os.environ, variables):
        print_summary(journal, redactor, file, detail=Detail.ALL)
    return f"{file.getvalue()}\n{_COLOUR.sub('', file.getvalue())}"


def _diagnosed(source: str, path: Path) -> Iterator[tuple[str, str]]:
    for as_json in (True, False):
        out = io.StringIO()
        with mock.patch.dict(os.environ, {"COLUMNS": "80"}):
            diagnose([path], as_json=as_json, quiet_time=None, credentials_known=True, out=out)
        yield f"diagnose {source}{', json' if as_json else ''}", out.getvalue()


def leaking(texts: Iterator[tuple[str, str]], find: Sequence[str]) -> list[str]:
    """Which of `find` is in which of the texts, as it is; for names, which have one spelling."""
    return [f"{word} in {name}" for name, text in texts for word in find if word in text]
