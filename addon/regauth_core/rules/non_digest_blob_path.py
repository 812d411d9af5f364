"""The client requested a blob, with a credential, under a path that does not contain a digest.

Fires when: a request with a credential has, in the place of a blob's digest, something other than ``algorithm:hex``,
such as dot segments that lead to another repository.

What to do: do not use that image; a client should check every digest before it becomes part of a URL.

Silent when: it is an upload session or a list of referrers; the digest uses another algorithm than sha256; the request
carries no credential.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.conversation import Conversation
from regauth_core.model import Endpoint
from regauth_core.model.finding import Fault, Severity
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page
from regauth_core.rules.wording import where

RULE = Header(
    name="non-digest-blob-path",
    family=Family.LEAK,
    severity=Severity.ERROR,
    fault=Fault.CLIENT,
    level=Level.MUST,
    references=(page("oci", "Pulling blobs"),),
    seen=("CVE-2024-3727 (GHSA-6wvf-f2vw-3425)",),
    signs=signs.IMPROPER_PATH,
    at_once=True,
    stands_alone=True,
)


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match if the newest exchange asks for such a path."""
    exchange = conversation.latest
    if exchange is None or exchange.target.proper or exchange.target.endpoint is not Endpoint.BLOB:
        return
    if not exchange.target.reference or not any(not c.empty for c in exchange.request.credentials):
        return
    yield Match(
        exchanges=(exchange,),
        title=f"a blob path at {exchange.origin.authority} does not contain a digest",
        explanation=(
            f"{where(exchange)} ({exchange.number}) has {exchange.target.reference} where a digest belongs, and"
            f" carried a credential; the answer was {exchange.status or 'not seen'}. The author of the manifest chose"
            " that path."
        ),
        client_author="Check every digest against its grammar before it becomes part of a URL or a file name.",
        user=(
            f"Do not use this image of {conversation.repository or exchange.origin.authority}, and report"
            " it to the owner."
        ),
        rests_on_absence=False,
    )
