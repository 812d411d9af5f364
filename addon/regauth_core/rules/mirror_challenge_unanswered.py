"""The client sent a mirror no credentials and fell back to another registry.

Fires when: a host answers 401 with a usable challenge, the client does nothing about it, and then requests the same
manifest, blob or list from another registry. The `ns` parameter of a request shows that its host is a mirror.

What to do: store separate credentials for the mirror, or let it serve anonymously; a client should look up credentials
by the host that it contacts.

Silent when: no other host is asked: then the challenge was simply ignored; the mirror gets an answer.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import asked_other_registry
from regauth_core.conversation.exchanges import is_anonymous, usable_challenges
from regauth_core.model import Exchange
from regauth_core.model.finding import Confidence, Fault, Severity
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page
from regauth_core.rules.wording import numbers, subject, where

RULE = Header(
    name="mirror-challenge-unanswered",
    family=Family.UNANSWERED,
    severity=Severity.INFO,
    fault=Fault.CLIENT,
    level=Level.INFO,
    references=(page("oci", "Registry Proxying"),),
    seen=("docker/docs#5139", "containerd/nerdctl#2844", "containerd/containerd#9997", "moby/buildkit#5939"),
    signs=signs.REFUSED,
)


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match with every refusal of the mirror."""
    passed = [e for e in conversation.refused() if _is_passed_over(conversation, e)]
    if passed:
        yield _match(conversation, passed, asked_other_registry(conversation, passed[0])[0])


def _is_passed_over(conversation: Conversation, refused: Exchange) -> bool:
    if not is_anonymous(refused) or not usable_challenges(refused) or conversation.succeeded_later(refused):
        return False
    return bool(asked_other_registry(conversation, refused)) and not conversation.responded_to(refused)


def _match(conversation: Conversation, passed: list[Exchange], other: Exchange) -> Match:
    first = passed[0]
    mirror, primary = first.origin.authority, other.origin.authority
    said = first.target.mirror_of is not None
    return Match(
        exchanges=tuple(passed),
        title=f"the mirror {mirror} asked for credentials and was skipped",
        explanation=(
            f"{where(first)} was answered 401 ({numbers(passed)}). The client sent {mirror} no credential for"
            f" {subject(conversation)} and asked {primary} instead ({other.number})."
        ),
        client_author=f"Look up credentials by the host that is contacted: mirrors such as {mirror} have their own.",
        user=f"Store separate credentials for {mirror} in the client's configuration, or let it serve anonymously.",
        confidence=Confidence.HIGH if said else Confidence.MEDIUM,
        because=(
            "the request names the registry that the host mirrors"
            if said
            else "that it is a mirror is known only because the same path is requested from another registry next"
        ),
    )
