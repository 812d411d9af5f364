"""Header fields: a name on the list, or a fingerprint."""

from __future__ import annotations

import time

import pytest

from kit.messages import opaque
from kit.tables import plain, redactor, table


@pytest.mark.parametrize(("line", "shown"), table("headers.yaml"))
def test_headers_are_kept_by_name_and_shown_by_their_structure(line: str, shown: str) -> None:
    """A field that is not on the list keeps its name only; those on it keep what is no secret."""
    name, _, value = line.partition(": ")
    (pair,) = redactor().headers(((name, value),))
    assert plain(": ".join(pair)) == shown


@pytest.mark.parametrize("line", ['Bearer realm="{}', 'realm="x" {}', "Basic realm=x {}", '{} realm="x"', 'Basic "{}"'])
def test_a_broken_challenge_is_shown_without_its_secret(line: str) -> None:
    """Text that is no challenge, or stands between two, goes through the same hands."""
    token = opaque("challenge")
    assert token not in redactor().header("WWW-Authenticate", line.replace("{}", token))


@pytest.mark.parametrize("name", ["Link", "WWW-Authenticate", "Location", "Cookie", "Set-Cookie", "Server", "Host"])
@pytest.mark.parametrize("piece", ["<", "<a", "<>,", 'a="', "a=b,", "Bearer a ", "repo:a:", "/a", "?a", "&a=", ";"])
def test_time_is_linear_whatever_a_field_repeats(name: str, piece: str) -> None:
    """Sixteen times the text does not take four hundred times the time."""

    def seconds(size: int) -> float:
        text = (piece * size)[:size]
        began = time.process_time()
        redactor().header(name, text)
        return time.process_time() - began

    seconds(100)
    assert seconds(64 * 1024) < 400 * max(seconds(4 * 1024), 1e-3)
