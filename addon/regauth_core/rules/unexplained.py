"""What can be said of a failure that no rule explains: what was asked and sent, what came, what that excludes.

For each cause there is one place to look first, and who has to act as far as the answer shows it. Nothing is said of
an account, a repository or a login that the capture does not have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.exchanges import refuses, secret_of, usable_challenges
from regauth_core.conversation.refusal import (
    Fit,
    Refusal,
    Sent,
    has_no_answer,
    own_words,
    password_accepted,
)
from regauth_core.model import Endpoint, Exchange, FailureKind
from regauth_core.model.finding import Fault, Place
from regauth_core.model.stated_reasons import StatedReason
from regauth_core.rules.logins import home, log_in, login_sent
from regauth_core.rules.wording import asked_text, numbers, where

_NO_SUCH_ADDRESS = (404, 405, 410, 501)
_PASSING = (408, 425)
"""Errors of the client's class that another try may get over (RFC 9110 section 15.5.9, RFC 8470 section 5.2)."""
_WORDS = 200
"""Characters of the server's own words that are quoted."""


class Cause(StrEnum):
    """What kind of failure it is, where the answer states no reason."""

    NO_CONNECTION = "no-connection"
    NO_TLS = "no-tls"
    CONNECTION_LOST = "connection-lost"
    SERVER_ERROR = "server-error"
    TOKEN_SERVER_ERROR = "token-server-error"
    TOKEN_PATH = "token-path"
    TOKEN_REQUEST = "token-request"
    TOKEN_MISSING = "token-missing"
    TOKEN_REFUSED_ANONYMOUSLY = "token-refused-anonymously"
    PASSWORD_REFUSED = "password-refused"
    RIGHT_MISSING = "not-for-this-login"
    """The login is good for something else."""
    TOKEN_REFUSED = "token-refused"
    TOKEN_BROUGHT = "token-brought-along"
    """A token that was not issued in the capture, from the client's first request here on."""
    UNANSWERED = "challenge-not-answered"
    UNCHALLENGED = "no-challenge"
    DENIED_ANONYMOUSLY = "denied-without-credential"
    LEFT_OUT = "token-left-out"
    """The client held a token that fits, and sent nothing."""
    NOT_SERVED = "not-served"
    REQUEST_REFUSED = "request-refused"
    UNASKED = "credential-not-asked-for"
    """A credential that nobody had asked for is answered 400."""
    TOO_LARGE = "too-large"
    PROXY_ASKS = "proxy-asks"
    NETWORK_ASKS = "network-asks"
    PAGE = "page"
    STORE_REFUSED = "store-refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentences:
    """What is said of a failure, for whom."""

    cause: str
    fault: Fault
    title: str
    explanation: str
    user: str
    client_author: str


def sentences(conversation: Conversation, refusal: Refusal, alike: Sequence[Exchange]) -> Sentences:
    """All that is said of a failure; `alike` are the exchanges that failed in the same way, with this one."""
    cause = cause_of(refusal)
    fault, user, author = _advice(conversation, refusal, cause)
    return Sentences(
        cause=cause,
        fault=fault,
        title=_title(refusal),
        explanation=" ".join(filter(None, [_asked(conversation, refusal, alike), *_excluded(conversation, refusal)])),
        user=user,
        client_author=author,
    )


