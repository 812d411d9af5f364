"""Why regauth does not send its credentials somewhere: a closed set, with the words that reports use."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Withheld(StrEnum):
    """Why a secret is not sent."""

    NOT_A_URL = "not-a-url"
    """The realm is missing, or is not an http(s) URL whose host every resolver reads in the same way."""
    USERINFO = "userinfo"
    """The realm has a user or password before its host."""
    PLAIN_HTTP = "plain-http"
    """The registry or the realm is plain http, which was not allowed or is weaker than the registry's scheme."""
    METADATA_ADDRESS = "metadata-address"
    """A cloud's metadata service."""
    INTERNAL_ADDRESS = "internal-address"
    """A loopback, link-local, private or otherwise not global address, and not the registry's own host."""
    ADDRESS_LITERAL = "address-literal"
    """A public IP address, or a number that resolvers read as one."""
    UNKNOWN_HOST = "unknown-host"
    """The host is not the registry owner's, nor part of a known pair, nor listed."""
    OUTSIDE_API = "outside-api"
    """The request is not below ``/v2/``, or is itself a token request."""
    UNVERIFIED_CONNECTION = "unverified-connection"
    """The registry's certificate was not verified."""
    OTHER_HOST_NAMED = "other-host-named"
    """The `Host` header, the target or the TLS handshake names another host than the connected one."""
    OTHER_REQUEST_NAMED = "other-request-named"
    """A header field of the request names another method, path or host, which some servers obey."""
    UNCLEAR_TARGET = "unclear-target"
    """The spelling of the method or the path lets servers read it in more than one way."""
    UNCLEAR_QUERY = "unclear-query"
    """The query has a parameter that the API does not know, or one twice, or in an odd spelling."""
    UNCLEAR_FIELD = "unclear-field"
    """The spelling of a header field lets servers read it in more than one way, or as another request."""
    UNCLEAR_BODY = "unclear-body"
    """The request has a body where the API has none, or one in which servers look for parameters."""
    UNCLEAR_CONNECTION = "unclear-connection"
    """Servers may disagree where an earlier request on the client's connection ends."""
    LED_ELSEWHERE = "led-elsewhere"
    """Another origin led the client here, by a redirect, a `Location`, a `Link`, a realm or a layer's URL, or may have
    done so by one that regauth cannot read."""
    NOT_PERMITTED = "not-permitted"
    """The request does something other than reading, or reads where the credentials may not be used."""
    OTHER_USER = "other-user"
    """The client is another user's process of this machine."""
    UNKNOWN_USER = "unknown-user"
    """The client is a process of this machine whose user is unknown."""
    OTHER_MACHINE = "other-machine"
    """The client is not on this machine's loopback interface."""
    OTHER_NAME = "other-name"
    """The client addressed a reverse proxy by a name that a web page may have given it."""
    WEB_PAGE = "web-page"
    """A browser sent the request, and any page that it shows can make it send one."""


WITHHELD_BECAUSE: Final[Mapping[Withheld, str]] = {
    Withheld.NOT_A_URL: "the realm of the challenge is not a URL",
    Withheld.USERINFO: "the realm of the challenge names a user",
    Withheld.PLAIN_HTTP: "credentials are not sent over plain http",
    Withheld.METADATA_ADDRESS: "the realm is a cloud metadata service",
    Withheld.INTERNAL_ADDRESS: "the realm is an address of an internal network",
    Withheld.ADDRESS_LITERAL: "the realm is an IP address other than the registry's",
    Withheld.UNKNOWN_HOST: "the realm's host is not known to belong to the registry",
    Withheld.OUTSIDE_API: "the request is not part of the registry API",
    Withheld.UNVERIFIED_CONNECTION: "the registry's certificate was not verified",
    Withheld.OTHER_HOST_NAMED: "the request names another host than the registry",
    Withheld.OTHER_REQUEST_NAMED: "a header field would turn the request into another one",
    Withheld.UNCLEAR_TARGET: "servers may read its method or path in more than one way",
    Withheld.UNCLEAR_QUERY: "servers may read its parameters in more than one way",
    Withheld.UNCLEAR_FIELD: "servers may read its header fields in more than one way",
    Withheld.UNCLEAR_BODY: "servers may look for parameters in its body, or may not see its body",
    Withheld.UNCLEAR_CONNECTION: "servers may disagree where an earlier request on the connection ends",
    Withheld.LED_ELSEWHERE: "another host led the client to this URL",
    Withheld.NOT_PERMITTED: "they may not be used for this kind of request",
    Withheld.OTHER_USER: "the client is a process of another user",
    Withheld.UNKNOWN_USER: "it is unknown which user's process the client is",
    Withheld.OTHER_MACHINE: "the client is not on this machine's loopback interface",
    Withheld.OTHER_NAME: "the client addressed the proxy by a name that a web page could have given it",
    Withheld.WEB_PAGE: "a browser sent the request, which any web page can cause",
}
"""Each reason as a clause, without any text from the wire."""
