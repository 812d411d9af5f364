"""The registry refuses with 401 and does not say how to authenticate.

Fires when: the registry answers a request with 401 and no WWW-Authenticate, or an empty one. Where the request carried
a credential, the finding counts fully only if that very token had been accepted for the same before, and nothing says
why it no longer is.

Severity: error; warning where the ping gave the challenge and the client succeeded with it; info where the client
succeeded anyway, where a credential was refused that had never been accepted, and for an anonymous token request. A
proxy is at fault where a `Via` or `Server` header or an HTML page shows that one answered.

Causes: challenge-only-on-ping, stripped-by-proxy (a registry's error came through a proxy without its challenge),
refused-token.

What to do: report it to the operator, and look for a proxy that strips the header; a client may drop its token and fall
back once on the challenge of the ping.

Silent when: the same request was challenged before or after; the answer is from a storage or another host; the token
server refuses a password, where the status is enough; the client did not need the request.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.answers import asks_for_login
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import present
from regauth_core.conversation.exchanges import bearer, is_anonymous, usable_challenges
from regauth_core.conversation.recovery import is_challenged_elsewhere, is_foreign, is_needless, refused_alike
from regauth_core.conversation.undecided import why_undecided_afterwards
from regauth_core.model import Endpoint, Exchange
from regauth_core.model.finding import Confidence, Fault, Severity
from regauth_core.protocol.scope import covered, needed
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import rfc
from regauth_core.rules.wording import numbers, reference_of, where

RULE = Header(
    name="missing-challenge",
    family=Family.REGISTRY,
    severity=Severity.ERROR,
    fault=Fault.REGISTRY,
    level=Level.MUST,
    references=(rfc(9110, "15.5.2"), rfc(9110, "11.6.1")),
    seen=(
        "regclient/regclient#149",
        "regclient/regclient PR#150",
        "containers/image PR#211",
        "renovatebot/renovate#11446",
    ),
    signs=signs.REFUSED,
    counts_anyway=True,
)


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match with every 401 without a challenge."""
    bare = [e for e in refused_alike(conversation, _is_bare) if not is_foreign(conversation, e)]
    bare = [e for e in bare if not is_challenged_elsewhere(conversation, e)]
    first = next((e for e in bare if is_anonymous(e) and not is_needless(conversation, e)), None)
    if first is not None:
        yield _match(conversation, first, [e for e in bare if is_anonymous(e)])
        return
    refused = next((e for e in bare if _lost_its_use(conversation, e)), None)
    if refused is not None:
        yield _match(conversation, refused, [e for e in bare if not is_anonymous(e)])
        return
    for exchange in conversation.token_exchanges:
        if (
            asks_for_login(exchange)
            and _is_bare(exchange)
            and is_anonymous(exchange)
            and not conversation.repeats_of(exchange)
        ):
            yield _match(conversation, exchange, [exchange])
            return


def _is_bare(exchange: Exchange) -> bool:
    response = exchange.response
    return response is not None and not response.challenges and not response.unreadable_challenge


def _lost_its_use(conversation: Conversation, refused: Exchange) -> bool:
    """Whether the refused token had been accepted in this conversation for a request that needs as much."""
    token = bearer(refused)
    if token is None or refused.target.endpoint is Endpoint.UPLOAD or is_needless(conversation, refused):
        return False
    accepted = _accepted(conversation, refused)
    need = needed(refused.request.method, refused.target)
    return accepted is not None and covered(need, needed(accepted.request.method, accepted.target))


def _accepted(conversation: Conversation, refused: Exchange) -> Exchange | None:
    """The last exchange before it in which the refused token was accepted."""
    token = bearer(refused)
    accepted = conversation.at_registry.accepted.get(token.fingerprint) if token is not None else None
    return accepted if accepted is not None and accepted.started < refused.started else None


_USER = {
    "challenge-only-on-ping": "Report to the operator of {host} that each 401 must carry WWW-Authenticate, not that of"
    " /v2/ alone.",
    "stripped-by-proxy": "Let the proxy in front of {host} pass WWW-Authenticate on: the registry's error came"
    " without it.",
    "refused-token": "Run the client again: it then fetches a new token. Report to the operator of {host} that a 401"
    " must carry WWW-Authenticate.",
    None: "Report to the operator of {host} that a 401 must carry WWW-Authenticate; a proxy in front may strip it.",
}
"""What the user can do, by cause."""


def _match(conversation: Conversation, first: Exchange, bare: list[Exchange]) -> Match:
    is_exchange = conversation.is_token_exchange(first)
    ping = next(
        (p for p in reversed(conversation.context) if p.target.endpoint is Endpoint.PING and usable_challenges(p)), None
    )
    through = conversation.succeeded_later(first) or (conversation.was_served_after(first) and not is_anonymous(first))
    speaker = _speaker(conversation, first)
    host = first.origin.authority
    accepted = _accepted(conversation, first)
    before = f" The same token had been accepted before ({accepted.number})." if accepted is not None else ""
    known = f" Only the ping ({ping.number}) said how to authenticate." if ping is not None else ""
    return Match(
        exchanges=present(accepted, *bare, ping),
        severity=_severity(through=through or is_exchange, heralded=ping is not None and not is_exchange),
        fault=Fault.PROXY if speaker else Fault.TOKEN_SERVER if is_exchange else None,
        cause=_cause(first, ping, speaker),
        title=f"401 without a challenge for {reference_of(conversation)}",
        explanation=(
            f"{where(first)} was answered 401 without a WWW-Authenticate header ({numbers(bare)}), so a client"
            f" cannot know how to authenticate.{known}{before}{speaker}"
        ),
        client_author=(
            f"On a 401 without a challenge, as for {where(first)}, drop the token that was refused and fall back to the"
            " challenge of /v2/ once."
        ),
        user=_USER[_cause(first, ping, speaker)].format(host=host),
        confidence=Confidence.HIGH,
        because="the answer is in the capture with all its headers",
        undecided=None if through else why_undecided_afterwards(conversation, first),
    )


def _severity(*, through: bool, heralded: bool) -> Severity:
    if not through:
        return Severity.ERROR
    return Severity.WARNING if heralded else Severity.INFO


def _cause(first: Exchange, ping: Exchange | None, speaker: str) -> str | None:
    if ping is not None and is_anonymous(first):
        return "challenge-only-on-ping"
    if speaker and first.response is not None and first.response.errors:
        return "stripped-by-proxy"
    return "refused-token" if bearer(first) is not None else None


def _speaker(conversation: Conversation, exchange: Exchange) -> str:
    """A sentence that names the proxy which answered or forwarded the answer; empty where nothing shows one."""
    response = exchange.response
    if response is None:
        return ""
    if response.header("via"):
        return f" It came through a proxy (Via: {response.header('via')})."
    if response.is_html:
        return " The answer is an HTML page, as proxies send it, not a registry's error."
    own = response.header("server")
    others = {e.response.header("server") for e in conversation.context if e.response and e.origin == exchange.origin}
    differing = sorted(str(s) for s in others if s and own and s != own)
    return f" Its Server header is {own}; other answers of the host have {differing[0]}." if differing else ""