def cause_of(refusal: Refusal) -> StatedReason | Cause:
    """What kind of failure it is: the reason that the answer states, else by who answered what to what was sent."""
    exchange = refusal.exchange
    if exchange.response is None:
        kind = exchange.failure.kind if exchange.failure is not None else FailureKind.SERVER_ABORTED
        return _NO_ANSWER.get(kind, Cause.CONNECTION_LOST)
    stated = next((one for one in refusal.reasons if one in _STATED), None)
    if stated is not None:
        return stated
    status = exchange.status
    if status < 400:
        return Cause.TOKEN_MISSING if refusal.place is Place.TOKEN_SERVER else Cause.PAGE
    if status == 407:
        return Cause.PROXY_ASKS
    if status == 511:
        return Cause.NETWORK_ASKS
    if status in (413, 414, 431):
        return Cause.TOO_LARGE
    if refusal.place is Place.TOKEN_SERVER:
        return _at_token_server(refusal)
    if _passes(status):
        return Cause.SERVER_ERROR
    if refusal.place is Place.ELSEWHERE and status in (401, 403):
        return Cause.STORE_REFUSED
    if refusal.is_unasked:
        return Cause.UNASKED
    if status in (401, 403):
        return _of_refusal(refusal)
    return Cause.NOT_SERVED if status in _NO_SUCH_ADDRESS else Cause.REQUEST_REFUSED


def _at_token_server(refusal: Refusal) -> Cause:
    status = refusal.exchange.status
    if _passes(status):
        return Cause.TOKEN_SERVER_ERROR
    if status in (401, 403):
        is_anonymous = refusal.sent in (Sent.NOTHING, Sent.EMPTY)
        if not is_anonymous and refusal.accepted is not None:
            return Cause.RIGHT_MISSING
        return Cause.TOKEN_REFUSED_ANONYMOUSLY if is_anonymous else Cause.PASSWORD_REFUSED
    return Cause.TOKEN_PATH if status in _NO_SUCH_ADDRESS else Cause.TOKEN_REQUEST


def _passes(status: int) -> bool:
    """Whether a server's own trouble is told, or what another try may get over."""
    return (status >= 500 and status not in _NO_SUCH_ADDRESS) or status in _PASSING


def _of_refusal(refusal: Refusal) -> Cause:
    if refusal.sent is Sent.TOKEN:
        return Cause.TOKEN_BROUGHT if refusal.issue is None and refusal.accepted is None else Cause.TOKEN_REFUSED
    if refusal.sent not in (Sent.NOTHING, Sent.EMPTY):
        return Cause.PASSWORD_REFUSED
    if refusal.exchange.status == 403:
        return Cause.DENIED_ANONYMOUSLY if refusal.left_out is None else Cause.LEFT_OUT
    return Cause.UNANSWERED if usable_challenges(refusal.exchange) else Cause.UNCHALLENGED


_NO_ANSWER = {
    FailureKind.CONNECT: Cause.NO_CONNECTION,
    FailureKind.TLS: Cause.NO_TLS,
    FailureKind.SERVER_ABORTED: Cause.CONNECTION_LOST,
}

# What is said


def _title(refusal: Refusal) -> str:
    exchange = refusal.exchange
    what = f"{exchange.request.method} {_requested(refusal)}"
    if exchange.response is None:
        return f"{what} got no answer"
    if exchange.status < 400:
        return f"{what} was answered {exchange.status} with something else"
    return f"{what} was answered {exchange.status}"


def _requested(refusal: Refusal) -> str:
    """What was requested of whom, in words that do not grow with the URL: ``of a manifest of registry.test/foo``."""
    target, host = refusal.exchange.target, refusal.exchange.origin.authority
    if refusal.place is Place.TOKEN_SERVER:
        return f"for a token of {host}"
    if refusal.place is Place.ELSEWHERE:
        return f"to {host}, which the registry named,"
    whose = host if target.repository is None else f"{host}/{target.repository}"
    return f"of {_NOUNS.get(target.endpoint, 'something')} of {whose}"


_NOUNS = {
    Endpoint.PING: "/v2/",
    Endpoint.CATALOG: "the catalog",
    Endpoint.MANIFEST: "a manifest",
    Endpoint.BLOB: "a blob",
    Endpoint.TAGS: "the tags",
    Endpoint.UPLOAD_START: "an upload",
    Endpoint.UPLOAD: "an upload",
    Endpoint.REFERRERS: "the referrers",
}


