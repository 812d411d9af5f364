"""URLs: where they point and what they ask for, never what they prove."""

from __future__ import annotations

import pytest

from kit.tables import plain, redactor, table


@pytest.mark.parametrize(("url", "shown"), table("urls.yaml"))
def test_urls_keep_what_is_asked_and_lose_what_is_proven(url: str, shown: str) -> None:
    """Hosts, paths, scopes and life times stay; user information, signatures and unknown values go."""
    assert plain(redactor().header("Location", url)) == shown


def test_a_relative_url_without_a_request_has_no_origin() -> None:
    """Nothing is invented where nothing is known."""
    assert redactor().url("/v2/").origin is None
    assert str(redactor().url("https://a.test/v2/").origin) == "https://a.test"


def test_a_url_is_resolved_against_its_request() -> None:
    """A relative `Location` belongs to the host that sent it."""
    link = redactor().url("../x?token=a", scheme="http", host="a.test", port=5000, path="/v2/team/app/")
    assert (plain(link.text), str(link.origin), link.path, link.relative) == (
        "http://a.test:5000/v2/team/x?token=<tok>",
        "http://a.test:5000",
        "/v2/team/x",
        True,
    )


def test_user_information_is_remembered() -> None:
    """A password in a URL is swept like any other."""
    one = redactor()
    one.url("https://alice:sword-fish@a.test/")
    assert one.sweep("it was sword-fish")[1] == 1
