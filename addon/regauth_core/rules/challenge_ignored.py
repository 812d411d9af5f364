"""The registry said how to authenticate, and the client did nothing about it.

Fires when: a request for a repository, or the ping, was sent without a credential and got 401 with a challenge that
registry clients understand; the conversation is over; and after that answer the client neither asked the realm that
the challenge names nor sent this registry anything with a credential of an offered scheme. To repeat the anonymous
request is not to answer. A 403 to a request without a credential counts where the client had left a challenge before
it unanswered.

Severity: error for Bearer, since anybody may ask for an anonymous token, and for a client that is known to hold
credentials. Warning for Basic without known credentials if an open ping misled the client. Info for Basic otherwise,
and nobody's fault: a client without a login has nothing to answer with.

Causes: ping-derived-auth (this client's ping was answered 200 without a challenge), scheme-spelling (the scheme is
spelled unusually), credentials-for-other-host (it sent Basic to a sibling of this host), parameter-missing (the
challenge has no service, or a repository's has no scope), realm-of-another-domain (the client is one that takes no such
token server), token-exchange-unsupported (the client never asks for a token anywhere), head-only (HEAD was refused and
it never tried GET), denied-without-credential (it then got 403), not-logged-in (only Basic is asked for, and nothing
shows that there is a login).

What to do: the client's author should keep challenges for each request, not for the registry, and answer any 401 that
carries one. A user should leave the password alone, since it was never sent, and use another client, or have the
registry put its challenge on the ping as well.

Silent when: the answer comes later, by another method, on another path or connection, or serves several 401s; the ping
alone was refused and repositories are then asked with credentials or without need of any; the host is a storage or a
foreign layer's; a mirror was skipped for the primary; the refusal was of a probe and the operation went on; it came in
the middle of an upload.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from regauth_core.conversation import signs
from regauth_core.conversation.answers import asks_for_login
from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.engines import SNYK
from regauth_core.conversation.evidence import asked_before, ignored_before
from regauth_core.conversation.exchanges import bearer_challenges, is_anonymous, succeeded, usable_challenges
from regauth_core.conversation.recovery import is_final, is_probe, is_told_by_repositories, is_unanswered
from regauth_core.conversation.refusal import reasons_of
from regauth_core.conversation.undecided import why_undecided
from regauth_core.model import Challenge, Endpoint, Exchange
from regauth_core.model.finding import Confidence, Fault, Reason, Severity
from regauth_core.model.stated_reasons import EXPLAINING
from regauth_core.protocol.registries import registrable_domain
from regauth_core.rules.base import Family, Header, Level, Match
from regauth_core.rules.clauses import page, rfc
from regauth_core.rules.logins import log_in, login_sent
from regauth_core.rules.wording import numbers, reference_of

RULE = Header(
    name="challenge-ignored",
    family=Family.UNANSWERED,
    severity=Severity.ERROR,
    fault=Fault.CLIENT,
    level=Level.INTEROP,
    references=(
        rfc(9110, "15.5.2"),
        rfc(9110, "11.5"),
        page("api", "API Version Check"),
        page("token", "Requesting a Token"),
    ),
    seen=(
        "containers/skopeo#2502",
        "containers/image#2754",
        "podman-container-tools/container-libs#192",
        "moby/moby#50896",
        "moby/moby#12972",
        "project-zot/zot#2928",
        "GoogleContainerTools/jib#539",
        "apple/container#1538",
    ),
    signs=signs.REFUSED | signs.DENIED,
    is_provable=True,
)

_NO_LOGIN = "not-logged-in"
"""The cause where nothing shows that the client could have answered."""

_AUTHOR: Final = {
    "ping-derived-auth": "Keep challenges for each request rather than for the registry",
    "scheme-spelling": "Read the name of a scheme in any case",
    "credentials-for-other-host": "Look for a login under the host that asks, and report that it is missing",
    "parameter-missing": "Take a Bearer challenge without service or scope, which may be left out",
    "realm-of-another-domain": "Ask the token server that a challenge names, without a login where it is not trusted",
    "token-exchange-unsupported": "Request a token from the realm that a Bearer challenge names",
    "head-only": "Read the challenge of an answer to HEAD as that of one to GET",
    _NO_LOGIN: "Report that a login is needed where it is missing",
    None: "Answer every challenge",
}
"""What the client's author should change, by cause; what follows is the same for each."""

_ASKED = "the client was asked, sent no credential and no token request afterwards, and is done"
_NO_LOGIN_SEEN = "nothing shows whether the client has a login"


def matches(conversation: Conversation) -> Iterable[Match]:
    """One match with every 401 of the conversation that nobody answered."""
    ignored = [e for e in conversation.refused() if is_anonymous(e) and is_unanswered(conversation, e)]
    if ignored and not is_told_by_repositories(conversation, ignored):
        yield _match(conversation, ignored, why_undecided(conversation, ignored[0]))
    elif (denied := _denied(conversation)) is not None:
        yield _of_denied(conversation, *denied)
    elif not ignored and (refused := _answered_by_whom(conversation)) is not None:
        words = "the answer may have come from another process at the same address, which had just asked the ping anew"
        yield _match(conversation, [refused], (Reason.CLIENT_IDENTITY_UNSURE, words))


