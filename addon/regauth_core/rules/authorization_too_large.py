"""The server in front refuses a request because its credential or scopes have grown too big.

Fires when: a request with an `Authorization` of more than 4 KiB, or a token request of more than 4 KiB, is answered
413, 414 or 431, or 400 with words about headers or a request that is too large.

Causes: scopes-accumulate (each exchange named more scopes than the one before it, which is the client's doing),
otherwise none.

What to do: use a registry token in the place of the large one, or split the job so that fewer repositories share a
token; a client should not let its list of scopes grow.

Silent when: it is large and accepted.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.answers import is_bad_request, is_too_large
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import continued_after, is_about
from regauth_core.conversation.exchanges import asked
from regauth_core.conversation.refusal import states
from regauth_core.model import Exchange
from regauth_core.model.finding import Fault, Severity
from regauth_core.model.stated_reasons import StatedReason
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import rfc
from regauth_core.rules.wording import numbers, where

RULE = Header(
    name="authorization-too-large",
    family=Family.CREDENTIALS,
    severity=Severity.ERROR,
    fault=Fault.CREDENTIALS,
    level=Level.INTEROP,
    references=(rfc(6585, "5"), rfc(9110, "15.5.15")),
    seen=("Azure/acr#797", "goharbor/harbor PR#14011", "google/go-containerregistry#1744", "regclient/regclient#797"),
    signs=signs.TOO_LARGE,
)

_LARGE = 4096
_HANDFUL = 5


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match with every request that was refused for its size."""
    refused = [e for e in conversation.steps if _is_too_large(conversation, e) and is_about(conversation, e)]
    if not refused:
        return
    first = refused[0]
    host = first.origin.authority
    grows = conversation.is_token_exchange(first) and _grows(conversation, first)
    size = _size(conversation, first)
    yield Match(
        exchanges=tuple(refused),
        severity=Severity.INFO if continued_after(conversation, refused[-1]) else None,
        fault=Fault.CLIENT if grows else None,
        cause="scopes-accumulate" if grows else None,
        title=f"{host} refused a request: what authorizes it is too large",
        explanation=(
            f"{where(first)} ({numbers(refused)}) was answered {first.status}; it carries {size} bytes of"
            f" {'scopes' if grows else 'credentials or scopes'}."
        ),
        client_author=f"Name only the repositories at hand, each once, when asking {host} for a token, and send large"
        " secrets by POST.",
        user=(
            f"Split the job, or use another client: this one asks {host} for more with every request."
            if grows
            else f"Use a token that the registry itself issues instead of the cloud's token for {host}, or split the"
            " job."
        ),
    )


def _size(conversation: Conversation, exchange: Exchange) -> int:
    header = max((c.size for c in exchange.request.credentials), default=0)
    if not conversation.is_token_exchange(exchange):
        return header
    return max(header, len(exchange.request.url), exchange.request.target_size, exchange.request.size)


def _is_too_large(conversation: Conversation, exchange: Exchange) -> bool:
    if not is_too_large(exchange) and not (is_bad_request(exchange) and states(exchange, StatedReason.TOO_LARGE)):
        return False
    return _size(conversation, exchange) > _LARGE


def _grows(conversation: Conversation, refused: Exchange) -> bool:
    """Whether this client's token requests named more and more scopes up to this one."""
    auth_steps = [a for a in conversation.at_registry.auth_steps if conversation.is_token_exchange(a)]
    counts = [len(asked(a)) for a in auth_steps if a.started < refused.started]
    now = len(asked(refused))
    return now > _HANDFUL and (not counts or max(counts) < now or counts[0] < now)
