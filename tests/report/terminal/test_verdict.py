"""The last lines of every summary: at most six, as wide as the terminal, with the culprit and what to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len

from kit import journals, values
from kit.notation import read
from regauth_core.model import Safe
from regauth_core.model.journal import Environment, Journal
from regauth_core.report.terminal import verdict

MAKERS = [
    journals.per_repository,
    journals.correct,
    journals.token_exchange,
    journals.thousand,
    journals.hostile,
    lambda: values.journal([]),
]
MANIFEST = "GET /v2/foo/manifests/1"
BEARER = '401 challenge Bearer {realm},service="s",scope="repository:foo:pull"'
TOKEN = "GET {realm}?service=s&scope=repository:foo:pull"
DIGEST = "sha256:96a296cddd19" + "0" * 52


def journal(text: str, command: str = "", status: int | None = None) -> Journal:
    """The journal of a conversation that `command` had, which ended with `status`."""
    talk = read(f"agent: {command.partition(' ')[0] or 'client'}/1.0\n{text}", "talk")
    return Journal(
        exchanges=tuple(talk.exchanges()),
        clients_of={},
        diagnosis=talk.diagnosis(),
        environment=Environment(regauth="0", status=status, command=Safe(command) if command else None),
    )


def printed(told: Journal, width: int = 80, report: str = "") -> list[str]:
    """The lines of the verdict."""
    return [line.plain for line in verdict.lines(told, width, report)]


def test_the_readme_begins_with_what_is_printed() -> None:
    """Its first example is the verdict on the conversation that it speaks of."""
    example = (Path(__file__).parents[3] / "README.md").read_text("utf-8").split("```")[1].strip().splitlines()
    command = example[0].partition(" -- ")[2].replace("alice:wonder-land", "$USER:$PASS")
    said = "client: has credentials\nGET /v2/ - -> 200\n"
    said += 'GET /v2/foo/tags/list - -> 401 challenge Basic realm="registry" | error UNAUTHORIZED no'
    told = journal(said, command, status=1)
    played = replace(told, environment=replace(told.environment, scenario=Safe("per-repository-basic")))
    assert printed(played) == example[-6:]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("width", [20, 40, 80, 100])
def test_six_lines_at_most(make: Callable[[], Journal], width: int) -> None:
    """Whatever was found, the verdict has at most six lines, and none is wider than the terminal."""
    lines = printed(make(), width, "report.md")
    assert 1 <= len(lines) <= verdict.LINES
    assert all(cell_len(line) <= width for line in lines)
    assert lines[0].startswith("regauth: ")


def test_the_bug_in_six_lines() -> None:
    """Who broke it, where, what not to do, what to do, and where there is more."""
    told = journals.per_repository()
    command = Safe("skopeo list-tags --creds … docker://registry.test/foo")
    told = replace(told, environment=replace(told.environment, command=command, scenario=None))
    assert printed(told, 100, "report.md") == [
        "regauth: skopeo ignored the Basic challenge for foo" + " " * 33 + "client · certain",
        "   1  GET /v2/               200",
        '   2  GET /v2/foo/tags/list  401 Basic realm="registry.test"  <- never answered',
        "   The password was never sent: do not change it.",
        "   now: regauth run --inject shim --shim registry.test/foo -- skopeo list-tags --creds … …",
        "   why: regauth rules challenge-ignored   report: report.md",
    ]


@pytest.mark.parametrize(
    ("text", "command", "status", "said"),
    [
        (f"{MANIFEST} - -> 200", "oras pull registry.test/foo:1", 0, ["nothing is wrong: oras got what it asked for"]),
        (
            f"{MANIFEST} - -> {BEARER}\n{TOKEN} - -> 401",
            "oras pull registry.test/foo:1",
            1,
            ["oras is not logged in to registry.test", "nobody's fault", "now: oras login registry.test"],
        ),
        (
            f"{MANIFEST} - -> {BEARER}\n{TOKEN} basic(alice) -> 401",
            "podman pull --tls-verify=false registry.test/foo:1",
            125,
            ["refused the credentials", "credentials", "now: podman login registry.test --tls-verify=false"],
        ),
        (
            f"{MANIFEST} - -> 404",
            "crane manifest registry.test/foo:1",
            1,
            ["not authentication: registry.test does not have the image", "not found", "now: curl -i https://registry"],
        ),
        (
            f"{MANIFEST} - -> {BEARER}\n{TOKEN} basic(alice) -> 200 token t\n{MANIFEST} bearer(t) -> 500",
            "oras pull registry.test/foo:1",
            1,
            ["not authentication: registry.test answered 500 ", "registry", "who runs the registry"],
        ),
        (
            f"{MANIFEST} - -> aborted",
            "oras pull registry.test/foo:1",
            124,
            ["undecided: oras ended before registry.test had answered", "now: regauth run -- oras pull"],
        ),
        ("", "docker pull registry.test/foo:1", 1, ["could not see what docker did"]),
        (f"{MANIFEST} - -> 200", "oras pull registry.test/foo:1", 3, ["answered all that oras asked", "exit status 3"]),
    ],
)
def test_every_verdict_names_whose_it_is_and_what_to_do(text: str, command: str, status: int, said: list[str]) -> None:
    """In words that a user can act on."""
    lines = "\n".join(printed(journal(text, command, status)))
    for words in said:
        assert words in lines


def test_digests_are_short() -> None:
    """As the tools of the field print them, so that the kind of the request stays to be seen."""
    shown = verdict.shortened_path(f"/v2/team/multi/blobs/{DIGEST}")
    assert shown == "/v2/team/multi/blobs/sha256:96a296cddd19"


def test_what_is_alike_is_one_row() -> None:
    """Six times the same refusal is shown once, and counted."""
    told = journal("\n".join([f"{MANIFEST} basic(alice) -> 401 challenge Basic realm=r"] * 6), "curl -u a:b", 22)
    rows = [line for line in printed(told) if "GET" in line]
    assert len(rows) == 1
    assert "401 ×6" in rows[0]


def test_what_many_clients_did_is_said_once() -> None:
    """A loop that runs one command six times has one verdict, with the number."""
    told = journals.per_repository()
    (finding,) = told.diagnosis.findings
    alike = tuple(replace(finding, client=f"c{number}") for number in range(1, 7))
    told = replace(told, diagnosis=replace(told.diagnosis, findings=alike))
    assert printed(told)[0].startswith("regauth: skopeo ignored the Basic challenge for foo ×6")
