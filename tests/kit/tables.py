"""Tables of cases: YAML files of `[input, what is shown of it]`."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from regauth_core.redaction.redactor import Redactor

_DATA = Path(__file__).parent.parent / "redaction"
_MARK = re.compile(r"<(\w+):[0-9a-f]{8}>")


def table(name: str) -> list[tuple[str, str]]:
    """The rows of the table `name` in the folder of redaction cases."""
    rows: list[tuple[str, str]] = yaml.safe_load((_DATA / name).read_text())
    return rows


def redactor(*kinds: str) -> Redactor:
    """A redactor with a fixed key that replaces names of these kinds."""
    return Redactor(b"k" * 32, anonymize=frozenset(kinds))


def plain(text: str) -> str:
    """`text` with ``<tok>`` for ``<tok:3f2a91c0>``, so that a table can be written by hand."""
    return _MARK.sub(r"<\1>", text)
