"""Which credentials docker, containers (skopeo, podman, buildah) and crane would send to a registry.

In one thing these lookups differ from all three: an entry that cannot be read costs that entry, where a tool may
refuse the whole file. Then the lookup says so.
"""

from __future__ import annotations

from pathlib import PurePath

from regauth_core.credentials import containers_rules, docker_rules
from regauth_core.credentials.authfile import AuthFile, Tool
from regauth_core.credentials.docker_rules import DockerFiles, server_address
from regauth_core.credentials.locations import AUTH_CONFIG, Location, Locations
from regauth_core.credentials.lookup import Asking, Lookup, LookupNotes, LookupResult
from regauth_core.credentials.registry_names import HUB_REFERENCES
from regauth_core.protocol.registries import DOCKER_HUB


def find(tool: Tool, places: Locations, host: str, repository: str) -> Lookup:
    """What `tool` finds for `repository` (may be ``""``) of the registry `host` (with its port, where one is named)."""
    search = LookupNotes(tool, DOCKER_HUB if host in HUB_REFERENCES else host, repository)
    if tool is Tool.DOCKER:
        return _docker(search, places)
    return _crane(search, places) if tool is Tool.CRANE else _containers(search, places)


def find_in_file(path: str, kind: Tool | None, host: str, repository: str) -> Lookup:
    """What the file at `path` alone holds: by the rules of `kind`, else of the tool that writes such a file."""
    search = LookupNotes(kind or Tool.CONTAINERS, DOCKER_HUB if host in HUB_REFERENCES else host, repository)
    name = PurePath(path).name
    place = Location(path, legacy=name == ".dockercfg")
    file = yield from search.file(path, legacy=place.legacy)
    if file is None or file.broken:
        return search.found(None)
    search.tool = kind or _kind(name, file)
    if search.tool is Tool.CONTAINERS:
        return search.found((yield from containers_rules.find(search, place, file)))
    store = DockerFiles(path=path, file=file)
    login = yield from docker_rules.find(search, store, server_address(search.host))
    docker_rules.note_rest(search, store)
    return search.found(login)


def _kind(name: str, file: AuthFile) -> Tool:
    """Whose file it is: by its name, then by what only docker could have written."""
    if name in ("auth.json", ".dockercfg"):
        return Tool.CONTAINERS
    return Tool.DOCKER if name in ("config.json", ".dockerconfigjson") or file.is_docker else Tool.CONTAINERS


def _docker(search: LookupNotes, places: Locations) -> Lookup:
    variable = docker_rules.variable(search, places.variable)
    file = yield from search.file(places.docker)
    store = DockerFiles(path=places.docker, file=file or AuthFile(broken="does not exist"), variable=variable)
    login = yield from docker_rules.find(search, store, server_address(search.host))
    docker_rules.note_rest(search, store)
    return search.found(login)


def _containers(search: LookupNotes, places: Locations) -> Lookup:
    """The first file with a match wins."""
    for place in places.containers:
        file = yield from search.file(place.path, legacy=place.legacy)
        login = (yield from containers_rules.find(search, place, file)) if file and not file.broken else None
        if login:
            return search.found(login)
    if places.chosen_by:
        note = f"{places.chosen_by} is set; nothing else is read"
        search.note("the usual files", "", LookupResult.SKIPPED, note)
    return search.found(None)


def _crane(search: LookupNotes, places: Locations) -> Lookup:
    """The whole name first, then the registry, both by docker's rules."""
    path, file = yield from _crane_file(search, places)
    if file is None:
        if places.variable:
            search.note(AUTH_CONFIG, "", LookupResult.SKIPPED, "crane reads it only if it finds a file")
        return search.found(None)
    store = DockerFiles(path=path, file=file, variable=docker_rules.variable(search, places.variable))
    registry = "index.docker.io" if search.host == DOCKER_HUB else search.host
    whole = [f"{registry}{search.name.removeprefix(search.host)}"] if search.name != search.host else []
    login = None
    for address in (*whole, server_address(search.host)):
        login = login or (yield from docker_rules.find(search, store, address))
    docker_rules.note_rest(search, store)
    return search.found(login)


def _crane_file(search: LookupNotes, places: Locations) -> Asking[tuple[str, AuthFile | None]]:
    """The one file that crane reads, with its path; `None` where there is none."""
    file = yield from search.file(places.docker)
    if file is not None:
        return places.docker, file
    if places.docker != places.docker_home and (yield from search.file(places.docker_home)) is not None:
        note = "crane finds it, and then reads the one in DOCKER_CONFIG"
        search.note(places.docker_home, "", LookupResult.SKIPPED, note)
        return places.docker, AuthFile(broken="does not exist")
    for path in places.crane:
        file = yield from search.file(path)
        if file is not None:
            return path, file
    return "", None