def _match(conversation: Conversation, ignored: list[Exchange], undecided: tuple[Reason, str] | None) -> Match:
    refused = ignored[0]
    ping = conversation.ping_before(refused)
    cause = _cause(conversation, refused, ping)
    misled = ping is not None and cause == "ping-derived-auth"
    known = conversation.holds_credentials
    severity = _severity(refused, known=known, misled=misled)
    said = _NO_LOGIN if severity is Severity.INFO and cause is None else cause
    return Match(
        exchanges=((ping, *ignored) if ping is not None and misled else tuple(ignored)),
        severity=severity,
        fault=Fault.UNKNOWN if severity is Severity.INFO and cause is None else None,
        cause=said,
        title=_title(conversation, refused, known=known),
        explanation=_explanation(conversation, refused, ping if misled else None, len(ignored)),
        client_author=(
            f"{_AUTHOR[said]}: when any answer is 401 with"
            f" WWW-Authenticate, as {_where(refused)} is here, authenticate as it says and send the request once more."
        ),
        user=_user(conversation, refused, misled=misled, known=known) + _sibling(conversation, said),
        confidence=Confidence.MEDIUM if severity is Severity.WARNING else Confidence.HIGH,
        because=_NO_LOGIN_SEEN if severity is Severity.WARNING else _ASKED,
        undecided=undecided,
    )


def _denied(conversation: Conversation) -> tuple[Exchange, list[Exchange]] | None:
    """The challenge that was left unanswered, and the requests that were then sent without a credential: 403."""
    found: list[Exchange] = []
    asked: Exchange | None = None
    for denied in conversation.refused(403):
        asking = ignored_before(conversation, denied)
        if asking is None or EXPLAINING.intersection(reasons_of(denied)) or not is_final(conversation, denied):
            continue
        if denied.response is not None and not denied.response.is_html and not is_probe(denied):
            asked = asked or asking
            found.append(denied)
    return (asked, found) if asked is not None and not conversation.was_served_after(found[0]) else None


def _of_denied(conversation: Conversation, asking: Exchange, denied: list[Exchange]) -> Match:
    first = denied[0]
    scheme = usable_challenges(asking)[0].scheme
    known = conversation.holds_credentials
    severity = _severity(asking, known=known, misled=False)
    could = severity is not Severity.INFO
    reaction = "ignored" if could else "did not answer"
    return Match(
        exchanges=(asking, *denied),
        severity=severity,
        fault=None if could else Fault.UNKNOWN,
        cause="denied-without-credential" if could else _NO_LOGIN,
        title=f"the client {reaction} the {scheme} challenge of {conversation.registry}",
        explanation=(
            f"{_where(asking)} ({asking.number}) was answered 401 with a {scheme} challenge. The client did not answer"
            f" it: it sent {_where(first)} without a credential and got 403 ({numbers(denied)})."
        ),
        client_author=(
            f"Answer the challenge of {_where(asking)} before the next request, and send with it what was asked for."
        ),
        user=_user(conversation, first, misled=False, known=known),
        confidence=Confidence.MEDIUM,
        because="the client was asked and sent no credential; a 403 may also have another reason",
        undecided=why_undecided(conversation, asking),
    )


def _answered_by_whom(conversation: Conversation) -> Exchange | None:
    """A refusal behind an open ping that was answered only after a new ping and the same anonymous request.

    So do two runs of one program, the first of which did not answer. Without processes they cannot be told apart.
    """
    for refused in conversation.refused():
        ping = conversation.ping_before(refused)
        alone = refused.sender.process is None and refused.sender.label is None
        if (
            not alone
            or not is_anonymous(refused)
            or not usable_challenges(refused)
            or ping is None
            or not succeeded(ping)
        ):
            continue
        auth_steps = conversation.responses_to(refused)
        between = [
            p for p in conversation.pings if auth_steps and refused.finished <= p.started < auth_steps[0].started
        ]
        asked = [e for e in conversation.repeats_of(refused) if asks_for_login(e) and is_anonymous(e)]
        if any(between[0].started <= e.started < auth_steps[0].started for e in asked if between):
            return refused
    return None


