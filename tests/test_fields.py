"""Header fields: a name on the list, or a fingerprint."""

from __future__ import annotations

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
