"""The one place where text from the wire becomes `Safe`: by allow-list, by its looks, and by memory.

Three layers, each of which works without the others: structure (`policy`, read by `fields` and `urls`), looks
(`prose`, for text without structure), and memory (`sweep`, which knows every secret that was met and looks for it in
finished output). Only this module calls `Safe`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from regauth_core import policy, target
from regauth_core.aliases import Aliases
from regauth_core.commandline import CommandLine
from regauth_core.fields import Fields
from regauth_core.fingerprints import Fingerprints
from regauth_core.memo import Memo, Seen, Shown
from regauth_core.model import Fingerprint, Link, Origin, Redaction, Safe
from regauth_core.prose import concealed, is_opaque
from regauth_core.signatures import signature
from regauth_core.sweep import Sweep
from regauth_core.urls import Urls

MAX_TEXT: Final = 2048
"""Characters of free text that are kept."""


class Redactor:
    """Redacts one trace: equal secrets get equal fingerprints within it, and nowhere else.

    `key` is random, of the caller's making, and never written. `anonymize` is a subset of ``hosts``, ``repositories``
    and ``users``: their names get stable pseudonyms. At most 20,000 secrets, the ones seen last, are remembered for the
    sweep. No method raises on wire text.
    """

    nothing = Safe("")

    def __init__(self, key: bytes, *, anonymize: frozenset[str] = frozenset()) -> None:
        self._fingerprints = Fingerprints(key)
        self._aliases = Aliases(anonymize)
        self._urls = Urls(self)
        self._fields = Fields(self, self._urls)
        self._command = CommandLine(self.remember, self._argument, self._fields.value)
        self._sweep = Sweep(self._fingerprints, self._is_spared)
        self.seen = Seen()
        self._spared: set[str] = set()
        self._values = self._bodies = self._late = 0
        self._shown = Shown()
        self._origins: Memo[tuple[str, str, int], Origin] = Memo()

    def __repr__(self) -> str:
        return f"Redactor({self._fingerprints!r})"

    # What the parts need of the whole (`urls.Keeper`).

    def mark(self, secret: str, kind: str) -> str:
        """What to show in the place of a secret, known as one by its position: its fingerprint in pointed brackets."""
        found = self._fingerprints.of(secret, kind)
        self._values += 1
        return f"<{found}>" if found else ""

    def veil(self, text: str, kind: str = "val", *, sure: bool = False) -> str:
        """What to show in the place of text that may or may not be a secret.

        Only what is `sure` to be one, or looks like one, is remembered: the sweep must not hunt for ordinary words.
        """
        if not text:
            return ""
        self._values += 1
        if kind != "user" and (is_opaque(text) or text in self._fingerprints):
            return f"<{self._fingerprints.of(text, 'tok', passing=True)}>"
        if not sure and self._fingerprints.is_one(text.rstrip(").,:;]")):
            return text  # a sentence of ours that tells a fingerprint
        found = self._fingerprints.of(text, kind, passing=True) if sure else self._fingerprints.name(text, kind)
        return f"<{found}>"

    def prose(self, text: str) -> str:
        """Free text without its secrets, not yet made visible."""
        shown = concealed(text, self.veil, self._urls.shown)
        return self._aliases.replaced(shown)

    def host_name(self, host: str) -> str:
        """A host (lower case) or its pseudonym."""
        self._spare(host)
        return self._aliases.host(host)

    def repository_name(self, name: str) -> str:
        """A repository or its pseudonym."""
        if not self.hides_repositories:
            self._spare(name)
        return self._aliases.repository(name)

    def path_word(self, element: str) -> str:
        """A plain word in a path that is none of a registry's own: it may be the name of a project."""
        if self.hides_repositories and element.lower() not in policy.PATH_WORDS:
            return self.veil(element, "seg")
        return element

    def tag(self, text: str) -> str:
        """A tag, in which names may stand."""
        return self._aliases.tag(text)

    @property
    def hides_repositories(self) -> bool:
        """Whether every repository gets a pseudonym."""
        return self._aliases.hides_repositories

    @property
    def hides_names(self) -> bool:
        """Whether any names get pseudonyms."""
        return self._aliases.active

    # Names and words.

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

    def host(self, host: str) -> Safe:
        """A host name or address without its port, in lower case."""
        kept = self._shown.hosts.get(host)
        if kept is None:
            kept = self._shown.hosts.keep(host, self._safe(self._urls.host(host[:256])), len(host))
        return kept

    def repository(self, name: str) -> Safe:
        """The name of a repository, decoded."""
        kept = self._shown.names.get(name)
        if kept is None:
            kept = self._shown.names.keep(name, self._safe(self._urls.repository(name[:MAX_TEXT])), len(name))
        return kept

    def resource(self, kind: str, name: str) -> Safe:
        """What a scope or a claim of this kind is about: mostly a repository."""
        return self._safe(self._urls.resource(kind, name[:MAX_TEXT]))

    def reference(self, text: str) -> Safe:
        """A tag, a digest or an upload session, decoded."""
        kept = self._shown.references.get(text)
        if kept is None:
            kept = self._shown.references.keep(text, self._safe(self._urls.reference(text[:MAX_TEXT])), len(text))
        return kept

    def user(self, name: str) -> Safe:
        """A name that somebody chose for a client, such as the user name of the proxy's URL."""
        shown = self.veil(name) if is_opaque(name[:64]) else self._aliases.user(name[:64])
        return self._safe(shown)

    def word(self, text: str) -> Safe:
        """A word of a closed vocabulary (method, scheme, error code, protocol version), else a fingerprint."""
        kept = self._shown.words.get(text)
        return self._shown.words.keep(text, self._safe(self._fields.word(text)), len(text)) if kept is None else kept

    def scheme(self, text: str) -> Safe:
        """The scheme of a credential, if it is a registered one; any other word may be a part of the secret."""
        known = not text or text.lower() in policy.SCHEMES
        return self._safe(text if known else self.mark(text, "tok"))

    def place(self, text: str) -> Safe:
        """The name of a service, an issuer or an audience: a host, a URL, or any words."""
        return self._safe(self._urls.place(_cut(text, MAX_TEXT)))

    def scopes(self, text: str) -> Safe:
        """Scopes separated by blanks, as spelled."""
        kept = self._shown.scopes.get(text)
        if kept is None:
            kept = self._shown.scopes.keep(text, self._safe(self._urls.scopes(_cut(text, MAX_TEXT))), len(text))
        return kept

    # Text, headers and URLs.

    def text(self, text: str) -> Safe:
        """Free text, at most 2,048 characters of it, cut between two words."""
        kept = self._shown.texts.get(text)
        if kept is None:
            kept = self._shown.texts.keep(text, self._safe(self.prose(_cut(text, MAX_TEXT))), len(text))
        return kept

    def shortened(self, text: Safe, most: int) -> Safe:
        """At most `most` characters of text that is safe already, cut between two words."""
        return Safe(_cut(text, most))

    def parameter(self, scheme: str, name: str, value: str) -> Safe:
        """The unquoted value of a challenge's parameter `name` (lower case)."""
        return self._safe(self._fields.parameter(scheme, name, value))

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
            self._values += held[1]
            shown.append(held[0])
        return tuple(shown)

    def _header(self, name: str, value: str) -> tuple[tuple[Safe, Safe], int]:
        before, self._values = self._values, 0
        pair = self._safe(self._fields.name(name)), self._safe(self._fields.value(name.lower(), value))
        held = pair, self._values
        self._values = before
        return self._shown.headers.keep((name, value), held, len(value))

    def address(self, scheme: str, host: str, port: int, path: str) -> Safe:
        """The absolute URL of a request whose path, with its query, is `path`."""
        key = scheme, host, port, path
        held = self._shown.addresses.get(key)
        if held is None:
            before, self._values = self._values, 0
            bare, mark, query = path.partition("#")[0].partition("?")
            shown = self._urls.path(bare) + self._urls.query(query if mark else None)
            held = self._safe(f"{self.origin(scheme, host, port)}{shown}"), self._values
            self._values = before
            self._shown.addresses.keep(key, held, len(path))
        self._values += held[1]
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
            before, self._values = self._values, 0
            whole = target.absolute(url, scheme=scheme, host=host, port=port, path=path)
            held = self._link(url, whole if host or "://" in url[:12] else None), self._values
            self._values = before
            self._shown.links.keep(key, held, len(url))
        self._values += held[1]
        return held[0]

    def _link(self, url: str, whole: str | None) -> Link:
        origin = target.origin_of(whole) if whole else None
        if whole is None or origin is None:
            return Link(text=self._safe(self._urls.shown(url)), origin=None, path=self.nothing)
        _, slash, below = whole.partition("#")[0].partition("?")[0].partition("://")[2].partition("/")
        return Link(
            text=self._safe(self._urls.shown(whole)),
            origin=self.origin(origin.scheme, origin.host, origin.port),
            path=self._safe(self._urls.path(slash + below)),
            relative="://" not in url[:12],
            signed=signature(whole),
        )

    # The whole.

    def command(self, argv: Sequence[str]) -> Safe:
        """A command line as one would type it, its secrets replaced by ``$USER:$PASS`` and ``$PASS``."""
        return self._safe(self._command.shown(argv))

    def _argument(self, text: str) -> str:
        # Swept before it is quoted for a shell, which takes apart what has quotes in it.
        return self.prose(self._sweep.swept(text)[0])

    def sweep(self, text: str) -> tuple[str, int]:
        """Finished output without any remembered secret, and how many places had to be replaced.

        Names that have pseudonyms go too, if they are hosts' or long; they do not count.
        """
        swept, count = self._sweep.swept(text)
        self._late += count
        return self._aliases.swept(swept), count

    def summary(self, late: int = 0) -> Redaction:
        """What was kept and replaced up to now; `late` are replacements that somebody else's sweep made."""
        return Redaction(
            secrets=self._fingerprints.count,
            values=self._values,
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
        return Safe(_visible(text))

    def _spare(self, name: str) -> None:
        if name not in self._spared and len(self._spared) < Memo.MOST:
            self._spared.update((name, *name.split("/")))

    def _is_spared(self, secret: str) -> bool:
        """It is a word that must stay readable, though it is somebody's password."""
        return (secret.lower() in policy.PLAIN_WORDS or secret in self._spared) and not is_opaque(secret)


class Again(Redactor):
    """Goes over what `first` or another redactor has redacted before, to replace names by pseudonyms.

    What was replaced already, such as ``<tok:3f2a91c0>``, stays as it is; the names are those of `first`.
    """

    def __init__(self, first: Redactor) -> None:
        super().__init__(b"")
        self._aliases = first._aliases
        self._first = first

    def mark(self, secret: str, kind: str) -> str:
        """It is no secret any more."""
        return secret

    def veil(self, text: str, kind: str = "val", *, sure: bool = False) -> str:
        """It may be shown; somebody decided that before."""
        return text

    def prose(self, text: str) -> str:
        """Free text with other names."""
        return self._aliases.replaced(concealed(text, lambda piece, _: piece, self._urls.shown))

    def path_word(self, element: str) -> str:
        """The only thing that was shown and is not any more."""
        return self._first.path_word(element)


def _decoded(text: str | bytes) -> str:
    return text if isinstance(text, str) else text.decode("utf-8", "surrogateescape")


def _visible(text: str) -> str:
    """One line in which control characters, escape sequences and bidirectional controls can be seen."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else _escaped(ord(sign)) for sign in text)


def _escaped(code: int) -> str:
    short = {9: "\\t", 10: "\\n", 13: "\\r"}.get(code)
    return short or (f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}")


def _cut(text: str, most: int) -> str:
    """At most `most` characters; where something is cut off, the last word goes too, as it may be half a secret."""
    if len(text) <= most:
        return text
    head, blank, _ = text[: most - 2].rpartition(" ")
    return head + " …" if blank else "…"
