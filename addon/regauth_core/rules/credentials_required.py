"""Anonymous access is not enough, and the client sent no credentials.

Fires when: a token request without credentials is refused; or the registry refuses a token that was issued without them
for what it does not grant. An empty `access` in the token makes it certain.

Severity: error where it is known that the client has credentials for this registry, otherwise warning. Where nothing
distinguishes a private repository from a missing one, the fault is unknown.

Causes: credentials-known-but-unused (it is known that the client has credentials for this registry).

What to do: log in and check the name; check which configuration a daemon really reads; a client should suggest to log
in and say under which name it looked for credentials.

Silent when: the anonymous token is good enough; credentials are tried next; the operation continues anyway.
"""

from __future__ import annotations

from collections.abc import Iterable

from regauth_core.conversation import signs
from regauth_core.conversation.answers import is_given, is_turned_away
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.evidence import changed_credential, continued_after, is_about, present
from regauth_core.conversation.exchanges import IssuedToken, bearer, is_anonymous, secret_of, succeeded
from regauth_core.conversation.recovery import at_home, is_foreign, is_probe
from regauth_core.conversation.refusal import states
from regauth_core.conversation.undecided import why_undecided
from regauth_core.model import Exchange
from regauth_core.model.finding import Confidence, Fault, Severity
from regauth_core.model.stated_reasons import StatedReason
from regauth_core.protocol.scope import covered, needed
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page
from regauth_core.rules.logins import home, log_in, served
from regauth_core.rules.wording import asked_text, login_key, numbers, reference_of, where

RULE = Header(
    name="credentials-required",
    family=Family.CREDENTIALS,
    severity=Severity.WARNING,
    fault=Fault.CONFIGURATION,
    level=Level.INFO,
    references=(page("token", "Requesting a Token"), page("jwt", "sub")),
    seen=(
        "argoproj-labs/argocd-image-updater PR#1801",
        "moby/buildkit#2058",
        "GoogleContainerTools/kaniko#1209",
        "GoogleContainerTools/kaniko#1574",
        "containerd/containerd#7064",
    ),
    signs=signs.REFUSED | signs.DENIED,
    yields=True,
    is_provable=True,
)


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match for the first refusal of an anonymous exchange or of its token."""
    for refused in conversation.steps:
        if not is_turned_away(refused):
            continue
        issue = _anonymous_issue(conversation, refused)
        is_exchange = conversation.is_token_exchange(refused)
        if not (issue or (is_exchange and is_anonymous(refused) and is_about(conversation, refused))):
            continue
        if is_probe(refused) and any(succeeded(e) for e in conversation.requests):
            continue
        if not _is_overcome(conversation, refused):
            yield _match(conversation, refused, issue)
            return


def _anonymous_issue(conversation: Conversation, refused: Exchange) -> IssuedToken | None:
    """Where the refused token comes from, if it was asked for without credentials and for enough."""
    if conversation.is_token_exchange(refused):
        return None
    issue = conversation.issue_of(bearer(refused))
    if issue is None or issue.secret is not None or states(refused, StatedReason.INVALID_TOKEN):
        return None
    if is_foreign(conversation, refused):
        # A token for another registry, to which a redirect had led.
        return None
    need = at_home(conversation, needed(refused.request.method, refused.target))
    enough = covered(need, at_home(conversation, issue.asked))
    return issue if enough or not issue.asked or issue.granted == () else None


def _is_overcome(conversation: Conversation, refused: Exchange) -> bool:
    if conversation.succeeded_later(refused) or continued_after(conversation, refused):
        return True
    return any(secret_of(a) is not None for a in conversation.auth_steps_since(refused)) or (
        not conversation.is_token_exchange(refused)
        and changed_credential(conversation, refused)
        and conversation.succeeded_later(refused)
    )


def _match(conversation: Conversation, refused: Exchange, issue: IssuedToken | None) -> Match:
    tried = [e for e in conversation.token_exchanges if secret_of(e) is not None and e.started <= refused.started]
    known = conversation.holds_credentials and not tried
    is_read = served(conversation) is not None
    is_read = is_read or (issue is not None and bool(issue.granted))
    nothing = issue is not None and issue.granted == ()
    got = (
        f"got a token for {asked_text(issue.exchange)} without credentials ({issue.exchange.number}), and with it"
        f" {where(refused)} was answered {refused.status} ({refused.number})"
        if issue is not None
        else f"asked for {asked_text(refused)} without credentials and was answered {refused.status} ({refused.number})"
    )
    spelling = (
        "" if is_read or conversation.repository is None else f", and check the spelling of {conversation.repository}"
    )
    return Match(
        exchanges=present(issue.exchange if issue else None, refused),
        severity=Severity.ERROR if known else None,
        fault=Fault.CONFIGURATION if known or _exists(conversation) else Fault.UNKNOWN,
        cause="credentials-known-but-unused" if known else None,
        title=f"anonymous access is not enough for {reference_of(conversation)}",
        explanation=(
            f"The client {got}."
            f"{' It has credentials and sent none.' if known else ''}"
            f"{f' The credentials that it sent before ({numbers(tried)}) did not help.' if tried else ''}"
        ),
        client_author=(
            f"Suggest to log in to {conversation.registry}, and log (without secrets) under which key credentials were"
            " looked up."
        ),
        user=(
            "Check where the client reads its configuration and that the login is stored under"
            f" {login_key(conversation)}."
            if known
            else f"{_log_in(conversation, refused, tried)}{spelling}."
        ),
        confidence=Confidence.HIGH if nothing else Confidence.MEDIUM,
        because=(
            "the token says that it grants nothing"
            if nothing
            else "the repository may also be missing; the answer does not say"
            if conversation.repository is not None
            else "the answer does not say whether a login would help"
        ),
        undecided=why_undecided(conversation, refused, issue),
    )


def _log_in(conversation: Conversation, refused: Exchange, tried: list[Exchange]) -> str:
    if tried:
        return f"Log in to {home(conversation)} anew: what was sent before ({numbers(tried)}) is not taken"
    return log_in(conversation, refused)


def _exists(conversation: Conversation) -> bool:
    """Whether the trace shows that the repository exists: the client itself got something of it earlier."""
    return any(is_given(e) for e in conversation.requests)
