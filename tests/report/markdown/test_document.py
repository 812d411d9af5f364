"""The Markdown report: order, limits, templates, and that nothing breaks out of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from markdown_it import MarkdownIt

from kit import journals, values
from regauth_core.model import Safe
from regauth_core.model.journal import Journal
from regauth_core.report.markdown import document
from regauth_core.report.markdown.templates import PLAIN, TEMPLATES, Part

ALL = [journals.per_repository, journals.correct, journals.token_exchange, journals.thousand, journals.hostile]
PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
OURS = re.compile(r"</?details>|<summary>[A-Za-z0-9 (),]+</summary>")


def _headings(text: str) -> list[str]:
    tokens = PARSER.parse(text)
    return [after.content for token, after in zip(tokens, tokens[1:], strict=False) if token.type == "heading_open"]


@pytest.mark.parametrize("make", [*ALL, journals.overflowing])
@pytest.mark.parametrize("name", [None, *TEMPLATES])
def test_it_stays_below_its_budget(make: Callable[[], Journal], name: str | None) -> None:
    """Whatever the journal and the template, an issue takes the report."""
    assert len(document.render(make(), name).encode()) <= 40_000


@pytest.mark.parametrize("make", [*ALL, journals.overflowing])
@pytest.mark.parametrize("name", [None, "podman", "crane"])
def test_nothing_in_the_data_acts(make: Callable[[], Journal], name: str | None) -> None:
    """The only HTML, headings, links and images are the report's own."""
    text = document.render(make(), name)
    tokens = PARSER.parse(text)
    inline = [child for token in tokens for child in token.children or ()]
    blocks = [line for token in tokens if token.type == "html_block" for line in token.content.split("\n") if line]
    assert all(OURS.fullmatch(line) for line in blocks)
    assert not [token for token in inline if token.type in ("html_inline", "image")]
    links = {str(token.attrs["href"]) for token in inline if token.type == "link_open"}
    assert all(url.startswith(("https://www.rfc-editor.org/", "https://distribution.github.io/")) for url in links)
    assert _headings(text) == [section.heading for section in TEMPLATES.get(name or "", PLAIN)]
    outside = " ".join(token.content for token in inline if token.type == "text" and token.content not in links)
    assert not re.search(r"[@`<>$]|#[0-9]|www\.", outside)


def test_the_first_line_is_the_finding() -> None:
    """One line is the title of an issue, and one says rule, severity, what, where and who."""
    lines = document.render(journals.per_repository()).splitlines()
    assert lines[0] == "**skopeo ignored the Basic challenge for foo** (client · certain)"
    assert (
        "- **error** `challenge-ignored`: the client ignored the Basic challenge of repository foo at"
        " `https://registry.test` (exchanges 1, 2; fault: client, confidence high)"
    ) in lines


def test_the_order_is_that_of_an_issue() -> None:
    """Command, curl, what was received, what was expected, environment, diagram, exchanges, redaction."""
    text = document.render(journals.per_repository())
    order = (
        "_For you to write",
        "$ skopeo list-tags",
        "curl -i https://registry.test/v2/\n",
        "| # | method |",
        "### Expected",
        "rfc9110#section-15.5.2>",
        "skopeo version 1.9.3",
        "proxy in the path: yes",
        "```mermaid",
        "Redacted exchanges (2)",
        "Redaction: kept: 1 host name",
    )
    places = [text.index(said) for said in order]
    assert places == sorted(places)


def test_a_wire_table_tells_what_was_sent_and_answered() -> None:
    """Each exchange has its number, method, path, status, credential and challenge; other hosts are named."""
    text = document.render(journals.token_exchange())
    assert "| 3 | `c1` | `GET` | `/v2/library/alpine/manifests/latest` | 200 | `Bearer tok:3f2a91c0` |  |" in text
    assert "| `auth.test/token?service=registry.test" in text


def test_what_is_cut_is_said() -> None:
    """A report that leaves something out says what."""
    assert "Left out to stay below 40 kB: the exchanges" in document.render(journals.hostile())
    assert "Left out" not in document.render(journals.per_repository())


@pytest.mark.parametrize("count", [50, 150, 500])
def test_findings_are_counted_and_never_dropped(count: int) -> None:
    """Lines with a finding each and lines that count some add up to all findings."""
    journal = journals.overflowing(count)
    text = document.render(journal)
    head = text[: text.index("### Description")].splitlines()
    named = sum(1 for line in head if "fault: client" in line)
    more = [int(found[1]) for line in head if (found := re.search(r"(\d+) more findings?", line))]
    assert named + sum(more) == count


def test_repeated_findings_are_counted_by_rule() -> None:
    """A thousand findings of one rule are some lines and one number."""
    told = tuple(values.finding(1, 2, repository=f"r{n}", title="t " * 80) for n in range(1000))
    journal = journals.per_repository()
    text = document.render(replace(journal, diagnosis=replace(journal.diagnosis, findings=told)))
    assert len(text.encode()) <= 40_000
    assert re.search(r"\*\*error\*\* `challenge-ignored`: \d+ more findings of this kind", text)


def test_the_worst_comes_first() -> None:
    """An error is told before a warning, wherever it happened."""
    journal = journals.token_exchange()
    turned = replace(journal.diagnosis, findings=journal.diagnosis.findings[::-1])
    text = document.render(replace(journal, diagnosis=turned))
    assert text.partition("\n- **")[2].startswith("error**")


def test_nothing_found_is_told() -> None:
    """A correct client's report says so and asks for nothing."""
    text = document.render(journals.correct())
    assert "_There is nothing here to report to a project._" in text
    assert "\nNothing wrong was found; seen: 2 exchanges" in text
    assert "curl" not in text


def test_missing_facts_are_left_to_the_human() -> None:
    """Where command and version are not known, the report asks for them."""
    journal = journals.per_repository()
    bare = replace(journal, environment=replace(journal.environment, command=None, client_version=None))
    text = document.render(bare)
    assert "_The command was not recorded. Please write it here._" in text
    assert "_The client's version was not recorded. Please write it here._" in text


def test_a_version_of_several_lines_keeps_them() -> None:
    """The client's own version output is shown as it was printed."""
    journal = journals.per_repository()
    printed = replace(journal.environment, client_version=Safe("Client:\n Version: 20.10\n"))
    assert "```text\nClient:\n Version: 20.10\n```" in document.render(replace(journal, environment=printed))


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_holds_every_part_once(name: str) -> None:
    """A template only names and orders; it loses nothing and repeats nothing."""
    assert sorted(part for section in TEMPLATES[name] for part in section.parts) == sorted(Part)


@pytest.mark.parametrize(
    ("name", "heading"),
    [
        ("podman", "### Upstream Latest Release"),
        ("skopeo", "### Steps to reproduce"),
        ("moby", "### docker info"),
        ("docker/cli", "### docker version"),
        ("containerd", "### What version of containerd are you using?"),
        ("oras", "### Are you willing to submit PRs to fix it?"),
        ("regclient", "### Current Behavior"),
        ("helm", "### Kubernetes version"),
        ("crane", "### Additional context"),
    ],
)
def test_templates_follow_the_projects_forms(name: str, heading: str) -> None:
    """The headings are those that the project asks for."""
    assert heading in document.render(journals.per_repository(), name)


def test_an_unknown_template_names_the_known_ones() -> None:
    """The error tells what would have been right."""
    with pytest.raises(ValueError, match=r"unknown template 'docker': expected one of .*docker/cli.*podman"):
        document.render(journals.per_repository(), "docker")
