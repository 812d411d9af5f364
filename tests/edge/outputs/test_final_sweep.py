"""The search of JSON text for secrets: what was clean is not looked at again, and nothing is left out."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regauth_core.edge.outputs.final_sweep import Search
from regauth_core.redaction.redactor import Redactor

SECRET = 'tannen"baum\\leiter'
SHOWN = json.dumps(SECRET)[1:-1]


def redactor(*secrets: str) -> Redactor:
    one = Redactor(b"k" * 32)
    for secret in secrets:
        one.remember(secret)
    return one


FOUND = {
    "value": f'{{"a":"x {SHOWN} y"}}',
    "last of many lines": '{"a":"b"}\n' * 50 + f'{{"a":["c","{SHOWN}"]}}\n',
    "behind an escape": f'{{"a":"C:\\\\","b":"\\"{SHOWN}\\""}}',
    "behind a line that breaks off": f'{{"a":"half}}\n{{"b":"{SHOWN}"}}\n',
    "behind two lines that break off": f'{{"a":"half}}\n{{"a":"half}}\n{{"b":"{SHOWN}"}}\n',
    "no JSON": f"a {SHOWN}",
    "broken off": f'{{"a":"{SHOWN}',
    "control signs": f'{{"a":"\x01","b":"{SHOWN}"}}',
    "percent-encoded": '{"a":"tannen%22baum%5Cleiter"}',
}


@pytest.mark.parametrize("text", FOUND.values(), ids=FOUND)
def test_secret_is_found(text: str) -> None:
    """Wherever a string of the text holds it; the same text without it is clean."""
    search = Search(redactor(SECRET))
    assert not search.finds(text.replace(SHOWN, "word").replace("tannen%22baum%5Cleiter", "word"))
    assert search.finds(text)


def test_keys_do_not_count() -> None:
    """The names of fields are of ours, and may be somebody's password."""
    assert not Search(redactor("credentials")).finds('{"credentials":[{"credentials":"x"}]}\n')


def test_clean_text_is_searched_again_for_a_later_secret() -> None:
    """And for one that was known, but not yet as what a client sends."""
    one = redactor("something else")
    search, text = Search(one), f'{{"a":"{SHOWN}"}}'
    assert not search.finds(text)
    one.remember(SECRET)
    assert search.finds(text)


@given(st.lists(st.dictionaries(st.text(), st.text()), min_size=1, max_size=6), st.integers(0, 5))
def test_every_string_is_searched(lines: list[dict[str, str]], place: int) -> None:
    """A secret in any string of any line is found, whatever stands around it and was searched before."""
    search = Search(redactor(SECRET))
    for line in lines:
        search.finds(json.dumps(line, separators=(",", ":")))
    lines[place % len(lines)]["more"] = f"<{SECRET}>"
    assert search.finds("\n".join(json.dumps(line, separators=(",", ":")) for line in lines) + "\n")
