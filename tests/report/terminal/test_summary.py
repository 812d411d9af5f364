"""The summary in the terminal: widths, colours, hostile text, and what it says."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from kit import journals, values
from regauth_core.model.finding import Severity
from regauth_core.model.journal import Journal
from regauth_core.report.terminal import summary
from regauth_core.report.terminal.summary import Detail

ALL = [journals.per_repository, journals.correct, journals.token_exchange, journals.thousand, journals.hostile]
SGR = re.compile(r"\x1b\[[0-9;]*m")


def _printed(
    journal: Journal,
    width: int = 80,
    *,
    is_terminal: bool = False,
    encoding: str = "utf-8",
    detail: Detail = Detail.FINDINGS,
) -> str:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, newline="")
    console = Console(
        file=file, width=width, force_terminal=is_terminal, color_system="standard" if is_terminal else None
    )
    console.print(summary.summary(journal, detail=detail))
    file.flush()
    return raw.getvalue().decode(encoding)


def _succeeded(journal: Journal) -> Journal:
    """`journal` of a command that ended well."""
    return replace(journal, environment=replace(journal.environment, status=0))


@pytest.mark.parametrize("make", ALL)
@pytest.mark.parametrize("width", [20, 40, 80, 132])
def test_no_line_is_wider_than_the_terminal(make: Callable[[], Journal], width: int) -> None:
    """Everything fits the width that the terminal has."""
    assert max(cell_len(line) for line in _printed(make(), width).splitlines()) <= width


@pytest.mark.parametrize("make", [journals.per_repository, journals.token_exchange])
@pytest.mark.parametrize("width", [30, 80])
def test_number_and_status_survive_every_width(make: Callable[[], Journal], width: int) -> None:
    """The path gives way; the number at the beginning and the status never do."""
    printed = _printed(make(), width)
    for exchange in make().exchanges:
        status = str(exchange.status) if exchange.response else "—"
        assert re.search(rf"^ *{exchange.number}  .*  +{status}(  |$)", printed, re.MULTILINE)


def test_the_bug_in_one_screen() -> None:
    """At 80 columns the verdict is in the last six lines, below all that there is to say."""
    printed = _printed(journals.per_repository())
    assert printed.splitlines()[-7] == ""
    flat = " ".join(printed.split())
    for said in (
        '401 Basic realm="registry.test"',
        "error challenge-ignored",
        "Fault: client (confidence high",
        "cause: ping-derived-auth",
        "What you can do now: The password was never sent",
        "What the client's author should change: Keep challenges",
        "Clause: RFC 9110 15.5.2 https://",
    ):
        assert said in flat
    assert printed.splitlines()[-1] == "   why: regauth rules challenge-ignored"


def test_what_was_redacted_is_told_to_those_who_ask() -> None:
    """The figures come with all details, and with nothing less."""
    told = "kept: 1 host name, 1 repository, 1 body in part; replaced: 1 secret, 3 values"
    assert told in _printed(journals.per_repository(), detail=Detail.ALL).splitlines()
    assert told not in _printed(journals.per_repository())


def test_silence_is_told() -> None:
    """A correct client is told so, with what was seen."""
    printed = " ".join(_printed(_succeeded(journals.correct())).split())
    assert "seen: 2 exchanges, 1 client, 1 host; 1 challenge, 0 tokens, 1 credential sent" in printed
    assert printed.endswith("regauth: nothing is wrong: skopeo got what it asked for")


def test_silence_promises_no_more_than_was_examined() -> None:
    """Where cases are undecided or the capture has damage, nothing found is not the same as nothing wrong."""
    correct = _succeeded(journals.correct())
    noted = replace(correct, diagnosis=replace(correct.diagnosis, notes=("the capture breaks off",)))
    assert "regauth: nothing is wrong in what could be examined" in _printed(noted)
    open_ended = replace(
        correct, diagnosis=replace(correct.diagnosis, undecided=journals.token_exchange().diagnosis.undecided)
    )
    assert "regauth: undecided: the recording ends too early" in _printed(open_ended)


def test_other_hosts_are_named_and_the_rest_follows() -> None:
    """Paths of other hosts have the host before them; tokens, redirects, changes and missing answers are told."""
    printed = _printed(journals.token_exchange(), 132)
    for said in (
        "auth.test/token?service",
        "Bearer tok:3f2a91c0",
        "issued tok:3f2a91c0, valid for 300 s",
        "to https://blobs.test:8443",
        "changed by the proxy: mitmproxy answered",
        "incomplete answer (not-recorded): the capture ended",
        "challenge-not-retried, because capture cut",
        "note: the last line of the trace is cut off",
        "Verified: credentials rejected (status 401)",
    ):
        assert said in printed


@pytest.mark.parametrize("is_terminal", [False, True])
def test_hostile_text_is_shown_and_not_obeyed(is_terminal: bool) -> None:
    """No escape sequence of the data reaches the terminal; with colours, only those of the summary do."""
    printed = _printed(journals.hostile(), is_terminal=is_terminal)
    assert is_terminal == ("\x1b" in printed)
    printed = SGR.sub("", printed)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]", printed)
    assert r"\x1b]0;title\x07\x1b[31mred" in printed
    assert "[bold red]markup[/]" in printed


def test_no_colours_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a file nor `NO_COLOR` gets colours."""
    assert "\x1b" not in _printed(journals.per_repository())
    monkeypatch.setenv("NO_COLOR", "1")
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system="standard")
    with console.capture() as captured:
        console.print(summary.summary(journals.per_repository()))
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]", captured.get())


