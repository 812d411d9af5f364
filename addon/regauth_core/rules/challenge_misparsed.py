"""The client misread the challenge: its token request contains a damaged copy of a value.

Fires when: the scope, the service or the address of a token request is the challenge's value cut off at a comma, a
space or a quote, or without the last character before one, or with a stray quote in it; or scope entries are joined
together; or the value belongs to another challenge of the same answer. The value must not be a whole value of any other
challenge that the client had received. Info where the client got what it wanted anyway; a list of actions cut at a
comma is then not reported, because it may have been asked for on purpose.

What to do: use a newer client; no setting helps. Its author should parse quoted strings: commas, spaces and escapes in
them separate nothing.

Silent when: the client chooses its scopes itself, or requests fewer actions in a form that is not a prefix of the
challenge's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from regauth_core.conversation import signs
from regauth_core.conversation.answers import asks_for_login, is_turned_away
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import present
from regauth_core.conversation.exchanges import bearer, bearer_challenges, challenge_realm, realm_key
from regauth_core.conversation.recovery import is_needless
from regauth_core.conversation.refusal import states
from regauth_core.conversation.undecided import why_undecided
from regauth_core.model import Challenge, Exchange
from regauth_core.model.finding import Confidence, Fault, Severity
from regauth_core.model.stated_reasons import StatedReason
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import rfc
from regauth_core.rules.wording import numbers, reference_of

RULE = Header(
    name="challenge-misparsed",
    family=Family.UNANSWERED,
    severity=Severity.ERROR,
    fault=Fault.CLIENT,
    level=Level.MUST,
    references=(rfc(9110, "11.2"), rfc(9110, "5.6.4")),
    seen=(
        "ChangemakerStudios/Docker.Registry.DotNet#7",
        "Azure/azure-sdk-for-js#20898",
        "kreuzwerker/terraform-provider-docker PR#482",
        "NERSC/shifter#236",
        "SUSE/Portus PR#1953",
    ),
    signs=signs.TOKEN,
    is_provable=True,
)

_ENDS = ' ,"'
"""Where a parser that does not know quoted strings stops."""
_QUOTES = frozenset("\"'")
_JOINTS = str.maketrans("", "", " ,+\"'")


@dataclass(frozen=True, slots=True)
class _Damage:
    parameter: str
    given: str
    asked: str
    sure: bool
    """No client would ask for this on purpose."""


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match for the first token request that garbles its challenge."""
    for exchange in conversation.token_exchanges:
        refusals = _before(conversation, exchange)
        if not refusals or exchange.request.token is None:
            continue
        damage = _damage(exchange, refusals)
        if damage is not None and (found := _judged(conversation, exchange, refusals[-1], damage)) is not None:
            yield found
            return


def _before(conversation: Conversation, exchange: Exchange) -> list[Exchange]:
    """The refusals that sent the client to this token server, the latest last."""
    host = realm_key(exchange)[:3]
    return [
        e
        for e in conversation.context
        if asks_for_login(e)
        and e.started < exchange.started
        and any((realm := challenge_realm(c)) is not None and realm[:3] == host for c in bearer_challenges(e))
    ]


def _damage(exchange: Exchange, refusals: list[Exchange]) -> _Damage | None:
    challenges = [c for e in refusals for c in bearer_challenges(e)]
    last = bearer_challenges(refusals[-1])[0]
    return (
        _of_scope(exchange, challenges, last)
        or _of_service(exchange, challenges, refusals[-1], last)
        or _of_address(exchange, challenges)
    )


def _of_scope(exchange: Exchange, challenges: list[Challenge], last: Challenge) -> _Damage | None:
    texts = exchange.request.token.scopes if exchange.request.token else ()
    whole = {entry for c in challenges for entry in c.scopes}
    given = " ".join(last.scopes)
    asked = " ".join(texts).split()
    odd = [a for a in asked if a not in whole]
    for text in odd:
        for entry in (e for e in (*last.scopes, given) if e not in asked):
            sure = _is_garbled(text, entry)
            if sure is not None:
                return _Damage("scope", given, text, sure)
        if len(last.scopes) > 1 and text.translate(_JOINTS) == given.translate(_JOINTS):
            return _Damage("scope", given, text, True)
    if len(last.scopes) > 1 and asked and asked == list(last.scopes[: len(asked)]) and len(asked) < len(last.scopes):
        return _Damage("scope", given, " ".join(asked), False)
    return None


