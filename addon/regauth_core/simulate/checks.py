"""What a client has to do right at a scenario: a closed set of named checks, each with its level and its source."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Level(StrEnum):
    """How much a check weighs."""

    MUST = "must"
    """A specification demands it, or a secret is lost."""
    SHOULD = "should"
    """A specification advises it, or clients fail without it."""
    INFO = "info"
    """Good manners."""


class CheckName(StrEnum):
    """All checks."""

    GOAL_REACHED = "goal-reached"
    CHALLENGE_ANSWERED = "challenge-answered"
    PING_NOT_DECISIVE = "ping-not-decisive"
    CREDENTIALS_STAY_HOME = "credentials-stay-home"
    NO_PASSWORD_OVER_HTTP = "no-password-over-http"  # noqa: S105  (the name of a check)
    NO_PASSWORD_TO_PROXY_CHALLENGE = "no-password-to-proxy-challenge"  # noqa: S105
    REFUSED_NOT_REPEATED = "refused-not-repeated"
    ATTEMPTS_BOUNDED = "attempts-bounded"
    SCOPE_FROM_CHALLENGE = "scope-from-challenge"
    SERVICE_FROM_CHALLENGE = "service-from-challenge"
    TOKEN_USED = "token-used"  # noqa: S105
    TOKEN_RENEWED = "token-renewed"  # noqa: S105
    EXPIRED_TOKEN_NOT_SENT = "expired-token-not-sent"  # noqa: S105
    EMPTY_TOKEN_NOT_SENT = "empty-token-not-sent"  # noqa: S105
    TOKEN_ASKED_BY_GET = "token-asked-by-get"  # noqa: S105
    MOUNT_FALLS_BACK = "mount-falls-back"
    LOCATION_FOLLOWED = "location-followed"
    RETRY_AFTER_KEPT = "retry-after-kept"
    SERVER_ERROR_RETRIED = "server-error-retried"


@dataclass(frozen=True, slots=True)
class Check:
    """One check, for people."""

    name: CheckName
    level: Level
    text: str
    """What is checked."""
    clause: str
    """Where it is written."""


_TOKEN_SPEC: Final = "distribution token specification"  # noqa: S105
_OAUTH: Final = "distribution, OAuth2 token authentication"
_OCI: Final = "OCI distribution specification"
_N = CheckName

CHECKS: Final[dict[CheckName, Check]] = {
    check.name: check
    for check in (
        Check(
            _N.GOAL_REACHED,
            Level.SHOULD,
            "the client gets what it may have",
            f"{_OCI}, Pull and Push",
        ),
        Check(
            _N.CHALLENGE_ANSWERED,
            Level.SHOULD,
            "a 401 whose challenge the client can answer is followed by the same request with credentials",
            "RFC 9110, section 11.6.1",
        ),
        Check(
            _N.PING_NOT_DECISIVE,
            Level.SHOULD,
            "whatever the ping says, the repository itself is asked",
            f"{_TOKEN_SPEC}, Requesting a Token",
        ),
        Check(
            _N.CREDENTIALS_STAY_HOME,
            Level.MUST,
            "no Authorization goes to a host other than the registry and its token server",
            f"{_OCI}, Redirects: MUST NOT forward Authorization headers across host boundaries",
        ),
        Check(
            _N.NO_PASSWORD_OVER_HTTP,
            Level.MUST,
            "a client that speaks https to the registry sends no credential over http",
            "RFC 7617, section 4",
        ),
        Check(
            _N.NO_PASSWORD_TO_PROXY_CHALLENGE,
            Level.MUST,
            "a 407 is not answered with the registry's credentials",
            "RFC 9110, section 11.7.1",
        ),
        Check(
            _N.REFUSED_NOT_REPEATED,
            Level.SHOULD,
            "a refused request is not repeated with the same credential",
            "RFC 9110, sections 15.5.2 and 15.5.4",
        ),
        Check(
            _N.ATTEMPTS_BOUNDED,
            Level.SHOULD,
            "no request is sent more than eight times",
            "RFC 9110, section 9.2.2",
        ),
        Check(
            _N.SCOPE_FROM_CHALLENGE,
            Level.SHOULD,
            "the token is asked for the scope that the challenge names",
            f"{_TOKEN_SPEC}, Requesting a Token",
        ),
        Check(
            _N.SERVICE_FROM_CHALLENGE,
            Level.SHOULD,
            "the token is asked for the service that the challenge names",
            f"{_TOKEN_SPEC}, Requesting a Token",
        ),
        Check(
            _N.TOKEN_USED,
            Level.MUST,
            "a token that was issued is sent to the registry, in whichever field it came and whatever it grants",
            f"{_TOKEN_SPEC}, Token Response Fields",
        ),
        Check(
            _N.TOKEN_RENEWED,
            Level.SHOULD,
            "a token that is refused as invalid is followed by another one",
            "RFC 6750, section 3.1",
        ),
        Check(
            _N.EXPIRED_TOKEN_NOT_SENT,
            Level.SHOULD,
            "a token is not sent once its expires_in is over",
            f"{_TOKEN_SPEC}, Token Response Fields",
        ),
        Check(
            _N.EMPTY_TOKEN_NOT_SENT,
            Level.MUST,
            "without a token, no Bearer is sent",
            "RFC 6750, section 2.1",
        ),
        Check(
            _N.TOKEN_ASKED_BY_GET,
            Level.SHOULD,
            "where a POST for a token is refused, a GET follows",
            _OAUTH,
        ),
        Check(
            _N.MOUNT_FALLS_BACK,
            Level.SHOULD,
            "a mount that is not granted is followed by an upload",
            f"{_OCI}, Mounting a blob from another repository",
        ),
        Check(
            _N.LOCATION_FOLLOWED,
            Level.MUST,
            "an upload goes on at the Location of the answer before",
            f"{_OCI}, Pushing blobs",
        ),
        Check(
            _N.RETRY_AFTER_KEPT,
            Level.SHOULD,
            "a request is not repeated before the time that Retry-After names",
            "RFC 9110, section 10.2.3; RFC 6585, section 4",
        ),
        Check(
            _N.SERVER_ERROR_RETRIED,
            Level.INFO,
            "a 5xx answer to a request that changes nothing is tried once more",
            "RFC 9110, section 9.2.2",
        ),
    )
}