def _asked(conversation: Conversation, refusal: Refusal, alike: Sequence[Exchange]) -> str:
    exchange = refusal.exchange
    more = "" if len(alike) < 2 else f", as {len(alike) - 1} more like it ({numbers(alike)})"
    scope = ""
    if refusal.place is Place.TOKEN_SERVER and exchange.request.token is not None:
        scope = f" for {asked_text(exchange)}"
    how = f"was sent {_sent(conversation, refusal)} and {_answer(exchange)}{more}"
    return f"{where(exchange)} ({exchange.number}){scope} {how}."


def _answer(exchange: Exchange) -> str:
    if exchange.response is None:
        text = exchange.failure.text if exchange.failure is not None else ""
        return f"got no answer{f' ({text[:_WORDS]})' if text else ''}"
    words = own_words(exchange)
    return f"was answered {exchange.status}{f' in these words: {words}' if words else ', without words'}"


def _sent(conversation: Conversation, refusal: Refusal) -> str:
    if refusal.sent is Sent.NOTHING:
        return "without a credential"
    if refusal.sent is Sent.EMPTY:
        return "with an empty credential, which names nobody,"
    if refusal.sent is Sent.PASSWORD:
        return "with a user name and password"
    if refusal.sent is Sent.REFRESH_TOKEN:
        return "with a refresh token"
    if refusal.sent is Sent.OTHER:
        credentials = refusal.exchange.request.credentials
        return f"with a credential of the scheme {credentials[0].scheme}" if credentials else "with a token of a cloud"
    return f"with a Bearer token{_token(refusal)}"


def _token(refusal: Refusal) -> str:
    issue = refusal.issue
    if issue is None:
        return " whose issue is not in the capture"
    age = f"{refusal.age:.0f} s before" if refusal.age is not None and refusal.age >= 1 else "just before"
    who = "for somebody anonymous, " if issue.secret is None else ""
    told = (
        f" that {issue.exchange.origin.authority} had issued {age} ({issue.exchange.number}), {who}for"
        f" {_scope(refusal)},"
    )
    late = {
        Fit.EXPIRED: f" which was over {refusal.exchange.started - issue.ended:.0f} s before,",
        Fit.TOO_NARROW: " which does not cover this request,",
        Fit.FOREIGN: f" and for another registry, {refusal.home},",
    }
    return told + late.get(refusal.fit, "")


def _scope(refusal: Refusal) -> str:
    asked = refusal.issue.asked if refusal.issue is not None else ()
    return " ".join(map(str, asked)) or "no scope"


def _refused_since(conversation: Conversation, proved: Exchange) -> Exchange | None:
    """Where the registry or its token server refused the password later that had been good enough."""
    later = conversation.auth_steps_since(proved)
    return next((e for e in later if refuses(e) and secret_of(e) == secret_of(proved)), None)


def _excluded(conversation: Conversation, refusal: Refusal) -> list[str]:
    """What the capture rules out, one sentence each."""
    exchange = refusal.exchange
    told = []
    if has_no_answer(exchange):
        return ["So nothing was refused, and no credential is in question."]
    proved = password_accepted(conversation, exchange)
    if proved is not None:
        bad = _refused_since(conversation, proved)
        if bad is None:
            server = proved.origin.authority
            told.append(f"The password was accepted by {server} ({proved.number}), so it is not the password.")
        else:
            told.append(f"The password was accepted first ({proved.number}) and refused later ({bad.number}).")
    elif refusal.sent is Sent.PASSWORD and refusal.accepted is not None:
        told.append(f"The same password was accepted before ({refusal.accepted.number}), so it is not wrong.")
    elif refusal.sent in (Sent.NOTHING, Sent.EMPTY) and exchange.status in (401, 403):
        told.append("No password was sent, so none was refused.")
    if refusal.left_out is not None:
        told.append(f"The client held a token for it ({refusal.left_out.number}) that had been accepted.")
    if refusal.fit is Fit.FITS and exchange.status in (401, 403):
        told.append("The token was in time and was asked for what this request needs.")
    if refusal.explains is not None:
        told.append("The answer gives its reason itself.")
    read = conversation.trace_state.anonymous_reads.get((conversation.registry, conversation.repository))
    if conversation.repository is not None and read is not None and exchange.status in (401, 403):
        told.append(f"The repository can be read without a login ({read.number}).")
    return told


