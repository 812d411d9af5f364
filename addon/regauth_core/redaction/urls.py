"""What of a URL may be shown: where it points and what it asks for, never what it proves.

User information and fragments go, every query key stays, values stay by the allow-list of `policy`. Path elements
outside the registry's own paths stay only where they read like words. Gives plain text; `redact` makes it safe.
"""

from __future__ import annotations

import re
from typing import Final, Protocol
from urllib.parse import quote, unquote, unquote_plus

from regauth_core.bounded import Bounded, whole_words
from regauth_core.model import Endpoint, Safe
from regauth_core.protocol import target
from regauth_core.redaction.allow_list import KEPT_QUERY, SIGNATURE_QUERY, URL_SCHEMES, USER_QUERY
from regauth_core.redaction.cache import Cache
from regauth_core.redaction.fingerprints import wire_bytes
from regauth_core.redaction.free_text import SECRET_NAME
from regauth_core.redaction.looks import is_opaque
from regauth_core.redaction.vocabulary import Standing, is_known, standing

MAX_URL: Final = 16 * 1024
"""Characters of a URL that are looked at; the rest is left out."""
MAX_PAIRS: Final = 256
"""Query parameters that are shown."""

_MOST_LETTERS = 4
_MOST_WHOLE = 256
_LONGEST_WHOLE = 1024
_MOST_PIECES = 64
_JOINTS = str.maketrans("", "", " ,+\"'")

_PARTS = re.compile(r"(?:([A-Za-z][A-Za-z0-9+.\-]{0,31}+):)?(?://([^/?#]*+))?([^?#]*+)(?:\?([^#]*+))?", re.DOTALL)
_HOST = re.compile(r"[a-z0-9._\-]{1,253}|\[[0-9a-f:.]{2,45}\]")
_NAME = re.compile(r"[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63}){1,8}(?::[0-9]{1,5})?")
_PLACE = re.compile(r"(\[[^\]]{0,64}+\]|[^:]*+)(:[0-9]{0,5}+|)", re.DOTALL)
_KEY = re.compile(r"[A-Za-z0-9_.\-$\[\]]{1,64}")
_SCOPE = re.compile(r"[a-z0-9_()]{1,64}:[A-Za-z0-9._:/@<>\-]{0,512}:[A-Za-z_*,\-]{0,256}")
_IMAGE_SCHEMES = frozenset({"docker", "oci"})
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_HEX = re.compile(r"[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128}")
_HASH = re.compile(r"(?:sha256|blake3):[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}")
_IN_KEY = re.compile(r"[\[\]$]|\A_")
_IN_SCOPE = re.compile(r"[(),]")
_GLUE = re.compile(r"[:,]")
_STRAY = "\"'`,;:. <>()"
_SIGNATURE_TAG = re.compile(r"(?:sha256-[0-9a-f]{64}|sha512-[0-9a-f]{128})(?:\.[a-z]{1,16})?")
_LOWER = re.compile(r"[a-z0-9._\-]{1,255}")
_REFERENCE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._\-]{0,127}")
_FIXED = frozenset(
    {"", ".", "..", "v1", "v2", "_catalog", "manifests", "blobs", "uploads", "tags", "list", "referrers"}
)


def is_hash(text: str) -> bool:
    """Whether `text` is a digest by a known algorithm, and as long as that makes it; the grammar allows far more."""
    return _HASH.fullmatch(text) is not None


class RedactorParts(Protocol):
    """What redacting a URL needs of the redactor. Each takes wire text and gives what to show."""

    nothing: Safe
    """Empty text."""

    def replace_secret(self, secret: str, kind: str) -> str:
        """What to show in the place of a secret."""
        ...

    def replace_if_secret(self, text: str, kind: str = "val", *, sure: bool = False) -> str:
        """What to show in the place of text that may be a secret, or of a secret of one request alone (`sure`)."""
        ...

    def prose(self, text: str) -> str:
        """Free text of which known words are left; the same for the same text, as it may be compared."""
        ...

    def searched(self, text: str) -> str:
        """Text, bounded, without the secrets that are known, before it is taken apart or cut."""
        ...

    def is_shown(self, part: str) -> bool:
        """Whether an element of a repository's name, or a tag, may be shown."""
        ...

    def host_name(self, host: str) -> str:
        """A host or its pseudonym."""
        ...

    def repository_name(self, name: str) -> str:
        """A repository or its pseudonym."""
        ...

    def path_word(self, element: str) -> str:
        """A plain word in the path of a URL that is none of a registry's own, or what to show in its place."""
        ...

    def tag(self, text: str) -> str:
        """A tag, in which names may stand."""
        ...

    @property
    def hides_repositories(self) -> bool:
        """Whether every repository gets a pseudonym, whatever its name is made of."""
        ...


