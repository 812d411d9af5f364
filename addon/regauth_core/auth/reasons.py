"""Closed sets of words for why an answer is final, and what is worth a remark."""

# ruff: noqa: S105  (these are words about secrets, and none is one)

from __future__ import annotations

from enum import StrEnum


class StopReason(StrEnum):
    """Why a refusal was not answered, or not answered better."""

    CLIENT_AUTHORIZED = "client-authorized"
    """The client brought credentials of its own."""
    NO_LOGIN = "no-login"
    """No credentials are configured for this registry and repository."""
    NO_CHALLENGE = "no-challenge"
    """The refusal named no scheme, and nothing else told one."""
    UNSUPPORTED_SCHEME = "unsupported-scheme"
    """Neither Basic nor Bearer was asked for."""
    LOGIN_DOES_NOT_FIT = "login-does-not-fit"
    """The login cannot answer the schemes that were asked for."""
    RECENTLY_REFUSED = "recently-refused"
    """The same login was refused less than a minute ago, for the reason before this one; it was not tried again."""
    CREDENTIALS_REFUSED = "credentials-refused"
    """The registry refused the password or the registry token."""
    LOGIN_NOT_ALLOWED = "login-not-allowed"
    """The registry refused a login that it accepts for other requests."""
    TRIED_IN_VAIN = "tried-in-vain"
    """The registry's answer to the login was neither yes nor no; it is not tried for this again so soon."""
    TOKEN_CREDENTIALS_REFUSED = "token-credentials-refused"
    """The token server refused the password or the identity token."""
    TOKEN_REFUSED = "token-refused"
    """The token server said no for another reason than the credential."""
    TOKEN_SERVER_FAILED = "token-server-failed"
    """The token server gave no answer, an error of its own, or asked to slow down."""
    TOKEN_UNUSABLE = "token-unusable"
    """The token server's good answer held no token that can be sent."""
    TOKEN_REDIRECT = "token-redirect"
    """The token server redirected too often, in a circle, or a form to another place."""
    TOKEN_REPEATED = "token-repeated"
    """The token server gave a token that had already been refused."""
    TOKEN_REJECTED = "token-rejected"
    """The registry refused a token that was just issued for it."""
    INSUFFICIENT_SCOPE = "insufficient-scope"
    """The registry wants more than the token server grants."""
    NO_REFUSAL = "no-refusal"
    """The answer is no refusal, so there is nothing to verify."""
    NOT_A_READ = "not-a-read"
    """Only GET and HEAD are sent beside the client."""
    BODY_GONE = "body-gone"
    """The request's body was streamed and cannot be sent again."""
    FOREIGN_ANSWER = "foreign-answer"
    """Another origin than the registry answered."""
    UNREACHABLE = "unreachable"
    """No answer came to the repeated request."""
    LIMIT = "limit"
    """The request was sent as often, or tokens were fetched as often, as is allowed."""


class Note(StrEnum):
    """What is worth a remark though it stopped nothing."""

    TOKENS_DIFFER = "tokens-differ"
    """`token` and `access_token` of one answer are not the same."""
    SCOPES_NARROWED = "scopes-narrowed"
    """The token server refused what the request needs and granted what the challenge named."""
    CREDENTIALS_DROPPED = "credentials-dropped"
    """A redirect of the token request led to another origin, which got no credentials."""
    NO_OAUTH2 = "no-oauth2"
    """The token server does not take forms."""
    REFRESH_TOKEN_REFUSED = "refresh-token-refused"
    """A refresh token that the token server itself had given was refused."""