# What to do

_Advice = tuple[Fault, str, str]

_STATED: dict[StatedReason, _Advice] = {
    StatedReason.CLIENT_CERTIFICATE: (
        Fault.CONFIGURATION,
        "{host} wants a client certificate: put one where the client looks for it (docker: certs.d/{host}), and where a"
        " proxy stands between, give it to the proxy.",
        "Name the missing client certificate in the error.",
    ),
    StatedReason.PLAIN_HTTP: (
        Fault.CONFIGURATION,
        "{host} speaks HTTPS at this port: leave out whatever makes the client use plain HTTP.",
        "Name the scheme in the error.",
    ),
    StatedReason.ADDRESS_RULE: (
        Fault.CONFIGURATION,
        "A rule about addresses, networks or countries refuses this machine: have its address allowed at {host}, or"
        " go there another way. The login is not the matter.",
        "Show the words of the answer: they name the rule.",
    ),
    StatedReason.CSRF: (
        Fault.CLIENT,
        "The client sends a session cookie, and {host} takes it for a browser: use a version of the client that keeps"
        " no cookies.",
        "Keep no cookies between requests to a registry.",
    ),
    StatedReason.POLICY: (
        Fault.CONFIGURATION,
        "A policy of {host} forbids this content: ask who runs {host}, or use another tag. The login is not the"
        " matter.",
        "Show the words of the answer: they name the policy.",
    ),
    StatedReason.SUSPENDED: (
        Fault.CREDENTIALS,
        "{host} says that an account is closed or locked: have it opened again.",
        "Show the words of the answer.",
    ),
    StatedReason.BILLING: (
        Fault.CONFIGURATION,
        "{host} wants to be paid first: look at the plan and the billing there.",
        "Show the words of the answer.",
    ),
    StatedReason.SSO_REQUIRED: (
        Fault.CREDENTIALS,
        "Release the access token for single sign-on of the organization at {host}.",
        "Show the words of the answer.",
    ),
    StatedReason.SECOND_FACTOR: (
        Fault.CREDENTIALS,
        "The account has a second factor: make an access token at {host} and use it in the password's place.",
        "Show the words of the answer.",
    ),
    StatedReason.READ_ONLY: (
        Fault.REGISTRY,
        "{host} takes nothing at the moment: try again later, or ask who runs it.",
        "Show the words of the answer.",
    ),
    StatedReason.QUOTA: (
        Fault.CONFIGURATION,
        "There is no room left at {host}: delete something, or have the quota raised.",
        "Show the words of the answer.",
    ),
    StatedReason.RATE_LIMIT: (
        Fault.REGISTRY,
        "{host} limits requests: wait as long as it says.",
        "Honour Retry-After, and show the words of the answer.",
    ),
    StatedReason.MISSING_SCOPE: (
        Fault.CREDENTIALS,
        "The access token was made without the scope that this takes: make one with it at {host}.",
        "Show the words of the answer: they name the scope.",
    ),
    StatedReason.MISSING_WRITE_RIGHT: (
        Fault.CREDENTIALS,
        "The right to write is missing: have it granted at {host}.",
        "Show the words of the answer: they name the right.",
    ),
    StatedReason.MISSING_RIGHT: (
        Fault.CREDENTIALS,
        "A right is missing: have the one that the answer names granted at {host}.",
        "Show the words of the answer: they name the right.",
    ),
    StatedReason.UNKNOWN_NAME: (
        Fault.CONFIGURATION,
        "{host} has no repository of this name: check the name, and create it where {host} does not do so at the first"
        " push.",
        "Show the words of the answer.",
    ),
    StatedReason.EXPIRED: (
        Fault.CREDENTIALS,
        "The answer of {host} says that what was sent has expired: get a new one, with a new login where it is long"
        " lived.",
        "Fetch a new token when the old one is over, and say that it had expired.",
    ),
    StatedReason.CONTENT: (
        Fault.UNKNOWN,
        "{host} does not take what was sent, and says why: look at the content, not at the login.",
        "Show the words of the answer.",
    ),
    StatedReason.UNAVAILABLE: (
        Fault.REGISTRY,
        "{host} is out of order for a while: try again later. It is not about the login.",
        "Try again after a pause, and show the words of the answer.",
    ),
}

