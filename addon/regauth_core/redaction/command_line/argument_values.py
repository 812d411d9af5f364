"""What of one value on a command line may be shown: by the kind that its option announces, and by its own grammar."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from typing import Final

from regauth_core.redaction import allow_list
from regauth_core.redaction.command_line.client_options import Value, is_secret_name, is_user_name
from regauth_core.redaction.command_line.shell_words import UNKNOWN, Word, literal
from regauth_core.redaction.looks import is_opaque

HIDDEN: Final = "…"
PAIR: Final = '"$REG_USER:$REG_PASS"'
PASSWORD: Final = '"$REG_PASS"'  # noqa: S105 - a placeholder
USER: Final = '"$REG_USER"'
MAX_ARGUMENT: Final = 1000
"""Characters of a value that is shown."""
_MAX_NAME: Final = 64

_DOMAIN = r"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63}){0,8}\.[A-Za-z][A-Za-z0-9-]{1,23}"
_HOST = rf"(?:{_DOMAIN}|localhost|\[[0-9a-f:.]{{2,45}}\]|[0-9]{{1,3}}(?:\.[0-9]{{1,3}}){{3}})"
_PLACE = rf"{_HOST}(?::[0-9]{{1,5}})?"
_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}"
_DIGEST = r"(?:@sha(?:256|512):[0-9a-f]{32,128})?"
_IS_HOST = re.compile(_PLACE)
_PATH = re.compile(r"(?:~|\.{1,2})?/?(?:[A-Za-z0-9_.+%-]{1,255}/){0,64}(?:[A-Za-z0-9_.+%-]{1,255})?")
_IMAGE = re.compile(rf"(?:{_PLACE}/)?{_NAME}(?:/{_NAME}){{0,16}}(?::{_TAG})?{_DIGEST}")
_ADDRESS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}:[0-9]{1,5}(?![^/])")
"""A host of any form and its port, which may as well be a user and the password."""
_TYPED = re.compile(r"([^:]+):(?:application|text|image|audio|video|model)/[a-z0-9.+-]{1,100}")
_BARE = re.compile(rf"([a-z0-9][a-z0-9._-]{{0,127}})(?::({_TAG}))?{_DIGEST}")
_VERSION = re.compile(r"v?[0-9][A-Za-z0-9._-]{0,127}")
_TAGS = frozenset({"latest", "stable", "edge", "main", "master", "dev", "nightly", "test", "tag", "alpine", "slim"})
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]{0,31})://([^\s\"'<>\\^`{}|\x00]*)")
_AUTHORITY = re.compile(r"(?:\[[^\[\]@]*\]|[^:@]*)(?::[0-9]{0,5})?", re.DOTALL)
_DIGEST_AT = re.compile(r"@(?=sha(?:256|512):[0-9a-f])")
_TRANSPORT = re.compile(
    r"(dir|oci|oci-archive|oci-layout|ocidir|ocifile|docker|docker-archive|docker-daemon|containers-storage|ostree|sif|"
    r"registry|podman|tarball|tar|file|gs|s3):(?!//)(.+)",
    re.DOTALL,
)
_WORD = re.compile(r"[A-Za-z0-9_./~,%+*{}\[\]\\-]{1,300}")
_NUMBERS = re.compile(rf"{_PLACE}(?::(?:[0-9]{{1,5}}|[0-9.]+|\[[0-9a-f:]+\]))*")
_PORTS = re.compile(r"(?:[0-9.]{7,15}:)?[0-9]{1,5}(?:-[0-9]{1,5})?:[0-9]{1,5}(?:-[0-9]{1,5})?(?:/(?:tcp|udp))?")
_PATHS = re.compile(r"[A-Za-z]?:?[./~][A-Za-z0-9_./~-]*(?::[./~][A-Za-z0-9_./~-]*)?(?::(?:ro|rw|z|Z))?")
_HEADER = re.compile(r"([A-Za-z][A-Za-z0-9\-]{0,63}):[ \t]*", re.DOTALL)
_HEADER_NAMES = (
    allow_list.KEPT_FIELDS
    | allow_list.CREDENTIAL_FIELDS
    | allow_list.COOKIE_FIELDS
    | allow_list.URL_FIELDS
    | allow_list.SECRET_FIELDS
    | {"accept", "accept-encoding", "accept-language", "cache-control", "if-none-match", "origin", "x-forwarded-for"}
    | {"x-registry-auth", "x-registry-config", "private-token", "job-token", "x-api-key", "x-auth-token", "link"}
)  # fmt: skip
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,63}")
_SMALL_VARIABLES = frozenset(
    {
        "", "pw", "pass", "password", "passwd", "token", "secret", "user", "username", "creds", "registry",
        "repo", "tag",
        "repository", "image", "host", "url", "name", "digest", "version", "ref", "https_proxy",
        "http_proxy", "no_proxy",
        "all_proxy", "key", "auth", "i", "t", "r", "x",
    }
)  # fmt: skip
_HARMLESS_VARIABLES = frozenset(
    {
        "REGISTRY_AUTH_FILE", "DOCKER_CONFIG", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
        "NODE_EXTRA_CA_CERTS", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "ALL_PROXY", "https_proxy", "http_proxy",
        "no_proxy", "GODEBUG", "DEBUG", "LANG", "LC_ALL", "TZ", "HOME", "PATH", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME",
        "CONTAINERS_CONF", "CONTAINERS_REGISTRIES_CONF", "KO_DOCKER_REPO",
        "HELM_EXPERIMENTAL_OCI", "COSIGN_EXPERIMENTAL",
        "DOCKER_BUILDKIT", "DOCKER_HOST", "DOCKER_CONTENT_TRUST", "REGISTRY", "REPO", "IMAGE", "TAG", "REGISTRY_HOST",
        "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "DXF_HOST", "REGCTL_CONFIG", "TMPDIR", "BUILDKIT_HOST",
        "push", "name", "type", "dest", "src", "source", "target", "id", "reg", "registry", "tls", "ref", "mode", "url",
        "filename", "context", "dockerfile", "image",
        "image.repository", "image.tag", "image.registry", "jib.from.image",
        "jib.to.image", "jib.to.tags", "jib.allowInsecureRegistries", "sendCredentialsOverHttp", "skipTests",
        "maven.repo.local", "https.proxyHost", "https.proxyPort", "http.proxyHost", "http.proxyPort",
        "javax.net.ssl.trustStore", "compression", "oci-mediatypes", "insecure", "hostname", "pathPrefix", "format",
    }
)  # fmt: skip
_NAME_PARTS = frozenset(
    {
        "jib", "from", "to", "auth", "image", "registry", "password", "username", "user", "pass", "token",
        "secret", "key",
        "credentials", "creds", "global", "imagecredentials", "docker", "http", "https", "proxypassword", "proxyuser",
        "javax", "net", "ssl", "truststorepassword", "keystorepassword", "login", "deploy", "env", "data",
        "reg", "repo",
    }
)  # fmt: skip
_USER = re.compile(r"[A-Za-z0-9_.+@|\\-]{1,64}")
_MOST_JUDGED: Final = 4096
_PATH_OR_PORT = re.compile(r"[./~].*|[0-9:.]+|[A-Za-z][A-Za-z+\-]*://.*|\$\{?[A-Za-z_0-9]+\}?", re.DOTALL)


def is_shown_variable(name: str) -> bool:
    """Whether a variable may be called by this name: a stray ``$`` in a password makes one of the rest of it."""
    return (_VARIABLE.fullmatch(name) is not None and not is_opaque(name)) or name in _SMALL_VARIABLES


def quoted(text: str, *, is_nested: bool) -> str:
    """`text` for a shell; inside a script that is quoted itself, with double quotes where they will do."""
    if is_nested and text.startswith("~/"):
        return "~/" + quoted(text[2:], is_nested=True)
    plain = shlex.quote(text)
    if is_nested and plain != text and not re.search(r"[\"$`\\!]", text):
        return f'"{text}"'
    return plain


class Values:
    """Shows values, and remembers the secrets among them.

    `remember` gets each secret, `doubt` each word that is an address and a path, or a user and a password; `prose`
    cleans free text, `field` a header's value by the header's name, `link` a URL. `is_requested` says whether a client
    asked an address (``HOST:PORT``) for something: else it may be a user and a password.
    """

    def __init__(
        self,
        remember: Callable[[str], None],
        doubt: Callable[[str], None],
        prose: Callable[[str], str],
        field: Callable[[str, str], str],
        link: Callable[[str], str],
        is_requested: Callable[[str], bool],
    ) -> None:
        self._remember = remember
        self._doubt = doubt
        self._is_requested = is_requested
        self._prose = prose
        self._field = field
        self._link = link
        self.is_nested = False
        """Whether what is shown will be quoted once more, as a script is."""

    def shown(self, word: Word, kind: Value) -> str:
        """What to show of the value `word`, quoted for a shell."""
        match kind:
            case Value.PAIR:
                return self._pair(word.text)
            case Value.USER:
                self._password_behind(word.text)
                return USER if word.text else "''"
            case Value.PORTS if _PORTS.fullmatch(word.text):
                return word.text
            case Value.CREDENTIAL | Value.PORTS:
                return self.password(word.text)
            case Value.HEADER:
                return self._header(word)
            case Value.SETTING:
                return self.setting(word)
            case Value.FIELDS:
                return self._fields(word)
            case Value.PLAIN:
                return self._plain(word)
            case Value.GUARDED:
                self._password_behind(word.text)
                return HIDDEN
        self.note(word.text)
        return HIDDEN

    def password(self, text: str) -> str:
        """What to show of a secret."""
        self.note(text, is_sure=True)
        return PASSWORD

    def note(self, text: str, *, is_sure: bool = False) -> None:
        """Remember `text` if it is a secret for certain, or holds one by its looks.

        Paths, ports, URLs without a user and variables are not remembered: the output would lose them.
        """
        if is_sure or is_opaque(text[:_MOST_JUDGED]):
            self._secret(text)
        name, equals, value = text.partition("=")
        if equals and is_secret_name(name):
            self._secret(value)
        if not is_sure and "://" in text:
            self._password_behind(text.partition("://")[2].rpartition("@")[0])
        elif not is_sure:
            if _ADDRESS.match(text):
                self._doubt(text)
            else:
                self._password_behind(text.rpartition("@")[0] or text)

    def _secret(self, text: str) -> None:
        if UNKNOWN not in text and not _PATH_OR_PORT.fullmatch(text):
            self._remember(text)

    def _password_behind(self, text: str) -> None:
        user, colon, password = text.partition(":")
        if colon and _USER.fullmatch(user) and not _VERSION.fullmatch(password) and password not in _TAGS:
            self._secret(text)
            self._secret(password)

    def _pair(self, text: str) -> str:
        user, colon, password = text.partition(":")
        if not colon:
            if text[:1] in ("$", UNKNOWN) and not is_user_name(text.strip('${}"')):
                return PAIR
            # A name alone is not a secret, but a token may stand in its place.
            return self.password(text) if is_opaque(user[:_MOST_JUDGED]) else USER
        self.note(password, is_sure=True)
        self._password_behind(text)
        return PAIR

    def _header(self, word: Word) -> str:
        field = _HEADER.match(word.text)
        if field is None or field[1].lower() not in _HEADER_NAMES:
            if field is not None:
                self._field(field[1].lower(), word.text[field.end() :])
            return HIDDEN
        value = word.text[field.end() :]
        is_readable = not word.variables and UNKNOWN not in value
        shown = self._field(field[1].lower(), value) if is_readable else HIDDEN
        return quoted(f"{field.group()}{shown}", is_nested=self.is_nested)

    def setting(self, word: Word, *, kept: frozenset[str] = _HARMLESS_VARIABLES) -> str:
        """``NAME=value``: names of variables stay, values only of those that are known to be harmless."""
        name, equals, _ = word.text.partition("=")
        if not equals:
            self.note(word.text)
            is_known = name in kept or (_VARIABLE.fullmatch(name) is not None and is_secret_name(name))
            return name if is_known and not is_opaque(name) else HIDDEN
        shape = word.shape.partition("=")[2]
        value = Word(word.text[len(name) + 1 :], shape, word.variables)
        if len(name) > _MAX_NAME or not self._is_shown_name(name):
            self.note(word.text)
            return HIDDEN
        if name not in kept and is_secret_name(name):
            return f"{name}={self.password(value.text)}"
        if name not in kept and is_user_name(name):
            return f"{name}={self.shown(value, Value.USER)}"
        if name in kept:
            return f"{name}={self._plain(value)}"
        self.note(value.text)
        return f"{name}={HIDDEN}"

    @staticmethod
    def _is_shown_name(name: str) -> bool:
        if name in _HARMLESS_VARIABLES or is_shown_variable(name):
            return True
        return all(part in _NAME_PARTS for part in re.split(r"[._]", name.lower()))

    def _fields(self, word: Word) -> str:
        if word.variables or len(word.text) > MAX_ARGUMENT:
            return HIDDEN
        pieces: list[str] = []
        rest = word.text
        while rest:
            piece, _, behind = rest.partition(",")
            if is_secret_name(piece.partition("=")[0]):
                # A comma may be a part of the secret.
                self.note(piece)
                piece, behind = rest, ""
            pieces.append(self.setting(literal(piece)))
            rest = behind
        return HIDDEN if HIDDEN in pieces else ",".join(pieces)

    def _plain(self, word: Word) -> str:
        if word.text == "":
            return "''"
        shape = word.shape
        if UNKNOWN in shape or len(word.text) > MAX_ARGUMENT or not all(map(is_shown_variable, word.variables)):
            self.note(word.text)
            return HIDDEN
        if "=" in shape and "://" not in shape and not shape.startswith(("/", ".", "~")):
            return self.setting(word)
        fits = any(form.fullmatch(shape) for form in (_WORD, _NUMBERS, _PATHS))
        if fits and ":" not in shape:
            return self._kept(word)
        return self._kept(word) if fits else self.reference(word, may_be_bare=False)

    def reference(self, word: Word, *, may_be_bare: bool) -> str:
        """An image, a registry, a URL or a path; a word without slash and dot only if it `may_be_bare`."""
        shape = word.shape
        if UNKNOWN in shape or len(shape) > MAX_ARGUMENT or not all(map(is_shown_variable, word.variables)):
            self.note(word.text)
            return HIDDEN
        url = _URL.fullmatch(shape)
        if url is not None:
            return self._url(word, url[2])
        transport = _TRANSPORT.fullmatch(shape)
        rest = transport[2] if transport else shape
        is_kept = self._is_reference(rest, may_be_bare=may_be_bare)
        if transport and not is_kept:
            path, _, tag = rest.rpartition(":")
            is_kept = self._is_reference(path or rest, may_be_bare=True) and _IMAGE.fullmatch(tag) is not None
        if not is_kept and not (word.variables and shape.strip("x/:") == ""):
            if not may_be_bare or _BARE.fullmatch(shape) is None:
                self.note(word.text)
            return HIDDEN
        return self._kept(word)

    def host(self, word: Word) -> str:
        """A registry, as behind ``login``."""
        shape = word.shape
        place = _URL.fullmatch(shape)
        name = (place[2] if place else shape).partition("/")[0]
        if _IS_HOST.fullmatch(self._with_known_host(name)) or (word.variables and name.strip("x:") == ""):
            return self.reference(word, may_be_bare=False)
        self.note(word.text)
        return HIDDEN

    def _with_known_host(self, shape: str) -> str:
        """`shape`, with ``localhost`` for a short host at its beginning that a client asked for something."""
        address = _ADDRESS.match(shape)
        is_known = address is not None and self._is_requested(address.group())
        return f"localhost:{shape.partition(':')[2]}" if is_known else shape

    def _is_reference(self, shape: str, *, may_be_bare: bool) -> bool:
        shape = self._with_known_host(shape)
        typed = _TYPED.fullmatch(shape)
        if typed is not None:
            return _PATH.fullmatch(typed[1]) is not None
        if "/" in shape or _IS_HOST.fullmatch(shape):
            return any(form.fullmatch(shape) for form in (_IMAGE, _PATH, _IS_HOST))
        if shape in (".", ".."):
            return True
        bare = _BARE.fullmatch(shape) if may_be_bare else None
        return bare is not None and (bare[2] is None or bare[2] in _TAGS or _VERSION.fullmatch(bare[2]) is not None)

    def _url(self, word: Word, behind: str) -> str:
        scheme, _, rest = word.text.partition("://")
        authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
        info = _DIGEST_AT.split(rest, maxsplit=1)[0].rpartition("@")[0]
        if info:
            self._secret(info)
            self._secret(info.partition(":")[2])
            if len(info) > len(authority) or word.variables:
                # An `@` behind the host: the password holds a slash, or the path an `@`.
                return f"{scheme.lower()}://{HIDDEN}" if scheme.lower() in _SCHEMES else HIDDEN
        has_place = word.variables or _AUTHORITY.fullmatch(authority.rpartition("@")[2])
        return self._kept(word) if has_place and scheme.lower() in _SCHEMES else HIDDEN

    def _kept(self, word: Word) -> str:
        """What was found to be harmless, if nothing in it is known as a secret."""
        if word.variables:
            return f'"{word.text}"' if self._prose(word.text) == word.text else HIDDEN
        kept = self._prose(word.text) if _URL.fullmatch(word.text) is None else self._link(word.text)
        if kept.startswith("<tok:") and kept.endswith(">"):
            return self.password(word.text)
        return quoted(kept, is_nested=self.is_nested)


_SCHEMES = frozenset(
    {"http", "https", "docker", "oci", "oras", "oci-layout", "library", "shub", "git", "ssh", "tcp", "unix", "npipe",
     "docker-container", "fd", "socks5", "socks5h", "socks4", "registry", "gs", "s3", "file", "ocidir", "ocifile"}
)  # fmt: skip
