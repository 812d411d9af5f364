"""The conformance suite of the OCI distribution specification at a real registry: directly, and through regauth."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

import pytest

from clients.processes import status_of
from clients.programs import Place, path_of, require
from registries import sessions
from registries.calls import Call
from registries.ground import REGISTRY
from registries.servers import Ground, Registry, htpasswd

pytestmark = pytest.mark.registries

SUITE: Final = "conformance"


def outcomes(directory: Path) -> Counter[tuple[str, str]]:
    """How often each test of the suite ended in which way, from the suite's own report: it has no order."""
    report = ElementTree.parse(directory / "junit.xml").getroot()  # noqa: S314  (of a program started here)
    ends = ("failure", "error", "skipped")
    return Counter(
        (case.get("name", ""), next((part.tag for part in case if part.tag in ends), "passed"))
        for case in report.iter("testcase")
    )


def variables(name: str, registry: Registry, directory: Path, *, has_login: bool = True) -> dict[str, str]:
    """What configures the suite for a registry that it finds under `name`."""
    user, password = (registry.login.user, registry.login.password) if has_login else ("", "")
    return {
        **{"OCI_REGISTRY": name, "OCI_TLS": "enabled", "OCI_RESULTS_DIR": str(directory)},
        **{"OCI_USERNAME": user, "OCI_PASSWORD": password},
    }


def directly(ground: Ground, place: Place) -> Counter[tuple[str, str]]:
    """What the suite says of the registry without regauth."""
    directory = place.directory / "direct"
    with htpasswd(ground) as registry:
        (port,) = registry.ports.values()
        own = variables(f"127.0.0.1:{port}", registry, directory)
        status_of([path_of(SUITE) or SUITE], {**place.environment, **own, "SSL_CERT_FILE": str(registry.authority)})
    return outcomes(directory)


@pytest.mark.parametrize("mode", ["off", "fill"])
def test_the_suite_says_the_same_behind_regauth(mode: str, ground: Ground, place: Place, state_home: Path) -> None:
    """Test by test, whether regauth watches or adds the credentials."""
    require(SUITE)
    expected = directly(ground, place)
    directory = place.directory / "behind"
    with htpasswd(ground) as registry:
        call = Call.made(place, registry.login if mode == "off" else None)
        own = variables(REGISTRY, registry, directory, has_login=mode == "off")
        suite = ["env", *(f"{name}={value}" for name, value in own.items()), path_of(SUITE) or SUITE]
        credentials = ["--credentials", str(call.given(registry.login))]
        options = [] if mode == "off" else ["--inject", "fill", *credentials, "--allow", "push", "--allow", "delete"]
        told = sessions.run(suite, registry, call, state_home, *options)
    assert outcomes(directory) == expected, told.output[-3000:]
    assert expected.total() > 600
    assert told.leaks() == []