def _cause(conversation: Conversation, refused: Exchange, ping: Exchange | None) -> str | None:
    challenge = usable_challenges(refused)[0]
    is_open = ping is not None and succeeded(ping) and not (ping.response and ping.response.challenges)
    if is_open and refused.target.endpoint is not Endpoint.PING:
        return "ping-derived-auth"
    if challenge.scheme not in ("Basic", "Bearer"):
        return "scheme-spelling"
    if challenge.kind == "basic" and _served_sibling(conversation) is not None:
        return "credentials-for-other-host"
    if challenge.kind == "bearer" and _lacks_parameter(challenge, refused):
        return "parameter-missing"
    if challenge.kind == "bearer" and conversation.client_state.engine == SNYK and _is_of_another(challenge, refused):
        return "realm-of-another-domain"
    if challenge.kind == "bearer" and not _asks_for_tokens(conversation):
        return "token-exchange-unsupported"
    if refused.request.method == "HEAD" and not any(
        e.request.method == "GET" for e in conversation.repeats_of(refused)
    ):
        return "head-only"
    return None


def _is_of_another(challenge: Challenge, refused: Exchange) -> bool:
    """Whether the token server is in another domain than the registry."""
    realm = challenge.realm_link.origin if challenge.realm_link is not None else None
    return realm is not None and registrable_domain(realm.host) != registrable_domain(refused.origin.host)


def _lacks_parameter(challenge: Challenge, refused: Exchange) -> bool:
    scoped = challenge.parameter("scope") or refused.target.endpoint is Endpoint.PING
    return not (scoped and challenge.parameter("service"))


def _served_sibling(conversation: Conversation) -> str | None:
    """Another registry of the same domain to which the client sent a login."""
    own = registrable_domain(conversation.origin.host)
    others = conversation.client_state.at_registries.values()
    siblings = (o for o in others if o.registry != conversation.registry and o.secrets)
    return next((o.registry for o in siblings if registrable_domain(o.origin.host) == own), None)


def _sibling(conversation: Conversation, cause: str | None) -> str:
    sibling = _served_sibling(conversation) if cause == "credentials-for-other-host" else None
    return f" The login for {sibling} does not count here." if sibling is not None else ""


def _asks_for_tokens(conversation: Conversation) -> bool:
    return any(
        conversation.is_token_exchange(step)
        for other in conversation.client_state.at_registries.values()
        for step in other.auth_steps
    )


def _severity(refused: Exchange, *, known: bool, misled: bool) -> Severity:
    if known or any(c.kind == "bearer" for c in usable_challenges(refused)):
        return Severity.ERROR
    return Severity.WARNING if misled else Severity.INFO


def _where(refused: Exchange) -> str:
    return f"{refused.request.method} {refused.request.url}"


def _title(conversation: Conversation, refused: Exchange, *, known: bool) -> str:
    what = f"the {usable_challenges(refused)[0].scheme} challenge of {reference_of(conversation)}"
    return f"the client ignored {what}" if known else f"the client did not answer {what}"


def _subject(conversation: Conversation) -> str:
    if conversation.repository is None:
        return str(conversation.origin)
    return f"repository {conversation.repository} at {conversation.origin}"


def _either(refused: Exchange) -> str:
    return " or ".join(dict.fromkeys(c.scheme for c in usable_challenges(refused)))


def _explanation(conversation: Conversation, refused: Exchange, ping: Exchange | None, times: int) -> str:
    said = " and ".join(c.scheme for c in usable_challenges(refused))
    parts = []
    if ping is not None:
        parts.append(
            f"The ping ({ping.number}) was answered {ping.status} without a challenge, and the client took that to mean"
            " that this registry wants no authentication at all."
        )
    parts.append(
        f"{_where(refused)} ({refused.number}) was answered 401 with a {said} challenge."
        f" After that the client sent no {_either(refused)} credential for this"
        f"{' and asked no token server that it names' if bearer_challenges(refused) else ''}."
    )
    if times > 1:
        parts.append(f"It was refused in this way {times} times; repeating the anonymous request changes nothing.")
    if conversation.holds_credentials:
        parts.append("It is known to hold credentials, so an error that blames the password is wrong.")
    return " ".join(parts)


def _user(conversation: Conversation, refused: Exchange, *, misled: bool, known: bool) -> str:
    host = refused.origin.authority
    asking = asked_before(conversation, refused) if not usable_challenges(refused) else refused
    is_sent = login_sent(conversation, refused) is not None
    if not known and not misled and not is_sent and asking is not None and bearer_challenges(asking):
        return (
            "Use another client, or a newer version of this one: it did not request a token, which clients can do"
            f" without a login as well. If {_subject(conversation)} is not public, log in to {conversation.registry}."
        )
    if not known and not misled:
        return (
            f"{log_in(conversation, refused)}, or give the client credentials for {_subject(conversation)}, and try"
            " again."
        )
    kept = "No password was sent with this request, so do not change it" if known else "No credential was sent"
    if misled and not known and not is_sent:
        return (
            f"Log in to {conversation.registry} first; if you are logged in already, use a client that answers"
            f" challenges of single repositories, or have {host} answer GET /v2/ with 401 and the challenge."
        )
    if misled:
        return (
            f"{kept}; use a client that answers challenges of single repositories, or have {host} answer GET /v2/ with"
            " 401 and the challenge."
        )
    return f"{kept}; use another client for {_subject(conversation)}, or a newer version of this one."
