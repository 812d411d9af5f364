"""A report about a real registry is enough to see the same without it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from clients.programs import Place
from registries import sessions
from registries.calls import Call
from registries.ground import Login
from registries.servers import Registry
from registries.test_reading_and_writing import IGNORED, REJECTED, failure, summary

pytestmark = pytest.mark.registries


@pytest.mark.parametrize(
    ("client", "kind", "repository", "ending"),
    [
        ("skopeo", "nginx", "foo", ".md"),
        ("skopeo", "token", "bob/app", ".md"),
        ("skopeo", "htpasswd", "foo", ".trace"),
        ("skopeo", "token", "bob/app", ".trace"),
        ("crane", "nginx", "bar", ".trace"),
    ],
)
def test_a_report_plays_the_registry(
    client: str,
    kind: str,
    repository: str,
    ending: str,
    registries: Callable[[str], Registry],
    place: Place,
    state_home: Path,
) -> None:
    """Two commands: the reporter's at the registry, and the maintainer's with the report alone."""
    registry = registries(kind)
    told = sessions.read(client, repository, registry, Call.made(place, registry.login), state_home)
    report = place.directory / f"report{ending}"
    report.write_text(told.reports[ending])
    maintainer = Call.made(place, Login("user", "password"))
    again = sessions.read(client, repository, registry, maintainer, state_home, "--scenario", str(report))
    assert (summary(again), again.status) == (summary(told), told.status), again.output
    assert "nothing leaves this machine" in again.output


def test_the_seed_of_it_all(registries: Callable[[str], Registry], place: Place, state_home: Path) -> None:
    """nginx in front of a registry: the ping is open, foo is not, and skopeo never sends its right password."""
    registry = registries("nginx")
    told = sessions.read("skopeo", "foo", registry, Call.made(place, registry.login), state_home)
    report = place.directory / "report.md"
    report.write_text(told.reports[".md"])
    maintainer = Call.made(place, Login("user", "password"))
    again = sessions.read("skopeo", "foo", registry, maintainer, state_home, "--scenario", str(report))
    assert summary(told) == summary(again) == [IGNORED]
    assert again.status == failure("skopeo")


def test_a_refused_password_is_refused_again(
    registries: Callable[[str], Registry], place: Place, state_home: Path
) -> None:
    """The report names the login that shows it."""
    registry = registries("htpasswd")
    told = sessions.read("skopeo", "foo", registry, Call.made(place, Login.made("alice")), state_home)
    report = place.directory / "report.md"
    report.write_text(told.reports[".md"])
    assert "Log in as user with the password wrong" in told.reports[".md"]
    maintainer = Call.made(place, Login("user", "wrong"))
    again = sessions.read("skopeo", "foo", registry, maintainer, state_home, "--scenario", str(report))
    assert summary(told) == summary(again) == [REJECTED]
