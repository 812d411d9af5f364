"""What a client wanted, grouped from the exchanges of a conversation, and how each of these operations ended.

An operation is one request with its repetitions, the tokens that were fetched for it, and the places to which its
answers led. It ends with what came last of these.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field

from regauth_core.conversation.conversation import Conversation
from regauth_core.conversation.exchanges import is_anonymous, realm_key, refuses, succeeded
from regauth_core.conversation.recovery import is_needless, is_probe, is_told_by_repositories, tried_in_vain
from regauth_core.conversation.refusal import has_no_answer, was_served
from regauth_core.model import Endpoint, Exchange
from regauth_core.model.finding import End, OperationKind

_KINDS = {
    Endpoint.PING: OperationKind.PING,
    Endpoint.CATALOG: OperationKind.CATALOG,
    Endpoint.TAGS: OperationKind.TAGS,
    Endpoint.REFERRERS: OperationKind.REFERRERS,
    Endpoint.UPLOAD_START: OperationKind.PUSH_BLOB,
    Endpoint.UPLOAD: OperationKind.PUSH_BLOB,
}
_READS = ("GET", "HEAD")
_LOOKED_FOR = frozenset(
    {
        OperationKind.TAGS,
        OperationKind.REFERRERS,
        OperationKind.FETCH_MANIFEST,
        OperationKind.FETCH_BLOB,
        OperationKind.DELETE,
        OperationKind.CATALOG,
        OperationKind.OTHER,
    }
)
"""What may be missing without anything being wrong."""
_OF_UPLOADS = (Endpoint.UPLOAD, Endpoint.V2_OTHER, Endpoint.ELSEWHERE)
_UNSUPPORTED = (405, 501)
_OFFERED_BY_FEW = frozenset({OperationKind.DELETE, OperationKind.REFERRERS, OperationKind.CATALOG, OperationKind.OTHER})


@dataclass(slots=True, eq=False)
class OperationBuilder:
    """One operation while it is put together."""

    kind: OperationKind
    exchanges: list[Exchange] = field(default_factory=list)
    """In order of request time: requests, token exchanges, and what answers led to."""
    is_done: bool = False
    """An upload session was opened: the next start is another blob's."""

    def deciding(self, conversation: Conversation) -> Exchange:
        """The exchange that decides how it ended: the last one, or the last request where that is a good token's.

        Where the last one only repeats without a credential what had been answered in vain, the failed answer decides.
        """
        last = self.exchanges[-1]
        if last.status == 401 and is_anonymous(last) and tried_in_vain(conversation, last) is not None:
            tried = [e for e in self.exchanges[:-1] if not is_anonymous(e) and not was_served(e)]
            last = tried[-1] if tried else last
        if conversation.is_token_exchange(last) and has_token(last):
            asked = [e for e in self.exchanges if not conversation.is_token_exchange(e)]
            return asked[-1] if asked else last
        return last


def attempts(conversation: Conversation) -> list[OperationBuilder]:
    """The operations of a conversation, in the order in which they began."""
    grouping = _Grouping(conversation)
    for exchange in conversation.steps:
        grouping.add(exchange)
    return grouping.all()


class _Grouping:
    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._attempts: list[OperationBuilder] = []
        self._by_key: dict[Hashable, OperationBuilder] = {}
        self._by_number: dict[int, OperationBuilder] = {}
        self._tokens: list[Exchange] = []
        self._latest: OperationBuilder | None = None

    def add(self, exchange: Exchange) -> None:
        conversation = self._conversation
        if conversation.is_token_exchange(exchange):
            if self._latest is None:
                self._tokens.append(exchange)
            else:
                self._take(self._latest, exchange)
            return
        leading = self._leading(exchange)
        if leading is None and exchange.target.endpoint is Endpoint.ELSEWHERE:
            return
        if exchange.target.endpoint is Endpoint.UPLOAD and exchange.request.method == "DELETE":
            # To give a session up is no part of the push.
            return
        attempt = leading or self._wanted(exchange)
        for token in self._tokens:
            self._take(attempt, token)
        self._tokens.clear()
        self._take(attempt, exchange)
        self._latest = attempt

    def all(self) -> list[OperationBuilder]:
        if self._tokens:
            self._attempts.append(OperationBuilder(OperationKind.TOKEN, self._tokens[:]))
            self._tokens.clear()
        return self._attempts

    def _take(self, attempt: OperationBuilder, exchange: Exchange) -> None:
        attempt.exchanges.append(exchange)
        self._by_number[exchange.number] = attempt

    def _leading(self, exchange: Exchange) -> OperationBuilder | None:
        """The operation an answer of which named this very address."""
        naming = self._conversation.client_state.named.get(realm_key(exchange))
        if naming is None or naming.exchange is exchange:
            return None
        # A finished upload names its blob, and to look at that is another operation.
        is_upload = naming.how == "upload-location" and exchange.target.endpoint in _OF_UPLOADS
        if naming.how != "redirect" and not is_upload:
            return None
        return self._by_number.get(naming.exchange.number)

    def _wanted(self, exchange: Exchange) -> OperationBuilder:
        kind, key = _wanted(exchange)
        attempt = self._by_key.get(key)
        if attempt is None or attempt.is_done:
            attempt = self._by_key[key] = OperationBuilder(kind)
            self._attempts.append(attempt)
        attempt.is_done = kind is OperationKind.PUSH_BLOB and succeeded(exchange)
        return attempt


