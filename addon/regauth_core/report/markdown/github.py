"""Text that GitHub's Markdown shows and never acts on.

Data becomes code spans and fences, in which GitHub knows no link, mention, image, reference, formula or HTML (GitHub
Flavored Markdown specification, sections 4.5, 4.10 and 6.3).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from regauth_core.report.text import is_link, visible

_SPAN: Final = 300
_PROSE: Final = 1500
_TICKS = re.compile(r"`+")
_PLAIN = re.compile(r"(?:[^\W\d_]++(?:[-'’][^\W\d_]++)*+|\d{1,5}(?:\.\d{1,5})*+|[—–·…])")
_HASH = re.compile(r"[0-9a-fA-F]{7,}")


def span(text: str, most: int = _SPAN) -> str:
    """`text` as a code span in one line of at most about `most` characters; empty text as a code span of a blank."""
    shown = visible(text, most) or " "
    fence = "`" * (_longest_run(shown) + 1)
    # Of a code span that is not all blanks, one blank at either end is taken away (section 6.3).
    pad = " " if shown.strip(" ") and (shown[0] in "` " or shown[-1] in "` ") else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def cell(text: str, most: int = 120) -> str:
    """`text` as a code span inside a table.

    There `\\|` is a pipe even in code, and a backslash before it is read differently by different versions: that one is
    written as an escape.
    """
    shown = visible(text, most).replace("\\|", "\\x5c|")
    return span(shown, 2 * most).replace("|", "\\|") if shown else ""


def prose(text: str, most: int = _PROSE) -> str:
    """Sentences: plain words stay, everything else in them becomes code spans.

    Plain are words of letters with hyphens, numbers and dotted numbers of few digits, and the punctuation around them.
    """
    parts: list[str] = []
    code: list[str] = []
    for word in visible(text, most).split(" "):
        before, core, after = _taken_apart(word)
        is_plain = _is_plain(core)
        if code and (is_plain or before):
            parts.append(span(" ".join(code)))
            code = []
        if is_plain:
            parts.append(word)
            continue
        code.append(core)
        if before or after:
            parts.append(before + span(" ".join(code)) + after)
            code = []
    if code:
        parts.append(span(" ".join(code)))
    return " ".join(part for part in parts if part)


def link(url: str) -> str:
    """`url` as a link if it is a plain https one, else as a code span."""
    return f"<{url}>" if is_link(url) else span(url)


def fence(lines: Iterable[str], language: str = "text", most: int = _PROSE) -> list[str]:
    """`lines`, each made visible, as a fenced block."""
    shown = [visible(line, most) for line in lines]
    ticks = "`" * max(3, 1 + max((_longest_run(line) for line in shown), default=0))
    return [f"{ticks}{language}", *shown, ticks]


def _taken_apart(word: str) -> tuple[str, str, str]:
    """Opening punctuation, the word, closing punctuation; what is nothing but punctuation is a word."""
    core = word.lstrip("(\"'")
    before = word[: len(word) - len(core)]
    bare = core.rstrip(".,;:!?)\"'")
    return (before, bare, core[len(bare) :]) if bare else ("", word, "")


def _is_plain(core: str) -> bool:
    return not core or (_PLAIN.fullmatch(core) is not None and _HASH.fullmatch(core) is None)


def _longest_run(text: str) -> int:
    return max((len(run) for run in _TICKS.findall(text)), default=0)
