"""Why credentials that regauth holds are kept from a place: a closed set, with the words that reports use."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Withheld(StrEnum):
    """Why a secret does not go somewhere."""

    NOT_A_URL = "not-a-url"
    """The realm is missing, or is no http(s) URL whose host a resolver could take only one way."""
    USERINFO = "userinfo"
    """The realm has a user or password before its host."""
    PLAIN_HTTP = "plain-http"
    """The registry or the realm is plain http, and that was not allowed or is less than the registry has."""
    METADATA_ADDRESS = "metadata-address"
    """A cloud's metadata service."""
    INTERNAL_ADDRESS = "internal-address"
    """A loopback, link-local, private or otherwise not global address, and not the registry's own host."""
    ADDRESS_LITERAL = "address-literal"
    """A public address, or a number that resolvers take for one."""
    UNKNOWN_HOST = "unknown-host"
    """Neither the registry's owner's, nor a known pair, nor listed."""
    OUTSIDE_API = "outside-api"
    """The request is not below ``/v2/``, or is itself one for a token."""
    UNVERIFIED_CONNECTION = "unverified-connection"
    """The registry's certificate was not verified."""
    OTHER_HOST_NAMED = "other-host-named"
    """The `Host` header, the target or the TLS handshake names another place than the one that is connected to."""
    OTHER_REQUEST_NAMED = "other-request-named"
    """A field of the request names another method, path or host, which some servers obey."""
    UNCLEAR_TARGET = "unclear-target"
    """The method or the path is spelled so that servers may read it in more than one way."""
    UNCLEAR_QUERY = "unclear-query"
    """The query holds what the API does not know, or something twice, or in an odd spelling."""
    UNCLEAR_FIELD = "unclear-field"
    """A header field is spelled so that servers may read it in more than one way, or see another request in it."""
    UNCLEAR_BODY = "unclear-body"
    """The request has a body where the API has none, or one in which servers look for parameters."""
    UNCLEAR_CONNECTION = "unclear-connection"
    """An earlier request on the client's connection was such that its end is not the same for every server."""
    LED_ELSEWHERE = "led-elsewhere"
    """Another origin led the client here, by a redirect, a `Location`, a `Link`, a realm or a layer's URL, or may have
    done so by one that cannot be read."""
    NOT_PERMITTED = "not-permitted"
    """The request does more than reading, or reads elsewhere, than credentials may be used for."""
    OTHER_USER = "other-user"
    """The client is another user's process of this machine."""
    UNKNOWN_USER = "unknown-user"
    """Whose process of this machine the client is cannot be told."""
    OTHER_MACHINE = "other-machine"
    """The client is not on this machine's loopback interface."""
    OTHER_NAME = "other-name"
    """The client addressed a reverse proxy by a name that a web page may have given it."""
    WEB_PAGE = "web-page"
    """A browser sent the request, which it does for any page that it shows."""


WITHHELD_BECAUSE: Final[Mapping[Withheld, str]] = {
    Withheld.NOT_A_URL: "the realm of the challenge is no URL",
    Withheld.USERINFO: "the realm of the challenge names a user",
    Withheld.PLAIN_HTTP: "credentials are not sent over plain http",
    Withheld.METADATA_ADDRESS: "the realm leads to a metadata service, which gets no credentials",
    Withheld.INTERNAL_ADDRESS: "the realm leads to an address of an internal network, which gets no credentials",
    Withheld.ADDRESS_LITERAL: "the realm is an address and not the registry's, so it gets no credentials",
    Withheld.UNKNOWN_HOST: "the realm is on a host that is not known to belong to the registry",
    Withheld.OUTSIDE_API: "the request is none of the registry API",
    Withheld.UNVERIFIED_CONNECTION: "the registry's certificate was not verified",
    Withheld.OTHER_HOST_NAMED: "the request names another host than the registry",
    Withheld.OTHER_REQUEST_NAMED: "a field of the request would make another request of it",
    Withheld.UNCLEAR_TARGET: "servers may read its method or path in more than one way",
    Withheld.UNCLEAR_QUERY: "servers may read its parameters in more than one way",
    Withheld.UNCLEAR_FIELD: "servers may read its header fields in more than one way",
    Withheld.UNCLEAR_BODY: "servers may look for parameters in its body, or find none where it has one",
    Withheld.UNCLEAR_CONNECTION: "servers may not find the end of an earlier request on the same connection",
    Withheld.LED_ELSEWHERE: "another host led the client to this address",
    Withheld.NOT_PERMITTED: "they may not be used for what the request does",
    Withheld.OTHER_USER: "the client is a process of another user",
    Withheld.UNKNOWN_USER: "this machine does not say whose process the client is",
    Withheld.OTHER_MACHINE: "the client is not on this machine's loopback interface",
    Withheld.OTHER_NAME: "the client addressed the proxy by a name that a web page could have given it",
    Withheld.WEB_PAGE: "a browser sent the request, and it sends them for any page",
}
"""Each as a clause, without a word from the wire."""
