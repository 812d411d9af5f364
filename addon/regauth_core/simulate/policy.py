"""The vocabulary of `regauth.scenario/1`: what a registry and its token server may do, as values.

These classes are the format: field names are the file's keys, types and marks are what `scenario.read` accepts.
Everything that is left out behaves as an ordinary registry does. Hosts end in ``.test`` (RFC 6761 section 6.2) unless a
scenario is about a realm somewhere else.

Texts of challenges and realms may hold placeholders: ``{realm}`` and ``{service}`` of the token server, the ``{scope}``
that the request needs, its ``{repository}`` and ``{actions}``, the ``{scheme}`` and ``{registry}`` that were asked, the
``{token}`` server's host, and ``{error}``: ``,error="…"`` where a token was refused, else nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from regauth_core.model import Endpoint
from regauth_core.simulate.checks import CheckName
from regauth_core.simulate.grammar import (
    Digest,
    Host,
    Identifier,
    Path,
    Place,
    RepositoryName,
    Request,
    Seconds,
    Status,
    Tag,
    UserName,
    Word,
)
from regauth_core.simulate.typed import Between, Keyed, Prose


class Action(StrEnum):
    """What can be done with a repository (distribution token specification, "Resource actions")."""

    PULL = "pull"
    PUSH = "push"
    DELETE = "delete"


class Layout(StrEnum):
    """How several challenges are written."""

    ONE_LINE_EACH = "one-line-each"
    JOINED = "joined"


class Spread(StrEnum):
    """Which scheme a URL has."""

    SAME = "same"
    """That of the request."""
    HTTP = "http"
    HTTPS = "https"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of a challenge; the value may hold placeholders and is written in quotes."""

    name: Word
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedChallenge:
    """One challenge."""

    scheme: Word
    parameters: Annotated[tuple[Parameter, ...], Keyed()] | None = None
    """Left out: a realm for Basic; realm, service and (where one is needed) scope for Bearer; nothing for others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenging:
    """What stands in `WWW-Authenticate`. One that is given for a repository or the ping replaces the registry's."""

    layout: Layout = Layout.ONE_LINE_EACH
    items: tuple[OfferedChallenge, ...] | None = None
    """Left out: Bearer where there is a token server, else Basic. An empty list: no header at all."""
    raw: tuple[str, ...] | None = None
    """Whole header values, sent as they are written, instead of `items`."""
    error: bool = True
    """A refused token is told as ``error="invalid_token"`` or ``"insufficient_scope"`` in the Bearer challenge."""
    statuses: tuple[Status, ...] = (401,)
    """The answers that carry the header."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """The status of ``/v2/``, by what the request identifies itself with."""

    anonymous: Literal[200, 401, 403, 404] = 401
    invalid: Literal[200, 401, 403, 404] = 401
    valid: Literal[200, 401, 403, 404] = 200
    challenge: Challenging | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What one user may do with a repository."""

    name: UserName
    actions: tuple[Action, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A repository, what is in it, and who may do what with it."""

    name: RepositoryName
    anonymous: tuple[Action, ...] = ()
    users: Annotated[tuple[Rights, ...], Keyed()] = ()
    images: tuple[Tag, ...] = ()
    """Tags; behind each is an image of its own."""
    digests: tuple[Digest, ...] = ()
    """Blobs and manifests that are there beside the images'. Their content is made up: it has other digests."""
    challenge: Challenging | None = None

    def allows(self, user: str | None, action: str) -> bool:
        """Whether `user` (`None`: nobody in particular) may do `action`."""
        own = next((rights.actions for rights in self.users if rights.name == user), ())
        return action in self.anonymous or action in own


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """The status of a refusal."""

    anonymous: Literal[401, 403, 404] = 401
    invalid: Literal["ignored", 400, 401, 403] = 401
    """For a credential that is not accepted; ``ignored``: the request counts as anonymous."""
    insufficient: Literal[401, 403, 404] | None = None
    """For a credential without the right. Left out: 401 for a token, 403 for a user."""
    hide_unknown: bool = False
    """A repository that does not exist is refused like one that may not be seen, instead of 404."""
    body: Literal["errors", "html", "text", "empty"] = "errors"
    """``errors``: JSON, as registries write it. The others are those of web servers and proxies in front."""
    code: Word | None = None
    """Of the JSON. Left out: by the status."""
    message: str | None = None
    """Left out: by the status."""
    detail: bool = True
    """The JSON says which rights are missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodRule:
    """How one method is treated below ``/v2/<repository>/``."""

    name: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
    rule: Literal["rights", "open", 401, 403, 404, 405, 501] = "rights"
    """``rights``: by the repository's rights; ``open``: for everybody; a status: never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blobs:
    """Where blobs come from."""

    mode: Literal["inline", "redirect"] = "inline"
    status: Literal[301, 302, 303, 307, 308] = 307
    host: Host = "blobs.test"
    scheme: Spread = Spread.SAME
    authorization: Literal["ignored", "refused"] = "ignored"
    """Whether the blob host answers 400 to a request that carries `Authorization`, as object stores do."""
    lifetime: Seconds = 600
    """Of the signed URL; with 0 it has always ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploads:
    """How uploads go."""

    location: Literal["absolute", "relative"] = "absolute"
    host: Host | None = None
    """Left out: the one that was asked."""
    scheme: Spread = Spread.SAME
    mount: bool = True
    """A mount of a blob that the asker may pull succeeds; else an ordinary upload begins."""
    checked: bool = True
    """What is pushed needs the digest that the client names, and manifests only what is in the repository."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerHeader:
    """A header of an answer."""

    name: Word
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerStep:
    """One answer out of turn. Steps are used up in order: each request takes the first that is left and is for it."""

    request: Request | None = None
    """For requests like ``GET https://registry.test/v2/foo/tags/list``: without the query, ``*`` for any text."""
    credential: Literal["none", "basic", "bearer", "other"] | None = None
    """For requests with this. Left out: with anything."""

    status: Status | None = None
    """Left out: as usual."""
    allowed: bool = False
    """Instead of a status: as usual for somebody who may do it."""
    headers: Annotated[tuple[AnswerHeader, ...], Keyed()] = ()
    challenge: tuple[str, ...] = ()
    """`WWW-Authenticate` lines, which may hold placeholders."""
    body: Annotated[str, Prose()] = ""
    """In a token server's, ``{issued}`` is a token of what was asked for, as far as the asker may have it, and
    ``{issued repository:foo:pull}`` one for that; ``{issued -}`` is one for nothing."""
    endpoints: tuple[Endpoint, ...] = ()
    """For requests to these; empty: to all. A token server's steps have none."""
    times: Annotated[int, Between(1, 1_000_000)] = 1
    always: bool = False
    """Never used up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryPolicy:
    """The registry."""

    host: Host = "registry.test"
    ping: Ping = Ping()
    repositories: tuple[Repository, ...] = ()
    deny: Denial = Denial()
    methods: Annotated[tuple[MethodRule, ...], Keyed()] = ()
    challenge: Challenging = Challenging()
    accepts: tuple[Literal["basic", "bearer"], ...] | None = None
    """The schemes that are taken. Left out: Bearer where there is a token server, and Basic where that is offered."""
    blobs: Blobs = Blobs()
    uploads: Uploads = Uploads()
    catalog: Literal["anybody", "users", "nobody"] = "users"
    """Who may list the repositories."""
    page_size: Annotated[int, Between(1, 1000)] = 100
    """The most tags or repositories of one answer."""
    headers: Annotated[tuple[AnswerHeader, ...], Keyed()] = ()
    """In each of its answers."""
    version: bool = True
    """Its answers carry `Docker-Distribution-Api-Version`."""
    steps: tuple[AnswerStep, ...] = ()


Grant = Literal["served", 400, 401, 403, 404, 405, 501]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """How the token server treats each way to ask: it is served, or refused with a status."""

    anonymous: Grant = "served"
    """GET without a credential."""
    basic: Grant = "served"
    """GET with Basic."""
    password: Grant = "served"  # noqa: S105  (the name of a grant)
    """POST with ``grant_type=password`` (RFC 6749 section 4.3)."""
    refresh_token: Grant = "served"  # noqa: S105  (the name of a grant)
    """POST with ``grant_type=refresh_token`` (RFC 6749 section 6)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPolicy:
    """The token server."""

    host: Host = "auth.test"
    scheme: Spread = Spread.SAME
    path: Path = "/token"
    realm: str | None = None
    """The realm as challenges name it, where it is not the URL of `scheme`, `host` and `path`."""
    service: str | None = None
    """Left out: the registry's host."""
    grants: Grants = Grants()
    field: Literal["token", "access_token", "both", "both-different", "neither"] = "both"
    kind: Literal["jwt", "opaque"] = "jwt"
    expires_in: int | str = 300
    """As the answer says it: a number, a text in quotes, or the word ``absent``."""
    lifetime: Seconds | None = None
    """The seconds for which the registry takes a token. Left out: `expires_in` if that is a number above 0, or 60."""
    issued_at: bool = True
    """The answer says when."""
    clock_ahead: Seconds = 0
    """The seconds by which the token server's clock is ahead of the registry's. Where it is, answers carry `Date`."""
    required: bool = False
    """Even what anybody may do needs a token (of nobody)."""
    narrow: Literal["intersect", 401, 403] = "intersect"
    """What happens to a scope that is not wholly allowed: less is granted, or the request is refused."""
    wrong_password: Literal["anonymous", 401, 403] = 401
    """``anonymous``: the answer is a token of nobody."""
    uses: Annotated[int, Between(0, 1_000_000)] | None = None
    """How many requests the registry takes a token for."""
    steps: tuple[AnswerStep, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody who can log in."""

    name: UserName
    password: str
    identity_token: str | None = None
    """A refresh token that the user has from the start."""
    token: str | None = None
    """A Bearer token that the user has from the start; it has no end."""


class Topic(StrEnum):
    """What a scenario is mainly about."""

    REGISTRY = "registry"
    CHALLENGE = "challenge"
    SCOPE = "scope"
    TOKEN = "token"  # noqa: S105  (not a secret)
    PASSWORD = "password"  # noqa: S105  (not a secret)
    PUSH = "push"
    REDIRECT = "redirect"
    REALM = "realm"
    LIMIT = "limit"
    PROXY = "proxy"
    CAPTURE = "capture"


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """What a client does so that its checks can be judged."""

    action: Literal["tags", "pull", "push", "mount"] = "pull"
    repository: RepositoryName
    source: RepositoryName | None = None
    """Of a mount."""
    user: UserName | None = None
    """Left out: nobody in particular."""
    password: str | None = None
    """Left out: the user's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One registry's behaviour."""

    schema: Literal["regauth.scenario/1"]
    id: Identifier
    """The name of the file without its ending."""
    title: str
    registry: RegistryPolicy
    topic: Topic = Topic.CAPTURE
    why: Annotated[str, Prose()] = ""
    seen: tuple[str, ...] = ()
    """Products that behave like this."""
    links: tuple[str, ...] = ()
    tags: tuple[Identifier, ...] = ()
    users: Annotated[tuple[User, ...], Keyed()] = ()
    token: TokenPolicy | None = None
    client: Client | None = None
    checks: tuple[CheckName, ...] = ()
    """What a client has to do right here."""
    answers: tuple[AnswerStep, ...] = ()
    """Answers of any host, before everything else. A host that has no others answers 404 to the rest."""
    elsewhere: Literal["reached", "refused"] = "reached"
    """Whether a client that asks a host of no scenario gets through to it."""
    unreachable: tuple[Place, ...] = ()
    """Hosts to which no connection can be made; not played by `regauth serve`."""

    def user(self, name: str) -> User | None:
        """The user called `name`."""
        return next((user for user in self.users if user.name == name), None)

    def repository(self, name: str) -> Repository | None:
        """The repository called `name`."""
        return next((repository for repository in self.registry.repositories if repository.name == name), None)
