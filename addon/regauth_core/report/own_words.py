"""The words that reports are written in: what regauth itself says, even if it is a password too.

To replace a word in a sentence of regauth would show the password to every reader who knows the sentence.
"""

from __future__ import annotations

import importlib.util
import pkgutil
import re
from collections.abc import Iterator
from functools import cache
from types import CodeType
from typing import Final

import regauth_core

_PARTS: Final = frozenset({"auth", "conversation", "diagnosis", "edge", "model", "report", "rules"})
"""Where sentences are made."""
_LONGEST: Final = 64
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_\-]*+")
_PLAIN = re.compile(r"[A-Za-z]{2,64}+")


def is_wording(text: str, begin: int, end: int) -> bool:
    """Whether the one word of `text` around the place `begin` to `end` is a word of regauth's."""
    while begin > 0 and end - begin <= _LONGEST and _is_inside(text[begin - 1]):
        begin -= 1
    while end < len(text) and end - begin <= _LONGEST and _is_inside(text[end]):
        end += 1
    word = text[begin:end].strip("-_").lower()
    return word in _words() or word.removesuffix("s") in _words()


def _is_inside(sign: str) -> bool:
    return sign.isalnum() or sign in "-_"


@cache
def _words() -> frozenset[str]:
    """All words in the texts of regauth's own code, in lower case."""
    found: set[str] = set()
    for module in pkgutil.walk_packages(regauth_core.__path__, "regauth_core."):
        if module.name.split(".")[1] in _PARTS:
            spec = importlib.util.find_spec(module.name)
            code = spec.loader.get_code(module.name) if spec and spec.loader else None  # type: ignore[attr-defined]
            for text in _texts(code) if code else ():
                for word in _WORD.findall(text):
                    found.update((word.lower(), *_PLAIN.findall(word.lower())))
    return frozenset(found)


def _texts(code: CodeType) -> Iterator[str]:
    """The constants of a module that are text, its functions' too."""
    waiting: list[object] = [code]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, tuple | frozenset):
            waiting += one
        elif isinstance(one, CodeType):
            waiting += one.co_consts
