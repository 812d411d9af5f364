"""Which entry docker, containers and crane take: files by the tools' own rules, without touching a file."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import pytest

from kit.credential_files import CONTAINERS_CASES, DOCKER, DOCKER_CASES, HUB, SECRET, World, auth, auths, played, shown
from regauth_core.credentials import keychain
from regauth_core.credentials.authfile import Pair, Tool
from regauth_core.credentials.locations import places
from regauth_core.credentials.lookup import (
    FileAnswer,
    Found,
    HelperAnswer,
    LookupResult,
    WantsFile,
)

RUNTIME = "/run/containers/7/auth.json"
CONFIG = "/home/u/.config/containers/auth.json"
LEGACY = "/home/u/.dockercfg"


def looked_up(tool: Tool, name: str, world: World, environment: Mapping[str, str] | None = None) -> Found:
    """What `tool` finds for HOST/REPOSITORY."""
    host, _, repository = name.partition("/")
    where = places(environment or {}, home="/home/u", user=7)
    return played(keychain.find(tool, where, host, repository), world)


@pytest.mark.parametrize(
    ("file", "name", "expected"), [case[1:] for case in DOCKER_CASES], ids=[c[0] for c in DOCKER_CASES]
)
def test_docker_takes(file: Any, name: str, expected: str | None) -> None:
    """docker looks for the host, or for the Hub's URL, and takes any entry whose host it is."""
    assert expected == shown(looked_up(Tool.DOCKER, name, World({DOCKER: file})).login)


@pytest.mark.parametrize(
    ("file", "name", "expected"), [case[1:] for case in CONTAINERS_CASES], ids=[c[0] for c in CONTAINERS_CASES]
)
def test_containers_takes(file: Any, name: str, expected: str | None) -> None:
    """containers looks for the repository, its namespaces, the registry, then for what a URL's host is."""
    assert expected == shown(looked_up(Tool.CONTAINERS, name, World({CONFIG: file})).login)


CRANE_CASES: list[tuple[str, dict[str, Any], str, str | None]] = [
    ("whole name first", auths(a="r.test/t/app", b="r.test"), "r.test/t/app", "a"),
    ("no namespaces between", auths(a="r.test/t", b="r.test"), "r.test/t/app", "b"),
    ("Hub by its old name", auths(a="index.docker.io/library/x", b=HUB), "docker.io/library/x", "a"),
    ("Hub by its URL", auths(b=HUB), "docker.io/library/x", "b"),
    ("an empty entry for the name", {"auths": {"r.test/app": {}, "r.test": auth("b")}}, "r.test/app", "b"),
]


@pytest.mark.parametrize(
    ("file", "name", "expected"), [case[1:] for case in CRANE_CASES], ids=[c[0] for c in CRANE_CASES]
)
def test_crane_takes(file: Any, name: str, expected: str | None) -> None:
    """crane looks for the whole name, then for the registry, by docker's rules."""
    assert expected == shown(looked_up(Tool.CRANE, name, World({DOCKER: file})).login)


