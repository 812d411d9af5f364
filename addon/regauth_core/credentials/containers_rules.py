"""What skopeo, podman, buildah and cri-o find in one of their files.

containers ``image/pkg/docker/config/config.go`` and containers-auth.json(5). Credential helpers that registries.conf
names are not asked.
"""

from __future__ import annotations

from collections.abc import Iterator

from regauth_core.credentials.authfile import AuthFile, Entry, auths_key, helpers_key
from regauth_core.credentials.locations import Location
from regauth_core.credentials.login import Login
from regauth_core.credentials.login_parsing import login_of
from regauth_core.credentials.lookup import Asking, LookupNotes, LookupResult
from regauth_core.credentials.registry_names import one_name


def find(search: LookupNotes, place: Location, file: AuthFile) -> Asking[Login | None]:
    """What `file`, which lies at `place`, holds for the search: a helper for the registry goes before all entries."""
    helper = file.helper(search.host)
    if helper is not None:
        answer = yield from search.helper(helper, search.host)
        login = login_of(answer.pair)
        why = "a helper is asked instead"
    else:
        search.note(place.path, helpers_key(search.host), LookupResult.ABSENT)
        login = _in_file(search, place, file)
        is_decided = search.looked[-1].outcome is not LookupResult.ABSENT
        why = "another entry is closer" if is_decided else f"it does not cover {search.name}"
    if file.store:
        search.note(place.path, "credsStore", LookupResult.SKIPPED, "containers does not read it")
    search.rest(place.path, file, why)
    return login


def _in_file(search: LookupNotes, place: Location, file: AuthFile) -> Login | None:
    """The first entry that is there decides, even if nothing can be made of it."""
    for key in _keys(search, place):
        entry = file.entry(key)
        if entry is not None:
            return _login(search, place.path, file, entry)
        search.note(place.path, auths_key(key), LookupResult.ABSENT)
    wanted = one_name(search.host)
    same = [entry for entry in file.entries if _registry(entry.key, legacy=place.legacy) == wanted]
    if len(same) > 1:
        note = f"containers takes any of {len(same)} entries for this host, not always the same"
        search.note(place.path, "auths", LookupResult.SKIPPED, note)
    return _login(search, place.path, file, same[0]) if same else None


def _keys(search: LookupNotes, place: Location) -> Iterator[str]:
    """What an entry may be called, the most specific name first."""
    key = search.host if place.legacy else search.name
    while key:
        yield key
        key = key.rpartition("/")[0]


def _login(search: LookupNotes, source: str, file: AuthFile, entry: Entry) -> Login | None:
    """What containers makes of an entry, which is noted: without a pair in `auth` the entry is nothing to it."""
    if entry.defect:
        search.malformed(source, file, entry.key)
        return None
    if entry.auth is None:
        note = "" if entry.is_empty else 'containers reads nothing where there is no "auth"'
        search.note(source, auths_key(entry.key), LookupResult.EMPTY, note)
        return None
    login = login_of(entry.auth, entry.identity_token)
    search.matched(source, entry, login)
    return login


def _registry(key: str, *, legacy: bool) -> str:
    """The registry that a key names: only URLs, and whatever stands in ``.dockercfg``, are cut at their path."""
    bare = key.removeprefix("http://").removeprefix("https://")
    return one_name(bare.partition("/")[0] if legacy or bare != key else bare)
