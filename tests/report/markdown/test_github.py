"""GitHub's Markdown shows data and never acts on it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from kit import journals
from regauth_core.report.markdown.github import cell, fence, link, prose, span
from regauth_core.report.text import visible

MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
HOSTILE = st.one_of(
    st.sampled_from(journals.HOSTILE),
    st.text("`|\\~<>[]()!@#*_-+=.:$ \n\ra1&;\"'{}", max_size=60),
    st.text(max_size=60),
)
ACTING = re.compile(r"[@#`\\<>\[\]*_~$|]|www\.|://|[0-9a-f]{7}|\b[A-Za-z]+-\d")
"""What GitHub may act on outside code: mentions, references, links, formulas, hashes."""


def _inline(text: str) -> list[Token]:
    return [child for token in MARKDOWN.parse(text) for child in token.children or ()]


def _content(tokens: list[Token], kind: str) -> list[str]:
    return [token.content for token in tokens if token.type == kind]


@given(HOSTILE)
def test_a_span_is_one_code_span(text: str) -> None:
    """Data in a span comes out as code, whole and alone."""
    shown = visible(text, 300) or " "
    assert _content(_inline(f"x {span(text)} y"), "code_inline") == [shown]


@given(HOSTILE, HOSTILE)
def test_a_cell_stays_in_its_cell(left: str, right: str) -> None:
    """No pipe, tick or backslash of the data makes another cell."""
    table = f"| a | b | c |\n| --- | --- | --- |\n| {cell(left)} | {cell(right)} | end |\n"
    tokens = MARKDOWN.parse(table)
    assert sum(1 for token in tokens if token.type == "td_open") == 3
    assert [token.content for token in tokens if token.type == "inline"][-1] == "end"
    kinds = {child.type for token in tokens for child in token.children or ()}
    assert kinds <= {"text", "code_inline"}


@pytest.mark.parametrize("text", ["a\\|b", "a\\\\|b", "a|b\\", "|", "\\"])
def test_a_backslash_before_a_pipe_is_an_escape(text: str) -> None:
    """Versions of the table syntax differ there, so none of them gets to see it."""
    assert not re.search(r"\\\\+\|", cell(text))


@given(HOSTILE)
def test_prose_acts_on_nothing(text: str) -> None:
    """In sentences only plain words stay outside code spans."""
    tokens = _inline(f"x: {prose(text)}")
    assert {token.type for token in tokens} <= {"text", "code_inline"}
    assert not ACTING.search(" ".join(_content(tokens, "text")))


@given(HOSTILE)
def test_prose_loses_nothing(text: str) -> None:
    """What prose says is what was to be said, but for blanks."""
    tokens = [token for token in _inline(f"x {prose(text)}") if token.type in ("text", "code_inline")]
    said = "".join(token.content for token in tokens)[1:]
    # What is shortened inside one span is told by its ellipsis.
    if "…" not in said:
        assert re.sub(r"\s", "", said) == re.sub(r"\s", "", visible(text, 1500))


def test_sentences_stay_readable() -> None:
    """Words, numbers and punctuation stay as they are; URLs, paths and names with signs become code."""
    told = prose("The ping (1) said 200; GET /v2/foo/ (2) wasn't, see RFC 9110 15.5.2 and @you, #1 or GH-1.")
    assert told == ("The ping (1) said 200; GET `/v2/foo/` (2) wasn't, see RFC 9110 15.5.2 and `@you`, `#1` or `GH-1`.")


@pytest.mark.parametrize("word", ["deadbeef", "0123456", "a_b_c", "x*y", ":tada:", "<b>", "www.a.test", "$x$"])
def test_words_that_github_knows_become_code(word: str) -> None:
    """Hashes, emphasis, emoji, elements, bare hosts and formulas are no prose."""
    assert "`" in prose(word)


@given(st.lists(HOSTILE, max_size=4))
def test_a_fence_holds_its_lines(lines: list[str]) -> None:
    """No run of ticks in the data ends the block."""
    tokens = MARKDOWN.parse("\n".join([*fence(lines), "", "after"]))
    assert [token.type for token in tokens][:2] == ["fence", "paragraph_open"]
    assert tokens[0].content.splitlines() == [visible(line, 1500) for line in lines]


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://a.test/> <b>", "http://a.test", "https://a.test/`"])
def test_only_plain_urls_become_links(url: str) -> None:
    """Anything but a plain https URL is code."""
    assert _content(_inline(link(url)), "code_inline") == [url]
    assert link("https://a.test/b#c-1.2") == "<https://a.test/b#c-1.2>"
