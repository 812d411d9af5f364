"""What to show in the place of raw text: by its place, by its words, and by what is known as a secret.

What redacting URLs, headers and command lines needs of the whole (`urls.RedactorParts`). Text in, text out; nothing
here is made visible yet, nor is it `Safe`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from regauth_core.bounded import whole_words
from regauth_core.model import Safe
from regauth_core.redaction import allow_list
from regauth_core.redaction.fingerprints import Fingerprints
from regauth_core.redaction.free_text import concealed, looks
from regauth_core.redaction.looks import is_opaque
from regauth_core.redaction.pseudonyms import Pseudonyms
from regauth_core.redaction.requested_names import Requested
from regauth_core.redaction.sweep import Sweep
from regauth_core.redaction.urls import Urls
from regauth_core.redaction.vocabulary import Standing, standing

MAX_READ: Final = 16 * 1024
"""Characters that are searched for secrets before all but a part of them are cut off."""
_AFTER_NAME = re.compile(r"[:@?#]")
_FINGERPRINT = re.compile(r"[<\[]?([a-z]{2,12}:([0-9a-f]{8}))[>\]]?")

_GAP: Final = "\0"
_LEAST_LETTERS: Final = 10


class Replacements:
    """Replaces what may not be shown; whose secrets, pseudonyms and names those are, is given."""

    def __init__(
        self, nothing: Safe, fingerprints: Fingerprints, sweep: Sweep, aliases: Pseudonyms, requested: Requested
    ) -> None:
        """`nothing` is empty text that is safe: only the redactor makes it."""
        self.nothing = nothing
        self._fingerprints = fingerprints
        self._sweep = sweep
        self._aliases = aliases
        self._requested = requested
        self.urls = Urls(self)
        self.values = 0
        """Values that were replaced."""

    def replace_secret(self, secret: str, kind: str) -> str:
        """What to show in the place of a secret, known as one by its position: its fingerprint in pointed brackets."""
        if given := self.given(secret):
            return given
        found = self._fingerprints.of(secret, kind)
        self.values += 1
        return f"<{found}>" if found else ""

    def replace_if_secret(self, text: str, kind: str = "val", *, sure: bool = False) -> str:
        """What to show in the place of text that may or may not be a secret.

        Only what is `sure` to be one, or looks like one, is remembered: the sweep must not hunt for ordinary words.
        """
        if not text:
            return ""
        if given := self.given(text):
            return given
        self.values += 1
        if kind != "user" and (is_opaque(text) or text in self._fingerprints):
            return f"<{self._fingerprints.of(text, 'tok', passing=True)}>"
        if not sure and self._fingerprints.is_one(text.rstrip(").,:;]")):
            return text
        found = self._fingerprints.of(text, kind, passing=True) if sure else self._fingerprints.name(text, kind)
        return f"<{found}>"

    def known(self, text: str) -> str:
        """Raw text with every secret that is known already replaced, such as by ``[tok:3f2a91c0]``.

        First of all that happens to a text: what splits it, cuts it, or judges a piece of it by its looks would leave
        the rest of a secret in a shape that the sweep does not know.
        """
        return self._sweep.swept(text)[0]

    def given(self, text: str) -> str | None:
        """What to show for what stands in the place of a secret already: by a search, or in a sentence of ours."""
        found = _FINGERPRINT.fullmatch(text)
        if found is None or not self._fingerprints.is_one(found[2]):
            return None
        return f"<{found[1]}>" if text[0] == "[" else text

    def prose(self, text: str) -> str:
        """What somebody else wrote, word by word, not yet made visible; always the same for the same text."""
        return self._prose(text, self._judge)

    def message(self, text: str) -> str:
        """The same of what an answer says: names that a client asked for stay."""
        return self._prose(text, self._judge_message)

    def shown_before(self, secret: str) -> Iterator[str]:
        """What may stand in messages of a pass phrase that were shown before it was known as one.

        That is, what is left of it between words that are always replaced: at least two words and ten letters.
        """
        if " " not in secret.strip():
            return
        shown = concealed(secret, self._always_replaced, self.urls.shown, self._judge_message)
        for part in shown.split(_GAP):
            left = _without_ends(part)
            bare = _FINGERPRINT.sub(" ", left)
            if left != secret and len(bare.split()) > 1 and sum(map(str.isalpha, bare)) >= _LEAST_LETTERS:
                yield left

    def _always_replaced(self, text: str, kind: str = "val", *, sure: bool = False) -> str:
        """As `replace_if_secret` does it, without remembering anything."""
        if sure or is_opaque(text):
            return _GAP
        return f"<{self._fingerprints.name(text, kind)}>"

    def own(self, text: str) -> str:
        """A sentence or a name of this side: all but what looks machine-made stays."""
        return self._prose(text, looks)

    def own_url(self, url: str) -> str:
        """A URL in the words of this side, whose parts are known by their places, which a fingerprint would hide."""
        return self.known(self._own_link(url))

    def searched(self, text: str) -> str:
        """At most `MAX_READ` characters of `text` without the secrets that are known: before anything is cut off."""
        return self.known(text if len(text) <= MAX_READ else whole_words(text, MAX_READ) + "…")

    def is_shown(self, part: str) -> bool:
        """Whether a part of a repository's name, or a tag, may be shown."""
        return self._requested.is_shown(part)

    def _prose(self, text: str, judge: Callable[[str], Standing]) -> str:
        if self._fingerprints.is_incomplete and self._fingerprints.is_answering and judge is not looks:
            return self.replace_if_secret(text) if text.strip() else text
        link = self._own_link if judge is looks else self.urls.shown
        return self._aliases.replaced(concealed(self.searched(text), self.replace_if_secret, link, judge))

    def _own_link(self, url: str) -> str:
        # What a user's own words name is as good as asked for.
        self._requested.ask(_AFTER_NAME.split(url.partition("://")[2].partition("/")[2])[0])
        return self.urls.shown(url)

    def _judge(self, word: str) -> Standing:
        return Standing.FIELD if self.given(word) else standing(word)

    def _judge_message(self, word: str) -> Standing:
        return Standing.FIELD if self._requested.is_asked(word) else self._judge(word)

    def host_name(self, host: str) -> str:
        """A host (lower case) or its pseudonym."""
        return self._aliases.host(host)

    def repository_name(self, name: str) -> str:
        """A repository or its pseudonym."""
        return self._aliases.repository(name)

    def path_word(self, element: str) -> str:
        """A plain word in a path that is none of a registry's own: it may be the name of a project."""
        if self.hides_repositories and element.lower() not in allow_list.PATH_WORDS:
            return self.replace_if_secret(element, "seg")
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


