"""What of a header field's value may be shown, by the allow-list of `policy`.

Gives plain text; `redact` makes it safe.
"""

from __future__ import annotations

import re
from typing import Final

from regauth_core.bounded import shortened
from regauth_core.model import FlawKind
from regauth_core.protocol import challenge
from regauth_core.protocol.authorization import SCHEMES, RawCredential, credentials
from regauth_core.protocol.links import named
from regauth_core.redaction import allow_list
from regauth_core.redaction.free_text import SECRET_NAME
from regauth_core.redaction.urls import RedactorParts, Urls, is_hash
from regauth_core.redaction.vocabulary import Standing, is_known, standing

MAX_VALUE: Final = 2048
"""Characters of a value that are shown."""
MAX_COOKIES: Final = 64

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~\-]{1,64}")
_UPLOAD = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# As in a scope's `repository(plugin)`.
_BRACKETS = re.compile(r"\((?=[a-z]++\)\Z)|(?<=[a-z])\)\Z(?!\()")
_SIGNS = re.compile(r"[ \t,=\"\\]*+")
_UNPRINTED = frozenset(
    {FlawKind.STRAY_TEXT, FlawKind.PARAMETER_WITHOUT_SCHEME, FlawKind.TOO_LONG, FlawKind.UNTERMINATED_QUOTE}
)


_COMMIT = re.compile(r"\b(git-commit/[0-9a-f]{12})[0-9a-f]{28}\b")