EVERYWHERE = {
    DOCKER: auths(docker="r.test"),
    "/dc/config.json": auths(chosen="r.test"),
    RUNTIME: auths(run="r.test"),
    "/xdg/containers/auth.json": auths(xdg="r.test"),
    CONFIG: auths(config="r.test"),
    "/cfg/containers/auth.json": auths(cfg="r.test"),
    "/file.json": auths(file="r.test"),
    LEGACY: {"https://r.test/v1/": auth("legacy")},
}
ORDER_CASES: list[tuple[Tool, dict[str, str], tuple[str, ...], str | None]] = [
    (Tool.DOCKER, {}, (), "docker"),
    (Tool.DOCKER, {"DOCKER_CONFIG": "/dc"}, (), "chosen"),
    (Tool.DOCKER, {"DOCKER_CONFIG": "/none"}, (), None),
    (Tool.DOCKER, {"REGISTRY_AUTH_FILE": "/file.json"}, (), "docker"),
    (Tool.CONTAINERS, {}, (), "run"),
    (Tool.CONTAINERS, {"XDG_RUNTIME_DIR": "/xdg"}, (), "xdg"),
    (Tool.CONTAINERS, {"XDG_RUNTIME_DIR": "/none"}, (), "config"),
    (Tool.CONTAINERS, {"XDG_CONFIG_HOME": "/cfg"}, (RUNTIME,), "cfg"),
    (Tool.CONTAINERS, {}, (RUNTIME,), "config"),
    (Tool.CONTAINERS, {}, (RUNTIME, CONFIG), "docker"),
    (Tool.CONTAINERS, {}, (RUNTIME, CONFIG, DOCKER), "legacy"),
    (Tool.CONTAINERS, {"DOCKER_CONFIG": "/dc"}, (), "chosen"),
    (Tool.CONTAINERS, {"DOCKER_CONFIG": "/none"}, (), None),
    (Tool.CONTAINERS, {"DOCKER_CONFIG": "/dc", "REGISTRY_AUTH_FILE": "/file.json"}, (), "file"),
    (Tool.CONTAINERS, {"REGISTRY_AUTH_FILE": "/none"}, (), None),
    (Tool.CRANE, {}, (), "docker"),
    (Tool.CRANE, {"DOCKER_CONFIG": "/dc"}, (), "chosen"),
    (Tool.CRANE, {"DOCKER_CONFIG": "/none"}, (), None),
    (Tool.CRANE, {"DOCKER_CONFIG": "/none", "REGISTRY_AUTH_FILE": "/file.json"}, (DOCKER,), "file"),
    (Tool.CRANE, {"REGISTRY_AUTH_FILE": "/file.json"}, (DOCKER,), "file"),
    (Tool.CRANE, {"REGISTRY_AUTH_FILE": "/none", "XDG_RUNTIME_DIR": "/xdg"}, (DOCKER,), "xdg"),
    (Tool.CRANE, {}, (DOCKER,), "config"),
    (Tool.CRANE, {"XDG_CONFIG_HOME": "/cfg"}, (DOCKER,), "cfg"),
    (Tool.CRANE, {}, (DOCKER, CONFIG), None),
]


@pytest.mark.parametrize(("tool", "environment", "without", "expected"), ORDER_CASES)
def test_order_of_files(
    tool: Tool, environment: dict[str, str], without: tuple[str, ...], expected: str | None
) -> None:
    """Every tool has its own files, in its own order, and variables that change it."""
    world = World({path: content for path, content in EVERYWHERE.items() if path not in without})
    assert expected == shown(looked_up(tool, "r.test/app", world, environment).login)


def test_first_file_with_a_match_wins() -> None:
    """containers goes on to the next file where one has nothing, or nothing usable, and reads no further then."""
    broken = {"auths": {"r.test": {"auth": b64encode(b"nocolon").decode()}}}
    world = World({RUNTIME: broken, CONFIG: "no JSON", DOCKER: auths(a="r.test"), LEGACY: "{}"})
    found = looked_up(Tool.CONTAINERS, "r.test/app", world)
    assert shown(found.login) == "a"
    assert WantsFile(LEGACY) not in world.asked
    assert [each.outcome for each in found.looked if each.source == CONFIG] == [LookupResult.MALFORMED]


VARIABLE_CASES: list[tuple[str, Any, str, str | None]] = [
    ("exact", auths(env="r.test"), "r.test/app", "env"),
    ("Hub", auths(env=HUB), "docker.io/library/x", "env"),
    ("a URL is not the host", auths(env="https://r.test"), "r.test/app", "file"),
    ("no entry", auths(env="x.test"), "r.test/app", "file"),
    ("no JSON", "{", "r.test/app", "file"),
    ("an identity token is not read", {"auths": {"r.test": {"identitytoken": SECRET}}}, "r.test/app", "file"),
]


@pytest.mark.parametrize(
    ("content", "name", "expected"), [c[1:] for c in VARIABLE_CASES], ids=[c[0] for c in VARIABLE_CASES]
)
def test_docker_auth_config(content: Any, name: str, expected: str | None) -> None:
    """DOCKER_AUTH_CONFIG goes before the file, by exact names, and only with `auth`."""
    text = content if isinstance(content, str) else json.dumps(content)
    world = World({DOCKER: auths(file="r.test")})
    assert expected == shown(looked_up(Tool.DOCKER, name, world, {"DOCKER_AUTH_CONFIG": text}).login)


