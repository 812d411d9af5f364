"""The scenario of a report is made of what its verdict is about."""

from __future__ import annotations

from kit import values
from regauth_core.edge.outputs.reports import with_scenario
from regauth_core.model import Challenge, Safe

_ASKS = Challenge(scheme=Safe("Basic"), parameters=((Safe("realm"), Safe("registry")),))


def test_scenario_of_many_exchanges_is_of_the_client_with_the_finding() -> None:
    """However many others came before it, and though it came late."""
    others = [values.exchange(n, "GET", "/v2/bar/tags/list", 200, target=values.tags("bar")) for n in range(1, 900)]
    refused = values.exchange(
        900, "GET", "/v2/foo/tags/list", 401, target=values.tags("foo"), response=values.refused(_ASKS)
    )
    found = values.finding(900, client="c2")
    journal = values.journal([*others, refused], found, owner={900: "c2"})
    text = "\n".join(with_scenario(journal).scenario)
    assert "foo" in text and "bar" not in text