def test_a_terminal_of_ascii_gets_ascii() -> None:
    """Where the encoding cannot say more, ellipses, dashes and foreign text are replaced instead of failing."""
    journal = journals.token_exchange()
    odd = replace(journal, diagnosis=replace(journal.diagnosis, notes=("漢字",)))
    assert "note: ??" in _printed(odd, encoding="ascii")


def test_a_thousand_exchanges_are_folded() -> None:
    """A long story is short, and the refused requests in it are all there."""
    printed = _printed(journals.thousand())
    assert "×94 GET blob" in printed
    assert len(re.findall(r"^ *\d+  GET", printed.partition("\nregauth: ")[0], re.MULTILINE)) == 12


def test_what_is_no_longer_held_is_told() -> None:
    """Exchanges that were let go are counted."""
    printed = _printed(replace(journals.per_repository(), left_out=7))
    assert "7 older exchanges recorded but dropped" in printed


def test_an_empty_journal_is_told() -> None:
    """Nothing recorded is no reason to fail."""
    assert "regauth could not see what skopeo did" in _printed(values.journal([]))


def test_a_live_line_is_one_line() -> None:
    """A finding in the moment it is certain: one line, nothing obeyed."""
    assert (
        summary.live_line(values.finding(1, 2))
        == "error challenge-ignored: the client ignored the Basic challenge of repository foo at https://registry.test"
        " (exchanges 1, 2 · client c1 · https://registry.test · repository foo)"
    )
    for finding in journals.hostile().diagnosis.findings:
        assert summary.live_line(finding).isprintable()


def _many(findings: int, exchanges: int = 2) -> Journal:
    """Findings of one rule about as many repositories, of ever more clients."""
    journal = journals.per_repository()
    finding = journal.diagnosis.findings[0]
    client = journal.diagnosis.clients[0]
    told = tuple(
        replace(finding, repository=f"team/app-{number}", client=f"c{number}", exchanges=(number + 1,))
        for number in range(findings)
    )
    known = tuple(replace(client, id=f"c{number}") for number in range(findings))
    seen = tuple(replace(journal.exchanges[-1], number=number + 1) for number in range(max(findings, exchanges)))
    diagnosis = replace(journal.diagnosis, findings=told, clients=known, notes=tuple(map(str, range(findings))))
    return replace(journal, exchanges=seen, diagnosis=diagnosis, clients_of={})


def test_findings_of_one_kind_are_told_once() -> None:
    """Four thousand alike are one screen: the first in full, some more by name, the others counted."""
    printed = _printed(_many(4000), 100)
    assert len(printed) < 40_000
    assert "challenge-ignored ×4000" in printed
    assert printed.count("What you can do now") == 1
    assert "repository team/app-5" in printed
    assert "… and 3994 more cases" in printed
    assert "… and 3980 more clients" in printed


def test_few_findings_are_each_told() -> None:
    """Three of one kind are told as ever."""
    printed = _printed(_many(3))
    assert printed.count("What you can do now") == 3
    assert "challenge-ignored ×3" not in printed


def test_what_is_only_counted_can_be_found() -> None:
    """The summary says where all of it is."""
    console = Console(file=io.StringIO(), width=200, color_system=None)
    with console.capture() as capture:
        console.print(summary.summary(_many(10), "report.json"))
    assert "… and 4 more cases; for all of them see report.json" in capture.get()


def test_ever_more_kinds_are_counted() -> None:
    """However many rules fire with whatever causes, some pages remain, and the errors are among them."""
    journal = journals.per_repository()
    finding = journal.diagnosis.findings[0]
    told = tuple(replace(finding, cause=f"cause-{number}", severity=Severity.WARNING) for number in range(500))
    worst = replace(finding, rule="worst", cause="last")
    printed = _printed(replace(journal, diagnosis=replace(journal.diagnosis, findings=(*told, worst))))
    assert "error worst" in printed
    assert "kinds more" in printed
    assert len(printed) < 100_000