@pytest.mark.parametrize(
    "content",
    [{"auths": {"r.test": auth("env") | {"email": "e"}}}, auths(env="r.test") | {"credsStore": "x"}],
    ids=["another field", "another member"],
)
def test_docker_ignores_a_variable_that_holds_more(content: Any) -> None:
    """docker refuses the variable for an unknown field; the entry is used, and that docker refuses it is said."""
    found = looked_up(Tool.DOCKER, "r.test/app", World({}), {"DOCKER_AUTH_CONFIG": json.dumps(content)})
    assert (shown(found.login), found.is_refused) == ("env", True)
    assert any("refuses the whole variable" in each.note for each in found.looked)


def test_broken_file_beside_the_variable() -> None:
    """docker goes on with the variable alone, crane ends with an error."""
    world = World({DOCKER: {"auths": {"x.test": {"auth": "!"}}}})
    variable = {"DOCKER_AUTH_CONFIG": json.dumps(auths(env="r.test"))}
    found = [looked_up(tool, "r.test/app", world, variable) for tool in (Tool.DOCKER, Tool.CRANE)]
    assert [(shown(each.login), each.is_refused) for each in found] == [("env", False), ("env", True)]


WITH_FILE = auths(file="r.test")
HELPER_CASES: list[tuple[str, Tool, dict[str, Any], dict[tuple[str, str], Pair | str], str | None]] = [
    ("credHelpers", Tool.DOCKER, {"credHelpers": {"r.test": "h"}}, {("h", "r.test"): ("a", SECRET)}, "a"),
    ("credsStore", Tool.DOCKER, {"credsStore": "s"}, {("s", "r.test"): ("a", SECRET)}, "a"),
    (
        "credHelpers before credsStore",
        Tool.DOCKER,
        {"credHelpers": {"r.test": "h"}, "credsStore": "s"},
        {("h", "r.test"): ("a", SECRET), ("s", "r.test"): ("b", SECRET)},
        "a",
    ),
    ("an empty name means the file", Tool.DOCKER, {"credHelpers": {"r.test": ""}, "credsStore": "s"}, {}, "file"),
    ("another server", Tool.DOCKER, {"credHelpers": {"https://r.test": "h"}}, {("h", "r.test"): ("a", "x")}, "file"),
    ("identity token", Tool.DOCKER, {"credsStore": "s"}, {("s", "r.test"): ("<token>", SECRET)}, "identity token"),
    ("a helper is instead of the file", Tool.DOCKER, {"credsStore": "s"}, {}, None),
    ("a failing helper leaves the file", Tool.DOCKER, {"credsStore": "s"}, {("s", "r.test"): "failed"}, "file"),
    ("containers: credHelpers", Tool.CONTAINERS, {"credHelpers": {"r.test": "h"}}, {("h", "r.test"): ("a", "x")}, "a"),
    (
        "containers: not namespaced",
        Tool.CONTAINERS,
        {"credHelpers": {"r.test/t": "h"}},
        {("h", "r.test/t"): ("a", "x")},
        "file",
    ),
    ("containers: no credsStore", Tool.CONTAINERS, {"credsStore": "s"}, {("s", "r.test"): ("a", "x")}, "file"),
    ("containers: instead of the file", Tool.CONTAINERS, {"credHelpers": {"r.test": "h"}}, {}, None),
    ("containers: failing", Tool.CONTAINERS, {"credHelpers": {"r.test": "h"}}, {("h", "r.test"): "failed"}, None),
    ("crane: the name first", Tool.CRANE, {"credsStore": "s"}, {("s", "r.test/t/app"): ("a", "x")}, "a"),
    ("crane: then the registry", Tool.CRANE, {"credsStore": "s"}, {("s", "r.test"): ("a", "x")}, "a"),
]


