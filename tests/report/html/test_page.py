"""The HTML report: its structure, its policy, and that data never becomes markup."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from kit import journals, values
from regauth_core.model.journal import Journal
from regauth_core.report.html import page as html

ALL = [journals.per_repository, journals.correct, journals.token_exchange, journals.thousand, journals.hostile]
VOID = {"meta", "br", "input"}
ELEMENTS = {
    *("html", "head", "meta", "title", "style", "script", "body", "main", "header", "footer", "section", "article"),
    *("h1", "h2", "h3", "h4", "p", "pre", "code", "span", "small", "dl", "dt", "dd", "ul", "li", "div", "a"),
    *("svg", "g", "text", "line", "rect", "path", "details", "summary", "form", "label", "select", "option", "input"),
    "output",
}


class Page(HTMLParser):
    """Reads a page and keeps its elements, links, identifiers and text."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.unbalanced: list[str] = []
        self.said: dict[str, list[str]] = {}
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data: str) -> None:
        self.said.setdefault(self.open[-1] if self.open else "", []).append(data)

    def handle_comment(self, data: str) -> None:
        self.unbalanced.append(f"comment {data}")

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of every element `tag`."""
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.mark.parametrize("make", [*ALL, journals.overflowing, lambda: values.journal([])])
def test_the_page_is_well_formed_and_only_ours(make: Callable[[], Journal]) -> None:
    """Every element is closed, is one that we make, and has no handler and no style of its own."""
    page = Page(html.render(make()))
    assert page.unbalanced == []
    assert page.open == []
    assert {tag for tag, _ in page.tags} <= ELEMENTS
    names = {name for _, attributes in page.tags for name in attributes}
    assert not [name for name in names if name.startswith("on") or name in ("style", "src", "srcset", "action")]
    assert [len(page.all(tag)) for tag in ("script", "style", "title", "main")].count(1) >= 3


@pytest.mark.parametrize("make", ALL)
def test_links_lead_into_the_page_or_to_documents(make: Callable[[], Journal]) -> None:
    """Every link is to an exchange that is there, or an https page of a document."""
    page = Page(html.render(make()))
    there = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(there) == len(set(there))
    for attributes in page.all("a"):
        target = str(attributes["href"])
        if target.startswith("#"):
            assert target[1:] in there
        else:
            assert target.startswith(("https://www.rfc-editor.org/", "https://distribution.github.io/"))


@pytest.mark.parametrize("make", [journals.per_repository, journals.hostile])
def test_the_policy_allows_only_our_style_and_script(make: Callable[[], Journal]) -> None:
    """Nothing loads; style and script are let by the hashes of exactly what stands in the page."""
    source = html.render(make())
    (policy,) = [str(one["content"]) for one in Page(source).all("meta") if "http-equiv" in one]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        (code,) = re.findall(rf"<{tag}>(.*?)</{tag}>", source, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
        assert not re.search(r"url\(|@import|fetch\(|XMLHttp|innerHTML|eval\(", code)


def test_every_exchange_is_there_once_and_folded() -> None:
    """Without a script all can be read: each exchange in a `details`, with the link from its arrow."""
    page = Page(html.render(journals.token_exchange()))
    assert [one["data-number"] for one in page.all("details")] == [str(number) for number in range(1, 9)]
    arrows = [one for one in page.all("a") if str(one.get("class", "")).startswith("arrow")]
    assert [one["href"] for one in arrows] == [f"#x{number}" for number in range(1, 9)]
    assert [one["data-client"] for one in page.all("details")] == ["1"] * 5 + ["2"] * 3


def test_the_lanes_are_drawn() -> None:
    """Clients, registry, token server and blob store each have a lane with a name."""
    said = Page(html.render(journals.token_exchange())).said["text"]
    assert said[:10:2] == ["client c1", "client c2", "registry", "token server", "blob store"]


def test_findings_come_first() -> None:
    """Findings, then what is undecided, then notes, the sequence, the exchanges; the redaction is last."""
    source = html.render(journals.token_exchange())
    order = [">Findings<", ">Undecided<", ">Notes<", ">Sequence<", ">Exchanges<", "kept: 1 host name"]
    places = [source.index(said) for said in order]
    assert places == sorted(places)


def test_conversations_are_grouped_by_repository() -> None:
    """The ping belongs to the repository that is asked for after it."""
    said = Page(html.render(journals.per_repository())).said["h4"]
    assert said == ["foo at https://registry.test "]


def test_a_long_story_is_drawn_folded() -> None:
    """A thousand exchanges give a drawing that a browser can bear, and all exchanges."""
    page = Page(html.render(journals.thousand()))
    assert len(page.all("details")) == 1000
    assert len(page.all("line")) < 300


def test_data_is_shown_as_it_is() -> None:
    """Markup in the data is read as text."""
    said = " ".join(text for texts in Page(html.render(journals.hostile())).said.values() for text in texts)
    assert f"<script>document.title='{journals.CANARY}'</script>" in said
    assert r"\x1b]0;title\x07" in said