def _is_garbled(text: str, given: str) -> bool | None:
    """Whether `text` is a damaged copy of `given`, and then whether that is sure; `None` where it is not."""
    bare = text.strip("\"'")
    if not bare or not given or text == given:
        return None
    if _QUOTES & set(text) and not _QUOTES & set(given) and given.startswith(bare):
        return True
    rest = given[len(bare) :] if given.startswith(bare) else ""
    if rest and (len(rest) == 1 or rest[1] in _ENDS):
        return True
    return bare.endswith(":") if rest and rest[0] in _ENDS else None


def _of_service(exchange: Exchange, challenges: list[Challenge], refused: Exchange, last: Challenge) -> _Damage | None:
    asked = exchange.request.token.service if exchange.request.token else None
    given = last.parameter("service")
    if not asked or any(c.parameter("service") == asked for c in challenges):
        return None
    if given and _is_garbled(asked, given) is not None:
        return _Damage("service", given, asked, True)
    others = [c for c in (refused.response.challenges if refused.response else ()) if c is not last]
    if any(asked in (c.parameter("service"), c.parameter("realm")) for c in others):
        return _Damage("service", given or "nothing", asked, True)
    return None


def _of_address(exchange: Exchange, challenges: list[Challenge]) -> _Damage | None:
    realms = [realm for c in challenges if (realm := challenge_realm(c)) is not None]
    path = realm_key(exchange).path
    if any(realm.path == path for realm in realms):
        return None
    given = realms[-1].path
    plain = path.replace("%22", '"').replace("%27", "'").replace("%2C", ",")
    longer = plain.startswith(given) and plain[len(given)] in _ENDS
    if len(given) > 1 and (longer or _is_garbled(plain, given) is not None):
        return _Damage("realm", given, path, True)
    # A redacted segment in the place of the realm's last word is suspect: a plain path would be shown.
    hidden = path.rpartition("/")[2].startswith("<") and not given.rpartition("/")[2].startswith("<")
    return _Damage("realm", given, path, False) if hidden and path.count("/") == given.count("/") else None


def _judged(conversation: Conversation, exchange: Exchange, refused: Exchange, damage: _Damage) -> Match | None:
    """The match, graver where the damage did harm; `None` where it may be on purpose and did none."""
    if not damage.sure and states(exchange, StatedReason.INVALID_CREDENTIALS):
        return None
    answer = exchange.response.token if exchange.response else None
    tokens = answer.fingerprints if answer else ()
    used = [
        e
        for e in conversation.requests
        if e.started >= exchange.started and (t := bearer(e)) is not None and t.fingerprint in tokens
    ]
    failed = [e for e in used if is_turned_away(e) and not conversation.succeeded_later(e)]
    harmed = [e for e in failed if not is_needless(conversation, e)]
    done = conversation.was_served_after(exchange) or conversation.succeeded_later(refused)
    if not harmed and (done or (used and not damage.sure)):
        return _match(conversation, exchange, refused, damage, used, Severity.INFO) if damage.sure else None
    return _match(conversation, exchange, refused, damage, harmed, Severity.INFO if done else Severity.ERROR)


def _match(
    conversation: Conversation,
    exchange: Exchange,
    refused: Exchange,
    damage: _Damage,
    used: list[Exchange],
    severity: Severity,
) -> Match:
    sent = "is sent to" if damage.parameter == "realm" else "asks for"
    after = f" The resulting token was refused ({numbers(used)})." if used and severity is Severity.ERROR else ""
    return Match(
        exchanges=present(refused, exchange, *used),
        severity=severity,
        title=f"the client misread the {damage.parameter} in the challenge of {reference_of(conversation)}",
        explanation=(
            f'The challenge ({refused.number}) says {damage.parameter}="{damage.given}"; the token request'
            f' ({exchange.number}) {sent} "{damage.asked}", which is not what it says.{after}'
        ),
        client_author=(
            f"Parse quoted strings as RFC 9110 defines them: a comma, a space or an escape inside"
            f' {damage.parameter}="{damage.given}" separates nothing.'
        ),
        user=f"Use a newer version of the client, or another client. No setting of {refused.origin.authority} helps.",
        confidence=Confidence.HIGH if damage.sure else Confidence.MEDIUM,
        because=(
            "no client asks for such a value on purpose"
            if damage.sure
            else "the redacted path segment in the place of the realm's last one cannot be compared"
            if damage.parameter == "realm"
            else "a client that wants less than the challenge names might ask for the same words on purpose"
        ),
        undecided=why_undecided(conversation, refused),
    )
