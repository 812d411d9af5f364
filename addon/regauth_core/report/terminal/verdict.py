"""The last lines of the summary in the terminal: what came of it, whose it is, and what to do now."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from regauth_core.model import Challenge, Exchange, Origin
from regauth_core.model.journal import Journal
from regauth_core.model.outcome import Conclusion, Verdict
from regauth_core.report import headlines, roles, wording
from regauth_core.report.outcome import conclusion
from regauth_core.report.text import visible

LINES: Final = 6
"""Of the whole verdict."""
_WORD: Final = re.compile(r"(?:[^\s'\"]|'[^']*+'?+|\"[^\"]*+\"?+)++")
"""A word of a shell's line, with the blanks in its quotes."""
_MARK: Final = "<- "
_DIGEST = re.compile(r"(sha256:[0-9a-f]{12})[0-9a-f]{52}\b|(sha512:[0-9a-f]{12})[0-9a-f]{116}\b")
_COLOURS: Final = {
    Verdict.OK: "bold green",
    Verdict.NOT_LOGGED_IN: "bold yellow",
    Verdict.NOT_AUTHENTICATION: "bold yellow",
    Verdict.REFUSED: "bold red",
    Verdict.REGAUTH_IN_THE_WAY: "bold yellow",
    Verdict.INCONCLUSIVE: "bold yellow",
}


def lines(journal: Journal, width: int, report: str = "") -> Iterator[Text]:
    """The verdict on `journal` in at most `LINES` lines of at most `width` cells (at least 20).

    `report` is the name of a file that has more.
    """
    told = conclusion(journal)
    width = max(20, width)
    head = list(_headline(told, width))
    command = told.next_commands[0].command if told.next_commands else ""
    why = list(_why(told, width, report))
    room = LINES - len(head) - bool(command) - len(why)
    advice = list(_folded(told.advice, width - 3, 2 if room >= 3 else 1)) if told.advice and room > 0 else []
    rows = list(_rows(journal, told, width))
    rows = rows[max(0, len(rows) - (room - len(advice))) :] if room > len(advice) else []
    yield from head
    yield from rows
    yield from advice
    if command:
        yield from _command_lines("now: ", command, width, 1 + max(0, room - len(rows) - len(advice)))
    yield from why


def shortened_path(text: str) -> str:
    """`text` with its digests as the tools of the field print them: ``sha256:96a296cddd19``."""
    return _DIGEST.sub(lambda found: found[1] or found[2], text)


def _headline(told: Conclusion, width: int) -> Iterator[Text]:
    """The title, and at the right who has to act and, if there is room, how sure that is; else on a second line."""
    whose = headlines.whose(told)
    if cell_len(f"regauth: {told.title}  {whose}") > width:
        whose = whose.partition(" · ")[0]
    title = Text.assemble(("regauth: ", _COLOURS[told.verdict]), (told.title, "bold"), no_wrap=True)
    if not whose:
        yield from _wrapped(title.plain, width, 2, _COLOURS[told.verdict])
    elif cell_len(title.plain) + 2 + cell_len(whose) <= width:
        title.append(" " * (width - cell_len(title.plain) - cell_len(whose)))
        title.append(whose, _COLOURS[told.verdict])
        yield title
    else:
        yield from _wrapped(f"{title.plain}   {whose}", width, 2, _COLOURS[told.verdict])


def _wrapped(text: str, width: int, most: int, style: str) -> Iterator[Text]:
    for line in _broken(text, width, most, "  "):
        yield Text(line, style, no_wrap=True)


def _folded(text: str, width: int, most: int) -> Iterator[Text]:
    for line in _broken(text, width, most, ""):
        yield Text(f"   {line}", no_wrap=True)