class Urls:
    """Redacts URLs, their parts, and the scopes that stand in them."""

    def __init__(self, keeper: RedactorParts) -> None:
        self._keeper = keeper
        self._paths: Cache[str, str] = Cache()
        self._queries: Cache[str, str] = Cache()
        self._whole: Bounded[str, None] = Bounded(_MOST_WHOLE)

    def forget(self) -> None:
        """Forget what was computed before."""
        self._paths.clear()
        self._queries.clear()

    def shown(self, url: str) -> str:
        """The URL or URL reference `url`, redacted, still relative if it was."""
        parts = _PARTS.match(whole_words(url, MAX_URL, "/?&#"))
        if parts is None:
            return ""
        scheme, authority, path, query = parts.groups()
        image = path if scheme is not None and authority is not None and scheme.lower() in _IMAGE_SCHEMES else None
        if scheme is not None and authority is None and scheme.lower() not in ("http", "https"):
            # `user:password`, `data:…`: nothing that could be judged by its structure.
            return self._keeper.replace_if_secret(url, sure=True)
        if scheme is not None and scheme.lower() not in URL_SCHEMES:
            return self._keeper.replace_if_secret(url, sure=True)
        shown = f"{scheme}:" if scheme is not None else ""
        if authority is not None:
            shown += "//" + self.authority(authority)
        return shown + (self.path(path) if image is None else self._image(path)) + self.query(query)

    def _image(self, path: str) -> str:
        """Behind the registry in an image's name: ``/team/app:latest``, with a digest perhaps."""
        name, at, digest = path.removeprefix("/").partition("@")
        head, slash, last = name.rpartition("/")
        last, colon, tag = last.partition(":")
        shown = _quoted(self.repository(head + slash + last), "/:@+~<>") if head or last else ""
        pieces = (colon + self._element(tag) if colon else "", at + self._element(digest) if at else "")
        return path[:1] + shown + "".join(pieces)

    def authority(self, text: str) -> str:
        """Host and port; user information is left out and remembered."""
        info, _, place = text.rpartition("@")
        if info:
            self._keeper.replace_secret(unquote(info, errors="surrogateescape"), "pw")
            _, colon, password = info.partition(":")
            if colon and password:
                self._keeper.replace_secret(unquote(password, errors="surrogateescape"), "pw")
        found = _PLACE.fullmatch(place)
        if found is None:
            return self._keeper.replace_if_secret(place, "host")
        return self.host(found[1]) + found[2]

    def host(self, name: str) -> str:
        """A host name, or a fingerprint of what cannot be one."""
        lower = name.lower()
        if not lower:
            return ""
        if _HOST.fullmatch(lower) is None:
            return self._keeper.replace_if_secret(name, "host")
        bracketed = lower.startswith("[")
        shown = self._keeper.host_name(lower.strip("[]"))
        if not bracketed and shown == lower:
            # A name is chosen for people; what looks machine-made may be an account, or worse.
            shown = ".".join(self._label(label) for label in lower.split("."))
        return f"[{shown}]" if bracketed and ":" in shown else shown

    def _label(self, label: str) -> str:
        return label if is_known(label) or not is_opaque(label) else self._keeper.replace_if_secret(label, "host")

    def place(self, text: str) -> str:
        """The name of a service, an issuer or an audience: a host, a URL, or any words."""
        if "://" in text:
            return self.shown(text)
        if _NAME.fullmatch(text) is None:
            return text if self._is_piece(text) else self._whole_or(text, self._keeper.prose(text))
        shown = self.authority(text)
        return text if shown == text.lower() else shown

    def path(self, path: str) -> str:
        """A percent-encoded path without its query."""
        shown = self._paths.get(path)
        return self._paths.keep(path, self._path(path), len(path)) if shown is None else shown

    def _path(self, path: str) -> str:
        names: list[str] = []

        def noted(name: str) -> Safe:
            names.append(name)
            return self._keeper.nothing

        place = target.read("GET", path, name=noted, text=lambda _: self._keeper.nothing)
        if place.endpoint is Endpoint.ELSEWHERE or place.endpoint is Endpoint.V2_OTHER:
            return self._elsewhere(path)
        if not names:
            return "/".join(map(self._element, path.split("/")))
        return self._registry_path(path, names[0])

    def _registry_path(self, path: str, repository: str) -> str:
        """Below ``/v2/``: the elements of the repository's name, and what is asked of it."""
        head, between, rest = path.partition("/v2/")
        size = repository.count("/") + 1
        elements = rest.split("/")
        name, behind = elements[:size], elements[size:]
        shown = self.repository(unquote("/".join(name)))
        if _is_spelled(behind):
            behind = ["", self._keeper.replace_if_secret("/".join(behind), "seg")]
        is_upload = behind[:2] == ["blobs", "uploads"] and len(behind) == 3
        last = [self.session(behind.pop())] if is_upload else []
        elements = [_quoted(shown, "/:@+~<>"), *map(self._element, behind), *last]
        return self._elsewhere(head) + between + "/".join(elements)

    def repository(self, name: str) -> str:
        """A repository's name, as it is known in this trace."""
        parts = name.split("/")[:MAX_PAIRS]
        if _is_spelled(parts):
            return self._keeper.replace_if_secret(name, "seg")
        shown = [(part, _is_name(part) and self._keeper.is_shown(part)) for part in parts]
        if self._keeper.hides_repositories or all(is_shown for _, is_shown in shown):
            return self._keeper.repository_name(name)
        return "/".join(part if is_shown else self._keeper.replace_if_secret(part, "seg") for part, is_shown in shown)

    def reference(self, text: str) -> str:
        """A tag, a digest or a mirror's name, decoded."""
        elements = text.split("/")[:MAX_PAIRS]
        return (
            self._keeper.replace_if_secret(text, "id")
            if _is_spelled(elements)
            else "/".join(map(self._element, elements))
        )

    def session(self, text: str) -> str:
        """An upload session: a UUID, which alone opens nothing, or else what a registry made of its state."""
        return text if _UUID.fullmatch(text) else self.reference(text)

    def _is_harmless(self, element: str) -> bool:
        if element in _FIXED or is_hash(element) or _SIGNATURE_TAG.fullmatch(element):
            return True
        return _REFERENCE.fullmatch(element) is not None and self._keeper.is_shown(element)

    def _element(self, element: str) -> str:
        if element in _FIXED:
            return element
        plain = unquote(element) if "%" in element else element
        return self._keeper.tag(element) if self._is_harmless(plain) else self._keeper.replace_if_secret(plain, "id")

    def _elsewhere(self, path: str) -> str:
        """Any other path: words stay, and so does the digest by which a blob store files a blob."""
        elements = path.split("/")[:MAX_PAIRS]
        if _is_spelled(elements):
            return self._keeper.replace_if_secret(path, "seg")
        return "/".join([self._other_element(elements, at) for at in range(len(elements))])

    def _other_element(self, elements: list[str], at: int) -> str:
        element = elements[at]
        if element in _FIXED:
            return element
        if _is_words(element):
            return self._keeper.path_word(element)
        filed = any(name.startswith(("sha256", "sha512")) for name in elements[max(0, at - 2) : at])
        if filed and (_HEX.fullmatch(element) or _is_folder(element, elements[at + 1 : at + 2])):
            return element
        plain = unquote(element, errors="surrogateescape")
        # A quote or a comma too much is how a client shows that it misread a challenge.
        if is_hash(plain) or _is_words(plain.strip(_STRAY)):
            return element
        return self._keeper.replace_if_secret(plain, "seg")

    def query(self, query: str | None) -> str:
        """A query with its question mark; empty where there is none."""
        if query is None:
            return ""
        shown = self._queries.get(query)
        return self._queries.keep(query, self._query(query), len(query)) if shown is None else shown

    def _query(self, query: str) -> str:
        pairs = query.split("&", MAX_PAIRS)
        return "?" + "&".join(map(self._pair, pairs[:MAX_PAIRS])) + ("&…" if len(pairs) > MAX_PAIRS else "")

    def _pair(self, pair: str) -> str:
        key, equals, value = pair.partition("=")
        name = unquote_plus(key, errors="surrogateescape") if "%" in key or "+" in key else key
        shown = key if _is_key(name) else self._keeper.replace_if_secret(name, "key")
        return f"{shown}={self._value(name.lower(), value)}" if equals else shown

    def _value(self, name: str, value: str) -> str:
        if not value:
            return ""
        if name in KEPT_QUERY:
            plain = unquote_plus(value) if "%" in value or "+" in value else value
            kept = self._kept(name, plain)
            return value if kept == plain and value.isprintable() else _quoted(kept, "/:,*<>@+ ").replace(" ", "+")
        plain = unquote(value, errors="surrogateescape")
        if name in USER_QUERY:
            return self._keeper.replace_if_secret(plain, "user")
        if name in SIGNATURE_QUERY:
            return self._keeper.replace_if_secret(plain, "sig", sure=True)
        return (
            self._keeper.replace_secret(plain, "tok")
            if SECRET_NAME.search(name)
            else self._keeper.replace_if_secret(plain)
        )

    def _kept(self, name: str, plain: str) -> str:
        if name == "scope":
            return self.scopes(plain)
        if name == "from":
            return self.repository(plain)
        if name in ("ns", "service"):
            return self.place(plain)
        if name == "last" and self._keeper.hides_repositories:
            # Of a catalog it is a repository, and the query does not tell of what it is.
            return self._keeper.path_word(plain)
        return plain if is_hash(plain) or standing(plain) >= Standing.FIELD else self._keeper.prose(plain)

    def scopes(self, text: str) -> str:
        """Scopes separated by blanks; what is none is treated as free text, with what stands beside it."""
        shown: list[str] = []
        words: list[str] = []
        pieces = text.split(" ")
        is_short = len(pieces) <= _MOST_PIECES
        for piece in pieces:
            if (scope := self._scope(piece, is_short)) is None:
                words.append(piece)
                continue
            shown += [self._keeper.prose(" ".join(words)), scope] if words else [scope]
            words = []
        return self._whole_or(text, " ".join([*shown, self._keeper.prose(" ".join(words))] if words else shown))

    def _whole_or(self, text: str, shown: str) -> str:
        if shown == text and len(text) <= _LONGEST_WHOLE:
            self._whole[text.translate(_JOINTS)] = None
        return shown

    def _is_piece(self, text: str) -> bool:
        """Whether `text` is cut or glued together from what was shown before, as by a client that misread it."""
        plain = text.translate(_JOINTS)
        return any(plain in held for held in self._whole)

    def _scope(self, text: str, is_short: bool) -> str | None:
        """A resource scope, or what a client made of one; `None` for any other word."""
        kind, first, rest = text.partition(":")
        name, last, actions = rest.rpartition(":")
        if not (first and last and _SCOPE.fullmatch(text)) or not _are_words(kind, actions):
            return text if is_short and self._is_piece(text) else None
        return f"{kind}:{self.resource(kind, name)}:{actions}"

    def resource(self, kind: str, name: str) -> str:
        """What a scope of this kind is about: mostly a repository, perhaps behind its registry."""
        if kind.startswith("registry"):
            return name if name == "*" or is_known(name) else self._keeper.replace_if_secret(name, "seg")
        host, slash, path = name.partition("/")
        if slash and ("." in host or ":" in host):
            return f"{self.authority(host)}/{self.repository(path)}"
        return self.repository(name)


