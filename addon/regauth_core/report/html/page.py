"""The report as one HTML file that needs no network and, to be read, no script."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterator
from importlib import resources
from string import Template

from regauth_core.model.finding import Fault, Finding, Undecided
from regauth_core.model.journal import Journal
from regauth_core.report import headlines, replay, wording
from regauth_core.report.html import diagram, exchanges
from regauth_core.report.html.markup import Markup, element, joined, link, text
from regauth_core.report.outcome import conclusion
from regauth_core.report.text import counted

_FILE = "report.html"


def render(journal: Journal) -> str:
    """`journal` as a page: findings first, then the drawing, then every exchange.

    Its content security policy allows nothing but its own style and script, by their hashes.
    """
    style, script = _data("page.css"), _data("page.js")
    anchors = exchanges.anchors(journal)
    body = element(
        "main",
        _heading(journal),
        _findings(journal, anchors),
        _open_ends(journal, anchors),
        _sequence(journal, anchors),
        _exchanges(journal),
        _scenario(journal),
        element("footer", element("p", wording.redaction(journal.redaction)), _origin(journal)),
    )
    return Template(_data("page.html")).substitute(
        title=text(f"regauth: {_verdict(journal)}").html,
        style=style,
        script=script,
        style_hash=_hash(style),
        script_hash=_hash(script),
        body=body.html,
    )


def _data(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _hash(code: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()


def _verdict(journal: Journal) -> str:
    return conclusion(journal).title


def _counts(journal: Journal) -> str:
    findings = journal.diagnosis.findings
    if not findings:
        return wording.silence(journal)
    kinds = Counter(finding.severity for finding in findings)
    worst_first = sorted(kinds.items(), key=lambda item: -item[0].rank)
    return ", ".join(counted(number, kind) for kind, number in worst_first)


def _heading(journal: Journal) -> Markup:
    end = conclusion(journal)
    about = [element("p", headlines.whose(end), class_="title")] if headlines.whose(end) else []
    if end.advice:
        about.append(element("p", end.advice))
    if end.next_commands:
        about.append(element("pre", *(joined(f"$ {one.command}", Markup("\n")) for one in end.next_commands)))
    about.append(element("p", f"{_counts(journal)}; {wording.seen(journal)}."))
    environment = journal.environment
    if environment.command is not None:
        about.append(element("pre", f"$ {environment.command}"))
    return element("header", element("h1", _verdict(journal)), *about)


def _findings(journal: Journal, anchors: dict[int, str]) -> Markup:
    worst_first = sorted(journal.diagnosis.findings, key=lambda finding: -finding.severity.rank)
    if not worst_first:
        return Markup("")
    findings = [_finding(finding, anchors) for finding in worst_first]
    return element("section", element("h2", "Findings"), *findings, aria_label="Findings")


def _finding(finding: Finding, anchors: dict[int, str]) -> Markup:
    rows = [
        ("Fault", text(wording.culprit(finding))),
        ("Evidence", _evidence(finding, anchors)),
        ("What you can do now", text(finding.advice.user)),
    ]
    if finding.fault is Fault.CLIENT:
        rows.append(("What the client's author should change", text(finding.advice.client_author)))
    if finding.verification is not None:
        rows.insert(2, ("Verified", text(wording.verification(finding.verification))))
    clauses = [element("li", link(one.url, f"{one.document}, {one.section}")) for one in finding.references]
    if clauses:
        rows.append(("Clauses", element("ul", *clauses)))
    return element(
        "article",
        element(
            "h3",
            element("span", str(finding.severity), class_=f"severity {finding.severity}"),
            " ",
            element("code", finding.rule),
        ),
        element("p", finding.title, class_="title"),
        element("p", finding.explanation),
        _pairs(rows),
        class_=f"finding {finding.severity}",
    )


def _evidence(one: Finding | Undecided, anchors: dict[int, str]) -> Markup:
    links: list[Markup | str] = []
    for number in one.exchanges:
        known = number in anchors
        links += [element("a", str(number), href=f"#{anchors[number]}") if known else str(number), " "]
    where = f"client {one.client} · {one.registry}"
    repository = f" · repository {one.repository}" if one.repository is not None else ""
    return joined("exchange " if len(one.exchanges) == 1 else "exchanges ", *links, "· ", where, repository)


def _open_ends(journal: Journal, anchors: dict[int, str]) -> Markup:
    diagnosis = journal.diagnosis
    entries = [
        element(
            "li",
            element("code", case.rule),
            f", because {case.reason.replace('-', ' ')}: ",
            case.explanation,
            " ",
            element("small", _evidence(case, anchors)),
        )
        for case in diagnosis.undecided
    ]
    notes = [element("li", note) for note in diagnosis.notes]
    if journal.left_out:
        notes.append(element("li", wording.left_out(journal)))
    parts = []
    if entries:
        parts.append(element("section", element("h2", "Undecided"), element("ul", *entries)))
    if notes:
        parts.append(element("section", element("h2", "Notes"), element("ul", *notes)))
    return joined(*parts)


def _sequence(journal: Journal, anchors: dict[int, str]) -> Markup:
    if not journal.exchanges:
        return Markup("")
    scroll = element(
        "div", diagram.drawing(journal, anchors), class_="scroll", tabindex="0", role="region", aria_label="Sequence"
    )
    return element("section", element("h2", "Sequence"), scroll)


def _scenario(journal: Journal) -> Markup:
    """The registry once more, for a reader and for `regauth run --scenario`."""
    if not journal.scenario:
        return Markup("")
    return element(
        "section",
        element("h2", "Play it once more"),
        element("p", f"Save this page as {_FILE}. {replay.remark(journal)}"),
        element("pre", f"$ {replay.command(journal, _FILE)}"),
        element(
            "details",
            element("summary", replay.summary(journal)),
            element("pre", *(joined(line, Markup("\n")) for line in journal.scenario), id="scenario"),
        ),
    )


def _exchanges(journal: Journal) -> Markup:
    if not journal.exchanges:
        return element("p", "No exchange was recorded.")
    return element("section", element("h2", "Exchanges"), _filters(journal), exchanges.conversations(journal))


def _filters(journal: Journal) -> Markup:
    """Shown by the script, which alone can obey them."""
    owners = dict.fromkeys(journal.clients_of.get(one.number, "") for one in journal.exchanges)
    clients = [element("option", name or "unknown", value=str(place)) for place, name in enumerate(owners, 1)]
    kinds = [element("option", f"{kind}xx", value=str(kind)) for kind in range(1, 6)]
    kinds.append(element("option", "none", value="0"))
    every = element("option", "all", value="")
    return element(
        "form",
        element("label", "client ", element("select", every, *clients, id="of-client")),
        element("label", "status ", element("select", every, *kinds, id="of-status")),
        element("label", "text ", element("input", type="search", id="of-text")),
        element("label", element("input", type="checkbox", id="of-evidence"), " only evidence"),
        element("output", "", id="shown", aria_live="polite"),
        id="filters",
        hidden=True,
    )


def _origin(journal: Journal) -> Markup:
    environment = journal.environment
    rows = [
        ("regauth", environment.regauth),
        ("mitmproxy", environment.mitmproxy),
        ("platform", environment.platform),
        ("scenario", environment.scenario),
        ("exit status", str(environment.status) if environment.status is not None else None),
    ]
    pairs = [(name, text(value)) for name, value in rows if value is not None]
    version = list(_version(journal))
    return joined(_pairs(pairs), *version)


def _version(journal: Journal) -> Iterator[Markup]:
    printed = journal.environment.client_version
    if printed is not None:
        lines = [joined(line, Markup("\n")) for line in printed.splitlines()[:40]]
        yield element("pre", *lines)


def _pairs(rows: list[tuple[str, Markup]]) -> Markup:
    return element("dl", *(joined(element("dt", name), element("dd", value)) for name, value in rows))
