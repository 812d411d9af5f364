"""The token server does not understand how the client wrote down its list of scopes.

Fires when: a GET joins scopes with blanks in one parameter, or a POST repeats the parameter, and the token server
refuses that as a bad scope, or grants a part of it and a request for the rest is refused. The client is at fault for
the repeated field of a form, which OAuth forbids; a list in one parameter of a GET is within the grammar of scopes.

What to do: update the token server; a client should repeat the parameter in a GET, and send one list with blanks in a
POST.

Silent when: all of it is granted; nothing that was left out is used; another form of the request succeeds.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.answers import is_turned_away
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import is_about, present
from regauth_core.conversation.exchanges import succeeded
from regauth_core.conversation.recovery import is_final, issue_behind, lost_on_the_way
from regauth_core.conversation.refusal import states
from regauth_core.conversation.undecided import why_undecided
from regauth_core.model import Exchange
from regauth_core.model.finding import Confidence, Fault, Severity
from regauth_core.model.stated_reasons import StatedReason
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page, rfc
from regauth_core.rules.wording import asked_text, numbers, reference_of

RULE = Header(
    name="scope-list-encoding",
    family=Family.SCOPE,
    severity=Severity.WARNING,
    fault=Fault.TOKEN_SERVER,
    level=Level.MUST,
    references=(
        page("scope", "Authorization Server Use"),
        page("token", "Query Parameters"),
        rfc(6749, "3.2"),
    ),
    seen=("helm/helm#6214", "cesanta/docker_auth PR#274", "distribution/distribution#1659"),
    signs=signs.TOKEN,
    yields=True,
)


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match for the first list that was not read."""
    for exchange in conversation.token_exchanges:
        if _form(exchange) is None or not is_about(conversation, exchange) or _is_mended(conversation, exchange):
            continue
        harmed = _harmed(conversation, exchange)
        if _is_refused(exchange) or harmed:
            yield _match(conversation, exchange, harmed)
            return


def _form(exchange: Exchange) -> str | None:
    """How the list was sent, if not as the texts have it."""
    texts = exchange.request.token.scopes if exchange.request.token else ()
    if exchange.request.method == "POST":
        return "repeats the field scope of a form" if len(texts) > 1 else None
    return "joins them with blanks in one parameter" if any(len(t.split()) > 1 for t in texts) else None


def _is_refused(exchange: Exchange) -> bool:
    if exchange.status in (400, 422):
        return not exchange.response or not exchange.response.errors or states(exchange, StatedReason.INVALID_SCOPE)
    return is_turned_away(exchange) and states(exchange, StatedReason.INVALID_SCOPE)


def _is_mended(conversation: Conversation, exchange: Exchange) -> bool:
    return any(x.started > exchange.started and succeeded(x) and _form(x) is None for x in conversation.token_exchanges)


def _harmed(conversation: Conversation, exchange: Exchange) -> list[Exchange]:
    """The requests that were refused for what the token lacks of the list."""
    found = []
    for refused in conversation.refused(401, 403):
        issue = issue_behind(conversation, refused)
        if issue is None or issue.exchange is not exchange or not is_final(conversation, refused):
            continue
        if lost_on_the_way(conversation, refused, issue):
            found.append(refused)
    return found if found and not conversation.was_served_after(found[-1]) else []


def _match(conversation: Conversation, exchange: Exchange, harmed: list[Exchange]) -> Match:
    server = exchange.origin.authority
    is_form = exchange.request.method == "POST"
    came = (
        f"granted a part of it; what was left out was refused ({numbers(harmed)})"
        if harmed
        else (f"answered {exchange.status}")
    )
    return Match(
        exchanges=present(exchange, *harmed),
        fault=Fault.CLIENT if is_form else None,
        title=f"{server} does not read the list of scopes for {reference_of(conversation)}",
        explanation=(
            f"The token request ({exchange.number}) asks for {asked_text(exchange)} and {_form(exchange)}."
            f" {server} {came}."
        ),
        client_author=(
            f"In a GET to {server} repeat scope= for each entry; in a POST send one field, entries joined by blanks."
        ),
        user=f"Update the token server at {server}, or the client.",
        confidence=Confidence.MEDIUM,
        because="that the form of the list is the reason is a conclusion from the answer",
        undecided=why_undecided(conversation, exchange),
    )