class RenamingReplacements(Replacements):
    """Replaces names alone, by the pseudonyms of `first`, in what it or another has redacted before."""

    def __init__(self, first: Replacements, fingerprints: Fingerprints, sweep: Sweep, requested: Requested) -> None:
        super().__init__(first.nothing, fingerprints, sweep, first._aliases, requested)
        self._first = first

    def replace_secret(self, secret: str, kind: str) -> str:
        """It is no secret any more."""
        return secret

    def replace_if_secret(self, text: str, kind: str = "val", *, sure: bool = False) -> str:
        """It may be shown; somebody decided that before."""
        return text

    def is_shown(self, part: str) -> bool:
        """The same."""
        return True

    def searched(self, text: str) -> str:
        """The same."""
        return text

    def _judge(self, word: str) -> Standing:
        return Standing.FIELD

    def path_word(self, element: str) -> str:
        """The only thing that was shown and is not any more."""
        return self._first.path_word(element)


def _without_ends(text: str) -> str:
    """`text` without what was replaced at its ends, which depends on what stands beside it."""
    words = text.split(" ")
    while words and (not words[0] or _FINGERPRINT.fullmatch(words[0])):
        del words[0]
    while words and (not words[-1] or _FINGERPRINT.fullmatch(words[-1])):
        del words[-1]
    return " ".join(words)
