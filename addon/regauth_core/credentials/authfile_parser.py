"""Reads ``config.json``, ``auth.json``, ``.dockercfg`` and the variable DOCKER_AUTH_CONFIG.

docker/cli ``cli/config/configfile/file.go``; containers ``image/pkg/docker/config/config.go`` and
containers-auth.json(5). All are JSON objects read by Go: names of fields are matched without regard to case, and of
equal ones the last counts.

Nothing here raises, whatever is in a file. What cannot be used is left out and remarked on; no remark quotes a value.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from typing import Any, Final

from regauth_core.credentials.authfile import NOT_BASE64, AuthFile, Entry, Pair, Remark, Tool, auths_key, helpers_key
from regauth_core.protocol.authorization import BASE64

MAX_FILE: Final = 1024 * 1024
"""Characters of a file that is read at all."""
MAX_ENTRIES: Final = 10_000

_DOCKER: Final = (Tool.DOCKER, Tool.CRANE)
_ALL: Final = tuple(Tool)
_BLANK: Final = " \t\r\n"
_EMPTY: Final = "is empty"


def read(text: str, *, legacy: bool = False) -> AuthFile:
    """What the file with the content `text` says; `legacy` for ``.dockercfg``, which is ``auths`` alone."""
    if len(text) > MAX_FILE:
        return AuthFile(broken=f"is larger than {MAX_FILE // 1024} KiB")
    if not text.strip(_BLANK):
        return AuthFile(remarks=(Remark(key="", text=_EMPTY, refused_by=(Tool.CONTAINERS,)),))
    document = _parsed(text)
    if isinstance(document, str):
        return AuthFile(broken=document)
    top, trailing = document
    reader = _Reader()
    if trailing:
        reader.remark("", "has text after its JSON object", Tool.CONTAINERS)
    if legacy:
        reader.read_entries(top)
    else:
        reader.read(top)
    return reader.result()


def read_variable(text: str) -> AuthFile:
    """What the variable DOCKER_AUTH_CONFIG says: ``auths`` with `auth` in each entry.

    docker's kin ignore the whole variable where anything else is in it, or where it is not whole; that is remarked on.
    """
    file = read(text)
    entries = tuple(Entry(key=entry.key, auth=entry.auth, defect=entry.defect) for entry in file.entries)
    remarks = [Remark(key=r.key, text=r.text, refused_by=_DOCKER) for r in file.remarks if r.text != _EMPTY]
    remarks += [Remark(key=auths_key(e.key), text='has no "auth"', refused_by=_DOCKER) for e in entries if e.is_empty]
    if file.has_more:
        remarks.append(Remark(key="", text='holds more than "auths" with "auth"', refused_by=_DOCKER))
    return AuthFile(entries=entries, remarks=tuple(remarks), broken=file.broken)


class _Object(list[tuple[str, Any]]):
    """A JSON object with its members in order, equal names included."""


def _parsed(text: str) -> tuple[_Object, bool] | str:
    """The object in `text` and whether something follows it, or what is wrong."""
    start = len(text) - len(text.lstrip(_BLANK))
    try:
        value, end = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        return f"is not JSON (line {error.lineno}, column {error.colno})"
    except (ValueError, RecursionError):
        return "is not JSON that can be read"
    if not isinstance(value, _Object):
        return "is not a JSON object"
    return value, bool(text[end:].strip(_BLANK))


def _refuse(_: str) -> Any:
    raise ValueError


# Numbers mean nothing here, and the ones with a million digits cost nothing this way. Go knows no NaN.
_DECODER: Final = json.JSONDecoder(object_pairs_hook=_Object, parse_int=len, parse_float=len, parse_constant=_refuse)


def _members(value: _Object, name: str) -> Iterator[Any]:
    """The values of all members called `name`, those that are null left out."""
    return (each for key, each in value if key.casefold() == name.casefold() and each is not None)


class _Reader:
    """Takes a file apart, entry by entry."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._helpers: list[tuple[str, str]] = []
        self._store = ""
        self._remarks: list[Remark] = []
        self._is_docker = False
        self._has_more = False

    def remark(self, key: str, text: str, *refused_by: Tool) -> None:
        self._remarks.append(Remark(key=key, text=text, refused_by=refused_by))

    def result(self) -> AuthFile:
        return AuthFile(
            entries=tuple(self._entries),
            helpers=tuple(self._helpers),
            store=self._store,
            remarks=tuple(self._remarks),
            is_docker=self._is_docker,
            has_more=self._has_more,
        )

    def read(self, top: _Object) -> None:
        self._has_more = any(name.casefold() != "auths" for name, _ in top)
        for auths in _members(top, "auths"):
            if isinstance(auths, _Object):
                self.read_entries(auths)
            else:
                self.remark("auths", "is not a JSON object", *_ALL)
        for helpers in _members(top, "credHelpers"):
            self._read_helpers(helpers)
        for store in _members(top, "credsStore"):
            if isinstance(store, str):
                self._store = store
                self._is_docker = True
            else:
                self.remark("credsStore", "is not text", *_DOCKER)

    def read_entries(self, auths: _Object) -> None:
        if len(auths) > MAX_ENTRIES:
            self.remark("auths", f"has more than {MAX_ENTRIES} entries: those beyond are left out")
        for key, value in auths[:MAX_ENTRIES]:
            self._entries.append(self._entry(key, value))

    def _read_helpers(self, helpers: Any) -> None:
        if not isinstance(helpers, _Object):
            self.remark("credHelpers", "is not a JSON object", *_ALL)
            return
        for server, name in helpers[:MAX_ENTRIES]:
            if isinstance(name, str) or name is None:
                self._helpers.append((server, name or ""))
            else:
                self.remark(helpers_key(server), "is not text", *_ALL)

    def _entry(self, key: str, value: Any) -> Entry:
        if value is None:
            return Entry(key=key)
        if not isinstance(value, _Object):
            return self._defective(key, "is not a JSON object", *_ALL)
        self._has_more = self._has_more or any(name.casefold() != "auth" for name, _ in value)
        fields: dict[str, str] = {}
        for name in ("auth", "username", "password", "identitytoken", "registrytoken"):
            for found in _members(value, name):
                if not isinstance(found, str):
                    known = _ALL if name in ("auth", "identitytoken") else _DOCKER
                    return self._defective(key, f'has a "{name}" that is not text', *known)
                fields[name] = found
        plain = (fields.get("username", ""), fields.get("password", ""))
        registry_token = fields.get("registrytoken", "")
        auth = _pair(fields["auth"]) if fields.get("auth") else None
        if isinstance(auth, str):
            return self._defective(key, auth, *_DOCKER)
        if auth is not None and not auth[0]:
            self.remark(auths_key(key), 'has an "auth" without a user', *_DOCKER)
        self._is_docker = self._is_docker or any(plain) or bool(registry_token)
        return Entry(
            key=key,
            auth=auth,
            plain=plain if any(plain) else None,
            identity_token=fields.get("identitytoken", ""),
            registry_token=registry_token,
        )

    def _defective(self, key: str, defect: str, *refused_by: Tool) -> Entry:
        self.remark(auths_key(key), defect, *refused_by)
        return Entry(key=key, defect=defect)


def _pair(text: str) -> Pair | str:
    """User and password out of the field `auth`, or what is wrong. Line breaks in base64 are nothing to Go."""
    compact = text.replace("\r", "").replace("\n", "")
    if not BASE64.fullmatch(compact):
        return NOT_BASE64
    user, colon, password = b64decode(compact).decode("utf-8", "surrogateescape").partition(":")
    if not colon:
        return 'has an "auth" without a colon'
    # docker once padded with NUL.
    return user, password.strip("\x00")