def _wanted(exchange: Exchange) -> tuple[OperationKind, Hashable]:
    """What a request is for, and what is equal for its repetitions."""
    target, method = exchange.target, exchange.request.method
    if method == "DELETE":
        return OperationKind.DELETE, (OperationKind.DELETE, target.endpoint, target.reference)
    if target.endpoint in _KINDS:
        kind = _KINDS[target.endpoint]
        return kind, (kind, target.mount, None if target.endpoint is Endpoint.UPLOAD_START else target.reference)
    reads = method in _READS
    if target.endpoint is Endpoint.MANIFEST:
        kind = OperationKind.FETCH_MANIFEST if reads else OperationKind.PUSH_MANIFEST
        return kind, (kind, target.reference)
    if target.endpoint is Endpoint.BLOB:
        kind = OperationKind.FETCH_BLOB if reads else OperationKind.PUSH_BLOB
        return kind, (kind, target.reference)
    return OperationKind.OTHER, (realm_key(exchange), method if not reads else "GET")


def has_token(exchange: Exchange) -> bool:
    """Whether an answer holds a token that a client can use, be it only to get others with."""
    answer = exchange.response.token if exchange.response is not None else None
    return answer is not None and bool(answer.fingerprints or answer.refresh_token)


def end_of(conversation: Conversation, attempt: OperationBuilder, alike: Iterable[OperationBuilder] = ()) -> End:
    """How an operation ended; `alike` are all of the conversation, in order."""
    last = attempt.deciding(conversation)
    end = _end(conversation, attempt, last)
    if not end.is_failure:
        return end
    if any(_is_served(conversation, e) and e.finished >= last.started for e in attempt.exchanges if e is not last):
        # Two requests for the same overlapped, and the other one was served.
        return End.SUCCEEDED
    return End.NEEDLESS if _is_overcome(conversation, attempt, last, alike) else end


def _is_served(conversation: Conversation, exchange: Exchange) -> bool:
    if conversation.is_token_exchange(exchange):
        return False
    return was_served(exchange)


def _end(conversation: Conversation, attempt: OperationBuilder, last: Exchange) -> End:
    response = last.response
    if response is None:
        return End.LOST if has_no_answer(last) else End.UNKNOWN
    if attempt.kind is OperationKind.PING and _is_login(conversation, attempt):
        return End.SUCCEEDED
    if conversation.is_token_exchange(last):
        if response.status < 400:
            # A redirect leads on, and nothing says where it ended.
            return End.SUCCEEDED if has_token(last) or response.status >= 300 else End.FAILED
        return End.REFUSED if refuses(last) else End.FAILED
    if was_served(last):
        return End.SUCCEEDED
    if response.status == 404 and attempt.kind in _LOOKED_FOR:
        return End.ANSWERED
    if response.status in _UNSUPPORTED and attempt.kind in _OFFERED_BY_FEW:
        return End.ANSWERED
    if response.status == 400 and attempt.kind in (OperationKind.REFERRERS, OperationKind.DELETE):
        return End.ANSWERED
    return End.REFUSED if refuses(last) or response.status == 407 else End.FAILED


