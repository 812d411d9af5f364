"""Whose credentials a capture shows, and the invented ones that stand for them in a scenario."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from regauth_core.model import Credential, CredentialFlaw, Exchange, Fingerprint, Holder
from regauth_core.simulate.policy import User

MAX_USERS = 20
_NAMES = {
    Holder.IDENTITY_TOKEN: "<token>",
    Holder.AWS: "AWS",
    Holder.GOOGLE: "oauth2accesstoken",
    Holder.AZURE: "00000000-0000-0000-0000-000000000000",
}
"""User names that say what the password is."""
WRONG = "wrong"
"""A password that is refused as the capture's was."""
_STANDING = "a-token-from-before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Logins:
    """The users of a scenario, and which fingerprints of the capture are theirs."""

    users: tuple[User, ...]
    by_secret: dict[Fingerprint, User] = field(default_factory=dict)
    """By the fingerprint of a Basic credential, of a password, or of an identity token."""
    by_token: dict[Fingerprint, User] = field(default_factory=dict)
    """By the fingerprint of a token that was issued before the capture began and was accepted in it."""
    refused: frozenset[Fingerprint] = frozenset()
    """Basic credentials and passwords that nobody accepted."""

    def account(self, credential: Credential) -> str:
        """The user name that stands for the one of a Basic credential."""
        user = self.user(credential.fingerprint)
        return user.name if user else _NAMES.get(credential.holder, "user")

    def user(self, secret: Fingerprint | None) -> User | None:
        """Whose secret it is."""
        return self.by_secret.get(secret) if secret else None

    @property
    def shown(self) -> tuple[str, str] | None:
        """User and password that stand for what the capture shows most of; `None` where nobody logged in."""
        if self.by_secret:
            return self.users[0].name, self.users[0].password
        return (self.users[0].name, WRONG) if self.refused else None

    def header(self, credential: Credential, token: str | None) -> str:
        """An `Authorization` value that stands for `credential`; `token` is the one that stands for its token."""
        if credential.holder is Holder.EMPTY:
            return "Basic Og=="
        if credential.scheme == "basic":
            return f"Basic {self._pair(credential)}"
        if credential.empty:
            return f"{credential.scheme} "
        if credential.scheme != "bearer":
            return f"{credential.scheme} unknown".strip()
        owner = self.by_token.get(credential.fingerprint)
        text = token or (owner.token if owner else None) or f"unknown-{credential.fingerprint.partition(':')[2]}"
        return f"Bearer {text.ljust(credential.size - len('Bearer ')) if owner is None and not token else text}"

    def _pair(self, credential: Credential) -> str:
        user = self.user(credential.fingerprint)
        if user is not None:
            return _encoded(f"{user.name}:{user.password}".encode())
        if CredentialFlaw.NOT_BASE64 in credential.flaws:
            return "!"
        if CredentialFlaw.NO_COLON in credential.flaws:
            return _encoded(b"user")
        name = _NAMES.get(credential.holder, "user")
        end = b"\n" if CredentialFlaw.CONTROL_CHARACTER in credential.flaws else b""
        end += b"\xff" if CredentialFlaw.NOT_UTF8 in credential.flaws else b""
        # As long as it was: servers refuse what is too long.
        wrong = f"wrong-{credential.fingerprint.partition(':')[2]}".ljust(
            min(credential.size, 64_000) * 3 // 4 - 20, "x"
        )
        return _encoded(f"{name}:{wrong}".encode() + end)


def logins_of(exchanges: Iterable[Exchange], issued: frozenset[Fingerprint]) -> Logins:
    """The logins in a capture; `issued` are the tokens whose issue it shows."""
    numbers: dict[Fingerprint, int] = {}
    tried: set[Fingerprint] = set()
    standing: set[Fingerprint] = set()
    identified: set[int] = set()
    names: dict[int, str] = {}
    for exchange in exchanges:
        accepted = 200 <= exchange.status < 400 and not is_for_nobody(exchange)
        # A registry that forbids knows who asks (RFC 9110, section 15.5.4); a token server need not.
        known = accepted or (exchange.status == 403 and exchange.target.repository is not None)
        for secrets in _secrets(exchange, issued):
            if not known:
                tried.update(secrets)
                continue
            number = next((numbers[secret] for secret in secrets if secret in numbers), len(set(numbers.values())))
            if number < MAX_USERS:
                numbers.update(dict.fromkeys(secrets, number))
            if exchange.request.token is not None and exchange.request.token.grant == "refresh_token":
                identified.add(number)
            holders = [one.holder for one in exchange.request.credentials if one.holder in _NAMES]
            if holders and _NAMES[holders[0]] not in names.values():
                names.setdefault(number, _NAMES[holders[0]])
        if accepted:
            bearers = (one for one in exchange.request.credentials if one.scheme == "bearer" and one.fingerprint)
            standing.update(one.fingerprint for one in bearers if one.fingerprint not in issued)
    users = tuple(
        _user(number, names.get(number), identity=number in identified, token=bool(standing) and number == 0)
        for number in range(max(1, len(set(numbers.values()))))
    )
    by_secret = {secret: users[number] for secret, number in numbers.items()}
    return Logins(
        users=users,
        by_secret=by_secret,
        by_token=dict.fromkeys(standing, users[0]),
        refused=frozenset(tried - by_secret.keys()),
    )


def _secrets(exchange: Exchange, issued: frozenset[Fingerprint]) -> Iterator[tuple[Fingerprint, ...]]:
    """The fingerprints of each login that a request carries."""
    for credential in exchange.request.credentials:
        if credential.scheme == "basic" and not credential.flaws and not credential.empty:
            yield tuple(secret for secret in (credential.fingerprint, credential.password) if secret)
    asked = exchange.request.token
    if asked is not None and asked.secret is not None and asked.secret not in issued:
        yield (asked.secret,)


def is_for_nobody(exchange: Exchange) -> bool:
    """Whether it issued a token that identifies nobody."""
    token = exchange.response.token if exchange.response else None
    return token is not None and token.claims is not None and token.claims.nobody


def _user(number: int, name: str | None, *, identity: bool, token: bool) -> User:
    end = str(number + 1) if number else ""
    return User(
        name=name or f"user{end}",
        password=f"password{end}",
        identity_token=f"identity-token{end}" if identity else None,
        token=_STANDING if token else None,
    )


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()
