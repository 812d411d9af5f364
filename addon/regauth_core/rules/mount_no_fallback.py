"""A refused mount ended the push.

Fires when: a request to mount a blob gets 4xx, no plain upload to that repository and no second mount of the same blob
comes after it, and the push did not continue without it.

Causes: source-not-in-scope (pull on the source was not requested with this token).

What to do: update the client, or do not share layers between repositories of different owners; a client should upload
the layer when a mount is refused.

Silent when: the mount is answered 201 or 202; a plain upload follows, even seconds later or after other layers; a HEAD
shows that the blob is there; the client turns to the source instead; the manifest is pushed anyway; the mount was sent
without a credential and challenged.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.answers import asks_for_login, is_given
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.exchanges import is_anonymous
from regauth_core.conversation.recovery import issue_behind
from regauth_core.conversation.undecided import why_undecided_afterwards
from regauth_core.model import Endpoint, Exchange
from regauth_core.model.finding import Fault, Severity
from regauth_core.protocol.scope import Scope, covered
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page
from regauth_core.rules.wording import numbers, where

RULE = Header(
    name="mount-no-fallback",
    family=Family.SCOPE,
    severity=Severity.ERROR,
    fault=Fault.CLIENT,
    level=Level.SHOULD,
    references=(page("oci", "Mounting a blob from another repository"),),
    seen=(
        "moby/buildkit#2454",
        "moby/buildkit#3509",
        "containerd/containerd#12163",
        "containerd/containerd#14086",
    ),
    signs=signs.MOUNT,
    yields=True,
)


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match with every mount that nothing followed."""
    given_up = [e for e in conversation.requests if _is_given_up(conversation, e)]
    if given_up:
        yield _match(conversation, given_up)


def _is_given_up(conversation: Conversation, mount: Exchange) -> bool:
    if mount.target.mount is None or not 400 <= mount.status < 500 or mount.status in (407, 429):
        return False
    if asks_for_login(mount) and is_anonymous(mount) and not _has_good_login(conversation, mount):
        return False
    later = [e for e in conversation.requests if e.started > mount.started or e.number > mount.number]
    return not any(_makes_up_for(e, mount) for e in later) and not _reads_source(conversation, mount)


def _has_good_login(conversation: Conversation, mount: Exchange) -> bool:
    """Whether the client answered the mount's challenge with a credential that this registry accepts otherwise.

    If not, the challenge was ignored, or the credential is wrong.
    """
    return conversation.responded_to(mount) and bool(conversation.at_registry.accepted)


def _reads_source(conversation: Conversation, mount: Exchange) -> bool:
    """Whether the client turned to the source next, to copy what it could not mount."""
    last = conversation.at_registry.last_repository_request
    source = mount.target.mount_from
    return last is not None and source is not None and last.target.repository == source and last.started > mount.started


def _makes_up_for(later: Exchange, mount: Exchange) -> bool:
    target, digest = later.target, mount.target.mount
    if target.endpoint is Endpoint.UPLOAD_START:
        return target.mount is None or target.mount == digest
    is_there = is_given(later)
    if target.endpoint is Endpoint.BLOB:
        return is_there and target.reference == digest
    return is_there and target.endpoint is Endpoint.MANIFEST and later.request.method == "PUT"


def _match(conversation: Conversation, mounts: list[Exchange]) -> Match:
    first = mounts[0]
    source = first.target.mount_from
    issue = issue_behind(conversation, first)
    unread = (
        source is not None and issue is not None and not covered([Scope.read(f"repository:{source}:pull")], issue.asked)
    )
    why = f" Its token was not requested for pull on {source}." if unread else ""
    return Match(
        exchanges=tuple(mounts),
        cause="source-not-in-scope" if unread else None,
        title=f"the push to {conversation.repository} ended with a refused mount",
        explanation=(
            f"{where(first)} asked to mount a layer{f' from {source}' if source else ''} and was answered"
            f" {first.status} ({numbers(mounts)}).{why} A registry may refuse any mount, and the client did not"
            " upload the layer instead."
        ),
        client_author=(
            f"{f'Request pull on {source} with the token for a mount, and l' if unread else 'L'}et any 4xx to a mount,"
            f" {first.status} here, lead to a plain POST of an upload."
        ),
        user=(
            "Update the client (BuildKit does this from 0.23 on), or do not share layers between repositories of"
            f" different owners{f', such as {source} and {conversation.repository}' if source else ''}."
        ),
        because="the mount, its refusal and the end of the push are in the capture",
        undecided=why_undecided_afterwards(conversation, first),
    )
