"""Scopes of the token protocol: what a token may do with which resource.

Distribution token specification, "Resource Scope Grammar" (https://distribution.github.io/distribution/spec/auth/scope/).
Scopes compare by what they mean and print as they were spelled, because some servers are picky about the spelling.
Nothing here raises on wire input.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from regauth_core.model import Endpoint, Target

_KIND = re.compile(r"[a-z0-9]++(?:\([a-z0-9]++\))?+")
_COMPONENT = re.compile(r"[a-z0-9]++(?:(?:[._]|__|-++)[a-z0-9]++)*+")
_HOST = re.compile(r"[A-Za-z0-9.\-]++(?::[0-9]++)?+")
# The grammar has lower-case letters only; `registry:catalog:*` and vendor actions with an underscore are in wide use.
_ACTIONS = re.compile(r"(?:\*|[a-z_]*+)(?:,(?:\*|[a-z_]*+))*+")
_REMEMBERED = 1024


@dataclass(frozen=True, slots=True)
class Scope:
    """One resource and the actions on it. Equal scopes mean the same; `str()` gives the spelling of the wire."""

    spelled: str = field(compare=False)
    kind: str
    """Resource type with its class, such as ``repository(plugin)``; empty for an opaque word such as ``aws``."""
    name: str
    """May begin with ``host:port/``. The whole text of an opaque word."""
    actions: frozenset[str]
    """``*`` stands alone: it absorbs the others."""

    @staticmethod
    def read(text: str) -> Scope:
        """The scope that `text`, one entry without blanks, spells. Whatever has no two colons is an opaque word."""
        return _remembered(text) if len(text) <= _REMEMBERED else _parsed(text)

    def __str__(self) -> str:
        """As it was spelled."""
        return self.spelled

    @property
    def opaque(self) -> bool:
        """It is not a resource scope but a word between one service and its clients."""
        return not self.kind

    @property
    def resource(self) -> tuple[str, str]:
        """Type without its class, and name: registries match a token's access without looking at the class."""
        return self.kind.partition("(")[0], self.name

    @property
    def path(self) -> str:
        """The name without a leading host, such as ``a/b`` of ``registry.test:5000/a/b``."""
        head, slash, rest = self.name.partition("/")
        return rest if slash and _is_host(head) else self.name

    @property
    def well_formed(self) -> bool:
        """It keeps the grammar: no leading or doubled slash, no empty name, no upper case. Opaque words do not."""
        _, _, actions = self.spelled.rpartition(":")
        names = all(_COMPONENT.fullmatch(part) for part in self.path.split("/"))
        return bool(names and _KIND.fullmatch(self.kind) and _ACTIONS.fullmatch(actions))

    def covers(self, other: Scope) -> bool:
        """Whoever may do this may do `other`. An opaque word covers itself alone."""
        same = self.resource == other.resource
        return same and ("*" in self.actions or other.actions <= self.actions)


def _parsed(text: str) -> Scope:
    # A name may hold `host:port`, so the last colon ends it; the first one ends the type.
    kind, first, rest = text.partition(":")
    name, last, actions = rest.rpartition(":")
    if not (kind and first and last):
        return Scope(text, "", text, frozenset())
    return Scope(text, kind, name, _absorbed(frozenset(actions.split(",")) - {""}))


_remembered = lru_cache(4096)(_parsed)


def _absorbed(actions: frozenset[str]) -> frozenset[str]:
    return frozenset("*") if "*" in actions else actions


def _is_host(text: str) -> bool:
    # By the grammar any word may be a host, which would make `Library/x` well-formed; as in image references only a
    # first component with a dot or a port is one.
    return bool(_HOST.fullmatch(text)) and ("." in text or ":" in text or text == "localhost")


def _spelled(kind: str, name: str, actions: frozenset[str]) -> Scope:
    return Scope(f"{kind}:{name}:{','.join(sorted(actions))}", kind, name, actions)


def entries(texts: Iterable[str]) -> tuple[Scope, ...]:
    """Every scope of `texts`, each of which may hold several, separated by blanks."""
    return tuple(Scope.read(word) for text in texts for word in text.split())


def covered(need: Iterable[Scope], granted: Iterable[Scope]) -> bool:
    """Whether `granted` allows all of `need`; actions of several entries for one resource add up."""
    held: dict[tuple[str, str], frozenset[str]] = {}
    for scope in granted:
        held[scope.resource] = held.get(scope.resource, frozenset()) | scope.actions
    return all(_allows(held.get(scope.resource), scope) for scope in need)


def _allows(actions: frozenset[str] | None, need: Scope) -> bool:
    if need.opaque:
        return actions is not None
    # An entry without actions asks for nothing.
    return not need.actions or (actions is not None and ("*" in actions or need.actions <= actions))


def merged(scopes: Iterable[Scope]) -> tuple[Scope, ...]:
    """One entry for each resource, in order of appearance, its actions united.

    An entry to which the others add nothing keeps its spelling; a new one is spelled with sorted actions.
    """
    found: dict[tuple[str, str], Scope] = {}
    for scope in scopes:
        first = found.setdefault((scope.kind, scope.name), scope)
        union = _absorbed(first.actions | scope.actions)
        if union != first.actions:
            found[scope.kind, scope.name] = _spelled(scope.kind, scope.name, union)
    return tuple(found.values())


_ACTIONS_OF = {
    "GET": frozenset({"pull"}),
    "HEAD": frozenset({"pull"}),
    "POST": frozenset({"pull", "push"}),
    "PUT": frozenset({"pull", "push"}),
    "PATCH": frozenset({"pull", "push"}),
    "DELETE": frozenset({"delete"}),
}


def needed(method: str, target: Target) -> tuple[Scope, ...]:
    """The scopes that a request needs, as the reference registry asks for them; none for the ping and other paths."""
    if target.endpoint is Endpoint.CATALOG:
        return (_spelled("registry", "catalog", frozenset("*")),)
    actions = _ACTIONS_OF.get(method.upper())
    if target.repository is None or actions is None:
        return ()
    need = [_spelled("repository", target.repository, actions)]
    if target.mount_from is not None:
        need.append(_spelled("repository", target.mount_from, frozenset({"pull"})))
    return merged(need)
