"""The client tried to mount a layer from a repository that its token does not cover or that is elsewhere.

Fires when: a mount that names its source was refused or answered 202, a plain upload followed, and the token was not
requested for pull on the source, or the client knows that repository only from another registry.

Causes: source-on-other-registry, source-not-in-scope.

What to do: nothing, since the layer is uploaded instead; a client should request pull on the source as well, and mount
within one registry only.

Silent when: no source is named; the push fails because of it, which is a finding of another rule; the scope was there
and the registry answers 202, as it may.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.answers import is_given
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.recovery import issue_behind
from regauth_core.model import Endpoint, Exchange
from regauth_core.model.finding import Fault, Severity
from regauth_core.protocol.registries import repository_of
from regauth_core.protocol.scope import Scope, covered
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page
from regauth_core.rules.wording import numbers, where

RULE = Header(
    name="mount-scope-missing",
    family=Family.SCOPE,
    severity=Severity.INFO,
    fault=Fault.CLIENT,
    level=Level.MUST,
    references=(page("scope", "Resource Provider Use"),),
    seen=("oras-project/rust-oci-client#235", "google/go-containerregistry PR#219", "moby/moby#20387"),
    signs=signs.MOUNT,
    accounts=False,
)

_UPLOADS = frozenset({Endpoint.UPLOAD_START, Endpoint.UPLOAD})


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match for each cause, with every mount of it."""
    found: dict[str, list[Exchange]] = {}
    for mount in conversation.requests:
        is_vain = mount.target.mount_from is not None and (mount.status == 202 or 400 <= mount.status < 500)
        cause = _cause(conversation, mount) if is_vain and _is_uploaded(conversation, mount) else None
        if cause is not None:
            found.setdefault(cause, []).append(mount)
    for cause, mounts in found.items():
        yield _match(conversation, cause, mounts)


def _is_uploaded(conversation: Conversation, mount: Exchange) -> bool:
    """Whether a separate upload followed, or the one that a 202 had begun."""
    return any(
        e.started > mount.started and e.target.endpoint in _UPLOADS and e.target.mount is None and is_given(e)
        for e in conversation.requests
    )


def _cause(conversation: Conversation, mount: Exchange) -> str | None:
    source = repository_of(conversation.registry, mount.target.mount_from)
    here = conversation.at_registry
    others = [a for a in conversation.client_state.at_registries.values() if a is not here]
    if source is not None and source not in here.asked and any(source in a.asked for a in others):
        return "source-on-other-registry"
    issue = issue_behind(conversation, mount)
    if issue is None:
        return None
    need = Scope.read(f"repository:{mount.target.mount_from}:pull")
    return None if covered([need], issue.asked) else "source-not-in-scope"


def _match(conversation: Conversation, cause: str, mounts: list[Exchange]) -> Match:
    first = mounts[0]
    source = first.target.mount_from
    why = {
        "source-on-other-registry": f"the client knows {source} from another registry only",
        "source-not-in-scope": f"its token was not requested for pull on {source}",
    }[cause]
    return Match(
        exchanges=tuple(mounts),
        cause=cause,
        title=f"the mount from {source} failed",
        explanation=(
            f"{where(first)} was answered {first.status} ({numbers(mounts)}); {why}. The layer was then uploaded."
        ),
        client_author=f"Request pull on {source} together with the push, and try mounts only within one registry.",
        user=f"Harmless: the layer is uploaded to {conversation.repository} instead of being mounted.",
        because="the mount, its token and the upload are in the capture",
    )
