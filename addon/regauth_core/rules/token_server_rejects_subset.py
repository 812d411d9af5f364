"""Because one of the rights asked for is missing, the token server gives no token at all.

Fires when: an exchange with credentials, for several actions or several resources, is refused in words that speak of
rights or scopes rather than of a wrong login; or a part of it is granted to the same credential.

What to do: give the account or access token the missing right, mostly push; a token server should grant less rather
than refuse; a client should ask for what the step needs.

Silent when: it may as well be the login that is wrong (credentials-rejected). Info where the operation goes on.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.answers import is_not_taken
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import challenge_for, continued_after, is_about, present
from regauth_core.conversation.exchanges import asked, bearer_challenges, is_write, realm_key, secret_of
from regauth_core.conversation.operations import has_token
from regauth_core.conversation.refusal import states
from regauth_core.model import Exchange
from regauth_core.model.finding import Confidence, Fault, Severity
from regauth_core.model.stated_reasons import OF_LOGINS, OF_RIGHTS
from regauth_core.protocol.scope import covered, entries
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page
from regauth_core.rules.wording import asked_text, numbers

RULE = Header(
    name="token-server-rejects-subset",
    family=Family.EXCHANGE,
    severity=Severity.WARNING,
    fault=Fault.TOKEN_SERVER,
    level=Level.MUST,
    references=(page("token", "Requesting a Token"),),
    seen=("spinalcordtoolbox/spinalcordtoolbox#5286",),
    signs=signs.TOKEN,
    yields=True,
)


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match with every exchange that was refused as a whole."""
    refused = [
        e
        for e in conversation.token_exchanges
        if is_not_taken(e) and secret_of(e) is not None and _is_wide(e) and is_about(conversation, e)
    ]
    shown = [(e, less) for e in refused if (less := _granted_part(conversation, e)) or _speaks_of_rights(e)]
    if not shown:
        return
    first, less = shown[0]
    host = first.origin.authority
    proof = f" The same credential got a token for {asked_text(less)} ({less.number})." if less is not None else ""
    yield Match(
        exchanges=present(less, *(e for e, _ in shown)),
        severity=Severity.INFO if continued_after(conversation, first) else None,
        title=f"{host} refuses the whole request instead of granting a part of it",
        explanation=(
            f"The client asked for {asked_text(first)} with its credential and was answered {first.status}"
            f" ({numbers(e for e, _ in shown)}), as if the login were wrong.{proof} A right that is missing should"
            " only make the token narrower."
        ),
        client_author=f"Ask {host} only for what the next step needs, and for more when that step comes.",
        user=_user(conversation, first),
        confidence=Confidence.HIGH if less is not None else Confidence.MEDIUM,
        because=(
            "the same credential is good for less"
            if less is not None
            else "the answer speaks of rights and not of the password"
        ),
    )


def _user(conversation: Conversation, refused: Exchange) -> str:
    asking = challenge_for(conversation, refused)
    scopes = entries(text for c in (bearer_challenges(asking) if asking is not None else ()) for text in c.scopes)
    missing = f"The account or its access token lacks one of the rights in {asked_text(refused)}"
    if asking is not None and scopes and not is_write(asking) and not covered(asked(refused), scopes):
        wanted = " ".join(map(str, scopes))
        return f"{missing}. To read, {wanted} is enough: use a client that asks for no more, or have the rest granted."
    return f"{missing}, mostly push: grant it."


def _is_wide(exchange: Exchange) -> bool:
    scopes = asked(exchange)
    return len(scopes) > 1 or any(len(s.actions) > 1 for s in scopes)


def _speaks_of_rights(exchange: Exchange) -> bool:
    return states(exchange, *OF_RIGHTS) and not states(exchange, *OF_LOGINS)


def _granted_part(conversation: Conversation, refused: Exchange) -> Exchange | None:
    """A successful exchange with the same credential for a part of the same scopes."""
    whole = asked(refused)
    for step in conversation.at_registry.auth_steps:
        if has_token(step) and realm_key(step) == realm_key(refused) and secret_of(step) == secret_of(refused):
            part = asked(step)
            if part and covered(part, whole) and not covered(whole, part):
                return step
    return None
