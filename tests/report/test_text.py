"""What acts in a terminal or an editor is written out; nothing grows without bound."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regauth_core.report.text import counted, is_link, shortened, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 漢字 😀", "plain é 漢字 😀"),
        ("\x1b[31m", r"\x1b[31m"),
        ("a\r\nb\tc", r"a\r\nb\tc"),
        ("\x9b1A\x7f", r"\x9b1A\x7f"),
        ("\u202eabc\u200b\u2028\ufeff", r"\u202eabc\u200b\u2028\ufeff"),
        ("\ud800\ufffe\U000e0041", r"\ud800\ufffe\U000e0041"),
        ("", ""),
    ],
)
def test_acting_characters_are_shown(text: str, shown: str) -> None:
    """Controls, direction marks, invisible characters and lone surrogates become escapes; the rest stays."""
    assert shown == visible(text)


@given(st.text(st.characters(), max_size=300), st.integers(1, 100))
def test_visible_text_is_printable_and_short(text: str, most: int) -> None:
    """Whatever goes in, one printable line of at most the asked length comes out."""
    shown = visible(text, most)
    assert shown.isprintable()
    assert len(shown) <= most


@pytest.mark.parametrize(
    ("text", "most", "short"),
    [("abcdef", 6, "abcdef"), ("abcdef", 5, "ab…ef"), ("abcdef", 4, "ab…f"), ("abcdef", 1, "…"), ("", 1, "")],
)
def test_the_middle_gives_way(text: str, most: int, short: str) -> None:
    """A long text keeps its beginning and its end."""
    assert short == shortened(text, most)


def test_numbers_have_their_nouns() -> None:
    """One is singular, all others are plural."""
    assert [
        counted(0, "host"),
        counted(1, "host"),
        counted(2, "body", "bodies"),
    ] == ["0 hosts", "1 host", "2 bodies"]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://www.rfc-editor.org/rfc/rfc9110#section-15.5.2", True),
        ("https://distribution.github.io/distribution/spec/api/#api-version-check", True),
        ("http://example.test/", False),
        ("javascript:alert(1)", False),
        ('https://example.test/"onclick="x', False),
        ("https://example.test/\n", False),
        ("https://user@example.test/", False),
    ],
)
def test_only_plain_https_urls_are_links(url: str, expected: bool) -> None:
    """A URL is a link only if nothing in it could mean something to Markdown or HTML."""
    assert expected == is_link(url)
