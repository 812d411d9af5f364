"""What the credentials that regauth adds may be used for: every client that can use the proxy can use them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from regauth_core.credentials.registry_names import Namespace, registry_name
from regauth_core.model import Origin


class Action(StrEnum):
    """What a request does (distribution token specification, "Resource actions")."""

    PULL = "pull"
    PUSH = "push"
    DELETE = "delete"


_ACTIONS: Final = {"GET": Action.PULL, "HEAD": Action.PULL, "DELETE": Action.DELETE}


def action_of(method: str) -> Action:
    """What a request with `method` (upper case) does to a repository; what does not just read, writes."""
    return _ACTIONS.get(method, Action.PUSH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """One thing that may be done, everywhere or below one namespace."""

    action: Action
    namespace: Namespace | None = None

    @staticmethod
    def read(text: str) -> Permit | None:
        """What ``ACTION`` or ``ACTION:HOST[:PORT][/NAMESPACE]`` means; `None` for anything else."""
        action, colon, rest = text.partition(":")
        namespace = Namespace.read(rest) if colon else None
        if action not in Action.__members__.values() or (colon and namespace is None):
            return None
        return Permit(action=Action(action), namespace=namespace)


@dataclass(frozen=True, slots=True)
class Permits:
    """All that may be done. An action that no permit speaks of may be done everywhere if it is a pull, else nowhere."""

    permits: tuple[Permit, ...] = ()

    def allow(self, method: str, origin: Origin, repository: str | None) -> bool:
        """Whether a request with `method` (upper case) for `repository` of the registry at `origin` may be helped."""
        action, registry = action_of(method), registry_name(origin)
        said = [permit.namespace for permit in self.permits if permit.action is action]
        if not said:
            return action is Action.PULL
        return any(each is None or each.covers(registry, repository or "") for each in said)
