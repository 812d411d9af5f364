"""Kinds of secrets as people and services make them, with invented values: each call makes another one."""

from __future__ import annotations

import base64
import json
import string
from collections.abc import Callable, Mapping
from random import Random
from typing import Final

_ALNUM: Final = string.ascii_letters + string.digits
_URL64: Final = _ALNUM + "-_"
_BASE32: Final = string.ascii_uppercase + "234567"
_ONSETS = ("b", "br", "d", "f", "g", "gl", "h", "k", "kr", "l", "m", "n", "p", "r", "s", "st", "t", "tr", "v", "w", "z")
_NUCLEI = ("a", "e", "i", "o", "u", "au", "ei")
_CODAS = ("", "", "l", "m", "n", "r", "s", "nd", "rt")
# Real words, at most nine letters each: their sequence is the secret, and no word alone.
_ENGLISH = (
    "amber", "anchor", "basket", "battery", "blanket", "bridge", "candle", "carpet", "castle", "cherry", "copper",
    "correct", "cotton", "desert", "dragon", "engine", "feather", "forest", "garden", "ginger", "hammer", "harbour",
    "horse", "island", "jungle", "kettle", "ladder", "lemon", "marble", "meadow", "mirror", "monkey", "needle",
    "ocean", "orange", "paper", "pencil", "pepper", "planet", "pocket", "rabbit", "river", "rocket", "saddle",
    "shadow", "silver", "staple", "summer", "table", "thunder", "tiger", "tunnel", "velvet", "violin", "walnut",
    "window", "winter", "yellow",
)  # fmt: skip
_GERMAN = (
    "apfel", "baum", "birne", "brille", "dose", "eimer", "ente", "fenster", "flasche", "gabel", "garten", "hafen",
    "hammer", "hund", "insel", "jacke", "kanne", "katze", "kerze", "kiste", "koffer", "lampe", "leiter", "linde",
    "mantel", "messer", "nadel", "ofen", "pfanne", "regen", "ritter", "sessel", "sonne", "tanne", "teller", "tisch",
    "uhr", "vogel", "wagen", "wolke", "zange", "zaun", "ziege",
)  # fmt: skip
_UMLAUTS = ("grüße", "übermut", "möwe", "käse", "straße", "bär", "süß", "öfen", "türme", "größe", "fühler", "mäuse")
_ACCENTS = ("élève", "garçon", "naïf", "forêt", "château", "œuvre", "hôtel", "crème", "déjà", "ménage", "français")
_COMMON = ("change", "header", "number", "exchange", "headers", "response", "finding", "client", "status", "welcome")


def signs(rng: Random, alphabet: str, count: int) -> str:
    """`count` signs of `alphabet`."""
    return "".join(rng.choices(alphabet, k=count))


def word(rng: Random, least: int = 6) -> str:
    """A word of no language, of at least `least` letters, that can be pronounced."""
    made = ""
    while len(made) < least:
        made += rng.choice(_ONSETS) + rng.choice(_NUCLEI) + rng.choice(_CODAS)
    return made


def _between(*between: str) -> Callable[[Random], str]:
    """Words with these signs between them."""
    return lambda rng: word(rng) + "".join(sign + word(rng, 5) for sign in between)


def _prefixed(prefix: str, count: int, alphabet: str = _ALNUM) -> Callable[[Random], str]:
    return lambda rng: prefix + signs(rng, alphabet, count)


def _base64(count: int, prefix: bytes = b"") -> Callable[[Random], str]:
    return lambda rng: base64.b64encode(prefix + rng.randbytes(count)).decode()


def _phrase(words: tuple[str, ...], count: int, between: str) -> Callable[[Random], str]:
    return lambda rng: between.join(rng.sample(words, count)) + between + word(rng, 4)


def jwt(rng: Random, claims: Mapping[str, object] | None = None, signature: int = 256) -> str:
    """A signed JWT with these claims, or those of a registry's token."""
    held = claims or {
        "iss": "auth.registry.test", "sub": word(rng), "aud": "registry.test", "exp": 1800000000,
        "jti": signs(rng, _URL64, 16), "access": [{"type": "repository", "name": "team/app", "actions": ["pull"]}],
    }  # fmt: skip
    parts = [json.dumps(part, separators=(",", ":")).encode() for part in ({"alg": "RS256", "typ": "JWT"}, held)]
    coded = [base64.urlsafe_b64encode(part) for part in (*parts, rng.randbytes(signature))]
    return b".".join(part.rstrip(b"=") for part in coded).decode()


def _pem(rng: Random) -> str:
    lines = "\n".join(signs(rng, _ALNUM + "+/", 64) for _ in range(12))
    return f"-----BEGIN PRIVATE KEY-----\n{lines}\n-----END PRIVATE KEY-----\n"


def _service_account(rng: Random) -> str:
    held = {"type": "service_account", "private_key_id": signs(rng, "0123456789abcdef", 40), "private_key": _pem(rng)}
    return json.dumps(held, indent=2)


def _ecr(rng: Random) -> str:
    held = {"payload": _base64(900)(rng), "datakey": _base64(150)(rng), "version": "2", "type": "DATA_KEY"}
    return base64.b64encode(json.dumps(held).encode()).decode()


