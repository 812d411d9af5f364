"""regauth's credentials: looked up for a request, made known to the redactor, and named in notes."""

from __future__ import annotations

import os
from typing import Final

from regauth_core.auth.callers import Caller
from regauth_core.auth.messages import Authorization, ClientRequest
from regauth_core.auth.required_access import required_access_of
from regauth_core.bounded import Bounded
from regauth_core.credentials.login import Login
from regauth_core.credentials.lookup import Found
from regauth_core.edge.credentials.keyring import Keyring
from regauth_core.edge.files import shortened
from regauth_core.edge.mitm.notes import Notes
from regauth_core.model import Origin
from regauth_core.model.withheld import Withheld
from regauth_core.protocol.authorization import credentials
from regauth_core.redaction.redactor import Redactor

_REMEMBERED: Final = 1000


class OwnCredentials:
    """What a keyring holds, for the requests of clients. For one event loop."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._noted: Bounded[tuple[str, Origin], bool] = Bounded(_REMEMBERED)

    async def look_up(self, request: ClientRequest, notes: Notes) -> None:
        """Find what may be sent for the request, and let the redactor know it before anything is sent."""
        need = required_access_of(request.method, request.path)
        if not (need.is_api or need.is_unclear):
            return
        for origin in dict.fromkeys((request.origin, *filter(None, request.named))):
            result = await self._keyring.login_for(origin, need.repository)
            if result.login is not None:
                _remember(result.login, notes.redactor)
                self._note_source(result, origin, notes)

    async def has_login(self, origin: Origin, repository: str | None) -> bool:
        """Whether there are any for a registry or a repository of it."""
        return (await self._keyring.login_for(origin, repository)).login is not None

    def _note_source(self, result: Found, origin: Origin, notes: Notes) -> None:
        """Note once where a login comes from."""
        where = result.matched
        if where is None or result.login is None or (result.login.id, origin) in self._noted:
            return
        self._noted[result.login.id, origin] = True
        source = f"{shortened(where.source, os.environ)} {where.key}".strip()
        host = notes.redactor.host_name(origin.host)
        notes.note(notes.redactor.own_text(f"regauth's credentials for {host} are those of {source}"))


def name_of(authorization: Authorization, redactor: Redactor) -> str:
    """The fingerprint by which the reports call what was sent; the sweep looks for it from now on."""
    for credential in credentials(authorization.value):
        if credential.pair is not None:
            redactor.remember(credential.value)
            return redactor.fingerprint(credential.pair[1], "pw")
        return redactor.fingerprint(credential.value, "tok")
    return "nothing"


def note_setting(reason: Withheld, caller: Caller, notes: Notes) -> None:
    """Say what would allow regauth to use its credentials for `caller`, where that has to be found out."""
    who = {
        Withheld.OTHER_MACHINE: str(notes.redactor.host_name(caller.address)),
        Withheld.OTHER_USER: f"uid:{caller.user}",
    }.get(reason)
    if who is not None:
        notes.note(f"regauth's credentials are not used for {who}; regauth_clients={who} allows that")


def _remember(login: Login, redactor: Redactor) -> None:
    if login.password:
        redactor.fingerprint(login.password, "pw")
    for secret in (login.identity_token, login.registry_token):
        if secret:
            redactor.remember(secret)
