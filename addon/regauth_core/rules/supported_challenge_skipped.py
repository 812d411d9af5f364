"""Several schemes were offered, and the client did not use one that it could have used.

Fires when: a 401 offers two schemes or more, on one line or several, at least one of them is Basic or a complete Bearer
challenge, and the client stopped, or answered only with a scheme that registries do not have in common, or only with
Basic, which was refused, and ignored the others.

What to do: let the registry or proxy send the usable scheme first or alone; a client should read every challenge of
every line and skip unknown ones.

Silent when: the client succeeds with one of the others, or the token server refuses the credential; none is usable;
there is only one scheme, which is then simply ignored; the client did not need the request.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.exchanges import basic, bearer, usable_challenges
from regauth_core.conversation.recovery import is_final, is_unanswered, refused_alike
from regauth_core.conversation.undecided import why_undecided
from regauth_core.model import Exchange
from regauth_core.model.finding import Confidence, Fault, Severity
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import rfc
from regauth_core.rules.wording import numbers, reference_of, schemes, where

RULE = Header(
    name="supported-challenge-skipped",
    family=Family.UNANSWERED,
    severity=Severity.ERROR,
    fault=Fault.CLIENT,
    level=Level.INTEROP,
    references=(rfc(9110, "11.6.1"), rfc(9110, "11.4")),
    seen=(
        "google/go-containerregistry PR#1075",
        "GoogleContainerTools/jib#4187",
        "containers/skopeo#375",
        "argoproj-labs/argocd-image-updater PR#1801",
    ),
    signs=signs.REFUSED,
    is_provable=True,
)


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match with every refusal whose usable scheme was not used."""
    skipped = refused_alike(conversation, lambda e: _is_skipped(conversation, e))
    if skipped:
        yield _match(conversation, skipped)


def _is_skipped(conversation: Conversation, refused: Exchange) -> bool:
    offered = {c.kind for c in refused.response.challenges} if refused.response else set()
    could = {c.kind for c in usable_challenges(refused)}
    sent = {c.scheme for c in refused.request.credentials}
    if len(offered) < 2:
        return False
    if "basic" in sent and "bearer" in could:
        return is_final(conversation, refused) and not _tried_bearer(conversation, refused)
    return not sent & could and is_unanswered(conversation, refused)


def _tried_bearer(conversation: Conversation, refused: Exchange) -> bool:
    """Whether the client ever contacted this registry's token servers, or sent a token."""
    return any(conversation.is_token_exchange(a) or bearer(a) is not None for a in conversation.at_registry.auth_steps)


def _match(conversation: Conversation, skipped: list[Exchange]) -> Match:
    first = skipped[0]
    host = first.origin.authority
    best = next((c for c in usable_challenges(first) if c.kind == "bearer"), usable_challenges(first)[0])
    place = best.line + 1
    lone = best.kind == "basic" and not conversation.holds_credentials
    tried = basic(first) is not None
    did = "The client sent Basic, which was refused," if tried else "The client sent no such credential"
    return Match(
        exchanges=tuple(skipped),
        title=f"the client skipped the {best.scheme} challenge of {reference_of(conversation)}",
        explanation=(
            f"{where(first)} was answered 401 with {schemes(first)} ({numbers(skipped)})."
            f" {best.scheme}, in WWW-Authenticate line {place}, is one that registry clients support."
            f" {did}{' and contacted no token server that is named here' if best.kind == 'bearer' else ''}."
        ),
        client_author=(
            "Read every WWW-Authenticate line and every challenge in it, skip unknown schemes, and use the"
            f" best of the rest: {best.scheme} here."
        ),
        user=(
            f"Check the password first: {host} offers Basic as well, and refused this one. If it is good, let {host}"
            " offer Bearer alone, or use another client."
            if tried and any(c.kind == "basic" for c in usable_challenges(first))
            else f"Let {host} send Bearer or Basic first, each in a separate header line, or offer nothing else below"
            " /v2/."
        ),
        confidence=Confidence.MEDIUM if lone or tried else Confidence.HIGH,
        because=(
            "the password may also be wrong"
            if tried
            else "the client is not known to have credentials that it could have sent"
            if lone
            else "the offered schemes and the silence after them are in the capture"
        ),
        undecided=why_undecided(conversation, first),
    )