def _uuid(rng: Random) -> str:
    return "-".join(signs(rng, "0123456789abcdef", count) for count in (8, 4, 4, 4, 12))


def _connect_cookie(rng: Random) -> str:
    return f"s:{signs(rng, _URL64, 32)}.{signs(rng, _ALNUM + '+/', 43)}"


KINDS: Final[Mapping[str, Callable[[Random], str]]] = {
    "hyphened words": lambda rng: f"{rng.choice(_GERMAN)}{rng.choice(_GERMAN)}-{word(rng)}-{signs(rng, 'kwxyz', 2)}",
    "German letters": lambda rng: f"{rng.choice(_UMLAUTS)}-{word(rng)}-{rng.choice(_UMLAUTS)}",
    "French accents": lambda rng: f"{rng.choice(_ACCENTS)}{word(rng)}{rng.choice(_ACCENTS)}",
    "Chinese": lambda rng: "".join(chr(rng.randrange(0x4E00, 0x9FA5)) for _ in range(12)),
    "Cyrillic": lambda rng: "".join(chr(rng.randrange(0x430, 0x450)) for _ in range(14)),
    "emoji": lambda rng: f"{word(rng)}\U0001f511{word(rng)}",
    "blanks": _between(" ", " ", " "),
    "quotes": _between('"', "'", '"'),
    "ampersand and semicolon": _between("&", ";", "&"),
    "slash and colon": _between("/", ":", "/"),
    "percent": _between("%", "%2F", "%41"),
    "plus and equals": _between("+", "=", "+"),
    "pointed brackets": _between("<", ">", "</"),
    "backslashes": _between("\\", "\\n", "\\u00"),
    "dollars and brackets": _between("$", "{", "}(", ")!"),
    "comma, at and hash": _between(",", "@", "#", "?"),
    "markup signs": _between("*", "_", "|", "`"),
    "weak, six": lambda rng: word(rng, 4)[:4] + signs(rng, string.digits, 2),
    "weak, eight": lambda rng: word(rng)[:6].capitalize() + signs(rng, string.digits, 2),
    "weak, twelve": lambda rng: f"Winter{word(rng)[:4]}{signs(rng, string.digits, 2)}!",
    "word with a key": lambda rng: f"Sommer!{signs(rng, _ALNUM, 14)}",
    "digits": lambda rng: signs(rng, "123456789", 12),
    "five signs": lambda rng: signs(rng, _ALNUM, 5),
    "common word": lambda rng: rng.choice(_COMMON),
    "English phrase": _phrase(_ENGLISH, 5, " "),
    "English phrase, hyphened": _phrase(_ENGLISH, 4, "-"),
    "German phrase": _phrase(_GERMAN, 5, " "),
    "GitHub": _prefixed("ghp_", 36),
    "GitHub, fine-grained": lambda rng: f"github_pat_{signs(rng, _ALNUM, 22)}_{signs(rng, _ALNUM, 59)}",
    "GitLab": _prefixed("glpat-", 20, _URL64),
    "Docker Hub": _prefixed("dckr_pat_", 27, _URL64),
    "Quay robot": lambda rng: signs(rng, string.ascii_uppercase + string.digits, 64),
    "ACR": lambda rng: signs(rng, _ALNUM + "+/", 42) + "+ACR" + signs(rng, _ALNUM, 6),
    "ACR refresh": lambda rng: jwt(rng, {"jti": _uuid(rng), "sub": _uuid(rng), "tenant": _uuid(rng)}),
    "ECR": _ecr,
    "GCR": _prefixed("ya29.", 180, _URL64),
    "GCR service account": _service_account,
    "JWT": jwt,
    "Artifactory key": _prefixed("AKCp", 69),
    "Artifactory reference": _base64(32, b"reftkn:01:1700000000:"),
    "UUID": _uuid,
    "hexadecimal, 32": lambda rng: signs(rng, "0123456789abcdef", 32),
    "hexadecimal, 64": lambda rng: signs(rng, "0123456789abcdef", 64),
    "PEM": _pem,
    "base64 key": _base64(32),
    "AWS secret key": lambda rng: signs(rng, _ALNUM + "+/", 40),
    "AWS session": _base64(360, b"IQoJb3JpZ2lu"),
    "SAS signature": lambda rng: base64.b64encode(rng.randbytes(32)).decode(),
    "refresh token": _prefixed("v1.M", 60, _URL64),
    "Harbor robot": lambda rng: signs(rng, _ALNUM, 32),
    "session cookie": _connect_cookie,
    "NPM": _prefixed("npm_", 36),
    "TOTP seed": lambda rng: signs(rng, _BASE32, 32),
    "Kerberos": _base64(700, b"\x60\x82\x02\x8a\x06\x06\x2b\x06\x01\x05\x05\x02"),
    "Azure client secret": lambda rng: f"{signs(rng, _ALNUM, 3)}8Q~{signs(rng, _ALNUM + '._-', 34)}",
    "Vault": _prefixed("hvs.", 90, _URL64),
    "lower-case token": lambda rng: signs(rng, string.ascii_lowercase, 24),
    "ten kilobytes": lambda rng: signs(rng, _URL64, 10_000),
}  # fmt: skip
"""Each by name."""
