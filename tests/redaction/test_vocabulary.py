"""What somebody else says is shown by its words: messages stay readable, a secret in no spelling whatever is shown."""

from __future__ import annotations

import base64
import codecs
import unicodedata
from collections import Counter
from collections.abc import Callable
from importlib import import_module, resources
from pkgutil import iter_modules

import pytest

from kit.messages import wire
from kit.places import PLACES, planted
from kit.tables import plain, redactor, table
from regauth_core import rules
from regauth_core.conversation import engines
from regauth_core.recording.observe import observe
from regauth_core.redaction import vocabulary
from regauth_core.redaction.redactor import Redactor
from regauth_core.redaction.vocabulary import Standing, is_known, standing

MESSAGES = table("messages.yaml")


def listening() -> Redactor:
    """Of which a client has asked for an image."""
    one = redactor()
    one.requested_host("registry.example.com", 443)
    one.repository("team/app")
    one.reference("v1.2.3")
    return one


def test_real_messages_stay_readable() -> None:
    """Of a hundred words of what registries, proxies and clients say, ninety-eight and more stay."""
    one = listening()
    said = Counter(word for _, text in MESSAGES for word in text.split())
    shown = Counter(word for _, text in MESSAGES for word in one.text(text).split())
    lost = said - shown
    assert sum(lost.values()) * 50 <= sum(said.values()), lost


@pytest.mark.parametrize("who", sorted({who for who, _ in MESSAGES}))
def test_no_product_becomes_unreadable(who: str) -> None:
    """Nobody's messages pay for those of the others: three of four words stay of each."""
    one = listening()
    for text in (text for said_by, text in MESSAGES if said_by == who):
        lost = Counter(text.split()) - Counter(one.text(text).split())
        assert sum(lost.values()) * 4 <= len(text.split()) or len(text.split()) < 4, one.text(text)


KNOWN = """
authentication UNAUTHORIZED MANIFEST_UNKNOWN insufficient_scope fetchToken up-to-date out-of-range user's doesn't
docker-24.0 v1.6.20~ds1 6.1.0-13-amd64 1.2.3-rc.1 10.0.0.1 2024-01-01 5m0s 10MB 99.9% u292 GitHub OAuth2 IPv6 OpenID
registry-1.docker.io europe-west1-docker.pkg.dev x-request-id X-Powered-By AWS4-HMAC-SHA256 aws4_request
vnd.docker.distribution.manifest.list.v2+json RELEASE.2024-01-01T00-00-00Z v0.0.0-20230121012942-c1716e8a8d01
"""


@pytest.mark.parametrize("word", KNOWN.split())
def test_words_numbers_versions_and_their_compounds_are_known(word: str) -> None:
    """All parts are, and one is of the field, or it is short."""
    assert is_known(word)


UNKNOWN = """
u0065 u0041 u006b
tannenbaum TANNENBAUM tannenbaum-leiter-kw correct-horse-battery correct-horse-battery-staple Password1 Summer2024
dragon-2024 sEcReT t-a-n-n-e-n s.e.c.r.e.t cGFzc3dvcmQ dGFubmVu 74616e6e deadbeef 0x74616e6e 116.97.110.110.101
12345678901 AF2XxZ e28d98ac666a Kx83hf user@home pass!word pass$word éclair 密码 tan\u200bnen
"""


@pytest.mark.parametrize("word", UNKNOWN.split())
def test_everything_else_is_not(word: str) -> None:
    """Names, pass phrases of several words, words with digits glued to them, numbers too long, other alphabets."""
    assert standing(word) is Standing.UNKNOWN


# An echo of a secret, in whatever spelling.

SECRETS = ("tannenbaum-leiter-kw", "Kx83hfQpLm29wz", "hunter22zulu", "Sommer!Kx83hf", "zwölf Boxkämpfer")


def _codes(form: str, between: str) -> Callable[[str], str]:
    return lambda secret: between.join(form.format(code) for code in secret.encode())


SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "rot13": lambda secret: codecs.encode(secret, "rot13"),
    "backwards": lambda secret: secret[::-1],
    "upper case": str.upper,
    "swapped case": str.swapcase,
    "hex": lambda secret: secret.encode().hex(),
    "hex, colons": _codes("{:02x}", ":"),
    "hex, blanks": _codes("{:02x}", " "),
    "hex, upper case": _codes("{:02X}", "-"),
    "0x": _codes("0x{:02x}", ", "),
    "decimal": _codes("{}", " "),
    "decimal, commas": _codes("{}", ","),
    "decimal, dots": _codes("{}", "."),
    "octal": _codes("\\{:o}", ""),
    "binary": _codes("{:08b}", " "),
    "html": _codes("&#{};", ""),
    "percent": _codes("%{:02X}", ""),
    "percent twice": _codes("%25{:02X}", ""),
    "unicode escapes": _codes("\\u00{:02x}", ""),
    "base32": lambda secret: base64.b32encode(secret.encode()).decode(),
    "base32, lower case": lambda secret: base64.b32encode(secret.encode()).decode().lower(),
    "base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "base64 of UTF-16": lambda secret: base64.b64encode(secret.encode("utf-16")).decode(),
    "base85": lambda secret: base64.b85encode(secret.encode()).decode(),
    "uuencoded": lambda secret: codecs.encode(secret.encode(), "uu").decode().splitlines()[1],
    "decomposed": lambda secret: unicodedata.normalize("NFD", secret),
    "mojibake": lambda secret: secret.encode().decode("latin-1"),
    "full width": lambda secret: "".join(chr(ord(s) + 0xFEE0) if "!" <= s <= "~" else s for s in secret),
    "spelled": " ".join,
    "spelled, hyphens": "-".join,
    "spelled, slashes": "/".join,
    "spelled, zero width": "\u200b".join,
    "every other letter": lambda secret: secret[::2] + " " + secret[1::2],
    "Caesar": lambda secret: "".join(chr(ord(s) + 1) if s.isascii() and s.isalpha() else s for s in secret),
    "leet": lambda secret: secret.translate(str.maketrans("aeios", "43105")),
    "punycode": lambda secret: secret.encode("punycode").decode(),
    "quoted printable": lambda secret: codecs.encode(secret.encode(), "quopri").decode(),
    "repr of bytes": lambda secret: repr(secret.encode()),
}


def said(one: Redactor, text: str) -> list[str]:
    """What is shown of `text` in each place that the other side fills with words."""
    return [
        one.text(f"bad login with {text} twice"),
        one.text(f'{{"message":"{text}"}}'),
        one.header("Server", f"nginx ({text})"),
        one.header("Warning", f'299 - "{text}"'),
        one.header("User-Agent", f"docker/24.0 {text}"),
        one.header("WWW-Authenticate", f'Basic realm="{text}"'),
        one.header("WWW-Authenticate", f'Bearer realm="https://auth.test/token",error_description="{text}"'),
        one.header("WWW-Authenticate", text),
        one.parameter("bearer", "service", text),
        one.scopes(text),
        one.word(text),
        one.place(text),
    ]


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("secret", SECRETS)
def test_nobody_thought_of_this_spelling(secret: str, spelling: str) -> None:
    """A secret that nobody knows as one is not shown, nor six letters and digits in a row of any spelling of it."""
    text = SPELLINGS[spelling](secret)
    bare = squeezed(text)
    pieces = {bare[at : at + 6] for at in range(max(1, len(bare) - 5))}
    for shown in said(redactor(), text):
        assert [piece for piece in pieces if piece in squeezed(plain(shown).replace("<val>", "|"))] == [], shown


def squeezed(text: str) -> str:
    """Its letters and digits, and what marks where something is gone."""
    return "".join(sign for sign in text.lower() if sign.isalnum() or sign == "|")


# Other languages.


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Zugriff verweigert: Anmeldung erforderlich", "<val>"),
        ("L'accès à la ressource demandée est refusé (403)", "L'<val> est <val> (403)"),
        ("访问被拒绝，请登录", "<val>"),
        ("доступ запрещён for team/app", "<val> for team/app"),
    ],
)
def test_words_of_other_languages_become_few_marks(text: str, shown: str) -> None:
    """What cannot be judged is short at least; names that were asked for stand out."""
    assert plain(listening().text(text)) == shown


# Names.


def test_names_that_the_client_asked_for_are_shown_in_sentences() -> None:
    """The same name is unknown as long as nobody has."""
    sentence = "no quokka/wombat:k7 at numbat.test:5000"
    assert plain(redactor().text(sentence)) == "no <val> at <val>:5000"
    one = redactor()
    one.requested_host("Numbat.test", 443)
    one.repository("quokka/wombat")
    one.reference("k7")
    assert one.text(sentence) == sentence


def test_a_name_that_an_answer_brings_up_is_not_the_clients() -> None:
    """Also where the client repeats it: a registry cannot have a word shown by naming a repository so."""
    one = redactor()
    one.parameter("bearer", "scope", "repository:quokka/app:pull")
    assert plain(one.requested_scopes("repository:quokka/app:pull")) == "repository:<seg>/app:pull"
    assert plain(one.repository("quokka/app")) == "<seg>/app"
    assert plain(one.text("no quokka")) == "no <val>"


