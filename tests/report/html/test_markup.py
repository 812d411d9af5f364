"""Text becomes HTML in one place, and cannot break out of it."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit import journals
from regauth_core.report.html.markup import Markup, element, joined, link, text
from regauth_core.report.text import visible

HOSTILE = st.one_of(st.sampled_from(journals.HOSTILE), st.text("<>&\"'=/! \n\x00a`", max_size=40), st.text(max_size=40))


class Reader(HTMLParser):
    """Keeps what a browser would make of a piece of HTML."""

    def __init__(self, source: Markup) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.said = ""
        self.feed(source.html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        self.said += data


@given(HOSTILE, HOSTILE)
def test_data_stays_text_and_value(said: str, value: str) -> None:
    """Data is read back as the text or the attribute that it was, and makes no element."""
    read = Reader(element("p", said, data_x=value))
    assert read.elements == [("p", [("data-x", visible(value))])]
    assert read.said == visible(said)


def test_elements_are_written_as_asked() -> None:
    """Void elements, attributes without a value, and markup that is already in order."""
    assert element("input", id="a", hidden=True, disabled=False).html == '<input id="a" hidden>'
    assert element("line", x1="0", class_="lane").html == '<line x1="0" class="lane"/>'
    assert joined("a<b", Markup("<br>"), text("&")).html == "a&lt;b<br>&amp;"


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "http://a.test/", 'https://a.test/"x', ""])
def test_what_is_no_plain_url_is_no_link(url: str) -> None:
    """It is shown as text beside its label."""
    read = Reader(link(url, "label"))
    assert read.elements == []
    assert read.said == f"label ({url})"


def test_links_tell_nobody_where_they_stand() -> None:
    """A link to a document sends no referrer and hands over no window."""
    assert link("https://a.test/b#c", "label").html == (
        '<a href="https://a.test/b#c" rel="noreferrer noopener">label</a>'
    )
