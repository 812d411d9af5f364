"""Goes over exchanges that were redacted before, as a trace holds them, to replace their names by pseudonyms.

The names are found by the same code that finds them on the wire. Fingerprints, times and sizes stay.
"""

from __future__ import annotations

from dataclasses import replace

from regauth_core.model import (
    Access,
    Challenge,
    Claims,
    Connection,
    Credential,
    Exchange,
    Link,
    Origin,
    Request,
    Response,
    Safe,
    Sender,
    Target,
    TokenAnswer,
    TokenRequest,
)
from regauth_core.model.journal import Environment, Gone
from regauth_core.redaction.allow_list import CHALLENGE_FIELDS, CREDENTIAL_FIELDS
from regauth_core.redaction.redactor import RenamingRedactor


class Renaming:
    """Replaces names, consistently with everything else that its redactor has seen."""

    def __init__(self, redactor: RenamingRedactor) -> None:
        self._redactor = redactor

    def exchange(self, one: Exchange) -> Exchange:
        """`one` under other names."""
        # First of all, so that the host that was asked is the first to get a pseudonym.
        origin = self._origin(one.origin)
        target = self._target(one.target)
        return replace(
            one,
            origin=origin,
            target=target,
            sender=self.sender(one.sender),
            request=self._request(one.request),
            response=self._response(one.response) if one.response is not None else None,
            failure=replace(one.failure, text=self._text(one.failure.text)) if one.failure is not None else None,
            connection=self._connection(one.connection),
            changes=tuple(replace(change, text=self._text(change.text)) for change in one.changes),
        )

    def gone(self, one: Gone) -> Gone:
        """The same for a client that has ended."""
        return Gone(self.sender(one.sender), one.at)

    def environment(self, one: Environment) -> Environment:
        """The same for where a trace was taken."""
        return replace(
            one,
            command=self._optional(one.command),
            client_version=self._optional(one.client_version),
            scenario=self._optional(one.scenario),
        )

    def text(self, text: str) -> str:
        """A sentence of ours or of somebody else's."""
        return self._redactor.prose(text)

    def sender(self, one: Sender) -> Sender:
        """The same for a client."""
        return replace(
            one,
            label=self._redactor.user(one.label) if one.label is not None else None,
            program=self._optional(one.program),
            address=self._redactor.host(one.address) if one.address is not None else None,
            user_agent=self._optional(one.user_agent),
        )

    def _text(self, text: Safe) -> Safe:
        return self._redactor.text(text)

    def _optional(self, text: Safe | None) -> Safe | None:
        return None if text is None else self._redactor.text(text)

    def _origin(self, one: Origin) -> Origin:
        return self._redactor.origin(one.scheme, one.host, one.port)

    def _link(self, one: Link) -> Link:
        renamed = self._redactor.url(one.text)
        return replace(one, text=renamed.text, origin=renamed.origin, path=renamed.path)

    def _target(self, one: Target) -> Target:
        name, place = self._redactor.repository, self._redactor.place
        return replace(
            one,
            repository=name(one.repository) if one.repository is not None else None,
            reference=self._redactor.reference(one.reference) if one.reference is not None else None,
            mount_from=name(one.mount_from) if one.mount_from is not None else None,
            mirror_of=place(one.mirror_of) if one.mirror_of is not None else None,
        )

    def _connection(self, one: Connection) -> Connection:
        return replace(one, id=self._optional(one.id))

    def _request(self, one: Request) -> Request:
        return replace(
            one,
            url=self._redactor.url(one.url).text,
            credentials=tuple(map(self._credential, one.credentials)),
            token=self._token_request(one.token) if one.token is not None else None,
            headers=tuple(map(self._header, one.headers)),
        )

    def _header(self, pair: tuple[Safe, Safe]) -> tuple[Safe, Safe]:
        name = pair[0].lower()
        # Nothing of a credential is left, nor of a challenge without parameters.
        if name in CREDENTIAL_FIELDS or (name in CHALLENGE_FIELDS and "=" not in pair[1]):
            return pair
        return self._redactor.headers((pair,))[0]

    def _credential(self, one: Credential) -> Credential:
        return replace(one, claims=self._claims(one.claims) if one.claims is not None else None)

    def _claims(self, one: Claims) -> Claims:
        return replace(
            one,
            issuer=self._redactor.place(one.issuer) if one.issuer is not None else None,
            audience=tuple(map(self._redactor.place, one.audience)),
            access=None if one.access is None else tuple(map(self._access, one.access)),
        )

    def _access(self, one: Access) -> Access:
        return Access(one.kind, self._redactor.resource(one.kind, one.name), one.actions)

    def _token_request(self, one: TokenRequest) -> TokenRequest:
        return replace(
            one,
            service=self._redactor.place(one.service) if one.service is not None else None,
            scopes=tuple(map(self._redactor.scopes, one.scopes)),
            client_id=self._optional(one.client_id),
        )

    def _token_answer(self, one: TokenAnswer) -> TokenAnswer:
        return replace(
            one,
            scope=self._redactor.scopes(one.scope) if one.scope is not None else None,
            claims=self._claims(one.claims) if one.claims is not None else None,
        )

    def _challenge(self, one: Challenge) -> Challenge:
        shown = self._redactor.parameter
        return replace(
            one,
            parameters=tuple([(name, shown(one.scheme, name, value)) for name, value in one.parameters]),
            realm_link=self._link(one.realm_link) if one.realm_link is not None else None,
        )

    def _response(self, one: Response) -> Response:
        return replace(
            one,
            challenges=tuple(map(self._challenge, one.challenges)),
            token=self._token_answer(one.token) if one.token is not None else None,
            errors=tuple(
                [
                    replace(error, message=self._text(error.message), needs=tuple(map(self._access, error.needs)))
                    for error in one.errors
                ]
            ),
            text=self._optional(one.text),
            location=self._link(one.location) if one.location is not None else None,
            next_page=self._link(one.next_page) if one.next_page is not None else None,
            layer_links=tuple(map(self._link, one.layer_links)),
            headers=tuple(map(self._header, one.headers)),
        )