def _is_login(conversation: Conversation, attempt: OperationBuilder) -> bool:
    """Whether a ping was followed by a token that is for no repository: some clients take that for a login."""
    last = attempt.exchanges[-1]
    return conversation.is_token_exchange(last) and has_token(last) and not asked_for(last)


def _is_overcome(
    conversation: Conversation, attempt: OperationBuilder, last: Exchange, alike: Iterable[OperationBuilder]
) -> bool:
    """Whether the client got over a failure: by the same request, by another way to the same, or without it."""
    if attempt.kind is OperationKind.TOKEN or conversation.is_token_exchange(last):
        if is_token_overcome(conversation, last):
            return True
        asked = [e for e in attempt.exchanges if not conversation.is_token_exchange(e)]
        if not asked:
            return False
        last = asked[-1]
    if conversation.succeeded_later(last) or is_needless(conversation, last):
        return True
    if last.target.mount is not None and conversation.was_served_after(last):
        return True
    if attempt.kind is OperationKind.PING:
        return _is_ping_overcome(conversation, last)
    if is_probe(last) and last.target.mount is None and any(was_served(e) for e in conversation.requests):
        return True
    later = [a for a in alike if a is not attempt and a.exchanges[-1].started >= last.started]
    if last.status == 401 and is_anonymous(last) and later and conversation.responded_to(last):
        # What was learnt from it was used for the next request, and that one tells the rest.
        return True
    if attempt.kind is OperationKind.PUSH_BLOB:
        pushes = (OperationKind.PUSH_BLOB, OperationKind.PUSH_MANIFEST)
        return any(a.kind in pushes and was_served(a.deciding(conversation)) for a in later)
    if attempt.kind is OperationKind.FETCH_MANIFEST:
        name = last.target.reference
        return any(e.target.reference == name and was_served(e) for a in later for e in a.exchanges[-1:])
    if last.target.endpoint is Endpoint.V1:
        # The first protocol is only tried when the second has failed.
        return any(a is not attempt for a in alike) or bool(conversation.pings)
    return False


def is_token_overcome(conversation: Conversation, last: Exchange) -> bool:
    """Whether a token was had later, or something was served without it."""
    later = [e for e in conversation.steps if e.started > last.started]
    if any(_is_token_of(conversation, e, last) or is_served(e) for e in later):
        return True
    asked = asked_for(last)
    return any(
        _is_token_of(conversation, e, last) and asked_for(e) == asked
        for e in (*conversation.auth_steps_since(last), *_steps_of_challenger(conversation, last))
    )


def _steps_of_challenger(conversation: Conversation, last: Exchange) -> Iterable[Exchange]:
    """What was done after a token request about the registry whose challenge named its address only then."""
    client_state = conversation.client_state
    registry = client_state.realms.get(realm_key(last))
    at_registry = client_state.at_registries.get(registry) if registry is not None else None
    if at_registry is None or at_registry is conversation.at_registry:
        return ()
    return (e for e in at_registry.auth_steps if e.started > last.started)


def _is_token_of(conversation: Conversation, exchange: Exchange, last: Exchange) -> bool:
    return conversation.is_token_exchange(exchange) and realm_key(exchange) == realm_key(last) and has_token(exchange)


def asked_for(exchange: Exchange) -> frozenset[str]:
    """The scopes that a token request asks for."""
    return frozenset(" ".join(exchange.request.token.scopes).split()) if exchange.request.token else frozenset()


def is_served(exchange: Exchange) -> bool:
    """Whether a request of the registry was served, or answered that it is not there."""
    is_registry = exchange.target.endpoint not in (Endpoint.ELSEWHERE, Endpoint.V2_OTHER)
    return is_registry and (was_served(exchange) or exchange.status == 404)


def _is_ping_overcome(conversation: Conversation, last: Exchange) -> bool:
    own = {e.number for e in conversation.steps}
    success = conversation.at_registry.last_success
    if success is not None and success.started > last.started:
        return True
    if is_told_by_repositories(conversation, [last]):
        return True
    if last.status == 401 and any(
        e.request.credentials and e.target.endpoint is not Endpoint.PING and not conversation.is_token_exchange(e)
        for e in conversation.auth_steps_since(last)
    ):
        # It was answered with another request, and what came of that is told there.
        return True
    # What failed at the token server for a repository is told there.
    return any(
        e.started > last.started and not has_token(e) and e.number not in own
        for e in conversation.auth_steps_since(last)
        if conversation.is_token_exchange(e)
    )