@pytest.mark.parametrize(
    ("tool", "file", "helpers", "expected"), [c[1:] for c in HELPER_CASES], ids=[c[0] for c in HELPER_CASES]
)
def test_helpers(
    tool: Tool, file: dict[str, Any], helpers: dict[tuple[str, str], Pair | str], expected: str | None
) -> None:
    """Which helper is asked for what, and what counts where it knows nothing or fails."""
    world = World({DOCKER: WITH_FILE | file}, helpers)
    assert expected == shown(looked_up(tool, "r.test/t/app", world).login)


def test_docker_asks_a_helper_for_the_hub_by_its_url() -> None:
    """The server that a helper is asked for is the key of the entry."""
    world = World({DOCKER: {"credsStore": "s"}}, {("s", HUB): ("a", SECRET)})
    assert shown(looked_up(Tool.DOCKER, "docker.io/library/x", world).login) == "a"


@pytest.mark.parametrize("name", ["", "../evil", "a b"])
def test_name_that_is_no_helpers_is_not_asked(name: str) -> None:
    """It is not even a question; the line does not repeat it."""
    world = World({DOCKER: WITH_FILE | {"credHelpers": {"r.test": name}}})
    found = looked_up(Tool.CONTAINERS, "r.test/app", world)
    assert (found.login, found.is_refused) == (None, True)
    assert not [question for question in world.asked if not isinstance(question, WantsFile)]
    assert "evil" not in repr(found)


def test_registry_token_counts_beside_a_helper() -> None:
    """Of an entry docker keeps what helpers do not know."""
    entry = {"r.test": auth("file") | {"registrytoken": SECRET}}
    found = looked_up(Tool.DOCKER, "r.test/app", World({DOCKER: {"auths": entry, "credsStore": "s"}}))
    assert shown(found.login) == "registry token"


LEGACY_CASES: list[tuple[dict[str, Any], str | None]] = [
    ({"https://r.test/v1/": auth("a")}, "a"),
    ({"r.test/v1/": auth("a")}, "a"),
    ({"r.test/t/app": auth("a"), "r.test": auth("b")}, "b"),
    ({"x.test": auth("a")}, None),
]


@pytest.mark.parametrize(("content", "expected"), LEGACY_CASES)
def test_dockercfg(content: Any, expected: str | None) -> None:
    """The oldest file knows registries only, and cuts every key at its path."""
    assert shown(looked_up(Tool.CONTAINERS, "r.test/t/app", World({LEGACY: content})).login) == expected


FILE_CASES: list[tuple[str, Any, str, str | None]] = [
    ("config.json", auths(a="r.test/t"), "r.test/other", "a"),
    ("auth.json", auths(a="r.test/t"), "r.test/other", None),
    (".dockercfg", {"https://r.test/v1/": auth("a")}, "r.test/other", "a"),
    (".dockerconfigjson", {"auths": {"r.test": {"username": "a", "password": "x"}}}, "r.test/x", "a"),
    ("other", auths(a="r.test/t", b="r.test"), "r.test/t/app", "a"),
    ("other", {"auths": {"r.test": {"username": "a", "password": "x"}}}, "r.test/x", "a"),
    ("other", {"auths": {"r.test": {"registrytoken": SECRET}}}, "r.test/x", "registry token"),
    ("other", auths(a="r.test") | {"credsStore": "s"}, "r.test/x", "helped"),
]


@pytest.mark.parametrize(("file", "content", "name", "expected"), FILE_CASES)
def test_kind_of_a_file(file: str, content: Any, name: str, expected: str | None) -> None:
    """A file is read as docker's or as containers', by its name and else by what only docker could have written."""
    world = World({f"/d/{file}": content}, {("s", "r.test"): ("helped", SECRET)})
    host, _, repository = name.partition("/")
    assert expected == shown(played(keychain.find_in_file(f"/d/{file}", None, host, repository), world).login)


def test_kind_of_a_file_can_be_said() -> None:
    """Whoever knows better says whose rules hold."""
    world = World({"/d/config.json": auths(a="r.test/t", b="r.test")})
    lookups = [
        keychain.find_in_file("/d/config.json", kind, "r.test", "t/app") for kind in (Tool.DOCKER, Tool.CONTAINERS)
    ]
    assert [shown(played(lookup, world).login) for lookup in lookups] == ["b", "a"]


