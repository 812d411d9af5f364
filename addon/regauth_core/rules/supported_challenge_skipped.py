"""Several schemes were offered, and the client gave up although it could have used one of them.

Fires when: a 401 offers two schemes or more, on one line or several, at least one of them is Basic or a complete
Bearer challenge, and the client stopped, or answered only with a scheme that registries do not share, and never tried
the usable one.

Silent when: any usable one is tried; none is usable; there is only one scheme, which is then plainly ignored; the
client could do without the request.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core import signs
from regauth_core.clauses import rfc
from regauth_core.conversation import Conversation, usable
from regauth_core.evidence import numbers, subject, where
from regauth_core.model import Confidence, Exchange, Fault, Severity
from regauth_core.refusals import is_unanswered, refused_alike, schemes
from regauth_core.rules.base import Family, Level, Match, Rule


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match with every refusal whose choice of schemes was not taken."""
    skipped = refused_alike(conversation, lambda e: _is_skipped(conversation, e))
    if skipped:
        yield _match(conversation, skipped)


def _is_skipped(conversation: Conversation, refused: Exchange) -> bool:
    offered = {c.kind for c in refused.response.challenges} if refused.response else set()
    could = {c.kind for c in usable(refused)}
    sent = {c.scheme for c in refused.request.credentials}
    return len(offered) > 1 and not sent & could and is_unanswered(conversation, refused)


def _match(conversation: Conversation, skipped: list[Exchange]) -> Match:
    first = skipped[0]
    host = first.origin.host
    best = next((c for c in usable(first) if c.kind == "bearer"), usable(first)[0])
    place = best.line + 1
    lone = best.kind == "basic" and not conversation.holds_credentials
    return Match(
        exchanges=tuple(skipped),
        title=f"the client did not take the {best.scheme} challenge that {subject(conversation)} offers among others",
        explanation=(
            f"{where(first)} was answered 401 with {schemes(first)} ({numbers(skipped)})."
            f" {best.scheme}, in WWW-Authenticate line {place}, is one that registry clients can answer; the client"
            " neither sent such a credential nor asked a token server."
        ),
        client_author=(
            "Read every WWW-Authenticate line and every challenge in it, pass over schemes that you do not know, and"
            f" take the best of the rest: {best.scheme} here."
        ),
        user=f"Let {host} list Bearer or Basic first, each on a line of its own, or offer nothing else below /v2/.",
        confidence=Confidence.MEDIUM if lone else Confidence.HIGH,
        because=(
            "the client is not known to hold credentials that it could have sent" if lone
            else "the offered schemes and the silence after them are in the capture"
        ),
        doubt=conversation.doubt(first),
    )


RULE = Rule(
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
    matches=matches,
    manual=__doc__,
)
