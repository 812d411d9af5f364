"""What docker finds in DOCKER_AUTH_CONFIG, by its helpers and in its file; crane goes by the same rules.

docker/cli ``cli/config/configfile/file.go`` and ``cli/config/credentials``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from regauth_core.credentials.authfile import AuthFile, Entry, auths_key, helpers_key
from regauth_core.credentials.authfile_parser import read_variable
from regauth_core.credentials.locations import AUTH_CONFIG
from regauth_core.credentials.login import Login
from regauth_core.credentials.login_parsing import login_of
from regauth_core.credentials.lookup import Asking, LookupNotes, LookupResult
from regauth_core.credentials.registry_names import HUB_REFERENCES, hostname

_HUB_ADDRESS: Final = "https://index.docker.io/v1/"


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerFiles:
    """What docker has read."""

    path: str
    file: AuthFile
    variable: AuthFile | None = None
    """DOCKER_AUTH_CONFIG, where it is set and can be read."""


def server_address(host: str) -> str:
    """What docker calls a registry in its file and when it asks a helper."""
    return _HUB_ADDRESS if host in HUB_REFERENCES else host


def variable(search: LookupNotes, text: str) -> AuthFile | None:
    """What DOCKER_AUTH_CONFIG says; `None`, which is noted, where it is not set or cannot be read."""
    if not text:
        search.note(AUTH_CONFIG, "", LookupResult.MISSING)
        return None
    read = read_variable(text)
    if read.broken:
        search.note(AUTH_CONFIG, "", LookupResult.MALFORMED, read.broken)
        return None
    return read


def find(search: LookupNotes, store: DockerFiles, address: str) -> Asking[Login | None]:
    """What there is under `address`: in the variable, else by a helper where one is configured, else in the file."""
    if store.variable is not None:
        entry = store.variable.entry(address)
        if entry is None:
            search.note(AUTH_CONFIG, auths_key(address), LookupResult.ABSENT)
        elif login := _login(search, AUTH_CONFIG, store.variable, entry):
            return login
    if store.file.broken:
        return None
    helper = _helper(search, store, address)
    if not helper:
        return _in_file(search, store, address)
    answer = yield from search.helper(helper, address)
    if answer.failure:
        # docker drops the error and is left with what its file holds.
        return _in_file(search, store, address)
    entry = _choice(search, store, address)
    if answer.pair is not None:
        search.rest(store.path, store.file, "a helper is asked instead")
        return login_of(answer.pair)
    # Of a file's entry only what helpers know nothing of stays valid beside one.
    token = entry.registry_token if entry else ""
    if entry and token:
        search.note(
            store.path, auths_key(entry.key), LookupResult.MATCHED, "a registry token is used in addition to a helper"
        )
    search.rest(store.path, store.file, "a helper is asked instead")
    return login_of(None, registry_token=token)


def note_rest(search: LookupNotes, store: DockerFiles) -> None:
    """Note which entries for the same registry were skipped, and everything that makes docker refuse the file."""
    address = server_address(search.host)
    if store.variable is not None:
        search.rest(AUTH_CONFIG, store.variable, f"{search.tool} looks for exactly {address}")
    search.rest(store.path, store.file, f"{search.tool} looks for {address}")


def _helper(search: LookupNotes, store: DockerFiles, address: str) -> str:
    """The name of the helper that is asked in the place of the file's entries; empty where none is."""
    configured = store.file.helper(address)
    if configured is None:
        search.note(store.path, helpers_key(address), LookupResult.ABSENT)
        if not store.file.store:
            search.note(store.path, "credsStore", LookupResult.ABSENT)
        return store.file.store
    if not configured:
        search.note(store.path, helpers_key(address), LookupResult.EMPTY, "the file itself is read")
    return configured


def _in_file(search: LookupNotes, store: DockerFiles, address: str) -> Login | None:
    entry = _choice(search, store, address)
    if entry is None:
        search.note(store.path, auths_key(address), LookupResult.ABSENT)
        return None
    return _login(search, store.path, store.file, entry)


def _choice(search: LookupNotes, store: DockerFiles, address: str) -> Entry | None:
    """The entry called `address`, else one whose host it is. Of several docker takes any; we the most specific."""
    exact = store.file.entry(address)
    if exact is not None:
        return exact
    same = [entry for entry in store.file.entries if hostname(entry.key) == address]
    if len(same) > 1:
        note = f"{search.tool} takes any of {len(same)} entries for this host, not always the same"
        search.note(store.path, "auths", LookupResult.SKIPPED, note)
    named = [entry for entry in same if _covers(entry.key, search.name)]
    return max(named, key=lambda entry: len(entry.key), default=None) or next(iter(same), None)


def _covers(key: str, name: str) -> bool:
    """Whether `key` is `name` or a namespace above it."""
    bare = (key.partition("://")[2] or key).rstrip("/")
    return name == bare or name.startswith(f"{bare}/")


def _login(search: LookupNotes, source: str, file: AuthFile, entry: Entry) -> Login | None:
    """What docker makes of an entry, which is noted. It wants a user in `auth`."""
    if entry.defect or (entry.auth is not None and not entry.auth[0]):
        search.malformed(source, file, entry.key)
        return None
    login = login_of(entry.auth or entry.plain, entry.identity_token, entry.registry_token)
    search.matched(source, entry, login)
    return login
