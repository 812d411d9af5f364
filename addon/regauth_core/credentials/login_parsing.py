"""Makes a `Login` of what a file, a helper, a variable or a person said. Nothing here raises.

The logins have no name of their own yet: `identified` gives them one.
"""

from __future__ import annotations

import hmac
import json
from dataclasses import replace
from typing import Final

from regauth_core.credentials.authfile import Pair
from regauth_core.credentials.login import Login
from regauth_core.credentials.lookup import HelperAnswer

MAX_OUTPUT: Final = 64 * 1024
"""Bytes of a helper's answer."""
NOT_FOUND: Final = "credentials not found in native keychain"

_NAMELESS: Final = "nameless"
_TOKEN_USER: Final = "<token>"  # noqa: S105  (a name that says what the password is)


def login_of(pair: Pair | None, identity_token: str = "", registry_token: str = "") -> Login | None:
    """The login that these mean, the strongest alone: registry token, identity token (beside a pair), pair.

    `None` where there is nothing, or what cannot be sent.
    """
    user, password = pair or ("", "")
    if identity_token and user == _TOKEN_USER:
        user, password = "", ""
    try:
        if registry_token:
            login = Login(id=_NAMELESS, registry_token=registry_token)
        elif identity_token:
            login = Login(id=_NAMELESS, user=user, password=password, identity_token=identity_token)
        else:
            login = Login.of_pair(_NAMELESS, user, password)
        # A lone surrogate, as JSON can spell it, is no character: it could not be written into a request.
        login.basic()
        login.identity_token.encode()
    except ValueError:
        return None
    return None if login.is_anonymous else login


def login_of_text(text: str) -> Login | str:
    """The login in a variable or in a file of one line, or what is wrong with it, as the end of a sentence.

    ``USER:PASSWORD``; ``<token>:TOKEN`` for an identity token; a value without a colon is a registry token.
    """
    line = text.removesuffix("\n").removesuffix("\r")
    if not line:
        return "is empty"
    if "\n" in line or "\r" in line:
        return "holds more than one line"
    user, colon, secret = line.partition(":")
    login = login_of((user, secret)) if colon else login_of(None, registry_token=line)
    return login or "is neither USER:PASSWORD nor a token that can be sent"


def helper_answer(status: int, output: bytes) -> HelperAnswer:
    """What a helper said that ended with the exit `status` and printed `output`.

    docker-credential-helpers, ``credentials/credentials.go``: errors come on standard output too.
    """
    if len(output) > MAX_OUTPUT:
        return HelperAnswer(failure=f"printed more than {MAX_OUTPUT // 1024} KiB")
    text = output.decode("utf-8", "replace").strip()
    if status:
        if text == NOT_FOUND:
            return HelperAnswer()
        ended = f"ended with exit status {status}" if status > 0 else f"was ended by signal {-status}"
        return HelperAnswer(failure=ended)
    try:
        value, _ = json.JSONDecoder(parse_int=len, parse_float=len).raw_decode(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        return HelperAnswer(failure="did not print a JSON object")
    fields = {name.casefold(): each for name, each in value.items()}
    user, secret = fields.get("username") or "", fields.get("secret") or ""
    if not isinstance(user, str) or not isinstance(secret, str):
        return HelperAnswer(failure='printed a "Username" or "Secret" that is not text')
    if not user and not secret:
        return HelperAnswer()
    if login_of((user, secret)) is None:
        return HelperAnswer(failure='printed a "Username" that cannot be sent')
    return HelperAnswer(pair=(user, secret))


def identified(login: Login, registry: str, key: bytes) -> Login:
    """`login` with a name that is the same for the same login at `registry`, and says nothing without `key`."""
    parts = (registry, login.user, login.password, login.identity_token, login.registry_token)
    message = b"\0".join(str(len(part)).encode() + b":" + part.encode("utf-8", "surrogatepass") for part in parts)
    return replace(login, id=f"login-{hmac.new(key, message, 'sha256').hexdigest()[:12]}")


def is_same(one: Login | None, other: Login | None) -> bool:
    """Whether both are the same credential."""
    if one is None or other is None:
        return one is other
    return replace(one, id=_NAMELESS) == replace(other, id=_NAMELESS)