def test_the_scope_of_a_client_that_asked_first_is_shown() -> None:
    """Many ask for a token right after the ping."""
    one = redactor()
    assert one.requested_scopes("repository:quokka/app:pull") == "repository:quokka/app:pull"
    assert one.parameter("bearer", "scope", "repository:quokka/app:pull") == "repository:quokka/app:pull"


def test_a_name_that_looks_machine_made_is_never_shown() -> None:
    """Whoever asks for it: a token ends up in a path by mistake."""
    one = redactor()
    assert plain(one.repository("team/9f86d081884c7d659a2feaa0c55ad015")) == "team/<tok>"
    assert plain(one.reference("9f86d081-884c-4d65-9a2f-eaa0c55ad015")) == "<tok>"


# What the diagnosis reads.


def test_marks_of_engines_are_known() -> None:
    """An engine is recognised by words that redaction leaves."""
    one = redactor()
    for mark, _ in engines._AGENT_MARKS:
        assert mark.strip() in one.text(f"{mark}1.2.3" if mark.endswith("/") else mark)
    for name in engines._CLIENT_ID_MARKS:
        assert one.text(name) == name


def words_of_rules() -> list[str]:
    """The phrases by which rules recognise what a server says."""
    modules = [import_module(f"{rules.__name__}.{found.name}") for found in iter_modules(rules.__path__)]
    held = [value for module in modules for name, value in vars(module).items() if name.endswith("_WORDS")]
    return sorted({word for value in held if isinstance(value, tuple) for word in value})


@pytest.mark.parametrize("phrase", words_of_rules())
def test_phrases_that_rules_look_for_are_known(phrase: str) -> None:
    """Redaction hides no finding."""
    assert redactor().text(f"it is {phrase} here") == f"it is {phrase} here"


@pytest.mark.parametrize("forged", ["<tok:deadbeef>", "[pw:7461626c]", "tok:deadbeef", "<val:abcdefab> x"])
def test_a_forged_fingerprint_is_not_shown(forged: str) -> None:
    """Eight digits look like one of ours only if we gave them."""
    assert forged.strip("<>[] x")[-8:] not in redactor().text(f"bad {forged}")


def test_a_fingerprint_of_ours_stays() -> None:
    """In a sentence that names a secret by it, and where a sweep put it."""
    one = redactor()
    one.remember("tannenbaum-leiter-kw")
    mark = one.sweep("tannenbaum-leiter-kw")[0]
    assert one.text(f"bad {mark} and tannenbaum-leiter-kw") == f"bad {mark} and {mark}"


def test_a_method_is_a_word() -> None:
    """A client that mixes up its arguments may send anything for one."""
    exchange = observe(wire("/v2/", method="TANNENBAUM"), redactor())
    assert plain(exchange.request.method) == "<val>"
    assert observe(wire("/v2/", method="PROPFIND"), redactor()).request.method == "PROPFIND"


# The lists.


def test_the_lists_are_in_order_and_have_their_licence() -> None:
    """Sorted, lower case, no word twice, and small words are no compound's excuse."""
    folder = resources.files(vocabulary.__package__).joinpath("words")
    words = folder.joinpath("english.txt").read_text("ascii").splitlines()
    assert words == sorted(set(words))
    assert 20_000 < len(words) < 50_000
    assert all(word == word.lower() for word in words)
    assert "Kevin Atkinson" in folder.joinpath("LICENSE.english").read_text("utf-8")
    assert not vocabulary.field() & vocabulary.SMALL


# All places together.

CHOSEN = {"change", "program", "label", "tag", "scope"}
"""What the user's side says, and names that a client asks for."""


@pytest.mark.parametrize("place", [place for place in PLACES if place not in CHOSEN])
@pytest.mark.parametrize("secret", SECRETS[:2])
def test_no_place_shows_any_spelling(secret: str, place: str) -> None:
    """Paths, queries, names of all sorts, challenges, bodies, pages: not six letters and digits in a row."""
    for name, spelled in SPELLINGS.items():
        bare = squeezed(spelled(secret))
        pieces = {bare[at : at + 6] for at in range(max(1, len(bare) - 5))}
        shown = squeezed(plain(repr(observe(planted(place, spelled(secret)), redactor()))))
        # Times and sizes of the exchange itself are made of the same digits.
        assert name == "binary" or [piece for piece in pieces if piece in shown] == [], name