_BY_CAUSE: dict[Cause, _Advice] = {
    Cause.NO_CONNECTION: (
        Fault.UNKNOWN,
        "See whether {origin} can be reached from this machine: its name, its port, a proxy in between.",
        "Print the address that could not be reached.",
    ),
    Cause.NO_TLS: (
        Fault.UNKNOWN,
        "See which certificate {origin} shows, and whether it speaks TLS at all at this port.",
        "Print the address and what TLS said.",
    ),
    Cause.CONNECTION_LOST: (
        Fault.UNKNOWN,
        "Try again; if it breaks every time, look at the log of {host} and of the proxies before it.",
        "Try again once, and print the address at which it broke.",
    ),
    Cause.SERVER_ERROR: (
        Fault.REGISTRY,
        "Try again later; if it stays, who runs {host} finds the reason in its log. It is not about the login.",
        "Try again after a pause, and show the status and the words of the answer.",
    ),
    Cause.TOKEN_SERVER_ERROR: (
        Fault.TOKEN_SERVER,
        "Try again later; if it stays, who runs {host} finds the reason in its log. It is not about the login.",
        "Try again after a pause, and say that it was the token server.",
    ),
    Cause.TOKEN_PATH: (
        Fault.CONFIGURATION,
        "The realm that the registry names does not exist like that: correct the path of the realm in the registry's"
        " configuration ({url}).",
        "Print the realm's address and the status in the error.",
    ),
    Cause.TOKEN_REQUEST: (
        Fault.UNKNOWN,
        "{host} does not take the request for a token as the client sends it: compare `service` and `scope` with what"
        " the registry's challenge says, and look at what {host} says or logs.",
        "Show the words of the answer, and ask for the token as the challenge says.",
    ),
    Cause.TOKEN_MISSING: (
        Fault.TOKEN_SERVER,
        "The answer of {host} has no token in it: see what stands behind {url}.",
        "Say that the answer holds no token.",
    ),
    Cause.TOKEN_REFUSED_ANONYMOUSLY: (
        Fault.UNKNOWN,
        "{host} gives nobody anonymous a token for this.",
        "Say that no credentials were sent, and under which key they were looked up.",
    ),
    Cause.PASSWORD_REFUSED: (
        Fault.UNKNOWN,
        "{host} refused what was sent: see whether it is meant for {host}, then whether it has the right to do this.",
        "Show the words of the answer.",
    ),
    Cause.RIGHT_MISSING: (
        Fault.UNKNOWN,
        "The login is good, and {host} refuses it for this: see whether the name is right, then have the right to it"
        " granted.",
        "Say that the login was accepted for something else, and show the words of the answer.",
    ),
    Cause.TOKEN_REFUSED: (
        Fault.UNKNOWN,
        "Look at what {host} logs about the token, then at whether the account behind it has the right to do this.",
        "Show the words of the answer, and the `error` of the challenge.",
    ),
    Cause.TOKEN_BROUGHT: (
        Fault.UNKNOWN,
        "The client brought a token along that {host} does not take: where one is configured (a file, an environment"
        " variable), renew it or take it out, and let the client fetch its own.",
        "When a token is refused, answer the challenge with a new one; name where the old one came from.",
    ),
    Cause.UNANSWERED: (
        Fault.UNKNOWN,
        "{host} asked for a credential and none came.",
        "Say which challenge was not answered, and why.",
    ),
    Cause.UNCHALLENGED: (
        Fault.REGISTRY,
        "{host} refuses without saying what it wants to be sent: look at the proxies before it, then at its"
        " configuration.",
        "Say that the answer has no challenge.",
    ),
    Cause.DENIED_ANONYMOUSLY: (
        Fault.UNKNOWN,
        "{host} refuses without asking for a credential: look first at rules about addresses, networks and paths"
        " before it.",
        "Show the status and the words of the answer.",
    ),
    Cause.LEFT_OUT: (
        Fault.CLIENT,
        "The login is good and the client held a token for this; it did not send it. Use another version of the"
        " client.",
        "Send the token that is held for a repository with every request about it, and take a 403 to a request without"
        " a credential for what a 401 is.",
    ),
    Cause.NOT_SERVED: (
        Fault.UNKNOWN,
        "{host} does not serve this address: see whether it is a registry that takes this, and whether the name is"
        " right.",
        "Show the address and the status.",
    ),
    Cause.REQUEST_REFUSED: (
        Fault.UNKNOWN,
        "{host} does not take the request as it came: look for proxies that change requests, and at what {host} says"
        " or logs.",
        "Show the status and the words of the answer.",
    ),
    Cause.UNASKED: (
        Fault.CLIENT,
        "The client sends a credential before anybody asks for one, and {host} does not take it like that: see whether"
        " it is the right one and still good, then try a client that waits for the challenge.",
        "Send the first request without a credential, and answer the challenge that comes.",
    ),
    Cause.TOO_LARGE: (
        Fault.CONFIGURATION,
        "Raise the limit for bodies and headers at the proxy before {host}.",
        "Show the status.",
    ),
    Cause.PROXY_ASKS: (
        Fault.CONFIGURATION,
        "A proxy on the way wants its own login: put it into the proxy's URL.",
        "Say that the proxy refused, not the registry.",
    ),
    Cause.NETWORK_ASKS: (
        Fault.CONFIGURATION,
        "The network itself wants a login first, as in a hotel: open any page in a browser, then try again.",
        "Say that the network refused, not {host}.",
    ),
    Cause.PAGE: (
        Fault.PROXY,
        "A page came in the place of a registry's answer: look at the proxies and login pages before {host}.",
        "Say that the answer is a page.",
    ),
    Cause.STORE_REFUSED: (
        Fault.REGISTRY,
        "{host}, to which the registry sends its clients, refused: try again for a new address, then look at the"
        " registry's access to that store.",
        "Show the status and the words of the answer.",
    ),
}


def _advice(conversation: Conversation, refusal: Refusal, cause: StatedReason | Cause) -> _Advice:
    fault, user, author = _STATED[cause] if isinstance(cause, StatedReason) else _BY_CAUSE[cause]
    exchange = refusal.exchange
    url = exchange.request.url.partition("?")[0]
    text = user.format(host=exchange.origin.authority, origin=exchange.origin, url=url)
    more = _login(conversation, refusal, cause)
    return fault, f"{text} {more}" if more else text, author.replace("{host}", exchange.origin.authority)


_WITHOUT_LOGIN = frozenset({Cause.UNANSWERED, Cause.TOKEN_REFUSED_ANONYMOUSLY})


def _login(conversation: Conversation, refusal: Refusal, cause: StatedReason | Cause) -> str:
    """What can be said about a login: which there is, or that there is none and where clients would look for it."""
    if cause not in _WITHOUT_LOGIN:
        return ""
    if login_sent(conversation, refusal.exchange) is not None:
        return f"{log_in(conversation, refusal.exchange)}."
    if refusal.exchange.target.endpoint is not Endpoint.PING and conversation.repository is None:
        return ""
    return (
        f"If it is not public, log in to {home(conversation)}; if a login is there, see under which name the client"
        " looks for it."
    )