def _quoted(text: str, kept: str) -> str:
    """`text` percent-encoded, whatever it is made of; the signs in `kept` stay."""
    return quote(wire_bytes(text), kept)


def _is_name(part: str) -> bool:
    """Whether an element of a repository's name is one: lower case as registries want it, or words."""
    return not part or (_LOWER.fullmatch(part) is not None and not is_opaque(part)) or is_known(part)


def _is_folder(element: str, behind: list[str]) -> bool:
    """Whether an element is the first two digits of the digest behind it."""
    return len(element) == 2 and any(name.startswith(element) and _HEX.fullmatch(name) for name in behind)


def _is_spelled(elements: list[str]) -> bool:
    """Whether many are single letters, numbers or bytes, and so may spell something together."""
    return sum([len(one) < 4 and standing(one) is Standing.NUMBER for one in elements]) > _MOST_LETTERS


def _is_words(element: str) -> bool:
    """Words, also with a tag (command lines hold references such as ``app:latest``) or glued by a misread comma."""
    parts = _GLUE.split(element)
    return is_known(element) or (len(parts) <= _MOST_LETTERS and all(map(is_known, parts)))


def _is_key(name: str) -> bool:
    """Whether a query parameter's name is made of known words, as ``auth[token]`` is."""
    return _KEY.fullmatch(name) is not None and _are_words(*_IN_KEY.split(name))


def _are_words(*texts: str) -> bool:
    """Whether each, as far as there is any, is known words, or some joined by signs of scopes."""
    return all(not word or word == "*" or is_known(word) for text in texts for word in _IN_SCOPE.split(text))
