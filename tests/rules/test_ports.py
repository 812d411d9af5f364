"""A registry at a port is named with it wherever a finding speaks of it: one host may run several."""

from __future__ import annotations

import re

import pytest

from kit.notation import FOLDER, read

TEXTS = {
    path.relative_to(FOLDER).with_suffix("").as_posix(): path.read_text("utf-8")
    for path in sorted(FOLDER.rglob("*.conversation"))
}
PLAIN = {name: text for name, text in TEXTS.items() if "https://registry.test" not in text and "http://" not in text}
REQUEST = re.compile(r"(?m)^((?:\[\w+\] )?[A-Z]+ +)(?=/)")


@pytest.mark.parametrize("name", PLAIN)
def test_the_port_is_named_with_the_host(name: str) -> None:
    """As one has to type it after ``login``."""
    talk = read(REQUEST.sub(r"\1https://registry.test:5443", PLAIN[name]), name)
    for found in talk.diagnosis().findings:
        told = (found.title, found.explanation, found.advice.user, found.advice.client_author)
        bare = [text for text in told if re.search(r"registry\.test(?!:5443)", text)]
        assert bare == [], "a host without its port: use `origin.authority`"
