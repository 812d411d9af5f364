"""Link lines: which URLs they name, and which of them is the next page."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regauth_core.protocol.links import LONGEST, following, linked, named


@pytest.mark.parametrize(
    ("line", "urls"),
    [
        ("<https://a.test/b>", ["https://a.test/b"]),
        ("</v2/a/tags/list?n=2>; rel=next, <c>;x", ["/v2/a/tags/list?n=2", "c"]),
        ("<<<a>>", ["a"]),
        ("<a<b>", ["b"]),
        ("<>", []),
        ("<a", []),
        ("a>", []),
        ('<a>; title="<b>"', ["a", "b"]),
        (f"<{'a' * LONGEST}>", ["a" * LONGEST]),
        (f"<{'a' * (LONGEST + 1)}><b>", ["b"]),
    ],
)
def test_urls_stand_between_pointed_brackets(line: str, urls: list[str]) -> None:
    """Every pair counts, the inner one of two, and none that is empty, open or too long."""
    assert [link.url for link in named(line)] == urls


@pytest.mark.parametrize(
    ("line", "url"),
    [
        ("</p?n=2>; rel=next", "/p?n=2"),
        ('< /p >; rel="next"', "/p"),
        ('<a>; rel=prev, <b>; title="x,y"; REL = "last next"', "b"),
        ('<a>; rel="nextish", <b>; rel=nexts', None),
        ('<a>; title="<b>; rel=next"', None),
        ('<a>; title="<b>", <c>; rel=next', "c"),
        ("rel=next", None),
        ("", None),
    ],
)
def test_the_next_page_has_its_relation(line: str, url: str | None) -> None:
    """A relation belongs to the link in front of it, also among others, in quotes and in any case."""
    assert following(line) == url


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('</v2/_catalog?n=1&last=a>; rel="next"', ("/v2/_catalog?n=1&last=a",)),
        ('<a>,<b>; rel=next;title="x, y" , <c> ', ("a", "b", "c")),
        ("", ()),
        ("https://o.test/; rel=next", None),
        ("<>, <a>", ("a",)),
        ('<a>; title="<b>"', ("a", "b")),
        ("<" + "a" * 8192 + ">", ("a" * 8192,)),
        ("<" + "a" * 8193 + ">", None),
        ("<a", None),
        ("<a<b>", None),
        ("<a>>", None),
        ("<a> <b>", None),
        (",".join(["<a>"] * 16), ("a",) * 16),
        (",".join(["<a>"] * 17), None),
        ("<" + "a" * 20_000 + ">", None),
    ],
)
def test_lines_in_which_no_url_can_be_missed(line: str, expected: tuple[str, ...] | None) -> None:
    """By the grammar, or not at all; in quotes some client may find one."""
    assert linked(line) == expected


@given(st.text(st.sampled_from('<>a;,"= ')))
def test_every_url_is_found_and_stands_where_it_says(line: str) -> None:
    """The same URLs as by the grammar of a pair of brackets, each at its place."""
    found = list(named(line))
    assert [link.url for link in found] == re.findall("<([^<>]+)>", line)
    assert [line[link.begin : link.end] for link in found] == [f"<{link.url}>" for link in found]
    assert following(line) is None or following(line) in [link.url.strip() for link in found]
    assert linked(line) in (None, tuple(link.url for link in found))
