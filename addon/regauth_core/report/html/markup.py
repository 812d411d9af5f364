"""HTML that cannot be broken out of: text becomes markup here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Final

from regauth_core.report.text import LONGEST, is_link, visible

_VOID: Final = frozenset({"br", "input", "line", "rect"})


@dataclass(frozen=True, slots=True)
class Markup:
    """HTML that is in order. Only this module makes it of text."""

    html: str


def text(value: str, most: int = LONGEST) -> Markup:
    """`value` as text, also inside a quoted attribute: visible, at most `most` characters long, and escaped."""
    return Markup(escape(visible(value, most), quote=True))


def element(name: str, *children: Markup | str, **attributes: str | bool) -> Markup:
    """The element `name`; children that are plain strings are text.

    An attribute's name loses an underscore at its end (``class_``); others become hyphens. `True` stands for an
    attribute without a value, `False` for none. Names of elements and attributes must not come from data.
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items() if value is not False)
    if name in _VOID:
        return Markup(f"<{name}{written}>" if name in ("br", "input") else f"<{name}{written}/>")
    return Markup(f"<{name}{written}>{joined(*children).html}</{name}>")


def joined(*children: Markup | str) -> Markup:
    """`children` one behind the other."""
    return Markup("".join(one.html if isinstance(one, Markup) else text(one).html for one in children))


def link(url: str, label: str) -> Markup:
    """A link to another page where `url` is a plain https one, else both as text."""
    if not is_link(url):
        return text(f"{label} ({url})")
    return element("a", label, href=url, rel="noreferrer noopener")


def _attribute(key: str, value: str | bool) -> str:
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{text(str(value)).html}"'