def test_lookup_says_what_matched_and_what_was_passed_over() -> None:
    """Each place is told in the order in which it was looked at, and what was not taken says why."""
    content = {"auths": {HUB: {}, "docker.io": auth("b"), "x.test": {"auth": "!"}}}
    found = looked_up(Tool.DOCKER, "docker.io/library/x", World({DOCKER: content}))
    assert [
        ("DOCKER_AUTH_CONFIG", "", LookupResult.MISSING),
        (DOCKER, f'credHelpers["{HUB}"]', LookupResult.ABSENT),
        (DOCKER, "credsStore", LookupResult.ABSENT),
        (DOCKER, f'auths["{HUB}"]', LookupResult.EMPTY),
        (DOCKER, 'auths["docker.io"]', LookupResult.SKIPPED),
        (DOCKER, 'auths["x.test"]', LookupResult.MALFORMED),
    ] == [(each.source, each.key, each.outcome) for each in found.looked]
    assert f"docker looks for {HUB}" == found.looked[4].note
    assert "docker itself refuses the whole file" in found.looked[5].note


def test_a_file_of_many_entries_is_told_in_few_lines() -> None:
    """Entries for the same registry, and broken ones, are told up to a limit, and how many more there are."""
    many = {f"r.test/{number}": auth("a") for number in range(500)} | {f"x{n}.test": {"auth": "!"} for n in range(500)}
    found = looked_up(Tool.DOCKER, "r.test:5000/app", World({DOCKER: {"auths": {"r.test:5000": auth("b")} | many}}))
    assert shown(found.login) == "b"
    assert len(found.looked) < 50
    assert found.looked[-1].note == "468 more not shown"
    many = {f"r.test/{number}": auth("a") for number in range(500)} | {"x.test": {"auth": "!"}}
    found = looked_up(Tool.DOCKER, "r.test/app", World({DOCKER: {"auths": {"r.test": auth("b")} | many}}))
    assert (shown(found.login), found.is_refused) == ("b", True)


def test_matched_is_where_the_login_came_from() -> None:
    """The one place that counts, also where a helper gave it."""
    found = looked_up(Tool.CONTAINERS, "r.test/t/app", World({CONFIG: auths(a="r.test/t")}))
    assert found.matched is not None
    assert (found.matched.source, found.matched.key) == (CONFIG, 'auths["r.test/t"]')


def test_docker_is_told_to_be_uncertain_among_several() -> None:
    """Where docker takes any entry of several, the lookup says so."""
    found = looked_up(Tool.DOCKER, "r.test/t/app", World({DOCKER: auths(a="r.test/x", b="r.test/t")}))
    assert any("takes any of 2 entries" in each.note for each in found.looked)


def test_other_files_are_said_to_be_ignored_where_a_variable_names_one() -> None:
    """With REGISTRY_AUTH_FILE or DOCKER_CONFIG containers looks nowhere else, which surprises many."""
    found = looked_up(Tool.CONTAINERS, "r.test/app", World(EVERYWHERE), {"DOCKER_CONFIG": "/none"})
    assert found.looked[-1].note == "DOCKER_CONFIG is set; nothing else is read"


@pytest.mark.parametrize("tool", Tool)
def test_nothing_of_a_lookup_shows_a_secret(tool: Tool) -> None:
    """Neither representations nor explanations, whatever matched or was broken."""
    entries = {
        "r.test": auth("a") | {"identitytoken": SECRET},
        f"https://u:{SECRET}@r.test/x": {"auth": SECRET},
        "x.test": {"username": 1, "password": SECRET},
    }
    world = World({DOCKER: {"auths": entries}})
    found = looked_up(tool, "r.test/app", world, {"DOCKER_AUTH_CONFIG": json.dumps({"auths": {"r.test": SECRET}})})
    assert found.login is not None
    assert SECRET not in repr(found) + repr([FileAnswer(SECRET), HelperAnswer(("u", SECRET))])