class Headers:
    """Redacts header fields."""

    def __init__(self, keeper: RedactorParts, urls: Urls) -> None:
        self._keeper = keeper
        self._urls = urls

    def name(self, name: str) -> str:
        """A field name as spelled if it is made of known words, else its fingerprint."""
        return name if _is_name(name) else self._keeper.replace_if_secret(name, "name")

    def value(self, name: str, value: str) -> str:
        """What to show of `value`, the field being called `name` (lower case)."""
        value = value.strip(" \t\r\n")
        if not value:
            return ""
        if name in allow_list.CREDENTIAL_FIELDS:
            return ", ".join(map(self._credential, credentials(value)))
        if name in allow_list.CHALLENGE_FIELDS:
            return self._challenges(value)
        if name in allow_list.COOKIE_FIELDS:
            return self._cookies(value, is_set=name == "set-cookie")
        if name in allow_list.URL_FIELDS:
            return self._urls.shown(value)
        if name == "link":
            return self._links(value)
        is_secret = SECRET_NAME.search(name) is not None or name in allow_list.SECRET_FIELDS
        if name in allow_list.KEPT_FIELDS or (name.startswith(allow_list.KEPT_FIELD_PREFIXES) and not is_secret):
            return self._kept(name, value)
        if not is_secret:
            return self._keeper.replace_if_secret(value)
        return self._keeper.replace_secret(value, "tok")

    def _kept(self, name: str, value: str) -> str:
        if name == "host":
            return self._urls.authority(value)
        if name == "docker-upload-uuid" and _UPLOAD.fullmatch(value):
            return value
        if name == "user-agent":
            # Programs name the commit that they were built from; as many digits as tell commits apart are no secret.
            value = _COMMIT.sub(r"\1", value)
        return value if is_hash(value) else self._text(value)

    def _text(self, value: str) -> str:
        return shortened(self._keeper.prose(value), MAX_VALUE)

    def _credential(self, credential: RawCredential) -> str:
        scheme = credential.scheme if credential.scheme.lower() in SCHEMES else ""
        if not credential.value:
            return scheme
        if credential.pair is None:
            kind = "pw" if scheme.lower() == "basic" else "tok"
            return f"{scheme} {self._keeper.replace_secret(credential.value, kind)}".strip()
        self._keeper.replace_secret(credential.value, "pw")
        user, password = credential.pair
        shown = f"{self._keeper.replace_if_secret(user, 'user')}:{self._keeper.replace_secret(password, 'pw')}"
        return f"{scheme} {shown}"

    def _challenges(self, value: str) -> str:
        value = self._keeper.searched(value)
        reading = challenge.read([value])
        if not reading.challenges:
            return self._text(value)
        changed = any(flaw.kind in _UNPRINTED for found in reading.challenges for flaw in found.flaws)
        shown: list[str] = []
        for found in reading.challenges:
            scheme = self.scheme(found.scheme)
            blob = self._keeper.replace_if_secret(found.token68, sure=True) if found.token68 else ""
            pairs = [(name, held, self.parameter(found.scheme, name, held)) for name, held in found.parameters]
            names = [self.word(name) for name, _, _ in pairs]
            changed = changed or bool(blob) or scheme != found.scheme or any(held != kept for _, held, kept in pairs)
            changed = changed or any(name != pair[0] for name, pair in zip(names, pairs, strict=True))
            shown.append(
                f"{scheme} {blob}"
                + ", ".join(f'{name}="{_escaped(pair[2])}"' for name, pair in zip(names, pairs, strict=True))
            )
        if not changed and _holds_nothing_else(value, reading.challenges):
            return shortened(value, 2 * MAX_VALUE)
        return shortened(", ".join(piece.strip() for piece in shown), 2 * MAX_VALUE)

    def parameter(self, scheme: str, name: str, value: str) -> str:
        """The value of the challenge parameter `name` (lower case), unquoted."""
        if name == "realm" and (scheme.lower() == "bearer" or "://" in value):
            return self._urls.shown(value)
        if name == "scope":
            return shortened(self._urls.scopes(value), MAX_VALUE)
        if name == "service":
            return shortened(self._urls.place(value), MAX_VALUE)
        if name in allow_list.PLAIN_PARAMETERS:
            return self.word(value)
        if SECRET_NAME.search(name) and not name.endswith(allow_list.PLAIN_PARAMETER_ENDINGS):
            return self._keeper.replace_secret(value, "tok")
        return self._text(value)

    def scheme(self, text: str) -> str:
        """The scheme of a challenge: a registered one, or a word."""
        if text.lower() in SCHEMES or standing(text) in (Standing.ENGLISH, Standing.FIELD):
            return text
        return self._keeper.replace_if_secret(text)

    def word(self, text: str) -> str:
        """One word of a closed vocabulary, or a fingerprint of anything else."""
        if text == "*" or text.lower() in SCHEMES or all(map(is_known, _BRACKETS.split(text))):
            return text
        return self._keeper.replace_if_secret(text)

    def _cookies(self, value: str, *, is_set: bool) -> str:
        shown: list[str] = []
        for at, piece in enumerate(value.split(";", MAX_COOKIES)[:MAX_COOKIES]):
            name, equals, held = piece.strip().partition("=")
            attribute = is_set and at > 0 and name.lower() in allow_list.COOKIE_ATTRIBUTES
            kept = self._attribute(name.lower(), held) if attribute else self._cookie(held.strip('"'))
            # What has no name is a value (RFC 6265bis, section 5.7).
            named = bool(equals) or (is_set and at > 0 and name.lower() in allow_list.COOKIE_ATTRIBUTES)
            shown.append((name if named and _is_name(name) else self._cookie(name)) + equals + kept)
        return "; ".join(shown)

    def _cookie(self, text: str) -> str:
        # "accepted" and "english" are cookies too.
        return self._keeper.replace_if_secret(text, "cookie", sure=not (text.isalpha() and len(text) < 12))

    def _attribute(self, name: str, held: str) -> str:
        if name == "path":
            return self._urls.path(held)
        return self._urls.host(held.lstrip(".")) if name == "domain" and held else self._keeper.prose(held)

    def _links(self, value: str) -> str:
        shown: list[str] = []
        at = 0
        value = self._keeper.searched(value)
        for found in named(value):
            shown += (self._keeper.prose(value[at : found.begin]), f"<{self._urls.shown(found.url)}>")
            at = found.end
        shown.append(self._keeper.prose(value[at:]))
        return shortened("".join(shown), 4 * MAX_VALUE)


def _is_name(name: str) -> bool:
    """Of a header field or a cookie, made of known words."""
    return _NAME.fullmatch(name) is not None and is_known(name.strip("_"))


def _holds_nothing_else(line: str, challenges: tuple[challenge.RawChallenge, ...]) -> bool:
    """Whether nothing but signs stands in a line beside what was read from it."""
    at, lower = 0, line.lower()
    if len(lower) != len(line):
        return False
    for found in challenges:
        for piece in (found.scheme, *(piece for pair in found.parameters for piece in pair)):
            spelled = _escaped(piece).lower()
            begin = lower.find(spelled, at)
            if begin < 0 or _SIGNS.fullmatch(line, at, begin) is None:
                return False
            at = begin + len(spelled)
    return _SIGNS.fullmatch(line, at) is not None


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
