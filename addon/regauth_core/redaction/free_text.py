"""Finds what must not be shown in free text: error messages, header values, a program's own words.

There is no grammar to rely on here. Of what somebody else wrote only known words stay (`vocabulary`), of the user's own
text what does not look machine-made: such strings change between letters, digits and cases far more often than words
do. In either, what stands behind a telling name (``token=``, ``Bearer``) goes. Digests stay.

Every expression is possessive or bounded, and each piece is looked at once: time is linear in the text.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Final
from urllib.parse import unquote_plus

from regauth_core.redaction.looks import DIGEST, is_opaque
from regauth_core.redaction.vocabulary import Standing

_SHORT_NAMES = r"(?<![a-z])(?:pw|pin|otp|jwt|sig)(?![a-z])"
SECRET_NAME: Final = re.compile(
    rf"token|secret|passw|pwd|credential|assertion|verifier|key|auth|cookie|session|signature|{_SHORT_NAMES}", re.I
)
"""A parameter, header or field whose name says that its value is a secret."""

# Behind one of these every value is a secret; behind the others a word may follow, as in "authorization: denied".
_CERTAIN = re.compile(r"secret|passw|pwd|credential|api.?key|private|(?<![a-z])(?:pw|otp)(?![a-z])", re.I)

_SEPARATORS = re.compile(r"[-_.~+]")
_SHORT_COMMIT = re.compile(r"[0-9a-f]{7,12}")
_NO_WORD = re.compile(r"[\s/:=@&?,;\"'()]++")

_MOMENT = (
    r"(?<![A-Za-z0-9])[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?"
    r"(?:Z|[+-][0-9]{2}:[0-9]{2})?(?![0-9A-Za-z])"
)

# An `=` at the end of a word is padding of base64.
_MARK = r"(?:\s{0,4}+:\s{0,4}+|\s{1,4}+=\s{0,4}+|=(?![=\s,;&]|\Z))"

# What parts a text into words. All other signs belong to a word, as they may belong to a secret.
_UNSEEN = r"\x00-\x20\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\s"
_FOREIGN = "“”„«»‚‹›…–—•→←，。：；、（）「」『』【】《》！？"
_SIGNS = rf"{_UNSEEN}\"<>()\[\]{{}},;|`{_FOREIGN}"
# What is assigned inside a query has a name that must be looked at.
_ASSIGNED = r"[A-Za-z0-9_.\-]{1,64}+=(?![=\s,;&]|\Z)"
_RUN = rf"(?:[^{_SIGNS}'’\\&?/:@]|[&?/:@](?!{_ASSIGNED})|(?<=[A-Za-z])['’](?=(?:s|t|re|ll|ve|d|m)\b)|\\(?![\"'nrt]))++"

# Of those in use; an address may hold sixteen letters in hexadecimal.
_IPV6 = r"(?:(?:2[0-9A-Fa-f]{3}|[Ff][C-Ec-e][0-9A-Fa-f]{2}):|::)[0-9A-Fa-f:]{1,34}+"

_PIECE = re.compile(
    rf"""(?P<url>\b[A-Za-z][A-Za-z0-9+.\-]{{1,15}}+://[^\s"'<>\\]++)
      | (?P<given>[<\[]?+\b[a-z]{{2,8}}:[0-9a-f]{{8}}\b[>\]]?+)
      | (?P<digest>\b{DIGEST}|{_MOMENT})
      | (?P<mail>(?<![A-Za-z0-9.+_-])[A-Za-z0-9.+_-]{{1,64}}+@[A-Za-z0-9-]{{1,63}}+(?:\.[A-Za-z0-9-]{{1,63}}+){{1,8}}+)
      | (?P<scheme>\b(?:[Bb]asic|BASIC|[Bb]earer|BEARER|[Nn]egotiate|NTLM|[Dd]igest|[Tt]oken)\b)(?P<blank>[ \t]{{1,4}}+)
      | (?P<key>(?<![A-Za-z0-9_.\-])[A-Za-z0-9_.\-]{{1,64}}+)(?P<mark>\\{{0,16}}+["']?+{_MARK})
      | (?P<address>(?<![\w:.])\[?+{_IPV6}\]?+(?!\w))
      | (?P<colour>\x1b\[[0-9;]{{0,16}}[A-Za-z])
      | (?P<plural>(?<=[a-z])\((?:e?s|ies)\))
      | (?P<run>{_RUN})
    """,
    re.X,
)
_SHORT_DIGEST = re.compile(DIGEST)
_HASH = re.compile(rf"(?<![A-Za-z0-9])(?:{DIGEST}|sha256-[0-9a-f]{{64}}(?:\.(?:sig|att|sbom))?(?![0-9A-Za-z]))")
# JSON in JSON has a backslash before each quote, and more the deeper it lies.
_QUOTED = re.compile(
    r"""(?P<escape>\\{1,16}+)"((?:(?!(?<!\\)(?P=escape)").){1,4096}+)
      | "((?:[^"\\]|\\.){1,4096}+)
      | '((?:[^'\\]|\\.){1,4096}+)
    """,
    re.X | re.DOTALL,
)
_BARE = re.compile(r"""()([^\s"'<>,;&]++)""")
_JOINT = re.compile(r"([/:=@&?\\]++)")
# Signs that passwords have inside, and sentences do not.
_INSIDE_SECRETS = re.compile(r"[@&?]")
# What stands between two words that become one mark.
_BETWEEN = re.compile(r"[\s\-_.,:;/&!?'’，。：；、！？…–—]{1,4}")
_LETTERLESS = re.compile(r"[^A-Za-z0-9\u0080-\U0010ffff]*")
_ENDS = ".:;,!?)"
_AROUND_RUN = ".:!?*#&$~^-"
_MOST_NUMBERS: Final = 6
"""Numbers in a row, or half as many letters; more may be a secret that is spelled in them."""
_LETTER_CODE = re.compile(r"3[2-9]|[4-9][0-9]|[12][0-9][0-9]")
_FEWEST_CODES: Final = 4
"""Numbers in a row that are not shown where each may be the code of a letter."""
_MOST_SIGNS: Final = 8
"""Signs in a row that are no letters."""

_PLAIN_AFTER_SCHEME = frozenset(
    {
        "access",
        "and",
        "auth",
        "authentication",
        "authorization",
        "challenge",
        "challenges",
        "credential",
        "credentials",
        "error",
        "expired",
        "failed",
        "for",
        "from",
        "has",
        "header",
        "invalid",
        "is",
        "missing",
        "not",
        "of",
        "or",
        "realm",
        "required",
        "scheme",
        "service",
        "token",
        "tokens",
        "type",
        "was",
        "with",
    }
)

Conceal = Callable[[str, str], str]
"""Gets a piece and its kind (``val``, ``mail``), gives what to show in its place."""
Judge = Callable[[str], Standing]
"""Gets a word, or several joined by signs, without blanks; says how well it is known."""


def looks(text: str) -> Standing:
    """A judge of text that is the user's own, where every word stays that does not look machine-made."""
    return Standing.UNKNOWN if is_opaque(text) else Standing.FIELD


def concealed(text: str, conceal: Conceal, link: Callable[[str], str], judge: Judge) -> str:
    """`text` with every piece replaced that `judge` does not know, or that stands where secrets do.

    `link` gets the URLs in it, gives what to show. Neighbouring words that are not known become one piece.
    """
    reading = _Reading(conceal, judge)
    at = 0
    while piece := _PIECE.search(text, at):
        reading.between(text[at : piece.start()])
        at = piece.end()
        match piece.lastgroup:
            case "url":
                url = piece.group().rstrip(".,;:!?)]}")
                at = piece.start() + len(url)
                reading.done(link(url))
            case "mail":
                reading.done(conceal(piece.group(), "mail"))
            case "blank":
                reading.done(piece["scheme"])
                reading.between(piece["blank"])
                at = _behind(text, at, _after_scheme(piece["scheme"], judge), reading, conceal)
            case "mark":
                key = piece["key"]
                reading.run(key)
                reading.between(piece["mark"])
                if SECRET_NAME.search(key):
                    at = _behind(text, at, _after_key(key, piece["mark"], judge), reading, conceal)
            case "address" if _is_address(piece.group().strip("[]")):
                reading.done(piece.group())
            case "digest" | "plural" | "colour":
                reading.done(piece.group())
            case "given" if judge(piece.group()):
                reading.done(piece.group())
            case _ if found := _HASH.search(piece.group()):
                # Behind the name of what it is the digest of, mostly.
                reading.run(piece.group()[: found.start()])
                reading.done(found.group())
                at = piece.start() + found.end()
            case _:
                reading.run(piece.group())
    reading.between(text[at:])
    return reading.shown()


def _is_address(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


class _Reading:
    """The pieces of a text in order: what is shown as it is, what is not known, numbers."""

    def __init__(self, conceal: Conceal, judge: Judge) -> None:
        self._conceal = conceal
        self._judge = judge
        self._shown: list[str] = []
        self._unknown: list[str] = []
        """What becomes one mark, with what stands between."""
        self._numbers: list[str] = []
        """The same of numbers, which stay if they are few."""
        self._count = 0
        self._gap = ""

    def between(self, text: str) -> None:
        """Blanks and punctuation."""
        self._gap += text

    def done(self, text: str) -> None:
        """A piece that was judged."""
        self._flush()
        self._shown.append(text)

    def run(self, text: str) -> None:
        """One or several words without a blank between them."""
        core = text.strip(_AROUND_RUN)
        if not core or _LETTERLESS.fullmatch(core):
            return self._add(text, Standing.FIELD if len(text) <= _MOST_SIGNS else Standing.UNKNOWN, is_sign=True)
        begin = text.index(core)
        self.between(text[:begin])
        known = self._standing(core)
        if known is Standing.UNKNOWN and _JOINT.search(core):
            self._joined(core)
        else:
            self._add(core, known)
        self.between(text[begin + len(core) :])
        return None

    def _standing(self, core: str) -> Standing:
        known = self._judge(core)
        if known is Standing.UNKNOWN and "%" in core and (plain := unquote_plus(core)) != core:
            words = [word for word in _NO_WORD.split(plain) if word]
            known = min(map(self._judge, words), default=Standing.UNKNOWN)
        return known

    def _joined(self, core: str) -> None:
        """Words with signs between them. If one is not known, its neighbours stay only if they are of the field."""
        pieces = _JOINT.split(core)
        known = [self._atom(pieces, at) for at in range(0, len(pieces), 2)]
        whole = Standing.UNKNOWN not in known and not ("@" in core and Standing.ENGLISH in known)
        if not whole and _INSIDE_SECRETS.search(core):
            known, pieces = [Standing.UNKNOWN], [core]
        weak = (Standing.ENGLISH, Standing.NUMBER) if known.count(Standing.UNKNOWN) > 1 else (Standing.ENGLISH,)
        if not whole and is_opaque(core):
            # As a whole, so that it is recognised wherever it stands.
            return self._add(core, Standing.UNKNOWN)
        for at, one in enumerate(known):
            if at:
                self.between(pieces[2 * at - 1])
            if pieces[2 * at]:
                self._add(pieces[2 * at], one if whole or one not in weak else Standing.UNKNOWN)
        return None

    def _atom(self, pieces: list[str], at: int) -> Standing:
        piece = pieces[at]
        if at > 1 and _SHORT_COMMIT.fullmatch(piece) and pieces[at - 2].endswith(("commit", "revision", "build")):
            return Standing.FIELD
        bare = piece.strip(_AROUND_RUN)
        return self._judge(bare) if bare else Standing.FIELD

    def _add(self, text: str, known: Standing, *, is_sign: bool = False) -> None:
        if known is Standing.UNKNOWN:
            self._few()
            if self._unknown and not (_BETWEEN.fullmatch(self._gap) and not is_opaque(text)):
                self._flush()
            if self._unknown:
                self._unknown += (self._gap, text)
            else:
                self._shown.append(self._gap)
                self._unknown.append(text)
            self._gap = ""
            if is_opaque(text):
                self._flush()
        elif known is Standing.NUMBER:
            self._end_unknown()
            self._numbers += (self._gap, text)
            # An address counts as two, and so does a letter.
            self._count += 1 + text.count(".") // 2 if text.replace(".", "").isdigit() else 2
            self._gap = ""
        elif is_sign:
            self.between(text)
        else:
            self._flush()
            self._shown.append(text)

    def _few(self) -> None:
        codes = self._numbers[1::2]
        spelled = len(codes) >= _FEWEST_CODES and all(map(_LETTER_CODE.fullmatch, codes))
        if spelled or self._count > _MOST_NUMBERS:
            self._shown += (self._numbers[0], self._conceal("".join(self._numbers[1:]), "val"))
        else:
            self._shown += self._numbers
        self._numbers = []
        self._count = 0

    def _end_unknown(self) -> None:
        if self._unknown:
            self._shown.append(self._conceal("".join(self._unknown), "val"))
            self._unknown = []

    def _flush(self) -> None:
        self._end_unknown()
        self._few()
        self._shown.append(self._gap)
        self._gap = ""

    def shown(self) -> str:
        """The whole."""
        self._flush()
        return "".join(self._shown)


def _after_scheme(scheme: str, judge: Judge) -> Callable[[str], bool]:
    # "Token" and "Digest" begin many an ordinary phrase.
    if scheme.lower() in ("token", "digest"):
        return lambda value: _is_plain(value, judge) or "=" in value
    return lambda value: value.rstrip(_ENDS).lower() in _PLAIN_AFTER_SCHEME or "=" in value.rstrip("=")


def _after_key(key: str, mark: str, judge: Judge) -> Callable[[str], bool]:
    if _CERTAIN.search(key) or "=" in mark or mark[0] in "\"'":
        return lambda value: value in ("null", "true", "false")
    return lambda value: _is_plain(value, judge)


def _is_plain(value: str, judge: Judge) -> bool:
    """Whether it is a word or two, short, with nothing that looks machine-made."""
    bare = value.rstrip(_ENDS)
    if len(bare) > 48 or len(_SEPARATORS.split(bare)) > 2 or is_opaque(bare):
        return False
    return all(map(judge, filter(None, _JOINT.split(bare)[::2])))


def _behind(text: str, at: int, is_plain: Callable[[str], bool], reading: _Reading, conceal: Conceal) -> int:
    """Deal with the value at `at`; gives the position from which to go on."""
    value = _QUOTED.match(text, at) or _BARE.match(text, at)
    if value is None:
        return at
    held = value[value.lastindex or 0]
    if is_plain(held) or _SHORT_DIGEST.match(held):
        return at
    reading.between(text[at : value.start(value.lastindex or 0)])
    reading.done(conceal(held, "val"))
    return value.end()