def _broken(text: str, width: int, most: int, indent: str) -> list[str]:
    """`text` broken at blanks into at most `most` lines, the last one cut where there is more."""
    made: list[str] = []
    rest = text
    while rest and len(made) < most:
        before = indent if made else ""
        room = width - len(before)
        if cell_len(rest) <= room:
            made.append(before + rest)
            break
        if len(made) == most - 1:
            made.append(before + _fitted(rest, room))
            break
        cut = set_cell_size(rest, room + 1).rfind(" ")
        cut = cut if cut > 0 else len(set_cell_size(rest, room).rstrip())
        made.append(before + rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return made


def _fitted(text: str, size: int) -> str:
    """`text` in at most `size` cells; the end gives way to an ellipsis."""
    return text if cell_len(text) <= size else set_cell_size(text, size - 1).rstrip() + "…"


def _rows(journal: Journal, told: Conclusion, width: int) -> Iterator[Text]:
    shown = [e for e in journal.exchanges if e.number in told.exchanges]
    if not shown:
        return
    home = roles.roles(journal).home
    paths = [shortened_path(wording.place(e, home).partition("?")[0]) for e in shown]
    number = max(len(str(e.number)) for e in shown)
    method = max(cell_len(_method(e)) for e in shown)
    others = [_after(journal, e, told) for e in shown]
    longest = max(map(cell_len, paths))
    tail = max(cell_len(said) + (2 + cell_len(mark) if mark else 0) for said, mark in others)
    place = max(12, min(longest, width - 3 - number - 2 - method - 1 - 2 - min(tail, width // 2)))
    for exchange, path, (said, mark) in zip(shown, paths, others, strict=True):
        line = Text(no_wrap=True)
        line.append(f"   {str(exchange.number).rjust(number)}  {_method(exchange).ljust(method)} ", "dim")
        line.append(set_cell_size(_middle(path, place), place))
        room = width - cell_len(line.plain) - 2
        said = _fitted(said, max(3, room - (2 + cell_len(mark) if mark else 0)))
        line.append(f"  {said}")
        if mark and cell_len(line.plain) + 2 + cell_len(mark) <= width:
            line.append(f"  {mark}", _COLOURS[told.verdict])
        line.rstrip()
        yield line if cell_len(line.plain) <= width else Text(_fitted(line.plain, width), no_wrap=True)


def _method(exchange: Exchange) -> str:
    return visible(exchange.request.method, 8)


def _after(journal: Journal, exchange: Exchange, told: Conclusion) -> tuple[str, str]:
    """What is said behind the path, and the mark."""
    alike = _times(journal, exchange)
    status = wording.status(exchange) + (f" ×{alike}" if alike > 1 else "")
    offered = exchange.response.challenges if exchange.response is not None else ()
    said = " ".join([status, *(_challenge(one, exchange.origin) for one in offered[:1])])
    return said, f"{_MARK}{told.mark}" if exchange.number == told.marked and told.mark else ""


def _times(journal: Journal, exchange: Exchange) -> int:
    owner = journal.clients_of.get(exchange.number)
    like = headlines.likeness(exchange)
    return sum(
        1 for e in journal.exchanges if journal.clients_of.get(e.number) == owner and headlines.likeness(e) == like
    )


def _challenge(one: Challenge, origin: Origin) -> str:
    """A challenge in short: its scheme, and the realm with the host that it names."""
    realm = one.parameter("realm") or ""
    link = one.realm_link
    if link is not None and link.origin is not None and one.kind == "bearer":
        realm = str(link.origin).partition("://")[2] if link.origin.host != origin.host else str(link.path)
        return visible(f"{one.scheme} from {realm}", 60)
    return visible(f'{one.scheme} realm="{realm}"' if realm else str(one.scheme), 60)


def _middle(text: str, size: int) -> str:
    """`text` in at most `size` cells: its middle gives way, its end stays."""
    if cell_len(text) <= size:
        return text
    end = text[-(size * 2 // 3) :]
    start = set_cell_size(text, max(1, size - cell_len(end) - 1))
    return f"{start}…{end}"


def _command_lines(label: str, command: str, width: int, most: int) -> Iterator[Text]:
    """The command, in lines that a shell reads as one; where there are more than `most`, as far as one line goes."""
    rest, text = width - 3 - len(label), visible(command)
    lines = [text] if cell_len(text) <= rest else _continued(text, rest)
    if not lines or len(lines) > most:
        cut = text if cell_len(text) <= rest else set_cell_size(text, rest - 1).rpartition(" ")[0] + " …"
        lines = [_fitted(cut, rest)]
    for number, line in enumerate(lines):
        yield Text.assemble((f"   {label}" if not number else " " * (3 + len(label)), "bold"), line, no_wrap=True)


def _continued(text: str, room: int) -> list[str]:
    """`text` broken at blanks that no quotes are around; each line but the last ends in a backslash.

    Empty where a word has no room.
    """
    lines = [""]
    for word in _WORD.findall(text):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if lines[-1] and cell_len(longer) > room - 2:
            lines[-1] += " \\"
            lines.append(word)
        else:
            lines[-1] = longer
    return lines if all(cell_len(line) <= room for line in lines) else []


def _why(told: Conclusion, width: int, report: str) -> Iterator[Text]:
    parts = []
    if told.rule is not None:
        parts.append(("why: ", f"regauth rules {visible(told.rule, 60)}"))
    if report:
        parts.append(("report: ", visible(report, 200)))
    if not parts:
        return
    line = Text("   ", no_wrap=True)
    for place, (label, text) in enumerate(parts):
        if place:
            line.append("   ")
        line.append(label, "bold")
        line.append(text)
    if cell_len(line.plain) > width:
        line = Text(_fitted(line.plain, width), no_wrap=True)
    yield line
