"""The one place where text from the wire becomes `Safe`: by allow-list, by vocabulary, and by memory.

Three layers, each of which works without the others: structure (`policy`, read by `fields` and `urls`), words
(`prose` and `vocabulary`, for text without structure), and memory (`sweep`, which knows every secret that was met and
looks for it in what is said, before anything of that is cut, and in finished output). Only this module calls `Safe`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from regauth_core.bounded import shortened, whole_words
from regauth_core.model import Fingerprint, Link, Origin, Safe
from regauth_core.model.journal import Redaction
from regauth_core.model.values import printable
from regauth_core.protocol import target
from regauth_core.protocol.authorization import SCHEMES
from regauth_core.protocol.presigned import signature
from regauth_core.redaction import allow_list, positions
from regauth_core.redaction.cache import Cache, ParsedCache, ShownCache
from regauth_core.redaction.command_line.command_line import CommandLine
from regauth_core.redaction.fingerprints import Fingerprints
from regauth_core.redaction.headers import Headers
from regauth_core.redaction.looks import is_opaque
from regauth_core.redaction.pseudonyms import Pseudonyms
from regauth_core.redaction.replacements import MAX_READ, RenamingReplacements, Replacements
from regauth_core.redaction.requested_names import Requested
from regauth_core.redaction.sweep import Fixed, IsOwn, Sweep
from regauth_core.redaction.urls import MAX_URL

MAX_TEXT: Final = 2048
"""Characters of free text that are kept."""
_NUMBER = re.compile(r"[0-9a-f]{1,8}|(?:[a-z]-?)?[0-9]{1,12}")


class Redactor:
    """Redacts one trace: equal secrets get equal fingerprints within it, and nowhere else.

    `key` is random, of the caller's making, and never written. `anonymize` is a subset of ``hosts``, ``repositories``
    and ``users``: their names get stable pseudonyms. At most 20,000 secrets are remembered for the sweep (see
    `Fingerprints`). No method raises on wire text.
    """

    nothing = Safe("")

    def __init__(self, key: bytes, *, anonymize: frozenset[str] = frozenset()) -> None:
        self._fingerprints = Fingerprints(key, self._forget)
        self._aliases = Pseudonyms(anonymize)
        self._sweep = Sweep(self._fingerprints, self._is_spared, self._shown_before)
        self._requested = Requested()
        self._use(Replacements(self.nothing, self._fingerprints, self._sweep, self._aliases, self._requested))
        self.seen = ParsedCache()
        self._spared: set[str] = set()
        self._addresses: set[str] = set()
        self._doubtful: dict[str, set[str]] = {}
        self._bodies = self._late = 0
        self._shown = ShownCache()
        self._origins: Cache[tuple[str, str, int], Origin] = Cache()

    def _use(self, replacements: Replacements) -> None:
        self._replacements = replacements
        self._urls = replacements.urls
        self._fields = Headers(replacements, self._urls)
        # Swept before it is quoted for a shell, which takes apart what has quotes in it.
        self._command = CommandLine(
            self.remember,
            self._doubt,
            replacements.own,
            self._fields.value,
            replacements.own_url,
            lambda address: address.lower() in self._addresses,
        )

    def __repr__(self) -> str:
        return f"Redactor({self._fingerprints!r})"

    def _forget(self) -> None:
        """Secrets were forgotten: whoever meets them again must not be served from what was made of them before."""
        self.seen = ParsedCache()
        self._shown = ShownCache()
        self._urls.forget()

    # What is read.

    def begin_answer(self) -> None:
        """What comes now stands in an answer, until `end_answer`: its secrets may be many, and others' matter more."""
        self._fingerprints.begin_answer()

    def end_answer(self) -> None:
        """The answer was read."""
        self._fingerprints.end_answer()

    def touch(self, secrets: Sequence[str]) -> None:
        """A client has sent these again."""
        for secret in secrets:
            self._fingerprints.touch(secret)

    @property
    def is_incomplete(self) -> bool:
        """Whether passwords of clients had to be forgotten; no free text of answers is shown from then on."""
        return self._fingerprints.is_incomplete

    # Names and words.

    def prose(self, text: str) -> str:
        """What somebody else wrote, word by word, not yet made visible; always the same for the same text."""
        return self._replacements.prose(text)

    def host_name(self, host: str) -> str:
        """A host (lower case) or its pseudonym."""
        return self._aliases.host(host)

    @property
    def hides_names(self) -> bool:
        """Whether any names get pseudonyms."""
        return self._aliases.active

    def fingerprint(self, secret: str | bytes, kind: str = "tok") -> Fingerprint:
        """The fingerprint of `secret`, such as ``tok:3f2a91c0``; the sweep will look for it. Empty for no secret.

        Kinds: ``tok``, ``pw`` and others for secrets, which share one space; ``user`` for people, who have their own.
        """
        if kind == "user":
            found = self._fingerprints.name(_decoded(secret), kind) if secret else ""
            self._aliases.note_user(_decoded(secret), f"<{found}>")
            return Fingerprint(found)
        return Fingerprint(self._fingerprints.of(_decoded(secret), kind))

    def remember(self, secret: str) -> None:
        """Let the sweep look for `secret`."""
        self._fingerprints.of(secret, "tok")

    def remember_user_info(self, info: str) -> None:
        """Let the sweep look for what stood in front of the host in a URL."""
        for secret in positions.of_user_info(info):
            self._fingerprints.of(secret, "pw")

    def host(self, host: str) -> Safe:
        """A host name or address without its port, in lower case."""
        kept = self._shown.hosts.get(host)
        if kept is None:
            kept = self._shown.hosts.keep(host, self._safe(self._urls.host(host[:256])), len(host))
        return kept

    def repository(self, name: str) -> Safe:
        """The name of a repository that a client asks for, decoded."""
        kept = self._shown.names.get(name)
        if kept is None:
            self._requested.ask(name)
            if not self._aliases.hides_repositories:
                self._spare(name)
            kept = self._shown.names.keep(
                name, self._safe(_path(self._urls.repository(self._replacements.known(name)))), len(name)
            )
        return kept

    def resource(self, kind: str, name: str) -> Safe:
        """What a scope or a claim of this kind is about: mostly a repository."""
        return self._safe(_path(self._urls.resource(kind, self._replacements.known(name))))

    def reference(self, text: str) -> Safe:
        """A tag or a digest that a client asks for, decoded."""
        kept = self._shown.references.get(text)
        if kept is None:
            if ":" not in text:
                self._requested.ask(text)
            shown = _path(self._urls.reference(self._replacements.known(text)))
            kept = self._shown.references.keep(text, self._safe(shown), len(text))
        return kept

    def session(self, text: str) -> Safe:
        """An upload session that a client asks for, decoded."""
        return self._safe(self._urls.session(text))

    def user(self, name: str) -> Safe:
        """A name that somebody chose for a client, such as the user name of the proxy's URL."""
        shown = (
            self._replacements.replace_if_secret(name)
            if is_opaque(name) or len(name) > 64
            else self._aliases.user(name)
        )
        return self._safe(shown)

    def connection(self, text: str) -> Safe:
        """What somebody calls a connection: a number stays; words may be anything, and become a fingerprint."""
        return self._safe(
            self._replacements.known(text)
            if _NUMBER.fullmatch(text)
            else self._replacements.replace_if_secret(text, "conn")
        )

    def word(self, text: str) -> Safe:
        """A word of a closed vocabulary (method, scheme, error code, protocol version), else a fingerprint."""
        kept = self._shown.words.get(text)
        return self._shown.words.keep(text, self._safe(self._fields.word(text)), len(text)) if kept is None else kept

    def challenge_scheme(self, text: str) -> Safe:
        """The scheme of a challenge, as spelled, else a fingerprint."""
        return self._shown.safe.alike(self._safe(self._fields.scheme(text)))

    def scheme(self, text: str) -> Safe:
        """The scheme of a credential, if it is a registered one; any other word may be a part of the secret."""
        known = not text or text.lower() in SCHEMES
        return self._shown.safe.alike(self._safe(text if known else self._replacements.replace_secret(text, "tok")))

    def place(self, text: str) -> Safe:
        """The name of a service, an issuer or an audience: a host, a URL, or any words."""
        shown = shortened(self._urls.place(self._replacements.searched(text)), MAX_TEXT)
        return self._shown.safe.alike(self._safe(shown))

    def requested_host(self, host: str, port: int) -> None:
        """A client asks `host` for something: its name may stand in sentences too, and with `port` in its command."""
        self._requested.ask(host.lower())
        self._spare(host)
        address = f"{host.lower()}:{port}"
        if address not in self._addresses and len(self._addresses) < Cache.MOST:
            self._addresses.add(address)
            for word in self._doubtful.pop(address, ()):
                self._fingerprints.clear(word)
                self._fingerprints.clear(word.partition(":")[2])

    def requested_scopes(self, text: str) -> Safe:
        """The same as `scopes`, of a request: the client may have chosen what they name."""
        for scope in whole_words(text, MAX_READ).split(" "):
            self._requested.ask(scope.partition(":")[2].rpartition(":")[0])
        return self.scopes(text)

    def scopes(self, text: str) -> Safe:
        """Scopes separated by blanks, as spelled."""
        kept = self._shown.scopes.get(text)
        if kept is None:
            shown = shortened(self._urls.scopes(self._replacements.searched(text)), MAX_TEXT)
            kept = self._shown.scopes.keep(text, self._safe(shown), len(text))
        return kept

    # Text, headers and URLs.

    def text(self, text: str) -> Safe:
        """What the other side said, at most 2,048 characters of it, cut between two words."""
        kept = self._shown.texts.get(text)
        if kept is None:
            shown = shortened(self._replacements.message(text), MAX_TEXT)
            kept = self._shown.texts.keep(text, self._safe(shown), len(text))
        return kept

    def own_text(self, text: str) -> Safe:
        """A sentence or a name of this side: all but what looks machine-made stays. As long as `text`."""
        return self._safe(shortened(self._replacements.own(text), MAX_TEXT))

    def shortened(self, text: Safe, most: int) -> Safe:
        """At most `most` characters of text that is safe already, cut between two words."""
        return Safe(shortened(text, most))

    def parameter(self, scheme: str, name: str, value: str) -> Safe:
        """The unquoted value of a challenge's parameter `name` (lower case)."""
        return self._shown.safe.alike(self._safe(self._fields.parameter(scheme, name, self._replacements.known(value))))

    def header(self, name: str, value: str) -> Safe:
        """The value of the header field `name`, in any case."""
        return self.headers(((name, value),))[0][1]

    def headers(self, pairs: Sequence[tuple[str, str]]) -> tuple[tuple[Safe, Safe], ...]:
        """Header fields in order: names as spelled, values redacted."""
        shown: list[tuple[Safe, Safe]] = []
        for pair in pairs:
            held = self._shown.headers.get(pair)
            if held is None:
                held = self._header(*pair)
            self._replacements.values += held[1]
            shown.append(held[0])
        return self._shown.fields.alike(tuple(shown))

    def _header(self, name: str, value: str) -> tuple[tuple[Safe, Safe], int]:
        before, self._replacements.values = self._replacements.values, 0
        lower = name.lower()
        # Of a credential each part is known by its place.
        plain = value if lower in allow_list.CREDENTIAL_FIELDS else self._replacements.known(value)
        pair = (
            self._safe(self._fields.name(self._replacements.known(name))),
            self._safe(self._fields.value(lower, plain)),
        )
        for secret in positions.of_field(value):
            self.remember(secret)
        held = pair, self._replacements.values
        self._replacements.values = before
        return self._shown.headers.keep((name, value), held, len(value))

    def address(self, scheme: str, host: str, port: int, path: str) -> Safe:
        """The absolute URL of a request whose path, with its query, is `path`."""
        key = scheme, host, port, path
        held = self._shown.addresses.get(key)
        if held is None:
            before, self._replacements.values = self._replacements.values, 0
            bare, mark, query = self._replacements.known(path).partition("#")[0].partition("?")
            shown = self._urls.path(bare) + self._urls.query(query if mark else None)
            held = self._safe(f"{self.origin(scheme, host, port)}{shown}"), self._replacements.values
            self._replacements.values = before
            self._shown.addresses.keep(key, held, len(path))
        self._replacements.values += held[1]
        return held[0]

    def origin(self, scheme: str, host: str, port: int) -> Origin:
        """Whom a request was addressed to; `host` without brackets."""
        key = scheme, host, port
        held = self._origins.get(key)
        if held is None:
            held = Origin(self.word(scheme.lower()), self.host(host.strip("[]")), port)
            self._origins.keep(key, held, len(host))
        return held

    def url(self, url: str, *, scheme: str = "", host: str = "", port: int = 0, path: str = "/") -> Link:
        """The URL reference `url`, resolved against the request to which it was the answer, if that is told."""
        # Only what is relative depends on the request.
        key = (url, "", "", 0, "") if "://" in url[:12] else (url, scheme, host, port, path)
        held = self._shown.links.get(key)
        if held is None:
            before, self._replacements.values = self._replacements.values, 0
            whole = target.absolute(url, scheme=scheme, host=host, port=port, path=path)
            held = self._link(url, whole if host or "://" in url[:12] else None), self._replacements.values
            for secret in positions.of_text(url[:MAX_URL]):
                self.remember(secret)
            self._replacements.values = before
            self._shown.links.keep(key, held, len(url))
        self._replacements.values += held[1]
        return held[0]

    def _link(self, url: str, whole: str | None) -> Link:
        origin = target.origin_of(whole) if whole else None
        if whole is None or origin is None:
            return Link(
                text=self._safe(self._urls.shown(self._replacements.known(url))), origin=None, path=self.nothing
            )
        _, slash, below = whole.partition("#")[0].partition("?")[0].partition("://")[2].partition("/")
        return Link(
            text=self._safe(self._urls.shown(self._replacements.known(whole))),
            origin=self.origin(origin.scheme, origin.host, origin.port),
            path=self._safe(self._urls.path(self._replacements.known(slash + below))),
            relative="://" not in url[:12],
            signed=signature(whole),
        )

    # The whole.

    def command(self, argv: Sequence[str]) -> Safe:
        """A command line as one would type it, its secrets replaced by ``$REG_USER:$REG_PASS`` and ``$REG_PASS``."""
        return self._safe(self._command.shown(argv))

    def sweep(
        self, text: str, fixed: Fixed | None = None, is_own: IsOwn | None = None, *, fits: bool = False
    ) -> tuple[str, int]:
        """Finished output without any remembered secret, and how many places had to be replaced; see `Sweep.swept`.

        Names that have pseudonyms go too, if they are hosts' or long; they do not count.
        """
        swept, count = self._sweep.swept(text, fixed, is_own, fits=fits)
        self._late += count
        return swept if fits else self._aliases.swept(swept), count

    def renamed(self, text: str) -> str:
        """Finished output with pseudonyms for the names that have them, if they are hosts' or long."""
        return self._aliases.swept(text)

    @property
    def secrets_met(self) -> int:
        """A number that changes whenever there is one more secret to look for."""
        return self._fingerprints.kept

    def holds_secret(self, text: str) -> bool:
        """Whether a remembered secret is in `text`."""
        return self._sweep.finds(text)

    def summary(self, late: int = 0) -> Redaction:
        """What was kept and replaced up to now; `late` are replacements that somebody else's sweep made."""
        return Redaction(
            secrets=self._fingerprints.count,
            values=self._replacements.values,
            hosts=self._aliases.hosts_shown,
            repositories=self._aliases.repositories_shown,
            bodies=self._bodies,
            late=self._late + late,
            pseudonyms=self._aliases.count,
        )

    def count_body(self) -> None:
        """A part of one more body was kept."""
        self._bodies += 1

    @staticmethod
    def _safe(text: str) -> Safe:
        return Safe(printable(text))

    def _spare(self, name: str) -> None:
        if name not in self._spared and len(self._spared) < Cache.MOST:
            self._spared.update((name, *name.split("/")))

    def _shown_before(self, secret: str) -> Iterable[str]:
        return self._replacements.shown_before(secret)

    def _doubt(self, word: str) -> None:
        """A word of a command line is a login, unless a client asks the address with which it begins for something."""
        address, slash, _ = word.partition("/")
        if slash and address.lower() not in self._addresses:
            self._doubtful.setdefault(address.lower(), set()).add(word)
            self._fingerprints.of(word, "tok", passing=True)
            self._fingerprints.of(word.partition(":")[2], "tok", passing=True)

    def _is_spared(self, secret: str) -> bool:
        """It is a word that must stay readable: in common use, or asked for by a client and not sent as a secret."""
        is_name = secret in self._spared and not self._fingerprints.was_sent(secret)
        return (secret.lower() in allow_list.PLAIN_WORDS or is_name) and not is_opaque(secret)


class RenamingRedactor(Redactor):
    """Goes over what `first` or another redactor has redacted before, to replace names by pseudonyms.

    What was replaced already, such as ``<tok:3f2a91c0>``, stays as it is; the names are those of `first`.
    """

    def __init__(self, first: Redactor) -> None:
        super().__init__(b"")
        self._aliases = first._aliases
        self._use(RenamingReplacements(first._replacements, self._fingerprints, self._sweep, self._requested))


def _decoded(text: str | bytes) -> str:
    return text if isinstance(text, str) else text.decode("utf-8", "surrogateescape")


def _path(text: str) -> str:
    return text if len(text) <= MAX_TEXT else whole_words(text, MAX_TEXT, "/") + "…"
